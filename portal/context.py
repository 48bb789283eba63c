"""What pages of the whole house show beside their own content."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest

from register import clock
from tenants.guards import roles_held
from tenants.roles import ADMINISTRATOR, MANAGER

# Deadlines reach into next year from here on: forty working days before its first day.
DEADLINES_CROSS_FROM: Final = (11, 1)
ADMINISTRATORS: Final = frozenset({MANAGER.code, ADMINISTRATOR.code})


def calendar_missing() -> int | None:
    """The year whose holidays are not announced yet although deadlines already fall into it."""
    today = clock.today()
    for year in (today.year, today.year + 1):
        reached = year == today.year or (today.month, today.day) >= DEADLINES_CROSS_FROM
        if reached and not clock.is_announced(year):
            return year
    return None


def calendar(request: HttpRequest) -> dict[str, int | None]:
    """Context processor: warn those who administer while deadlines are provisional (暂定)."""
    concerned = getattr(request, "desk", "") in {"agency", "authority"} and request.user.is_authenticated
    return {
        "provisional_calendar": calendar_missing()
        if concerned and roles_held(request) & ADMINISTRATORS
        else None
    }
