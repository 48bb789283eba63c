"""The application form as a Word file (OOXML), drawn from the same sheet as its PDF.

Pages begin where those of the PDF begin: the breaks are set, rows and seals are never split, lines have an
exact height and every page has a little room to spare, so that another program's fonts change nothing. The
names of the fonts are those of the Song and Hei faces that every Word knows.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import groupby
from typing import Any, Final

import docx
from docx.document import Document
from docx.image.exceptions import (
    InvalidImageStreamError,
    UnexpectedEndOfFileError,
    UnrecognizedImageError,
)
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml.ns import nsdecls, qn
from docx.oxml.parser import parse_xml
from docx.parts.story import StoryPart
from docx.section import Section as Pages
from docx.shared import Mm

from register import clock
from register.printing import Layout, qr_png
from review.documents.ooxml import (
    HEI,
    LINE,
    ROW,
    SONG,
    TEXT,
    Element,
    Tab,
    cell,
    field,
    mm,
    paragraph,
    picture,
    row,
    run,
    tab,
    table,
    watermark,
)
from review.documents.sheets import Row, Section, Sheet, Signed, Signer

AUTHOR: Final = "注册安全工程师注册管理系统"
DASH: Final = "—"
NO_TEXT: Final = "（本页无正文）"
DATE: Final = "　　　　　年　　　月　　　日"

# --- Measures: twentieths of a point (twips) where nothing else is said ----------------------------
WIDTH: Final = 174  # mm between the margins
# Lists are set a little closer than in the print: there long texts add up, and some programs leave a gap
# between Chinese and other letters whatever the file says.
LIST: Final = 9.5
LIST_LINE: Final = 260
THIN: Final = 20
GRID: Final = (24, 63, 24, 63)
GRID_BESIDE_PHOTO: Final = (24, 63, 24, 32, 31)
PHOTO: Final = (25, 35)
QR: Final = 13.5
SIGNED: Final = (9, 120, 45)
SEAL: Final = 40
DATE_WIDTH: Final = 58
FOOT: Final = (154, 20)


def written(sheet: Sheet, layout: Layout) -> bytes:
    """The Word file of a sheet, broken into pages as its print is laid out."""
    document = docx.Document()
    _prepare(document, sheet)
    pages = document.sections[0]
    for element in _body(sheet, document.part, frozenset(layout.openings)):
        pages._sectPr.addprevious(element)
    if layout.pages % 2:
        pages._sectPr.addprevious(
            paragraph(NO_TEXT, size=12, align="center", before=mm(105), opens_page=True)
        )
    _frame(pages, sheet)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


# --- The body --------------------------------------------------------------------------------------


def _body(sheet: Sheet, part: StoryPart, openings: frozenset[str]) -> Iterator[Element]:
    yield paragraph(run(sheet.title, size=20, bold=True, spaced=48), align="center", height=520, after=mm(3))
    yield paragraph(
        [
            f"申请编号：{sheet.reference}",
            tab(),
            f"级别：{sheet.level}",
            tab(),
            f"{sheet.date_word}：{sheet.date}",
        ],
        tabs=(("center", mm(WIDTH / 2), ""), ("right", mm(WIDTH), "")),
        after=mm(1.2),
    )
    for section in sheet.sections:
        opens = section.key in openings
        yield paragraph(
            run(section.title, bold=True, font=HEI),
            before=0 if opens else mm(3.2),
            after=mm(1.2),
            height=270,
            opens_page=opens,
            keeps_next=True,
        )
        yield from _tables(section, sheet, part, openings)
    yield from _signatures(sheet, openings)


def _tables(section: Section, sheet: Sheet, part: StoryPart, openings: frozenset[str]) -> Iterator[Element]:
    """The rows of a section as one table, or as one on each page that it covers."""
    photo = sheet.photo
    if section.shape == "grid":
        widths: Sequence[float] = GRID_BESIDE_PHOTO if section.photo_rows else GRID
        rows = [_grid_row(one, section, number, photo, part) for number, one in enumerate(section.rows)]
        heads: list[Element] = []
    elif section.shape == "table":
        widths = _widths(section)
        rows = [_list_row(values, section, widths) for values in section.rows]
        last = cell(_listed(section.last_line), width=WIDTH, span=len(widths))
        rows.append(row(last))
        heads = [_heads(section, widths)]
    else:
        widths = (WIDTH,)
        rows = list(_text_rows(section))
        heads = []
    yield from _paged(_names(section, len(rows)), rows, heads, widths, openings)


def _names(section: Section, count: int) -> list[str]:
    """What the print calls the rows: by number, the closing line of a list `last`."""
    names = [f"{section.key}-{number}" for number in range(1, count + 1)]
    return [*names[:-1], f"{section.key}-last"] if section.shape == "table" else names


def _paged(
    names: Sequence[str],
    rows: Sequence[Element],
    heads: list[Element],
    widths: Sequence[float],
    openings: frozenset[str],
) -> Iterator[Element]:
    page = 0
    pages = []
    for name in names:
        page += name in openings
        pages.append(page)
    for number, group in groupby(zip(pages, rows, strict=True), key=lambda each: each[0]):
        if number:
            yield paragraph("", height=THIN, opens_page=True)
        yield table([*deepcopy(heads), *(shown for _page, shown in group)], widths)


def _grid_row(shown: Row, section: Section, number: int, photo: bytes | None, part: StoryPart) -> Element:
    widths = GRID_BESIDE_PHOTO if section.photo_rows else GRID
    cells = []
    column = 0
    for pair in shown.cells:
        label, value = widths[column], sum(widths[column + 1 : column + 1 + pair.span])
        column += 1 + pair.span
        said = run(pair.value or DASH, size=11, spaced=12) if pair.mask else pair.value or DASH
        cells.append(cell(paragraph(pair.label, align="center"), width=label, side=0.6))
        cells.append(cell(paragraph(said), width=value, span=pair.span))
    if number < section.photo_rows:
        portrait = _portrait(photo, part) if number == 0 else paragraph("", height=THIN)
        merge = "restart" if number == 0 else "continue"
        cells.append(cell(portrait, width=widths[-1], merge=merge, side=0.5))
    return row(*cells, height=mm(7.5) if section.photo_rows else mm(ROW))


def _portrait(photo: bytes | None, part: StoryPart) -> Element:
    try:
        shown = picture(photo, part, *PHOTO, "申请人照片") if photo else None
    except (InvalidImageStreamError, UnexpectedEndOfFileError, UnrecognizedImageError):
        # What is no picture leaves its box empty here as in the print.
        shown = None
    if shown is None:
        return paragraph(["照片\n", run("25×35 mm", size=8)], align="center")
    return paragraph(shown, align="center", height=None)


def _widths(section: Section) -> list[float]:
    """The widths of a list's columns; those without one share what the others leave."""
    open_ones = sum(1 for head in section.heads if not head.width)
    left = WIDTH - sum(head.width for head in section.heads)
    return [head.width or left / open_ones for head in section.heads]


def _heads(section: Section, widths: Sequence[float]) -> Element:
    cells = (
        cell(_listed(head.label, keeps_next=True), width=width, side=0.6)
        for head, width in zip(section.heads, widths, strict=True)
    )
    return row(*cells, head=True)


def _list_row(values: Sequence[str], section: Section, widths: Sequence[float]) -> Element:
    cells = []
    for number, (value, width) in enumerate(zip(values, widths, strict=True)):
        align = "center" if number or section.centred else "left"
        cells.append(cell(_listed(value or DASH, align=align), width=width, side=0.6))
    return row(*cells)


def _listed(text: str, *, align: str = "center", keeps_next: bool = False) -> Element:
    return paragraph(text, align=align, size=LIST, height=LIST_LINE, keeps_next=keeps_next)


def _text_rows(section: Section) -> Iterator[Element]:
    last = len(section.rows) - 1
    for number, line in enumerate(section.rows):
        said = paragraph(
            line or DASH,
            align="both",
            indent=2,
            before=mm(1.8) if number == 0 else 0,
            after=mm(1.8) if number == last else 0,
        )
        edges = ("top",) * (number > 0) + ("bottom",) * (number < last)
        yield row(cell(said, width=WIDTH, side=3, level=0, without=edges), height=0)


# --- Signatures and seals --------------------------------------------------------------------------


def _signatures(sheet: Sheet, openings: frozenset[str]) -> Iterator[Element]:
    """Promise and opinions, held together on one page as they are in the print."""
    names = [f"sheet-signed-{number}" for number in range(1, len(sheet.signed) + 1)]
    if names[0] not in openings:
        yield paragraph("", height=mm(3.2), keeps_next=True)
    rows = [_signed_row(part, together=part is not sheet.signed[-1]) for part in sheet.signed]
    yield from _paged(names, rows, [], SIGNED, openings)
    yield paragraph("", height=THIN)


def _signed_row(part: Signed, *, together: bool) -> Element:
    name, text, seal = SIGNED
    title = run("\n".join(part.title), bold=True, font=HEI)
    title_cell = cell(paragraph(title, align="center", keeps_next=together), width=name, side=0.3)
    says = cell(
        *_says(part, together),
        width=text if part.seal else text + seal,
        span=1 if part.seal else 2,
        side=3,
        level=1.8,
        top=True,
    )
    if not part.seal:
        return row(title_cell, says)
    box = cell(_seal_box(part.seal), paragraph("", height=THIN), width=seal, side=0)
    return row(title_cell, says, box, height=mm(SEAL + 2))


def _says(part: Signed, together: bool) -> Iterator[Element]:
    """The text, and below it lines to sign on: the applicant's beside the date, an office's above it."""
    lines = part.text.split("\n")
    for line in lines:
        yield paragraph(line, align="both", indent=2, keeps_next=together)
    # A line that ends with the cell itself is not drawn everywhere.
    width, day = SIGNED[1] - 7, part.date or DATE
    if not part.seal:
        width += SIGNED[2]
        hands, tabs = _hands(part.signers, end=width - DATE_WIDTH, line=30)
        tabs.append(("right", mm(width), ""))
        yield paragraph([*hands, tab(), day], tabs=tabs, before=mm(3), keeps_next=together)
        return
    # The text of an office has room to grow before its signatures move down.
    room = max(mm(22) - LINE * len(lines), 0) + mm(3)
    hands, tabs = _hands(part.signers, end=width, line=24)
    yield paragraph(hands, tabs=tabs, before=room, keeps_next=together)
    yield paragraph(day, align="right", before=mm(3), keeps_next=together)


def _hands(signers: Sequence[Signer], *, end: float, line: float) -> tuple[list[Any], list[Tab]]:
    """Labels with a line for each signature, the last one ending at `end` millimetres."""
    hands: list[Any] = []
    tabs: list[Tab] = []
    for number, signer in enumerate(signers, 1):
        right = end - (line + 29) * (len(signers) - number)
        hands += [tab(), f"{signer.label}：", tab(), signer.name]
        tabs += [("right", mm(right - line), ""), ("right", mm(right), "underscore")]
    return hands, tabs


def _seal_box(words: str) -> Element:
    said = paragraph(run(f"（{words}）", size=9, color="666666"), align="center")
    box = row(cell(said, width=SEAL, side=0), height=mm(SEAL), exact=True)
    return table([box], (SEAL,), edge="dashed", centred=True)


# --- Head, foot and page ---------------------------------------------------------------------------


def _frame(pages: Pages, sheet: Sheet) -> None:
    """What stands on every side: mark, title and number above, digest and QR code below."""
    header, footer = pages.header, pages.footer
    for story in (header, footer):
        story.is_linked_to_previous = False
        for empty in list(story.paragraphs):
            story._element.remove(empty._p)
    mark = run(f" {sheet.mark.word} ", size=8.5, bold=True, boxed=True)
    head = paragraph(
        [
            mark,
            "　",
            run(sheet.title, size=8.5, bold=True),
            f"　申请编号 {sheet.reference}",
            tab(),
            "第 ",
            field("PAGE", 8.5),
            " 页　共 ",
            field("NUMPAGES", 8.5),
            " 页",
        ],
        size=8.5,
        height=240,
        tabs=(("right", mm(WIDTH), ""),),
    )
    if sheet.over_page:
        head.append(watermark(sheet.over_page))
    header._element.append(head)
    code = picture(qr_png(sheet.code), footer.part, QR, QR, "申请编号和校验码的二维码")
    text = cell(*_foot_text(sheet), width=FOOT[0], side=0, level=0, top=True)
    seen = cell(paragraph(code, align="right", height=None), width=FOOT[1], side=0, level=0, top=True)
    footer._element.append(table([row(text, seen, height=0)], FOOT, edge="none"))
    footer._element.append(paragraph("", height=THIN))


def _foot_text(sheet: Sheet) -> Iterator[Element]:
    if not sheet.digest:
        yield paragraph("尚未填写完整，暂无校验码。本页不得用于签字、盖章和递交。", size=8.5, height=240)
        return
    yield paragraph(
        [
            "校验码 ",
            run(sheet.digest_short, size=8.5, bold=True),
            "　纸质表与系统数据的校验码一致方为有效。",
        ],
        size=8.5,
        height=240,
    )
    yield paragraph(run(f"SHA-256 {sheet.digest}", size=6.5, color="555555"), height=200)


def _prepare(document: Document, sheet: Sheet) -> None:
    """Page, fonts and properties: nothing of the library's own template is left to see."""
    pages = document.sections[0]
    pages.page_width, pages.page_height = Mm(210), Mm(297)
    pages.left_margin = pages.right_margin = Mm(18)
    pages.top_margin, pages.bottom_margin = Mm(20), Mm(18)
    pages.header_distance, pages.footer_distance = Mm(12.5), Mm(4)
    for name in ("docGrid", "cols"):
        for found in pages._sectPr.findall(qn(f"w:{name}")):
            pages._sectPr.remove(found)
    mode = document.settings.element.find(f".//{qn('w:compatSetting')}[@{qn('w:name')}='compatibilityMode']")
    if mode is not None:
        mode.set(qn("w:val"), "15")
    properties = document.core_properties
    properties.title, properties.author = f"{sheet.title} {sheet.reference}", AUTHOR
    properties.comments, properties.language = "", "zh-CN"
    properties.created = properties.modified = clock.now().replace(tzinfo=None)
    document.styles.element.replace(document.styles.element.find(qn("w:docDefaults")), _defaults())
    for name, element in list(document.part.package.rels.items()):
        if element.reltype == RELATIONSHIP_TYPE.THUMBNAIL:
            del document.part.package.rels[name]


def _defaults() -> Element:
    fonts = " ".join(f'w:{script}="{SONG}"' for script in ("ascii", "hAnsi", "eastAsia", "cs"))
    defaults: Element = parse_xml(
        f"<w:docDefaults {nsdecls('w')}><w:rPrDefault><w:rPr><w:rFonts {fonts}/>"
        f'<w:sz w:val="{round(TEXT * 2)}"/><w:szCs w:val="{round(TEXT * 2)}"/>'
        '<w:lang w:val="zh-CN" w:eastAsia="zh-CN" w:bidi="ar-SA"/></w:rPr></w:rPrDefault>'
        "<w:pPrDefault/></w:docDefaults>"
    )
    return defaults
