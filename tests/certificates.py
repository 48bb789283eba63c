"""Certificates in tests: the trial key, a sheet that costs nothing, the PDF as a reader sees it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pikepdf
import pypdfium2  # type: ignore[import-untyped]
import pytest
from django.conf import settings

from register.certificates import codes, sheet, signing, trial_key
from register.models import Certificate, Registration
from tenants.crypto import sha256_hex


def key() -> None:
    """The trial key, made by the first test that signs."""
    trial_key.provide(Path(settings.CERTIFICATE_SIGNER_P12))


def undrawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sheets are neither laid out nor signed, only counted: for whatever does not look at them."""
    drawn: list[int] = []

    def draw(_registration: Registration, edition: sheet.Edition) -> bytes:
        drawn.append(edition.number)
        return f"%PDF sheet {edition.code}".encode()

    monkeypatch.setattr(sheet, "draw", draw)
    monkeypatch.setattr(signing, "check_key", lambda: None)
    monkeypatch.setattr(signing, "sign", lambda pdf: pdf)
    return drawn


def certificate(registration: Registration, **fields: object) -> Certificate:
    """A stored certificate with bytes in place of its PDF."""
    data = b"%PDF " + uuid4().bytes
    values: dict[str, object] = {
        "edition": 1,
        "occasion": Certificate.Occasion.GRANT,
        "code": codes.draw(),
        "issued_on": registration.granted_on,
        "issued_at": registration.created_at,
        "sha256": sha256_hex(data),
        "data": data,
        **fields,
    }
    return Certificate.objects.create(registration=registration, person_id=registration.person_id, **values)


def words(pdf: bytes) -> str:
    """The text of all pages, without blanks and line ends."""
    with pypdfium2.PdfDocument(pdf) as document:
        pages = [page.get_textpage().get_text_bounded() for page in document]
    return "".join("".join(pages).split())


def links(pdf: bytes) -> set[str]:
    """Where the sheet leads when it is clicked."""
    with pikepdf.open(BytesIO(pdf)) as document:
        annotations = [note for page in document.pages for note in page.get("/Annots", [])]
        return {str(note.A.URI) for note in annotations if note.get("/Subtype") == "/Link"}
