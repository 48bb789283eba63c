"""Public verification by code (执业证验证): how the registration of a certificate stands on the day one asks.

A narrow function across the wall answers for one code at a time; nothing can be listed or searched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from register import clock, lookup
from register.lookup import Card

_ASK: Final = "SELECT * FROM public.certificate_by_code(%s)"


class Use(models.TextChoices):
    """What this very edition is today, beside the state of the registration."""

    IN_USE = "in_use", _("现行证书")
    TO_COME = "to_come", _("现行证书，有效期尚未开始")
    REPLACED = "replaced", _("已由补发的证书替换，本证作废")
    SUPERSEDED = "superseded", _("已由后来注册的证书替换")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What the code of a certificate tells everybody: the registration as it stands, and this edition."""

    card: Card
    use: Use
    edition: int
    issued_on: date
    # Of the registration that the certificate names: what is printed on it.
    valid_from: date
    valid_to: date
    replaced_at: datetime | None

    @property
    def counts(self) -> bool:
        """Whether this edition is the one to show."""
        return self.use in {Use.IN_USE, Use.TO_COME}


def verify(code: str) -> Verified | None:
    """The certificate with this code as it stands today; None where there is none. Nothing else is told."""
    rows = lookup.ask(_ASK, code)
    if not rows:
        return None
    named = next(row for row in rows if row["named"])
    return Verified(
        card=lookup.card_of(rows),
        use=_use(rows, named),
        edition=named["edition"],
        issued_on=named["issued_on"],
        valid_from=named["valid_from"],
        valid_to=named["valid_to"],
        replaced_at=named["void_at"],
    )


def _use(rows: Sequence[Mapping[str, Any]], named: Mapping[str, Any]) -> Use:
    if named["void_at"] is not None:
        return Use.REPLACED
    today = clock.today()
    later = rows[rows.index(named) + 1 :]
    if any(row["valid_from"] <= today for row in later):
        return Use.SUPERSEDED
    return Use.TO_COME if named["valid_from"] > today else Use.IN_USE
