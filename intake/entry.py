"""Forms of the ways in: sign in, verify one's identity, set the password."""

from __future__ import annotations

from typing import Any

from captcha.fields import CaptchaField
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from intake.fields import CertificateField, CodeField, NameField
from register import clock, documents
from register.models import DocumentType
from tenants.models import User

FIRST_EXAM_YEAR = 2002


def document_type() -> CodeField:
    return CodeField(
        label=_("证件类型"),
        codes=DocumentType.choices,
        initial=DocumentType.RESIDENT_ID,
        error_messages={"required": _("请选择证件类型。")},
    )


class DocumentForm(forms.Form):
    """Document type and number, and the captcha that stands on every public form."""

    number = forms.CharField(
        label=_("证件号码"),
        max_length=60,
        error_messages={"required": _("请填写证件号码。")},
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "spellcheck": "false", "autocapitalize": "off"}
        ),
    )
    captcha = CaptchaField(
        label=_("验证码"),
        error_messages={
            "required": _("请填写图片中的数字。"),
            "invalid": _("验证码不正确或已过期，请按新图片填写。"),
        },
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        if data.get("document_type") and data.get("number"):
            try:
                data["number"] = documents.check(data["document_type"], data["number"])
            except ValidationError as error:
                self.add_error("number", error)
        return data


class SignInForm(DocumentForm):
    """注册申请登陆."""

    field_order = ["document_type", "number", "password", "captcha"]

    document_type = document_type()
    password = forms.CharField(
        label=_("密码"),
        strip=False,
        max_length=128,
        error_messages={"required": _("请填写密码；首次使用请先设置密码。")},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class IdentityForm(DocumentForm):
    """身份验证: what only the holder of the certificate knows."""

    field_order = ["name", "document_type", "number", "certificate_number", "captcha"]

    name = NameField(
        label=_("姓名"),
        max_length=100,
        error_messages={"required": _("请填写姓名。")},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    document_type = document_type()
    certificate_number = CertificateField(
        label=_("证书编号"),
        max_length=40,
        help_text=_("资格证书编号；已注册的，也可以填写执业证编号。"),
        error_messages={"required": _("请填写证书编号。")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class ExamForm(IdentityForm):
    """注册资格信息验证: the same, and the year of the exam."""

    field_order = ["name", "document_type", "number", "certificate_number", "exam_year", "captcha"]

    exam_year = forms.TypedChoiceField(
        label=_("考试年度"), coerce=int, error_messages={"required": _("请选择考试年度。")}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["certificate_number"].label = _("资格证书编号")
        self.fields["certificate_number"].help_text = _("职业资格证书或执业资格证书上的编号。")
        years = range(clock.today().year, FIRST_EXAM_YEAR - 1, -1)
        self.fields["exam_year"].choices = [  # type: ignore[attr-defined]
            ("", _("请选择")),
            *((str(year), str(year)) for year in years),
        ]


class PasswordForm(forms.Form):
    """密码设置."""

    password = forms.CharField(
        label=_("新密码"),
        strip=False,
        max_length=128,
        help_text=_("至少 8 个字符，包含大写字母、小写字母、数字、符号中的至少三类。"),
        error_messages={"required": _("请填写新密码。")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("再次输入新密码"),
        strip=False,
        max_length=128,
        error_messages={"required": _("请再次输入新密码。")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.user)
        return password

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        if "password" in data and "again" in data and data["password"] != data["again"]:
            self.add_error("again", _("两次输入的密码不一致，请重新输入。"))
        return data
