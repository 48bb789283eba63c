"""The agencies: searched by everybody, with their contacts."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from intake.circumstances import CHANNELS
from register import codes
from tenants.guards import public
from tenants.models import Agency


@public
@never_cache
@public
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
    return request.GET.get("q", "").strip()[:60]


def found_by(request: HttpRequest) -> QuerySet[Agency]:
    return search(query_of(request))


def search(query: str) -> QuerySet[Agency]:
    """First-review agencies by part of their name or by the letters of their code."""
    found = Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).order_by("number")
    for word in query.split():
        found = found.filter(
            Q(name_zh__icontains=word) | Q(name_en__icontains=word) | Q(code__icontains=word)
        )
    return found


def channels_of(found: QuerySet[Agency]) -> list[dict[str, object]]:
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
