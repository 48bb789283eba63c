"""What staff fill in to get in: codes of the second factor, new passwords."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tenants import staff_passwords
from tenants.models import User

CODE_LENGTH: Final = 30
PASSWORD_LENGTH: Final = 128
POLICY: Final = _(
    "至少 8 个字符，包含大写字母、小写字母、数字、符号中的至少三类，不能与最近五次使用过的密码相同。"
)


def _code_field(**more: Any) -> forms.CharField:
    return forms.CharField(max_length=CODE_LENGTH, error_messages={"required": _("请填写验证码。")}, **more)


def _numeric() -> forms.TextInput:
    return forms.TextInput(
        attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}
    )


def _letters() -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"})


class CodeForm(forms.Form):
    """The present code of the authenticator app."""

    code = _code_field(
        label=_("验证码"), widget=_numeric(), help_text=_("打开手机上的身份验证器应用，填写显示的 6 位数字。")
    )


class RecoveryCodeForm(forms.Form):
    """A recovery code, when the app is not at hand."""

    code = _code_field(
        label=_("恢复码"),
        widget=_letters(),
        help_text=_("设置身份验证器时保存的 10 个恢复码之一，每个只能使用一次。"),
    )


class FirstCodeForm(forms.Form):
    """The first code of a new app."""

    code = _code_field(
        label=_("验证码"),
        widget=_numeric(),
        help_text=_("添加成功后，应用会显示 6 位数字，每 30 秒更换一次。"),
    )


class PresentCodeForm(forms.Form):
    """A code of the second factor one has now, before it is changed."""

    present = _code_field(
        label=_("当前的验证码"),
        widget=_letters(),
        help_text=_("现在使用的身份验证器显示的 6 位数字，或者一个恢复码。"),
    )


class ChangeDeviceForm(FirstCodeForm, PresentCodeForm):
    """A code of the app so far, and the first one of the new app."""

    code = _code_field(
        label=_("新身份验证器的验证码"),
        widget=_numeric(),
        help_text=_("添加成功后，应用会显示 6 位数字，每 30 秒更换一次。"),
    )
    field_order = ("present", "code")


class NewPasswordForm(forms.Form):
    """A password chosen by oneself, typed twice."""

    password = forms.CharField(
        label=_("新密码"),
        strip=False,
        max_length=PASSWORD_LENGTH,
        help_text=POLICY,
        error_messages={"required": _("请填写新密码。")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("再次填写新密码"),
        strip=False,
        max_length=PASSWORD_LENGTH,
        error_messages={"required": _("请再次填写新密码。")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        staff_passwords.check(self.user, password)
        return password

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        password, again = given.get("password"), given.get("again")
        if password and again and password != again:
            self.add_error("again", ValidationError(_("两次填写的密码不一致。"), code="different"))
        return given


class ChangePasswordForm(NewPasswordForm):
    """The present password, and a new one."""

    present = forms.CharField(
        label=_("当前密码"),
        strip=False,
        max_length=PASSWORD_LENGTH,
        error_messages={"required": _("请填写当前密码。")},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("present", "password", "again")
