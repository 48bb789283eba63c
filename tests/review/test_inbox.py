"""What came for a reviewer: answered corrections, remands, assignments; told above the queue until read."""

from __future__ import annotations

import pytest

from notifications import board
from notifications.models import Notice, Outbox
from notifications.tasks import deliver
from register import clock
from review import casework, inbox
from review.models import Case
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Absence, User
from tests import casefiles
from tests.cast import Cast
from tests.review.desks import at_desk, words
from tests.review.test_queue import lodge_one

pytestmark = pytest.mark.django_db


def told(kind: str) -> list[int]:
    with crossing.standing(Desk.CLERK):
        return list(Outbox.objects.filter(kind=kind).values_list("user_id", flat=True))


@pytest.fixture
def lodged(cast: Cast) -> Case:
    with crossing.standing(Desk.APPLICANT):
        return lodge_one(cast, cast.zhang)


def answer(cast: Cast, case: Case) -> None:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        casework.resubmit(
            case=case, by=cast.actor_of(cast.zhang), filing=casefiles.filing(cast.zhang, cast.beijing)
        )


def test_who_has_the_case_hears_of_an_answered_correction(cast: Cast, lodged: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(lodged, cast.actor("li"), State.CORRECTION)
    answer(cast, lodged)
    assert told("staff_resubmitted") == [cast.user("li").pk]
    assert told("resubmitted") == [cast.zhang.user_id]


def test_where_nobody_has_the_case_nobody_of_the_staff_is_told(cast: Cast, lodged: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(lodged, cast.actor("li"), State.CORRECTION)
        Case.objects.filter(pk=lodged.pk).update(assignee=None)
    answer(cast, lodged)
    assert told("staff_resubmitted") == []


def on_leave(cast: Cast) -> None:
    """Li is away today, Liu stands in; so does He, for a namesake's sake at another agency."""
    today = clock.today()
    for agency, deputy in ((cast.beijing, "liu"), (cast.mohurd, "he")):
        Absence.objects.create(
            agency=agency,
            user=cast.user("li"),
            deputy=cast.user(deputy),
            since=today,
            until=today,
            entered_by=cast.user("li"),
            entered_at=clock.now(),
        )


@pytest.mark.parametrize("closed", [False, True])
def test_the_deputy_hears_of_an_answered_correction_and_the_supervisors_where_nobody_is_left(
    cast: Cast, lodged: Case, closed: bool
) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(lodged, cast.actor("li"), State.CORRECTION)
    on_leave(cast)
    User.objects.filter(pk=cast.user("li").pk).update(is_active=not closed)
    answer(cast, lodged)
    names = ["wang"] if closed else ["li", "liu"]
    assert sorted(told("staff_resubmitted")) == sorted(cast.user(name).pk for name in names)


@pytest.mark.parametrize("closed", [False, True])
def test_the_deputy_hears_of_a_remand_and_the_supervisors_where_nobody_is_left(
    cast: Cast, lodged: Case, closed: bool
) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(lodged, cast.actor("li"), State.REPORTED)
    on_leave(cast)
    User.objects.filter(pk=cast.user("li").pk).update(is_active=not closed)
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        casework.take_up(case=lodged, by=cast.actor("zhao"))
        casework.remand(case=lodged, by=cast.actor("zhao"), text="请核对工作经历。")
    names = ["wang"] if closed else ["li", "liu"]
    assert sorted(told("staff_remanded")) == sorted(cast.user(name).pk for name in names)


def test_the_deputy_hears_of_an_assignment(cast: Cast, lodged: Case) -> None:
    on_leave(cast)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.assign(case=lodged, to=cast.user("li"), agency=cast.beijing, by=cast.actor("wang"))
    assert sorted(told("assigned")) == sorted(cast.user(name).pk for name in ("li", "liu"))


def test_who_had_the_case_hears_of_a_remand(cast: Cast, lodged: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(lodged, cast.actor("li"), State.REPORTED)
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        casework.take_up(case=lodged, by=cast.actor("zhao"))
        casework.remand(case=lodged, by=cast.actor("zhao"), text="请核对工作经历。")
    assert told("staff_remanded") == [cast.user("li").pk]


def test_the_queue_tells_what_is_unread(cast: Cast, lodged: Case) -> None:
    li = cast.user("li")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.assign(case=lodged, to=li, agency=cast.beijing, by=cast.actor("wang"))
    deliver()
    with crossing.standing(Desk.AGENCY, cast.beijing):
        waiting = [(each.kind, each.count) for each in inbox.waiting(li)]
        assert inbox.waiting(cast.user("liu")) == []
    assert waiting == [("assigned", 1)]
    client = at_desk(cast, "li")
    assert "未读通知： 新分派 1" in words(client.get("/"))
    with crossing.standing(Desk.AGENCY, cast.beijing):
        assert Notice.objects.get(user=li).case_id == lodged.pk
        board.mark_seen(li)
    assert "未读通知" not in words(client.get("/"))
