"""The queue: counts that equal the lists, pages that follow keys, filters that live in the address."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from register import clock
from register.models import Kind
from review import casework, queue
from review.models import Case
from review.queue import Cursor, Page, Wish
from review.states import State
from tenants import crossing, roles
from tenants.crossing import Desk
from tenants.models import Absence
from tests import casefiles, factories
from tests.cast import Cast
from tests.review.desks import at_desk, case_now, words

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


def test_a_search_finds_once_what_figures_and_lists_show(
    cast: Cast, mixed: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    desks: tuple[Any, ...] = (
        ("li", Desk.AGENCY, queue.CASES, queue.cases),
        ("zhao", Desk.AUTHORITY, queue.DOCKET, queue.docket),
    )
    for who, desk, book, every in desks:
        user_id, wish = cast.user(who).pk, Wish(search="申请00")
        with crossing.standing(desk, cast.beijing if desk is Desk.AGENCY else None):
            lines = queue.narrowed(every(), book, wish, user_id=user_id)
            found = queue.found(lines, book, wish, user_id=user_id)
            assert found is not None
            assert {key: set(keys) for key, keys in found.items()} == {
                tab.key: {line.pk for line in queue.listed(lines, book, tab, user_id=user_id)}
                for tab in book.tabs
            }
            assert queue.found(every(), book, Wish(kind="initial"), user_id=user_id) is None
            monkeypatch.setattr(queue, "MOST_COUNTED", len(mixed) - 1)
            assert queue.found(lines, book, wish, user_id=user_id) is None
            monkeypatch.undo()
        assert len(found["all"]) == len(mixed)


def test_what_is_over_is_not_free_to_be_taken_up(cast: Cast, mixed: list[Case]) -> None:
    li = cast.user("li").pk
    with crossing.standing(Desk.AGENCY, cast.beijing):
        Case.objects.filter(pk=mixed[5].pk).update(state=State.WITHDRAWN, assignee=None)
        wish = Wish(hold="free")
        lines = queue.narrowed(queue.cases(), queue.CASES, wish, user_id=li)
        counted = queue.counts(lines, queue.CASES, user_id=li, wish=wish)
        assert [line.pk for line in lines] == [mixed[6].pk]
    assert (counted["all"], counted["closed"], counted["submitted"]) == (1, 0, 1)


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
    # The code lists, which each process remembers for a while, are read by the first page.
    li.get("/")
    cache.clear()
    with CaptureQueriesContext(connection) as asked:
        page = li.get("/")
    assert page.content.decode().count('name="case"') == count
    assert len(asked) <= MOST_QUERIES, [query["sql"] for query in asked]


def test_a_deputy_finds_the_cases_of_an_absent_colleague_among_the_own(cast: Cast) -> None:
    today = clock.today()
    (case,) = lodge_many(cast, 1)
    line = factories.docket_line(
        factories.person(), cast.beijing, state="reported", clock="N", officer=cast.user("zhao")
    )
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.take_up(case=case, by=cast.actor("liu"))
    for agency, away, deputy in (("beijing", "liu", "li"), ("authority", "zhao", "qian")):
        # The signing officer stands in who reviews as well.
        if deputy == "qian":
            roles.grant(user=cast.user("qian"), agency=cast.authority, role="final_reviewer", by=None)
        Absence.objects.create(
            agency=cast.agencies[agency],
            user=cast.user(away),
            deputy=cast.user(deputy),
            since=today,
            until=today,
            entered_by=cast.user(deputy),
            entered_at=clock.now(),
        )
    for who, reference, holder in (("li", case.reference, "刘初审"), ("qian", line.reference, "赵终审")):
        page = at_desk(cast, who).page("/cases/?tab=mine")
        assert "我的案卷 1" in page
        assert reference in page
        assert f"代 {holder}" in page


@pytest.mark.parametrize("count", [1, 50])
def test_the_authoritys_queue_stays_within_its_budget(cast: Cast, count: int) -> None:
    for _n in range(count):
        factories.docket_line(factories.person(), cast.beijing, state="reported", clock="N", due_on=None)
    zhao = at_desk(cast, "zhao")
    # What each process remembers for a while (code lists, names of agencies) is read by the first page.
    zhao.get("/")
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


def test_what_somebody_else_did_is_told_for_each_case(cast: Cast) -> None:
    done, gone = lodge_many(cast, 2)
    li = at_desk(cast, "li")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(done, cast.actor("liu"), State.ACCEPTED)
        casefiles.walk(gone, cast.actor("liu"), State.REPORTED)
    answer = li.post("/holdings/", {"case": [done.pk, gone.pk]})
    page = li.page(answer["Location"])
    for case, act in ((done, "受理"), (gone, "报送终审")):
        (said,) = re.findall(rf"{case.reference} {case.applicant_name}：(\S+)", page)
        assert "刘初审" in said
        assert act in said


def test_assigning_several_says_a_line_for_each(cast: Cast) -> None:
    one, own = lodge_many(cast, 2)
    liu, foreign = cast.user("liu"), cast.user("he")
    liu.document_digest = own.document_digest
    liu.save()
    wang = at_desk(cast, "wang")
    page = wang.get("/").content.decode()
    assert f'<option value="{liu.pk}">刘初审</option>' in " ".join(page.split())
    answer = wang.post("/assignments/", {"case": [one.pk, own.pk], "to": liu.pk, "here": "/cases/?tab=todo"})
    told = wang.page(answer["Location"])
    assert f"{one.reference} {one.applicant_name}：已分派给刘初审。" in told
    assert f"{own.reference} {own.applicant_name}：该人员与本案有利害关系" in told
    with crossing.standing(Desk.AGENCY, cast.beijing):
        held = dict(Case.objects.values_list("pk", "assignee_id"))
    assert held == {one.pk: liu.pk, own.pk: None}
    for to in ("", "x", str(foreign.pk), str(cast.user("xu").pk)):
        wang.post("/assignments/", {"case": [own.pk], "to": to})
        assert "请先选择要分派给哪位经办人员" in wang.page("/")
    for name in ("li", "chen"):
        answer = at_desk(cast, name).post("/assignments/", {"case": [one.pk], "to": liu.pk})
        assert answer.status_code == 404


def test_accepting_several_asks_once_and_leaves_nothing_half_done(cast: Cast) -> None:
    free, taken, over = lodge_many(cast, 3)
    li = at_desk(cast, "li")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.take_up(case=taken, by=cast.actor("liu"))
        casefiles.walk(over, cast.actor("liu"), State.CORRECTION)
    chosen = {"case": [free.pk, taken.pk, over.pk], "here": "/cases/?tab=submitted"}
    assert "确定受理这 3 件申请吗" in words(li.post("/acceptances/", chosen))
    answer = li.post("/acceptances/", {**chosen, "confirmed": "1"})
    page = li.page(answer["Location"])
    assert f"{free.reference} {free.applicant_name}：已受理，受理凭证已通知申请人。" in page
    assert f"{taken.reference} {taken.applicant_name}：本案已由其他人员领取" in page
    with crossing.standing(Desk.AGENCY, cast.beijing):
        found = {case.pk: (case.state, case.assignee_id) for case in Case.objects.all()}
    li_id, liu_id = cast.user("li").pk, cast.user("liu").pk
    assert found == {
        free.pk: (State.ACCEPTED, li_id),
        taken.pk: (State.SUBMITTED, liu_id),
        over.pk: (State.CORRECTION, liu_id),
    }


def test_no_more_than_two_hundred_at_once(cast: Cast) -> None:
    (case,) = lodge_many(cast, 1)
    li = at_desk(cast, "li")
    li.post("/holdings/", {"case": [case.pk, *(uuid4() for _n in range(200))]})
    assert "一次最多办理 200 件案卷" in li.page("/")
    assert case_now(cast.beijing, case.pk).assignee_id is None


@pytest.mark.parametrize(
    ("name", "acts"),
    [
        ("li", ["take_up", "accept", "refer"]),
        ("wang", ["assign"]),
        ("chen", []),
        ("xu", []),
    ],
)
def test_who_is_offered_what_for_several(cast: Cast, name: str, acts: list[str]) -> None:
    lodge_many(cast, 1)
    officer = at_desk(cast, name)

    def offered(tab: str) -> list[str]:
        """What moves cases; printing stands beside it."""
        page = officer.get(f"/cases/?tab={tab}")
        return [act["value"] for act in page.context["bulk_acts"] if act["value"] != "print"]

    assert (offered("todo"), offered("closed")) == (acts, [])
