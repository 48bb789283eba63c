"""Files written for officers: the archive of a case, many prints at once, and who gets them."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pikepdf
import pytest
from pypdf import PdfReader

from intake import filing, tasks
from intake.tasks import prepare_archive
from register import clock
from review import casework, prepared, prints
from review.documents import archive
from review.models import Case
from review.states import State
from review.tasks import prepare, sweep_files
from tenants import crossing, staff
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import AccessRecord, Agency, PreparedFile
from tests import casefiles
from tests.cast import APPLICANTS, Cast
from tests.intake.test_papers import again, mode, with_all
from tests.review.desks import at_desk
from tests.review.test_difference import answered

__all__ = ["answered"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """The bells that were rung; nobody hears them here."""
    heard: list[tuple[str, str, str]] = []
    monkeypatch.setattr(prepared, "ring", lambda kind, key, code: heard.append((kind, str(key), code)))
    return heard


@pytest.fixture
def uploaded(cast: Cast) -> Case:
    """A case at the ministry with its papers as files, in the hands of its reviewer."""
    agency = mode(cast.mohurd, Agency.Materials.UPLOAD)
    with cast.at_applicants_desk(cast.zhang):
        draft = with_all(cast, agency)
        filing.lodge(application=again(cast.zhang, draft))
    with crossing.standing(Desk.AGENCY, agency):
        case = Case.objects.get(pk=draft.pk)
        casework.take_up(case=case, by=cast.actor("he"))
    return case


def orders(cast: Cast, agency: Agency) -> list[PreparedFile]:
    with crossing.standing(Desk.AGENCY, agency):
        return list(PreparedFile.objects.filter(agency=agency))


def text_of(data: bytes) -> list[str]:
    """The words of each page; lines break wherever a column ends, so blanks do not count."""
    return ["".join(page.extract_text().split()) for page in PdfReader(BytesIO(data)).pages]


# --- The archive -----------------------------------------------------------------------------------------


def test_the_archive_holds_everything_and_numbers_every_page(cast: Cast, answered: Case) -> None:
    wang = at_desk(cast, "wang")
    said = wang.act(answered, "archive", full="on")
    assert "电子卷宗正在生成" in said
    [order] = orders(cast, cast.beijing)
    assert (order.kind, order.full, order.total) == ("archive", True, 10)
    wang.act(answered, "paper-slips", **{"copies-M01": "1", "handed_by": "张测", "number": "1"})
    # The papers of this case are not stored: its orderer may see them, and finds none.
    with crossing.standing(Desk.AGENCY, cast.beijing):
        PreparedFile.objects.filter(pk=order.pk).update(full=False)
    assert prepare_archive(str(order.pk), "beijing")
    answer = wang.get(f"/files/{order.pk}/")
    assert answer["Content-Type"] == "application/pdf"
    pages = text_of(answer.content)
    for number, page in enumerate(pages, 1):
        assert f"第{number}页共{len(pages)}页" in page
    with pikepdf.open(BytesIO(answer.content)) as pdf:
        outline = [item.title for item in pdf.open_outline().root]
    assert outline == [
        "注册申请表（第1版）",
        "注册申请表（第2版）",
        "上报回执",
        "补正通知书",
        "上报回执",
        "第1次补正及答复",
        "材料签收单（第1号）",
        "流转记录",
    ]
    assert "北京示范化工有限公司" in "".join(pages)
    assert "经核对，记录完整，摘要相符。" in pages[-1]
    assert APPLICANTS["zhang"].number not in "".join(pages)


def test_papers_and_full_number_only_for_who_may_see_them(cast: Cast, uploaded: Case) -> None:
    for name, full in (("he", True), ("lin", False)):
        at_desk(cast, name).act(uploaded, "archive", **({"full": "on"} if full else {}))
    seen = {}
    for order in orders(cast, cast.mohurd):
        assert prepare_archive(str(order.pk), "mohurd")
        name = order.user.username.partition(".")[0]
        data = at_desk(cast, name).get(f"/files/{order.pk}/").content
        text = "".join(text_of(data))
        with pikepdf.open(BytesIO(data)) as pdf:
            pictures = sum("/Picture" in (page.Resources.get("/XObject") or {}) for page in pdf.pages)
        seen[name] = (APPLICANTS["zhang"].number in text, pictures, text.count(archive.HIDDEN))
    number_of_papers = seen["lin"][2]
    assert number_of_papers == 4
    assert seen == {"he": (True, seen["he"][1], 0), "lin": (False, 0, 4)}
    assert seen["he"][1] >= number_of_papers
    looks = AccessRecord.objects.values_list("user__username", "person_id", "reason")
    assert list(looks) == [("he.mohurd", cast.zhang.pk, "生成电子卷宗")]


def test_who_has_laid_the_case_down_gets_no_number_any_more(cast: Cast, uploaded: Case) -> None:
    for _n in range(2):
        at_desk(cast, "he").act(uploaded, "archive", full="on")
    later, written = orders(cast, cast.mohurd)
    assert prepare_archive(str(written.pk), "mohurd")
    he = at_desk(cast, "he")
    assert he.get(f"/files/{written.pk}/").status_code == 200
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        casework.release(case=Case.objects.get(pk=uploaded.pk), by=cast.actor("he"))
    assert "文件不能下载" in he.page(f"/files/{written.pk}/", follow=True)
    assert prepare_archive(str(later.pk), "mohurd") is False
    assert "您现在不能查看这件案卷的完整证件号码和材料" in he.page("/files/")
    assert AccessRecord.objects.count() == 1


def test_papers_beyond_the_limit_are_listed_only(
    cast: Cast, uploaded: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 1)
    at_desk(cast, "he").act(uploaded, "archive", full="on")
    [order] = orders(cast, cast.mohurd)
    prepare_archive(str(order.pk), "mohurd")
    data = at_desk(cast, "he").get(f"/files/{order.pk}/").content
    assert "".join(text_of(data)).count(archive.TOO_LARGE) == 3


def test_a_broken_chain_is_said_in_the_archive(cast: Cast, answered: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=answered.pk)
        movements = list(case.movements.order_by("number"))
        assert archive.chain_word(case, movements) == "经核对，记录完整，摘要相符。"
        movements[1].actor_name = "别人"
        assert archive.chain_word(case, movements) == "经核对，第2条记录与摘要不符。"
        assert archive.chain_word(case, movements[:1]) == "经核对，记录条数与案卷保存的不符。"


# --- Many prints -------------------------------------------------------------------------------------------


def test_the_ticked_forms_come_as_one_pdf_with_their_opinions(cast: Cast) -> None:
    cases = []
    for person in (cast.zhang, cast.sun):
        with cast.at_applicants_desk(person), crossing.inside(cast.beijing):
            cases.append(casefiles.lodge(person, cast.beijing))
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(Case.objects.get(pk=cases[1].pk), cast.actor("li"), State.FIRST_PASSED)
    li = at_desk(cast, "li")
    said = li.post("/prints/", {"case": [str(cases[1].pk), str(cases[0].pk)]}, follow=True)
    assert "申请表正在合并" in said.content.decode()
    [order] = orders(cast, cast.beijing)
    assert prepare(str(order.pk), "beijing")
    pages = text_of(li.get(f"/files/{order.pk}/").content)
    assert len(pages) == 4
    assert ["孙测" in pages[0], "张测" in pages[2]] == [True, True]
    assert "李初审" in "".join(pages[:2])
    assert "李初审" not in "".join(pages[2:])
    # Only of the case in hand the full number is shown, and that is recorded.
    numbers = [APPLICANTS[name].number in "".join(pages) for name in ("sun", "zhang")]
    assert numbers == [True, False]
    assert [row.person_id for row in AccessRecord.objects.all()] == [cast.sun.pk]


def test_a_deputy_gets_the_numbers_of_the_absent_colleagues_cases_as_long_as_the_leave_lasts(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cast.at_applicants_desk(cast.sun), crossing.inside(cast.beijing):
        case = casefiles.lodge(cast.sun, cast.beijing)
    today, li, liu = clock.today(), cast.user("li"), cast.user("liu")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.take_up(case=case, by=cast.actor("li"))
        who: dict[str, Any] = {"user": li, "deputy": liu, "agency": cast.beijing, "by": li}
        leave = staff.enter_leave(**who, since=today, until=today, at=clock.now(), today=today)
    desk = at_desk(cast, "liu")
    desk.post("/prints/", {"case": [str(case.pk)]})
    [order] = orders(cast, cast.beijing)
    with monkeypatch.context() as broken:
        broken.setattr(prints, "_append", lambda whole, part: 1 / 0)
        assert prepare(str(order.pk), "beijing") is False
    # What nobody can open was looked at by nobody.
    assert not AccessRecord.objects.exists()
    desk.post(f"/files/{order.pk}/again/")
    assert prepare(str(order.pk), "beijing")
    text = "".join(text_of(desk.get(f"/files/{order.pk}/").content))
    assert APPLICANTS["sun"].number in text
    looks = AccessRecord.objects.values_list("user", "agency__code", "person_id", "case_id", "reason")
    assert list(looks) == [(liu.pk, "beijing", cast.sun.pk, case.pk, "批量打印申请表")]
    assert "含完整证件号码" in desk.page("/files/")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        staff.end_leave(absence=leave, agency=cast.beijing, by=li, at=clock.now())
    assert "文件不能下载" in desk.page(f"/files/{order.pk}/", follow=True)


def test_nothing_ticked_and_foreign_ids(cast: Cast, uploaded: Case) -> None:
    li = at_desk(cast, "li")
    assert "请先勾选要打印的案卷" in li.post("/prints/", follow=True).content.decode()
    assert li.post("/prints/", {"case": [str(uploaded.pk)]}).status_code == 404
    assert orders(cast, cast.beijing) == []


# --- The files ---------------------------------------------------------------------------------------------


def test_a_file_is_its_orderers_alone_and_goes_after_a_week(cast: Cast, answered: Case) -> None:
    at_desk(cast, "wang").act(answered, "archive")
    [order] = orders(cast, cast.beijing)
    path = f"/files/{order.pk}/"
    assert at_desk(cast, "wang").get(path).status_code == 404
    prepare_archive(str(order.pk), "beijing")
    names = ("wang", "li", "chen", "he")
    assert [at_desk(cast, name).get(path).status_code for name in names] == [200, 404, 404, 404]
    assert "还没有生成过文件" in at_desk(cast, "li").page("/files/")
    assert "可以下载" in at_desk(cast, "wang").page("/files/")
    PreparedFile.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert at_desk(cast, "wang").get(path).status_code == 404
    assert sweep_files() == 0
    assert orders(cast, cast.beijing) == []


def test_an_order_is_written_once_and_an_unheard_one_is_rung_again(
    cast: Cast, answered: Case, rung: list[tuple[str, str, str]]
) -> None:
    at_desk(cast, "wang").act(answered, "archive")
    [order] = orders(cast, cast.beijing)
    assert sweep_files() == 0
    PreparedFile.objects.update(asked_at=clock.now() - timedelta(minutes=2))
    assert sweep_files() == 1
    assert rung[-1] == ("archive", str(order.pk), "beijing")
    assert [prepare_archive(str(order.pk), "beijing") for _n in range(2)] == [True, False]
    assert sweep_files() == 0


def test_another_agencys_task_finds_no_order(cast: Cast, answered: Case) -> None:
    at_desk(cast, "wang").act(answered, "archive")
    [order] = orders(cast, cast.beijing)
    assert prepare_archive(str(order.pk), "mohurd") is False
    assert tasks.prepare_archive.name == prepared.TASKS[PreparedFile.Kind.ARCHIVE]
    assert prepare.name == prepared.TASKS[PreparedFile.Kind.PRINTS]


def test_what_goes_wrong_is_told(cast: Cast, monkeypatch: pytest.MonkeyPatch, answered: Case) -> None:
    at_desk(cast, "wang").act(answered, "archive")
    monkeypatch.setattr(archive.Archive, "gather", lambda self: 1 / 0)
    [order] = orders(cast, cast.beijing)
    assert prepare_archive(str(order.pk), "beijing") is False
    assert "文件没有生成" in at_desk(cast, "wang").page("/files/")


def test_an_officer_waits_for_earlier_orders(cast: Cast) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        user, agency = cast.user("li"), cast.beijing
        asked: dict[str, Any] = {"agency": agency, "user": user, "kind": "prints", "wish": {}, "total": 1}
        for _number in range(prepared.MOST_WAITING):
            prepared.ask(**asked)
        with pytest.raises(Refusal):
            prepared.ask(**asked)
        with pytest.raises(Refusal):
            prints.ask(cases=[], agency=agency, user=user)
