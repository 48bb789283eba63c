"""A case stands as its movements say: state, clock, and how it fared."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from register import clock
from register.models import DocketEntry
from review import casework, docket, handover, replay
from review.models import Case
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency
from tests import casefiles, factories
from tests.cast import Cast
from tests.review.test_random_walks import WILD, Walk

pytestmark = pytest.mark.django_db


def restored(case_id: UUID, agency: Agency) -> dict[str, tuple[object, object]]:
    """Where case and movements disagree; stand inside the agency."""
    case = Case.objects.get(pk=case_id)
    found = replay.differences(case, case.movements.order_by("number"))
    assert docket.differences(agency) == []
    return found


@given(data=st.data())
@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_movements_restore_what_a_case_says(data: st.DataObject, cast: Cast, shifted_clock: None) -> None:
    clock.shift(0)
    walk = Walk(cast, factories.person())
    for _step in range(data.draw(st.integers(10, 30))):
        tame = data.draw(st.integers(0, 3)) > 0
        walk.step(*data.draw(st.sampled_from(walk.in_turn()) if tame else WILD))
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        assert restored(walk.id, cast.beijing) == {}


def test_the_way_up_down_and_up_again_is_kept(cast: Cast, shifted_clock: None) -> None:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = casefiles.lodge(cast.zhang, cast.beijing)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(case, cast.actor("li"), State.REPORTED)
    up = clock.today()
    assert fared(case) == (up, None, "pass", "", 0, 0)
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        casework.take_up(case=case, by=cast.actor("zhao"))
        casework.remand(case=case, by=cast.actor("zhao"), text="请补充核查")
    assert fared(case) == (up, None, "pass", "", 0, 1)
    clock.shift(3 * 24 * 3600)
    again = up + timedelta(days=3)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.give_opinion(case=case, by=cast.actor("li"), verdict="fail", codes=["N05"], text="无效")
        casework.refer(cases=[case], by=cast.actor("li"))
    assert fared(case) == (again, None, "fail", "", 0, 1)
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        casework.approve(case=case, by=cast.actor("zhao"))
        assert restored(case.pk, cast.beijing) == {}
    assert fared(case) == (again, again, "fail", "pass", 0, 1)


def fared(case: Case) -> tuple[object, ...]:
    with crossing.standing(Desk.CLERK):
        line = DocketEntry.objects.get(pk=case.pk)
        return (
            line.reported_on, line.decided_on, line.first_verdict, line.final_verdict,
            line.corrections, line.remands,
        )  # fmt: skip


def test_a_proposal_is_no_decision_yet(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = casefiles.lodge(cast.zhang, cast.beijing)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(case, cast.actor("li"), State.REPORTED)
        Case.objects.filter(pk=case.pk).update(policy={**case.policy, "final_sign_off": True})
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        casework.take_up(case=case, by=cast.actor("zhao"))
        casework.refuse(case=case, by=cast.actor("zhao"), codes=["N05"], text="资格证书无效")
        assert fared(case)[1:4] == (None, "pass", "")
        casework.refuse(case=case, by=cast.actor("qian"), codes=["N05"], text="资格证书无效")
        assert restored(case.pk, cast.beijing) == {}
    assert fared(case)[1:4] == (clock.today(), "pass", "fail")


def test_a_case_handed_over_and_back_stands_as_it_stood(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = casefiles.lodge(cast.zhang, cast.beijing)
    way = ((cast.beijing, cast.mohurd, "wang"), (cast.mohurd, cast.beijing, "lin"))
    for source, target, by in way:
        with crossing.standing(Desk.AGENCY, source):
            handover.hand_over(
                case_id=case.pk, source=source, target=target, by=cast.actor(by), text="误选机构"
            )
        with crossing.standing(Desk.CLERK), crossing.inside(source):
            gone = Case.objects.get(pk=case.pk)
            assert gone.state == State.HANDED_OVER
            assert replay.differences(gone, gone.movements.order_by("number")) == {}
        with crossing.standing(Desk.CLERK), crossing.inside(target):
            assert restored(case.pk, target) == {}


def test_what_was_written_past_the_door_shows(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = casefiles.lodge(cast.zhang, cast.beijing)
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        Case.objects.filter(pk=case.pk).update(state=State.ACCEPTED, remands=2)
        found = replay.differences(Case.objects.get(pk=case.pk), case.movements.all())
    assert found == {"state": ("accepted", "submitted"), "remands": (2, 0)}


def test_the_columns_of_earlier_cases_are_filled_from_their_movements(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = casefiles.lodge(cast.zhang, cast.beijing)
    with cast.at_applicants_desk(cast.sun), crossing.inside(cast.beijing):
        untouched = casefiles.lodge(cast.sun, cast.beijing)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(case, cast.actor("li"), State.REPORTED)
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        casework.take_up(case=case, by=cast.actor("zhao"))
        casework.approve(case=case, by=cast.actor("zhao"))
    nothing = {"reported_on": None, "decided_on": None, "first_verdict": "", "final_verdict": ""}
    earlier = import_module("review.migrations.0009_fared_as_moved")
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        Case.objects.update(**nothing)
        DocketEntry.objects.update(**nothing)
        with connection.cursor() as cursor:
            cursor.execute(earlier.AS_MOVED)
            cursor.execute(earlier.IN_THE_DOCKET)
        assert [restored(each.pk, cast.beijing) for each in (case, untouched)] == [{}, {}]
    assert fared(case) == (clock.today(), clock.today(), "pass", "pass", 0, 0)
