"""The summary list of a dispatch (申请注册人员汇总表) on paper and as a spreadsheet.

Both are drawn from the same rows. They are official Chinese documents, written in Chinese whatever language
the reader has chosen, and carry the masked document number.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final, NamedTuple

from django.template.loader import render_to_string
from django.utils.translation import override
from openpyxl.cell.cell import Cell
from openpyxl.styles.alignment import Alignment
from openpyxl.styles.borders import Border, Side
from openpyxl.styles.fonts import Font
from openpyxl.workbook.workbook import Workbook
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from register import codes
from register.models import Kind, Sex
from register.printing import qr_svg, render_pdf
from review.dispatching import Line, SummaryList
from review.documents import wording
from review.models import Opinion
from tenants.models import Agency

TITLE: Final = "注册安全工程师申请注册人员汇总表"


class Column(NamedTuple):
    """A column: its head, its class on paper, its width in the spreadsheet in characters."""

    head: str
    css: str
    width: int


COLUMNS: Final = (
    Column("序号", "s-number", 6),
    Column("姓名", "s-name", 14),
    Column("性别", "s-sex", 6),
    Column("证件号码", "s-document", 22),
    Column("申请编号", "s-reference", 18),
    Column("注册种类", "s-kind", 16),
    Column("注册类别", "s-category", 22),
    Column("聘用单位", "s-employer", 36),
    Column("初审意见", "s-opinion", 48),
)
# Rows of the spreadsheet: title, what the batch is, heads.
HEADS_AT: Final = 3


def rows_of(summary: SummaryList) -> Iterator[tuple[str, ...]]:
    """The list as it is written, a row a person, in the order of the columns."""
    with override("zh-hans"):
        yield from [_row(line) for line in summary.lines]


def _row(line: Line) -> tuple[str, ...]:
    kind = str(Kind(line.kind).label)
    return (
        str(line.number),
        line.name,
        str(Sex(line.sex).label) if line.sex in {Sex.MALE, Sex.FEMALE} else "",
        line.document_mask,
        line.reference,
        f"{kind}（逾期）" if line.late else kind,
        wording.label("category", line.category),
        line.employer,
        opinion_of(line),
    )


def opinion_of(line: Line) -> str:
    """The verdict, and with a negative one its reasons."""
    if not line.verdict:
        return ""
    reasons = [codes.label("reason", code) for code in line.codes]
    said = [*reasons, line.text] if line.verdict == Opinion.Verdict.FAIL else []
    words = [str(Opinion.Verdict(line.verdict).label), *(text.rstrip("。；") for text in said if text)]
    return "：".join(filter(None, (words[0], "；".join(words[1:]))))


def counted(summary: SummaryList) -> str:
    """How many, and with which opinions."""
    return f"共{len(summary.lines)}人，其中初审通过{summary.passed}人，初审不通过{summary.failed}人"


# --- Paper -----------------------------------------------------------------------------------------


def summary_pdf(summary: SummaryList, agency: Agency) -> bytes:
    """The list on A4, lying; the heads stand on every page, signatures and seal at its end."""
    dispatch = summary.dispatch
    context = {
        "title": TITLE,
        "agency": agency.letter_head or agency.name_zh,
        "number": dispatch.number,
        "sent_on": wording.day(summary.sent_on),
        "sent_by": dispatch.sent_by_name,
        "counted": counted(summary),
        "columns": COLUMNS,
        "rows": [wording.printable(row) for row in rows_of(summary)],
        "qr": qr_svg(dispatch.number.upper()),
    }
    return render_pdf(render_to_string("print/summary.html", context))


# --- Spreadsheet -----------------------------------------------------------------------------------

THIN: Final = Side(style="thin", color="808080")
FRAME: Final = Border(left=THIN, right=THIN, top=THIN, bottom=THIN)


def summary_xlsx(summary: SummaryList, agency: Agency) -> bytes:
    """The list as a workbook. Every cell is text: what a person typed is never taken for a formula."""
    book = Workbook()
    sheet = book.active
    if not isinstance(sheet, Worksheet):
        raise TypeError("A new workbook has a sheet.")
    sheet.title = "汇总表"
    _banner(sheet, 1, TITLE, Font(name="宋体", size=16, bold=True), "center")
    _banner(sheet, 2, _facts(summary, agency), Font(name="宋体", size=11), "left")
    _write(sheet, HEADS_AT, [column.head for column in COLUMNS], Font(name="宋体", size=11, bold=True))
    for number, row in enumerate(rows_of(summary), HEADS_AT + 1):
        _write(sheet, number, list(row), Font(name="宋体", size=11))
    _lay_out(sheet)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _facts(summary: SummaryList, agency: Agency) -> str:
    sent = wording.day(summary.sent_on)
    number = summary.dispatch.number
    return f"报送单位：{agency.name_zh}　报送批次：{number}　报送日期：{sent}　{counted(summary)}"


def _banner(sheet: Worksheet, row: int, text: str, font: Font, side: str) -> None:
    sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=len(COLUMNS))
    cell = _text(sheet, row, 1, text)
    cell.font, cell.alignment = font, Alignment(horizontal=side, vertical="center")
    sheet.row_dimensions[row].height = 30 if row == 1 else 20


def _write(sheet: Worksheet, row: int, values: list[str], font: Font) -> None:
    for place, value in enumerate(values, 1):
        cell = _text(sheet, row, place, value)
        middle = place in {1, 3} or row == HEADS_AT
        cell.font, cell.border = font, FRAME
        cell.alignment = Alignment(
            horizontal="center" if middle else "left", vertical="center", wrap_text=True
        )


def _text(sheet: Worksheet, row: int, place: int, value: str) -> Cell:
    cell = sheet.cell(row=row, column=place)
    if not isinstance(cell, Cell):
        raise TypeError("A merged cell is written by its first one.")
    cell.value = wording.printable(value)
    cell.data_type, cell.number_format = "s", "@"
    # Excel keeps such a cell text even when somebody edits it.
    cell.quotePrefix = True
    return cell


def _lay_out(sheet: Worksheet) -> None:
    for place, column in enumerate(COLUMNS, 1):
        sheet.column_dimensions[sheet.cell(row=HEADS_AT, column=place).column_letter].width = column.width
    sheet.freeze_panes = f"A{HEADS_AT + 1}"
    sheet.print_title_rows = f"{HEADS_AT}:{HEADS_AT}"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.oddFooter.center.text = "第 &P 页 共 &N 页"
