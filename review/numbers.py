"""The figures of an agency's desk: who has how much in hand, how old it is, how it moves, what comes back.

Counted where the rows are: the open cases, and the movements of the last weeks by their moment. What is older
is not read, so the page does not slow down with the agency's history. A case that was handed over belongs to
the figures of the agency that has it now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from statistics import median
from typing import Final

from django.db import connection
from django.db.models import Case as Choice
from django.db.models import CharField, Count, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import TruncDate

from register import clock
from review.models import Case, Correction, Movement, Opinion
from review.states import AT_AGENCY, EVERY, FIRST, OPEN, WORKING, State

# How many weeks one may look back.
PERIODS: Final = (4, 12, 52)
USUAL_PERIOD: Final = 12
# Work done is counted for so many calendar days.
LATELY: Final = timedelta(days=30)
ONE_WEEK: Final = timedelta(days=7)
# Upper ends of the bands of age, in working days since the application was lodged; the last has none.
BANDS: Final = (5, 10, 20, 40)
CLOSED: Final = EVERY - OPEN - {State.HANDED_OVER}
HERE: Final = ~Q(case__state=State.HANDED_OVER)

# Open cases by where they lie, in the order of the way; the names are those of the queue's tabs.
PLACES: Final[Mapping[str, frozenset[State]]] = {
    "submitted": frozenset({State.SUBMITTED}),
    "correction": frozenset({State.CORRECTION}),
    "working": WORKING,
    "passed": FIRST,
    "reported": frozenset({State.REPORTED}),
}

# What a movement counts for. An opinion counts when it takes effect: where two persons sign, with the second.
BECOMES_OPINION: Final = Q(to_state__in=FIRST) & ~Q(from_state__in=FIRST)
STEPS: Final[Mapping[str, Q]] = {
    "lodged": Q(act="lodge"),
    "accepted": Q(act__in=("accept", "deem_accept")),
    "opinions": BECOMES_OPINION,
    "referred": Q(act="refer"),
    "closed": Q(to_state__in=CLOSED, from_state__in=OPEN),
}


# --- The period --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Period:
    """So many weeks up to today; the last one, which began on Monday, is not over yet."""

    weeks: int

    @property
    def mondays(self) -> list[date]:
        """The first day of each week, the earliest first."""
        monday = _monday(clock.today())
        return [monday - ONE_WEEK * back for back in reversed(range(self.weeks))]

    @property
    def since(self) -> datetime:
        return midnight(self.mondays[0])


def period(text: str) -> Period:
    """The period that an address asks for; the usual one for anything else."""
    return Period(next((weeks for weeks in PERIODS if str(weeks) == text), USUAL_PERIOD))


def midnight(day: date) -> datetime:
    """When a day begins in Asia/Shanghai."""
    return datetime.combine(day, time.min, tzinfo=clock.SHANGHAI)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _moved(since: datetime) -> QuerySet[Movement]:
    return Movement.objects.filter(HERE, at__range=(since, clock.now())).order_by()


_DAY: Final = TruncDate("at", tzinfo=clock.SHANGHAI)


# --- In hand -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one holder has in hand and did lately; no holder: the cases that nobody has taken up."""

    holder: int | None
    in_hand: int = 0
    overdue: int = 0
    at_applicant: int = 0
    # In the last thirty days.
    accepted: int = 0
    returned: int = 0
    opinions: int = 0

    def with_(self, other: Load) -> Load:
        """The sum of both, under the first one's holder."""
        return Load(
            holder=self.holder,
            in_hand=self.in_hand + other.in_hand,
            overdue=self.overdue + other.overdue,
            at_applicant=self.at_applicant + other.at_applicant,
            accepted=self.accepted + other.accepted,
            returned=self.returned + other.returned,
            opinions=self.opinions + other.opinions,
        )


def loads() -> list[Load]:
    """Everybody who has cases in hand or did something lately, in no order; two queries."""
    found: dict[int | None, Load] = {}
    for holder, figures in [*_held(), *_done_lately()]:
        found[holder] = found.get(holder, Load(holder=holder)).with_(Load(holder=holder, **figures))
    return list(found.values())


def total(parts: Iterable[Load]) -> Load:
    """All of them together."""
    whole = Load(holder=None)
    for part in parts:
        whole = whole.with_(part)
    return whole


def _held() -> Iterable[tuple[int | None, dict[str, int]]]:
    here = Q(state__in=AT_AGENCY)
    rows = (
        Case.objects.filter(state__in=AT_AGENCY | {State.CORRECTION})
        .order_by()
        .values_list("assignee_id")
        .annotate(
            in_hand=Count("pk", filter=here),
            overdue=Count("pk", filter=here & Q(due_on__lt=clock.today())),
            at_applicant=Count("pk", filter=~here),
        )
    )
    for holder, in_hand, overdue, at_applicant in rows:
        yield holder, {"in_hand": in_hand, "overdue": overdue, "at_applicant": at_applicant}


def _done_lately() -> Iterable[tuple[int | None, dict[str, int]]]:
    rows = (
        _moved(clock.now() - LATELY)
        .filter(act__in=("accept", "not_accept", "send_back", "give_opinion"), actor_id__isnull=False)
        .values_list("actor_id")
        .annotate(
            accepted=Count("pk", filter=Q(act__in=("accept", "not_accept"))),
            returned=Count("pk", filter=Q(act="send_back")),
            opinions=Count("pk", filter=Q(act="give_opinion")),
        )
    )
    for holder, accepted, returned, opinions in rows:
        yield holder, {"accepted": accepted, "returned": returned, "opinions": opinions}


# --- Age ---------------------------------------------------------------------------------------------


def ages() -> dict[str, list[int]]:
    """For each place the number of open cases in each band of age, youngest first; one query."""
    bounds = [midnight(earliest_day(days)) for days in BANDS]
    counts = {
        f"band{place}": Count("pk", filter=band) for place, band in enumerate(_bands("lodged_at", bounds))
    }
    rows = Case.objects.filter(state__in=OPEN).order_by().values_list("state").annotate(**counts)
    by_state = {state: list(numbers) for state, *numbers in rows}
    nothing = [0] * len(counts)
    return {
        place: [sum(column) for column in zip(*(by_state.get(s, nothing) for s in states), strict=True)]
        for place, states in PLACES.items()
    }


def _bands(column: str, bounds: Sequence[datetime]) -> list[Q]:
    inner = [Q(**{f"{column}__gte": later, f"{column}__lt": sooner}) for sooner, later in pairwise(bounds)]
    return [Q(**{f"{column}__gte": bounds[0]}), *inner, Q(**{f"{column}__lt": bounds[-1]})]


def earliest_day(days: int) -> date:
    """The earliest day since which no more than so many working days have gone by."""
    day = clock.today()
    while True:
        days -= clock.is_working_day(day)
        if days < 0:
            return day
        day -= clock.ONE_DAY


# --- Throughput --------------------------------------------------------------------------------------


def throughput(asked: Period) -> list[tuple[date, dict[str, int]]]:
    """For each week its Monday and how many cases took each step; one query."""
    rows = (
        _moved(asked.since)
        .filter(_any(STEPS.values()))
        .values_list(_DAY)
        .annotate(**{step: Count("pk", filter=counts) for step, counts in STEPS.items()})
    )
    weeks = {monday: dict.fromkeys(STEPS, 0) for monday in asked.mondays}
    for day, *numbers in rows:
        week = weeks[_monday(day)]
        for step, number in zip(STEPS, numbers, strict=True):
            week[step] += number
    return list(weeks.items())


def _any(conditions: Iterable[Q]) -> Q:
    either = Q()
    for condition in conditions:
        either |= condition
    return either


# --- How long it takes -------------------------------------------------------------------------------


@dataclass(slots=True)
class Spans:
    """How many working days it took, as a tally: days → cases."""

    tally: Counter[int] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        return self.tally.total()

    @property
    def median(self) -> float | None:
        """None where there is none."""
        return median(self.tally.elements()) if self.tally else None


@dataclass(frozen=True, slots=True)
class Paces:
    """Working days from receipt to acceptance and to the opinion."""

    to_acceptance: Spans = field(default_factory=Spans)
    to_opinion: Spans = field(default_factory=Spans)


def paces(asked: Period) -> tuple[Paces, list[tuple[date, Paces]]]:
    """Over the whole period, and for each week; one query.

    Receipt is the day of lodging or, where the applicant answered a correction before acceptance, of that
    answer. Opinions given anew after the authority sent a case back are left out.
    """
    received = Movement.objects.filter(
        case=OuterRef("case"),
        act__in=("lodge", "resubmit"),
        to_state=State.SUBMITTED,
        number__lt=OuterRef("number"),
    ).order_by("-number")
    reached = STEPS["accepted"] | (BECOMES_OPINION & ~Q(from_state=State.SENT_BACK))
    rows = (
        _moved(asked.since)
        .filter(reached)
        .annotate(
            # Most cases are never corrected: these are not looked through.
            receipt=TruncDate(
                Choice(
                    When(case__corrections=0, then=F("case__lodged_at")),
                    default=Subquery(received.values("at")[:1]),
                ),
                tzinfo=clock.SHANGHAI,
            ),
            step=Choice(
                When(STEPS["accepted"], then=Value("to_acceptance")),
                default=Value("to_opinion"),
                output_field=CharField(),
            ),
        )
        .filter(receipt__isnull=False)
        .values_list("step", "receipt", _DAY)
        .annotate(n=Count("pk"))
    )
    whole, weeks = Paces(), {monday: Paces() for monday in asked.mondays}
    found = list(rows)
    passed = _working_days_passed([day for _step, receipt, day, _n in found for day in (receipt, day)])
    for step, receipt, day, number in found:
        for pace in (whole, weeks[_monday(day)]):
            getattr(pace, step).tally[passed[day] - passed[receipt]] += number
    return whole, list(weeks.items())


def _working_days_passed(days: Sequence[date]) -> dict[date, int]:
    """For each day from the earliest to the latest how many working days there were until then.

    The difference of two is what `clock.working_days_between` says; the calendar is gone through once.
    """
    if not days:
        return {}
    day, last = min(days), max(days)
    passed = {day: 0}
    while day < last:
        before, day = day, day + clock.ONE_DAY
        passed[day] = passed[before] + clock.is_working_day(day)
    return passed


# --- What comes back ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Returned:
    """How many corrections were asked for, and how often each reason stood in them ("": without a code)."""

    corrections: int
    reasons: Sequence[tuple[str, int]]


def returned(asked: Period) -> Returned:
    """The reasons of the corrections of a period, the most frequent first; one query."""
    told = Correction.objects.filter(HERE, told_at__gte=asked.since).order_by().values("items")
    sql, params = told.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH told AS ({sql}) "  # noqa: S608 - Django's own words
            "SELECT coalesce(item ->> 'code', ''), count(*), (SELECT count(*) FROM told)"
            " FROM told, jsonb_array_elements(told.items) AS item GROUP BY 1 ORDER BY 2 DESC, 1",
            params,
        )
        rows = cursor.fetchall()
    return Returned(rows[0][2] if rows else 0, [(code, number) for code, number, _all in rows])


# --- Final review ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Finals:
    """What final review made of the opinions that went up."""

    passed_granted: int = 0
    passed_refused: int = 0
    failed_refused: int = 0
    failed_granted: int = 0
    remanded: int = 0

    @property
    def decided(self) -> int:
        return self.upheld + self.overturned

    @property
    def upheld(self) -> int:
        return self.passed_granted + self.failed_refused

    @property
    def overturned(self) -> int:
        return self.passed_refused + self.failed_granted + self.remanded

    @property
    def share(self) -> float | None:
        """The overturned part of all, in percent; None where nothing was decided."""
        return 100 * self.overturned / self.decided if self.decided else None


OUTCOMES: Final[Mapping[tuple[str, str], str]] = {
    (Opinion.Verdict.PASS, State.FINAL_PASSED): "passed_granted",
    (Opinion.Verdict.PASS, State.FINAL_FAILED): "passed_refused",
    (Opinion.Verdict.FAIL, State.FINAL_FAILED): "failed_refused",
    (Opinion.Verdict.FAIL, State.FINAL_PASSED): "failed_granted",
}


def finals(asked: Period) -> Finals:
    """What was decided in a period; one query. A case sent back and decided later counts for both."""
    first = Opinion.objects.filter(
        case=OuterRef("case"), level=Opinion.Level.FIRST, standing=Opinion.Standing.GIVEN
    )
    rows = (
        _moved(asked.since)
        .filter(
            from_state=State.REPORTED,
            to_state__in=(State.FINAL_PASSED, State.FINAL_FAILED, State.SENT_BACK),
        )
        .annotate(verdict=Subquery(first.values("verdict")[:1]))
        .values_list("verdict", "to_state")
        .annotate(n=Count("pk"))
    )
    counted: Counter[str] = Counter()
    for verdict, state, number in rows:
        outcome = "remanded" if state == State.SENT_BACK else OUTCOMES.get((verdict, state), "")
        counted[outcome] += number
    counted.pop("", None)
    return Finals(**counted)


# --- All of it ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """All figures of the page: seven queries, whatever the agency has behind it."""

    period: Period
    loads: Sequence[Load]
    ages: Mapping[str, Sequence[int]]
    throughput: Sequence[tuple[date, Mapping[str, int]]]
    pace: Paces
    paces: Sequence[tuple[date, Paces]]
    returned: Returned
    finals: Finals

    @property
    def total(self) -> Load:
        return total(self.loads)

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to show at all: a new agency."""
        open_cases = any(any(column) for column in self.ages.values())
        return not open_cases and not any(any(steps.values()) for _monday_, steps in self.throughput)


def numbers(asked: Period) -> Numbers:
    """The figures of the agency one stands in."""
    whole, weekly = paces(asked)
    return Numbers(
        period=asked,
        loads=loads(),
        ages=ages(),
        throughput=throughput(asked),
        pace=whole,
        paces=weekly,
        returned=returned(asked),
        finals=finals(asked),
    )
