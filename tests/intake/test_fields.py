"""Fields forgive how things are written and keep one way of writing them."""

from __future__ import annotations

import pytest
from django import forms
from django.core.exceptions import ValidationError

from intake import fields


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        (fields.DayField(), "2026-3-1", "2026-03-01"),
        (fields.DayField(), "20260301", "2026-03-01"),
        (fields.DayField(), "２０２６／３／１", "2026-03-01"),
        (fields.DayField(), "2026年3月1日", "2026-03-01"),
        (fields.MonthField(), "2020-3", "2020-03"),
        (fields.MonthField(), "202003", "2020-03"),
        (fields.MonthField(), "2020年3月", "2020-03"),
        (fields.NumberField(max_digits=4, decimal_places=1), "16.5", "16.5"),
        (fields.NumberField(max_digits=4, decimal_places=1), "４８", "48"),
        (fields.LineField(), " 示例路  1 号\n", "示例路 1 号"),
        (fields.LineField(), "示例\x1b路\u202e1号", "示例路1号"),
        (fields.NameField(), "古丽•测试", "古丽·测试"),
        (fields.NameField(), "𠮷测", "𠮷测"),
        (fields.MobileField(), "138 0000 5678", "13800005678"),
        (fields.CreditCodeField(), "91110000ma00000152", "91110000MA00000152"),
        (fields.CertificateField(), " zg2025 000001 ", "ZG2025000001"),
    ],
)
def test_many_ways_of_writing_are_kept_as_one(field: forms.Field, typed: str, kept: str) -> None:
    assert field.clean(typed) == kept


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        (fields.DayField(), "2026-02-30"),
        (fields.DayField(), "1826-02-03"),
        (fields.DayField(), "昨天"),
        (fields.MonthField(), "2020-13"),
        (fields.MonthField(), "2020"),
        (fields.CertificateField(), "证书1"),
    ],
)
def test_what_is_no_value_is_refused(field: forms.Field, typed: str) -> None:
    with pytest.raises(ValidationError):
        field.clean(typed)
