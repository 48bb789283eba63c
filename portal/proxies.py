"""Whose address a request comes from, when reverse proxies stand before the portal."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The address whose failed sign-ins are counted; None where the connection has none (a socket file).

    Each of the `PROXY_COUNT` proxies adds the address it was called from at the right end of
    `X-Forwarded-For`, so the visitor is that many entries from the right; what stands further left is
    the visitor's own word and believed by nobody. A header too short or unreadable is not believed either.
    """
    called_from = _address(request.META.get("REMOTE_ADDR", ""))
    if not settings.PROXY_COUNT:
        return called_from
    told = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if len(told) < settings.PROXY_COUNT:
        return called_from
    return _address(told[-settings.PROXY_COUNT]) or called_from


def _address(text: str) -> str | None:
    """An address as it is stored, without the port some proxies add."""
    plain = text.strip()
    if plain.startswith("["):
        plain = plain[1:].partition("]")[0]
    elif plain.count(":") == 1:
        plain = plain.partition(":")[0]
    try:
        return str(ip_address(plain))
    except ValueError:
        return None
