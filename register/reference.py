"""Application numbers: `ZC`, year, digit of the kind, serial of six digits, check digit (Luhn)."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Final

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext_lazy as _
from stdnum import luhn

from register import clock
from register.models import Kind

PREFIX: Final = "ZC"
SEQUENCE: Final = "public.register_application_serial"
_SHAPE: Final = re.compile(rf"{PREFIX}\d{{12}}", re.ASCII)


def next_reference(kind: Kind | str, on: date | None = None) -> str:
    """The number of a new application, drawn once and never given twice."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s::regclass)", [SEQUENCE])
        (serial,) = cursor.fetchone()
    return compose(kind, (on or clock.today()).year, serial)


def compose(kind: Kind | str, year: int, serial: int) -> str:
    """The number for a kind, a year and a serial."""
    digits = f"{year:04d}{Kind(kind).digit}{serial:06d}"
    return f"{PREFIX}{digits}{luhn.calc_check_digit(digits)}"


def check(text: str) -> str:
    """A number as somebody typed or scanned it, normalised. Raises ValidationError if it cannot be one."""
    number = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()
    if not _SHAPE.fullmatch(number) or not luhn.is_valid(number.removeprefix(PREFIX)):
        raise ValidationError(_("申请编号不正确，请核对。"), code="reference")
    return number
