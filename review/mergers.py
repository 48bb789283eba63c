"""One agency goes into another (并入): it takes nothing new, and what it has is handed over case by case.

Cases that can travel are handed over by the ordinary hand-over; the others (with an opinion, in correction,
at the authority) are finished where they are, and handed over as soon as they can travel again. When none
is left open, the merger is over. History stays in the schema of the agency that was.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count, QuerySet
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


def carry_on(job_id: UUID | str) -> int:
    """Hand over what can travel now, and end the merger when nothing is left; how many were handed over.

    Each case is an act and a transaction of its own, so whoever is killed leaves none half-way. The owner's
    login only.
    """
    with crossing.standing(Desk.OWNER), agency_jobs.alone(job_id) as free:
        if not free:
            return 0
        job = AgencyJob.objects.select_related("agency__merged_into", "asked_by").get(pk=job_id)
        source = job.agency
        if source is None or source.merged_into is None:
            return 0
        AgencyJob.objects.filter(pk=job.pk, started_at__isnull=True).update(started_at=clock.now())
        return _travel(job, source, source.merged_into)


def _travel(job: AgencyJob, source: Agency, target: Agency) -> int:
    waiting = list(
        _lines(source).filter(state__in=TRAVELS).order_by("lodged_on", "pk").values_list("pk", flat=True)
    )
    before = _handed_over(job, source)
    _note(job, before, before + len(waiting))
    by = _administrator(job.asked_by)
    gone, fault = 0, ""
    for case_id in waiting:
        try:
            with crossing.standing(Desk.AGENCY, source):
                handover.hand_over(
                    case_id=case_id, source=source, target=target, by=by, text=job.wish["text"], merger=job.pk
                )
        except Refusal as no:
            fault = fault or ("" if no.code != "target_suspended" else str(no.message))
        except Exception:
            # This one is tried again with the next bell; the others need not wait for it.
            logger.exception("Case %s could not be handed over in a merger.", case_id)
            fault = fault or _("有案卷没有转交成功，系统会自动再试。")
        else:
            gone += 1
            if gone % NOTED_EVERY == 0:
                _note(job, before + gone, before + len(waiting))
    _conclude(job, source, before + gone, fault)
    return gone


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
            fault=fault[:300],
            finished_at=now if over else None,
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
