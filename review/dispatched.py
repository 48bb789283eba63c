"""Dispatches as the authority sees them: over the docket of all agencies (报送批次).

The docket keeps for each case the dispatch that brought it up last; what was sent stands in the agency's own
list, which never changes (`review.dispatching`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Right
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

from register.models import DocketEntry
from review.states import State
from tenants.models import Agency

PAGE_SIZE: Final = 50
WAITING: Final = _("待终审")
ALL: Final = _("全部")
# The end of a number, by which dispatches of all agencies stand in the order in which they were sent.
PLACE: Final = 12
DAY: Final = re.compile(r"-(\d{4})(\d{2})(\d{2})-\d+\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A dispatch: how many cases it holds still, how many wait for a decision or a signature, until when."""

    number: str
    agency: str
    day: date | None
    total: int
    waiting: int
    signing: int
    due_on: date | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of dispatches, and the number of the last one where there are more."""

    rows: tuple[Sent, ...]
    next: str


def page(
    *, waiting: bool, agency: str = "", number: str = "", after: str = "", size: int = PAGE_SIZE
) -> Page:
    """The dispatches after the one numbered `after`.

    `waiting`: only those with cases that wait for a decision, the oldest first; else all, the latest first.
    """
    lines = DocketEntry.objects.exclude(dispatch_number="")
    if waiting:
        lines = lines.filter(open=True, state=State.REPORTED)
    if agency:
        lines = lines.filter(agency__code=agency)
    if number:
        lines = lines.filter(dispatch_number__startswith=number.upper())
    numbers = _numbers(lines, after=after, backwards=not waiting, size=size + 1)
    return Page(_counted(numbers[:size]), numbers[size - 1] if len(numbers) > size else "")


def _numbers(lines: QuerySet[DocketEntry], *, after: str, backwards: bool, size: int) -> list[str]:
    lines = lines.annotate(place=Right("dispatch_number", PLACE))
    if after:
        side, place = "lt" if backwards else "gt", after[-PLACE:]
        beside = Q(place=place, **{f"dispatch_number__{side}": after})
        lines = lines.filter(Q(**{f"place__{side}e": place}) & (beside | Q(**{f"place__{side}": place})))
    order = ("-place", "-dispatch_number") if backwards else ("place", "dispatch_number")
    found = lines.order_by(*order).values_list("place", "dispatch_number").distinct()
    return [number for _place, number in found[:size]]


def _counted(numbers: Sequence[str]) -> tuple[Sent, ...]:
    reported = Q(state=State.REPORTED)
    rows: dict[str, dict[str, Any]] = {
        row["dispatch_number"]: dict(row)
        for row in DocketEntry.objects.filter(dispatch_number__in=numbers)
        .order_by()
        .values("dispatch_number")
        .annotate(
            total=Count("pk"),
            waiting=Count("pk", filter=reported),
            signing=Count("pk", filter=Q(awaits_signature=True)),
            due=Min("due_on", filter=reported),
            sender=Min("agency_id"),
        )
    }
    senders = Agency.objects.in_bulk({row["sender"] for row in rows.values()})
    return tuple(_sent(rows[number], senders) for number in numbers if number in rows)


def _sent(row: dict[str, Any], senders: dict[int, Agency]) -> Sent:
    return Sent(
        number=row["dispatch_number"],
        agency=senders[row["sender"]].name,
        day=day_of(row["dispatch_number"]),
        total=row["total"],
        waiting=row["waiting"],
        signing=row["signing"],
        due_on=row["due"],
    )


def day_of(number: str) -> date | None:
    """The day on which a dispatch was sent, which stands in its number."""
    found = DAY.search(number)
    try:
        return parse_date("-".join(found.groups())) if found else None
    except ValueError:
        return None


def sender_of(number: str) -> Agency | None:
    """The agency that sent a dispatch of this number; None when there is none such.

    By its lines, or by the number itself where no case carries it any more.
    """
    line = DocketEntry.objects.filter(dispatch_number=number).select_related("agency").first()
    if line is not None:
        return line.agency
    schema = number.partition("-")[0].lower()
    agencies = Agency.objects.exclude(kind=Agency.Kind.AUTHORITY)
    return agencies.filter(schema_name=schema).first()
