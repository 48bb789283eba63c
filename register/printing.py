"""The one PDF engine: fonts, page frame, QR codes, and a fetcher that refuses.

A document is HTML from `templates/print/` with one stylesheet, `portal/print.css`, which also styles the
same form on the screen. Pictures travel inside the HTML; nothing is fetched from disk or network.
"""

from __future__ import annotations

import base64
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import segno
from django.contrib.staticfiles import finders

if TYPE_CHECKING:
    from weasyprint import CSS, Document
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcher

STYLESHEET: Final = "portal/print.css"
# Tagged PDF for screen readers (ISO 14289-1).
VARIANT: Final = "pdf/ua-1"
# Pango's and fontconfig's objects are shared by the process, its threads take turns.
_turn: Final = Lock()


def render_pdf(html: str, *, even: str = "") -> bytes:
    """The PDF of a document. Untrusted text in it must be escaped; URLs other than `data:` stay empty.

    `even` is HTML appended when the number of pages would be odd, so that a double-sided print is whole.
    """
    with _turn:
        document = _laid_out(html)
        if even and len(document.pages) % 2:
            document = _laid_out(html.replace("</body>", f"{even}</body>"))
        return _written(document)


def page_count(html: str) -> int:
    """How many pages a document fills."""
    with _turn:
        return len(_laid_out(html).pages)


def qr_svg(text: str) -> str:
    """A QR code as a data URI for an `img`. Upper-case letters, digits and `$%*+-./:` make it smallest."""
    return segno.make_qr(text, error="m").svg_data_uri(border=0, scale=1, omitsize=True)


def picture_uri(data: bytes, content_type: str = "image/jpeg") -> str:
    """A stored picture as a data URI for an `img`."""
    return f"data:{content_type};base64,{base64.b64encode(data).decode()}"


def warm() -> None:
    """Load fonts and stylesheet once, before the first person waits for a print."""
    page_count('<html lang="zh-CN"><head><title>-</title></head><body class="paper">注册</body></html>')


def _laid_out(html: str) -> Document:
    source = _engine().HTML(string=html, url_fetcher=_refusing())
    document: Document = source.render(font_config=_fonts(), stylesheets=[_stylesheet()])
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
def _stylesheet() -> CSS:
    text = Path(str(finders.find(STYLESHEET))).read_text("utf-8")
    stylesheet: CSS = _engine().CSS(string=text, font_config=_fonts(), url_fetcher=_refusing())
    return stylesheet


@cache
def _refusing() -> URLFetcher:
    fetcher: URLFetcher = _engine().urls.URLFetcher(allowed_protocols={"data"}, allow_redirects=False)
    return fetcher
