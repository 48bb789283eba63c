"""通知方式 and the confirmed mobile number, in the account area of both kinds of account.

Their guards differ, so each view stands here twice. The number itself is changed elsewhere: an applicant's
among the contact data, that of staff on a page of their desk.
"""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from notifications import phone, preferences
from notifications.catalogue import KINDS
from notifications.preferences import WantedForm
from notifications.views import SignedIn
from tenants import credentials
from tenants.errors import Refusal
from tenants.guards import applicant_required, staff_required
from tenants.models import User

LOCKED = "locked"


class CodeForm(forms.Form):
    """短信验证码: six digits."""

    code = forms.CharField(
        label=gettext_lazy("短信验证码"),
        max_length=12,
        help_text=gettext_lazy("短信里的 6 位数字。"),
        error_messages={"required": gettext_lazy("请填写短信里的验证码。")},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )


# --- What comes by which way ---------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "POST"])
def _settings(request: SignedIn) -> HttpResponse:
    """Which notices come by e-mail and SMS; a box that does not exist changes nothing."""
    user = account_of(request)
    form = WantedForm(_posted(request))
    if form.is_valid():
        preferences.keep(user=user, wanted=form.chosen())
        messages.success(request, _("通知方式已保存。"))
        return redirect("notice_settings")
    context = {
        "account": user,
        "form": form,
        "lines": preferences.lines_of(user),
        "channels": preferences.channels(),
        "sms_offered": phone.is_offered(),
        "reached": preferences.reaches(user),
        "statutory": [kind.label for kind in KINDS.values() if getattr(kind, "statutory", False)],
    }
    return private(render(request, "notices/settings.html", context))


# --- The confirmed number ------------------------------------------------------------------------------


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def _phone(request: SignedIn) -> HttpResponse:
    """Type the code that came by SMS."""
    form = CodeForm(_posted(request))
    if form.is_valid():
        try:
            phone.confirm(request, user=account_of(request), code=form.cleaned_data["code"])
        except Refusal as no:
            if no.code == LOCKED:
                raise
            form.add_error("code", str(no.message))
        else:
            messages.success(request, _("手机号码已验证。"))
            return redirect("notice_settings")
    context = {
        "account": account_of(request),
        "form": form,
        "sms_offered": phone.is_offered(),
        "minutes": credentials.PHONE_MINUTES,
    }
    return private(render(request, "notices/phone.html", context))


@require_POST
def _phone_code(request: SignedIn) -> HttpResponse:
    """Send the code by SMS."""
    try:
        phone.send_code(request, user=account_of(request))
    except Refusal as no:
        if no.code == LOCKED:
            raise
        messages.error(request, str(no.message))
    else:
        messages.info(request, _("验证码已发送，请查看短信。没有收到的，请一分钟后重新获取。"))
    return redirect("phone_check")


def account_of(request: SignedIn) -> User:
    """The account as it stands in the books now."""
    return User.objects.get(pk=request.user.pk)


def private(response: HttpResponse) -> HttpResponse:
    """An answer with somebody's personal data: no cache keeps it."""
    response["Cache-Control"] = "private, no-store"
    return response


def _posted(request: SignedIn) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


notice_settings = applicant_required(_settings)
phone_check = applicant_required(_phone)
phone_code = applicant_required(_phone_code)

staff_settings = staff_required()(_settings)
staff_phone_code = staff_required()(_phone_code)
staff_phone_check = staff_required()(_phone)
