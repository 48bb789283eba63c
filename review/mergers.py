"""One agency goes into another (并入): it takes nothing new, and what it has is handed over case by case.

Cases that can travel are handed over by the ordinary hand-over; the others (with an opinion, in correction,
at the authority) are finished where they are, and handed over as soon as they can travel again. When none
is left open, the merger is over. History stays in the schema of the agency that was.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from register import clock
from register.models import DocketEntry, Registration
from review import agency_jobs, handover
from review.models import Movement
from review.states import OPEN, State
from review.workflow import Actor
from tenants import agencies, crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import AUTHORITY_CODE, Agency, AgencyJob, User
from tenants.rolebook import ADMINISTRATOR

logger = logging.getLogger(__name__)

TRAVELS: Final = frozenset({State.SUBMITTED, State.ACCEPTED, State.DEEMED_ACCEPTED})
# So many cases are handed over at a stretch: openings wait in the same line.
SLICE: Final = 200
# What somebody at the agency may have done to a case meanwhile: it travels later, or is finished there.
EXPECTED: Final = frozenset({"state", "opinion_pending"})
# What stands in the way of every case alike.
FOR_ALL: Final = frozenset({"target_suspended"})
# The job's row is written after so many cases: its page need not know every one.
NOTED_EVERY: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What merging an agency means today: how many cases travel, how many are finished where they are."""

    travel: int
    stay: dict[State, int]
    registrations: int

    @property
    def staying(self) -> int:
        return sum(self.stay.values())


def effect_of(agency: Agency) -> Effect:
    """Counted over the docket and the register: two queries."""
    lines = DocketEntry.objects.filter(agency=agency, open=True).order_by()
    counts = {State(s): n for s, n in lines.values_list("state").annotate(Count("pk"))}
    return Effect(
        travel=sum(n for state, n in counts.items() if state in TRAVELS),
        stay={state: n for state, n in counts.items() if state not in TRAVELS},
        registrations=Registration.objects.filter(agency=agency, ended_how="").count(),
    )


def announce(*, agency: Agency, target: Agency, by: User, reason: str) -> AgencyJob:
    """From now on the agency goes into `target`: nothing new is taken, and its cases begin to travel.

    Raises `Refusal`; then nothing has changed.
    """
    if not reason.strip():
        raise Refusal(_("请说明理由。"), code="no_reason")
    now = clock.now()
    with transaction.atomic():
        agencies.announce_merger(agency=agency, target=target, by=by, at=now, reason=reason)
        wish = {"code": agency.code, "name_zh": agency.name_zh, "target": target.code, "text": reason.strip()}
        job = AgencyJob.objects.create(
            kind=AgencyJob.Kind.MERGER, wish=wish, agency=agency, asked_by=by, asked_at=now, step="cases"
        )
        transaction.on_commit(lambda: agency_jobs.ring(job.pk), robust=True)
    return job


def take_over(*, job: AgencyJob, by: User) -> None:
    """Let another administrator hand the cases over from now on: one who need not stand aside from them.

    Raises `Refusal` for a merger that is over, and for whoever has it already.
    """
    with transaction.atomic():
        agencies.require_administrator(by)
        row = AgencyJob.objects.select_for_update(of=("self",)).get(pk=job.pk)
        over = row.finished_at is not None and not row.fault
        if row.kind != AgencyJob.Kind.MERGER or row.agency is None or over:
            raise Refusal(_("没有正在进行的合并。"), code="over")
        if row.asked_by_id == by.pk:
            raise Refusal(_("这项合并已由您经办。"), code="has_it")
        agencies.record_new_hand(agency=row.agency, before=row.asked_by, by=by, at=clock.now())
        AgencyJob.objects.filter(pk=row.pk).update(
            asked_by=by, fault="", finished_at=None, seen_at=None, starts=0, asked_at=clock.now()
        )
        transaction.on_commit(lambda: agency_jobs.ring(row.pk), robust=True)


def carry_on(job_id: UUID | str) -> int:
    """Hand over what can travel now, and end the merger when nothing is left; how many were handed over.

    Each case is an act and a transaction of its own, so whoever is killed leaves none half-way. A long
    merger is done in slices: others wait for this worker as well. The owner's login only.
    """
    gone, more = 0, False
    with crossing.standing(Desk.OWNER), agency_jobs.alone(job_id) as free:
        over = Q(finished_at__isnull=False)
        jobs = AgencyJob.objects.filter(~over | Q(fault=""), pk=job_id)
        job = agency_jobs.begin(jobs) if free else None
        if job is not None and job.agency is not None and job.agency.merged_into is not None:
            gone, more = _travel(job, job.agency, job.agency.merged_into)
    if more:
        agency_jobs.ring(UUID(str(job_id)))
    return gone


def _travel(job: AgencyJob, source: Agency, target: Agency) -> tuple[int, bool]:
    """Hand over a slice; how many cases went, and whether others wait for the next one."""
    able = _lines(source).filter(state__in=TRAVELS).order_by("lodged_on", "pk")
    waiting = deque(able.values_list("pk", flat=True))
    # Whoever came to an end has noted how many; only after a kill the movements have to be counted.
    before = _handed_over(job, source) if job.starts > 1 else job.done
    every = before + len(waiting)
    _note(job, before, every)
    by = _administrator(job.asked_by)
    gone, refused, fault = 0, 0, ""
    while waiting and gone < SLICE:
        try:
            _hand_over(waiting.popleft(), job, source, target, by)
        except Refusal as no:
            if no.code in EXPECTED:
                continue
            refused, fault = refused + 1, fault or str(no.message)
            if no.code in FOR_ALL:
                refused += len(waiting)
                waiting.clear()
        except Exception:
            # This one is tried again with the next bell; the others need not wait for it.
            logger.exception("A case could not be handed over in a merger.")
            refused, fault = refused + 1, fault or _("系统出现错误，会自动再试。")
        else:
            gone += 1
            if gone % NOTED_EVERY == 0:
                _note(job, before + gone, every)
    said = _("有 {n} 件案卷没有转交：{why}").format(n=refused, why=fault) if refused else ""
    _conclude(job, source, before + gone, said)
    return gone, bool(waiting)


def _hand_over(case_id: UUID, job: AgencyJob, source: Agency, target: Agency, by: Actor) -> None:
    with crossing.standing(Desk.AGENCY, source):
        handover.hand_over(
            case_id=case_id, source=source, target=target, by=by, text=job.wish["text"], merger=job.pk
        )


def _conclude(job: AgencyJob, source: Agency, done: int, fault: str) -> None:
    """Note how far it is, and the end of the merger, or that it is not over after all."""
    now = clock.now()
    with crossing.atomic():
        over = not _lines(source).exists()
        agencies.conclude_merger(agency=source, by=job.asked_by, at=now, over=over)
        left = _lines(source).filter(state__in=TRAVELS).count()
        AgencyJob.objects.filter(pk=job.pk).update(
            done=done,
            total=done + left,
            seen_at=now,
            fault="" if over else fault[:300],
            finished_at=now if over else None,
            starts=0,
        )


def _lines(agency: Agency) -> QuerySet[DocketEntry]:
    return DocketEntry.objects.filter(agency=agency, state__in=OPEN)


def _handed_over(job: AgencyJob, source: Agency) -> int:
    """How many cases this very merger has handed over: their movements say it."""
    with crossing.inside(source):
        return Movement.objects.filter(act="hand_over", detail__merger=str(job.pk)).count()


def _note(job: AgencyJob, done: int, total: int) -> None:
    AgencyJob.objects.filter(pk=job.pk).update(done=done, total=total, seen_at=clock.now())


def _administrator(user: User) -> Actor:
    """Who ordered the merger, as the one who hands over."""
    authority = Agency.objects.get(code=AUTHORITY_CODE)
    return Actor.staff(user, agency=authority, held=frozenset({ADMINISTRATOR.code}))
