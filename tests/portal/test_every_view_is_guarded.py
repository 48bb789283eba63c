"""Every view of the three hosts says who may come in; forgetting is impossible."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

# Views of packages that serve nothing but a picture of digits.
OTHERS_VIEWS = {"captcha.views"}


def views(urlconf: str) -> Iterator[tuple[str, URLPattern]]:
    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, URLPattern]]:
        for entry in patterns:
            path = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from walk(entry.url_patterns, path)
            else:
                yield path, entry

    yield from walk(get_resolver(urlconf).url_patterns, "/")


@pytest.mark.parametrize("urlconf", settings.URLCONF_OF_DESK.values())
def test_every_view_names_its_guard(urlconf: str) -> None:
    unguarded = [
        path
        for path, entry in views(urlconf)
        if not getattr(entry.callback, "guard", "") and entry.callback.__module__ not in OTHERS_VIEWS
    ]
    assert unguarded == []


@pytest.mark.parametrize("urlconf", settings.URLCONF_OF_DESK.values())
def test_every_host_has_its_error_pages(urlconf: str) -> None:
    module = import_module(urlconf)
    assert (module.handler403, module.handler404, module.handler500) == (
        "portal.views.forbidden",
        "portal.views.not_found",
        "portal.views.server_error",
    )


@pytest.mark.parametrize("desk", ["agency", "authority"])
def test_staff_hosts_open_nothing_to_the_public_but_the_common_pages(desk: str) -> None:
    """Public there: signing in, invitations, appearance, language, the session's end, health, the captcha."""
    open_views = {
        entry.callback.__name__
        for path, entry in views(settings.URLCONF_OF_DESK[desk])
        if getattr(entry.callback, "guard", "") == "public"
    }
    # The figures for a watching server ask for its token instead.
    assert open_views - {"signout", "metrics"} == {
        "set_language",
        "appearance",
        "session",
        "live",
        "ready",
        "captcha_voice",
        "signin",
        "invitation",
    }
