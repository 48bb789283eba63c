"""Tables for spreadsheets, as XLSX and CSV, written row by row.

What people typed is never taken for a formula, and long numbers keep their zeros and digits. The escape of
django-import-export strips only a leading `=`, which neither covers the other signs nor keeps the text.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, Final, NamedTuple, Self

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell, WriteOnlyCell
from openpyxl.styles.fonts import Font
from openpyxl.utils.cell import get_column_letter
from openpyxl.workbook.workbook import Workbook

Value = str | int | date | None

TEXT: Final = "@"
DAY: Final = "yyyy-mm-dd"
# The mark by which spreadsheets know UTF-8.
BOM: Final = "\ufeff"
# With these a cell begins that a spreadsheet would calculate (OWASP, CSV injection), also in full width.
_CALCULATED: Final = frozenset("=+-@")
_CONTROLS: Final = ("\t", "\r", "\n")


class Form(StrEnum):
    """The two kinds of file."""

    XLSX = "xlsx"
    CSV = "csv"

    @property
    def content_type(self) -> str:
        if self is Form.CSV:
            return "text/csv; charset=utf-8"
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Head(NamedTuple):
    """The head of a column and its width in characters."""

    text: str
    width: int = 16


def calculates(text: str) -> bool:
    """Whether a spreadsheet might calculate this text, were it not marked as text."""
    plain = text.lstrip()
    first = unicodedata.normalize("NFKC", plain[:1])
    return text.startswith(_CONTROLS) or first in _CALCULATED


class Table(ABC):
    """A file in the making: rows are added one by one, then `data` closes it.

    Used in a `with` block, so that nothing is left behind when it does not come so far.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_how: object) -> None:
        self.discard()

    def discard(self) -> None:  # noqa: B027 - a table in memory leaves nothing
        """Clear away what stands outside the memory; nothing happens once the file is whole."""

    @abstractmethod
    def add(self, row: Iterable[Value]) -> None:
        """One row, in the order of the heads."""

    @abstractmethod
    def data(self) -> bytes:
        """The whole file; nothing can be added any more."""


def begin(form: Form, *, title: str, heads: Sequence[Head], spare: int = 0) -> Table:
    """A table with its heads; `spare` empty rows of a workbook are set to text for whoever fills them."""
    if form is Form.CSV:
        return _Csv(heads)
    return _Xlsx(title, heads, spare)


class _Csv(Table):
    def __init__(self, heads: Sequence[Head]) -> None:
        self.file = io.StringIO(newline="")
        self.file.write(BOM)
        self.writer = csv.writer(self.file)
        self.add(head.text for head in heads)

    def add(self, row: Iterable[Value]) -> None:
        self.writer.writerow([_as_csv(value) for value in row])

    def data(self) -> bytes:
        return self.file.getvalue().encode()


def _as_csv(value: Value) -> str:
    if isinstance(value, int) or not isinstance(value, str):
        return "" if value is None else str(value)
    return f"'{value}" if calculates(value) else value


class _Xlsx(Table):
    def __init__(self, title: str, heads: Sequence[Head], spare: int) -> None:
        self.book = Workbook(write_only=True)
        self.sheet = self.book.create_sheet(title)
        self.spare, self.columns = spare, len(heads)
        self.sheet.freeze_panes = "A2"
        for place, head in enumerate(heads, 1):
            self.sheet.column_dimensions[get_column_letter(place)].width = head.width
        self.text, self.day, self.number = self._style(TEXT, quoted=True), self._style(DAY), self._style("0")
        self.sheet.append([self._head(head.text) for head in heads])

    def _style(self, number_format: str, *, quoted: bool = False) -> Any:
        """A style that cells share; styling each of them takes longer than writing it."""
        model = WriteOnlyCell(self.sheet)
        model.number_format, model.quotePrefix = number_format, quoted
        return model._style

    def _head(self, text: str) -> Cell:
        cell = self._cell(text)
        cell.font = Font(bold=True)
        return cell

    def add(self, row: Iterable[Value]) -> None:
        self.sheet.append([self._cell(value) for value in row])

    def _cell(self, value: Value) -> Cell:
        if value is None or isinstance(value, str):
            cell: Cell = WriteOnlyCell(self.sheet, ILLEGAL_CHARACTERS_RE.sub("", value or ""))
            cell.data_type, cell._style = "s", self.text
            return cell
        cell = WriteOnlyCell(self.sheet, value)
        cell._style = self.day if isinstance(value, date) else self.number
        return cell

    def data(self) -> bytes:
        for _row in range(self.spare):
            self.add([None] * self.columns)
        file = io.BytesIO()
        self.book.save(file)
        return file.getvalue()

    def discard(self) -> None:
        # The rows wait in a file of openpyxl, which only saving or this removes.
        sheet: Any = self.sheet
        if not sheet.closed:
            sheet.close()
            sheet._writer.cleanup()
