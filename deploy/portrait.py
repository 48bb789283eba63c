"""A plainly drawn portrait for the demonstration: nobody's face, in the size the form asks for."""

from __future__ import annotations

from io import BytesIO
from random import Random
from typing import Final

from PIL import Image, ImageDraw, ImageFilter

SIZE: Final = (590, 826)
GROUND, COAT, SKIN, HAIR = (255, 255, 255), (38, 60, 92), (236, 205, 180), (45, 40, 38)


def draw(seed: int = 1) -> bytes:
    """A JPEG of a figure before a white ground, 590×826 px, over 20 kB by its grain."""
    random = Random(seed)  # noqa: S311  grain, no secret
    picture = Image.new("RGB", SIZE, GROUND)
    pen = ImageDraw.Draw(picture)
    pen.ellipse((90, 560, 500, 1150), fill=COAT)
    pen.polygon([(245, 560), (345, 560), (295, 700)], fill=(250, 250, 250))
    pen.rectangle((255, 470, 335, 590), fill=SKIN)
    pen.ellipse((185, 200, 405, 520), fill=SKIN)
    pen.pieslice((175, 165, 415, 470), 180, 360, fill=HAIR)
    picture = picture.filter(ImageFilter.GaussianBlur(1.2))
    grain = Image.frombytes("L", SIZE, random.randbytes(SIZE[0] * SIZE[1])).convert("RGB")
    figure = Image.eval(picture.convert("L"), lambda light: 0 if light > 250 else 22)
    picture = Image.composite(Image.blend(picture, grain, 0.06), picture, figure.point(lambda v: v * 11))
    kept = BytesIO()
    picture.save(kept, "JPEG", quality=92)
    return kept.getvalue()
