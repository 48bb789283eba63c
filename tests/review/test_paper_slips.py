"""Papers over the counter: what is needed, the slip for what is handed in, and who may receive it."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from review import casework, papers
from review.models import Case, PaperSlip
from review.papers import Line
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import casefiles
from tests.cast import Cast
from tests.review.desks import at_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def submitted(cast: Cast) -> Case:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        return casefiles.lodge(cast.zhang, cast.beijing)


def slips_of(cast: Cast, case: Case) -> list[PaperSlip]:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        return list(PaperSlip.objects.filter(case_id=case.pk))


def received(cast: Cast, case: Case, *lines: Line, by: str = "liu", number: int = 1) -> PaperSlip:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        return papers.receive(
            case=Case.objects.get(pk=case.pk),
            by=cast.actor(by),
            lines=lines,
            handed_by="张测",
            number=number,
        )


# --- What is needed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "late", "changes", "codes"),
    [
        ("initial", False, {}, ["M01", "M02", "M03", "M04"]),
        ("initial", True, {}, ["M01", "M02", "M03", "M04", "M09"]),
        ("initial", False, {"registration": {"category": "A1"}}, ["M01", "M02", "M03", "M04", "M11"]),
        ("renewal", False, {}, ["M01", "M03", "M08", "M09", "M10"]),
        ("change", False, {"registration": {"category": "A5", "change_items": []}}, ["M01", "M10"]),
        (
            "change",
            False,
            {"registration": {"category": "A5", "change_items": ["1"]}},
            ["M01", "M03", "M06", "M10"],
        ),
    ],
)
def test_the_papers_that_an_application_needs(
    cast: Cast, submitted: Case, kind: str, late: bool, changes: dict[str, Any], codes: list[str]
) -> None:
    submitted.kind, submitted.late = kind, late
    content = casefiles.dossier(cast.zhang, cast.beijing, **changes)
    assert [one.code for one in papers.needed_for(submitted, content)] == codes


def test_what_is_missing_is_what_neither_came_nor_was_uploaded(cast: Cast, submitted: Case) -> None:
    received(cast, submitted, Line("M01", 2), Line("M13", 1))
    content = casefiles.dossier(cast.zhang, cast.beijing, papers=[{"id": "1", "code": "M02"}])
    found = papers.expected(submitted, content, slips_of(cast, submitted))
    assert [(one.needed.code, one.copies, one.uploaded, one.missing) for one in found] == [
        ("M01", 2, False, False),
        ("M02", 0, True, False),
        ("M03", 0, False, True),
        ("M04", 0, False, True),
        ("M13", 1, False, False),
    ]


# --- Receiving -------------------------------------------------------------------------------------------


def test_the_counter_writes_numbered_slips(cast: Cast, submitted: Case) -> None:
    liu = at_desk(cast, "liu")
    path = f"/cases/{submitted.pk}/paper-slips/"
    assert "还没有签收过纸质材料" in liu.page(path)
    first = {"copies-M01": "2", "remark-M01": "已盖章", "copies-M03": "1", "handed_by": "张测", "number": "1"}
    said = liu.act(submitted, "paper-slips", **first)
    assert f"已签收，签收单编号 {submitted.reference}-签1" in said
    assert "签字盖章的注册申请表 ×2（已盖章）" in said
    liu.act(submitted, "paper-slips", **{"copies-M04": "1", "handed_by": "邮寄", "number": "2"})
    assert [
        (slip.number, slip.lines, slip.handed_by, slip.received_by_name) for slip in slips_of(cast, submitted)
    ] == [
        (
            1,
            [
                {"code": "M01", "copies": 2, "remark": "已盖章"},
                {"code": "M03", "copies": 1, "remark": ""},
            ],
            "张测",
            "刘初审",
        ),
        (2, [{"code": "M04", "copies": 1, "remark": ""}], "邮寄", "刘初审"),
    ]
    page = liu.page(f"/cases/{submitted.pk}/")
    assert "纸质 2 份" in page
    assert "尚缺 执业（职业）资格证书 尚缺" in page
    assert "签收和签收单（2）" in page


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"handed_by": "张测", "number": "1"}, "请至少登记一种材料"),
        ({"copies-M01": "1", "handed_by": "", "number": "1"}, "请填写递交人"),
        ({"copies-M01": "100", "handed_by": "张测", "number": "1"}, "份数不能超过 99"),
        ({"copies-M01": "一", "handed_by": "张测", "number": "1"}, "请填写数字"),
        ({"copies-M01": "1", "handed_by": "张测", "number": "2"}, "刚才已经登记了一张签收单"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(
    cast: Cast, submitted: Case, data: dict[str, str], said: str
) -> None:
    answer = at_desk(cast, "li").post(f"/cases/{submitted.pk}/paper-slips/", {"remark-M01": "原件", **data})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert "原件" in answer.content.decode()
    assert slips_of(cast, submitted) == []


@pytest.mark.parametrize(
    ("to", "open"),
    [
        (None, True),
        (State.CORRECTION, True),
        (State.ACCEPTED, True),
        (State.FIRST_PASSED, False),
        (State.REPORTED, False),
    ],
)
def test_papers_come_while_the_agency_has_the_case(
    cast: Cast, submitted: Case, to: State | None, open: bool
) -> None:
    if to is not None:
        with crossing.standing(Desk.AGENCY, cast.beijing):
            casefiles.walk(Case.objects.get(pk=submitted.pk), cast.actor("li"), to)
    at_desk(cast, "li").act(submitted, "paper-slips", **{"copies-M01": "1", "handed_by": "张", "number": "1"})
    assert len(slips_of(cast, submitted)) == int(open)


@pytest.mark.parametrize(
    ("name", "status", "kept"),
    [("li", 302, 1), ("wang", 302, 1), ("xu", 302, 0), ("chen", 404, 0), ("he", 404, 0)],
)
def test_who_may_receive(cast: Cast, submitted: Case, name: str, status: int, kept: int) -> None:
    data = {"copies-M01": "1", "handed_by": "张测", "number": "1"}
    assert at_desk(cast, name).post(f"/cases/{submitted.pk}/paper-slips/", data).status_code == status
    assert len(slips_of(cast, submitted)) == kept


def test_nobody_receives_papers_of_the_own_application(cast: Cast, submitted: Case) -> None:
    officer = cast.user("liu")
    officer.document_digest = cast.zhang.document_digest
    with pytest.raises(Refusal):
        received(cast, submitted, Line("M01", 1))
    assert slips_of(cast, submitted) == []


def test_a_slip_is_printed_twice_on_a_sheet(cast: Cast, submitted: Case) -> None:
    slip = received(cast, submitted, Line("M01", 2, "已盖章"), Line("M04", 1))
    li = at_desk(cast, "li")
    answer = li.get(f"/cases/{submitted.pk}/paper-slips/{slip.pk}.pdf")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    pages = PdfReader(BytesIO(answer.content)).pages
    assert len(pages) == 1
    text = pages[0].extract_text()
    assert text.count(f"{submitted.reference}-签1") == 2
    assert text.count("签字盖章的注册申请表") == 2
    assert cast.zhang.document_mask in text
    assert at_desk(cast, "he").get(f"/cases/{submitted.pk}/paper-slips/{slip.pk}.pdf").status_code == 404


def test_long_slips_take_a_page_for_each_copy(cast: Cast, submitted: Case) -> None:
    lines = [Line(f"M{n:02}", 1, "复印件") for n in range(1, 14)]
    slip = received(cast, submitted, *lines)
    answer = at_desk(cast, "li").get(f"/cases/{submitted.pk}/paper-slips/{slip.pk}.pdf")
    assert len(PdfReader(BytesIO(answer.content)).pages) == 2


def test_a_correction_leaves_the_slips(cast: Cast, submitted: Case) -> None:
    received(cast, submitted, Line("M01", 1))
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        casework.take_up(case=case, by=cast.actor("li"))
        item = {"item": "papers.M01", "code": "R01", "text": "缺签字"}
        casework.send_back(case=case, by=cast.actor("li"), items=[item])
    received(cast, submitted, Line("M01", 1), number=2)
    assert papers.copies_of(slips_of(cast, submitted)) == {"M01": 2}
