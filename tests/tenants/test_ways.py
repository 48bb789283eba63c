"""Where a request may be led."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from tenants.ways import own_page


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [
        ("/cases/?tab=mine", "/cases/?tab=mine"),
        ("http://testserver/cases/", "/"),
        ("https://example.cn/", "/"),
        ("//example.cn/", "/"),
        ("/\\example.cn", "/"),
        ("person", "/"),
        ("", "/"),
    ],
)
def test_only_a_page_of_this_very_host(rf: RequestFactory, wanted: str, led_to: str) -> None:
    assert own_page(rf.get("/"), wanted, otherwise="/") == led_to
