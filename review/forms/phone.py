"""The own mobile number of a member of the staff."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from register import contact


class NumberForm(forms.Form):
    """手机号码."""

    phone = forms.CharField(
        label=_("手机号码"),
        max_length=30,
        error_messages={"required": _("请填写手机号码。")},
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel-national"}),
    )

    def clean_phone(self) -> str:
        return contact.check_mobile(self.cleaned_data["phone"])
