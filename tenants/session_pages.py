"""登录设备, in the account area of all three desks: where one is signed in, and ending it.

Their guards differ, so each view stands here twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from tenants import own_sessions
from tenants.errors import Refusal
from tenants.guards import ApplicantRequest, StaffRequest, applicant_required, staff_required
from tenants.models import User

SignedInRequest: TypeAlias = ApplicantRequest | StaffRequest


@never_cache
@require_safe
def _sessions(request: SignedInRequest) -> HttpResponse:
    """Where I am signed in now."""
    found = own_sessions.of(request, _own(request))
    response = render(request, "account/sessions.html", {"sessions": found, "others": len(found) > 1})
    response["Cache-Control"] = "private, no-store"
    return response


@never_cache
@require_http_methods(["GET", "POST"])
def _end(request: SignedInRequest, mark: str) -> HttpResponse:
    """End one of my other sessions, after a question."""
    if request.method == "GET":
        return _asked_of_one(request, mark)
    try:
        own_sessions.end(request, _own(request), mark)
    except Refusal as no:
        messages.error(request, str(no.message))
    else:
        messages.success(request, _("该设备上的登录已退出。"))
    return redirect("sessions")


def _asked_of_one(request: SignedInRequest, mark: str) -> HttpResponse:
    others = [one for one in own_sessions.of(request, _own(request)) if not one.here]
    one = next((one for one in others if one.mark == mark), None)
    if one is None:
        messages.error(request, str(own_sessions.GONE))
        return redirect("sessions")
    said = _("{browser}，{address}，{at} 登录。").format(
        browser=one.browser,
        address=one.address or _("网络地址不详"),
        at=date_format(localtime(one.since), "DATETIME_FORMAT"),
    )
    lines = [said, _("该设备须重新登录才能使用您的账号，没有保存的内容可能丢失。")]
    return _question(request, _("退出这个登录？"), lines)


@never_cache
@require_http_methods(["GET", "POST"])
def _end_others(request: SignedInRequest) -> HttpResponse:
    """End all my sessions but this one, after a question."""
    if request.method == "GET":
        count = len(own_sessions.of(request, _own(request))) - 1
        lines = [
            _("除本次登录以外，还有 {n} 个登录将全部退出。").format(n=count),
            _("这些设备须重新登录才能使用您的账号，没有保存的内容可能丢失。"),
        ]
        return _question(request, _("退出其他全部登录？"), lines)
    own_sessions.end_others(request, _own(request))
    messages.success(request, _("您在其他设备上的登录已全部退出。"))
    return redirect("sessions")


def _question(request: SignedInRequest, title: str, lines: Sequence[str]) -> HttpResponse:
    context = {
        "title": title,
        "lines": lines,
        "act_label": _("确定退出"),
        "tone": "danger",
        "cancel_url": reverse("sessions"),
    }
    response = render(request, "components/confirm.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


def _own(request: SignedInRequest) -> User:
    """The account as it stands in the books now."""
    return User.objects.get(pk=request.user.pk)


sessions = applicant_required(_sessions)
session_end = applicant_required(_end)
other_sessions = applicant_required(_end_others)

staff_sessions = staff_required()(_sessions)
staff_session_end = staff_required()(_end)
staff_other_sessions = staff_required()(_end_others)
