"""What the signing officer fills in to take an ended application up again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from register import clock
from review.forms.desk import TEXT_LENGTH
from review.models import RulingKind


class ReinstatementForm(forms.Form):
    """The reconsideration decision or judgment: which, by whom, when, and what it demands."""

    basis = forms.ChoiceField(
        label=gettext_lazy("依据"),
        choices=RulingKind.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("请选择恢复审查的依据。"),
            "invalid_choice": gettext_lazy("请选择恢复审查的依据。"),
        },
    )
    number = forms.CharField(
        label=gettext_lazy("文号"),
        max_length=100,
        help_text=gettext_lazy("照录文书上的文号，例如：示例复决〔2026〕12号。"),
        error_messages={"required": gettext_lazy("请填写文号。")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    decided_by = forms.CharField(
        label=gettext_lazy("作出机关"),
        max_length=100,
        help_text=gettext_lazy("复议机关或者人民法院的全称。"),
        error_messages={"required": gettext_lazy("请填写作出机关。")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    decided_on = forms.DateField(
        label=gettext_lazy("作出日期"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": gettext_lazy("请填写作出日期。"),
            "invalid": gettext_lazy("日期无效，请写成 2026-11-23 的形式。"),
        },
    )
    text = forms.CharField(
        label=gettext_lazy("文书内容"),
        max_length=TEXT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("写明文书撤销了什么、要求怎样重新审查。申请人和办理人员都将看到全文。"),
        error_messages={"required": gettext_lazy("请写明文书内容。")},
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, not_before: date) -> None:
        """`not_before` is the day of the decision that the ruling sets aside."""
        super().__init__(data)
        self.not_before = not_before

    def clean_decided_on(self) -> date:
        day: date = self.cleaned_data["decided_on"]
        if day > clock.today():
            raise ValidationError(_("作出日期不能晚于今天。"), code="later")
        if day < self.not_before:
            raise ValidationError(_("作出日期早于本案原决定的日期，请核对。"), code="before")
        return day
