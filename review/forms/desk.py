"""What staff fill in: sign-in, reasons, opinions, notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from register import codes
from register.codes import Entry
from review.models import Opinion

TEXT_LENGTH: Final = 1000


def _long_text(rows: int = 4) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class SignInForm(forms.Form):
    """Login name and password of a staff member."""

    username = forms.CharField(
        label=_("登录名"),
        max_length=60,
        error_messages={"required": _("请填写登录名。")},
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "off", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        label=_("密码"),
        strip=False,
        max_length=128,
        error_messages={"required": _("请填写密码。")},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


# --- Reasons -----------------------------------------------------------------------------------------


class TextForm(forms.Form):
    """A reason in words."""

    text = forms.CharField(
        label=_("理由"),
        max_length=TEXT_LENGTH,
        widget=_long_text(),
        error_messages={"required": _("请说明理由。")},
    )


class ReasonForm(forms.Form):
    """Reason codes and what the officer adds in words; the applicant sees both."""

    codes = forms.MultipleChoiceField(
        label=_("理由"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("请至少选择一项理由。")},
    )
    text = forms.CharField(
        label=_("具体说明"),
        max_length=TEXT_LENGTH,
        widget=_long_text(),
        help_text=_("写明事实和依据，申请人将看到全文。"),
        error_messages={"required": _("请写明具体事实和依据。")},
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, reasons: Iterable[Entry], required: bool = True
    ) -> None:
        super().__init__(data)
        field = self.fields["codes"]
        field.required = required
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = [(reason.code, reason.label) for reason in reasons]


class NoteForm(forms.Form):
    """An internal note of the agency."""

    text = forms.CharField(
        label=_("新备注"),
        max_length=2000,
        widget=_long_text(2),
        error_messages={"required": _("请先写备注内容。")},
    )


class ApprovalForm(forms.Form):
    """The grant needs no reason; a remark is kept with the decision."""

    text = forms.CharField(label=_("审查意见"), max_length=TEXT_LENGTH, required=False, widget=_long_text(3))


class OpinionForm(forms.Form):
    """The opinion of the first review: pass, or fail with reasons."""

    verdict = forms.ChoiceField(
        label=_("初审意见"),
        choices=Opinion.Verdict.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择通过或者不通过。")},
    )
    codes = forms.MultipleChoiceField(
        label=_("不通过的理由"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("意见为“不通过”时必选。"),
    )
    text = forms.CharField(
        label=_("具体说明"),
        max_length=TEXT_LENGTH,
        required=False,
        widget=_long_text(),
        help_text=_("意见为“不通过”时必填，写明事实和依据，申请人将看到全文。"),
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, initial: dict[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=initial)
        field = self.fields["codes"]
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = [(reason.code, reason.label) for reason in codes.refusal_reasons()]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = self.cleaned_data
        failed = given.get("verdict") == Opinion.Verdict.FAIL
        if failed and not given.get("codes"):
            self.add_error("codes", _("请至少选择一项理由。"))
        if failed and not given.get("text"):
            self.add_error("text", _("请写明具体事实和依据。"))
        if given.get("verdict") == Opinion.Verdict.PASS and given.get("codes"):
            self.add_error("codes", _("意见为“通过”时不能选择不通过的理由，请取消勾选或改选“不通过”。"))
        return given
