"""The agencies: searched by everybody, with their contacts."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from intake.circumstances import CHANNELS
from register import codes
from tenants import directory
from tenants.guards import public
from tenants.models import Agency


@public
@never_cache
@require_safe
def agencies(request: HttpRequest) -> HttpResponse:
    """All agencies with their contacts, and the way to their own desks."""
    channels = channels_of(found_by(request))
    context = {
        "q": query_of(request),
        "channels": channels,
        "nothing": not any(channel["agencies"] for channel in channels),
    }
    return render(request, "intake/agencies.html", context)


def query_of(request: HttpRequest) -> str:
    """What was typed into the search field, no longer than a name can be."""
    return request.GET.get("q", "").strip()[: directory.LONGEST_QUERY]


def found_by(request: HttpRequest) -> list[Agency]:
    """The agencies that fit what was typed, best first: one query."""
    return directory.find(query_of(request), directory.first_review())


def channels_of(found: Iterable[Agency]) -> list[dict[str, object]]:
    """The three channels with their agencies, each with the address of its desk."""
    chosen = list(found)
    return [
        {
            "code": code,
            "label": codes.label("channel", code),
            "agencies": [(agency, desk_url(agency)) for agency in chosen if agency.kind == kind],
        }
        for code, kind in CHANNELS.items()
    ]


def desk_url(agency: Agency) -> str:
    """The address of an agency's own desk."""
    port = f":{settings.SITE_PORT}" if settings.SITE_PORT else ""
    return f"{settings.SITE_SCHEME}://{agency.code}.{settings.BASE_HOST}{port}/"
