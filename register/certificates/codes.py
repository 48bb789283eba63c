"""The verification code of a certificate: 94 random bits and a check character, in groups of four.

Letters and digits that are easily taken for one another are left out. Their number is a prime, so the check
character catches every single wrong character and every two that changed places.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
RANDOM: Final = 19
GROUP: Final = 4


def draw() -> str:
    """A new code, from the system's source of randomness."""
    body = "".join(secrets.choice(ALPHABET) for _place in range(RANDOM))
    return body + _check_character(body)


def grouped(code: str) -> str:
    """A code as people read and type it: ABCD-EFGH-…"""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def check(text: str) -> str:
    """The code that somebody typed, without blanks and dashes. Raises ValidationError for a slip of the pen.

    It tells only whether a code can exist at all, never whether one does.
    """
    code = re.sub(r"[\s\-‐-―−_.]", "", unicodedata.normalize("NFKC", text)).upper()
    if len(code) != RANDOM + 1:
        raise ValidationError(_("验证码应为 20 位字母和数字，请对照执业证填写。"), code="length")
    if not set(code) <= set(ALPHABET) or code[-1] != _check_character(code[:-1]):
        raise ValidationError(_("验证码有误，请对照执业证逐组核对。"), code="slip")
    return code


def _check_character(body: str) -> str:
    # Every place weighs differently and none a multiple of the prime.
    total = sum(weight * ALPHABET.index(sign) for weight, sign in enumerate(body, 2))
    return ALPHABET[-total % len(ALPHABET)]
