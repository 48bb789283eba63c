"""Portraits: what is refused and why, and what is stored."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from PIL import Image

from intake import photos
from tests.intake.desk import portrait


def bomb() -> bytes:
    """A small file that would unfold into 36 million pixels, padded to the least size."""
    out = BytesIO()
    Image.new("1", (6_000, 6_000)).save(out, "PNG")
    return out.getvalue() + b"\0" * photos.SMALLEST_FILE


def rotated() -> bytes:
    """A picture lying on its side, with a note to turn it (EXIF orientation)."""
    exif = Image.Exif()
    exif[274] = 6
    out = BytesIO()
    Image.open(BytesIO(portrait())).rotate(90, expand=True).save(out, "JPEG", quality=95, exif=exif)
    return out.getvalue()


@pytest.mark.parametrize(
    ("upload", "code"),
    [
        (b"", "too_small"),
        (b"no image" * 5000, "no_image"),
        (b"%PDF-1.7" + b" " * 30_000, "no_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>" + b" " * 30_000, "no_image"),
        (portrait()[: len(portrait()) // 2], "no_image"),
        (portrait(format="PNG")[:100] + b"\xff" * 30_000 + b"IEND", "no_image"),
        (portrait() + b"\0" * photos.LARGEST_FILE, "too_large"),
        (portrait(250, 350, quality=100), "too_few_pixels"),
        (portrait(600, 600), "shape"),
        (bomb(), "too_many_pixels"),
    ],
)
def test_what_is_no_portrait_is_refused_with_the_reason(upload: bytes, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        photos.read(upload)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "upload", [portrait(), portrait(format="PNG"), rotated(), portrait(295, 413, quality=100)]
)
def test_a_portrait_is_stored_in_the_size_of_the_certificate_without_metadata(upload: bytes) -> None:
    stored = photos.read(upload).data
    image = Image.open(BytesIO(stored))
    assert (image.format, image.size, image.mode) == ("JPEG", (295, 413), "RGB")
    assert dict(image.getexif()) == {}
    assert b"a comment" not in stored
    assert len(stored) <= photos.LARGEST_STORED


def test_another_ground_than_white_is_a_warning_only() -> None:
    assert photos.read(portrait()).warnings == ()
    assert len(photos.read(portrait(ground="#2266cc")).warnings) == 1
    assert photos.read(portrait(ground="#2266cc"), ground="any").warnings == ()
