"""What the authority sees of all agencies at once: how old open cases are, what falls due, how cases fared.

Counted over the docket only, in a few questions whatever the number of agencies: no schema is entered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final

from django.db.models import CharField, Count, Q, QuerySet, Value
from django.db.models.functions import TruncWeek

from register import clock
from register.models import DocketEntry
from review.numbers import BANDS, Period, earliest_day
from review.queue import FARED, Fared
from review.states import Clock
from tenants.models import Agency

# How many working days ahead one sees what falls due.
AHEAD: Final = 10
# What is counted by the week, and in which column of the docket its day stands.
STEPS: Final[Mapping[str, str]] = {
    "lodged": "lodged_on",
    "reported": "reported_on",
    "decided": "decided_on",
}


@dataclass(frozen=True, slots=True)
class Band:
    """A band of age: lodged on one of these days; an open end has none."""

    since: date | None
    until: date | None


@dataclass(frozen=True, slots=True)
class Load:
    """The open cases of one agency by their age, youngest first, and how many are overdue."""

    ages: tuple[int, ...]
    overdue: int

    @property
    def total(self) -> int:
        return sum(self.ages)

    @property
    def worst_first(self) -> tuple[int, ...]:
        return (-self.overdue, *(-number for number in reversed(self.ages)))


@dataclass(frozen=True, slots=True)
class Breach:
    """The deadlines of one clock that are over now, and the oldest of them."""

    number: int
    oldest: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fares:
    """How the cases of one agency fared in a period; each pair is a part and its whole."""

    lodged: int = 0
    corrected: int = 0
    reported: int = 0
    remanded: int = 0
    decided: int = 0
    overturned: int = 0

    @property
    def nothing(self) -> bool:
        return not (self.lodged or self.reported or self.decided)


@dataclass(frozen=True, slots=True, kw_only=True)
class Oversight:
    """Everything the page tells."""

    agencies: Sequence[Agency]
    bands: Sequence[Band]
    loads: Mapping[int, Load]
    breaches: Mapping[str, Breach]
    # Days on which something may fall due, today first, and how much does by clock.
    days: Sequence[date]
    due: Mapping[tuple[date, str], int]
    weeks: Sequence[tuple[date, Mapping[str, int]]]
    fares: Mapping[int, Fares]


def overlook(period: Period, *, channel: str = "") -> Oversight:
    """The figures of all agencies, or of those of one channel. Five questions to the database."""
    lines = DocketEntry.objects.order_by()
    agencies = Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).order_by("number")
    if channel:
        lines, agencies = lines.filter(agency__kind=channel), agencies.filter(kind=channel)
    bands = age_bands()
    last = clock.add_working_days(clock.today(), AHEAD).day
    due = _due(lines, last)
    return Oversight(
        agencies=list(agencies.only("code", "name_zh", "name_en", "number", "kind")),
        bands=bands,
        loads=_loads(lines, bands),
        breaches=_breaches(due),
        days=_days(due, last),
        due=due,
        weeks=_weeks(lines, period),
        fares=_fares(lines, period.mondays[0]),
    )


# --- In hand -------------------------------------------------------------------------------------------


def age_bands() -> list[Band]:
    """The bands of age in working days since lodging, youngest first, as days of lodging."""
    edges = [earliest_day(days) for days in BANDS]
    inner = [Band(later, sooner - clock.ONE_DAY) for sooner, later in pairwise(edges)]
    return [Band(edges[0], None), *inner, Band(None, edges[-1] - clock.ONE_DAY)]


def _loads(lines: QuerySet[DocketEntry], bands: Sequence[Band]) -> dict[int, Load]:
    counts = {
        f"band{place}": Count("state", filter=_within("lodged_on", band)) for place, band in enumerate(bands)
    }
    rows = (
        lines.filter(open=True)
        .values_list("agency_id")
        .annotate(**counts, overdue=Count("state", filter=Q(due_on__lt=clock.today())))
    )
    return {agency: Load(tuple(ages), overdue) for agency, *ages, overdue in rows}


def _within(column: str, band: Band) -> Q:
    bounds = {f"{column}__gte": band.since, f"{column}__lte": band.until}
    return Q(**{name: day for name, day in bounds.items() if day})


# --- Deadlines -----------------------------------------------------------------------------------------


def _due(lines: QuerySet[DocketEntry], last: date) -> dict[tuple[date, str], int]:
    """How many deadlines end on which day by clock, up to `last`; those long over included."""
    rows = lines.filter(due_on__lte=last).exclude(clock="").values_list("due_on", "clock")
    return {(day, which): number for day, which, number in rows.annotate(number=Count("state"))}


def _breaches(due: Mapping[tuple[date, str], int]) -> dict[str, Breach]:
    over: dict[str, list[tuple[date, int]]] = {which.value: [] for which in Clock}
    for (day, which), number in due.items():
        if clock.is_past(day):
            over[which].append((day, number))
    return {
        which: Breach(sum(number for _day, number in found), min((day for day, _n in found), default=None))
        for which, found in over.items()
    }


def _days(due: Mapping[tuple[date, str], int], last: date) -> list[date]:
    """Today and the working days ahead; a day off too, where something falls due on it all the same."""
    today = clock.today()
    days = {today, *(day for day, _which in due if today <= day <= last)}
    day = today
    while (day := day + clock.ONE_DAY) <= last:
        if clock.is_working_day(day):
            days.add(day)
    return sorted(days)


# --- The way of the cases ------------------------------------------------------------------------------


def _weeks(lines: QuerySet[DocketEntry], period: Period) -> list[tuple[date, dict[str, int]]]:
    bounds = (period.mondays[0], clock.today())
    steps: list[QuerySet[Any, Any]] = [
        lines.filter(**{f"{column}__range": bounds})
        .values_list(TruncWeek(column), Value(step, output_field=CharField()))
        .annotate(number=Count("state"))
        for step, column in STEPS.items()
    ]
    found: Counter[tuple[date, str]] = Counter()
    for week, step, number in steps[0].union(*steps[1:], all=True):
        found[week, step] += number
    return [(monday, {step: found[monday, step] for step in STEPS}) for monday in period.mondays]


def _fares(lines: QuerySet[DocketEntry], since: date) -> dict[int, Fares]:
    """How the cases fared that were lodged, reported or decided since that day, each by its own event."""
    lodged, reported, decided = (
        Q(**{f"{column}__range": (since, clock.today())}) for column in STEPS.values()
    )
    counts = {
        "lodged": lodged,
        "corrected": lodged & FARED[Fared.CORRECTED],
        "reported": reported,
        "remanded": reported & FARED[Fared.REMANDED],
        "decided": decided,
        "overturned": decided & FARED[Fared.OVERTURNED],
    }
    rows = (
        lines.filter(lodged | reported | decided)
        .values_list("agency_id")
        .annotate(**{name: Count("state", filter=each) for name, each in counts.items()})
    )
    return {agency: Fares(**dict(zip(counts, numbers, strict=True))) for agency, *numbers in rows}
