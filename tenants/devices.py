"""Whether an account has signed in with this browser before: it keeps a mark of its own for every account.

A mark is a random beginning and a keyed digest over it, the account and its present password. So it tells
nobody whose it is, two browsers' marks of one account have nothing in common, nobody can make one, and all
are void as soon as the password is another one. Nothing is kept on the server.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, get_random_string

from tenants.crypto import keyed_digest
from tenants.models import User

COOKIE: Final = "device"
# Browsers keep a cookie no longer than this (policy value).
KEPT_SECONDS: Final = 400 * 24 * 3600
# At a computer that many share the one who came longest ago is forgotten first.
ACCOUNTS: Final = 8
BEGINNING: Final = 12
DIGEST: Final = 32
MARK: Final = re.compile(rf"[A-Za-z0-9]{{{BEGINNING}}}[0-9a-f]{{{DIGEST}}}")


def knows(request: HttpRequest, user: User) -> bool:
    """Whether this account has signed in with this browser since it has its present password.

    All marks are looked at, so that the time does not tell which one it was.
    """
    return sum([_is_of(user, mark) for mark in _marks(request)]) > 0


def remember(request: HttpRequest, user: User) -> None:
    """Let this browser be known to the account from now on; the middleware writes it into the answer."""
    beginning = get_random_string(BEGINNING)
    others = [mark for mark in _marks(request) if not _is_of(user, mark)]
    request.device_marks = [beginning + _digest(user, beginning), *others][:ACCOUNTS]  # type: ignore[attr-defined]


def _marks(request: HttpRequest) -> list[str]:
    kept: list[str] | None = getattr(request, "device_marks", None)
    if kept is not None:
        return kept
    sent = request.COOKIES.get(COOKIE, "").split(".")[:ACCOUNTS]
    return [mark for mark in sent if MARK.fullmatch(mark)]


def _is_of(user: User, mark: str) -> bool:
    return constant_time_compare(mark[BEGINNING:], _digest(user, mark[:BEGINNING]))


def _digest(user: User, beginning: str) -> str:
    return keyed_digest(f"device {beginning} {user.pk} {user.password}")[:DIGEST]


class DeviceMiddleware:
    """Writes the marks of this browser where a sign-in or a new password has changed them.

    The cookie is of this very host, and no script reads it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        marks: list[str] | None = getattr(request, "device_marks", None)
        if marks is not None:
            response.set_cookie(
                COOKIE,
                ".".join(marks),
                max_age=KEPT_SECONDS,
                httponly=True,
                secure=settings.SESSION_COOKIE_SECURE,
                samesite="Lax",
            )
        return response
