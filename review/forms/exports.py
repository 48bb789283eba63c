"""What an officer chooses when a list is exported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from register.tables import Form


class ExportForm(forms.Form):
    """The kind of file; for who may, the full document numbers with the reason for them."""

    format = forms.ChoiceField(
        label=_("文件格式"),
        choices=[
            (Form.XLSX.value, _("XLSX（Excel、WPS 表格）")),
            (Form.CSV.value, _("CSV（文本，UTF-8）")),
        ],
        initial=Form.XLSX.value,
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择文件格式。"), "invalid_choice": _("请选择文件格式。")},
    )
    full = forms.BooleanField(
        label=_("显示完整证件号码"),
        required=False,
        help_text=_(
            "每一位申请人的查看记录中都会写明是谁、何时、因何事由导出。本人的和已转交的案卷仍用掩码。"
        ),
    )
    reason = forms.CharField(
        label=_("事由"),
        required=False,
        max_length=150,
        help_text=_("选择显示完整证件号码的必填，例如：与公安机关核对身份。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, may_see: bool) -> None:
        super().__init__(data)
        if not may_see:
            del self.fields["full"], self.fields["reason"]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if given.get("full") and not given.get("reason") and "reason" not in self.errors:
            self.add_error("reason", _("显示完整证件号码须填写事由。"))
        return given
