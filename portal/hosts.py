"""Host → desk, agency and URLconf. Everything behind this middleware stands at exactly one desk."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tenants import crossing
from tenants.models import AUTHORITY_CODE, Agency, Domain

if TYPE_CHECKING:
    from tenants.guards import DeskRequest

GetResponse = Callable[[HttpRequest], HttpResponse]


class HostMiddleware:
    """Find whose desk this host is and serve the request standing there; unknown hosts get 404."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with crossing.standing(crossing.Desk.DOOR):
            found = desk_of(bare_host(request.META.get("HTTP_HOST", "")))
        if found is None:
            return render(None, "errors/unknown_host.html", status=404)
        desk, agency = found
        here = cast("DeskRequest", request)
        here.desk, here.agency = desk.value, agency
        here.urlconf = settings.URLCONF_OF_DESK[desk.value]
        with crossing.standing(desk, agency):
            return self.get_response(request)


def bare_host(header: str) -> str:
    """The host without port and trailing dot, in lower case. An IPv6 literal keeps its brackets."""
    host = header.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].removesuffix(".")


def desk_of(host: str) -> tuple[crossing.Desk, Agency | None] | None:
    """The desk behind a host and its agency row; None for a host the house does not know."""
    if host in settings.APPLICANT_HOSTS:
        return crossing.Desk.APPLICANT, None
    if host == settings.AUTHORITY_HOST:
        return crossing.Desk.AUTHORITY, Agency.objects.get(code=AUTHORITY_CODE)
    domain = Domain.objects.select_related("tenant__merged_into").filter(domain=host).first()
    return (crossing.Desk.AGENCY, domain.tenant) if domain else None
