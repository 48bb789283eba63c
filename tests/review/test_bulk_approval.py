"""Many cases granted at once: exceptions left out, each case by itself, nothing done twice."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from register import clock
from register.models import Registration
from review import bulk, casework
from review.models import Case
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tests import casefiles, factories
from tests.cast import Cast
from tests.review.desks import DeskClient, at_desk, case_now, line_now, words
from tests.review.test_queue import lodge_many

pytestmark = pytest.mark.django_db

REVIEWERS = {"beijing": "li", "mohurd": "he", "sinopec": "ma"}


def reported(
    cast: Cast, count: int, agency: str = "beijing", *, to: State = State.FIRST_PASSED, two: bool = False
) -> list[Case]:
    """So many cases of one dispatch."""
    cases = lodge_many(cast, count, agency=agency)
    by = cast.actor(REVIEWERS[agency])
    with crossing.standing(Desk.AGENCY, cast.agencies[agency]):
        for case in cases:
            if two:
                Case.objects.filter(pk=case.pk).update(policy={**case.policy, "final_sign_off": True})
            casefiles.walk(case, by, to)
        sent = casework.refer(cases=cases, by=by)
        assert sent.dispatch is not None
    return cases


def page_of(client: DeskClient, cases: list[Case]) -> str:
    answer = client.post("/approvals/", {"case": [case.pk for case in cases]})
    assert answer.status_code == 200
    return str(answer.content.decode())


def ticks(page: str) -> dict[str, list[str]]:
    """What the browser would post: the ticked cases, and how far their records went."""
    return {
        "case": re.findall(r'name="case"\s+value="([^"]+)"\s+checked', page),
        "seen": re.findall(r'name="seen"\s+value="([^"]+)"', page),
        "confirmed": ["1"],
        "text": [""],
    }


def states(cast: Cast, cases: list[Case], agency: str = "beijing") -> list[str]:
    return [case_now(cast.agencies[agency], case.pk).state for case in cases]


def said(page: str, case: Case) -> str:
    """The line of one case among the results."""
    found = re.search(rf"{case.reference} {case.applicant_name} \S+ (\S+)", page)
    assert found, page
    return found[1]


def test_cases_of_three_agencies_with_exceptions_taken_out(cast: Cast) -> None:
    files = {code: reported(cast, 2, code) for code in REVIEWERS}
    zhao = at_desk(cast, "zhao")
    every = [case for cases in files.values() for case in cases]
    posted = ticks(page_of(zhao, every))
    assert set(posted["case"]) == {str(case.pk) for case in every}
    left = {str(files["beijing"][0].pk), str(files["sinopec"][1].pk)}
    posted["case"] = [key for key in posted["case"] if key not in left]
    page = words(zhao.post("/approvals/", posted))
    assert "已办理 4 件，未办理 0 件" in page
    for code, cases in files.items():
        wanted = [State.REPORTED if str(case.pk) in left else State.FINAL_PASSED for case in cases]
        assert states(cast, cases, code) == wanted
    assert Registration.objects.count() == 4
    taken = case_now(cast.mohurd, files["mohurd"][0].pk)
    assert taken.officer_id == cast.user("zhao").pk
    # A second click, and the back button: nothing is done twice, and each line says who did it when.
    again = words(zhao.post("/approvals/", posted))
    assert "已办理 0 件，未办理 4 件" in again
    assert said(again, files["mohurd"][0]).startswith("本案已由赵终审于")
    assert Registration.objects.count() == 4


def test_a_whole_dispatch(cast: Cast) -> None:
    cases, others = reported(cast, 3), reported(cast, 1)
    number = line_now(cases[0].pk).dispatch_number
    zhao = at_desk(cast, "zhao")
    page = zhao.get("/approvals/", {"dispatch": number}).content.decode()
    assert set(ticks(page)["case"]) == {str(case.pk) for case in cases}
    assert f"/approvals/?dispatch={number}" in zhao.get(f"/dispatch-batches/{number}/").content.decode()
    zhao.post("/approvals/", ticks(page))
    assert states(cast, cases) == [State.FINAL_PASSED] * 3
    assert states(cast, others) == [State.REPORTED]
    answer = zhao.get("/approvals/", {"dispatch": number}, follow=True)
    assert f"批次 {number} 没有待终审的案卷" in words(answer)


def test_what_needs_a_look_into_the_file_cannot_be_ticked(cast: Cast) -> None:
    good, taken, barred, own = reported(cast, 4)
    (failed,) = reported(cast, 1, to=State.FIRST_FAILED)
    factories.restriction(barred.person, until=clock.today())
    zhao_user = cast.user("zhao")
    zhao_user.document_digest = own.document_digest
    zhao_user.save()
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        other = cast.user("qian")
        Case.objects.filter(pk=taken.pk).update(officer=other)
    zhao = at_desk(cast, "zhao")
    every = [good, taken, barred, own, failed]
    page = page_of(zhao, every)
    posted = ticks(page)
    assert posted["case"] == [str(good.pk)]
    for reason in ("本案已由其他人员领取", "限制申请", "须回避", "初审意见为不通过"):
        assert reason in page
    # Ticked all the same by a forged form: the same reasons, and only the good one is done.
    seen = [f"{case.pk}~{case_now(cast.beijing, case.pk).chain_length}" for case in every]
    told = words(zhao.post("/approvals/", {**posted, "case": [case.pk for case in every], "seen": seen}))
    assert "已办理 1 件，未办理 4 件" in told
    assert states(cast, every) == [State.FINAL_PASSED, *[State.REPORTED] * 4]


def test_a_stale_page_grants_nothing_that_has_changed(cast: Cast) -> None:
    one, other = reported(cast, 2)
    zhao, by = at_desk(cast, "zhao"), cast.actor("zhao")
    posted = ticks(page_of(zhao, [one, other]))
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        casework.take_up(case=one, by=by)
        casework.remand(case=one, by=by, text="请补充说明")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        li = cast.actor("li")
        casefiles.tick_all(one, li)
        casework.give_opinion(case=one, by=li, verdict="pass", codes=[], text="")
        casework.refer(cases=[one], by=li)
    page = words(zhao.post("/approvals/", posted))
    assert "本案在您打开名单之后有变化" in said(page, one)
    assert states(cast, [one, other]) == [State.REPORTED, State.FINAL_PASSED]


def test_two_persons_propose_and_sign_in_bulk(cast: Cast) -> None:
    cases = reported(cast, 2, two=True)
    (unproposed,) = reported(cast, 1, two=True)
    zhao, qian = at_desk(cast, "zhao"), at_desk(cast, "qian")
    assert ticks(page_of(qian, cases))["case"] == []
    page = words(zhao.post("/approvals/", ticks(page_of(zhao, cases))))
    assert said(page, cases[0]) == "建议已提交签批。"
    assert states(cast, cases) == [State.REPORTED] * 2
    assert [line_now(case.pk).awaits_signature for case in cases] == [True, True]
    assert "待签批 2" in qian.page("/cases/?tab=signing")
    assert ticks(page_of(zhao, cases))["case"] == []
    posted = ticks(page_of(qian, [*cases, unproposed]))
    assert len(posted["case"]) == 2
    page = words(qian.post("/approvals/", posted))
    assert said(page, cases[0]) == "已签批，准予注册。"
    assert states(cast, [*cases, unproposed]) == [State.FINAL_PASSED, State.FINAL_PASSED, State.REPORTED]
    assert [line_now(case.pk).awaits_signature for case in cases] == [False, False]


@pytest.mark.parametrize("who", ["zhou", "wei", "feng"])
def test_others_grant_nothing(cast: Cast, who: str) -> None:
    (case,) = reported(cast, 1)
    client = at_desk(cast, who)
    answer = client.post("/approvals/", {"case": [case.pk], "seen": [f"{case.pk}~9"], "confirmed": "1"})
    assert answer.status_code == 404
    assert states(cast, [case]) == [State.REPORTED]


def test_an_unknown_id_is_not_found_and_too_many_are_refused(cast: Cast) -> None:
    zhao = at_desk(cast, "zhao")
    assert zhao.post("/approvals/", {"case": [UUID(int=7)]}).status_code == 404
    assert zhao.post("/approvals/", {}).status_code == 302
    answer = zhao.post("/approvals/", {"case": [UUID(int=n) for n in range(201)]}, follow=True)
    assert "一次最多办理 200 件案卷" in words(answer)


def test_the_page_asks_as_little_for_many_as_for_few(cast: Cast) -> None:
    few, many = reported(cast, 1), reported(cast, 12)
    zhao = at_desk(cast, "zhao")
    page_of(zhao, few)
    asked = []
    for cases in (few, many):
        with CaptureQueriesContext(connection) as queries:
            page_of(zhao, cases)
        asked.append(len(queries))
    assert asked[0] == asked[1]
    assert asked[0] <= 14


def test_an_error_in_the_middle_loses_no_result(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    one, broken, other = cases = reported(cast, 3)
    zhao = at_desk(cast, "zhao")
    posted = ticks(page_of(zhao, cases))
    really = casework.approve

    def approve(*, case: Case, **given: Any) -> Any:
        if case.pk == broken.pk:
            raise RuntimeError("out of order")
        return really(case=case, **given)

    monkeypatch.setattr(casework, "approve", approve)
    page = words(zhao.post("/approvals/", posted))
    assert "已办理 2 件，未办理 1 件" in page
    assert said(page, broken) == "本案没有办成，请打开案卷办理。"
    assert states(cast, cases) == [State.FINAL_PASSED, State.REPORTED, State.FINAL_PASSED]
    # Taking it up was part of it.
    assert case_now(cast.beijing, broken.pk).officer_id is None
    assert [line_now(case.pk).final_verdict for case in (one, other)] == ["pass", "pass"]


def test_who_signs_in_bulk_reads_what_is_proposed(cast: Cast) -> None:
    cases = reported(cast, 1, two=True)
    zhao = at_desk(cast, "zhao")
    text = "材料齐全，" + "经核对无误，" * 20 + "建议准予。"
    zhao.post("/approvals/", {**ticks(page_of(zhao, cases)), "text": [text]})
    page = page_of(at_desk(cast, "qian"), cases)
    assert text in page
    assert len(ticks(page)["case"]) == 1


def test_what_a_long_dispatch_has_more_is_said(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = reported(cast, 3)
    number = line_now(cases[0].pk).dispatch_number
    zhao = at_desk(cast, "zhao")
    assert "本批次还有" not in zhao.page(f"/approvals/?dispatch={number}")
    monkeypatch.setattr(bulk, "MOST", 2)
    page = zhao.get("/approvals/", {"dispatch": number})
    assert "本批次还有 1 件，办完本页后再打开" in words(page)
    assert len(ticks(page.content.decode())["case"]) == 2
