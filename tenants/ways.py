"""Where a request may be led: only to a page of the very host it came to."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def own_page(request: HttpRequest, wanted: str, *, otherwise: str) -> str:
    """The page that a form or an address names, if it is one of this host; else the other one.

    It must begin with a slash: anything else could be the name of a route, which nobody asked for.
    """
    safe = wanted.startswith("/") and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else otherwise
