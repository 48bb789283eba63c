"""Rosters: what is read, what is refused and how it is said, and that writing is all or nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from openpyxl.workbook.workbook import Workbook

from register import people, roster_writing, rosters, sheets
from register.models import Kind, Person, Qualification, Registration
from register.rosters import LineError, What
from register.sheets import UnreadableFile
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import User
from tests import factories
from tests.cast import APPLICANTS, Cast

pytestmark = pytest.mark.django_db

HEADER = (
    "姓名",
    "证件类型",
    "证件号码",
    "资格证书编号",
    "管理号",
    "考试年度",
    "发证日期",
    "发证机关",
    "专业类别",
)
WANG = (
    "王测",
    "居民身份证",
    "11010519491231002X",
    "ZG20240001",
    "2024000001",
    "2024",
    "2025-03-01",
    "示例中心",
    "",
)
GULI = ("古丽•测试", "护照", "E12345678", "ZG20240002", "", "2024", "2025/3/1", "", "化工安全")
OLD_HEADER = ("姓名", "证件号码", "执业证编号", "注册类别", "注册机构代码", "聘用单位", "信用代码",
              "首次注册日期", "有效期起", "有效期止", "状态", "终止日期")  # fmt: skip
OLD = ("王测", "11010519491231002X", "11000000001", "煤矿安全", "beijing", "北京示例化工有限公司",
       "91110000MA00000152", "2022-05-01", "2025-05-01", "2028-04-30", "有效", "")  # fmt: skip
Row = Sequence[Any]


def as_csv(*rows: Row, header: Row = HEADER, encoding: str = "utf-8") -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([header, *rows])
    return file.getvalue().encode(encoding)


def as_xlsx(*rows: Row, header: Row = HEADER) -> bytes:
    book = Workbook()
    for row in (header, *rows):
        book.active.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_(row: Row, **changes: Any) -> list[Any]:
    """A row with some of its cells replaced, named by their header."""
    header = HEADER if len(row) == len(HEADER) else OLD_HEADER
    return [changes.get(name, value) for name, value in zip(header, row, strict=True)]


def commit(data: bytes, what: What = What.QUALIFICATIONS, **options: Any) -> rosters.Result:
    with crossing.standing(Desk.AUTHORITY):
        return rosters.commit(data, "名册.csv", what, **options)


def preview(data: bytes, what: What = What.QUALIFICATIONS) -> rosters.Preview:
    with crossing.standing(Desk.AUTHORITY):
        return rosters.preview(data, "名册.csv", what)


@pytest.mark.parametrize(
    "data",
    [
        as_csv(WANG, GULI),
        as_csv(WANG, GULI, encoding="utf-8-sig"),
        as_csv(WANG, GULI, encoding="gb18030"),
        as_csv(WANG, GULI, encoding="utf-16"),
        as_csv(WANG, GULI).replace(b",", b"\t"),
        as_xlsx(WANG, GULI),
        as_xlsx(with_(WANG, 考试年度=2024, 发证日期=datetime(2025, 3, 1)), GULI),  # noqa: DTZ001
        as_xlsx((), WANG, (), GULI),
    ],
    ids=["utf-8", "bom", "gbk", "utf-16", "tabs", "xlsx", "xlsx with numbers and dates", "blank rows"],
)
def test_a_roster_in_every_dress(data: bytes) -> None:
    result = commit(data)
    assert (result.written, result.new, result.new_people, result.errors) == (True, 2, 2, ())
    wang = Person.objects.get(name="王测")
    assert people.number_for_form(wang) == "11010519491231002X"
    assert (wang.sex, wang.birth_date) == ("2", date(1949, 12, 31))
    assert (wang.user.kind, wang.user.has_usable_password()) == ("applicant", False)
    row = Qualification.objects.get(certificate_number="ZG20240001")
    assert (row.person, row.exam_year, row.issued_on, row.issuer) == (
        wang,
        2024,
        date(2025, 3, 1),
        "示例中心",
    )
    guli = Qualification.objects.select_related("person").get(certificate_number="ZG20240002")
    assert (guli.person.name, guli.person.document_type, guli.category) == ("古丽·测试", "03", "B3")


def test_headers_in_english_and_in_other_words() -> None:
    header = (
        "Name",
        "Document type",
        "身份证号码",
        "certificate_number",
        "x",
        "考试年份",
        "批准日期*",
        "备注（选填）",
        "category",
    )
    row = (*WANG[:4], "", *WANG[5:])
    found = preview(as_csv(row, header=header))
    assert (found.ok, found.new, found.ignored_columns) == (True, 1, ("x", "备注（选填）"))


FAULTS: list[tuple[str, dict[str, Any], str, str]] = [
    ("no name", {"姓名": ""}, "姓名", "必填"),
    ("formula as a name", {"姓名": "=HYPERLINK(1)"}, "姓名", "公式"),
    ("formula in another cell", {"发证机关": "@SUM(A1)"}, "发证机关", "公式"),
    ("check digit", {"证件号码": "110105194912310020"}, "证件号码", "校验位"),
    ("fifteen digits", {"证件号码": "110105491231002"}, "证件号码", "15 位"),
    ("digits lost in a CSV", {"证件号码": "1.10105E+17"}, "证件号码", "丢失位数"),
    ("unknown type", {"证件类型": "学生证"}, "证件类型", "学生证"),
    ("number of another type", {"证件类型": "护照", "证件号码": "护照12"}, "证件号码", "护照"),
    ("certificate number", {"资格证书编号": "ZG-1"}, "资格证书编号", "5 至 24 位"),
    ("year", {"考试年度": "1999"}, "考试年度", "2002"),
    ("date", {"发证日期": "去年"}, "发证日期", "2026-11-23"),
    ("no such day", {"发证日期": "2025-02-30"}, "发证日期", "没有这一天"),
    ("in the future", {"发证日期": "2999-01-01"}, "发证日期", "今天"),
    ("before its exam", {"发证日期": "2023-12-31"}, "发证日期", "早于考试年度"),
    ("unknown category", {"专业类别": "网络安全"}, "专业类别", "网络安全"),
]


@pytest.mark.parametrize(("changes", "column", "words"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_fault_is_named_by_line_and_column(changes: dict[str, Any], column: str, words: str) -> None:
    result = commit(as_csv(GULI, with_(WANG, **changes)))
    assert result.written is False
    ((line, where, message),) = result.errors
    assert (line, where) == (3, column)
    assert words in message
    assert not Person.objects.exists()


def test_every_fault_of_a_row_is_told_at_once() -> None:
    found = preview(as_csv(with_(WANG, 姓名="", 证件号码="1", 考试年度="x")))
    assert [(error.line, error.column) for error in found.errors] == [
        (2, "姓名"),
        (2, "考试年度"),
        (2, "证件号码"),
    ]
    assert found.bad_lines == 1


@pytest.mark.parametrize("number", [110105194912310020, 1.1010519491231e17])
def test_a_spreadsheet_number_that_lost_digits_is_refused_by_name(number: float) -> None:
    (error,) = preview(as_xlsx(with_(WANG, 证件号码=number))).errors
    assert (error.line, error.column) == (2, "证件号码")
    assert "数字格式，号码已经丢失位数" in error.message


def test_a_formula_in_a_workbook_is_refused() -> None:
    (error,) = preview(as_xlsx(with_(WANG, 发证机关='="x"&"y"'))).errors
    assert (error.column, "公式" in error.message) == ("发证机关", True)


def test_a_cell_in_the_far_corner_costs_nothing() -> None:
    book = Workbook()
    for place, row in enumerate((HEADER, WANG), 1):
        for column, value in enumerate(row, 1):
            book.active.cell(place, column, value)
    book.active["XFD1048576"] = "x"
    file = io.BytesIO()
    book.save(file)
    assert preview(file.getvalue()).new == 1


def rebuilt(book: bytes, changed: dict[str, bytes | None]) -> bytes:
    """A workbook with other words in some of its parts, or without them."""
    out = io.BytesIO()
    with ZipFile(io.BytesIO(book)) as before, ZipFile(out, "w", ZIP_DEFLATED) as after:
        for name in before.namelist():
            content = changed.get(name, before.read(name))
            if content is not None:
                after.writestr(name, content)
    return out.getvalue()


SHEET, BOOK = "xl/worksheets/sheet1.xml", "xl/workbook.xml"
SOUND = as_xlsx(WANG, GULI)
ROWS = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
END = b"</sheetData></worksheet>"


@pytest.mark.parametrize(
    "damaged",
    [
        b"PK",
        SOUND[: len(SOUND) // 2],
        SOUND[:-40],
        SOUND.replace(b"PK\x03\x04", b"PK\x03\x05"),
        *(rebuilt(SOUND, {name: b"<broken"}) for name in (SHEET, BOOK, "xl/styles.xml")),
        *(rebuilt(SOUND, {name: None}) for name in (SHEET, BOOK, "[Content_Types].xml")),
        rebuilt(SOUND, {SHEET: ROWS + b'<row r="1"><c r="A1" t="s"><v>9999</v></c></row>' + END}),
        rebuilt(SOUND, {SHEET: ROWS + b'<row r="x"><c r="?" t="n"><v>one</v></c></row>' + END}),
        rebuilt(SOUND, {SHEET: ROWS + b'<row r="1"><c r="A1" s="77"><v>1</v></c></row>'}),
        rebuilt(
            SOUND, {BOOK: b'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'}
        ),
    ],
)
def test_a_damaged_workbook_is_refused_in_words(damaged: bytes) -> None:
    with pytest.raises(UnreadableFile, match="不是有效的 XLSX 工作簿"):
        preview(damaged)


def test_text_kept_text_by_a_spreadsheet_is_unwrapped() -> None:
    assert preview(as_csv(with_(WANG, 证件号码='="11010519491231002X"', 管理号="'2024000001"))).ok


def test_a_line_is_the_line_of_the_file() -> None:
    quoted = with_(WANG, 发证机关="两行\n的单元格", 资格证书编号="ZG1")
    (error,) = preview(as_csv(WANG, quoted, ())).errors
    assert (error.line, error.column) == (3, "资格证书编号")
    (error,) = preview(as_csv(with_(WANG, 发证机关="两行\n的单元格"), with_(GULI, 资格证书编号="ZG1"))).errors
    assert error.line == 4


def test_faulty_rows_can_be_left_out() -> None:
    result = commit(as_csv(WANG, with_(GULI, 证件号码="")), skip_bad_rows=True)
    assert (result.written, result.new, result.skipped, len(result.errors)) == (True, 1, 1, 1)
    assert list(Person.objects.values_list("name", flat=True)) == ["王测"]


def test_a_preview_writes_nothing_and_shows_no_number() -> None:
    found = preview(as_csv(WANG, GULI))
    assert (found.rows, found.new, found.new_people, found.ok) == (2, 2, 2, True)
    assert found.columns[:4] == ("行", "姓名", "证件类型", "证件号码")
    assert [row[0] for row in found.sample] == ["2", "3"]
    assert [row[3] for row in found.sample] == ["110105********002X", "E12****78"]
    assert not Person.objects.exists()


def test_a_second_import_changes_only_what_changed() -> None:
    commit(as_csv(WANG, GULI))
    result = commit(as_csv(WANG, with_(GULI, 发证机关="新示例中心")))
    assert (result.new, result.changed, result.unchanged, result.new_people) == (0, 1, 1, 0)
    assert Qualification.objects.get(certificate_number="ZG20240002").issuer == "新示例中心"
    assert Person.objects.count() == User.objects.filter(kind="applicant").count() == 2


def test_somebody_known_is_recognised_and_a_different_name_is_a_fault(cast: Cast) -> None:
    known = with_(WANG, 姓名="张测", 证件号码=APPLICANTS["zhang"].number.lower())
    result = commit(as_csv(known))
    assert (result.new, result.new_people) == (1, 0)
    assert Qualification.objects.get(certificate_number="ZG20240001").person == cast.zhang
    (error,) = preview(as_csv(with_(known, 姓名="张冒名"))).errors
    assert error == LineError(2, "姓名", "与名册中该证件号码的姓名不一致。")


def test_rows_of_one_file_must_agree() -> None:
    found = preview(
        as_csv(
            WANG,
            with_(WANG, 姓名="王冒名", 资格证书编号="ZG20240009"),
            with_(GULI, 资格证书编号="ZG20240001"),
        )
    )
    assert found.errors == (
        LineError(3, "姓名", "与第 2 行同一证件号码的姓名不一致。"),
        LineError(4, "资格证书编号", "与第 2 行重复。"),
    )


def test_a_certificate_of_somebody_else_is_a_fault(cast: Cast) -> None:
    (error,) = preview(as_csv(with_(WANG, 资格证书编号=APPLICANTS["zhang"].certificate))).errors
    assert error == LineError(2, "资格证书编号", "名册中该编号属于另一个人。")


def packed() -> bytes:
    """Much out of little."""
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 2_000_000)
    return file.getvalue()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"", "空的"),
        (as_csv, "没有数据行"),
        (lambda: as_csv(WANG, header=HEADER[:3] + ("x",) * 6), "缺少列：资格证书编号、考试年度、发证日期"),
        (lambda: as_csv(WANG, header=("姓名", *HEADER[1:8], "name")), "出现了两次"),
        (lambda: b"\x89PNG\r\n\x1a\n\x00\x00", "编码"),
        (lambda: b"PK\x03\x04 broken", "XLSX"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "旧版 XLS"),
        (packed, "解压后过大"),
        (lambda: as_csv(WANG) + b'"x"y,z', "第 3 行不是有效的 CSV"),
    ],
)
def test_what_is_no_roster_at_all(
    make: Callable[[], bytes], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MAX_UNPACKED", 1_000_000)
    with pytest.raises(UnreadableFile, match=words):
        preview(make())


# --- Registrations granted before ----------------------------------------------------------------
def old(*rows: Row) -> bytes:
    return as_csv(*rows, header=OLD_HEADER)


def test_old_registrations_come_in_with_their_people(cast: Cast) -> None:
    cancelled = with_(OLD, 证件号码=factories.id_number(), 姓名="李测", 执业证编号="11000000002",
                      注册机构代码="", 状态="注销", 终止日期="2026-01-15", 首次注册日期="")  # fmt: skip
    result = commit(old(OLD, cancelled), What.REGISTRATIONS)
    assert (result.written, result.new, result.new_people) == (True, 2, 2)
    row = Registration.objects.get(number="11000000001")
    assert (row.category, row.agency, row.kind, row.granted_on) == (
        "B1",
        cast.beijing,
        Kind.RENEWAL,
        date(2025, 5, 1),
    )
    assert row.first_registered_on == date(2022, 5, 1)
    other = Registration.objects.get(number="11000000002")
    assert (other.agency, other.kind, other.ended_how, other.ended_on) == (
        None,
        Kind.INITIAL,
        "cancelled",
        date(2026, 1, 15),
    )
    again = commit(old(OLD, cancelled), What.REGISTRATIONS)
    assert (again.new, again.unchanged, again.new_people) == (0, 2, 0)


def test_a_chain_of_periods_keeps_its_number() -> None:
    first = with_(OLD, 有效期起="2022-05-01", 有效期止="2025-04-30")
    assert commit(old(OLD, first), What.REGISTRATIONS).new == 2
    early, late = Registration.objects.order_by("valid_from")
    assert (early.kind, late.kind, late.supersedes) == (Kind.INITIAL, Kind.RENEWAL, early)


OLD_FAULTS: list[tuple[str, dict[str, Any], str, str]] = [
    ("number", {"执业证编号": "1100"}, "执业证编号", "11 位"),
    ("agency", {"注册机构代码": "atlantis"}, "注册机构代码", "没有这个注册机构"),
    ("credit code", {"信用代码": "91110000MA00000153"}, "信用代码", "校验位"),
    ("reversed", {"有效期止": "2025-04-30"}, "有效期止", "早于"),
    ("first after", {"首次注册日期": "2025-05-02"}, "首次注册日期", "晚于"),
    ("status", {"状态": "冻结"}, "状态", "冻结"),
    ("no end date", {"状态": "已注销"}, "终止日期", "必填"),
    ("end date alone", {"终止日期": "2026-01-01"}, "终止日期", "不填"),
    ("ended before it began", {"状态": "已撤销", "终止日期": "2025-04-30"}, "终止日期", "有效期起"),
    ("category", {"注册类别": ""}, "注册类别", "必填"),
]


@pytest.mark.parametrize(
    ("changes", "column", "words"), [f[1:] for f in OLD_FAULTS], ids=[f[0] for f in OLD_FAULTS]
)
def test_a_fault_of_an_old_registration(changes: dict[str, Any], column: str, words: str) -> None:
    ((line, where, message),) = preview(old(with_(OLD, **changes)), What.REGISTRATIONS).errors
    assert (line, where) == (2, column)
    assert words in message


def test_periods_of_one_person_never_overlap() -> None:
    overlapping = with_(OLD, 执业证编号="11000000009", 有效期起="2026-01-01", 有效期止="2028-12-31")
    (error,) = preview(old(OLD, overlapping), What.REGISTRATIONS).errors
    assert error == LineError(3, "有效期起", "与同一人的另一段注册有效期重叠。")
    commit(old(OLD), What.REGISTRATIONS)
    (error,) = preview(old(overlapping), What.REGISTRATIONS).errors
    assert "重叠" in error.message


def test_whoever_is_brought_in_is_locked_before_the_periods_are_compared(cast: Cast) -> None:
    """A grant at the same moment waits, or is seen; a preview locks nobody."""
    zhang = APPLICANTS["zhang"]
    data = old(with_(OLD, 姓名=zhang.name, 证件号码=zhang.number))
    act: Callable[..., object]
    for act, locks in ((preview, 0), (commit, 1)):
        with CaptureQueriesContext(connection) as asked:
            act(data, What.REGISTRATIONS)
        told = [query["sql"] for query in asked]
        at = [
            n
            for n, sql in enumerate(told)
            if "FOR UPDATE" in sql and cast.zhang.pk.hex in sql.replace("-", "")
        ]
        read = [
            n for n, sql in enumerate(told) if sql.startswith("SELECT") and '"register_registration"' in sql
        ]
        assert (len(at), [place < read[0] for place in at]) == (locks, [True] * locks)


def test_what_stands_in_the_register_is_not_overwritten() -> None:
    commit(old(OLD), What.REGISTRATIONS)
    (error,) = preview(old(with_(OLD, 聘用单位="别的单位")), What.REGISTRATIONS).errors
    assert "不能通过导入更改" in error.message
    stranger = with_(OLD, 姓名="李测", 证件号码=factories.id_number())
    (error,) = preview(old(stranger), What.REGISTRATIONS).errors
    assert error == LineError(2, "执业证编号", "该编号属于另一个人。")


@pytest.fixture
def merged(cast: Cast) -> Person:
    """A second record of 张, which leads to the living one."""
    other = factories.person(name=cast.zhang.name)
    Person.objects.filter(pk=other.pk).update(merged_into=cast.zhang)
    return other


def test_a_merged_persons_certificate_is_the_living_persons(cast: Cast, merged: Person) -> None:
    factories.qualification(merged, certificate_number="ZG20240001", issuer="旧示例中心")
    factories.qualification(factories.person(), certificate_number="ZG20240002")
    zhang = APPLICANTS["zhang"]
    own = with_(WANG, 姓名=zhang.name, 证件号码=zhang.number)
    result = commit(as_csv(own))
    assert (result.errors, result.changed, result.new_people) == ((), 1, 0)
    row = Qualification.objects.get(certificate_number="ZG20240001")
    assert (row.person, row.issuer) == (merged, "示例中心")
    assert commit(as_csv(own)).unchanged == 1
    (error,) = preview(as_csv(with_(own, 资格证书编号="ZG20240002"))).errors
    assert error == LineError(2, "资格证书编号", "名册中该编号属于另一个人。")


def test_a_merged_persons_registration_is_the_living_persons(cast: Cast, merged: Person) -> None:
    number = people.number_for_form(merged)
    entered = with_(OLD, 姓名=merged.name, 证件号码=number)
    Person.objects.filter(pk=merged.pk).update(merged_into=None)
    assert commit(old(entered), What.REGISTRATIONS).new == 1
    Person.objects.filter(pk=merged.pk).update(merged_into=cast.zhang)
    own = with_(entered, 证件号码=APPLICANTS["zhang"].number)
    assert preview(old(own), What.REGISTRATIONS).unchanged == 1
    (error,) = preview(old(with_(own, 执业证编号="11000000009", 有效期起="2026-01-01")),
                       What.REGISTRATIONS).errors  # fmt: skip
    assert error == LineError(2, "有效期起", "与同一人的另一段注册有效期重叠。")


def test_a_certificate_that_went_to_somebody_else_meanwhile_is_not_passed_over(cast: Cast) -> None:
    factories.qualification(cast.zhang, certificate_number="ZG20240001", issuer="旧示例中心")
    zhang = APPLICANTS["zhang"]
    plan = rosters.planned(
        rosters.resource_for(What.QUALIFICATIONS),
        as_csv(with_(WANG, 姓名=zhang.name, 证件号码=zhang.number)),
        "名册.csv",
    )[0]
    rosters.compare(plan, What.QUALIFICATIONS)
    Qualification.objects.filter(certificate_number="ZG20240001").update(person=factories.person())
    with pytest.raises(roster_writing.Outrun):
        rosters.write(plan, What.QUALIFICATIONS)


def test_registrations_are_written_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster_writing, "PIECE", 2)
    years = range(2019, 2024)
    ends = [{"有效期起": f"{year}-05-01", "有效期止": f"{year + 1}-04-30"} for year in years]
    periods = [with_(OLD, **end, 首次注册日期="2019-05-01") for end in ends]
    plan = rosters.planned(rosters.resource_for(What.REGISTRATIONS), old(*periods), "名册.csv")[0]
    rosters.compare(plan, What.REGISTRATIONS)
    told: list[int] = []
    rosters.write(plan, What.REGISTRATIONS, told.append)
    # One person, then five registrations in pieces of two; each follows the one before it.
    assert told == [1, 3, 5, 6]
    chain = list(Registration.objects.order_by("valid_from"))
    assert [row.supersedes for row in chain] == [None, *chain[:-1]]


def test_registrations_are_given_up_between_two_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    class GivenUp(Exception):
        pass

    def heed(done: int) -> None:
        if done > 2:
            raise GivenUp

    monkeypatch.setattr(roster_writing, "PIECE", 1)
    second = with_(OLD, 有效期起="2022-05-01", 有效期止="2025-04-30")
    plan = rosters.planned(rosters.resource_for(What.REGISTRATIONS), old(OLD, second), "名册.csv")[0]
    rosters.compare(plan, What.REGISTRATIONS)
    with pytest.raises(GivenUp), transaction.atomic():
        rosters.write(plan, What.REGISTRATIONS, heed)
    assert (Registration.objects.count(), Person.objects.count()) == (0, 0)


# --- Volume, commands, uploads -------------------------------------------------------------------
def test_a_thousand_rows_take_as_many_queries_as_one() -> None:
    born = date(1970, 1, 1)
    rows = [
        with_(
            WANG,
            姓名=f"王测{n}",
            证件号码=factories.id_number(born + timedelta(days=n), serial=n),
            资格证书编号=f"ZG{n:08d}",
        )
        for n in range(1_001)
    ]
    with CaptureQueriesContext(connection) as one:
        assert commit(as_csv(rows[0])).new == 1
    with CaptureQueriesContext(connection) as many:
        assert commit(as_csv(*rows[1:])).new == 1_000
    assert len(many) == len(one)


def test_the_command_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "roster.csv"
    file.write_bytes(as_csv(WANG, with_(GULI, 证件号码="")))
    with pytest.raises(CommandError, match="Nothing was written"):
        call_command("import_roster", str(file))
    call_command("import_roster", str(file), "--dry-run")
    call_command("import_roster", str(file), "--skip-bad-rows")
    printed = capsys.readouterr()
    assert "line 3, 证件号码: 必填。" in printed.err
    assert "2 rows: 1 new, 0 changed, 0 unchanged, 1 faulty; 1 new people" in printed.out
    assert "1 new, 0 changed, 0 unchanged, 1 left out; 1 new people" in printed.out


def test_the_command_brings_old_registrations(tmp_path: Path) -> None:
    file = tmp_path / "old.xlsx"
    file.write_bytes(as_xlsx(OLD, header=OLD_HEADER))
    call_command("import_registrations", str(file))
    assert Registration.objects.count() == 1
    with pytest.raises(CommandError):
        call_command("import_registrations", str(tmp_path / "missing.csv"))
