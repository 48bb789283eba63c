"""Deadlines that come near or are over, told to those who can see to them: reminders, never acts.

Before the breach the agency's own supervisors and managers hear of it, after the breach of a statutory limit
the authority as well. Of certificates that were granted and not issued the registrars hear, near and past.
One digest per agency, day and reader; each officer is reminded once per case and date.
Only open lines of the docket are asked, so history costs nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, time
from functools import partial
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet
from django.urls import reverse

from notifications import outbox
from notifications.outbox import Message, Value, both
from register import clock, policy
from register.models import DocketEntry, Kind
from review.models import Case
from review.queue import Due
from review.states import AT_AGENCY, UNISSUED, Clock, State
from review.telling import tell
from tenants import crossing, staff
from tenants.models import Agency, AgencyUserObjectPermission
from tenants.roles import ADMINISTRATOR, MANAGER, REGISTRAR, SIGNING_OFFICER, SUPERVISOR

log = logging.getLogger(__name__)

# Nobody is called on a day off or in the night.
FROM: Final = time(8)
BEFORE: Final = frozenset({SUPERVISOR.code, MANAGER.code})
AFTER: Final = frozenset({SIGNING_OFFICER.code, ADMINISTRATOR.code})

LIMIT: Final = both("法定期限", "statutory time limit")
TARGET: Final = both("内部目标期限", "internal target")

Work = Callable[[], int]


@dataclass(slots=True)
class Told:
    """How many notices a sweep found to be due; whoever was told before is not told again."""

    reminders: int = 0
    near: int = 0
    past: int = 0
    failed: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One part of the way: its word, the tab of the desk on which it waits, and who is told of it.

    `key` keeps its digests apart from those of another part at the same desk.
    """

    word: Any
    tab: str
    near: frozenset[str]
    past: frozenset[str] = AFTER
    key: str = ""


FIRST_REVIEW: Final = Stage(word=both("初审", "first review"), tab="todo", near=BEFORE)
FINAL_REVIEW: Final = Stage(
    word=both("终审", "final review"), tab="reported", near=BEFORE | {SIGNING_OFFICER.code}
)
# Certificate and announcement within ten working days of the decision (Order 11 art. 10).
ISSUE: Final = Stage(
    word=both("制证", "issue of certificates"),
    tab="granted",
    near=frozenset({REGISTRAR.code}),
    past=AFTER | {REGISTRAR.code},
    key=" issue",
)


@dataclass(frozen=True, slots=True)
class Load:
    """How many cases of one desk are over time, due by the next working day, and due within five."""

    agency: Agency
    stage: Stage
    over: int
    near: int
    week: int
    oldest: date | None

    @property
    def binding(self) -> bool:
        """Whether these are limits of the law, or targets of the agency only."""
        applies = self.agency.review_clock_applies and policy.current().review_clock_applies
        return self.agency.is_authority or applies


def sweep() -> Told:
    """Remind officers of what is due next, and tell the responsible of what comes near or is late.

    Safe to repeat and to run twice at once. An agency that fails is logged and does not stop the others.
    """
    told = Told()
    moment = clock.now().astimezone(clock.SHANGHAI)
    today = moment.date()
    if moment.time() < FROM or not clock.is_working_day(today):
        return told
    authority = Agency.objects.get(kind=Agency.Kind.AUTHORITY)
    for load in (*_first_reviews(today), *_at_the_authority(authority, today)):
        told.near += _safely(told, load.agency, partial(_tell_of_what_is_near, load, today))
        if load.over and load.binding:
            told.past += _safely(told, load.agency, partial(_tell_the_authority, load, authority, today))
    for agency, lines in _due_next(today):
        told.reminders += _safely(told, agency, partial(_remind, agency, lines, today, told))
    return told


def _safely(told: Told, agency: Agency, work: Work) -> int:
    try:
        return work()
    except Exception:
        log.exception("deadlines of %s could not be told", agency.code)
        told.failed += 1
        return 0


# --- What there is to tell ---------------------------------------------------------------------------


def _first_reviews(today: date) -> list[Load]:
    """What waits at the agencies, one line for each that has something to be told."""
    clocks = (Clock.ACCEPTANCE, Clock.FIRST_REVIEW, Clock.REMAND)
    lines = DocketEntry.objects.filter(state__in=AT_AGENCY, clock__in=clocks)
    rows = list(_pressing(lines, today))
    agencies = Agency.objects.in_bulk([row["agency"] for row in rows])
    return [
        Load(agencies[row["agency"]], FIRST_REVIEW, row["over"], row["near"], row["week"], row["oldest"])
        for row in rows
    ]


def _at_the_authority(authority: Agency, today: date) -> Iterator[Load]:
    """What waits at the authority, over all agencies: final reviews, and certificates to be issued."""
    waiting = (
        (FINAL_REVIEW, DocketEntry.objects.filter(state=State.REPORTED, clock=Clock.FINAL_REVIEW)),
        (ISSUE, DocketEntry.objects.filter(state__in=UNISSUED, clock=Clock.ISSUE)),
    )
    for stage, lines in waiting:
        rows = list(_pressing(lines, today))
        if rows:
            over, near, week = (sum(row[name] for row in rows) for name in ("over", "near", "week"))
            oldest = min((row["oldest"] for row in rows if row["oldest"]), default=None)
            yield Load(authority, stage, over, near, week, oldest)


def _pressing(lines: QuerySet[DocketEntry], today: date) -> Iterator[dict[str, Any]]:
    """Per agency what is over time, due by the next working day and within five, as the queue filters it."""
    next_day, week = (clock.add_working_days(today, days).day for days in (1, 5))
    counted = (
        lines.filter(due_on__lte=week)
        .order_by()
        .values("agency")
        .annotate(
            over=Count("pk", filter=Q(due_on__lt=today)),
            near=Count("pk", filter=Q(due_on__range=(today, next_day))),
            week=Count("pk", filter=Q(due_on__gte=today)),
            oldest=Min("due_on", filter=Q(due_on__lt=today)),
        )
    )
    for row in counted.filter(Q(over__gt=0) | Q(near__gt=0)):
        yield dict(row)


# --- Before the breach: the agency's own ------------------------------------------------------------


def _tell_of_what_is_near(load: Load, today: date) -> int:
    agency, stage = load.agency, load.stage
    data: dict[str, Value] = {
        "near": load.near,
        "week": load.week,
        "over": load.over,
        "limit": LIMIT if load.binding else TARGET,
        "link": _queue_of(agency, tab=stage.tab, due=Due.OVER if load.over else Due.NEXT),
    }
    cause = f"{agency.code}{stage.key} {today}"
    return _post_each(_holders(agency, stage.near), "escalation_near", cause, data)


# --- After the breach: the authority ----------------------------------------------------------------


def _tell_the_authority(load: Load, authority: Agency, today: date) -> int:
    agency, stage = load.agency, load.stage
    if agency.is_authority:
        link = _queue_of(authority, tab=stage.tab, due=Due.OVER)
    else:
        link = _queue_of(authority, tab="first", agency=agency.code, due=Due.OVER)
    data: dict[str, Value] = {
        "agency": both(agency.name_zh, agency.name_en),
        "stage": stage.word,
        "over": load.over,
        "oldest": load.oldest or today,
        "link": link,
    }
    cause = f"{agency.code}{stage.key} {today}"
    return _post_each(_holders(authority, stage.past), "escalation_past", cause, data)


def _queue_of(reader: Agency, /, **wishes: str) -> str:
    desk = "authority" if reader.is_authority else "agency"
    return f"{reverse('queue', urlconf=settings.URLCONF_OF_DESK[desk])}?{urlencode(wishes)}"


def _holders(agency: Agency, roles: frozenset[str]) -> set[int]:
    held = AgencyUserObjectPermission.objects.filter(
        content_object=agency, permission__codename__in=roles, user__is_active=True
    )
    return set(held.values_list("user_id", flat=True))


def _post_each(readers: set[int], kind: str, cause: str, data: dict[str, Value]) -> int:
    with transaction.atomic():
        outbox.post_many(
            Message(user_id=reader, kind=kind, cause=cause, data=data) for reader in sorted(readers)
        )
    return len(readers)


# --- Each officer: what is due by the next working day ------------------------------------------------


def _due_next(today: date) -> Iterator[tuple[Agency, list[DocketEntry]]]:
    """Open lines that end today or on the next working day, by agency."""
    last = clock.add_working_days(today, 1).day
    lines = (
        DocketEntry.objects.filter(state__in=AT_AGENCY | {State.REPORTED}, due_on__range=(today, last))
        .exclude(clock="")
        .select_related("agency")
        .order_by("agency_id", "due_on", "case_id")
    )
    for agency, group in groupby(lines, key=lambda line: line.agency):
        yield agency, list(group)


def _remind(agency: Agency, lines: list[DocketEntry], today: date, told: Told) -> int:
    """Tell whoever has the case in hand, and a deputy during leave."""
    holders: dict[UUID, int | None] = {line.case_id: line.officer_id for line in lines}
    at_agency = [line.case_id for line in lines if line.state != State.REPORTED]
    with crossing.inside(agency):
        assigned = Case.objects.filter(pk__in=at_agency).values_list("pk", "assignee_id")
        holders.update(dict(assigned))
    away = staff.away(today).filter(user_id__in=[holder for holder in holders.values() if holder])
    deputies = dict(away.values_list("user_id", "deputy_id"))
    readers = {
        line.case_id: {holder, deputies.get(holder, holder)}
        for line in lines
        if (holder := holders[line.case_id])
    }
    held = [line for line in lines if line.case_id in readers]
    told.failed += tell(held, lambda line: [_reminder(line, each) for each in sorted(readers[line.case_id])])
    return sum(map(len, readers.values()))


def _reminder(line: DocketEntry, reader: int) -> Message:
    return Message(
        user_id=reader,
        kind="staff_due_tomorrow",
        cause=f"{line.case_id} {line.due_on}",
        data={
            "kind": outbox.in_both(Kind(line.kind).label),
            "reference": line.reference,
            "clock": outbox.in_both(Clock(line.clock).label),
            "due": outbox.day(line.due_on, provisional=line.due_provisional) if line.due_on else "",
        },
        case_id=line.case_id,
    )
