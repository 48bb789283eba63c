"""A session belongs to the desk at which it began.

Cookies are host-only, but the session table is shared: a cookie copied by hand to another host would
be accepted there. Each session therefore carries its desk, and no other desk opens it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

DESK_KEY: Final = "desk"


def desk_key(request: HttpRequest) -> str:
    """The name of the desk whose request this is: its audience and, for staff, the agency's code."""
    agency = getattr(request, "agency", None)
    return f"{getattr(request, 'desk', '')}:{agency.code if agency else ''}"


def bind(request: HttpRequest) -> None:
    """Let the session belong to this desk; done at sign-in and whenever a session begins."""
    request.session[DESK_KEY] = desk_key(request)


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
        return response
