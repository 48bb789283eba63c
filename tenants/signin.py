"""Staff sign in by login name and password, then by a second factor, at a desk where they hold a role."""

from __future__ import annotations

import time
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY, authenticate, login
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from tenants import attempts, own_sessions, second_factor
from tenants.errors import Refusal
from tenants.models import User
from tenants.roles import roles_of
from tenants.sessions import bind

ENTERING_KEY: Final = "entering"
# How long the second factor may take.
ENTERING_SECONDS: Final = 10 * 60


class StaffBackend(BaseBackend):
    """Knows staff accounts with a role on the request's agency, and nobody else.

    A wrong name takes as long as a wrong password, so the answer does not tell which names exist.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **more: Any,
    ) -> User | None:
        agency = getattr(request, "agency", None)
        if agency is None or not username or password is None:
            return None
        user = User.objects.filter(username=username.strip().lower(), kind=User.Kind.STAFF).first()
        if user is None or not user.has_usable_password():
            make_password(password)
            return None
        if not user.check_password(password) or not user.is_active or not roles_of(user, agency):
            return None
        return user

    def get_user(self, user_id: int) -> User | None:
        """The account of a session, as long as it is active."""
        return User.objects.filter(pk=user_id, kind=User.Kind.STAFF, is_active=True).first()


# --- Password, code, in -------------------------------------------------------------------------------


def prove_password(request: HttpRequest, *, username: str, password: str, target: str = "") -> User | None:
    """The first step: the account whose name and password these are; None when one or the role is not right.

    Nothing is open yet: the session only remembers for a few minutes who may give the second factor, and
    which page (`target`) was asked for. Failures are counted by django-axes, which answers for a locked
    name or address through its middleware.
    """
    user = authenticate(request, username=username.strip().lower(), password=password)
    if not isinstance(user, User) or not user.is_staff_member:
        return None
    begin(request, user, target=target)
    return user


def begin(request: HttpRequest, user: User, *, target: str = "") -> None:
    """Remember, under a fresh key, that this visitor has proved to know or to have set the password."""
    if SESSION_KEY in request.session:
        request.session.flush()
    else:
        request.session.cycle_key()
    request.session[ENTERING_KEY] = {
        "user": user.pk,
        "since": int(time.time()),
        "password": user.get_session_auth_hash(),
        "target": target,
    }
    bind(request)


def entering(request: HttpRequest) -> User | None:
    """Who has given the password at this desk a moment ago; None when nobody, or too long ago."""
    known = request.session.get(ENTERING_KEY)
    agency = getattr(request, "agency", None)
    if not known or agency is None or time.time() - known["since"] > ENTERING_SECONDS:
        return None
    user = StaffBackend().get_user(known["user"])
    if user is None or not constant_time_compare(known["password"], user.get_session_auth_hash()):
        return None
    return user if roles_of(user, agency) else None


def second_step(request: HttpRequest, user: User, code: str) -> str:
    """The code of the second factor: lets the account in and answers the page that was asked for.

    Wrong codes count as failed sign-ins of this name from this address. Raises `Refusal`.
    """
    check_code(request, user, code)
    return enter(request, user)


def check_code(request: HttpRequest, user: User, code: str) -> None:
    """Check a present code of the account's second factor. Raises `Refusal` and counts the failure."""
    attempts.check(request, user.username)
    if not second_factor.verify(user, code):
        attempts.failed(request, user.username)
        raise Refusal(second_factor.WRONG_CODE, "code")


def confirm_password(request: HttpRequest, user: User, password: str) -> None:
    """Check the present password before it is changed. Raises `Refusal` and counts the failure."""
    attempts.check(request, user.username)
    if not user.check_password(password):
        attempts.failed(request, user.username)
        raise Refusal(_("当前密码不正确。"), "password")


def enter(request: HttpRequest, user: User) -> str:
    """Begin the session of somebody who has given both factors; answers the page that was asked for."""
    known = request.session.pop(ENTERING_KEY, None) or {}
    login(request, user, backend=f"{StaffBackend.__module__}.{StaffBackend.__qualname__}")
    second_factor.let_in(request, user)
    own_sessions.begin(request)
    return known.get("target") or settings.LOGIN_REDIRECT_URL
