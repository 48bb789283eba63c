"""Applications after lodging, for tests: brought to every state there is, with the movement to it."""

from __future__ import annotations

from typing import Any, Final

from intake import filing
from intake.models import Application
from register import clock
from register.models import DocketEntry, Person
from review import casework, log
from review.models import Case
from review.states import OPEN, Clock, State
from review.workflow import Actor
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency
from tests import casefiles
from tests.cast import Cast
from tests.intake.desk import filled

ITEMS: Final = [
    {"item": "employer.address", "code": "R08", "text": "单位地址与营业执照不一致"},
    {"item": "papers.M01", "code": "R01", "text": "申请表未签字"},
]
# Act, role and detail of the movement by which a state is reached, and the clock that runs in it.
REACHED: Final[dict[State, tuple[str, str, dict[str, Any], str]]] = {
    State.SUBMITTED: ("lodge", "applicant", {}, "A"),
    State.ACCEPTED: ("accept", "reviewer", {"number": "SL2026110000017"}, "F"),
    State.DEEMED_ACCEPTED: ("deem_accept", "clock", {"due": "2026-11-30"}, "F"),
    State.NOT_ACCEPTED: ("not_accept", "reviewer", {"codes": ["N05"], "text": "不属于本机构"}, ""),
    State.CORRECTION: ("send_back", "reviewer", {"items": ITEMS, "reason": ""}, "C"),
    State.LAPSED: ("lapse", "clock", {"due": "2026-12-07"}, ""),
    State.WITHDRAWN: ("withdraw", "applicant", {}, ""),
    State.FIRST_PASSED: ("give_opinion", "reviewer", {"codes": [], "text": "", "verdict": "pass"}, "F"),
    State.FIRST_FAILED: ("countersign", "supervisor", {"codes": ["N05"], "text": "无效"}, "F"),
    State.REPORTED: ("refer", "reviewer", {"dispatch": "BEIJING-20261207-001"}, "N"),
    State.SENT_BACK: ("remand", "final_reviewer", {"codes": [], "text": "请核对合同"}, "R"),
    State.FINAL_PASSED: (
        "approve",
        "final_reviewer",
        {"number": "26001000001", "category": "A5", "valid_from": "2026-12-20", "valid_to": "2029-12-19"},
        "I",
    ),
    State.FINAL_FAILED: ("refuse", "signing_officer", {"codes": ["N05"], "text": "证书无效"}, ""),
    State.ANNOUNCED: ("announce", "registrar", {"batch": "2026-12"}, "I"),
    State.ISSUED: ("issue", "registrar", {"number": "26001000001", "delivery": "1"}, ""),
    State.TERMINATED: ("terminate", "registrar", {"text": "申请人死亡"}, ""),
    State.HANDED_OVER: (
        "hand_over",
        "supervisor",
        {"from": {"zh": "北京市应急管理局", "en": "Beijing"}, "to": {"zh": "住建部", "en": "MOHURD"}},
        "",
    ),
}


def lodged(cast: Cast, person: Person | None = None, agency: Agency | None = None) -> Application:
    """A complete application, lodged by its person."""
    who = person or cast.zhang
    with cast.at_applicants_desk(who):
        draft = filled(who, agency or cast.beijing)
        return filing.lodge(application=draft).application


def brought_to(state: State, application: Application | Case, agency: Agency) -> DocketEntry:
    """The application in this state, with the last movement and the clock that belong to it.

    Written past the door, as no test could walk to all of them through it.
    """
    act, role, detail, which = REACHED[state]
    due = clock.add_working_days(clock.today(), 7) if which else None
    with crossing.standing(Desk.OWNER), crossing.inside(agency):
        case = Case.objects.get(pk=application.pk)
        if state != State.SUBMITTED:
            source, case.state = State(case.state), state
            by = Actor(user_id=None, name="某人", roles=frozenset({role}))
            log.record(case, act=act, by=by, role=role, source=source, at=clock.now(), detail=detail)
        case.clock = Clock(which) if which else ""
        case.due_on = due.day if due else None
        case.due_provisional = bool(due and due.provisional)
        case.save()
        DocketEntry.objects.filter(case_id=case.pk).update(
            state=state,
            open=state in OPEN,
            clock=which,
            due_on=case.due_on,
            due_provisional=case.due_provisional,
            updated_at=clock.now(),
        )
    return DocketEntry.objects.select_related("agency").get(case_id=application.pk)


def sent_back(
    cast: Cast, application: Application | Case, *, items: list[dict[str, str]] | None = None
) -> None:
    """The agency asks for a correction, by its proper acts."""
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=application.pk)
        casework.take_up(case=case, by=cast.actor("li"))
        casework.send_back(case=case, by=cast.actor("li"), items=items or ITEMS)


def reported(cast: Cast, application: Application | Case) -> None:
    """The agency accepts, passes and refers, by its proper acts."""
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(Case.objects.get(pk=application.pk), cast.actor("li"), State.REPORTED)
