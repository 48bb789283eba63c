"""Reading a roster file, CSV or XLSX, into a data set of known columns with the line each row stands on.

Officers make these files with a spreadsheet, which loses digits of long numbers and calls text a formula:
cells arrive here as they are stored, and the columns decide what they accept (`register.resources`).
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from openpyxl.reader.excel import load_workbook
from tablib.core import Dataset

from tenants.errors import Refusal

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

LINE: Final = "#"
MAX_BYTES: Final = 30 * 1024 * 1024
MAX_UNPACKED: Final = 200 * 1024 * 1024
MAX_ROWS: Final = 200_000
MAX_COLUMNS: Final = 60
MAX_CELL: Final = 2_000
PIECE: Final = 1 << 18

Line = tuple[int, Sequence[Any]]


class Limits(NamedTuple):
    """How much one file may hold."""

    size: int
    rows: int


ROSTER_LIMITS: Final = Limits(MAX_BYTES, MAX_ROWS)


class UnreadableFile(Refusal):
    """A file that cannot be read as a roster at all."""


def _csv_lines(data: bytes) -> Iterator[Line]:
    """Comma, semicolon or tab separated text in UTF-8, UTF-16 or GB 18030."""
    encoding = _encoding_of(data)
    with io.TextIOWrapper(io.BytesIO(data), encoding) as text:
        first = next((line for line in text if line.strip()), "")
    text = io.TextIOWrapper(io.BytesIO(data), encoding, newline="")
    reader = csv.reader(text, delimiter=max(",;\t", key=first.count), strict=True)
    begins = 1
    try:
        for row in reader:
            yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:
        raise _unreadable(_("第 {line} 行不是有效的 CSV 格式。"), line=begins) from error


def _xlsx_lines(data: bytes) -> Iterator[Line]:
    """The first sheet of a workbook. Formulas arrive as their text, so that they are seen."""
    try:
        yield from _first_sheet(data)
    except Refusal:
        raise
    except Exception as error:  # what a damaged book raises depends on which of its parts is damaged
        raise _unreadable(_("文件不是有效的 XLSX 工作簿。")) from error


def _first_sheet(data: bytes) -> Iterator[Line]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MAX_UNPACKED:
        raise _unreadable(_("文件解压后过大，请分成几个文件。"))
    book = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    # One cell in the far corner makes a sheet of a million empty rows: go no further than a roster can.
    rows = book.worksheets[0].iter_rows(max_row=MAX_ROWS + 10, max_col=MAX_COLUMNS, values_only=True)
    for number, row in enumerate(rows, 1):
        if any(row):
            yield number, [_plain(value) for value in row]


class Sheet(NamedTuple):
    """A file whose header is understood. `columns` are ours by their place in a row of the file."""

    columns: dict[int, str]
    ignored: list[str]
    header: list[str]
    rows: Iterator[Line]

    def by_name(self, row: Sequence[Any]) -> dict[str, Any]:
        """The cells of a row under the names of our columns."""
        if (missing := len(self.header) - len(row)) > 0:
            row = [*row, *[""] * missing]
        return dict(zip(self.columns.values(), map(row.__getitem__, self.columns), strict=True))


def opened(
    data: bytes,
    name: str,
    aliases: Mapping[str, str],
    required: Iterable[str],
    limits: Limits = ROSTER_LIMITS,
) -> Sheet:
    """A file with its header read and its rows still to come, one by one, so that few of them are in memory.

    `aliases` lead from a header as people write it (see `plain_header`) to our column. Raises UnreadableFile,
    also on the way when there are too many rows, and at the end when there was none.
    """
    filled = filled_lines(data, name, limits)
    header = next(filled, None)
    columns, ignored = _columns(header, aliases, required)
    words = [str(cell or "").strip() for cell in header[1]] if header else []
    return Sheet(columns, ignored, words, _counted(filled, limits))


def _counted(filled: Iterator[Line], limits: Limits) -> Iterator[Line]:
    count = 0
    for count, line in enumerate(filled, 1):
        if count > limits.rows:
            raise _unreadable(_("文件超过 {rows} 行，请分成几个文件。"), rows=limits.rows)
        yield line
    if not count:
        raise _unreadable(_("文件中没有数据行。"))


def read(
    data: bytes,
    name: str,
    aliases: Mapping[str, str],
    required: Iterable[str],
    limits: Limits = ROSTER_LIMITS,
) -> tuple[Dataset, list[str]]:
    """The rows of a file under the names of our columns, and the headers nobody asked for.

    The first column of the data set, `#`, is the line of the file. Raises UnreadableFile like `opened`.
    """
    sheet = opened(data, name, aliases, required, limits)
    found = Dataset(headers=[LINE, *sheet.columns.values()])
    for number, row in sheet.rows:
        found.append([number, *sheet.by_name(row).values()])
    return found, sheet.ignored


def about(data: bytes) -> int:
    """Roughly how many rows a file has, for whoever waits; of a workbook nobody knows before it is read."""
    return 0 if data.startswith(b"PK") else max(data.count(b"\n"), 1)


def filled_lines(data: bytes, name: str, limits: Limits = ROSTER_LIMITS) -> Iterator[Line]:
    """The filled rows of a file as they stand, with or without a header. Raises UnreadableFile."""
    if len(data) > limits.size:
        raise _unreadable(_("文件超过 {size} MB，请分成几个文件。"), size=limits.size // 1024 // 1024)
    return ((number, row) for number, row in _lines_of(data, name) if any(map(_filled, row)))


def plain_header(text: Any) -> str:
    """A header without width, case, spaces, stars and what stands in brackets."""
    plain = unicodedata.normalize("NFKC", str(text or "")).casefold()
    return re.sub(r"\(.*?\)|[\s_*:\-]", "", plain)


def _columns(
    header: Line | None, aliases: Mapping[str, str], required: Iterable[str]
) -> tuple[dict[int, str], list[str]]:
    if header is None:
        raise _unreadable(_("文件是空的。"))
    columns: dict[int, str] = {}
    ignored = []
    for place, cell in enumerate(header[1]):
        column = aliases.get(plain_header(cell))
        if column is None and _filled(cell):
            ignored.append(str(cell).strip()[:40])
        elif column in columns.values():
            raise _unreadable(_("“{column}”列出现了两次。"), column=column)
        elif column:
            columns[place] = column
    missing = [column for column in required if column not in columns.values()]
    if missing:
        raise _unreadable(_("缺少列：{columns}。第一行应为列名。"), columns="、".join(missing))
    return columns, ignored


def _lines_of(data: bytes, name: str) -> Iterator[Line]:
    if data.startswith(b"PK"):
        return _xlsx_lines(data)
    if name.lower().endswith((".xlsx", ".xlsm")):
        raise _unreadable(_("文件不是有效的 XLSX 工作簿。"))
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise _unreadable(_("不支持旧版 XLS 格式，请另存为 XLSX 或 CSV。"))
    return _csv_lines(data)


def _encoding_of(data: bytes) -> str:
    """The first encoding in which the whole file can be read; piece by piece, for it may be long."""
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            if not any("\0" in piece for piece in _pieces(data, encoding)):
                return encoding
        except UnicodeDecodeError:
            continue
    raise _unreadable(_("无法识别文件的编码，请使用 UTF-8 或 GBK。"))


def _pieces(data: bytes, encoding: str) -> Iterator[str]:
    with io.TextIOWrapper(io.BytesIO(data), encoding, newline="") as text:
        while piece := text.read(PIECE):
            yield piece


def _plain(value: Any) -> Any:
    """Dates as ISO text; numbers stay numbers, because only the column knows whether one may stand there."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return "" if value is None else value
    return str(value)[:MAX_CELL]


def _filled(cell: Any) -> bool:
    return cell is not None and str(cell).strip() != ""


def _unreadable(sentence: str | _StrPromise, **words: object) -> UnreadableFile:
    return UnreadableFile(format_lazy(sentence, **words), "unreadable_file")
