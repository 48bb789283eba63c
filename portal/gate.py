"""What no honest browser sends is turned away before anybody looks at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

NUL = "\0"


class GateMiddleware:
    """Refuse addresses and drop cookies that carry NUL, which the database takes for no text at all.

    Forms refuse it by themselves, beside the field.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        cookies = request.COOKIES
        for name in [name for name, value in cookies.items() if NUL in value]:
            del cookies[name]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        """Here language and account are known, so that the answer is a page like any other.

        Nothing of the body has been read yet, and of one that is too large nothing will be.
        """
        if size_of(request) > settings.LARGEST_REQUEST:
            most = settings.LARGEST_REQUEST // (1024 * 1024)
            return render(request, "errors/413.html", {"most": most}, status=413)
        asked = (value for _name, values in request.GET.lists() for value in values)
        if any(NUL in value for value in (request.path, *asked)):
            return render(request, "errors/400.html", status=400)
        return None


def size_of(request: HttpRequest) -> int:
    """How long the body is said to be; without a length nothing is read of it anyway."""
    said = request.META.get("CONTENT_LENGTH") or ""
    return int(said) if said.isascii() and said.isdigit() else 0
