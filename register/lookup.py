"""Public verification (注册查询): who knows name and certificate number learns how a registration stands.

A narrow function across the wall answers; nothing can be listed or searched, and a wrong name is answered as
a wrong number is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext_lazy as _

from register import clock, codes, names, policy
from register.announcing import shown_name
from register.models import Kind
from register.standing import OPEN, Period, Standing, Status, open_line
from tenants.models import Agency

_NUMBER: Final = re.compile(r"\d{11}", re.ASCII)
_ASK: Final = "SELECT * FROM public.public_registration(%s, %s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What everybody may know of a registration."""

    number: str
    name: str
    status: Status
    category: str
    employer_name: str
    agency: Agency | None
    first_registered_on: date
    valid_from: date
    valid_to: date
    ended_on: date | None
    on: date


def check_number(text: str) -> str:
    """The number of a registration certificate as somebody typed it. Raises ValidationError."""
    number = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
    if not _NUMBER.fullmatch(number):
        raise ValidationError(_("执业证编号应为 11 位数字，请对照证书填写。"), code="number")
    return number


def find(*, number: str, name: str) -> Card | None:
    """The registration under this certificate number, if it is this person's; None for anything else.

    Its state is that of today: it follows from all periods granted under the number, and from an open
    application that suspends practice or lets it go on.
    """
    rows = ask(_ASK, number, names.normalise(name))
    return card_of(rows) if rows else None


def card_of(rows: Sequence[Mapping[str, Any]]) -> Card:
    """What everybody may know of a registration, from all periods under its number in the order granted."""
    today, rules = clock.today(), policy.current()
    standing = Standing(
        periods=tuple(_period(row) for row in rows),
        open=open_line(*(rows[0][name] for name in OPEN)),
    )
    begun = [row for row in rows if row["valid_from"] <= today] or rows
    held = begun[-1]
    return Card(
        number=held["number"],
        name=shown_name(held["name"], rules),
        status=standing.status(today, rules.renewal_open_months),
        category=codes.label("category", held["category"]),
        employer_name=held["employer_name"],
        agency=Agency.objects.filter(pk=held["agency_id"]).first(),
        first_registered_on=held["first_registered_on"],
        valid_from=held["valid_from"],
        valid_to=held["valid_to"],
        ended_on=held["ended_on"],
        on=today,
    )


def ask(question: str, *words: str) -> list[dict[str, Any]]:
    """The rows with which a function of the walls answers."""
    with connection.cursor() as cursor:
        cursor.execute(question, list(words))
        columns = [column.name for column in cursor.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def _period(row: Mapping[str, Any]) -> Period:
    return Period(
        kind=Kind(row["kind"]),
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        granted_on=row["granted_on"],
        ended_how=row["ended_how"],
        ended_on=row["ended_on"],
    )
