"""Figures as tables, which are the truth; a plot is drawn from the table, a workbook holds the same."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from openpyxl.cell.cell import Cell as SheetCell
from openpyxl.workbook.workbook import Workbook

from register.tables import Form, Head, begin
from review.views.desk import Text


@dataclass(frozen=True, slots=True)
class Column:
    """A column of figures; with a tone it is drawn in that colour."""

    label: Text
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, and the list behind it, where the queue has such a list. None: there is none to tell."""

    value: float | None
    url: str = ""
    alarm: bool = False
    unit: Text = ""
    # What is said instead of a number; and how strongly the cell is tinted, 0 to 5.
    text: str = ""
    heat: int = 0

    @property
    def shown(self) -> str:
        if self.text:
            return self.text
        if self.value is None:
            return "—"
        return f"{_plain(self.value)}{self.unit}"

    @property
    def cell(self) -> SafeString:
        """The cell of a table; hundreds stand on a page, and a template takes ten times as long for each."""
        tone = " ".join(
            filter(None, ("is-alarm" if self.alarm else "", f"heat-{self.heat}" if self.heat else ""))
        )
        said: str = escape(self.shown)
        if self.url and self.value:
            said = f'<a href="{escape(self.url)}">{said}</a>'
        value = "" if self.value is None else f' data-value="{self.value}"'
        mark = f' class="{tone}"' if tone else ""
        return mark_safe(f"<td{value}{mark}>{said}</td>")  # noqa: S308 - escaped above, the rest are numbers


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table; `total` stands apart and is not drawn."""

    label: Text
    figures: Sequence[Figure]
    total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of figures, and how it is drawn: `bar`, `stacked`, `across` (long labels), `line`, or not."""

    key: str
    title: Text
    lead: Text
    head: Text
    columns: Sequence[Column]
    rows: Sequence[Row]
    plot: str
    # What stands here while there is nothing to count.
    empty: Text
    # Labels that have nothing to count, told in one line.
    folded: Sequence[Text] = ()

    @property
    def is_empty(self) -> bool:
        return not any(figure.value for row in self.rows for figure in row.figures)


def _plain(value: float) -> str:
    return number_format(value, decimal_pos=0 if value == int(value) else 1, use_l10n=True)


def week(monday: date) -> str:
    # Translators: a day without its year, as Django's date filter writes it.
    return date_format(monday, _("n月j日"))


def book_of(shown: Iterable[Table]) -> bytes:
    """The tables as a workbook, a sheet for each."""
    book = Workbook()
    if book.active is not None:
        book.remove(book.active)
    for table in shown:
        sheet = book.create_sheet(str(table.title))
        for line in _lines(table):
            sheet.append(line)
        for cell in sheet["A"]:
            _as_text(cell)
        sheet.column_dimensions["A"].width = 36
        sheet.freeze_panes = "B2"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def csv_of(table: Table) -> bytes:
    """One table as a text for spreadsheets."""
    heads, *rows = _lines(table)
    with begin(Form.CSV, title=str(table.title), heads=[Head(str(head)) for head in heads]) as made:
        for row in rows:
            made.add(row)
        return made.data()


def _lines(table: Table) -> list[list[Any]]:
    return [
        [str(table.head), *(str(column.label) for column in table.columns)],
        *([str(row.label), *(each.text or each.value for each in row.figures)] for row in table.rows),
    ]


def _as_text(cell: object) -> None:
    """A name or label is never taken for a formula."""
    if isinstance(cell, SheetCell):
        cell.data_type, cell.quotePrefix = "s", True
