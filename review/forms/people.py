"""What managers fill in about the people of their desk, and officers at the counter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from register import clock, contact, documents, employer, names
from register.models import DocumentType
from tenants.models import Agency, User
from tenants.rolebook import stay_apart
from tenants.roles import DUTIES_MEET, offered_by


class _Checked(forms.CharField):
    """Text that a rule of the register normalises or refuses."""

    def __init__(self, *, check: Callable[[str], str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        return self.check(text) if text else ""


def _name() -> _Checked:
    return _Checked(
        label=_("姓名"),
        max_length=100,
        check=names.check,
        error_messages={"required": _("请填写姓名。")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


def _email() -> _Checked:
    return _Checked(
        label=_("电子邮箱"),
        max_length=254,
        required=False,
        check=contact.check_email,
        help_text=_("填写后，邀请链接发到该邮箱；没有邮箱的，由您把链接交给本人。"),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


def _phone() -> _Checked:
    return _Checked(
        label=_("手机号码"),
        max_length=30,
        required=False,
        check=contact.check_mobile,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
    )


class RolesForm(forms.Form):
    """The roles of somebody, each with what its holder may do."""

    roles = forms.MultipleChoiceField(
        label=_("角色"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=DUTIES_MEET,
    )

    def __init__(self, *args: Any, agency: Agency, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["roles"]
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = [
                (role.code, format_html("{}<small>{}</small>", role.label, role.description))
                for role in offered_by(agency)
            ]

    def clean_roles(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["roles"]
        if not stay_apart(chosen):
            raise ValidationError(DUTIES_MEET, code="duties")
        return chosen


class InviteForm(RolesForm):
    """A new colleague."""

    field_order = ["name", "username", "email", "phone", "roles"]

    name = _name()
    username = forms.CharField(
        label=_("登录名"),
        max_length=60,
        help_text=_("小写字母、数字和 . _ -，如 li.beijing；开通后不再更改。"),
        error_messages={"required": _("请填写登录名。")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )
    email = _email()
    phone = _phone()

    def __init__(self, *args: Any, agency: Agency, **kwargs: Any) -> None:
        super().__init__(*args, agency=agency, **kwargs)
        self.fields["roles"].required = True
        self.fields["roles"].error_messages["required"] = _("请至少选择一个角色。")

    def clean_username(self) -> str:
        username = str(self.cleaned_data["username"]).lower()
        User._meta.get_field("username").run_validators(username)
        return username


class ParticularsForm(forms.Form):
    """Name, contact, and what keeps somebody away from cases of their own."""

    name = _name()
    email = _email()
    phone = _phone()
    employer_code = _Checked(
        label=_("统一社会信用代码"),
        max_length=40,
        required=False,
        check=employer.check_uscc,
        help_text=_("本人任职单位的代码。聘用单位相同的案卷，本人须回避（中央企业渠道除外）。"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    document_type = forms.ChoiceField(
        label=_("证件类型"), required=False, choices=DocumentType.choices, initial=DocumentType.RESIDENT_ID
    )
    number = forms.CharField(
        label=_("证件号码"),
        max_length=60,
        required=False,
        help_text=_("用于识别本人的申请，以便回避。系统只保存不可还原的摘要，不保存号码；不更改的，请留空。"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    forget_document = forms.BooleanField(label=_("删除已登记的证件摘要"), required=False)

    def __init__(self, *args: Any, has_document: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_document:
            del self.fields["forget_document"]

    def clean(self) -> dict[str, Any]:
        """`document_digest`: None where nothing changes, empty where it is forgotten."""
        given: dict[str, Any] = self.cleaned_data
        given["document_digest"] = "" if given.get("forget_document") else None
        kind, number = given.get("document_type"), given.get("number")
        if number and kind:
            try:
                given["document_digest"] = documents.digest(kind, documents.check(kind, number))
            except ValidationError as error:
                self.add_error("number", error)
        return given


class LeaveForm(forms.Form):
    """From when until when, and who stands in."""

    since = forms.DateField(
        label=_("开始日期"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": _("请填写开始日期。"), "invalid": _("请按 2026-11-23 的格式填写日期。")},
    )
    until = forms.DateField(
        label=_("结束日期"),
        help_text=_("含当日。"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": _("请填写结束日期。"), "invalid": _("请按 2026-11-23 的格式填写日期。")},
    )
    deputy = forms.TypedChoiceField(
        label=_("代理人"),
        coerce=int,
        help_text=_("代理期间可以办理请假人手中的案卷，以代理人自己的名义记录。"),
        error_messages={"required": _("请选择代理人。"), "invalid_choice": _("请从列表中选择一项。")},
    )

    def __init__(self, *args: Any, colleagues: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["deputy"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", _("请选择")), *((user.pk, user.display_name) for user in colleagues)]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = self.cleaned_data
        since: date | None = given.get("since")
        until: date | None = given.get("until")
        if since and since < clock.today():
            self.add_error("since", _("开始日期不能早于今天。"))
        if since and until and until < since:
            self.add_error("until", _("结束日期不能早于开始日期。"))
        return given


class HandOverForm(forms.Form):
    """To whom open cases go: several colleagues share them."""

    to = forms.TypedMultipleChoiceField(
        label=_("改派给"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("可以选择几位：每份案卷分给其中在手最少、又不须回避的一位。"),
    )

    def __init__(
        self,
        *args: Any,
        colleagues: Sequence[User],
        loads: Mapping[int, int],
        must: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["to"]
        field.required = must
        field.error_messages["required"] = _("请至少选择一位同事。")
        if isinstance(field, forms.TypedMultipleChoiceField):
            field.choices = [
                (
                    user.pk,
                    _("{name}（在手 {n} 份）").format(name=user.display_name, n=loads.get(user.pk, 0)),
                )
                for user in colleagues
            ]


class StaffFileForm(forms.Form):
    """A sheet of colleagues to be invited."""

    file = forms.FileField(
        label=_("人员名单"),
        help_text=_("CSV 或 XLSX，第一行为列名。上传后先预览，不会立即发出邀请。"),
        error_messages={"required": _("请选择文件。"), "empty": _("文件是空的，请重新选择。")},
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
    )


class CounterForm(forms.Form):
    """Who stands at the counter, and that the original document was seen."""

    name = _name()
    document_type = forms.ChoiceField(
        label=_("证件类型"), choices=DocumentType.choices, initial=DocumentType.RESIDENT_ID
    )
    number = forms.CharField(
        label=_("证件号码"),
        max_length=60,
        error_messages={"required": _("请填写证件号码。")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    reason = forms.CharField(
        label=_("事由"),
        max_length=200,
        help_text=_("如：本人到柜台办理，未留存邮箱，忘记密码。"),
        error_messages={"required": _("请说明事由。")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    seen = forms.BooleanField(
        label=_("已核对证件原件，确为本人"),
        error_messages={"required": _("核对证件原件以后才能签发。")},
    )

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = self.cleaned_data
        if given.get("document_type") and given.get("number"):
            try:
                given["number"] = documents.check(given["document_type"], given["number"])
            except ValidationError as error:
                self.add_error("number", error)
        return given
