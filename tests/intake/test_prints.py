"""What the applicant prints: one form in three shapes, every version of it, and the letters."""

from __future__ import annotations

import io
import re
from typing import Any

import docx
import pytest
from django.test import Client
from pypdf import PdfReader

from intake import filing, prints
from intake.flows import Section
from intake.models import Application
from register import clock
from register.models import DocketEntry
from review import casework, docket
from review.documents.forms import Mark, short_digest
from review.models import Case, Dossier
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tests import casefiles
from tests.cast import APPLICANTS, Cast
from tests.intake.desk import DECLARATION, EMPLOYER, entered, filled, posted, started, words

pytestmark = pytest.mark.django_db

NUMBER = APPLICANTS["zhang"].number
OLD_PRINT = "您打印的是旧版本，请重新打印"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ITEM = {"item": "employer.address", "code": "R08", "text": "单位地址与营业执照不一致"}
PAPER = {"item": "papers.M01", "code": "R01", "text": "申请表未签字"}


@pytest.fixture
def draft(cast: Cast) -> Application:
    with cast.at_applicants_desk(cast.zhang):
        return filled(cast.zhang, cast.beijing)


@pytest.fixture
def zhang(cast: Cast) -> Client:
    return entered(cast.zhang)


def at(application: Application, rest: str) -> str:
    return f"/applications/{application.pk}/{rest}"


def text_of(answer: Any) -> str:
    """The text of a PDF or Word file, without blanks."""
    assert answer.status_code == 200
    file = io.BytesIO(answer.content)
    if answer["Content-Type"] == "application/pdf":
        return re.sub(r"\s", "", "".join(page.extract_text() for page in PdfReader(file).pages))
    document = docx.Document(file)
    section = document.sections[0]
    whole = (document.element.body, section.header._element, section.footer._element)
    return re.sub(r"\s", "", "".join(text for part in whole for text in part.itertext()))


def now(cast: Cast, application: Application) -> Application:
    with cast.at_applicants_desk(cast.zhang):
        found = filing.application_of(cast.zhang, application.pk)
    assert found is not None
    return found


def digest_now(cast: Cast, application: Application) -> str:
    with cast.at_applicants_desk(cast.zhang):
        printout = prints.printout_of(now(cast, application))
    assert printout is not None
    return printout.digest


def move_house(cast: Cast, application: Application, address: str = "示例路2号") -> None:
    with cast.at_applicants_desk(cast.zhang):
        data = {**EMPLOYER, "address": address}
        filing.save_step(application=now(cast, application), section=Section.EMPLOYER, data=data)


def lodged(cast: Cast, draft: Application) -> Case:
    with cast.at_applicants_desk(cast.zhang):
        filing.lodge(application=now(cast, draft))
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        return Case.objects.get(pk=draft.pk)


def sent_back(cast: Cast, draft: Application, *items: dict[str, str]) -> None:
    case = lodged(cast, draft)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.take_up(case=case, by=cast.actor("li"))
        casework.send_back(case=case, by=cast.actor("li"), items=items)


def versions(cast: Cast, application: Application) -> list[str]:
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        found = Dossier.objects.filter(case_id=application.pk).order_by("version")
        return list(found.values_list("digest", flat=True))


# --- A draft ----------------------------------------------------------------------------------------


def test_a_complete_draft_prints_with_the_digest_that_lodging_will_freeze(
    cast: Cast, draft: Application, zhang: Client
) -> None:
    digest = digest_now(cast, draft)
    for path in ("form.pdf", "form.docx"):
        text = text_of(zhang.get(at(draft, path)))
        assert "待上报" in text
        assert draft.reference in text
        assert digest in text
        assert NUMBER in text
    page = words(zhang.get(at(draft, "form/")).content)
    assert short_digest(digest) in page
    lodged(cast, draft)
    assert versions(cast, draft) == [digest]


def test_an_incomplete_draft_prints_as_a_draft_without_a_digest(cast: Cast, zhang: Client) -> None:
    with cast.at_applicants_desk(cast.zhang):
        begun = started(cast.zhang)
    for path in ("form.pdf", "form.docx"):
        text = text_of(zhang.get(at(begun, path)))
        assert "草稿" in text
        assert "暂无校验码" in text
        assert "SHA-256" not in text
    assert "尚未填写完整" in words(zhang.get(at(begun, "form/")).content)
    assert now(cast, begun).printed_digest == ""


@pytest.mark.parametrize("path", ["form.pdf", "form.docx", "form/?print=1"])
def test_after_an_edit_the_page_says_that_the_print_is_old(
    cast: Cast, draft: Application, zhang: Client, path: str
) -> None:
    preview = at(draft, "steps/preview/")
    zhang.get(at(draft, path))
    assert now(cast, draft).printed_digest == digest_now(cast, draft)
    assert OLD_PRINT not in words(zhang.get(preview).content)
    move_house(cast, draft)
    assert OLD_PRINT in words(zhang.get(preview).content)
    zhang.get(at(draft, path))
    assert OLD_PRINT not in words(zhang.get(preview).content)


def test_looking_at_the_form_is_not_printing_it(cast: Cast, draft: Application, zhang: Client) -> None:
    zhang.get(at(draft, "form/"))
    assert now(cast, draft).printed_digest == ""


@pytest.mark.parametrize(
    ("go", "path"), [("page", "form/?print=1"), ("pdf", "form.pdf"), ("word", "form.docx")]
)
def test_each_way_to_print_saves_the_declaration_first(
    cast: Cast, draft: Application, zhang: Client, go: str, path: str
) -> None:
    declared = posted(Section.DECLARATION, {**DECLARATION, "delivery": "2"})
    answer = zhang.post(at(draft, "steps/preview/"), {**declared, "go": go})
    assert (answer.status_code, answer["Location"]) == (302, at(draft, path))
    kept = now(cast, draft)
    assert (kept.status, kept.sections["declaration"]["delivery"]) == (Application.Status.DRAFT, "2")


def test_the_page_offers_every_way_to_print_and_says_how(draft: Application, zhang: Client) -> None:
    for path in ("steps/preview/", "form/"):
        page = words(zhang.get(at(draft, path)).content)
        for said in ("打印", "导出到word打印", "打开 PDF", "怎样双面打印", "沿长边翻转", "奇数页"):
            assert said in page


def test_the_screen_shows_the_mask_and_only_paper_the_number(draft: Application, zhang: Client) -> None:
    page = zhang.get(at(draft, "form/")).content.decode()
    assert page.count(NUMBER) == 1
    assert f'<span class="on-paper">{NUMBER}</span>' in page


def test_the_files_carry_no_name_and_no_cache_keeps_them(draft: Application, zhang: Client) -> None:
    pdf, word = zhang.get(at(draft, "form.pdf")), zhang.get(at(draft, "form.docx"))
    assert pdf["Content-Disposition"] == f'inline; filename="{draft.reference}.pdf"'
    assert word["Content-Disposition"] == f'attachment; filename="{draft.reference}.docx"'
    assert (pdf["Content-Type"], word["Content-Type"]) == ("application/pdf", WORD)
    for answer in (pdf, word, zhang.get(at(draft, "form/"))):
        assert "no-store" in answer["Cache-Control"]


# --- Versions ---------------------------------------------------------------------------------------


def test_a_correction_keeps_the_old_version_and_asks_for_a_new_print(
    cast: Cast, draft: Application, zhang: Client
) -> None:
    zhang.get(at(draft, "form.pdf"))
    sent_back(cast, draft, ITEM)
    move_house(cast, draft, "示例路新址2号")
    assert "申请表内容已修改" in words(zhang.get(at(draft, "correction/")).content)

    new = text_of(zhang.get(at(draft, "form.pdf?version=next")))
    assert "待上报" in new
    assert "示例路新址2号" in new
    assert "新的申请表已打印" in words(zhang.get(at(draft, "correction/")).content)
    with cast.at_applicants_desk(cast.zhang):
        filing.resubmit(application=now(cast, draft))

    first, second = versions(cast, draft)
    assert second in new
    assert now(cast, draft).printed_digest == second
    for path in ("form.pdf", "form.docx"):
        for number, digest, address in ((1, first, "示例路1号"), (2, second, "示例路新址2号")):
            text = text_of(zhang.get(at(draft, f"{path}?version={number}")))
            assert "已上报" in text
            assert digest in text
            assert address in text
        assert second in text_of(zhang.get(at(draft, path)))
    assert short_digest(first) in words(zhang.get(at(draft, "form/?version=1")).content)
    page = words(zhang.get(at(draft, "form/")).content)
    assert short_digest(second) in page
    assert "第 2 版（补正后）" in page


def test_an_answer_in_words_leaves_the_signed_form_valid(
    cast: Cast, draft: Application, zhang: Client
) -> None:
    zhang.get(at(draft, "form.pdf"))
    sent_back(cast, draft, PAPER)
    with cast.at_applicants_desk(cast.zhang):
        filing.answer(application=now(cast, draft), number=1, answers=["已补签，寄出"])
        assert "申请表内容已修改" not in words(zhang.get(at(draft, "correction/")).content)
        filing.resubmit(application=now(cast, draft))
    first, second = versions(cast, draft)
    assert first == second == now(cast, draft).printed_digest


def test_what_misses_something_the_correction_opens_prints_as_a_draft(
    cast: Cast, draft: Application, zhang: Client
) -> None:
    sent_back(cast, draft, ITEM)
    move_house(cast, draft, "")
    assert "草稿" in text_of(zhang.get(at(draft, "form.pdf?version=next")))


@pytest.mark.parametrize("version", ["2", "0", "-1", "x", "²", "1 ", "99999999999999999999", "next"])
def test_a_version_that_is_not_there_is_not_found(
    cast: Cast, draft: Application, zhang: Client, version: str
) -> None:
    lodged(cast, draft)
    for path in ("form/", "form.pdf", "form.docx"):
        assert zhang.get(at(draft, path), {"version": version}).status_code == 404


def test_a_draft_has_no_versions(draft: Application, zhang: Client) -> None:
    assert zhang.get(at(draft, "form.pdf?version=1")).status_code == 404


# --- Letters ----------------------------------------------------------------------------------------


def test_the_letters_of_an_application_stand_on_its_page_and_open(
    cast: Cast, draft: Application, zhang: Client
) -> None:
    case = lodged(cast, draft)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(case, cast.actor("li"), State.REPORTED)
    with crossing.standing(Desk.AUTHORITY):
        entry = DocketEntry.objects.select_related("agency").get(pk=draft.pk)
        with docket.opened(entry) as opened:
            casework.take_up(case=opened, by=cast.actor("zhao"))
            casework.approve(case=opened, by=cast.actor("zhao"))
    page = zhang.get(at(draft, ""))
    links = re.findall(rf'href="({at(draft, "letters/")}([\w-]+)\.pdf)"', page.content.decode())
    assert [re.sub(r"\d+$", "", slug) for _url, slug in links] == ["granted-", "accepted-", "lodged-"]
    said = {slug.rpartition("-")[0]: text_of(zhang.get(url)) for url, slug in links}
    day = clock.today()
    assert f"受理通知书张测（证件号码：{cast.zhang.document_mask}）" in said["accepted"]
    assert f"SL{draft.reference[2:]}" in said["accepted"]
    assert "北京市应急管理局（盖章处）" in said["accepted"]
    assert "决定准予初始注册" in said["granted"]
    assert f"{day.year}年{day.month}月{day.day}日" in said["granted"]
    assert NUMBER not in "".join(said.values())


def test_the_receipt_of_lodging_is_there_at_once_and_lists_the_papers(
    cast: Cast, draft: Application, zhang: Client
) -> None:
    lodged(cast, draft)
    assert at(draft, "letters/lodged.pdf") in zhang.get(at(draft, "receipt/")).content.decode()
    text = text_of(zhang.get(at(draft, "letters/lodged.pdf")))
    assert "上报回执" in text
    assert versions(cast, draft)[0] in text
    assert "签字盖章的注册申请表" in text


def test_the_day_told_in_a_letter_stays_when_the_clock_runs_on(
    cast: Cast, draft: Application, zhang: Client
) -> None:
    case = lodged(cast, draft)
    due = case.due_on
    assert due is not None
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(case, cast.actor("li"), State.REPORTED)
    told = f"受理期限至{due.year}年{due.month}月{due.day}日"
    assert told in text_of(zhang.get(at(draft, "letters/lodged-1.pdf")))


@pytest.mark.parametrize("slug", ["granted-1", "lodged-9", "x", "lodged-"])
def test_a_letter_that_was_never_written_is_not_found(
    cast: Cast, draft: Application, zhang: Client, slug: str
) -> None:
    lodged(cast, draft)
    assert zhang.get(at(draft, f"letters/{slug}.pdf")).status_code == 404


# --- Others -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["form/", "form.pdf", "form.docx", "letters/lodged-1.pdf", "letters/lodged.pdf"]
)
def test_to_a_stranger_there_is_nothing(cast: Cast, draft: Application, path: str) -> None:
    lodged(cast, draft)
    assert entered(cast.sun).get(at(draft, path)).status_code == 404
    assert Client(HTTP_HOST="localhost").get(at(draft, path)).status_code == 302


def test_who_carries_another_document_today_prints_the_mask(cast: Cast, draft: Application) -> None:
    with cast.at_applicants_desk(cast.zhang):
        filing.lodge(application=now(cast, draft))
        held = now(cast, draft)
        held.person.document_digest = "0" * 64
        printout = prints.printout_of(held)
        assert printout is not None
        assert printout.mark is Mark.LODGED
        assert NUMBER not in printout.html()
