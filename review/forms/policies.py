"""What the administrator fills in for a policy value: the value its day and its source."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from register import clock
from register.policy_book import SOURCE_LENGTH, Field, Key

YES: Final = "yes"
NO: Final = "no"
REQUIRED: Final = {"required": gettext_lazy("请填写新值。"), "invalid": gettext_lazy("请填写整数。")}


class PolicyForm(forms.Form):
    """A new value of one key; `value` is made by the key's kind."""

    value: forms.Field

    valid_from = forms.DateField(
        label=gettext_lazy("生效日期"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("最早为明天，不能追溯。"),
        error_messages={
            "required": gettext_lazy("请填写生效日期。"),
            "invalid": gettext_lazy("日期无效，请写成 2027-01-01 的形式。"),
        },
    )
    source = forms.CharField(
        label=gettext_lazy("依据"),
        max_length=SOURCE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("写明文件名称、文号和条款，将与新值一并公布和留存。"),
        error_messages={"required": gettext_lazy("请写明依据。")},
    )
    field_order = ("value", "valid_from", "source")

    def __init__(self, data: Mapping[str, Any] | None = None, *, key: Key, now: Any) -> None:
        """`now` is the value that counts today, which stands in the field at first."""
        today = clock.today()
        initial = {"value": shown(key, now), "valid_from": date(today.year + 1, 1, 1)}
        super().__init__(data, initial=initial)
        self.key = key
        self.fields["value"] = _field(key)
        self.order_fields(self.field_order)

    def clean_value(self) -> Any:
        return given(self.key, self.cleaned_data["value"])

    def clean_valid_from(self) -> date:
        day: date = self.cleaned_data["valid_from"]
        if day <= clock.today():
            raise ValidationError(_("新值最早从明天起生效，不能追溯。"), code="retroactive")
        if day.year > clock.today().year + 20:
            raise ValidationError(_("生效日期太远，请核对年份。"), code="far")
        return day


def _field(key: Key) -> forms.Field:
    label, help_text = gettext_lazy("新值"), str(key.help)
    if key.field == Field.YES_NO:
        choices = [(YES, gettext_lazy("是")), (NO, gettext_lazy("否"))]
        return forms.ChoiceField(label=label, choices=choices, widget=forms.RadioSelect, help_text=help_text)
    if key.field == Field.CHOICE:
        return forms.ChoiceField(
            label=label,
            choices=list((key.choices or {}).items()),
            widget=forms.RadioSelect,
            help_text=help_text,
            error_messages={
                "required": gettext_lazy("请填写新值。"),
                "invalid_choice": gettext_lazy("请选择列出的值。"),
            },
        )
    if key.field == Field.PATTERN:
        return forms.CharField(
            label=label,
            max_length=60,
            help_text=help_text,
            widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            error_messages=REQUIRED,
        )
    low, high = (0, 100) if key.field == Field.SHARE else (key.low, key.high)
    return forms.IntegerField(
        label=label,
        min_value=low,
        max_value=high,
        required=not key.none,
        help_text=help_text,
        error_messages={
            **REQUIRED,
            "min_value": gettext_lazy("不能小于 %(limit_value)s。"),
            "max_value": gettext_lazy("不能大于 %(limit_value)s。"),
        },
    )


def shown(key: Key, value: Any) -> Any:
    """A value as it stands in the field."""
    if key.field == Field.YES_NO:
        return YES if value else NO
    if key.field == Field.SHARE:
        return round(value * 100)
    return value


def given(key: Key, value: Any) -> Any:
    """What was filled in, as it is kept."""
    if key.field == Field.YES_NO:
        return value == YES
    if key.field == Field.SHARE:
        return value / 100
    return value
