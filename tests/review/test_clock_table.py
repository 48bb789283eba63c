"""Every line of acts of the clock table, done by the real acts on a travelling clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid4

import pytest

from register import clock, holidays
from review import casework, clockwork, workflow
from review.models import Case, Opinion
from review.states import State
from review.workflow import Actor
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import Agency
from tests import casefiles, clocktable
from tests.cast import Cast
from tests.clocktable import ClockCase, Step
from tests.review.desks import case_now

ITEMS: Final = [{"item": "employer", "code": "R08", "text": "单位名称与信用代码不一致"}]


@dataclass
class Play:
    """One case of the table while it happens."""

    cast: Cast
    agency: Agency
    key: UUID = field(default_factory=uuid4)

    def now(self) -> str:
        """How the case stands: state, clock, due day."""
        case = case_now(self.agency, self.key)
        if not case.clock:
            return str(case.state)
        return f"{case.state} {case.clock} {case.due_on}{' provisional' * case.due_provisional}"

    def at_agency(self, act: Callable[[Case, Actor], object], name: str) -> None:
        with crossing.standing(Desk.AGENCY, self.agency):
            act(Case.objects.prefetch_related("opinions").get(pk=self.key), self.cast.actor(name))

    def at_authority(self, act: Callable[[Case, Actor], object], name: str) -> None:
        with crossing.standing(Desk.AUTHORITY), crossing.inside(self.agency):
            act(Case.objects.prefetch_related("opinions").get(pk=self.key), self.cast.actor(name))

    def in_state(self, *states: str) -> bool:
        return case_now(self.agency, self.key).state in states


def lodge(play: Play) -> None:
    with play.cast.at_applicants_desk(play.cast.zhang), crossing.inside(play.agency):
        play.key = casefiles.lodge(play.cast.zhang, play.agency).pk


def accept(play: Play) -> None:
    play.at_agency(_take_up, "li")
    play.at_agency(lambda case, by: casework.accept(case=case, by=by), "li")


def send_back(play: Play) -> None:
    """The reviewer before acceptance, the supervisor out of a running review."""
    if play.in_state(State.SUBMITTED):
        play.at_agency(_take_up, "li")
        play.at_agency(lambda case, by: casework.send_back(case=case, by=by, items=ITEMS), "li")
    else:
        play.at_agency(
            lambda case, by: casework.send_back(case=case, by=by, items=ITEMS, reason="核查中发现"), "wang"
        )


def resubmit(play: Play) -> None:
    zhang = play.cast.zhang
    with play.cast.at_applicants_desk(zhang), crossing.inside(play.agency):
        filing = casefiles.filing(zhang, play.agency, performance="已更正")
        case = Case.objects.get(pk=play.key)
        casework.resubmit(case=case, by=play.cast.actor_of(zhang), filing=filing)


def withdraw(play: Play) -> None:
    with play.cast.at_applicants_desk(play.cast.zhang), crossing.inside(play.agency):
        casework.withdraw(case=Case.objects.get(pk=play.key), by=play.cast.actor_of(play.cast.zhang))


def give_pass(play: Play) -> None:
    def judge(case: Case, by: Actor) -> None:
        casefiles.tick_all(case, by)
        casework.give_opinion(case=case, by=by, verdict=Opinion.Verdict.PASS)

    play.at_agency(judge, "li")


def refer(play: Play) -> None:
    play.at_agency(lambda case, by: casework.refer(cases=[case], by=by), "li")


def remand(play: Play) -> None:
    def send(case: Case, by: Actor) -> None:
        casework.take_up(case=case, by=by)
        casework.remand(case=case, by=by, text="请核实单位")

    play.at_authority(send, "zhao")


def extend(play: Play) -> None:
    def longer(case: Case, by: Actor) -> None:
        workflow.move(case=case, act="extend", by=by, detail={"text": "材料须核实"})

    if play.in_state(State.REPORTED):
        play.at_authority(longer, "qian")
    else:
        play.at_agency(longer, "wang")


def extend_correction(play: Play) -> None:
    play.at_agency(lambda case, by: workflow.move(case=case, act="extend_correction", by=by), "li")


def sweep(play: Play) -> None:
    with crossing.standing(Desk.CLERK):
        assert clockwork.fire_due().failed == 0


def announce(play: Play, named: str) -> None:
    """The calendar is entered, and nobody has counted anew yet."""
    with crossing.standing(Desk.AUTHORITY):
        holidays.enter(clocktable.entries(named), by=play.cast.user("feng"), at=clock.now())


def bring_in(play: Play, named: str) -> None:
    announce(play, named)
    with crossing.standing(Desk.CLERK):
        assert clockwork.recompute().failed == 0
        assert clockwork.recompute().moved == 0


def _take_up(case: Case, by: Actor) -> None:
    if case.assignee_id != by.user_id:
        casework.take_up(case=case, by=by)


DOES: Final[dict[str, Callable[[Play], None]]] = {
    "lodge": lodge,
    "accept": accept,
    "send_back": send_back,
    "resubmit": resubmit,
    "withdraw": withdraw,
    "pass": give_pass,
    "refer": refer,
    "remand": remand,
    "extend": extend,
    "extend_correction": extend_correction,
    "sweep": sweep,
}
CALENDAR: Final[dict[str, Callable[[Play, str], None]]] = {"announce": announce, "import": bring_in}


def happened(play: Play, step: Step) -> str:
    """Let it happen, and say how the case stands afterwards, with the refusal if there was one."""
    clock.travel_to(step.at)
    what, _space, named = step.what.partition(" ")
    try:
        if named:
            CALENDAR[what](play, named)
        else:
            DOES[what](play)
    except Refusal as no:
        return f"refused:{no.code} {play.now()}"
    return play.now()


@pytest.mark.django_db
@pytest.mark.usefixtures("shifted_clock")
@pytest.mark.parametrize("case", clocktable.cases(acts=True))
def test_deadlines_of_a_case(case: ClockCase, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    clocktable.assume(case.calendar, monkeypatch)
    if "review_clock_applies off" in case.calendar:
        Agency.objects.filter(code="beijing").update(review_clock_applies=False)
    play = Play(cast, Agency.objects.get(code="beijing"))
    assert tuple(happened(play, step) for step in case.steps()) == case.expected
