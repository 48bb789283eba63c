"""What else there is about the applicant of a case: earlier cases of this agency, and warnings.

A warning says that something exists elsewhere, never a word of what another agency holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from register import clock, standing
from register.bars import Bars
from register.models import Kind, Registration
from review import workflow
from review.models import Case
from review.states import State

MOST: Final = 20
OPEN_ELSEWHERE: Final = _("申请人在其他机构另有在办申请。同一人只能有一份在办申请，请核实。")
REGISTERED_ELSEWHERE: Final = _("申请人在其他聘用单位有有效注册。不得同时在两个及以上单位注册，请核实。")
RESTRICTED: Final = _("申请人正处于限制申请的期间，请核实。")
DEEMED: Final = _("原有效期已届满，本申请按期提出，注册在决定作出前视为准予延续。请优先办理。")


def other_cases(case: Case, living: UUID) -> list[Case]:
    """Other cases of the same person at this agency, latest first; records merged into one count as one."""
    same = Q(person_id=living) | Q(person__merged_into_id=living)
    return list(Case.objects.filter(same).exclude(pk=case.pk).order_by("-lodged_at")[:MOST])


def warnings(
    case: Case, bars: Bars, *, others: Sequence[Case], registrations: Sequence[Registration]
) -> list[Promise]:
    """What the reviewer of this case should know before any decision (Order 11 art. 12)."""
    known = case.open or any(other.open for other in others)
    found: list[Promise] = []
    if bars.open_application and not known:
        found.append(OPEN_ELSEWHERE)
    if _other_employer(case, registrations, registered=bars.registered):
        found.append(REGISTERED_ELSEWHERE)
    if bars.restricted:
        found.append(RESTRICTED)
    if case.open and case.kind == Kind.RENEWAL and _deemed_renewed(case, registrations):
        found.append(DEEMED)
    return found


def _deemed_renewed(case: Case, registrations: Sequence[Registration]) -> bool:
    """Whether the registration goes on only because this renewal is not decided yet (Order 11 art. 13)."""
    held = standing.counting(registrations, clock.today())
    if held is None:
        return False
    by = workflow.last_day(case, clock.now()) if case.state == State.CORRECTION else None
    lodged = clock.day_of(case.lodged_at)
    return standing.is_deemed_renewed(held, kind=case.kind, lodged_on=lodged, answer_by=by)


def _other_employer(case: Case, registrations: Sequence[Registration], *, registered: bool) -> bool:
    """Whether a registration with another employer is in force; a change of employer begins from one."""
    if case.kind == Kind.CHANGE:
        return False
    today = clock.today()
    held = standing.counting(registrations, today)
    if held is None or held.ended_how or not held.valid_from <= today <= held.valid_to:
        # None in sight: one that exists all the same is another agency's.
        return registered and held is None
    return held.employer_code != case.employer_code
