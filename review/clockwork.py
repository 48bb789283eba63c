"""What the law itself does when a deadline is over: deemed acceptance, and the end of unanswered corrections.

A late sweep never changes an outcome: whoever comes to such a case first, officer, applicant or this sweep,
lets the same act of law happen (`workflow.move`).
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from itertools import groupby
from uuid import UUID

from django.db.models import Q

from register import clock
from register.models import DocketEntry
from review import workflow
from review.models import Case
from review.states import Clock, State
from tenants import crossing
from tenants.errors import Refusal
from tenants.models import Agency

log = logging.getLogger(__name__)


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

    Safe to repeat and to run twice at once. A case or an agency that fails is logged and does not stop the
    others.
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
    with crossing.inside(agency):
        for case in Case.objects.filter(pk__in=ids).order_by("due_on", "pk"):
            swept.looked_at += 1
            _fire(case, swept)


def _over() -> list[tuple[Agency, list[UUID]]]:
    """Docket lines whose due day is over, by agency; some are mere targets, the case itself tells."""
    waits = Q(state=State.SUBMITTED, clock=Clock.ACCEPTANCE) | Q(
        state=State.CORRECTION, clock=Clock.CORRECTION
    )
    lines = DocketEntry.objects.filter(waits, due_on__lt=clock.today()).select_related("agency")
    ordered = lines.order_by("agency_id", "due_on", "case_id")
    return [
        (agency, [line.case_id for line in group])
        for agency, group in groupby(ordered, key=lambda line: line.agency)
    ]


def _fire(case: Case, swept: Swept) -> None:
    act = workflow.statutory_event(case, clock.now())
    if act is None:
        return
    try:
        workflow.move(case=case, act=act, by=workflow.THE_CLOCK)
    except Refusal:
        # Somebody was faster; what the law asks for has happened.
        return
    except Exception:
        log.exception("statutory event %s failed on case %s", act, case.pk)
        swept.failed += 1
        return
    if act == "lapse":
        swept.lapse += 1
    else:
        swept.deem_accept += 1
