"""What the law itself does when a deadline is over: deemed acceptance, and the end of unanswered corrections.

A late sweep never changes an outcome: whoever comes to such a case first, officer, applicant or this sweep,
lets the same act of law happen (`workflow.move`). And what a newly announced calendar does: open deadlines
that ran through it are counted anew.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from register import clock, holidays
from register.models import DocketEntry
from review import workflow
from review.models import Case
from review.states import OPEN, UNISSUED, Clock, State
from tenants import crossing
from tenants.errors import Refusal
from tenants.models import Agency

log = logging.getLogger(__name__)

# A changed day is looked for so long: a bell that nobody heard, or a worker that stood still, is made good.
CHANGES_LAST: Final = timedelta(days=7)
# So many case files are read at once; each is locked and moved alone.
SLICE: Final = 500


@dataclass(slots=True)
class Swept:
    """What one sweep found and did."""

    looked_at: int = 0
    deem_accept: int = 0
    lapse: int = 0
    failed: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def fire_due() -> Swept:
    """Let every statutory event happen that is due, each in its own transaction inside its agency.

    Safe to repeat, to break off and to run twice at once. A case or an agency that fails is logged and does
    not stop the others; a case that somebody has under lock at this moment is left to the next sweep.
    """
    swept = Swept()
    for agency, ids in _over():
        try:
            _fire_at(agency, ids, swept)
        except Exception:
            log.exception("statutory events of %s failed", agency.code)
            swept.failed += len(ids)
    return swept


def _fire_at(agency: Agency, ids: list[UUID], swept: Swept) -> None:
    # Where the acceptance clock was a target when the application was lodged, nothing is due by law.
    targets = Q(state=State.SUBMITTED, policy__review_clock_applies=False)
    with crossing.inside(agency):
        for case in _in_slices(Case.objects.exclude(targets), ids):
            swept.looked_at += 1
            _fire(case, swept)


def _over() -> list[tuple[Agency, list[UUID]]]:
    """Docket lines whose due day is over, by agency; some are mere targets, the case itself tells."""
    waits = Q(state=State.SUBMITTED, clock=Clock.ACCEPTANCE) | Q(
        state=State.CORRECTION, clock=Clock.CORRECTION
    )
    return _by_agency(DocketEntry.objects.filter(waits, due_on__lt=clock.today()))


def _by_agency(lines: QuerySet[DocketEntry]) -> list[tuple[Agency, list[UUID]]]:
    """The keys of these lines by agency, the oldest deadline first."""
    ordered = lines.order_by("agency_id", "due_on", "case_id").values_list("agency_id", "case_id")
    keys = {agency: [key for _agency, key in rows] for agency, rows in groupby(ordered, key=itemgetter(0))}
    agencies = Agency.objects.in_bulk(keys)
    return [(agencies[agency], ids) for agency, ids in keys.items()]


def _in_slices(cases: QuerySet[Case], ids: list[UUID]) -> Iterator[Case]:
    """These cases, read slice by slice: who fails every time holds up nobody behind."""
    for start in range(0, len(ids), SLICE):
        yield from list(cases.filter(pk__in=ids[start : start + SLICE]).order_by("due_on", "pk"))


def _moved(case: Case, act: str, **given: Any) -> bool:
    """Let the clock act on a case; whether it did.

    It did not where the case stands otherwise by now, or where somebody has it under lock: waiting would keep
    everybody behind it waiting, and the next sweep comes soon.
    """
    with transaction.atomic():
        free = Case.objects.select_for_update(skip_locked=True).filter(pk=case.pk)
        if not list(free.values_list("pk", flat=True)):
            log.info("case %s is under lock; %s waits for the next sweep", case.pk, act)
            return False
        try:
            workflow.move(case=case, act=act, by=workflow.THE_CLOCK, **given)
        except Refusal:
            # Somebody was faster. Caught here, so that another event of law that was due is kept.
            return False
    return True


def _fire(case: Case, swept: Swept) -> None:
    act = workflow.statutory_event(case, clock.now())
    if act is None:
        return
    try:
        if not _moved(case, act):
            return
    except Exception:
        log.exception("statutory event %s failed on case %s", act, case.pk)
        swept.failed += 1
        return
    if act == "lapse":
        swept.lapse += 1
    else:
        swept.deem_accept += 1


# --- A year's calendar is announced, or changes ----------------------------------------------------


@dataclass(slots=True)
class Recounted:
    """What counting anew found and did."""

    looked_at: int = 0
    moved: int = 0
    failed: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def recompute() -> Recounted:
    """Count open deadlines anew that were provisional and are certain now, or run through changed days.

    Each in its own transaction inside its agency; safe to repeat, to break off and to run twice at once, for
    a deadline that is right already stays as it is. Decided cases are looked at until they are issued.
    """
    clock.forget_calendar()
    recounted = Recounted()
    for agency, ids in _by_agency(_counted_otherwise()):
        try:
            _recount_at(agency, ids, recounted)
        except Exception:
            log.exception("deadlines of %s could not be counted anew", agency.code)
            recounted.failed += len(ids)
    return recounted


def _counted_otherwise() -> QuerySet[DocketEntry]:
    """Lines with a running clock that may end on another day by the calendar as it is known now."""
    running = DocketEntry.objects.filter(state__in=OPEN | UNISSUED, due_on__isnull=False).exclude(clock="")
    provisional = running.filter(due_provisional=True)
    years = {day.year for day in provisional.order_by().values_list("due_on", flat=True).distinct() if day}
    known = [year for year in years if clock.is_announced(year)]
    concerned = Q(due_provisional=True, due_on__year__in=known)
    changed = holidays.earliest_change(since=clock.now() - CHANGES_LAST)
    if changed is not None:
        concerned |= Q(due_on__gte=changed)
    return running.filter(concerned)


def _recount_at(agency: Agency, ids: list[UUID], recounted: Recounted) -> None:
    with crossing.inside(agency):
        for case in _in_slices(Case.objects.all(), ids):
            recounted.looked_at += 1
            if _otherwise(case, clock.today()):
                _recount(case, recounted)


def _otherwise(case: Case, today: date) -> bool:
    due = workflow.recounted(case, today)
    return due is not None and (due.day, due.provisional) != (case.due_on, case.due_provisional)


def _recount(case: Case, recounted: Recounted) -> None:
    detail: dict[str, Any] = {}

    def write(locked: Case, at: datetime) -> None:
        if not _otherwise(locked, clock.day_of(at)):
            raise Refusal(_("期限没有变化。"), code="unchanged")
        before = workflow.deadline(locked)
        detail.update({f"old_{name}": value for name, value in before.items()})

    try:
        if _moved(case, "recompute", detail=detail, write=write):
            recounted.moved += 1
    except Exception:
        log.exception("the deadline of case %s could not be counted anew", case.pk)
        recounted.failed += 1
