"""Who may see a view. Every view carries one of these; a view without a guard fails a test.

Look-ups behind the guard start from the person or the agency, so a stranger gets 404, not 403.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, Final, ParamSpec

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url

from tenants import second_factor, signin, staff_passwords
from tenants.models import Agency, User
from tenants.rolebook import AUDITS, Role
from tenants.roles import roles_of

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
GUARD: Final = "guard"


class DeskRequest(HttpRequest):
    """A request as the host's middleware leaves it: which desk, and whose."""

    desk: str
    agency: Agency | None
    roles: frozenset[str]


class ApplicantRequest(DeskRequest):
    """A request behind `applicant_required`."""

    user: User


class StaffRequest(DeskRequest):
    """A request behind `staff_required`."""

    user: User
    agency: Agency


class EnteringRequest(DeskRequest):
    """A request behind `after_password`."""

    entering: User
    agency: Agency


def public(view: View[P]) -> View[P]:
    """A view open to everybody on the hosts that route to it."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return view(request, *args, **kwargs)

    setattr(guarded, GUARD, "public")
    return guarded


def applicant_required(
    view: Callable[Concatenate[ApplicantRequest, P], HttpResponseBase],
) -> View[P]:
    """Only a signed-in applicant at the applicant's desk; strangers sign in first, staff get 404."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _sign_in_first(request)
        if _desk_of(request) != "applicant" or not request.user.is_applicant:
            raise Http404
        return view(request, *args, **kwargs)  # type: ignore[arg-type]

    setattr(guarded, GUARD, "applicant")
    return guarded


def after_password(view: Callable[Concatenate[EnteringRequest, P], HttpResponseBase]) -> View[P]:
    """Only who has given the password at this desk a moment ago and not yet the second factor."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        user = signin.entering(request)
        if user is None:
            return redirect(settings.LOGIN_URL)
        request.entering = user  # type: ignore[attr-defined]
        return view(request, *args, **kwargs)  # type: ignore[arg-type]

    setattr(guarded, GUARD, "staff: after the password")
    return guarded


def staff_required(
    *roles: Role | str, old_password: bool = False
) -> Callable[[Callable[Concatenate[StaffRequest, P], HttpResponseBase]], View[P]]:
    """Only staff who hold one of these roles on the request's agency; without roles named, any of its roles.

    Sets `request.roles`. Strangers, and who has not given the second factor, sign in first; everybody else
    gets 404. Whose password is too old renews it first, unless the view is for that (`old_password`).
    """
    wanted = frozenset(role.code if isinstance(role, Role) else role for role in roles)

    def guard(view: Callable[Concatenate[StaffRequest, P], HttpResponseBase]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not isinstance(request.user, User):
                return _sign_in_first(request)
            held = roles_held(request)
            if not (held & wanted if wanted else held):
                if is_shut_out(request):
                    return _closed(request)
                raise Http404
            if not second_factor.is_in(request):
                return _sign_in_first(request)
            if not old_password and staff_passwords.too_old(request.user):
                return _renew_first(request)
            return view(request, *args, **kwargs)  # type: ignore[arg-type]

        setattr(guarded, GUARD, "staff: " + (", ".join(sorted(wanted)) or "any role"))
        return guarded

    return guard


def roles_held(request: HttpRequest) -> frozenset[str]:
    """Roles of the signed-in account on the request's agency, asked for once per request."""
    known: frozenset[str] | None = getattr(request, "roles", None)
    if known is None:
        agency: Agency | None = getattr(request, "agency", None)
        known = roles_of(request.user, agency) if agency is not None else frozenset()
        if agency is not None and agency.is_closed:
            # Merged into another one, and done: its files are read by auditors only.
            request.left_behind = bool(known - AUDITS)  # type: ignore[attr-defined]
            known &= AUDITS
        request.roles = known  # type: ignore[attr-defined]
    return known


def is_shut_out(request: HttpRequest) -> bool:
    """Whether somebody held a role at an agency that is closed, and holds none any more."""
    return bool(getattr(request, "left_behind", False))


def _closed(request: HttpRequest) -> HttpResponseBase:
    """Where the work of this agency goes on."""
    return render(request, "errors/merged.html", status=HTTPStatus.GONE)


def _desk_of(request: HttpRequest) -> str:
    return getattr(request, "desk", "")


def _sign_in_first(request: HttpRequest) -> HttpResponseBase:
    """To the desk's own sign-in page, and from there back; a lost form leads to the start page."""
    return redirect_to_login(_back_to(request), resolve_url(settings.LOGIN_URL))


def _renew_first(request: HttpRequest) -> HttpResponseBase:
    """To the page of the new password, and from there back."""
    return redirect_to_login(_back_to(request), resolve_url(settings.PASSWORD_RENEWAL_URL))


def _back_to(request: HttpRequest) -> str:
    asked = request.get_full_path() if request.method in ("GET", "HEAD") else ""
    return asked or resolve_url(settings.LOGIN_REDIRECT_URL)
