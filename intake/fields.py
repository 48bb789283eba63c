"""Form fields of the application: forgiving in what they accept, exact in what they keep.

Full-width letters, spaces and the many ways to write a date are made uniform. Every field keeps plain
JSON values, so that what is stored can be checked again by the very form that took it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from register import contact, employer, names

Choices = Sequence[tuple[str, str | Promise]]


def plain(text: str) -> str:
    """Half-width letters and digits, no blanks at the ends."""
    return unicodedata.normalize("NFKC", text).strip()


# Marks that turn the direction of what follows: beside them an officer reads another text than is stored.
TURNS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
NO_TEXT: Final = frozenset({"Cc", "Cs"})


def plain_line(text: str) -> str:
    """One line: single blanks inside, without control characters, which no print or workbook takes."""
    return " ".join(plain_text(" ".join(text.split())).split())


def plain_text(text: str) -> str:
    """Without control characters and marks of direction; blanks stay as they are."""
    return "".join(char for char in text if char not in TURNS and unicodedata.category(char) not in NO_TEXT)


class LineField(forms.CharField):
    """One line of free text: blanks and line breaks inside become single blanks."""

    def to_python(self, value: Any) -> str:
        return plain_line(super().to_python(value) or "")


class TextField(forms.CharField):
    """Several lines: line breaks are counted as one character, as the page counts them."""

    def to_python(self, value: Any) -> str:
        lines = (super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return "\n".join(plain_text(line).rstrip() for line in lines).strip()


class CheckedField(forms.CharField):
    """Text that a rule of the register normalises or refuses."""

    check: Callable[[str], str]

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        return type(self).check(text) if text else ""


class NameField(CheckedField):
    """A person's name: rare characters are welcome, only the separator is made uniform."""

    check = staticmethod(names.check)


class MobileField(CheckedField):
    check = staticmethod(contact.check_mobile)


class PhoneField(CheckedField):
    """A landline or mobile number."""

    check = staticmethod(contact.check_phone)


class PostcodeField(CheckedField):
    check = staticmethod(contact.check_postcode)


class MailField(CheckedField):
    widget = forms.EmailInput
    check = staticmethod(contact.check_email)


class CreditCodeField(CheckedField):
    """A unified social credit code (统一社会信用代码), GB 32100."""

    check = staticmethod(employer.check_uscc)


CERTIFICATE: Final = re.compile(r"[0-9A-Z]{5,24}")


def check_certificate_number(text: str) -> str:
    """Number of a qualification or registration certificate, upper case. Raises `ValidationError`."""
    number = re.sub(r"\s", "", plain(text)).upper()
    if not CERTIFICATE.fullmatch(number):
        raise ValidationError(_("证书编号应为 5 至 24 位数字或字母，请对照证书填写。"), code="format")
    return number


class CertificateField(CheckedField):
    check = staticmethod(check_certificate_number)


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class MonthInput(forms.TextInput):
    input_type = "month"


DAY_PARTS: Final = re.compile(r"(\d{4})\D*(\d{1,2})\D+(\d{1,2})\D*|(\d{4})(\d{2})(\d{2})")
MONTH_PARTS: Final = re.compile(r"(\d{4})\D+(\d{1,2})\D*|(\d{4})(\d{2})")
FIRST_YEAR: Final = 1900


class DayField(forms.CharField):
    """A day, kept as ISO text. Accepts 2026-03-01, 2026/3/1, 20260301 and 2026年3月1日."""

    widget = DayInput

    def to_python(self, value: Any) -> str:
        text = plain(super().to_python(value) or "")
        if not text:
            return ""
        found = DAY_PARTS.fullmatch(text)
        try:
            day = date(*(int(part) for part in found.groups() if part)) if found else None
        except ValueError:
            day = None
        if day is None or day.year < FIRST_YEAR:
            raise ValidationError(_("请填写存在的日期，格式如 2026-03-01。"), code="invalid")
        return day.isoformat()


class MonthField(forms.CharField):
    """A month, kept as `YYYY-MM`. Accepts 2020-03, 2020/3, 202003 and 2020年3月."""

    widget = MonthInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Browsers without a month picker show a line of text: say how to fill it.
        self.widget.attrs.update({"placeholder": "2020-03", "pattern": r"\d{4}-\d{1,2}"})

    def to_python(self, value: Any) -> str:
        text = plain(super().to_python(value) or "")
        if not text:
            return ""
        found = MONTH_PARTS.fullmatch(text)
        year, month = (int(part) for part in found.groups() if part) if found else (0, 0)
        if not (year >= FIRST_YEAR and 1 <= month <= 12):
            raise ValidationError(_("请填写年份和月份，格式如 2020-03。"), code="invalid")
        return f"{year:04d}-{month:02d}"


NUMBER: Final = re.compile(r"-?\d{1,9}(\.\d{1,6})?", re.ASCII)


class NumberField(forms.DecimalField):
    """A number as people write it, kept as text without trailing zeros; no powers of ten, no infinity."""

    def clean(self, value: Any) -> str:
        text = plain(value) if isinstance(value, str) else value
        if isinstance(text, str) and text and not NUMBER.fullmatch(text):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        number = super().clean(text)
        return "" if number is None else f"{number.normalize():f}"


class CodeField(forms.ChoiceField):
    """A choice from a code list; an empty first line asks to choose."""

    def __init__(self, *, codes: Choices, radios: bool = False, **kwargs: Any) -> None:
        lines = list(codes) if radios else [("", _("请选择")), *codes]
        kwargs.setdefault("widget", forms.RadioSelect if radios else forms.Select)
        super().__init__(choices=lines, **kwargs)


class CodesField(forms.MultipleChoiceField):
    """Several choices from a code list."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, *, codes: Choices, **kwargs: Any) -> None:
        super().__init__(choices=list(codes), **kwargs)
