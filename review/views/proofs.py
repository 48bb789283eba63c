"""An uploaded file as an answer: whoever calls has made sure that the reader may see it.

The files were written anew when they came in; the headers see to it that nothing in them could act anyway.
"""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse

from register.uploads import JPEG, PDF
from review.views.desk import private

# A file opened by itself can do nothing, load nothing and be framed by nobody.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
SUFFIXES: Final = {JPEG: "jpg", PDF: "pdf"}


def answer(name: str, data: bytes, content_type: str) -> HttpResponse:
    """The file under our own name: a picture is shown, a PDF is saved (browsers show none in a sandbox)."""
    shown = private(HttpResponse(data, content_type=content_type))
    how = "attachment" if content_type == PDF else "inline"
    shown["Content-Disposition"] = f'{how}; filename="{name}.{SUFFIXES[content_type]}"'
    shown["Content-Security-Policy"] = POLICY
    shown["X-Content-Type-Options"] = "nosniff"
    shown["Cross-Origin-Resource-Policy"] = "same-origin"
    return shown
