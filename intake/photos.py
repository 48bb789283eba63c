"""Portraits: an upload is looked at, cut to the size of the certificate, and written anew.

Registration guide and examination site: bareheaded one-inch portrait, 25 × 35 mm, 295 × 413 px, white
ground. Larger pictures of the same shape are made smaller here, so nobody needs a tool of his own.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Final
from zlib import crc32

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps, ImageStat, UnidentifiedImageError

from tenants import crypto

WIDTH: Final = 295
HEIGHT: Final = 413
SHAPE: Final = WIDTH / HEIGHT
SHAPE_TOLERANCE: Final = 0.02
SMALLEST_FILE: Final = 20 * 1024
LARGEST_FILE: Final = 2 * 1024 * 1024
LARGEST_STORED: Final = 300 * 1024
# A small file may unfold into a picture that fills the memory: refused before it is unfolded.
MOST_PIXELS: Final = 25_000_000
END_OF_IMAGE: Final = 0xD9
FORMATS: Final = ("JPEG", "PNG")
# White paper photographed in a room is rarely pure white.
LIGHTNESS_OF_WHITE: Final = 215
COLOUR_OF_WHITE: Final = 28


@dataclass(frozen=True, slots=True)
class Portrait:
    """A portrait as it is stored, and what an officer may object to."""

    data: bytes
    sha256: str
    warnings: tuple[Promise, ...]


def read(upload: bytes, *, ground: str = "white") -> Portrait:
    """The upload as a portrait of the certificate's size, without metadata.

    `ground` is the policy value `photo_background`; another ground is a warning only. Raises
    `ValidationError` with a sentence that says how to mend it.
    """
    _check_file_size(upload)
    image = _opened(upload)
    _check_shape(image)
    small = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    data = _written(small)
    warnings = (_GROUND,) if ground == "white" and not has_white_ground(small) else ()
    return Portrait(data=data, sha256=crypto.sha256_hex(data), warnings=warnings)


_GROUND: Final = _("照片背景看起来不是白色，审查时可能要求更换。建议使用白底证件照。")


def _check_file_size(upload: bytes) -> None:
    if len(upload) < SMALLEST_FILE:
        raise ValidationError(
            _("照片文件太小（%(size)s KB），清晰度不够。请上传 20 KB 至 2 MB 的照片。"),
            code="too_small",
            params={"size": len(upload) // 1024},
        )
    if len(upload) > LARGEST_FILE:
        raise ValidationError(_("照片文件超过 2 MB。请上传 20 KB 至 2 MB 的照片。"), code="too_large")


def _opened(upload: bytes) -> Image.Image:
    """The picture in RGB, upright, on white where it was transparent. Raises `ValidationError`."""
    try:
        with Image.open(BytesIO(upload), formats=FORMATS) as raw:
            if raw.width * raw.height > MOST_PIXELS:
                raise ValidationError(
                    _("照片尺寸过大（%(width)s×%(height)s 像素）。请缩小后再上传。"),
                    code="too_many_pixels",
                    params={"width": raw.width, "height": raw.height},
                )
            if not _is_whole(upload, raw.format):
                raise ValueError("cut off")
            return _on_white(ImageOps.exif_transpose(raw))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValidationError(
            _("这个文件不是可用的照片，或者已经损坏。请上传 JPG 格式的证件照。"), code="no_image"
        ) from error


def _is_whole(upload: bytes, format: str | None) -> bool:
    """Whether the file goes on to its end.

    Pillow notices a file that was cut off only while no other part of the process asks it to be lenient
    (WeasyPrint does, for all of it).
    """
    return _ends_as_jpeg(upload) if format == "JPEG" else _ends_as_png(upload)


def _ends_as_png(data: bytes) -> bool:
    """Walk the chunks of a PNG (RFC 2083) up to its end; each carries a checksum."""
    at = len(b"\x89PNG\r\n\x1a\n")
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        typed, following = data[at + 4 : at + 8 + size], at + 12 + size
        if following > len(data) or crc32(typed) != int.from_bytes(data[following - 4 : following], "big"):
            return False
        if typed.startswith(b"IEND"):
            return True
        at = following
    return False


def _ends_as_jpeg(data: bytes) -> bool:
    """Walk the markers of a JPEG (ITU-T T.81 annex B) up to the end of the image."""
    at = data.find(b"\xff", 2)
    while 0 <= at < len(data) - 1:
        marker = data[at + 1]
        if marker == END_OF_IMAGE:
            return True
        if marker == 0xFF:
            at += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD7:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        at = data.find(b"\xff", at)
    return False


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    layered = image.convert("RGBA")
    paper = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(paper, layered).convert("RGB")


def _check_shape(image: Image.Image) -> None:
    if image.width < WIDTH or image.height < HEIGHT:
        raise ValidationError(
            _("照片只有 %(width)s×%(height)s 像素，不够清晰。请上传不小于 295×413 像素的照片。"),
            code="too_few_pixels",
            params={"width": image.width, "height": image.height},
        )
    if abs(image.width / image.height / SHAPE - 1) > SHAPE_TOLERANCE:
        raise ValidationError(
            _("照片比例不对（%(width)s×%(height)s 像素）。请裁剪成宽 5 高 7 的比例，如 295×413 像素。"),
            code="shape",
            params={"width": image.width, "height": image.height},
        )


def _written(image: Image.Image) -> bytes:
    """JPEG bytes without metadata, small enough to be stored."""
    # Pillow would write a comment found in the upload again.
    image.info = {}
    for quality in (92, 85, 75):
        out = BytesIO()
        image.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= LARGEST_STORED:
            break
    return out.getvalue()


def has_white_ground(image: Image.Image) -> bool:
    """Whether the upper corners, where no head is, look white."""
    side, depth = image.width // 8, image.height // 5
    corners = (image.crop((0, 0, side, depth)), image.crop((image.width - side, 0, image.width, depth)))
    return all(_is_white(corner) for corner in corners)


def _is_white(patch: Image.Image) -> bool:
    mean = ImageStat.Stat(patch).mean
    return min(mean) >= LIGHTNESS_OF_WHITE and max(mean) - min(mean) <= COLOUR_OF_WHITE
