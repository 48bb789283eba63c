"""Password rules: at least eight characters of at least three classes (graded protection, GB/T 22239)."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MIN_LENGTH: Final = 8
MIN_CLASSES: Final = 3
CLASSES: Final[tuple[Callable[[str], bool], ...]] = (
    lambda letter: letter in string.ascii_lowercase,
    lambda letter: letter in string.ascii_uppercase,
    lambda letter: letter in string.digits,
    lambda letter: not (letter.isascii() and letter.isalnum()),
)


class LengthAndClasses:
    """Django password validator: length, and lower case, upper case, digits, other signs."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError with one sentence per fault."""
        faults = []
        if len(password) < MIN_LENGTH:
            faults.append(
                ValidationError(
                    _("密码至少需要 %(length)d 个字符。"),
                    code="password_short",
                    params={"length": MIN_LENGTH},
                )
            )
        if sum(any(map(belongs, password)) for belongs in CLASSES) < MIN_CLASSES:
            faults.append(
                ValidationError(
                    _("密码须包含大写字母、小写字母、数字、符号中的至少三类。"), code="password_simple"
                )
            )
        if faults:
            raise ValidationError(faults)

    def get_help_text(self) -> str:
        return _("密码至少 8 个字符，并包含大写字母、小写字母、数字、符号中的至少三类。")
