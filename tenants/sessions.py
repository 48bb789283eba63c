"""A session belongs to the desk at which it began, and goes on as long as it is used.

Cookies are host-only, but the session table is shared: a cookie copied by hand to another host would
be accepted there. Each session therefore carries its desk, and no other desk opens it. It also carries
when it was last used: it ends so long after, whatever was written into it in the background.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from typing import Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from tenants.crypto import keyed_digest

DESK_KEY: Final = "desk"
SEEN_KEY: Final = "seen"
# How long before its end a page warns, and the part of the whole that this may be at most.
WARNING_SECONDS: Final = 120
WARNING_PART: Final = 3
# Uses closer together than this part of a session's length are not written one by one.
WRITTEN_PART: Final = 6


def desk_key(request: HttpRequest) -> str:
    """The name of the desk whose request this is: its audience and, for staff, the agency's code."""
    agency = getattr(request, "agency", None)
    return f"{getattr(request, 'desk', '')}:{agency.code if agency else ''}"


def bind(request: HttpRequest) -> None:
    """Let the session belong to this desk; done at sign-in and whenever a session begins."""
    request.session[DESK_KEY] = desk_key(request)
    request.session[SEEN_KEY] = int(time.time())


def in_background(request: HttpRequest) -> bool:
    """A page asks or saves by itself, nobody clicked: that is no use of the session."""
    return request.headers.get("x-requested-with") == "XMLHttpRequest"


def go_on(request: HttpRequest) -> None:
    """Let a signed-in session last from now on; written at most six times in its length.

    What a page does in the background does not count as use.
    """
    session = request.session
    if SESSION_KEY not in session or in_background(request):
        return
    now = int(time.time())
    if now - session.get(SEEN_KEY, 0) >= settings.SESSION_COOKIE_AGE // WRITTEN_PART:
        session[SEEN_KEY] = now


def seconds_left(request: HttpRequest) -> int:
    """How long a signed-in session lasts if nobody does anything from now on; 0 when nobody is signed in."""
    session = request.session
    if SESSION_KEY not in session:
        return 0
    return left_since(session.get(SEEN_KEY, 0))


def left_since(seen: int) -> int:
    """How long a session lasts from now on that was last used at this second of the clock."""
    return max(seen + int(settings.SESSION_COOKIE_AGE) - int(time.time()), 0)


def seconds_of_warning() -> int:
    """How long before a session's end its pages warn."""
    return int(min(WARNING_SECONDS, settings.SESSION_COOKIE_AGE // WARNING_PART))


def whose(request: HttpRequest) -> str:
    """A mark of the account signed in, which tells nothing of it: a page left open sees who goes on."""
    account = request.session.get(SESSION_KEY, "")
    return keyed_digest(f"session of {account}")[:16] if account else ""


def session_belongs(request: HttpRequest) -> bool:
    """The session is empty, or it began at this very desk."""
    session = request.session
    return session.session_key is None or session.is_empty() or session.get(DESK_KEY) == desk_key(request)


def clear_ended() -> None:
    """Delete the sessions whose time is over."""
    _store().clear_expired()


def _store() -> type[SessionBase]:
    store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
    return store


class SessionDeskMiddleware:
    """Gives a request with another desk's session an empty one, and binds the sessions that begin here.

    The other desk's session is neither read further nor changed. A session whose time is over is deleted.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not session_belongs(request):
            request.session = _store()()
        elif SESSION_KEY in request.session and not seconds_left(request):
            request.session.flush()
        go_on(request)
        response = self.get_response(request)
        if request.session.modified and not request.session.is_empty() and DESK_KEY not in request.session:
            bind(request)
        if SESSION_KEY in request.session and not response.has_header("Cache-Control"):
            # After signing out, the back button shows nothing of what was here.
            patch_cache_control(response, private=True, no_store=True)
        return response
