"""Portraits: an upload is looked at, cut to the size of the certificate, and written anew.

Registration guide and examination site: bareheaded one-inch portrait, 25 × 35 mm, 295 × 413 px, white
ground. The page lets one cut the picture before it is sent; without that help larger pictures are made
smaller here and nearly fitting ones are cut evenly, so nobody needs a tool of his own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps, ImageStat

from intake.models import Application
from register import clock, people, pictures
from register.models import Person, Photo
from tenants import crypto

WIDTH: Final = 295
HEIGHT: Final = 413
SHAPE: Final = WIDTH / HEIGHT
# Up to here a picture has the right shape; up to there it is cut evenly on both sides (3:4, 2:3, 33 × 48 mm).
SHAPE_TOLERANCE: Final = 0.02
CUT_TOLERANCE: Final = 0.09
SMALLEST_FILE: Final = 20 * 1024
LARGEST_FILE: Final = 2 * 1024 * 1024
LARGEST_STORED: Final = 300 * 1024
LEAST_CONTRAST: Final = 4.0
# White paper photographed in a room is rarely pure white.
LIGHTNESS_OF_WHITE: Final = 215
COLOUR_OF_WHITE: Final = 28
# Every portrait sent is stored until the clerk clears it away: nobody heaps them up.
MOST_A_DAY: Final = 20
A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Portrait:
    """A portrait as it is stored, and what an officer may object to."""

    data: bytes
    sha256: str
    warnings: tuple[Promise, ...]


_GROUND: Final = _("照片背景看起来不是白色，审查时可能要求更换。建议使用白底证件照。")
_CUT: Final = _("照片不是 5:7 的比例，已从两边均匀裁剪，请核对头像是否完整；不合适的，请重新上传。")


def read(upload: bytes, *, ground: str = "white") -> Portrait:
    """The upload as a portrait of the certificate's size, without metadata.

    `ground` is the policy value `photo_background`; another ground is a warning only. Raises
    `ValidationError` with a sentence that says how to mend it.
    """
    _check_file_size(upload)
    image = pictures.opened(upload)
    off = _check_shape(image)
    small = ImageOps.fit(image, (WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    if ImageStat.Stat(small.convert("L")).stddev[0] < LEAST_CONTRAST:
        raise ValidationError(_("这张照片上看不到人像。请重新选择照片。"), code="blank")
    data = pictures.as_jpeg(small, qualities=(92, 85, 75), at_most=LARGEST_STORED)
    warnings = (
        *((_CUT,) if off > SHAPE_TOLERANCE else ()),
        *((_GROUND,) if ground == "white" and not has_white_ground(small) else ()),
    )
    return Portrait(data=data, sha256=crypto.sha256_hex(data), warnings=warnings)


def _check_file_size(upload: bytes) -> None:
    if not upload:
        raise ValidationError(_("这个文件是空的。请重新选择照片。"), code="empty")
    if len(upload) > LARGEST_FILE:
        raise ValidationError(_("照片文件超过 2 MB。请上传 20 KB 至 2 MB 的照片。"), code="too_large")
    if len(upload) < SMALLEST_FILE and pictures.is_picture(upload):
        raise ValidationError(
            _("照片文件太小（%(size)s KB），清晰度不够。请上传 20 KB 至 2 MB 的照片。"),
            code="too_small",
            params={"size": len(upload) // 1024},
        )


def _check_shape(image: Image.Image) -> float:
    """How far the picture is from 5:7; too far, or too small, raises `ValidationError`."""
    if image.width < WIDTH or image.height < HEIGHT:
        raise ValidationError(
            _("照片只有 %(width)s×%(height)s 像素，不够清晰。请上传不小于 295×413 像素的照片。"),
            code="too_few_pixels",
            params={"width": image.width, "height": image.height},
        )
    off = abs(image.width / image.height / SHAPE - 1)
    if off > CUT_TOLERANCE:
        raise ValidationError(
            _("照片比例不对（%(width)s×%(height)s 像素）。请裁剪成宽 5 高 7 的比例，如 295×413 像素。"),
            code="shape",
            params={"width": image.width, "height": image.height},
        )
    return off


def has_white_ground(image: Image.Image) -> bool:
    """Whether the upper corners, where no head is, look white."""
    side, depth = image.width // 8, image.height // 5
    corners = (image.crop((0, 0, side, depth)), image.crop((image.width - side, 0, image.width, depth)))
    return all(_is_white(corner) for corner in corners)


def _is_white(patch: Image.Image) -> bool:
    mean = ImageStat.Stat(patch).mean
    return min(mean) >= LIGHTNESS_OF_WHITE and max(mean) - min(mean) <= COLOUR_OF_WHITE


# --- Keeping and clearing away ---------------------------------------------------------------------


def check_number(person: Person, portrait: Portrait) -> None:
    """Let this portrait in among those of the last day. Raises `ValidationError` when there are too many."""
    sent = Photo.objects.filter(people.rows_of(person), created_at__gt=clock.now() - A_DAY)
    known = list(sent.values_list("sha256", flat=True)[:MOST_A_DAY])
    if len(known) >= MOST_A_DAY and portrait.sha256 not in known:
        raise ValidationError(
            _("一天内最多上传 %(most)s 张照片。请明天再上传。"),
            code="too_many",
            params={"most": MOST_A_DAY},
        )


def clear_loose(*, before: datetime) -> int:
    """Delete the portraits that nothing names, stored before that moment; answers how many went.

    A dossier names its portrait by its hash: whoever has lodged anything, under whichever of the merged
    records, keeps all portraits.
    """
    Application.objects.filter(status=Application.Status.DISCARDED, photo__isnull=False).update(photo=None)
    lodged = Application.objects.filter(status=Application.Status.LODGED).annotate(
        whose=Coalesce("person__merged_into", "person")
    )
    loose = Photo.objects.annotate(whose=Coalesce("person__merged_into", "person")).filter(
        ~Exists(Application.objects.filter(photo=OuterRef("pk"))),
        ~Exists(Person.objects.filter(photo=OuterRef("pk"))),
        ~Exists(lodged.filter(whose=OuterRef("whose"))),
        created_at__lt=before,
    )
    keys = list(loose.values_list("pk", flat=True))
    # Only the keys: deleting would otherwise read every picture into memory first.
    Photo.objects.filter(pk__in=keys).only("pk").delete()
    return len(keys)
