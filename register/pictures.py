"""Uploaded pictures: opened with care, upright, in plain RGB. Portraits and papers both begin here.

What a file is, is told by its first bytes; its name and the browser's word count for nothing.
"""

from __future__ import annotations

from io import BytesIO
from threading import BoundedSemaphore
from typing import Final
from zlib import crc32

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

# A small file may unfold into a picture that fills the memory: refused before it is unfolded.
MOST_PIXELS: Final = 25_000_000
# A progressive JPEG may go over the same picture thousands of times; cameras stay below twenty.
MOST_SCANS: Final = 100
LARGEST_PROFILE: Final = 2 * 1024 * 1024
FORMATS: Final = ("JPEG", "PNG")
JPEG_BEGINS: Final = b"\xff\xd8\xff"
PNG_BEGINS: Final = b"\x89PNG\r\n\x1a\n"
START_OF_SCAN: Final = 0xDA
END_OF_IMAGE: Final = 0xD9
# Brands of the HEIF family (ISO/IEC 23008-12) at the file's eighth byte.
HEIF_BRANDS: Final = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif"})
# Pictures of full size take memory: so many at a time in one process, the others wait.
AT_WORK: Final = BoundedSemaphore(2)


def opened(upload: bytes, *, longest: int | None = None) -> Image.Image:
    """The picture in RGB, upright, on white where it was transparent, in sRGB where it says what it was in.

    `longest` is the side to which a JPEG may be made smaller while it is read. Raises `ValidationError`
    with a sentence that says what to do.
    """
    _check_kind(upload)
    try:
        with AT_WORK, Image.open(BytesIO(upload), formats=FORMATS) as raw:
            _check_pixels(raw)
            if longest is not None:
                raw.draft(None, (longest, longest))
            return _plain(ImageOps.exif_transpose(raw))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise broken() from error


def broken() -> ValidationError:
    return ValidationError(
        _("这个文件不是可用的图片，或者已经损坏。请重新拍照或扫描，以 JPG 格式上传。"), code="no_image"
    )


def is_picture(upload: bytes) -> bool:
    """Whether this begins like a JPEG or a PNG."""
    return upload.startswith((JPEG_BEGINS, PNG_BEGINS))


def is_heif(upload: bytes) -> bool:
    """Whether this is a picture as iPhones take them, which browsers and offices often cannot show."""
    return upload[4:8] == b"ftyp" and upload[8:12] in HEIF_BRANDS


def _check_kind(upload: bytes) -> None:
    if is_heif(upload):
        raise ValidationError(
            _(
                "这是 HEIC 格式的照片，系统不能使用。请在手机“设置—相机—格式”中选择“兼容性最佳”后重新拍摄，"
                "或者另存为 JPG 格式后上传。"
            ),
            code="heic",
        )
    if not is_picture(upload):
        raise broken()
    scans = _scans_of(upload) if upload.startswith(JPEG_BEGINS) else int(_ends_as_png(upload))
    if scans is None or not 0 < scans <= MOST_SCANS:
        raise broken()


def _check_pixels(raw: Image.Image) -> None:
    if raw.width * raw.height > MOST_PIXELS:
        raise ValidationError(
            _("图片尺寸过大（%(width)s×%(height)s 像素）。请缩小后再上传。"),
            code="too_many_pixels",
            params={"width": raw.width, "height": raw.height},
        )


# --- Whether a file goes on to its end -------------------------------------------------------------
# Pillow notices a file that was cut off only while no other part of the process asks it to be lenient
# (WeasyPrint does, for all of it).


def _ends_as_png(data: bytes) -> bool:
    """Walk the chunks of a PNG (RFC 2083) up to its end; each carries a checksum."""
    at = len(PNG_BEGINS)
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        typed, following = data[at + 4 : at + 8 + size], at + 12 + size
        if following > len(data) or crc32(typed) != int.from_bytes(data[following - 4 : following], "big"):
            return False
        if typed.startswith(b"IEND"):
            return True
        at = following
    return False


def _scans_of(data: bytes) -> int | None:
    """Walk the markers of a JPEG (ITU-T T.81 annex B) and count its scans; None when it has no end."""
    scans, at = 0, data.find(b"\xff", 2)
    while 0 <= at < len(data) - 1:
        marker = data[at + 1]
        if marker == END_OF_IMAGE:
            return scans
        if marker == 0xFF:
            at += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD7:
            at += 2
        else:
            scans += marker == START_OF_SCAN
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        at = data.find(b"\xff", at)
    return None


# --- Colours ---------------------------------------------------------------------------------------


def _plain(image: Image.Image) -> Image.Image:
    """RGB of eight bits. Pillow would write comments and profiles of the upload again: they go."""
    profile = image.info.get("icc_profile")
    plain = _in_srgb(image, profile) if profile else None
    plain = plain or _on_white(_of_eight_bits(image))
    plain.info = {}
    return plain


def _of_eight_bits(image: Image.Image) -> Image.Image:
    """Greys of sixteen bits keep their shades; a plain conversion would make them all white."""
    if not image.mode.startswith("I"):
        return image
    return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image | None:
    """The colours that the picture's own profile means; None where that profile is of no use."""
    if image.mode not in ("RGB", "CMYK", "L") or len(profile) > LARGEST_PROFILE:
        return None
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    layered = image.convert("RGBA")
    paper = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(paper, layered).convert("RGB")


def as_jpeg(image: Image.Image, *, qualities: tuple[int, ...], at_most: int) -> bytes:
    """JPEG bytes without metadata: the first of these qualities that fits, else the last."""
    data = b""
    for quality in qualities:
        out = BytesIO()
        image.save(out, "JPEG", quality=quality, optimize=True)
        data = out.getvalue()
        if len(data) <= at_most:
            break
    return data
