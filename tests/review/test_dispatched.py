"""Dispatches at the authority, over all agencies: which wait, in which order, what is in them, files."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from review import casework, dispatched
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tests.cast import Cast
from tests.review.desks import at_desk, line_now
from tests.review.test_bulk_approval import reported

pytestmark = pytest.mark.django_db


def number_of(cast: Cast, count: int, agency: str = "beijing", *, to: State = State.FIRST_PASSED) -> str:
    """The number of a new dispatch with so many cases."""
    return line_now(reported(cast, count, agency, to=to)[0].pk).dispatch_number


def numbers(*, waiting: bool, agency: str = "", number: str = "") -> list[str]:
    with crossing.standing(Desk.AUTHORITY):
        page = dispatched.page(waiting=waiting, agency=agency, number=number)
    return [row.number for row in page.rows]


def test_what_waits_and_what_was_sent(cast: Cast) -> None:
    first, second = number_of(cast, 2), number_of(cast, 1, "mohurd")
    (decided,) = reported(cast, 1)
    done = line_now(decided.pk).dispatch_number
    zhao = cast.actor("zhao")
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        casework.take_up(case=decided, by=zhao)
        casework.approve(case=decided, by=zhao)
    assert numbers(waiting=True) == sorted((first, second), key=lambda number: (number[-12:], number))
    every = sorted((first, second, done), key=lambda number: (number[-12:], number), reverse=True)
    assert numbers(waiting=False) == every
    assert numbers(waiting=False, agency="mohurd") == [second]
    assert numbers(waiting=True, number=first.lower()) == [first]
    with crossing.standing(Desk.AUTHORITY):
        (row,) = dispatched.page(waiting=False, number=first).rows
    assert (row.total, row.waiting, row.signing, row.agency) == (2, 2, 0, cast.beijing.name)


def test_the_pages_follow_each_other(cast: Cast) -> None:
    sent = [number_of(cast, 1) for _turn in range(3)]
    for waiting, order in ((True, sent), (False, sent[::-1])):
        with crossing.standing(Desk.AUTHORITY):
            first = dispatched.page(waiting=waiting, size=2)
            rest = dispatched.page(waiting=waiting, size=2, after=first.next)
        assert [row.number for row in (*first.rows, *rest.rows)] == order
        assert (first.next, rest.next) == (order[1], "")


def test_the_list_and_both_files_in_the_browser(cast: Cast) -> None:
    passed = number_of(cast, 2)
    failed = number_of(cast, 1, "mohurd", to=State.FIRST_FAILED)
    zhao = at_desk(cast, "zhao")
    page = zhao.page("/dispatch-batches/")
    assert passed in page
    assert failed in page
    only = zhao.page("/dispatch-batches/?agency=mohurd&tab=all")
    assert (passed in only, failed in only) == (False, True)
    for number, name in ((passed, "申请000"), (failed, "申请000")):
        assert name in zhao.page(f"/dispatch-batches/{number}/")
        for file, start in (("summary.pdf", b"%PDF-"), ("summary.xlsx", b"PK")):
            answer = zhao.get(f"/dispatch-batches/{number}/{file}")
            assert answer.content.startswith(start)
            assert number in answer["Content-Disposition"]
            assert answer["Cache-Control"] == "private, no-store"
    assert zhao.get("/dispatch-batches/BEIJING-20200101-001/").status_code == 404


@pytest.mark.parametrize("path", ["", "{number}/", "{number}/summary.pdf", "{number}/summary.xlsx"])
def test_who_opens_no_cases_sees_no_dispatch(cast: Cast, path: str) -> None:
    number = number_of(cast, 1)
    feng = at_desk(cast, "feng")
    assert feng.get(f"/dispatch-batches/{path.format(number=number)}").status_code == 404


def test_the_list_asks_as_little_for_many_as_for_one(cast: Cast) -> None:
    zhao, asked = at_desk(cast, "zhao"), []
    for count in (1, 3):
        for _turn in range(count):
            number_of(cast, 1)
        zhao.get("/dispatch-batches/")
        with CaptureQueriesContext(connection) as queries:
            zhao.get("/dispatch-batches/")
        asked.append(len(queries))
    assert asked[0] == asked[1]
    assert asked[0] <= 10
