"""Identity documents: how each is written, checked, shown and looked up.

Resident numbers follow GB 11643-1999. The area code is compared with the provinces only: counties are
abolished and founded, people keep their numbers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from stdnum.cn import ric

from register import clock
from register.models import DocumentType, Sex
from tenants.crypto import keyed_digest

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# The first two digits of GB/T 2260; 83 stands in residence permits of Taiwan residents.
PROVINCES: Final = frozenset(
    chain(range(11, 16), range(21, 24), range(31, 38), range(41, 47), range(50, 55), range(61, 66))
) | {71, 81, 82, 83}
# The types whose number carries birth date and sex.
TELLING_TYPES: Final = frozenset(
    {DocumentType.RESIDENT_ID, DocumentType.HK_MACAO_RESIDENCE, DocumentType.TAIWAN_RESIDENCE}
)


# Whoever was born before is born: no clock of this portal stands earlier, and need not be asked.
LONG_BORN: Final = 2000
_FIFTEEN: Final = re.compile(r"\d{15}", re.ASCII)
_EIGHTEEN: Final = re.compile(r"\d{17}[\dX]", re.ASCII)


class DocumentFacts(NamedTuple):
    """What a document number tells about its holder."""

    sex: Sex
    birth_date: date | None


class Document(NamedTuple):
    """A well-formed number with all that is derived from it."""

    number: str
    digest: str
    facts: DocumentFacts


def read(type: str, text: str) -> Document:
    """A number checked, with digest and facts, in one go: rosters read a hundred thousand of them.

    Raises ValidationError with a sentence that says what is wrong.
    """
    number = check(type, text)
    return Document(number, _digest_of(type, number), _facts_in(type, number))


def normalise(type: str, text: str) -> str:
    """A number as it is stored: half-width, upper case, without spaces.

    Hyphens and brackets are left out too, except in free-form numbers, where they may carry meaning.
    """
    if text.isascii() and text.isalnum():
        return text.upper()
    number = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    if type in (DocumentType.OFFICER, DocumentType.OTHER):
        return number
    return re.sub(r"[-‐‑–—()]", "", number)


def check(type: str, text: str) -> str:
    """The normalised number. Raises ValidationError with a sentence that says what is wrong."""
    number = normalise(type, text)
    if not number:
        raise ValidationError(_("请填写证件号码。"), code="required")
    rule = _RULES.get(type)
    if rule is None:
        raise ValidationError(_("请选择证件类型。"), code="type")
    rule(number)
    return number


def digest(type: str, text: str) -> str:
    """The keyed digest by which a number finds its person.

    A travel permit of Hong Kong and Macao residents is known by its first nine characters: the two
    digits after them count renewals of the card.
    """
    return _digest_of(type, normalise(type, text))


def _digest_of(type: str, number: str) -> str:
    if type == DocumentType.HK_MACAO_TRAVEL:
        number = number[:9]
    return keyed_digest(f"{type}:{number}")


def mask(type: str, text: str) -> str:
    """The number as screens show it: resident numbers keep the first six and the last four characters."""
    number = normalise(type, text)
    if len(number) >= 15:
        head, tail = 6, 4
    elif len(number) >= 9:
        head, tail = 3, 2
    else:
        head, tail = len(number) // 4, len(number) // 4
    hidden = "*" * (len(number) - head - tail)
    return f"{number[:head]}{hidden}{number[len(number) - tail :]}"


def facts_of(type: str, text: str) -> DocumentFacts:
    """Sex and birth date where the number carries them; otherwise unknown."""
    return _facts_in(type, normalise(type, text))


def _facts_in(type: str, number: str) -> DocumentFacts:
    if type not in TELLING_TYPES or len(number) != 18:
        return DocumentFacts(Sex.UNKNOWN, None)
    sex = Sex.MALE if int(number[16]) % 2 else Sex.FEMALE
    return DocumentFacts(sex, _date_in(number))


def with_check_digit(first_17: str) -> str:
    """A resident number from its first 17 digits (MOD 11-2)."""
    return first_17 + ric.calc_check_digit(f"{first_17}0")


def upgrade_old(number_15: str) -> str:
    """The 18-digit form of a first-generation resident number, for old records only.

    Raises ValidationError if it is not one.
    """
    old = normalise(DocumentType.RESIDENT_ID, number_15)
    if not _FIFTEEN.fullmatch(old):
        raise ValidationError(_("不是 15 位居民身份证号码。"), code="format")
    return check(DocumentType.RESIDENT_ID, with_check_digit(f"{old[:6]}19{old[6:]}"))


# --- One rule per type ---------------------------------------------------------------------------
def _resident(number: str) -> None:
    if _FIFTEEN.fullmatch(number):
        raise ValidationError(_("请填写 18 位居民身份证号码，15 位号码已停止使用。"), code="old")
    _eighteen(number)
    if int(number[:2]) not in PROVINCES:
        raise ValidationError(_("证件号码前两位不是有效的地区代码。"), code="region")
    _telling(number)


def _residence_permit(*prefixes: str) -> Callable[[str], None]:
    def rule(number: str) -> None:
        _eighteen(number)
        if not number.startswith(prefixes):
            raise ValidationError(
                _("居住证号码应以 %(prefixes)s 开头。"),
                code="region",
                params={"prefixes": "、".join(prefixes)},
            )
        _telling(number)

    return rule


def _foreign_resident(number: str) -> None:
    if re.fullmatch(r"[A-Z]{3}\d{12}", number, re.ASCII):
        return
    if not number.startswith("9") or len(number) != 18:
        raise ValidationError(
            _("外国人永久居留身份证号码应为以 9 开头的 18 位号码，或 3 个字母加 12 位数字。"), code="format"
        )
    _eighteen(number)


def _shaped(pattern: str, message: str | _StrPromise) -> Callable[[str], None]:
    compiled = re.compile(pattern, re.ASCII)

    def rule(number: str) -> None:
        if not compiled.fullmatch(number):
            raise ValidationError(message, code="format")

    return rule


def _free(low: int, high: int) -> Callable[[str], None]:
    def rule(number: str) -> None:
        odd = any(unicodedata.category(char)[0] in "CZ" or char in "<>=+@\"'`;\\" for char in number)
        if odd or not low <= len(number) <= high:
            raise ValidationError(
                _("证件号码应为 %(low)d 至 %(high)d 个字符，不含空格和特殊符号。"),
                code="format",
                params={"low": low, "high": high},
            )

    return rule


def _eighteen(number: str) -> None:
    """18 characters with the check digit of GB 11643 (MOD 11-2)."""
    if len(number) != 18:
        raise ValidationError(
            _("证件号码应为 18 位，现为 %(length)d 位。"), code="length", params={"length": len(number)}
        )
    if not _EIGHTEEN.fullmatch(number):
        raise ValidationError(_("证件号码应为 17 位数字加 1 位数字或字母 X。"), code="format")
    if ric.calc_check_digit(number) != number[17]:
        raise ValidationError(
            _("证件号码校验位不符，请逐位核对；末位是字母 X 的请不要写成 0。"), code="check_digit"
        )


def _telling(number: str) -> None:
    born = _date_in(number)
    if born is None or (born.year >= LONG_BORN and born > clock.today()):
        raise ValidationError(_("证件号码中的出生日期无效。"), code="birth_date")


def _date_in(number: str) -> date | None:
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


_RULES: Final[Mapping[str, Callable[[str], None]]] = {
    DocumentType.RESIDENT_ID: _resident,
    DocumentType.OFFICER: _free(4, 20),
    DocumentType.PASSPORT: _shaped(r"[A-Z0-9]{5,17}", _("护照号码应为 5 至 17 位字母或数字。")),
    DocumentType.HK_MACAO_TRAVEL: _shaped(
        r"[HM]\d{8}(\d{2})?", _("港澳居民来往内地通行证号码应为字母 H 或 M 加 8 位或 10 位数字。")
    ),
    DocumentType.TAIWAN_TRAVEL: _shaped(
        r"\d{8}|\d{10}[A-Z]?", _("台湾居民来往大陆通行证号码应为 8 位数字，或旧版 10 位数字。")
    ),
    DocumentType.HK_MACAO_RESIDENCE: _residence_permit("810000", "820000"),
    DocumentType.TAIWAN_RESIDENCE: _residence_permit("830000"),
    DocumentType.FOREIGN_RESIDENT: _foreign_resident,
    DocumentType.OTHER: _free(2, 40),
}

# How a number of each type is written, told beneath the field. The examples are those of the standards, or
# of places and people that do not exist.
FORMATS: Final[Mapping[str, _StrPromise]] = {
    DocumentType.RESIDENT_ID: _("18 位，末位可能是字母 X，如 11010519491231002X。"),
    DocumentType.OFFICER: _("按证件填写，4 至 20 个字符，如 军字第1234567号。"),
    DocumentType.PASSPORT: _("5 至 17 位字母或数字，如 E12345678。"),
    DocumentType.HK_MACAO_TRAVEL: _(
        "字母 H 或 M 加 8 位数字，如 H12345678；旧版末两位是换证次数，填不填都可以。"
    ),
    DocumentType.TAIWAN_TRAVEL: _("8 位数字，如 12345678；旧版为 10 位数字。"),
    DocumentType.HK_MACAO_RESIDENCE: _("18 位，以 810000 或 820000 开头，如 810000199408230021。"),
    DocumentType.TAIWAN_RESIDENCE: _("18 位，以 830000 开头，如 830000199408230025。"),
    DocumentType.FOREIGN_RESIDENT: _(
        "以 9 开头的 18 位号码，如 911124198108030024；旧版为 3 个字母加 12 位数字。"
    ),
    DocumentType.OTHER: _("按证件填写，2 至 40 个字符。"),
}
