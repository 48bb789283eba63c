"""The application form on the screen, as PDF and as a Word file: three drawings of one sheet.

One body serves the preview, the applicant's prints and the officer's; nothing can stand on one of them that
does not stand on the others.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, Unpack

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from register.printing import layout_of, picture_uri, qr_svg, render_pdf
from review.documents.sheets import (
    Added,
    Content,
    Mark,
    PrintedOpinion,
    Sheet,
    sheet_of,
    short_digest,
    title_of,
)

__all__ = [
    "Mark",
    "PrintedOpinion",
    "dossier_html",
    "form_html",
    "form_pdf",
    "form_word",
    "short_digest",
    "title_of",
]


def dossier_html(content: Content, **added: Unpack[Added]) -> SafeString:
    """The form as a sheet for a page (stylesheet `portal/print.css`), the same body as the print."""
    return render_to_string("print/form_sheet.html", _context(sheet_of(content, **added)))


def form_html(content: Content, **added: Unpack[Added]) -> str:
    """The document that the PDF engine lays out."""
    return _document(_context(sheet_of(content, **added)))


def form_pdf(content: Content, **added: Unpack[Added]) -> bytes:
    """The form on A4 for double-sided printing: always an even number of pages, normally two."""
    context = _context(sheet_of(content, **added))
    return render_pdf(_document(context), back=partial(_back_side, context))


def form_word(content: Content, **added: Unpack[Added]) -> bytes:
    """The form as a Word file. Its pages begin and end where those of the PDF do."""
    sheet = sheet_of(content, **added)
    written: bytes = _word().written(sheet, layout_of(_document(_context(sheet))))
    return written


def _word() -> ModuleType:
    """Loaded by the first Word file: most processes never write one."""
    return import_module("review.documents.word")


def _document(context: dict[str, Any]) -> str:
    return render_to_string("print/form.html", context)


def _back_side(context: dict[str, Any], number: int) -> str:
    """The last side of a print whose content ends on a front."""
    return render_to_string("print/back_side.html", {**context, "side": number})


def _context(sheet: Sheet) -> dict[str, Any]:
    return {
        "title": sheet.title,
        "reference": sheet.reference,
        "level": sheet.level,
        "date_word": sheet.date_word,
        "date": sheet.date,
        "sections": sheet.sections,
        "signed": sheet.signed,
        "photo": picture_uri(sheet.photo) if sheet.photo else "",
        "digest": sheet.digest,
        "digest_short": sheet.digest_short,
        "qr": qr_svg(sheet.code),
        "mark_word": sheet.mark.word,
        "over_page": sheet.over_page,
    }
