"""登录设备, in the account area of all three desks: where one is signed in, and ending it.

Their guards differ, so each view stands here twice.
"""

from __future__ import annotations

from typing import TypeAlias

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

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


@require_POST
def _end(request: SignedInRequest, mark: str) -> HttpResponse:
    """End one of my other sessions."""
    try:
        own_sessions.end(request, _own(request), mark)
    except Refusal as no:
        messages.error(request, str(no.message))
    else:
        messages.success(request, _("该设备上的登录已退出。"))
    return redirect("sessions")


@require_POST
def _end_others(request: SignedInRequest) -> HttpResponse:
    """End all my sessions but this one."""
    own_sessions.end_others(request, _own(request))
    messages.success(request, _("您在其他设备上的登录已全部退出。"))
    return redirect("sessions")


def _own(request: SignedInRequest) -> User:
    """The account as it stands in the books now."""
    return User.objects.get(pk=request.user.pk)


sessions = applicant_required(_sessions)
session_end = applicant_required(_end)
other_sessions = applicant_required(_end_others)

staff_sessions = staff_required()(_sessions)
staff_session_end = staff_required()(_end)
staff_other_sessions = staff_required()(_end_others)
