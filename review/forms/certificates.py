"""What a registrar fills in for a new edition of a certificate."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class ReissueForm(forms.Form):
    """Why the certificate is made anew; its holder reads it."""

    reason = forms.CharField(
        label=_("补发理由"),
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("例如：更正姓名；验证码泄露。持证人将在通知中看到全文。"),
        error_messages={"required": _("请说明补发的理由。")},
    )
