"""The queue: counts that equal the lists, pages that follow keys, filters that live in the address."""

from __future__ import annotations

from itertools import pairwise
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from register.models import Kind
from review import casework, queue
from review.models import Case
from review.queue import Cursor, Page, Wish
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tests import casefiles, factories
from tests.cast import Cast
from tests.review.desks import at_desk

pytestmark = pytest.mark.django_db

MOST_QUERIES = 10


def lodge_many(cast: Cast, count: int, *, agency: str = "beijing") -> list[Case]:
    people = [factories.person(f"申请{n:03d}") for n in range(count)]
    with crossing.standing(Desk.APPLICANT):
        return [lodge_one(cast, person, agency) for person in people]


def lodge_one(cast: Cast, person: object, agency: str = "beijing", **changes: object) -> Case:
    with crossing.acting_as(person.pk), crossing.inside(cast.agencies[agency]):  # type: ignore[attr-defined]
        return casefiles.lodge(person, cast.agencies[agency], **changes)  # type: ignore[arg-type]


@pytest.fixture
def mixed(cast: Cast) -> list[Case]:
    """Cases of Beijing in most states of the first review, some held by Li, some by Liu."""
    cases = lodge_many(cast, 7)
    ways = (State.CORRECTION, State.ACCEPTED, State.FIRST_PASSED, State.FIRST_FAILED, State.REPORTED)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for place, (case, to) in enumerate(zip(cases, ways, strict=False)):
            casefiles.walk(case, cast.actor("li" if place % 2 else "liu"), to)
        casework.take_up(case=cases[5], by=cast.actor("li"))
    return cases


def test_the_counts_on_the_tabs_equal_the_lists(cast: Cast, mixed: list[Case]) -> None:
    li = cast.user("li")
    wishes = [Wish(), Wish(hold="mine"), Wish(hold="free"), Wish(search="申请00"), Wish(kind="renewal")]
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for wish in wishes:
            lines = queue.narrowed(queue.cases(), queue.CASES, wish, user_id=li.pk)
            counted = queue.counts(lines, queue.CASES, user_id=li.pk)
            listed = {
                tab.key: len(queue.listed(lines, queue.CASES, tab, user_id=li.pk))
                for tab in queue.AGENCY_TABS
            }
            assert counted == listed
    assert listed["all"] == 0


def test_what_stands_on_which_tab(cast: Cast, mixed: list[Case]) -> None:
    li = cast.user("li")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        counted = queue.counts(queue.cases(), queue.CASES, user_id=li.pk)
    assert counted == {
        "todo": 5,
        "mine": 3,
        "submitted": 2,
        "working": 1,
        "passed": 2,
        "correction": 1,
        "reported": 1,
        "closed": 0,
        "all": 7,
    }


def test_every_state_stands_on_a_tab_of_both_desks() -> None:
    for book in (queue.CASES, queue.DOCKET):
        own = {state for tab in book.tabs if not tab.mine and tab.key != "all" for state in tab.states}
        assert own == set(State)


@pytest.mark.parametrize("key", ["todo", "all"])
def test_pages_follow_one_another_without_gap_or_repeat(cast: Cast, key: str) -> None:
    lodged = {case.pk for case in lodge_many(cast, 7)}
    tab, book = queue.CASES.tab(key), queue.CASES

    def turn(after: Cursor | None = None, before: Cursor | None = None) -> Page[Case]:
        lines = queue.listed(queue.cases(), book, tab, user_id=0)
        return queue.page(lines, book, tab, after=after, before=before, size=3)

    with crossing.standing(Desk.AGENCY, cast.beijing):
        first = turn()
        second = turn(after=first.after)
        third = turn(after=second.after)
        seen = [row.pk for page in (first, second, third) for row in page.rows]
        assert (len(seen), set(seen)) == (7, lodged)
        assert (first.before, third.after) == (None, None)
        assert turn(before=third.before).rows == second.rows
        assert turn(before=second.before).rows == first.rows
        assert turn(before=second.before).before is None


def test_open_work_stands_by_due_date(cast: Cast) -> None:
    late, soon, later = lodge_many(cast, 3)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for case, days in ((later, 9), (late, 0), (soon, 1)):
            Case.objects.filter(pk=case.pk).update(due_on=casefiles.today_plus(days))
        lines = list(queue.listed(queue.cases(), queue.CASES, queue.CASES.tabs[0], user_id=0))
    assert [line.pk for line in lines] == [late.pk, soon.pk, later.pk]
    assert all(a.due_on <= b.due_on for a, b in pairwise(lines) if a.due_on and b.due_on)


@pytest.mark.parametrize(
    "text", ["", "~", "2026-01-01", "x~y", "2026-13-01~00000000-0000-0000-0000-000000000000"]
)
def test_a_place_that_is_none_starts_the_list_at_its_top(text: str) -> None:
    assert Cursor.parse(text, queue.AGENCY_TABS[0]) is None


@pytest.mark.parametrize("count", [1, 50])
def test_the_agencys_queue_stays_within_its_budget(cast: Cast, count: int) -> None:
    lodge_many(cast, count)
    li = at_desk(cast, "li")
    cache.clear()
    with CaptureQueriesContext(connection) as asked:
        page = li.get("/")
    assert page.content.decode().count('name="case"') == count
    assert len(asked) <= MOST_QUERIES, [query["sql"] for query in asked]


@pytest.mark.parametrize("count", [1, 50])
def test_the_authoritys_queue_stays_within_its_budget(cast: Cast, count: int) -> None:
    for _n in range(count):
        factories.docket_line(factories.person(), cast.beijing, state="reported", clock="N", due_on=None)
    zhao = at_desk(cast, "zhao")
    with CaptureQueriesContext(connection) as asked:
        page = zhao.get("/")
    assert page.content.decode().count('name="case"') == count
    assert len(asked) <= MOST_QUERIES, [query["sql"] for query in asked]


def test_filters_live_in_the_address_and_a_wrong_one_asks_for_nothing(cast: Cast) -> None:
    one, other = lodge_many(cast, 2)
    li = at_desk(cast, "li")
    found = li.page("/cases/?" + urlencode({"search": one.reference, "kind": Kind.INITIAL, "hold": "free"}))
    assert one.reference in found
    assert other.reference not in found
    assert "没有符合条件的案卷" in li.page("/cases/?" + urlencode({"search": "没有这个人"}))
    assert other.reference in li.page("/cases/?kind=nonsense&category=zz&hold=x&tab=nonsense&after=nonsense")


def test_an_empty_queue_says_what_would_be_here(cast: Cast) -> None:
    page = at_desk(cast, "li").page("/cases/?tab=mine")
    assert "您还没有领取案卷" in page


# --- Several at once ---------------------------------------------------------------------------------


def test_taking_up_several_says_a_line_for_each(cast: Cast) -> None:
    free, taken = lodge_many(cast, 2)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.take_up(case=taken, by=cast.actor("liu"))
    li = at_desk(cast, "li")
    answer = li.post("/holdings/", {"case": [free.pk, taken.pk], "here": "/cases/?tab=submitted"})
    assert answer["Location"] == "/cases/?tab=submitted"
    page = li.page(answer["Location"])
    assert f"{free.reference} {free.applicant_name}：已领取。" in page
    assert f"{taken.reference} {taken.applicant_name}：本案已由其他人员领取。" in page


def test_referring_several_asks_once_and_makes_one_dispatch(cast: Cast) -> None:
    held, free, raw = lodge_many(cast, 3)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for case in (held, free):
            casefiles.walk(case, cast.actor("li"), State.FIRST_PASSED)
        casework.release(case=free, by=cast.actor("li"))
    li = at_desk(cast, "li")
    chosen = {"case": [held.pk, free.pk, raw.pk]}
    question = li.post("/dispatches/", chosen)
    assert "确定报送这 3 件案卷吗" in question.content.decode()
    li.post("/dispatches/", {**chosen, "confirmed": "1"})
    with crossing.standing(Desk.AGENCY, cast.beijing):
        states = {case.pk: (case.state, case.dispatch_id) for case in Case.objects.all()}
    assert states[held.pk] == states[free.pk]
    assert states[held.pk][0] == State.REPORTED
    assert states[raw.pk] == (State.SUBMITTED, None)
    assert f"{raw.reference} {raw.applicant_name}：" in li.page("/")


def test_a_foreign_id_among_the_ticked_is_not_found(cast: Cast) -> None:
    (own,) = lodge_many(cast, 1)
    (foreign,) = lodge_many(cast, 1, agency="mohurd")
    li = at_desk(cast, "li")
    assert li.post("/holdings/", {"case": [own.pk, foreign.pk]}).status_code == 404
    assert li.post("/dispatches/", {"case": [foreign.pk]}).status_code == 404
    assert li.post("/holdings/", {"case": ["nonsense"]}).status_code == 302
