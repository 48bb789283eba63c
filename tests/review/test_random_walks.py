"""Whatever people do to a case, in whatever order: docket, chain and notices agree with it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifications.models import Outbox
from register import clock
from register.models import DocketEntry, Person, Registration
from review import announcements, casework, clockwork, docket, log
from review.models import Case, Movement
from review.states import State
from review.workflow import STATUTORY, Actor, acts_open_to
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import casefiles, factories
from tests.cast import Cast

pytestmark = pytest.mark.django_db

DAY = 24 * 3600
ITEMS = [{"item": "employer", "code": "R08", "text": "单位名称与信用代码不一致"}]
INVALID: dict[str, Any] = {"codes": ["N05"], "text": "资格证书无效"}
Act = Callable[[Case, Actor], object]


def refer(case: Case, by: Actor) -> None:
    for _case, refusal in casework.refer(cases=[case], by=by).refused:
        raise refusal


ACTS: dict[str, Act] = {
    "take_up": lambda case, by: casework.take_up(case=case, by=by),
    "release": lambda case, by: casework.release(case=case, by=by),
    "accept": lambda case, by: casework.accept(case=case, by=by),
    "not_accept": lambda case, by: casework.not_accept(case=case, by=by, **INVALID),
    "send_back": lambda case, by: casework.send_back(case=case, by=by, items=ITEMS, reason="核查发现"),
    "tick": casefiles.tick_all,
    "give_opinion": lambda case, by: casework.give_opinion(case=case, by=by, verdict="pass"),
    "countersign": lambda case, by: casework.countersign(case=case, by=by),
    "reopen": lambda case, by: casework.reopen(case=case, by=by, text="复核发现问题"),
    "refer": refer,
    "remand": lambda case, by: casework.remand(case=case, by=by, text="请补充核查"),
    "approve": lambda case, by: casework.approve(case=case, by=by),
    "refuse": lambda case, by: casework.refuse(case=case, by=by, **INVALID),
    "withdraw": lambda case, by: casework.withdraw(case=case, by=by),
}
PEOPLE = ("li", "wang", "zhao", "applicant")
WILD = st.one_of(
    st.tuples(st.sampled_from(PEOPLE), st.sampled_from(sorted(ACTS))),
    st.sampled_from([("applicant", "resubmit"), ("clock", "wait"), ("clock", "sweep")]),
)


class Walk:
    """One case and the people around it."""

    def __init__(self, cast: Cast, person: Person) -> None:
        self.cast, self.person, self.days = cast, person, 0
        with cast.at_applicants_desk(person), crossing.inside(cast.beijing):
            self.id = casefiles.lodge(person, cast.beijing).pk

    def in_turn(self) -> list[tuple[str, str]]:
        """Who may do what now: without these a walk would seldom get anywhere."""
        with crossing.standing(Desk.CLERK), crossing.inside(self.cast.beijing):
            case = Case.objects.get(pk=self.id)
            offered = {
                who: acts_open_to(case, self.cast.actor(who) if who != "applicant" else self.applicant)
                for who in PEOPLE
            }
        known = {*ACTS, "resubmit"} - {"release", "withdraw", "not_accept"}
        return [("li", "tick"), *((who, act) for who in PEOPLE for act in sorted(offered[who] & known))]

    @property
    def applicant(self) -> Actor:
        return self.cast.actor_of(self.person)

    def step(self, who: str, act: str) -> None:
        if act == "wait":
            self.days += 4
            clock.shift(self.days * DAY)
        elif act == "sweep":
            with crossing.standing(Desk.CLERK):
                clockwork.fire_due()
        elif who == "applicant":
            with self.cast.at_applicants_desk(self.person), crossing.inside(self.cast.beijing):
                self.do(act, self.applicant)
        elif who == "zhao":
            with (
                crossing.standing(Desk.AUTHORITY),
                docket.opened(DocketEntry.objects.select_related("agency").get(case_id=self.id)),
            ):
                self.do(act, self.cast.actor(who))
        else:
            with crossing.standing(Desk.AGENCY, self.cast.beijing):
                self.do(act, self.cast.actor(who))

    def do(self, act: str, by: Actor) -> None:
        case = Case.objects.get(pk=self.id)
        offered = act == "tick" or act in acts_open_to(case, by)
        before = self.acts_done()
        try:
            if act == "resubmit":
                filing = casefiles.filing(
                    self.person, self.cast.beijing, performance=f"第 {case.version} 次更正"
                )
                casework.resubmit(case=case, by=by, filing=filing)
            else:
                ACTS[act](case, by)
        except Refusal:
            # Nothing has changed but what the law itself had due.
            assert set(self.acts_done()[len(before) :]) <= STATUTORY
        else:
            assert offered, f"{act} was done without having been offered"

    def acts_done(self) -> list[str]:
        return list(Movement.objects.filter(case_id=self.id).order_by("number").values_list("act", flat=True))

    def check(self) -> None:
        with crossing.standing(Desk.CLERK), crossing.inside(self.cast.beijing):
            assert docket.differences(self.cast.beijing) == []
            heads = DocketEntry.objects.values_list("case_id", "chain_length", "chain_head")
            assert list(log.verify(docket={pk: (length, head) for pk, length, head in heads})) == []
            case = Case.objects.get(pk=self.id)
            mine = Outbox.objects.filter(case_id=self.id, user=case.person.user_id)
            told = mine.values_list("cause", flat=True)
            unheard = {*announcements.SILENT, *announcements.AMONG_STAFF}
            audible = case.movements.exclude(act__in=unheard).values_list("pk", flat=True)
            assert sorted(told) == sorted(str(pk) for pk in audible)
            granted = Registration.objects.filter(case_id=self.id).count()
            assert granted == (case.state == State.FINAL_PASSED)


@given(data=st.data())
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_docket_chain_and_notices_follow_every_walk(
    data: st.DataObject, cast: Cast, shifted_clock: None
) -> None:
    """Everybody tries everything; what is out of turn must be refused without a trace."""
    clock.shift(0)
    walk = Walk(cast, factories.person())
    for _step in range(data.draw(st.integers(1, 30))):
        tame = data.draw(st.integers(0, 3)) > 0
        walk.step(*data.draw(st.sampled_from(walk.in_turn()) if tame else WILD))
    walk.check()
