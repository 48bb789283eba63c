"""Exports of the queue: what stands in them, which numbers, for whom, what a killed worker leaves."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl.reader.excel import load_workbook

from register import clock, documents, tables
from register.models import DocumentType
from register.tables import Form, Head
from review import exports, prepared
from review.models import Case
from review.queue import CASES
from review.states import State
from review.tasks import WRITERS, prepare, sweep_files
from tenants import crossing, roles, staff
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import AccessRecord, Agency, PreparedFile
from tests import casefiles, factories
from tests.cast import APPLICANTS, Cast
from tests.review.desks import at_desk
from tests.review.test_queue import lodge_many, lodge_one

pytestmark = pytest.mark.django_db

REASON = "与公安机关核对身份"
HEADS = [
    "申请编号", "姓名", "证件号码", "注册种类", "注册类别", "聘用单位", "统一社会信用代码", "状态",
    "上报日期", "受理凭证编号", "办理期限", "剩余工作日", "经办人", "初审意见", "报送批次",
]  # fmt: skip


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The bells that were rung; nobody hears them here."""
    heard: list[str] = []
    monkeypatch.setattr(prepared, "ring", lambda kind, key, code: heard.append(str(key)))
    return heard


@pytest.fixture
def three(cast: Cast) -> list[Case]:
    """Of Beijing: Zhang's with an opinion in Li's hands, Sun's free, one whose employer is a formula.

    What could leak: Gu's case at the ministry.
    """
    odd = factories.person("某测")
    with crossing.standing(Desk.APPLICANT):
        zhang, sun = lodge_one(cast, cast.zhang), lodge_one(cast, cast.sun)
        formula = lodge_one(cast, odd)
        lodge_one(cast, cast.gu, "mohurd")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(zhang, cast.actor("li"), State.FIRST_PASSED)
        code = "012345678901234567"
        Case.objects.filter(pk=formula.pk).update(
            applicant_name="=1+1", employer_name="-2@某公司\x07", employer_code=code
        )
        cases = [zhang, sun, formula]
        for place, case in enumerate(cases):
            Case.objects.filter(pk=case.pk).update(due_on=casefiles.today_plus(1 + place))
            case.refresh_from_db()
    return cases


def order(cast: Cast, name: str, query: str = "", **given: str) -> PreparedFile:
    """What somebody orders on the page; the newest order of that agency."""
    said = at_desk(cast, name).post(f"/cases/export/?{query}", {"format": "xlsx", **given}, follow=True)
    assert "列表正在导出" in said.content.decode(), said.content.decode()
    with crossing.standing(Desk.AGENCY, cast.beijing):
        found = PreparedFile.objects.select_related("user").first()
    assert found is not None
    return found


def fetched(cast: Cast, name: str, file: PreparedFile) -> Any:
    return at_desk(cast, name).get(f"/files/{file.pk}/")


def sheet_of(data: bytes) -> list[list[Any]]:
    sheet = load_workbook(io.BytesIO(data)).worksheets[0]
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


# --- What stands in it -----------------------------------------------------------------------------------


def test_the_list_of_the_tab_comes_as_a_workbook_with_masked_numbers(cast: Cast, three: list[Case]) -> None:
    file = order(cast, "li")
    assert (file.total, file.full, file.wish["title"]) == (3, False, "案卷列表：待办")
    assert prepare(str(file.pk), "beijing")
    answer = fetched(cast, "li", file)
    assert answer["Content-Type"] == Form.XLSX.content_type
    assert "filename*=utf-8''%E6%A1%88%E5%8D%B7%E5%88%97%E8%A1%A8-beijing-" in answer["Content-Disposition"]
    heads, *rows = sheet_of(answer.content)
    assert heads == HEADS
    zhang = three[0]
    assert rows[0] == [
        zhang.reference, "张测", zhang.document_mask, "初始注册", "其他安全", "北京示例化工有限公司",
        "91110000MA00000152", "初审通过，待报送", rows[0][8], zhang.acceptance_number, rows[0][10], 1,
        "李初审", "通过", None,
    ]  # fmt: skip
    assert [rows[0][8].date(), rows[0][10].date()] == [clock.today(), zhang.due_on]
    assert [row[0] for row in rows] == [case.reference for case in three]
    assert not AccessRecord.objects.exists()
    text = str(rows)
    assert [each.number in text for each in APPLICANTS.values()] == [False] * 3
    assert "古丽" not in text


def test_nothing_in_a_workbook_is_a_formula_and_long_numbers_keep_their_digits(
    cast: Cast, three: list[Case]
) -> None:
    file = order(cast, "li")
    assert prepare(str(file.pk), "beijing")
    sheet = load_workbook(io.BytesIO(fetched(cast, "li", file).content)).worksheets[0]
    row = next(iter(sheet.iter_rows(min_row=4)))
    cells = [(row[place].value, row[place].data_type, row[place].number_format) for place in (1, 5, 6)]
    assert cells == [("=1+1", "s", "@"), ("-2@某公司", "s", "@"), ("012345678901234567", "s", "@")]
    assert row[1].quotePrefix


def test_a_csv_has_its_mark_and_escapes_what_would_be_calculated(cast: Cast, three: list[Case]) -> None:
    file = order(cast, "li", "tab=todo&hold=free", format="csv")
    assert file.wish["title"] == "案卷列表：待办（已筛选）"
    assert prepare(str(file.pk), "beijing")
    data = fetched(cast, "li", file).content
    assert data.startswith(b"\xef\xbb\xbf")
    heads, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert heads == HEADS
    assert [row[0] for row in rows] == [three[1].reference, three[2].reference]
    assert (rows[1][1], rows[1][5], rows[1][6]) == ("'=1+1", "'-2@某公司", "012345678901234567")
    assert (rows[0][8], rows[0][10], rows[0][11]) == (str(clock.today()), str(three[1].due_on), "2")


@pytest.mark.parametrize(
    ("text", "calculated"),
    [
        ("=1+1", True), ("+1", True), ("-1", True), ("@SUM(A1)", True), ("\t=1", True), ("\r=1", True),
        ("\n=1", True), ("  =1", True), ("＝1", True), ("＋1", True), ("－1", True), ("＠x", True),
        ("1-1", False), ("a=b", False), ("王·某", False), ("", False), (" ", False), ("'=1", False),
    ],
)  # fmt: skip
def test_which_texts_a_spreadsheet_would_calculate(text: str, calculated: bool) -> None:
    assert tables.calculates(text) is calculated
    made = tables.begin(Form.CSV, title="", heads=[Head("列")])
    made.add([text])
    [_head, row] = csv.reader(io.StringIO(made.data().decode("utf-8-sig"), newline=""))
    assert (row or [""])[0] == (f"'{text}" if calculated else text)


# --- Which list --------------------------------------------------------------------------------------------


def test_filters_tab_and_my_own_cases_are_those_of_the_page(cast: Cast, three: list[Case]) -> None:
    zhang, sun, formula = three
    digest = documents.digest(DocumentType.RESIDENT_ID, APPLICANTS["sun"].number)
    asked = {
        "tab=todo": {zhang, sun, formula},
        "tab=mine": {zhang},
        "tab=submitted": {sun, formula},
        "hold=mine": {zhang},
        "search=孙测": {sun},
        f"document={digest}": {sun},
        "tab=all&state=first_passed": {zhang},
        "due=next": {zhang},
    }
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for query, cases in asked.items():
            wishes = dict(pair.split("=") for pair in query.split("&"))
            tab = CASES.tab(wishes.pop("tab", ""))
            found = exports.lines(tab, wishes, by=cast.actor("li"))
            assert {case.pk for case in found} == {case.pk for case in cases}, query


def test_the_queue_leads_to_the_page_with_its_filters(cast: Cast, three: list[Case]) -> None:
    li = at_desk(cast, "li")
    page = li.get("/cases/?tab=submitted&hold=free").content.decode()
    assert 'href="/cases/export/?tab=submitted&amp;hold=free"' in page
    said = li.page("/cases/export/?tab=submitted&hold=free")
    assert "按“待受理”标签页和当前筛选导出，共 2 件" in said
    assert "经办人 未领取的" in said
    assert "/cases/export/" not in at_desk(cast, "chen").get("/cases/").content.decode()


def test_a_document_number_or_a_wrong_filter_in_the_address_exports_nothing(
    cast: Cast, three: list[Case]
) -> None:
    li = at_desk(cast, "li")
    for query in (urlencode({"search": APPLICANTS["sun"].number}), "kind=nothing", "document=abc"):
        said = li.post(f"/cases/export/?{query}", {"format": "csv"}, follow=True).content.decode()
        assert "筛选条件有误，没有导出" in said
        assert APPLICANTS["sun"].number not in said
    assert "没有符合条件的案卷" in li.post("/cases/export/?tab=reported", {"format": "csv"}).content.decode()
    assert "请选择文件格式" in li.post("/cases/export/", {"format": "pdf"}).content.decode()
    assert not PreparedFile.objects.exists()


def test_too_long_a_list_is_refused(cast: Cast, three: list[Case], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MOST", 2)
    said = at_desk(cast, "li").post("/cases/export/", {"format": "csv"}).content.decode()
    assert "一次最多导出 2 条，符合条件的超过此数" in said


def test_ones_own_cases_come_with_those_of_an_absent_colleague(cast: Cast, three: list[Case]) -> None:
    today = clock.today()
    with crossing.standing(Desk.AGENCY, cast.beijing):
        who: dict[str, Any] = {"user": cast.user("li"), "deputy": cast.user("liu"), "by": cast.user("li")}
        staff.enter_leave(agency=cast.beijing, **who, since=today, until=today, at=clock.now(), today=today)
    file = order(cast, "liu", "tab=mine")
    assert file.total == 1
    assert prepare(str(file.pk), "beijing")
    [_heads, row] = sheet_of(fetched(cast, "liu", file).content)
    assert row[0] == three[0].reference


# --- Full numbers ------------------------------------------------------------------------------------------


def test_full_numbers_for_a_supervisor_with_a_reason_and_on_everybodys_record(
    cast: Cast, three: list[Case]
) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        # A case of another agency by now: its number is no longer this supervisor's to see.
        Case.objects.filter(pk=three[2].pk).update(state=State.HANDED_OVER)
    file = order(cast, "wang", "tab=all", full="on", reason=REASON)
    assert (file.full, file.reason) == (True, REASON)
    assert fetched(cast, "wang", file).status_code == 404
    assert not AccessRecord.objects.exists()
    assert prepare(str(file.pk), "beijing")
    looks = AccessRecord.objects.values_list(
        "user__username", "agency__code", "person_id", "case_id", "reason"
    )
    assert set(looks) == {
        ("wang.beijing", "beijing", case.person_id, case.pk, f"导出列表：{REASON}") for case in three[:2]
    }
    _heads, *rows = sheet_of(fetched(cast, "wang", file).content)
    assert {row[0]: row[2] for row in rows} == {
        three[0].reference: APPLICANTS["zhang"].number,
        three[1].reference: APPLICANTS["sun"].number,
        three[2].reference: three[2].document_mask,
    }
    assert "含完整证件号码" in at_desk(cast, "wang").page("/files/")


def test_nobody_else_gets_full_numbers(cast: Cast, three: list[Case]) -> None:
    wang = at_desk(cast, "wang").post("/cases/export/", {"format": "csv", "full": "on"}).content.decode()
    assert "显示完整证件号码须填写事由" in wang
    # Who may not is not asked; a forged field changes nothing.
    assert order(cast, "li", full="on", reason=REASON).full is False
    with crossing.standing(Desk.AGENCY, cast.beijing):
        asked: dict[str, Any] = {
            "agency": cast.beijing, "tab": CASES.tab(""), "wishes": {}, "form": Form.CSV, "full": True,
        }  # fmt: skip
        for name, reason in (("li", REASON), ("xu", REASON), ("chen", REASON), ("wang", "  ")):
            with pytest.raises(Refusal):
                exports.ask(by=cast.actor(name), user=cast.user(name), reason=reason, **asked)


def test_a_right_taken_back_in_between_counts_no_more(cast: Cast, three: list[Case]) -> None:
    before, after = (order(cast, "wang", full="on", reason=REASON) for _n in range(2))
    assert prepare(str(before.pk), "beijing")
    assert fetched(cast, "wang", before).status_code == 200
    with crossing.standing(Desk.AGENCY, cast.beijing):
        roles.grant(user=cast.user("wang"), agency=cast.beijing, role=roles.REVIEWER, by=None)
        roles.revoke(user=cast.user("wang"), agency=cast.beijing, role=roles.SUPERVISOR, by=None)
    assert prepare(str(after.pk), "beijing") is False
    assert "只有审核可以导出完整证件号码" in at_desk(cast, "wang").page("/files/")
    assert fetched(cast, "wang", before)["Location"] == "/files/"
    wang = at_desk(cast, "wang")
    assert "您现在不能查看这些号码，文件不能下载" in wang.page(f"/files/{before.pk}/", follow=True)
    assert AccessRecord.objects.count() == 3


# --- Who gets it, what goes wrong --------------------------------------------------------------------------


def test_only_its_orderer_fetches_it(cast: Cast, three: list[Case]) -> None:
    file = order(cast, "li")
    assert prepare(str(file.pk), "mohurd") is False
    assert prepare(str(file.pk), "beijing")
    names = ("li", "liu", "wang", "chen", "xu", "he", "zhao")
    assert [fetched(cast, name, file).status_code for name in names] == [200, 404, 404, 404, 404, 404, 404]


@pytest.mark.parametrize(("name", "status"), [("xu", 200), ("chen", 404), ("he", 200), ("feng", 404)])
def test_who_may_open_the_page(cast: Cast, name: str, status: int) -> None:
    assert at_desk(cast, name).get("/cases/export/").status_code == status


def test_a_failed_file_is_tried_again(
    cast: Cast,
    three: list[Case],
    monkeypatch: pytest.MonkeyPatch,
    rung: list[str],
    django_capture_on_commit_callbacks: Any,
) -> None:
    file = order(cast, "li")
    li = at_desk(cast, "li")
    with monkeypatch.context() as broken:
        broken.setattr(exports.CaseResource, "dehydrate_kind", lambda self, case: 1 / 0)
        assert prepare(str(file.pk), "beijing") is False
    assert "文件没有生成" in li.page("/files/")
    again = f"/files/{file.pk}/again/"
    with django_capture_on_commit_callbacks(execute=True):
        assert "已经在重新生成" in at_desk(cast, "liu").post(again, follow=True).content.decode()
    assert rung == []
    with django_capture_on_commit_callbacks(execute=True):
        said = li.post(again, follow=True).content.decode()
    assert "文件正在重新生成" in said
    assert "等待生成" in said
    assert rung == [str(file.pk)]
    assert "已经在重新生成" in li.post(again, follow=True).content.decode()
    assert prepare(str(file.pk), "beijing")
    assert len(sheet_of(fetched(cast, "li", file).content)) == 4


class Killed(BaseException):
    """The worker's process ends here."""


@pytest.fixture
def killed(cast: Cast, three: list[Case], monkeypatch: pytest.MonkeyPatch) -> PreparedFile:
    """An order with full numbers whose worker was killed after the second row."""
    monkeypatch.setattr(exports, "BATCH", 1)
    file = order(cast, "wang", full="on", reason=REASON)
    told: list[int] = []

    def tell(order: PreparedFile, done: int) -> None:
        told.append(done)
        real(order, done)
        if done == 2:
            raise Killed

    with monkeypatch.context() as broken:
        real = prepared._progress
        broken.setattr(prepared, "_progress", tell)
        with pytest.raises(Killed):
            prepare(str(file.pk), "beijing")
    assert told == [1, 2]
    return file


def test_a_worker_killed_in_the_middle_leaves_one_whole_file_in_the_end(
    cast: Cast, killed: PreparedFile, rung: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "正在生成，2 / 3" in at_desk(cast, "wang").page("/files/")
    assert fetched(cast, "wang", killed).status_code == 404
    assert not AccessRecord.objects.exists()
    # As long as the first one may still be alive nobody else begins.
    assert prepare(str(killed.pk), "beijing") is False
    late = clock.now() + prepared.GIVEN_UP + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: late)
    rung.clear()
    assert sweep_files() == 1
    assert rung == [str(killed.pk)]
    assert [prepare(str(killed.pk), "beijing") for _n in range(2)] == [True, False]
    assert AccessRecord.objects.count() == 3
    assert len(sheet_of(prepared.content_of(stored(cast, killed)))) == 4


def test_a_writer_that_was_overtaken_stops(cast: Cast, killed: PreparedFile) -> None:
    """Somebody given up for dead wakes up again: neither its file nor its records count."""
    with crossing.standing(Desk.AGENCY, cast.beijing):
        dead = PreparedFile.objects.get(pk=killed.pk)
        PreparedFile.objects.filter(pk=killed.pk).update(started_at=clock.now() - timedelta(hours=1))
    assert prepare(str(killed.pk), "beijing")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        with pytest.raises(prepared.Overtaken):
            prepared._progress(dead, 3)
        looks = [AccessRecord(user_id=dead.user_id, agency=cast.beijing, person_id=cast.zhang.pk)]
        assert prepared._finish(dead, looks=looks, name="late.xlsx", data=b"late") is False
    assert stored(cast, killed).name != "late.xlsx"
    assert AccessRecord.objects.count() == 3


def test_an_order_that_kills_its_workers_is_given_up(
    cast: Cast, killed: PreparedFile, rung: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_given: Any) -> None:
        raise Killed

    monkeypatch.setitem(WRITERS, PreparedFile.Kind.EXPORT, die)
    rung.clear()
    times = [clock.now() + n * (prepared.GIVEN_UP + timedelta(seconds=1)) for n in range(1, 4)]
    monkeypatch.setattr(clock, "now", lambda: times[0])
    while len(times) > 1:
        assert sweep_files() == 1
        with pytest.raises(Killed):
            prepare(str(killed.pk), "beijing")
        del times[0]
    assert prepare(str(killed.pk), "beijing") is False
    assert sweep_files() == 0
    assert rung == [str(killed.pk)] * (prepared.MOST_STARTS - 1)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        given_up = PreparedFile.objects.get(pk=killed.pk)
        assert (given_up.starts, given_up.fault[:11]) == (3, "文件多次没有生成完，已")
        prepared.ask_again(killed.pk, agency=cast.beijing, user=cast.user("wang"))
    assert stored(cast, killed).starts == 0


def stored(cast: Cast, file: PreparedFile) -> PreparedFile:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        return PreparedFile.objects.get(pk=file.pk)


def test_so_many_queries_however_long_the_list(cast: Cast) -> None:
    lodge_many(cast, 2)
    counted = []
    for more in (0, 6):
        lodge_many(cast, more)
        file = order(cast, "wang", full="on", reason=REASON)
        counted.append(queries_of(file, cast.beijing))
    assert counted[0] == counted[1]


def queries_of(file: PreparedFile, agency: Agency) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert prepare(str(file.pk), agency.code)
    return len(captured)


def test_who_signs_for_a_case_in_hand_sees_no_more_than_the_mask(cast: Cast, three: list[Case]) -> None:
    """The own case of a supervisor stays masked (回避)."""
    with crossing.standing(Desk.OWNER):
        wang = cast.user("wang")
        wang.document_digest = documents.digest(DocumentType.RESIDENT_ID, APPLICANTS["sun"].number)
        wang.save(update_fields=["document_digest"])
    file = order(cast, "wang", "tab=all", full="on", reason=REASON)
    assert prepare(str(file.pk), "beijing")
    _heads, *rows = sheet_of(fetched(cast, "wang", file).content)
    assert three[1].document_mask in [row[2] for row in rows]
    assert cast.sun.pk not in AccessRecord.objects.values_list("person_id", flat=True)
