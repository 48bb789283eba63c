"""What every page knows about the house it stands in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


def house(request: HttpRequest) -> dict[str, Any]:
    """Context processor: desk, agency, the roles found by the guard, and whether this is a demonstration."""
    return {
        "desk": getattr(request, "desk", "applicant"),
        "agency": getattr(request, "agency", None),
        "roles": getattr(request, "roles", frozenset()),
        "is_demo": settings.DEMO,
        "site_name": _("注册安全工程师注册管理系统"),
    }
