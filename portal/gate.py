"""What no honest browser sends is turned away before anybody looks at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
        """Here language and account are known, so that the answer is a page like any other."""
        if any(NUL in value for _name, values in request.GET.lists() for value in values):
            return render(request, "errors/400.html", status=400)
        return None
