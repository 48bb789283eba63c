"""Employers: the unified social credit code of GB 32100-2015 and the names they carry."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from stdnum.cn import uscc

_SHAPE: Final = re.compile(r"[0-9A-HJ-NP-RTUWXY]{2}\d{6}[0-9A-HJ-NP-RTUWXY]{10}", re.ASCII)
# GB 11714: check character of the organisation code that stands at positions 9 to 17.
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Registering authority 1 (the staffing office) with kind 1: an organ of the state.
_STATE_ORGAN: Final = "11"


def check_uscc(text: str) -> str:
    """The normalised code. Raises ValidationError; the check character is that of GB 32100 (mod 31)."""
    code = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text)).upper()
    if len(code) != 18:
        raise ValidationError(
            _("统一社会信用代码应为 18 位，现为 %(length)d 位。"), code="length", params={"length": len(code)}
        )
    if not _SHAPE.fullmatch(code):
        raise ValidationError(
            _("统一社会信用代码只含数字和大写字母，不使用字母 I、O、S、V、Z，第 3 至 8 位为数字。"),
            code="format",
        )
    if uscc.calc_check_digit(code) != code[17]:
        raise ValidationError(_("统一社会信用代码校验位不符，请对照营业执照逐位核对。"), code="check")
    return code


def code_warning(code: str) -> Promise | None:
    """A hint that part of the code looks odd. Old organisation codes are not always kept: never an error."""
    part = code[8:17]
    if len(part) != 9 or any(char not in _ALPHABET for char in part):
        return None
    if _organisation_check(part[:8]) == part[8]:
        return None
    return _("信用代码第 9 至 17 位与组织机构代码规则不符，请再核对一次。")


def is_state_organ(code: str) -> bool:
    """Staff of state organs cannot register (不适用单位)."""
    return code.startswith(_STATE_ORGAN)


def with_check_character(first_17: str) -> str:
    """A unified social credit code from its first 17 characters."""
    return first_17 + str(uscc.calc_check_digit(first_17))


def _organisation_check(part: Sequence[str]) -> str:
    total = sum(
        _ALPHABET.index(char) * weight for char, weight in zip(part, _ORGANISATION_WEIGHTS, strict=True)
    )
    value = 11 - total % 11
    return {10: "X", 11: "0"}.get(value, str(value))
