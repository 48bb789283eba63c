"""Portraits: what is refused and why, and what is stored."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageStat

from intake import filing, photos, tasks
from intake.models import Application
from register import clock
from register.models import Person, Photo
from tenants import crossing
from tenants.crossing import Desk
from tests import factories
from tests.cast import Cast
from tests.intake.desk import attach_photo, entered, filled, portrait, started, words
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


# --- Clearing away -----------------------------------------------------------------------------------


def cleared() -> int:
    with crossing.standing(Desk.CLERK):
        return tasks.clear_photos()


def a_day_later() -> None:
    Photo.objects.update(created_at=clock.now() - timedelta(days=1, minutes=1))


def left() -> set[object]:
    return set(Photo.objects.values_list("person_id", flat=True))


@pytest.mark.django_db
def test_a_portrait_that_was_replaced_goes_after_a_day(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = started(cast.zhang)
        attach_photo(application=draft, upload=portrait())
        attach_photo(application=draft, upload=portrait(600, 840))
    assert cleared() == 0
    a_day_later()
    assert cleared() == 1
    assert list(Photo.objects.values_list("pk", flat=True)) == [draft.photo_id]
    assert cleared() == 0


@pytest.mark.django_db
def test_a_portrait_goes_with_the_draft_that_was_given_up(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang):
        filing.discard(application=filled(cast.zhang, cast.beijing))
    with cast.at_applicants_desk(cast.sun):
        before = filled(cast.sun, cast.beijing)
    # As discarding left it before it let go of the portrait.
    Application.objects.filter(pk=before.pk).update(status=Application.Status.DISCARDED)
    a_day_later()
    assert cleared() == 2
    assert left() == set()


@pytest.mark.django_db
def test_what_was_ever_lodged_or_granted_keeps_its_portrait(cast: Cast) -> None:
    """A dossier names its portrait by the hash, also that of a record merged since."""
    merged = factories.person("张测", merged_into=cast.sun)
    with cast.at_applicants_desk(cast.zhang):
        lodged = filled(cast.zhang, cast.beijing)
        assert lodged.photo is not None
        filing.lodge(application=lodged)
    Application.objects.filter(pk=lodged.pk).update(photo=None, person=merged)
    of_sun = Photo.objects.create(person=cast.sun, sha256="5" * 64, data=b"sun")
    Photo.objects.filter(sha256=lodged.photo.sha256).update(person=merged)
    granted = Photo.objects.create(person=cast.zhang, sha256="6" * 64, data=b"zhang")
    Person.objects.filter(pk=cast.zhang.pk).update(photo=granted)
    Photo.objects.create(person=cast.zhang, sha256="7" * 64, data=b"loose")
    a_day_later()
    assert cleared() == 1
    assert set(Photo.objects.values_list("pk", flat=True)) == {lodged.photo_id, of_sun.pk, granted.pk}


@pytest.mark.django_db
def test_nobody_heaps_up_portraits(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "MOST_A_DAY", 2)
    with cast.at_applicants_desk(cast.zhang):
        draft = started(cast.zhang)
    with cast.at_applicants_desk(cast.zhang):
        filing.choose_agency(application=draft, agency=cast.beijing)
    client, step = entered(cast.zhang), f"/applications/{draft.pk}/steps/personal/"

    def send(data: bytes) -> str:
        sent = {"photo-file": SimpleUploadedFile("a.jpg", data), "personal-school": "示例大学", "go": "next"}
        return words(client.post(step, sent).content)

    pictures = [portrait(590 + 10 * n, 826 + 14 * n) for n in range(3)]
    told = [("一天内最多上传 2 张照片。请明天再上传。" in send(picture)) for picture in pictures]
    assert told == [False, False, True]
    assert Photo.objects.count() == 2
    # One of those sent before is no other one; what was typed is kept in any case.
    assert "请明天再上传" not in send(pictures[0])
    assert Application.objects.get().sections["personal"]["school"] == "示例大学"
    a_day_later()
    assert "请明天再上传" not in send(pictures[2])
    assert Photo.objects.count() == 3
