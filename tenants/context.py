"""What every page knows about the house it stands in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants import sessions
from tenants.rolebook import AUDITS, HOLDS_CASES, KEEPS_HOUSE, READS_CASES, WORKS_ON_CASES


def house(request: HttpRequest) -> dict[str, Any]:
    """Context processor: desk, agency, the roles found by the guard, the session's end, whether a demo."""
    roles: frozenset[str] = getattr(request, "roles", frozenset())
    return {
        "desk": getattr(request, "desk", "applicant"),
        "agency": getattr(request, "agency", None),
        "roles": roles,
        "reads_cases": bool(roles & READS_CASES),
        "works_on_cases": bool(roles & WORKS_ON_CASES),
        "holds_cases": bool(roles & HOLDS_CASES),
        "keeps_house": bool(roles & KEEPS_HOUSE),
        "audits": bool(roles & AUDITS),
        "is_demo": settings.DEMO,
        "site_name": _("注册安全工程师注册管理系统"),
        **_session(request),
    }


def _session(request: HttpRequest) -> dict[str, Any]:
    # A request refused at the gate has no session yet.
    if not hasattr(request, "session"):
        return {}
    return {
        "session_left": sessions.seconds_left(request),
        "session_warning": sessions.seconds_of_warning(),
        "session_whose": sessions.whose(request),
    }
