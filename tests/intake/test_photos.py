"""Portraits: what is refused and why, and what is stored."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from PIL import Image, ImageStat

from intake import photos
from tests.intake.desk import portrait
from tests.intake.files import FILES, refused

GOOD = [name for name in FILES if name.startswith("portrait")]
COLOURED = {"portrait_on_blue", "portrait_in_other_colours"}
# White above, a face of another colour in the middle of the picture.
FACE = (photos.WIDTH // 2, int(photos.HEIGHT * 0.37))
BELOW = (photos.WIDTH // 2, photos.HEIGHT - 30)


@pytest.mark.parametrize(("name", "code", "message"), refused("photo"))
def test_what_is_no_portrait_is_refused_with_the_reason(name: str, code: str, message: str) -> None:
    with pytest.raises(ValidationError) as no:
        photos.read(FILES[name]())
    assert (no.value.code, no.value.messages) == (code, [message])


@pytest.mark.parametrize("name", GOOD)
def test_a_portrait_is_stored_in_the_size_of_the_certificate_and_says_nothing_else(name: str) -> None:
    stored = photos.read(FILES[name]()).data
    image = Image.open(BytesIO(stored))
    assert (image.format, image.size, image.mode) == ("JPEG", (295, 413), "RGB")
    assert dict(image.getexif()) == {}
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    for word in (b"a comment", b"Sample Telephone", b"<script>", b"%PDF", b"word/document.xml"):
        assert word not in stored
    assert len(stored) <= photos.LARGEST_STORED


@pytest.mark.parametrize("name", [name for name in GOOD if name not in COLOURED])
def test_it_stands_upright_with_its_shades(name: str) -> None:
    image = Image.open(BytesIO(photos.read(FILES[name]()).data)).convert("L")
    face, below = (image.crop((x, y, x + 9, y + 9)) for x, y in (FACE, BELOW))
    assert ImageStat.Stat(face).mean[0] < ImageStat.Stat(below).mean[0] - 15


def test_colours_are_those_that_the_picture_means() -> None:
    image = Image.open(BytesIO(photos.read(FILES["portrait_in_other_colours"]()).data))
    red, _green, blue = ImageStat.Stat(image.crop((5, 5, 14, 14))).mean
    assert blue > red + 100


def test_a_nearly_fitting_picture_is_cut_evenly_and_that_is_said() -> None:
    for name, warned in (("portrait", 0), ("portrait_3_to_4", 1), ("portrait_2_to_3", 1)):
        assert len(photos.read(FILES[name]()).warnings) == warned


def test_another_ground_than_white_is_a_warning_only() -> None:
    assert photos.read(portrait()).warnings == ()
    assert len(photos.read(portrait(ground="#2266cc")).warnings) == 1
    assert photos.read(portrait(ground="#2266cc"), ground="any").warnings == ()


def test_the_same_upload_is_stored_as_the_same_bytes() -> None:
    upload = portrait()
    assert photos.read(upload).sha256 == photos.read(upload).sha256
