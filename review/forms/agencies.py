"""What an administrator of the authority fills in about an agency."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from register import contact, names
from review.forms.settings import MATERIALS_MEAN, SettingsForm, clean_phones
from tenants import agencies
from tenants.errors import Refusal
from tenants.models import Agency, User
from tenants.settings_of import Overtaken

_INCOMPLETE: Final = _("页面内容不完整，请重新打开本页。")
KINDS: Final = [choice for choice in Agency.Kind.choices if choice[0] != Agency.Kind.AUTHORITY]
REASON_LENGTH: Final = 200


class AgencyForm(forms.Form):
    """Names, contact data and manner of work of an agency."""

    name_zh = forms.CharField(
        label=_("中文名称"),
        max_length=100,
        error_messages={"required": _("请填写中文名称。")},
        help_text=_("机构全称，印在文书和汇总表上。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    name_en = forms.CharField(
        label=_("英文名称"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "lang": "en"}),
    )
    phone = SettingsForm.base_fields["phone"]
    email = SettingsForm.base_fields["email"]
    address = SettingsForm.base_fields["address"]
    hours = SettingsForm.base_fields["hours"]
    materials_mode = forms.ChoiceField(
        label=_("材料方式"),
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择材料方式。"), "invalid_choice": _("请选择材料方式。")},
        initial=Agency.Materials.PAPER,
        choices=[
            (mode.value, format_html("{}<small>{}</small>", mode.label, meaning))
            for mode, meaning in MATERIALS_MEAN.items()
        ],
    )
    review_clock_applies = forms.BooleanField(
        label=_("适用初审法定时限"),
        required=False,
        initial=True,
        help_text=_("不适用的，受理和初审期限只作为办理目标，逾期不视为受理。"),
    )

    def clean_phone(self) -> str:
        return clean_phones(self.cleaned_data["phone"])

    def clean_email(self) -> str:
        address: str = self.cleaned_data["email"]
        return contact.check_email(address) if address else ""


class OpeningForm(AgencyForm):
    """An agency to be opened, and its first manager."""

    field_order = ["code", "kind", "name_zh", "name_en"]

    key = forms.UUIDField(widget=forms.HiddenInput, error_messages={"required": _INCOMPLETE})
    code = forms.CharField(
        label=_("机构代码"),
        max_length=30,
        help_text=_("2 至 30 位小写字母或数字，以字母开头，如 hebei。用作网址和数据架构名，开通后不能更改。"),
        error_messages={"required": _("请填写机构代码。")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )
    kind = forms.ChoiceField(
        label=_("机构类别"),
        choices=[("", _("请选择")), *KINDS],
        error_messages={"required": _("请选择机构类别。"), "invalid_choice": _("请选择机构类别。")},
    )
    manager_name = forms.CharField(
        label=_("姓名"),
        max_length=100,
        error_messages={"required": _("请填写首位管理员的姓名。")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    manager_username = forms.CharField(
        label=_("登录名"),
        max_length=60,
        help_text=_("小写字母、数字和 . _ -，如 li.hebei；开通后不再更改。"),
        error_messages={"required": _("请填写首位管理员的登录名。")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )
    manager_email = forms.CharField(
        label=_("电子邮箱"),
        max_length=254,
        required=False,
        help_text=_("填写后，邀请链接发到该邮箱；没有邮箱的，开通后显示一次链接，由您交给本人。"),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, initial={"key": uuid4()})

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        try:
            agencies.check_new_code(code)
        except Refusal as no:
            raise ValidationError(str(no.message), code=no.code) from no
        return code

    def clean_name_zh(self) -> str:
        name: str = self.cleaned_data["name_zh"]
        try:
            agencies.check_new_name(name)
        except Refusal as no:
            raise ValidationError(str(no.message), code=no.code) from no
        return name

    def clean_manager_name(self) -> str:
        return names.check(self.cleaned_data["manager_name"])

    def clean_manager_username(self) -> str:
        username = str(self.cleaned_data["manager_username"]).lower()
        User._meta.get_field("username").run_validators(username)
        if User.objects.filter(username=username).exists():
            raise ValidationError(_("该登录名已被使用，请换一个。"), code="username")
        return username

    def clean_manager_email(self) -> str:
        address: str = self.cleaned_data["manager_email"]
        return contact.check_email(address) if address else ""

    @property
    def wish(self) -> dict[str, Any]:
        """What is asked for, as the job keeps it."""
        given = self.cleaned_data
        plain = ("code", "kind", *agencies.EDITABLE)
        return {
            **{name: given[name] for name in plain},
            "manager": {
                "name": given["manager_name"],
                "username": given["manager_username"],
                "email": given["manager_email"],
            },
        }


class ChangeForm(AgencyForm):
    """Names, contact data and manner of work, as they may be changed. `seen`: what stood on the page."""

    seen = forms.JSONField(
        widget=forms.HiddenInput, error_messages={"required": _INCOMPLETE, "invalid": _INCOMPLETE}
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, agency: Agency) -> None:
        stands = {name: getattr(agency, name) for name in agencies.EDITABLE}
        super().__init__(data, initial={**stands, "seen": stands})

    def clean_seen(self) -> dict[str, Any]:
        seen = self.cleaned_data["seen"]
        if not isinstance(seen, dict) or seen.keys() != set(agencies.EDITABLE):
            raise ValidationError(_INCOMPLETE, code="seen")
        return seen

    @property
    def changed(self) -> dict[str, Any]:
        """What was changed, against what stood on the page."""
        given, seen = self.cleaned_data, self.cleaned_data["seen"]
        return {name: given[name] for name in agencies.EDITABLE if given[name] != seen[name]}

    def take_over(self, overtaken: Overtaken) -> None:
        """Keep what was typed; what was not touched shows what it has become meanwhile."""
        touched = self.changed
        shown: dict[str, Any] = {name: self.data.get(name) for name in self.fields}
        for name, value in overtaken.now.items():
            if name not in touched:
                shown[name] = ("on" if value else "") if isinstance(value, bool) else str(value)
        self.data = {**shown, "seen": json.dumps(dict(overtaken.now))}


class SuspensionForm(forms.Form):
    """Why an agency takes no applications."""

    reason = forms.CharField(
        label=_("暂停的原因"),
        max_length=REASON_LENGTH,
        help_text=_("申请人在注册机构列表和申请页面看到，例如：因系统搬迁，12 月 5 日恢复接收申请。"),
        error_messages={"required": _("请写明暂停的原因，申请人将看到。")},
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class MergerForm(forms.Form):
    """Into which agency another one goes, and why."""

    target = forms.ChoiceField(
        label=_("并入的机构"),
        error_messages={
            "required": _("请选择并入的机构。"),
            "invalid_choice": _("请选择一个正在接收申请的机构。"),
        },
    )
    reason = forms.CharField(
        label=_("合并的依据和理由"),
        max_length=1000,
        help_text=_("写入每件转交案卷的流转记录和转交告知书，申请人将看到全文。"),
        error_messages={"required": _("请说明理由。")},
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, targets: Sequence[Agency]) -> None:
        super().__init__(data)
        self.targets = {agency.code: agency for agency in targets}
        field = self.fields["target"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", _("请选择")), *((a.code, a.name) for a in targets)]

    @property
    def chosen(self) -> Agency:
        return self.targets[self.cleaned_data["target"]]


class ManagerForm(forms.Form):
    """One more manager of an agency, invited by the authority."""

    name = OpeningForm.base_fields["manager_name"]
    username = OpeningForm.base_fields["manager_username"]
    email = OpeningForm.base_fields["manager_email"]

    def clean_name(self) -> str:
        return names.check(self.cleaned_data["name"])

    def clean_username(self) -> str:
        username = str(self.cleaned_data["username"]).lower()
        User._meta.get_field("username").run_validators(username)
        return username

    def clean_email(self) -> str:
        address: str = self.cleaned_data["email"]
        return contact.check_email(address) if address else ""


LABELS: Final = {
    **{name: AgencyForm.base_fields[name].label or name for name in agencies.EDITABLE},
    "intake_open": _("接收申请"),
    "intake_note": _("暂停的原因"),
    "merged_into": _("并入机构"),
    "merged_at": _("合并完成"),
    "merger_hand": _("合并经办人"),
    "schema": _("数据架构"),
}
