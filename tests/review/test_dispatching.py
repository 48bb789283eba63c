"""Dispatches: the list keeps what was sent, on the screen, on paper and in a workbook."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from openpyxl.reader.excel import load_workbook
from pypdf import PdfReader

from review import casework, dispatch_prints, dispatching, prepared
from review.dispatching import SummaryList
from review.documents import summaries
from review.models import Case, Dispatch
from review.states import State
from review.tasks import prepare
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import PreparedFile
from tests import casefiles, factories
from tests.cast import Cast
from tests.review.desks import at_desk

pytestmark = pytest.mark.django_db


def reviewed(cast: Cast, name: str, to: State = State.FIRST_PASSED, **changes: Any) -> Case:
    """Somebody's case at Beijing with its first-review opinion."""
    person = factories.person(name)
    with cast.at_applicants_desk(person), crossing.inside(cast.beijing):
        case = casefiles.lodge(person, cast.beijing, **changes)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        return casefiles.walk(case, cast.actor("li"), to)


def sent(cast: Cast, *cases: Case) -> Dispatch:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        dispatch = casework.refer(cases=cases, by=cast.actor("li")).dispatch
    assert dispatch is not None
    return dispatch


def listed(cast: Cast, dispatch: Dispatch) -> SummaryList:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        return dispatching.summary_of(dispatch)


def test_the_list_says_whom_and_with_which_opinion(cast: Cast) -> None:
    dispatch = sent(cast, reviewed(cast, "甲测"), reviewed(cast, "乙测", State.FIRST_FAILED))
    summary = listed(cast, dispatch)
    assert [(line.number, line.name, line.verdict) for line in summary.lines] == [
        (1, "甲测", "pass"),
        (2, "乙测", "fail"),
    ]
    assert (summary.passed, summary.failed) == (1, 1)
    assert summary.lines[1].text == "资格证书无效"
    with crossing.standing(Desk.AGENCY, cast.beijing):
        (batch,) = dispatching.page().rows
    assert (batch.number, batch.sent_by_name) == (dispatch.number, "李初审")
    assert (batch.sent, batch.passed, batch.failed) == (2, 1, 1)


def test_a_list_never_changes_though_the_case_comes_back_and_goes_up_again(cast: Cast) -> None:
    case = reviewed(cast, "甲测")
    first = sent(cast, case)
    before = listed(cast, first)
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        case.refresh_from_db()
        casework.take_up(case=case, by=cast.actor("zhao"))
        casework.remand(case=case, by=cast.actor("zhao"), text="请核对合同")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=case.pk)
        casefiles.tick_all(case, cast.actor("li"), fault="employer")
        casework.give_opinion(case=case, by=cast.actor("li"), verdict="fail", codes=["N05"], text="合同无效")
    second = sent(cast, Case(pk=case.pk))
    assert [line.verdict for line in listed(cast, first).lines] == ["pass"]
    assert summaries.counted(listed(cast, first)) == summaries.counted(before)
    assert [line.verdict for line in listed(cast, second).lines] == ["fail"]


def test_one_query_lists_one_or_many(cast: Cast, django_assert_num_queries: Any) -> None:
    one, many = (sent(cast, *(reviewed(cast, f"测{n}") for n in range(count))) for count in (1, 3))
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for dispatch, count in ((one, 1), (many, 3)):
            with django_assert_num_queries(1):
                assert len(dispatching.summary_of(dispatch).lines) == count


def test_pages_of_batches_go_back_in_time(cast: Cast) -> None:
    numbers = [sent(cast, reviewed(cast, f"测{n}")).number for n in range(3)]
    with crossing.standing(Desk.AGENCY, cast.beijing):
        newest = dispatching.page(size=2)
        assert [row.number for row in newest.rows] == [numbers[2], numbers[1]]
        older = dispatching.page(older_than=newest.older, size=2)
        assert ([row.number for row in older.rows], older.older) == ([numbers[0]], "")


def test_paper_and_workbook_say_the_same(cast: Cast) -> None:
    dispatch = sent(cast, reviewed(cast, "甲测"), reviewed(cast, "乙测", State.FIRST_FAILED))
    summary = listed(cast, dispatch)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        pages = PdfReader(io.BytesIO(summaries.summary_pdf(summary, cast.beijing))).pages
        sheet = load_workbook(io.BytesIO(summaries.summary_xlsx(summary, cast.beijing))).worksheets[0]
    page = pages[0]
    assert float(page.mediabox.width) > float(page.mediabox.height)
    text = re.sub(r"\s", "", page.extract_text())
    rows = [[str(cell.value or "") for cell in row] for row in sheet.iter_rows(min_row=4)]
    assert [row[1] for row in rows] == ["甲测", "乙测"]
    for value in (value for row in rows for value in row if value):
        assert re.sub(r"\s", "", value) in text, value
    assert "共2人，其中初审通过1人，初审不通过1人" in text
    assert (dispatch.number in text, "盖章处" in text) == (True, True)
    number = summary.lines[0].document_mask
    assert "*" in number


@pytest.mark.parametrize("typed", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://example.com")'])
def test_what_was_typed_is_never_a_formula(cast: Cast, typed: str) -> None:
    content = casefiles.dossier(cast.zhang, cast.beijing)
    case = reviewed(cast, "甲测", employer={**content["employer"], "name": typed})
    summary = listed(cast, sent(cast, case))
    with crossing.standing(Desk.AGENCY, cast.beijing):
        sheet = load_workbook(io.BytesIO(summaries.summary_xlsx(summary, cast.beijing))).worksheets[0]
    cell = sheet["H4"]
    assert (cell.value, cell.data_type) == (typed, "s")


def test_the_desk_leads_from_the_queue_to_the_batch(cast: Cast) -> None:
    case = reviewed(cast, "甲测")
    li = at_desk(cast, "li")
    answer = li.post("/dispatches/", {"case": str(case.pk), "confirmed": "1"})
    with crossing.standing(Desk.AGENCY, cast.beijing):
        number = Dispatch.objects.get().number
    assert (answer.status_code, answer["Location"]) == (302, f"/dispatch-batches/{number}/")
    assert "甲测" in li.page(f"/dispatch-batches/{number}/")
    assert number in li.page("/dispatch-batches/")
    for name, start in (("summary.pdf", b"%PDF"), ("summary.xlsx", b"PK")):
        assert li.get(f"/dispatch-batches/{number}/{name}").content.startswith(start)


def test_all_forms_of_a_batch_are_ordered_from_its_page(cast: Cast) -> None:
    cases = [reviewed(cast, "甲测"), reviewed(cast, "乙测")]
    dispatch = sent(cast, *cases)
    li = at_desk(cast, "li")
    page = li.get(f"/dispatch-batches/{dispatch.number}/").content.decode()
    form = page.partition('action="/prints/"')[2].partition("</form>")[0]
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(value)
    answer = li.post("/prints/", fields)
    assert (answer.status_code, answer["Location"]) == (302, "/files/")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        assert PreparedFile.objects.get().wish == {"cases": [str(case.pk) for case in cases]}


def test_another_agencys_batch_and_a_managers_look_are_not_found(cast: Cast) -> None:
    number = sent(cast, reviewed(cast, "甲测")).number
    he, chen = at_desk(cast, "he"), at_desk(cast, "chen")
    for path in ("", "summary.pdf", "summary.xlsx"):
        assert he.get(f"/dispatch-batches/{number}/{path}").status_code == 404
        assert chen.get(f"/dispatch-batches/{number}/{path}").status_code == 404
    assert number not in he.page("/dispatch-batches/")


@pytest.mark.parametrize(("who", "place"), [("li", Desk.AGENCY), ("zhao", Desk.AUTHORITY)])
def test_a_long_list_is_drawn_by_a_task(
    cast: Cast, who: str, place: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "ring", lambda kind, key, code: None)
    monkeypatch.setattr(dispatch_prints, "AT_ONCE", 1)
    number = sent(cast, reviewed(cast, "甲测"), reviewed(cast, "乙测")).number
    desk, batch = at_desk(cast, who), f"/dispatch-batches/{number}/"
    home = cast.beijing if place is Desk.AGENCY else cast.authority
    assert desk.get(f"{batch}summary.pdf")["Location"] == batch
    assert f'method="post" action="{batch}summary.pdf"' in desk.get(batch).content.decode()
    assert desk.post(f"{batch}summary.pdf")["Location"] == "/files/"
    with crossing.standing(place, cast.beijing if place is Desk.AGENCY else None):
        order = PreparedFile.objects.get()
    assert (order.agency_id, order.total, order.wish["number"]) == (home.pk, 2, number)
    assert prepare(str(order.pk), home.code) is True
    assert prepare(str(order.pk), home.code) is False
    answer = desk.get(f"/files/{order.pk}/")
    assert (answer["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
    text = re.sub(r"\s", "", PdfReader(io.BytesIO(answer.content)).pages[0].extract_text())
    assert all(word in text for word in ("甲测", "乙测", number))
    assert at_desk(cast, "he").post(f"{batch}summary.pdf").status_code == 404


def test_who_lost_the_role_gets_no_list(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "ring", lambda kind, key, code: None)
    dispatch = sent(cast, reviewed(cast, "甲测"))
    summary = listed(cast, dispatch)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        order = dispatch_prints.ask(summary, agency=cast.beijing, user=cast.user("chen"))
    assert prepare(str(order.pk), "beijing") is False
    with crossing.standing(Desk.AGENCY, cast.beijing):
        order.refresh_from_db()
    assert (order.fault, order.name) == ("您没有查看案卷的权限。", "")
