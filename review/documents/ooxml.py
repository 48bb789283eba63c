"""Paragraphs, tables and pictures of a Word file (OOXML, ISO/IEC 29500), as this house sets them.

Lines have an exact height, columns a fixed width and rows are never split, so that every program sets the
same page. Lengths are millimetres in tables, points for letters, and twips (twentieths of a point) elsewhere.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from docx.oxml import OxmlElement
from docx.oxml.ns import nsdecls, qn
from docx.oxml.parser import parse_xml
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.parts.story import StoryPart
from docx.shared import Mm

Element: TypeAlias = BaseOxmlElement
# A tab stop: how text stands at it, where, and with what the way to it is filled.
Tab: TypeAlias = tuple[str, int, str]

# The Song and Hei faces by the names that every Word knows.
SONG: Final = "SimSun"
HEI: Final = "SimHei"
# Characters beyond the basic plane stand in the extension of the Song face.
SONG_EXTENDED: Final = "SimSun-ExtB"
BEYOND: Final = re.compile("([\U00010000-\U0010ffff]+)")
PRESERVE: Final = "{http://www.w3.org/XML/1998/namespace}space"
TWIPS: Final = 1440 / 25.4
TEXT: Final = 10.5
LINE: Final = 280
ROW: Final = 7.2


def mm(length: float) -> int:
    return round(length * TWIPS)


def element(tag: str, *children: Element, **values: object) -> Element:
    """`<w:tag w:name="value">…</w:tag>`."""
    made: Element = OxmlElement(f"w:{tag}")
    for name, value in values.items():
        made.set(qn(f"w:{name}"), str(value))
    made.extend(children)
    return made


def run(text: str, *, font: str = SONG, **look: Any) -> list[Element]:
    """Text in one look; characters beyond the basic plane in a run of their own."""
    runs: list[Element] = []
    for number, line in enumerate(text.split("\n")):
        runs += [line_break()] if number else []
        for piece in filter(None, BEYOND.split(line)):
            said = element("t")
            said.text = piece
            said.set(PRESERVE, "preserve")
            runs.append(element("r", _look(SONG_EXTENDED if BEYOND.match(piece) else font, **look), said))
    return runs


def _look(
    font: str = SONG,
    *,
    size: float = TEXT,
    bold: bool = False,
    spaced: int = 0,
    color: str = "",
    boxed: bool = False,
) -> Element:
    """How a run looks, in the order the format prescribes."""
    look = [element("rFonts", ascii=font, hAnsi=font, eastAsia=font, cs=font)]
    look += [element("b")] if bold else []
    look += [element("color", val=color)] if color else []
    look += [element("spacing", val=spaced)] if spaced else []
    look += [element("sz", val=round(size * 2)), element("szCs", val=round(size * 2))]
    look += [element("bdr", val="single", sz=6, space=0, color="000000")] if boxed else []
    return element("rPr", *look)


def tab() -> Element:
    return element("r", element("tab"))


def line_break() -> Element:
    return element("r", element("br"))


def field(name: str, size: float) -> list[Element]:
    """A number that the program fills in: PAGE, NUMPAGES."""
    asked = element("instrText")
    asked.text = f" {name} "
    shown = element("t")
    shown.text = "1"
    begin, then, end = (element("fldChar", fldCharType=kind) for kind in ("begin", "separate", "end"))
    return [element("r", _look(size=size), part) for part in (begin, asked, then, shown, end)]


def paragraph(
    content: Any,
    *,
    size: float = TEXT,
    align: str = "left",
    height: int | None = LINE,
    before: int = 0,
    after: int = 0,
    indent: int = 0,
    tabs: Sequence[Tab] = (),
    opens_page: bool = False,
    keeps_next: bool = False,
) -> Element:
    """A paragraph of texts and runs. Lines have an exact `height`; None lets a picture have its own."""
    rule = {"line": height, "lineRule": "exact"} if height else {"line": 240, "lineRule": "auto"}
    looks = [element("keepNext")] if keeps_next else []
    looks += [element("pageBreakBefore")] if opens_page else []
    stops = (element("tab", val=kind, pos=at, leader=leader or "none") for kind, at, leader in tabs)
    looks += [element("tabs", *stops)] if tabs else []
    # No room between Chinese and other letters, as in the print.
    looks += [element("autoSpaceDE", val=0), element("autoSpaceDN", val=0), element("snapToGrid", val=0)]
    looks += [element("spacing", before=before, after=after, **rule)]
    looks += [element("ind", firstLineChars=indent * 100, firstLine=indent * 210)] if indent else []
    looks += [element("jc", val=align)]
    return element("p", element("pPr", *looks), *_pieces(content, size))


def _pieces(content: Any, size: float) -> Iterator[Element]:
    if isinstance(content, str):
        yield from run(content, size=size)
    elif isinstance(content, BaseOxmlElement):
        yield content
    else:
        for piece in content:
            yield from _pieces(piece, size)


def table(
    rows: Iterable[Element], widths: Sequence[float], *, edge: str = "", centred: bool = False
) -> Element:
    """A table of fixed columns; its edge is double the lines inside, unless said otherwise."""
    if edge == "none":
        borders = [
            element(side, val="nil") for side in ("top", "left", "bottom", "right", "insideH", "insideV")
        ]
    elif edge:
        borders = [
            element(side, val=edge, sz=4, space=0, color="888888")
            for side in ("top", "left", "bottom", "right")
        ]
    else:
        borders = [
            element(s, val="single", sz=8, space=0, color="000000")
            for s in ("top", "left", "bottom", "right")
        ]
        borders += [element(s, val="single", sz=4, space=0, color="000000") for s in ("insideH", "insideV")]
    look = [element("tblW", w=sum(map(mm, widths)), type="dxa")]
    look += [element("jc", val="center")] if centred else []
    look += [element("tblBorders", *borders), element("tblLayout", type="fixed")]
    look += [
        element(
            "tblCellMar", *(element(side, w=0, type="dxa") for side in ("top", "left", "bottom", "right"))
        )
    ]
    columns = element("tblGrid", *(element("gridCol", w=mm(width)) for width in widths))
    return element("tbl", element("tblPr", *look), columns, *rows)


def row(*cells: Element, height: int | None = None, exact: bool = False, head: bool = False) -> Element:
    """A row that no page splits; `head` is repeated where a program breaks the table itself."""
    tall = mm(ROW) if height is None else height
    look = [element("cantSplit")]
    look += [element("trHeight", val=tall, hRule="exact" if exact else "atLeast")] if tall else []
    look += [element("tblHeader")] if head else []
    return element("tr", element("trPr", *look), *cells)


def cell(
    *content: Element,
    width: float,
    span: int = 1,
    merge: str = "",
    side: float = 1.4,
    level: float = 0.9,
    top: bool = False,
    without: Sequence[str] = (),
) -> Element:
    """A cell, `side` and `level` being the room around its text in millimetres."""
    look = [element("tcW", w=mm(width), type="dxa")]
    look += [element("gridSpan", val=span)] if span > 1 else []
    look += [element("vMerge", val=merge)] if merge else []
    look += [element("tcBorders", *(element(edge, val="nil") for edge in without))] if without else []
    around = (("top", level), ("left", side), ("bottom", level), ("right", side))
    look += [element("tcMar", *(element(edge, w=mm(room), type="dxa") for edge, room in around))]
    look += [element("vAlign", val="top" if top else "center")]
    return element("tc", element("tcPr", *look), *content)


def picture(data: bytes, part: StoryPart, width: float, height: float, words: str) -> Element:
    """A picture inside the text, with its alternative text."""
    inline = part.new_pic_inline(io.BytesIO(data), width=Mm(width), height=Mm(height))
    inline.docPr.set("descr", words)
    return element("r", element("drawing", inline))


def watermark(words: str) -> Element:
    """Big grey words behind the text of every page."""
    made: Element = parse_xml(
        f"<w:r {nsdecls('w')} xmlns:v='urn:schemas-microsoft-com:vml' "
        "xmlns:o='urn:schemas-microsoft-com:office:office'>"
        "<w:pict><v:shapetype id='_x0000_t136' coordsize='21600,21600' o:spt='136' adj='10800' "
        "path='m@7,l@8,m@5,21600l@6,21600e'><v:path textpathok='t' o:connecttype='rect'/>"
        "<v:textpath on='t' fitshape='t'/></v:shapetype>"
        "<v:shape id='over-page' o:spid='_x0000_s2049' type='#_x0000_t136' stroked='f' fillcolor='#ececec' "
        "style='position:absolute;width:300pt;height:150pt;rotation:325;z-index:-251658752;"
        "mso-position-horizontal:center;mso-position-horizontal-relative:margin;"
        "mso-position-vertical:center;mso-position-vertical-relative:margin'>"
        f"<v:textpath style='font-family:\"{SONG}\"' string='{words}'/></v:shape></w:pict></w:r>"
    )
    return made
