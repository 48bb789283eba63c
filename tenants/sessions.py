"""A session belongs to the desk at which it began, and goes on as long as it is used.

Cookies are host-only, but the session table is shared: a cookie copied by hand to another host would
be accepted there. Each session therefore carries its desk, and no other desk opens it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from typing import Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse

DESK_KEY: Final = "desk"
SEEN_KEY: Final = "seen"


def desk_key(request: HttpRequest) -> str:
    """The name of the desk whose request this is: its audience and, for staff, the agency's code."""
    agency = getattr(request, "agency", None)
    return f"{getattr(request, 'desk', '')}:{agency.code if agency else ''}"


def bind(request: HttpRequest) -> None:
    """Let the session belong to this desk; done at sign-in and whenever a session begins."""
    request.session[DESK_KEY] = desk_key(request)
    request.session[SEEN_KEY] = int(time.time())


def go_on(request: HttpRequest) -> None:
    """Let a signed-in session last from now on; written at most six times in its length.

    A page that only asks for news in the background does not count as use.
    """
    session = request.session
    if SESSION_KEY not in session or request.headers.get("x-requested-with") == "XMLHttpRequest":
        return
    now = int(time.time())
    if now - session.get(SEEN_KEY, 0) >= settings.SESSION_COOKIE_AGE // 6:
        session[SEEN_KEY] = now


def session_belongs(request: HttpRequest) -> bool:
    """The session is empty, or it began at this very desk."""
    session = request.session
    return session.session_key is None or session.is_empty() or session.get(DESK_KEY) == desk_key(request)


class SessionDeskMiddleware:
    """Gives a request with another desk's session an empty one, and binds the sessions that begin here.

    The other desk's session is neither read further nor changed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not session_belongs(request):
            request.session = import_module(settings.SESSION_ENGINE).SessionStore()
        response = self.get_response(request)
        if request.session.modified and not request.session.is_empty() and DESK_KEY not in request.session:
            bind(request)
        go_on(request)
        return response
