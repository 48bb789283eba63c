"""Whose failed sign-ins are counted behind reverse proxies."""

from __future__ import annotations

import pytest
from axes.helpers import get_client_ip_address
from django.test import RequestFactory
from pytest_django import Settings

VISITOR, FORGED, OUTER, INNER = "203.0.113.9", "198.51.100.66", "10.0.0.1", "10.0.0.2"


@pytest.mark.parametrize(
    ("proxies", "told", "address"),
    [
        (0, "", INNER),
        (0, FORGED, INNER),
        (1, VISITOR, VISITOR),
        (1, f"{FORGED}, {VISITOR}", VISITOR),
        (2, f"{VISITOR}, {OUTER}", VISITOR),
        (2, f"{FORGED},{VISITOR},{OUTER}", VISITOR),
        (1, f"{VISITOR}:50123", VISITOR),
        (1, "2001:db8::9", "2001:db8::9"),
        (1, "[2001:DB8::9]:50123", "2001:db8::9"),
        # Not passed on by as many proxies as there are, or not an address: the peer itself.
        (1, "", INNER),
        (2, VISITOR, INNER),
        (1, "unknown", INNER),
        (1, f"{VISITOR}, ' OR 1=1", INNER),
    ],
)
def test_the_address_counted_from_the_right(
    proxies: int, told: str, address: str, settings: Settings
) -> None:
    settings.PROXY_COUNT = proxies
    forwarded = {"x-forwarded-for": told} if told else {}
    request = RequestFactory().get("/", headers=forwarded, REMOTE_ADDR=INNER)
    assert get_client_ip_address(request) == address


def test_a_socket_file_has_no_address(settings: Settings) -> None:
    assert get_client_ip_address(RequestFactory().get("/", REMOTE_ADDR="")) is None
