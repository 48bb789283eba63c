"""Staff sign in by login name and password, at the desk of an agency on which they hold a role."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate, login
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from tenants.models import User
from tenants.roles import roles_of
from tenants.sessions import bind


class StaffBackend(BaseBackend):
    """Knows staff accounts with a role on the request's agency, and nobody else.

    A wrong name takes as long as a wrong password, so the answer does not tell which names exist.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
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


def sign_in_staff(request: HttpRequest, *, username: str, password: str) -> User | None:
    """Sign a staff member in at this desk; None when name, password or role is not right.

    The session is renewed and bound to the desk. Failures are counted by django-axes, which answers
    for a locked name or address through its middleware.
    """
    user = authenticate(request, username=username.strip().lower(), password=password)
    if not isinstance(user, User) or not user.is_staff_member:
        return None
    login(request, user)
    bind(request)
    return user
