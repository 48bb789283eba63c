"""Class hours come in from a list: who is found, what is refused and why, and what nobody learns by it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.formats import date_format
from django.utils.timezone import localtime
from openpyxl.reader.excel import load_workbook
from openpyxl.workbook.workbook import Workbook
from pytest_django import Settings

from register import documents, training
from register.models import DocumentType, Person, TrainingHours
from register.rosters import LineError
from register.tables import Form
from register.training import Preview, Result
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import factories
from tests.cast import APPLICANTS, Cast
from tests.review.desks import DeskClient, at_desk, words
from tests.review.test_queue import lodge_one

pytestmark = pytest.mark.django_db

COLUMNS = [
    "姓名",
    "证件类型",
    "证件号码",
    "培训机构",
    "培训内容",
    "课程类别",
    "开始日期",
    "结束日期",
    "学时",
    "证书编号",
]
NOBODY = "名册中没有此姓名和证件号码的人员。请核对两项；换领过证件的，请填写现在的号码。"
ZHANG, SUN, GU = (APPLICANTS[name] for name in ("zhang", "sun", "gu"))


@pytest.fixture(autouse=True)
def _private_folder(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def row(name: str = ZHANG.name, number: str | int = ZHANG.number, **changes: Any) -> dict[str, Any]:
    given = {"institution": "示例培训中心", "hours": "16", "certificate": "0012026001", **changes}
    return {
        "姓名": name,
        "证件类型": given.get("type", "居民身份证"),
        "证件号码": number,
        "培训机构": given["institution"],
        "培训内容": given.get("course", "危险化学品安全"),
        "课程类别": given.get("kind", "专业课程"),
        "开始日期": given.get("since", "2026-03-02"),
        "结束日期": given.get("until", "2026-03-06"),
        "学时": given["hours"],
        "证书编号": given["certificate"],
    }


def as_csv(*rows: dict[str, Any], encoding: str = "utf-8") -> bytes:
    lines = [",".join(COLUMNS), *(",".join(str(each[name]) for name in COLUMNS) for each in rows)]
    return "\n".join(lines).encode(encoding)


def as_xlsx(rows: Iterable[dict[str, Any]]) -> bytes:
    book = Workbook()
    sheet: Any = book.active
    sheet.append(COLUMNS)
    for each in rows:
        sheet.append([each[name] for name in COLUMNS])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def looked_at(cast: Cast, data: bytes, *, by: str = "li", name: str = "学时.csv") -> Preview:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        return training.preview(data, name, agency=cast.beijing, by=cast.user(by))


def brought_in(cast: Cast, data: bytes, *, by: str = "li", at: str = "beijing", skip: bool = False) -> Result:
    agency = cast.agencies[at]
    with crossing.standing(Desk.AGENCY, agency):
        return training.commit(data, "学时.csv", agency=agency, by=cast.user(by), skip_bad_rows=skip)


def stored() -> list[tuple[Any, ...]]:
    rows = TrainingHours.objects.order_by("agency__code", "person__name", "certificate_number")
    return list(rows.values_list("agency__code", "person__name", "certificate_number", "hours"))


def test_whoever_brings_hours_in_stands_beside_them(cast: Cast) -> None:
    factories.docket_line(cast.zhang, cast.beijing)
    assert brought_in(cast, as_csv(row()), by="liu").new == 1
    assert brought_in(cast, as_csv(row()), by="li").unchanged == 1
    (stored_row,) = TrainingHours.objects.select_related("imported_by")
    assert stored_row.imported_by == cast.user("liu")
    page = at_desk(cast, "zhou").page(f"/registrants/{cast.zhang.pk}/")
    assert f"刘初审于{date_format(localtime(stored_row.imported_at))}导入" in page


# --- The page --------------------------------------------------------------------------------------------


def sent(client: DeskClient, data: bytes, name: str = "学时.csv") -> Any:
    return client.post("/training/", {"file": SimpleUploadedFile(name, data)})


def test_upload_preview_and_import(cast: Cast) -> None:
    li = at_desk(cast, "li")
    answer = sent(li, as_csv(row(), row(SUN.name, SUN.number, certificate="0012026002", hours="8.5")))
    assert answer.status_code == 302, words(answer)
    page = li.page(answer["Location"])
    assert "没有发现错误" in page
    assert "新增学时 24.5" in page
    assert "居民身份证 110000********003X 示例培训中心 危险化学品安全 专业课程" in page
    assert "0012026001" in page
    assert [ZHANG.number in page, SUN.number in page] == [False, False]
    assert stored() == []
    result = words(li.post(answer["Location"], {"import": "1"}))
    assert "新增 2 行，已登记过 0 行，跳过 0 行" in result
    assert stored() == [
        ("beijing", "孙测", "0012026002", Decimal("8.5")),
        ("beijing", "张测", "0012026001", Decimal("16.0")),
    ]
    one = TrainingHours.objects.get(certificate_number="0012026001")
    assert (one.institution, one.course, one.course_class) == ("示例培训中心", "危险化学品安全", "2")
    assert (one.begun_on, one.ended_on) == (date(2026, 3, 2), date(2026, 3, 6))
    assert "上传的文件已过期" in words(li.post(answer["Location"], {"import": "1"}, follow=True))


def test_a_faulty_line_is_named_and_nothing_is_written_unless_skipped(cast: Cast) -> None:
    li = at_desk(cast, "li")
    answer = sent(li, as_csv(row(), row(SUN.name, SUN.number, certificate="2", hours="0.3")))
    page = li.page(answer["Location"])
    assert "有 1 行有错误" in page
    assert "3 学时 学时以 0.5 为单位。" in page
    refused = li.post(answer["Location"], {"import": "1"}, follow=True)
    assert "没有导入任何一行" in words(refused)
    assert stored() == []
    result = words(li.post(answer["Location"], {"import": "1", "skip_bad_rows": "on"}))
    assert "新增 1 行，已登记过 0 行，跳过 1 行" in result
    assert [line[1] for line in stored()] == ["张测"]


def test_a_list_may_be_thrown_away_and_is_its_officers_alone(cast: Cast) -> None:
    li = at_desk(cast, "li")
    place = sent(li, as_csv(row()))["Location"]
    assert "上传的文件已过期" in words(at_desk(cast, "liu").get(place, follow=True))
    assert at_desk(cast, "he").get(place).status_code == 302
    assert "已放弃" in words(li.post(place, {"discard": "1"}, follow=True))
    assert "上传的文件已过期" in words(li.get(place, follow=True))
    assert "上传的文件已过期" in words(li.get("/training/elsewhere/", follow=True))
    assert stored() == []


@pytest.mark.parametrize(("name", "status"), [("li", 200), ("wang", 200), ("chen", 404), ("xu", 404)])
def test_who_may_bring_hours_in(cast: Cast, name: str, status: int) -> None:
    client = at_desk(cast, name)
    pages = ("/training/", "/training/template.xlsx", "/training/template.csv")
    assert [client.get(page).status_code for page in pages] == [status] * 3
    assert client.get("/training/template.pdf").status_code == 404


def test_the_empty_list_is_text_from_the_start_and_comes_in_again_when_filled(cast: Cast) -> None:
    li = at_desk(cast, "li")
    book = load_workbook(io.BytesIO(li.get("/training/template.xlsx").content))
    sheet: Any = book.worksheets[0]
    assert [cell.value for cell in sheet[1]] == COLUMNS
    assert {cell.number_format for cell in sheet[2]} == {"@"}
    for place, column in enumerate(COLUMNS, 1):
        sheet.cell(row=2, column=place).value = row()[column]
    file = io.BytesIO()
    book.save(file)
    assert brought_in(cast, file.getvalue()).new == 1
    assert li.get("/training/template.csv").content.decode("utf-8-sig").strip().split(",") == COLUMNS
    assert "文件中没有数据行" in words(sent(li, training.template(Form.XLSX), "空.xlsx"))


# --- Who is found ------------------------------------------------------------------------------------------


def test_whom_the_agency_never_had_to_do_with_is_found_and_nothing_more_is_told(cast: Cast) -> None:
    """Zhang has a case here, Sun only at the ministry, Gu nowhere."""
    with crossing.standing(Desk.APPLICANT):
        lodge_one(cast, cast.zhang)
        lodge_one(cast, cast.sun, "mohurd")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        assert [person.name for person in Person.objects.all()] == ["张测"]
    strangers = [
        row("张错", ZHANG.number),
        row("孙错", SUN.number),
        row("无此人", factories.id_number()),
        row(SUN.name, SUN.number, certificate="s"),
        row(GU.name, GU.number, certificate="g"),
    ]
    seen = looked_at(cast, as_csv(*strangers))
    assert seen.errors == (
        LineError(2, "姓名", "与名册中该证件号码的姓名不一致。"),
        LineError(3, "证件号码", NOBODY),
        LineError(4, "证件号码", NOBODY),
    )
    assert (seen.new, seen.people) == (2, 2)
    assert brought_in(cast, as_csv(*strangers), skip=True).new == 2
    assert {line[1] for line in stored()} == {SUN.name, GU.name}


def test_a_number_that_was_carried_before_finds_whom_the_agency_knows(cast: Cast) -> None:
    old = factories.id_number(date(1985, 5, 5))
    digest = documents.digest(DocumentType.RESIDENT_ID, old)
    cast.zhang.former_numbers.create(
        document_digest=digest, document_mask="110000********0000", until="2020-01-01"
    )
    assert looked_at(cast, as_csv(row(number=old))).bad_lines == 1
    with crossing.standing(Desk.APPLICANT):
        lodge_one(cast, cast.zhang)
    assert looked_at(cast, as_csv(row(number=old))).errors == ()


def test_nobody_brings_in_their_own_hours(cast: Cast) -> None:
    li = cast.user("li")
    li.document_digest = documents.digest(DocumentType.RESIDENT_ID, ZHANG.number)
    assert looked_at(cast, as_csv(row())).errors == (
        LineError(2, "证件号码", "本人的学时请由其他同事导入。"),
    )
    assert looked_at(cast, as_csv(row()), by="liu").errors == ()
    # Registered with a number carried before: the same person.
    li.document_digest = documents.digest(DocumentType.RESIDENT_ID, factories.id_number(date(1985, 5, 5)))
    cast.zhang.former_numbers.create(
        document_digest=li.document_digest, document_mask="110000********0000", until="2020-01-01"
    )
    assert looked_at(cast, as_csv(row())).bad_lines == 1


# --- What stands there already -----------------------------------------------------------------------------


def test_a_certificate_is_entered_once_and_never_changed(cast: Cast) -> None:
    assert brought_in(cast, as_csv(row())).new == 1
    again = brought_in(cast, as_csv(row(certificate="001-2026 001"), row(certificate="new")))
    assert (again.new, again.unchanged, again.errors) == (1, 1, ())
    changed = brought_in(cast, as_csv(row(hours="32")), skip=True)
    assert (changed.new, changed.skipped) == (0, 1)
    assert changed.errors[0].column == "证书编号"
    assert "已登记的学时不能通过导入更改" in changed.errors[0].message
    assert [line[2:] for line in stored()] == [("0012026001", 16), ("new", 16)]


def test_within_a_list_and_between_people(cast: Cast) -> None:
    rows = [
        row(), row(), row(SUN.name, SUN.number), row(SUN.name, SUN.number, institution="另一培训中心"),
        row(SUN.name, SUN.number, institution="另一培训中心", hours="8"),
        row("孙错", SUN.number, certificate="x"),
    ]  # fmt: skip
    assert looked_at(cast, as_csv(*rows)).errors == (
        LineError(3, "证书编号", "与第 2 行重复，请删去其中一行。"),
        LineError(4, "证书编号", "同一培训机构的这个编号属于另一个人，请核对。"),
        LineError(6, "证书编号", "与第 5 行重复，请删去其中一行。"),
        LineError(7, "证件号码", NOBODY),
    )


def test_another_agencys_hours_neither_show_nor_stand_in_the_way(cast: Cast) -> None:
    assert brought_in(cast, as_csv(row(hours="40")), by="he", at="mohurd").new == 1
    seen = looked_at(cast, as_csv(row()))
    assert (seen.new, seen.unchanged, seen.errors) == (1, 0, ())
    assert brought_in(cast, as_csv(row())).new == 1
    assert [(line[0], line[3]) for line in stored()] == [("beijing", 16), ("mohurd", 40)]
    # Each sees its own; with a case of Zhang's Beijing sees both, as the applicant does.
    with crossing.standing(Desk.AGENCY, cast.beijing):
        assert TrainingHours.objects.count() == 1


def test_hours_of_a_merged_record_are_known_under_the_living_one(cast: Cast) -> None:
    brought_in(cast, as_csv(row()))
    for person in (cast.zhang, cast.sun):
        with crossing.standing(Desk.APPLICANT):
            lodge_one(cast, person)
    with crossing.standing(Desk.OWNER):
        Person.objects.filter(pk=cast.zhang.pk).update(merged_into=cast.sun)
    seen = looked_at(cast, as_csv(row(SUN.name, ZHANG.number)))
    assert (seen.new, seen.unchanged, seen.errors) == (0, 1, ())


# --- Lines and files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "column", "said"),
    [
        ({"hours": "0"}, "学时", "学时应大于 0"),
        ({"hours": "201"}, "学时", "每项培训最多 200 学时"),
        ({"hours": "16.2"}, "学时", "以 0.5 为单位"),
        ({"hours": "-8"}, "学时", "不能以 = + - @ 开头"),
        ({"hours": "1e2"}, "学时", "学时应为数字"),
        ({"hours": "十六"}, "学时", "学时应为数字"),
        ({"hours": ""}, "学时", "必填"),
        ({"since": "2001-01-01"}, "开始日期", "2002 年 9 月"),
        ({"since": "2026-02-30"}, "开始日期", "没有这一天"),
        ({"since": "3月2日"}, "开始日期", "日期应写作"),
        ({"until": "2026-03-01"}, "结束日期", "不能早于开始日期"),
        ({"until": "2999-01-01"}, "结束日期", "不能晚于今天"),
        ({"kind": "其它"}, "课程类别", "没有“其它”这一选项"),
        ({"certificate": ""}, "证书编号", "必填"),
        ({"certificate": "x" * 61}, "证书编号", "不能超过 60 个字符"),
        ({"institution": "=HYPERLINK(1)"}, "培训机构", "也不能是公式"),
        ({"number": "11000019900101003"}, "证件号码", "18"),
        ({"type": "会员卡"}, "证件类型", "没有“会员卡”这一选项"),
    ],
)
def test_a_fault_is_told_by_line_and_column(
    cast: Cast, changes: dict[str, Any], column: str, said: str
) -> None:
    [error] = looked_at(cast, as_csv(row(**changes))).errors
    assert (error.line, error.column) == (2, column)
    assert said in error.message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_encodings(cast: Cast, encoding: str) -> None:
    assert looked_at(cast, as_csv(row(), encoding=encoding)).errors == ()


def test_cells_of_a_workbook(cast: Cast) -> None:
    """Dates and hours may be cells of their kind; long numbers and formulas may not."""
    good = row(since=date(2026, 3, 2), until=date(2026, 3, 6), hours=16.5, certificate="007")
    assert looked_at(cast, as_xlsx([good]), name="学时.xlsx").errors == ()
    bad = as_xlsx([row(certificate=7), row(certificate="=1+1"), row(number=110000199001010033)])
    assert [(error.line, error.column) for error in looked_at(cast, bad, name="学时.xlsx").errors] == [
        (2, "证书编号"),
        (3, "证书编号"),
        (4, "证件号码"),
    ]


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"PK\x03\x04 not a book", "学时.xlsx", "不是有效的 XLSX 工作簿"),
        (b"%PDF-1.7", "学时.xlsx", "不是有效的 XLSX 工作簿"),
        (b"\xd0\xcf\x11\xe0", "学时.xls", "请另存为 XLSX 或 CSV"),
        (b"\xff\xff\xff\x81\x00", "学时.csv", "无法识别文件的编码"),
        (b"", "学时.csv", "文件是空的"),
        ("姓名,学时\n张测,8".encode(), "学时.csv", "缺少列：证件号码"),
        (as_csv(), "学时.csv", "文件中没有数据行"),
        (as_csv(*[row()] * 5001), "学时.csv", "文件超过 5000 行"),
        (b"x" * (training.LIMITS.size + 1), "学时.csv", "文件超过 10 MB"),
    ],
)  # fmt: skip
def test_files_that_are_no_list(cast: Cast, data: bytes, name: str, said: str) -> None:
    answer = sent(at_desk(cast, "li"), data, name)
    assert answer.status_code == 200
    assert said in words(answer)


def test_what_is_far_too_large_is_turned_away_unread(cast: Cast, settings: Settings) -> None:
    settings.LARGEST_REQUEST = 1000
    assert sent(at_desk(cast, "li"), b"x" * 2000).status_code == 413


def test_size_is_checked_where_no_page_asks(cast: Cast) -> None:
    with pytest.raises(Refusal):
        looked_at(cast, b"x" * (training.LIMITS.size + 1))


def test_so_many_queries_however_long_the_list(cast: Cast) -> None:
    counted = []
    for lines in (1, 30):
        rows = [row(certificate=f"{lines}-{number}") for number in range(lines)]
        with CaptureQueriesContext(connection) as captured:
            assert brought_in(cast, as_csv(*rows)).new == lines
        counted.append(len(captured))
    assert counted[0] == counted[1] <= 14
