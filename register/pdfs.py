"""Uploaded PDF files: written anew without anything that acts, and every page as a picture.

A PDF can do harm to the program that reads it: take all memory, never end, or use a fault of the library.
So it is read by a child process with little memory and time and no secrets, which this very file is when
it is run as a script. What it answers is the cleaned file and its pages.
"""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pikepdf

MOST_PAGES: Final = 20
# The long side of a page's picture: small print of an A4 contract stays legible.
LONG_SIDE: Final = 1600
QUALITY: Final = 72
# Inches are 72 units: no paper is longer than five metres, none is a mere line.
LONGEST_PAGE: Final = 14_400
LEAST_PAGE: Final = 36
MOST_ELONGATED: Final = 12

# Twenty scanned pages take two. The clock on the wall goes on while other work is done.
SECONDS: Final = 8
PATIENCE: Final = 20
MEMORY: Final = 1024 * 1024 * 1024
# How the child ends when it refuses: exit status → code of the refusal.
REFUSALS: Final = {10: "pdf_locked", 11: "pdf_broken", 12: "pdf_pages", 13: "pdf_page_size", 14: "pdf_empty"}
CODES: Final = {code: status for status, code in REFUSALS.items()}


class Unreadable(Exception):
    """The child refused the file, or was stopped; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The file written anew, and its pages as JPEG."""

    data: bytes
    pages: tuple[bytes, ...]


def cleaned(upload: bytes) -> Cleaned:
    """The PDF without scripts, actions, attachments, forms and encryption, and its pages.

    Raises `Unreadable`.
    """
    if not _AT_WORK.acquire(timeout=PATIENCE):
        raise Unreadable("busy")
    try:
        done = subprocess.run(  # noqa: S603 - our own file by its own path
            _CHILD, input=upload, capture_output=True, timeout=PATIENCE, check=False, env=_EMPTY
        )
    except subprocess.TimeoutExpired as error:
        raise Unreadable("pdf_slow") from error
    finally:
        _AT_WORK.release()
    if done.returncode != 0:
        raise Unreadable(REFUSALS.get(done.returncode, "pdf_slow"))
    first, *pages = _unpacked(done.stdout)
    return Cleaned(first, tuple(pages))


_CHILD: Final = (sys.executable, "-I", "-B", str(Path(__file__).resolve()))
_EMPTY: Final = {"LANG": "C.UTF-8"}
# So many children at a time for one process; who waits in vain is told so, and keeps nobody else waiting.
_AT_WORK: Final = BoundedSemaphore(2)


def _unpacked(answer: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(answer):
        (size,) = struct.unpack_from(">I", answer, at)
        yield answer[at + 4 : at + 4 + size]
        at += 4 + size


# --- The child -------------------------------------------------------------------------------------

# What of a page is taken over; annotations are drawn into it before.
PAGE_KEYS: Final = frozenset(
    {"/Type", "/Parent", "/MediaBox", "/CropBox", "/Rotate", "/Resources", "/Contents", "/Group"}
)
# What a stream may carry besides its own data: files elsewhere, PostScript, other versions of itself.
STREAM_KEYS: Final = ("/F", "/FFilter", "/FDecodeParms", "/OPI", "/Ref", "/Alternates", "/AF", "/Metadata",
                      "/PieceInfo", "/PS")  # fmt: skip
ACTIONS: Final = frozenset(
    {"/JavaScript", "/Launch", "/URI", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE", "/Rendition",
     "/Sound", "/Movie", "/RichMediaExecute", "/Named", "/Hide", "/ResetForm", "/SetOCGState", "/Trans"}
)  # fmt: skip


class _Refused(Exception):
    pass


def _child() -> None:
    """Read a PDF from standard input, write the cleaned one and its pages to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        data = _rewritten(sys.stdin.buffer.read())
        pages = list(_pictures(data))
    except _Refused as refused:
        os._exit(CODES[str(refused)])
    out = sys.stdout.buffer
    for part in (data, *pages):
        out.write(struct.pack(">I", len(part)))
        out.write(part)
    out.flush()


def _rewritten(upload: bytes) -> bytes:
    """A new file with these pages and nothing else."""
    import pikepdf  # noqa: PLC0415 - only the child needs it

    with _opened(upload) as source:
        _check_pages(source)
        source.generate_appearance_streams()
        source.flatten_annotations("all")
        new = pikepdf.new()
        for page in source.pages:
            for key in set(page.obj.keys()) - PAGE_KEYS:
                del page.obj[key]
            new.pages.append(page)
        _keep_layers(source, new)
        _strip(new)
        out = BytesIO()
        new.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def _opened(upload: bytes) -> pikepdf.Pdf:
    """The file; one whose table is at fault is mended, unless it was cut off."""
    import pikepdf  # noqa: PLC0415

    def open_it(*, mend: bool) -> pikepdf.Pdf:
        return pikepdf.open(BytesIO(upload), attempt_recovery=mend, suppress_warnings=True)

    try:
        return open_it(mend=False)
    except pikepdf.PasswordError as error:
        raise _Refused("pdf_locked") from error
    except (pikepdf.PdfError, ValueError, RuntimeError) as error:
        if b"%%EOF" not in upload[-2048:]:
            raise _Refused("pdf_broken") from error
    try:
        return open_it(mend=True)
    except pikepdf.PasswordError as error:
        raise _Refused("pdf_locked") from error
    except (pikepdf.PdfError, ValueError, RuntimeError) as error:
        raise _Refused("pdf_broken") from error


def _check_pages(source: pikepdf.Pdf) -> None:
    import pikepdf  # noqa: PLC0415

    try:
        count = len(source.pages)
        sizes = [_size_of(page) for page in source.pages] if 0 < count <= MOST_PAGES else []
    except (pikepdf.PdfError, ValueError, TypeError, AttributeError) as error:
        raise _Refused("pdf_broken") from error
    if count == 0:
        raise _Refused("pdf_empty")
    if count > MOST_PAGES:
        raise _Refused("pdf_pages")
    for short, long in sizes:
        if short < LEAST_PAGE or long > LONGEST_PAGE or long > MOST_ELONGATED * short:
            raise _Refused("pdf_page_size")


def _size_of(page: pikepdf.Page) -> tuple[float, float]:
    left, bottom, right, top = (float(edge) for edge in page.cropbox)
    short, long = sorted((abs(right - left), abs(top - bottom)))
    return short, long


def _keep_layers(source: pikepdf.Pdf, new: pikepdf.Pdf) -> None:
    """Layers that were switched off stay off."""
    layers = source.Root.get("/OCProperties")
    if layers is not None:
        new.Root.OCProperties = new.copy_foreign(source.make_indirect(layers))


def _strip(pdf: pikepdf.Pdf) -> None:
    """Take out what points elsewhere or acts, wherever it hides; the file holds only what pages draw with."""
    import pikepdf  # noqa: PLC0415

    for thing in pdf.objects:
        if isinstance(thing, pikepdf.Stream):
            for key in STREAM_KEYS:
                if key in thing:
                    del thing[key]
        if isinstance(thing, pikepdf.Dictionary | pikepdf.Stream) and _acts(thing):
            for key in list(thing.keys()):
                del thing[key]


def _acts(thing: Any) -> bool:
    return str(thing.get("/S", "")) in ACTIONS or "/JS" in thing


def _pictures(data: bytes) -> Iterator[bytes]:
    """Every page as JPEG, drawn on white."""
    import pypdfium2  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        document = pypdfium2.PdfDocument(data)
        for number in range(len(document)):
            page = document[number]
            scale = LONG_SIDE / max(page.get_size())
            picture = page.render(scale=scale, may_draw_forms=False).to_pil()
            out = BytesIO()
            picture.convert("RGB").save(out, "JPEG", quality=QUALITY)
            page.close()
            yield out.getvalue()
    except (pypdfium2.PdfiumError, ValueError) as error:
        raise _Refused("pdf_broken") from error


if __name__ == "__main__":
    _child()
