"""How people and employers are reached: telephone, post, e-mail, and how each is masked."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext_lazy as _

_MOBILE: Final = re.compile(r"1[3-9]\d{9}", re.ASCII)
_LANDLINE: Final = re.compile(r"(0\d{2,3}-?)?\d{7,8}(-\d{1,6})?", re.ASCII)
_POSTCODE: Final = re.compile(r"\d{6}", re.ASCII)
_DASHES: Final = re.compile("[‐‑‒–—－−]")
_is_email = EmailValidator(message=_("请填写有效的电子邮箱，例如 zhang@example.cn。"))


def check_mobile(text: str) -> str:
    """A mainland mobile number, without spaces, dashes and country code. Raises ValidationError."""
    number = re.sub(r"^(\+|00)86", "", _half_width(text).replace("-", ""))
    if not _MOBILE.fullmatch(number):
        raise ValidationError(_("手机号码应为 11 位数字，以 13 至 19 开头。"), code="mobile")
    return number


def check_phone(text: str) -> str:
    """A landline with area code and extension, or a mobile number. Raises ValidationError."""
    number = _half_width(text).replace("(", "").replace(")", "-").removesuffix("-")
    if _LANDLINE.fullmatch(number) or _MOBILE.fullmatch(number):
        return number
    raise ValidationError(_("联系电话应为手机号码，或如 010-12345678、010-12345678-801。"), code="phone")


def check_postcode(text: str) -> str:
    """A postcode of six digits. Raises ValidationError."""
    code = _half_width(text)
    if not _POSTCODE.fullmatch(code):
        raise ValidationError(_("邮政编码应为 6 位数字。"), code="postcode")
    return code


def check_email(text: str) -> str:
    """An e-mail address of at most 254 characters. Raises ValidationError."""
    address = _half_width(text)
    if len(address) > 254:
        raise ValidationError(_("电子邮箱不能超过 254 个字符。"), code="email")
    _is_email(address)
    return address


def mask_mobile(number: str) -> str:
    """First three and last four digits."""
    return f"{number[:3]}****{number[-4:]}" if len(number) >= 9 else "*" * len(number)


def mask_email(address: str) -> str:
    """First character and domain."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}***{at}{domain}" if at else ""


def _half_width(text: str) -> str:
    return _DASHES.sub("-", unicodedata.normalize("NFKC", "".join(text.split())))
