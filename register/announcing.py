"""Announcements (注册公告): batches of granted registrations as everybody may read them.

A line keeps what was announced on the day; no document number stands in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext_lazy as _

from register import names
from register.models import Batch, BatchLine, Registration
from register.policy import Policy
from tenants.errors import Refusal

PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines of a batch, and between which numbers others stand."""

    lines: tuple[BatchLine, ...]
    before: str | None
    after: str | None


def published() -> QuerySet[Batch]:
    """The published batches, newest first, with how many people each announces."""
    found = Batch.objects.filter(published_on__isnull=False).annotate(people=Count("lines"))
    return found.order_by("-published_on", "-number")


def page_of(batch: Batch, *, after: str = "", before: str = "", size: int = PAGE_SIZE) -> Page:
    """The lines of a batch in the order of certificate numbers, after or before one of them."""
    lines = BatchLine.objects.filter(batch=batch).select_related("agency").order_by("number", "pk")
    if before:
        found = list(lines.filter(number__lt=before).reverse()[: size + 1])
        rows, behind, ahead = found[:size][::-1], len(found) > size, True
    else:
        found = list((lines.filter(number__gt=after) if after else lines)[: size + 1])
        rows, behind, ahead = found[:size], bool(after), len(found) > size
    if not rows:
        return Page((), None, None)
    return Page(
        tuple(rows),
        before=rows[0].number if behind else None,
        after=rows[-1].number if ahead else None,
    )


def shown_name(name: str, rules: Policy) -> str:
    """A name on a public page: whole, or masked where the policy value `public_name_mask` says so."""
    return names.mask(name) if rules.public_name_mask else name


# --- The registrar ---------------------------------------------------------------------------------


def compose(*, number: str, title: str, registrations: Iterable[Registration]) -> Batch:
    """A new batch of these registrations, not public yet; each line says what the register says now."""
    with transaction.atomic():
        batch = Batch.objects.create(number=number, title=title)
        BatchLine.objects.bulk_create(
            BatchLine(
                batch=batch,
                registration=row,
                name=row.person.name,
                number=row.number,
                kind=row.kind,
                category=row.category,
                employer_name=row.employer_name,
                agency_id=row.agency_id,
            )
            for row in registrations
        )
    return batch


def publish(*, batch: Batch, on: date) -> None:
    """Make a batch public, once. Raises Refusal when it is, or when it names nobody."""
    if not batch.lines.exists():
        raise Refusal(_("这个批次还没有人员，不能公告。"), code="empty")
    changed = Batch.objects.filter(pk=batch.pk, published_on__isnull=True).update(published_on=on)
    if not changed:
        raise Refusal(_("这个批次已经公告。"), code="published")
    batch.published_on = on
