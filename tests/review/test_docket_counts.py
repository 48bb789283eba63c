"""The counters of the docket: what they tell is what the lists hold, whoever acts at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from register.models import DocketCount, DocketEntry
from review import casework, docket, handover, queue, reconcile, tasks
from review.models import Case
from review.queue import Wish
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency, SchemaHealth
from tests import casefiles
from tests.cast import Cast
from tests.review.races import RACES, Course
from tests.review.test_queue import lodge_many


def told(wish: Wish, user_id: int = 0) -> dict[str, int | None]:
    lines = queue.narrowed(queue.docket(), queue.DOCKET, wish, user_id=user_id)
    return queue.counts(lines, queue.DOCKET, user_id=user_id, wish=wish)


def listed(wish: Wish, user_id: int = 0) -> dict[str, int]:
    lines = queue.narrowed(queue.docket(), queue.DOCKET, wish, user_id=user_id)
    return {
        tab.key: len(queue.listed(lines, queue.DOCKET, tab, user_id=user_id)) for tab in queue.AUTHORITY_TABS
    }


WISHES = [
    Wish(),
    Wish(agency="beijing"),
    Wish(agency="mohurd"),
    Wish(agency="sinopec"),
    Wish(channel="provincial"),
    Wish(channel="enterprise"),
    Wish(agency="beijing", channel="enterprise"),
    Wish(kind="initial"),
    Wish(search="申请00"),
    Wish(due="over"),
    Wish(hold="free", agency="beijing"),
]


@pytest.mark.django_db
def test_the_counts_of_the_docket_equal_its_lists(cast: Cast) -> None:
    ways = (State.CORRECTION, State.ACCEPTED, State.FIRST_PASSED, State.REPORTED, State.REPORTED)
    ours, others = lodge_many(cast, 6), lodge_many(cast, 2, agency="mohurd")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for case, to in zip(ours, ways, strict=False):
            casefiles.walk(case, cast.actor("li"), to)
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        casefiles.walk(others[0], cast.actor("he"), State.REPORTED)
    zhao = cast.actor("zhao")
    with crossing.standing(Desk.AUTHORITY):
        with crossing.inside(cast.beijing):
            for case in (ours[3], ours[4]):
                casework.take_up(case=case, by=zhao)
            casework.approve(case=ours[3], by=zhao)
        for wish in WISHES:
            assert told(wish, zhao.account) == listed(wish, zhao.account), wish
        assert told(Wish(), zhao.account) == {
            "reported": 2,
            "mine": 1,
            "signing": 0,
            "first": 5,
            "granted": 1,
            "refused": 0,
            "ended": 0,
            "all": 8,
        }
    with crossing.standing(Desk.CLERK):
        assert docket.miscounted() == []


@pytest.mark.django_db
def test_a_case_handed_over_counts_at_the_other_agency(cast: Cast) -> None:
    (case,) = lodge_many(cast, 1)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        handover.hand_over(
            case_id=case.pk, by=cast.actor("wang"), source=cast.beijing, target=cast.mohurd, text="误报"
        )
    with crossing.standing(Desk.AUTHORITY):
        assert (told(Wish(agency="beijing"))["all"], told(Wish(agency="mohurd"))["all"]) == (0, 1)
    with crossing.standing(Desk.CLERK):
        assert docket.miscounted() == []


@pytest.mark.django_db
def test_an_act_writes_line_and_counts_in_one_statement(cast: Cast) -> None:
    (case,) = lodge_many(cast, 1)
    li = cast.actor("li")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        with CaptureQueriesContext(connection) as asked:
            casework.take_up(case=case, by=li)
        assert len([q for q in asked if "register_docket" in q["sql"] and "SELECT count" in q["sql"]]) == 1
        with CaptureQueriesContext(connection) as asked:
            casework.accept(case=case, by=li)
    assert len([q for q in asked if "register_docketcount" in q["sql"]]) == 1
    with crossing.standing(Desk.CLERK):
        rows = list(DocketCount.objects.order_by("pk").values_list("state", "change"))
    assert rows == [("submitted", 1), ("submitted", -1), ("accepted", 1)]


@pytest.mark.django_db
def test_folding_changes_no_sum_and_drops_what_is_nothing(cast: Cast) -> None:
    cases = lodge_many(cast, 3)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for case in cases:
            casefiles.walk(case, cast.actor("li"), State.ACCEPTED)
    with crossing.standing(Desk.AUTHORITY):
        before = told(Wish())
    with crossing.standing(Desk.CLERK):
        assert docket.fold_counts() == 9
        assert list(DocketCount.objects.values_list("state", "change")) == [("accepted", 3)]
        assert docket.fold_counts() == 0
    with crossing.standing(Desk.AUTHORITY):
        assert told(Wish()) == before


@pytest.mark.django_db
def test_counting_anew_mends_what_is_wrong_and_nothing_else(cast: Cast) -> None:
    lodge_many(cast, 2)
    with crossing.standing(Desk.OWNER):
        DocketCount.objects.create(agency=cast.mohurd, state="issued", change=7)
        DocketCount.objects.filter(agency=cast.beijing).first().delete()  # type: ignore[union-attr]
    with crossing.standing(Desk.CLERK):
        assert docket.miscounted() == [
            "beijing submitted: 1 counted, 2 lines",
            "mohurd issued: 7 counted, 0 lines",
        ]
        assert docket.count_anew() == 2
        assert (docket.miscounted(), docket.count_anew()) == ([], 0)


@pytest.fixture
def course(cast: Cast) -> Iterator[Course]:
    course = Course(cast)
    yield course
    course.close()


@pytest.mark.django_db(transaction=True)
def test_acts_and_sweeps_at_once_leave_the_counts_right(course: Course) -> None:
    def sweep(_n: int) -> int:
        try:
            with crossing.standing(Desk.CLERK):
                return docket.fold_counts()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as beats:
        swept: list[Any] = [beats.submit(sweep, n) for n in range(12)]
        course.run(len(RACES))
        folded = sum(each.result() for each in swept)
    folded += sweep(0)
    assert folded > 0
    with crossing.standing(Desk.CLERK):
        assert docket.miscounted() == []
        assert docket.fold_counts() == 0


@pytest.mark.django_db
def test_the_docket_of_cases_is_the_sum_of_the_files(cast: Cast) -> None:
    (case,) = lodge_many(cast, 1)
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        assert docket.differences(cast.beijing) == []
        Case.objects.filter(pk=case.pk).update(awaits_signature=True)
        assert docket.differences(cast.beijing) == [
            f"beijing {case.reference}: awaits_signature is False, case says True"
        ]


def move_past_the_door(case: Case, agency: Agency, **line: Any) -> None:
    """What somebody does to this case between two looks of a walk, file and docket line alike."""
    Case.objects.filter(pk=case.pk).update(state=line["state"])
    if line["state"] == State.HANDED_OVER:
        line = {"agency": agency}
    DocketEntry.objects.filter(pk=case.pk).update(**line)


@pytest.mark.django_db
def test_a_case_handed_over_during_a_rebuild_keeps_its_new_line(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    lodge_many(cast, 2)
    really = docket.line_of
    written: list[Any] = []

    def line_of(case: Case) -> dict[str, Any]:
        if not written:
            other = Case.objects.exclude(pk=case.pk).get()
            move_past_the_door(other, cast.mohurd, state=State.HANDED_OVER)
            written.append(other.pk)
        return really(case)

    monkeypatch.setattr(docket, "line_of", line_of)
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        assert docket.rebuild(cast.beijing) == 1
        assert DocketEntry.objects.get(pk=written[0]).agency == cast.mohurd


@pytest.mark.django_db
def test_what_moves_during_a_comparison_is_no_difference(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    moved, gone, odd = lodge_many(cast, 3)
    really = docket._live_cases
    looked: list[bool] = []

    def live_cases() -> Any:
        if not looked:
            looked.append(True)
            move_past_the_door(moved, cast.beijing, state=State.ACCEPTED)
            move_past_the_door(gone, cast.mohurd, state=State.HANDED_OVER)
        return really()

    monkeypatch.setattr(docket, "_live_cases", live_cases)
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        DocketEntry.objects.filter(pk=odd.pk).update(remands=7)
        assert docket.differences(cast.beijing) == [f"beijing {odd.reference}: remands is 7, case says 0"]


@pytest.mark.django_db
def test_the_comparison_counts_miscounts_and_stops_for_no_agency(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lodge_many(cast, 1)
    lodge_many(cast, 1, agency="sinopec")
    tasks.check_schemas()
    with crossing.standing(Desk.OWNER):
        SchemaHealth.objects.filter(schema="sinopec").delete()
        DocketEntry.objects.filter(agency=cast.sinopec).update(remands=7)
        DocketCount.objects.create(agency=cast.mohurd, state="issued", change=7)
    really = reconcile.compare

    def compare(agency: Agency, found: reconcile.Found) -> list[reconcile.Difference]:
        if agency == cast.beijing:
            raise RuntimeError("out of order")
        return really(agency, found)

    monkeypatch.setattr(reconcile, "compare", compare)
    assert tasks.compare_books() == 3
    with crossing.standing(Desk.OWNER):
        found = dict(SchemaHealth.objects.values_list("schema", "differences"))
    assert found == {"beijing": None, "mohurd": 1}
    assert "mohurd：状态“已发证”的计数是7，登记簿中有0条。" in caplog.text
    assert "The books of beijing could not be compared" in caplog.text
    assert "The schema of sinopec was never looked at" in caplog.text
