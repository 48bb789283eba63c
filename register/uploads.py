"""Uploaded papers and proofs: looked at and written anew, so that they may be kept and shown.

Pictures become JPEG without metadata, PDF files lose everything that acts; every page can be shown as a
picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageStat

from register import pdfs, pictures
from tenants import crypto

LARGEST_FILE: Final = 5 * 1024 * 1024
LONGEST_SIDE: Final = 2000
LEAST_SIDE: Final = 500
# Grey values of an empty sheet or of a covered lens hardly differ.
LEAST_CONTRAST: Final = 2.0
JPEG: Final = "image/jpeg"
PDF: Final = "application/pdf"
PDF_BEGINS: Final = b"%PDF-"


@dataclass(frozen=True, slots=True)
class Sanitised:
    """A file as it is stored: what it is, its bytes, its pages as JPEG, and the hash of the bytes."""

    content_type: str
    data: bytes
    pages: tuple[bytes, ...]
    sha256: str


def sanitised(upload: bytes | File[Any]) -> Sanitised:
    """The upload as it may be kept and shown: a JPEG or PNG picture, or a PDF of up to 20 pages.

    Raises `ValidationError` with a sentence that says what to do.
    """
    data = upload if isinstance(upload, bytes) else _read(upload)
    _check_size(len(data))
    content_type, clean, pages = _from_pdf(data) if data.startswith(PDF_BEGINS) else _from_picture(data)
    return Sanitised(content_type, clean, pages, crypto.sha256_hex(clean))


def _read(upload: File[Any]) -> bytes:
    """The bytes; never more of them than can be a paper."""
    _check_size(upload.size)
    data: bytes = upload.read(LARGEST_FILE + 1)
    return data


def _check_size(size: int) -> None:
    if size == 0:
        raise ValidationError(_("这个文件是空的。请重新选择文件。"), code="empty")
    if size > LARGEST_FILE:
        raise ValidationError(
            _("文件超过 5 MB（%(size).1f MB）。请分成几个文件，或者降低扫描清晰度后上传。"),
            code="too_large",
            params={"size": size / 1024 / 1024},
        )


# --- Pictures --------------------------------------------------------------------------------------


def _from_picture(upload: bytes) -> tuple[str, bytes, tuple[bytes, ...]]:
    if not (pictures.is_picture(upload) or pictures.is_heif(upload)):
        raise ValidationError(_("只能上传 JPG、PNG 图片或者 PDF 文件。请转换格式后上传。"), code="type")
    image = pictures.opened(upload, longest=LONGEST_SIDE)
    _check_legible(image)
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    data = pictures.as_jpeg(image, qualities=(85, 75, 60), at_most=2 * 1024 * 1024)
    return JPEG, data, (data,)


def _check_legible(image: Image.Image) -> None:
    if max(image.size) < LEAST_SIDE:
        raise ValidationError(
            _("图片只有 %(width)s×%(height)s 像素，看不清文字。请重新拍照或扫描。"),
            code="too_few_pixels",
            params={"width": image.width, "height": image.height},
        )
    if ImageStat.Stat(image.convert("L")).stddev[0] < LEAST_CONTRAST:
        raise ValidationError(_("这张图片上看不到内容。请重新拍照或扫描。"), code="blank")


# --- PDF files -------------------------------------------------------------------------------------

UNREADABLE: Final[dict[str, Promise]] = {
    "pdf_locked": _("这个 PDF 文件设有密码。请去掉密码后上传。"),
    "pdf_broken": _("这个 PDF 文件已经损坏，无法打开。请重新扫描或导出后上传。"),
    "pdf_pages": _("这个 PDF 文件超过 20 页。请分成几个文件上传。"),
    "pdf_page_size": _("这个 PDF 文件的页面尺寸不正常。请按 A4 纸重新扫描或导出后上传。"),
    "pdf_empty": _("这个 PDF 文件没有页面。请重新扫描或导出后上传。"),
    "busy": _("系统正忙，这个文件没有处理。请稍后再上传。"),
    "pdf_slow": _("这个 PDF 文件过于复杂，无法处理。请打印后扫描，或者导出为图片后上传。"),
}


# What tells that there is no use in going on with further files now.
STRAINED: Final = frozenset({"busy", "pdf_slow"})


def _from_pdf(upload: bytes) -> tuple[str, bytes, tuple[bytes, ...]]:
    try:
        clean = pdfs.cleaned(upload)
    except pdfs.Unreadable as unreadable:
        raise ValidationError(str(UNREADABLE[unreadable.code]), code=unreadable.code) from unreadable
    return PDF, clean.data, clean.pages
