"""What a manager fills in about the agency."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from register import contact
from tenants import settings_of
from tenants.models import Agency
from tenants.settings_of import EDITABLE, YES, Overtaken

_INCOMPLETE: Final = _("页面内容不完整，请重新打开本页。")
_SEVERAL: Final = re.compile(r"[、,;/]")
_NUMBER: Final = re.compile(r"\+?[\d()\- 转]+", re.ASCII)
SHORTEST_NUMBER: Final = 5
MATERIALS_MEAN: Final = {
    Agency.Materials.PAPER: _("申请人打印申请表，连同附件交到或者寄到本机构；系统中不上传附件。"),
    Agency.Materials.UPLOAD: _("申请人在系统中上传附件，不用交纸质材料。"),
    Agency.Materials.BOTH: _("申请人在系统中上传附件，同时交纸质材料。"),
}


def clean_phones(text: str) -> str:
    """One or several numbers, hotlines and extensions included, parted the same way."""
    plain = unicodedata.normalize("NFKC", text)
    parts = [" ".join(part.split()) for part in _SEVERAL.split(plain) if part.strip()]
    for part in parts:
        if not _NUMBER.fullmatch(part) or sum(letter.isdecimal() for letter in part) < SHORTEST_NUMBER:
            raise ValidationError(_("请填写电话号码，例如 010-12345678、12350。"), code="phone")
    return "、".join(parts)


class SettingsForm(forms.Form):
    """The agency's own settings. `seen` holds what they were when the page was opened."""

    phone = forms.CharField(
        label=_("咨询电话"),
        required=False,
        max_length=60,
        help_text=_("申请人在机构名录、进度页和通知中看到。有多个的，用顿号分开。"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "text"}),
    )
    email = forms.CharField(
        label=_("电子邮箱"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    address = forms.CharField(
        label=_("办公地址"),
        required=False,
        max_length=200,
        help_text=_("递交和邮寄纸质材料的地址。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    hours = forms.CharField(
        label=_("办公时间"),
        required=False,
        max_length=200,
        help_text=_("例如：工作日 9:00–11:30，13:30–17:00。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    materials_mode = forms.ChoiceField(
        label=_("材料方式"),
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择材料方式。"), "invalid_choice": _("请选择材料方式。")},
        help_text=_("更改后立即用于尚未上报的申请。"),
        choices=[
            (mode.value, format_html("{}<small>{}</small>", mode.label, meaning))
            for mode, meaning in MATERIALS_MEAN.items()
        ],
    )
    countersign = forms.BooleanField(
        label=_("初审意见须由另一人复核"),
        required=False,
        help_text=_(
            "经办人员出具意见后，由审核人员复核同意才生效。只用于更改后上报的申请；"
            "已上报的申请仍按上报时的规定办理。"
        ),
    )
    letter_head = forms.CharField(
        label=_("文书抬头"),
        required=False,
        max_length=100,
        help_text=_("印在通知书、凭证和汇总表上的单位名称。不填写的，印本机构名称。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    retention_years = forms.IntegerField(
        label=_("案卷保存年限"),
        min_value=10,
        max_value=100,
        error_messages={
            "required": _("请填写年数。"),
            "invalid": _("请填写整数。"),
            "min_value": _("请填写 10 至 100 之间的年数。"),
            "max_value": _("请填写 10 至 100 之间的年数。"),
        },
        help_text=_("自办结之日起，不少于 10 年。"),
    )
    seen = forms.JSONField(
        widget=forms.HiddenInput, error_messages={"required": _INCOMPLETE, "invalid": _INCOMPLETE}
    )

    def __init__(self, data: Mapping[str, Any] | None, *, agency: Agency) -> None:
        stands = settings_of.current(agency)
        super().__init__(data, initial={**stands, "seen": stands})

    def clean_phone(self) -> str:
        return clean_phones(self.cleaned_data["phone"])

    def clean_email(self) -> str:
        address: str = self.cleaned_data["email"]
        return contact.check_email(address) if address else ""

    def clean_seen(self) -> dict[str, Any]:
        seen = self.cleaned_data["seen"]
        if not isinstance(seen, dict) or seen.keys() != set(EDITABLE):
            raise ValidationError(_INCOMPLETE, code="seen")
        return seen

    @property
    def changed(self) -> dict[str, Any]:
        """What the manager changed, against what stood on the page."""
        given, seen = self.cleaned_data, self.cleaned_data["seen"]
        return {name: given[name] for name in EDITABLE if given[name] != seen[name]}

    def take_over(self, overtaken: Overtaken) -> None:
        """Show what the settings have become meanwhile, and keep what was typed.

        What the manager did not touch shows what it is now; what was touched is told beside its field, and
        the next saving counts.
        """
        touched = self.changed
        shown: dict[str, Any] = {name: self.data.get(name) for name in self.fields}
        for name, value in overtaken.now.items():
            if name not in touched:
                shown[name] = ("on" if value else "") if isinstance(value, bool) else str(value)
            elif value not in (self.cleaned_data["seen"][name], touched[name]):
                self.add_error(name, _told(name, value, overtaken))
        self.data = {**shown, "seen": json.dumps(dict(overtaken.now))}


def _told(name: str, value: Any, overtaken: Overtaken) -> str:
    change = overtaken.by.get(name)
    who = change.user.display_name if change else _("他人")
    return _("{who}刚才已改为“{now}”。仍要改为您填写的内容，请再次保存。").format(
        who=who, now=in_words(name, value) or _("（空）")
    )


def in_words(name: str, value: Any) -> str:
    """A setting's value, on the row or in the record, as it is read."""
    if name == "materials_mode":
        return str(Agency.Materials(value).label) if value in Agency.Materials.values else str(value)
    if name == "countersign":
        return str(_("须复核") if value in (True, YES) else _("不须复核"))
    return str(_("{n} 年")).format(n=value) if name == "retention_years" else str(value)


LABELS: Final = {name: SettingsForm.base_fields[name].label or name for name in EDITABLE}
