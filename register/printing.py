"""The one PDF engine: fonts, page frame, QR codes, and a fetcher that refuses.

A document is HTML from `templates/print/` with one stylesheet, `portal/print.css`, which also styles the
same form on the screen. Pictures travel inside the HTML; nothing is fetched from disk or network.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import segno
from django.contrib.staticfiles import finders

if TYPE_CHECKING:
    from weasyprint import CSS, Document
    from weasyprint.css.counters import CounterStyle
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcher

STYLESHEET: Final = "portal/print.css"
# Tagged PDF for screen readers (ISO 14289-1).
VARIANT: Final = "pdf/ua-1"
# Pango's and fontconfig's objects are shared by the process, its threads take turns.
_turn: Final = Lock()


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the pages of a document begin: for each page after the first, the `id` that opens it.

    A page that goes on with something begun on the page before has none (`""`).
    """

    openings: tuple[str, ...]

    @property
    def pages(self) -> int:
        return len(self.openings) + 1


def render_pdf(html: str, *, back: Callable[[int], str] | None = None) -> bytes:
    """The PDF of a document. Untrusted text in it must be escaped; URLs other than `data:` stay empty.

    `back` writes the document of one more side, given its number: it is added when the number of pages would
    be odd, so that a double-sided print is whole.
    """
    with _turn:
        document = _laid_out(html)
        if back and len(document.pages) % 2:
            side = _laid_out(back(len(document.pages) + 1))
            document = document.copy([*document.pages, *side.pages])
        return _written(document)


def layout_of(html: str) -> Layout:
    """How a document falls into pages, without writing its PDF."""
    with _turn:
        pages = [list(page.anchors) for page in _laid_out(html).pages]
    openings = []
    for before, page in pairwise(pages):
        begun = set(before)
        openings.append(page[0] if page and page[0] not in begun else "")
    return Layout(tuple(openings))


def qr_svg(text: str) -> str:
    """A QR code as a data URI for an `img`. Upper-case letters, digits and `$%*+-./:` make it smallest."""
    return segno.make_qr(text, error="m").svg_data_uri(border=0, scale=1, omitsize=True)


def qr_png(text: str) -> bytes:
    """The same QR code as a picture for documents that cannot hold a drawing."""
    file = io.BytesIO()
    segno.make_qr(text, error="m").save(file, kind="png", border=0, scale=8)
    return file.getvalue()


def picture_uri(data: bytes, content_type: str = "image/jpeg") -> str:
    """A stored picture as a data URI for an `img`."""
    return f"data:{content_type};base64,{base64.b64encode(data).decode()}"


def warm() -> None:
    """Load fonts and stylesheet once, before the first person waits for a print."""
    layout_of('<html lang="zh-CN"><head><title>-</title></head><body class="paper">注册</body></html>')


def _laid_out(html: str) -> Document:
    source = _engine().HTML(string=html, url_fetcher=_refusing())
    document: Document = source.render(
        font_config=_fonts(), counter_style=_counters(), stylesheets=[_stylesheet()]
    )
    return document


def _written(document: Document) -> bytes:
    written: bytes = document.write_pdf(pdf_variant=VARIANT, pdf_tags=True)
    return written


@cache
def _engine() -> Any:
    """WeasyPrint, loaded by the first print: it costs every process that never prints half a second."""
    return import_module("weasyprint")


@cache
def _fonts() -> FontConfiguration:
    fonts: FontConfiguration = _engine().text.fonts.FontConfiguration()
    return fonts


@cache
def _counters() -> CounterStyle:
    counters: CounterStyle = _engine().css.counters.CounterStyle()
    return counters


@cache
def _stylesheet() -> CSS:
    text = Path(str(finders.find(STYLESHEET))).read_text("utf-8")
    stylesheet: CSS = _engine().CSS(
        string=text, font_config=_fonts(), counter_style=_counters(), url_fetcher=_refusing()
    )
    return stylesheet


@cache
def _refusing() -> URLFetcher:
    fetcher: URLFetcher = _engine().urls.URLFetcher(allowed_protocols={"data"}, allow_redirects=False)
    return fetcher
