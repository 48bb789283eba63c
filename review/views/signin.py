"""Staff come in and go out, at the desk of an agency or of the authority.

Password, then the code of the second factor; who has none yet sets it up, and whoever was invited begins with
a password of their own.
"""

from __future__ import annotations

from typing import Final

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from notifications import arrivals
from register import clock
from review.forms.desk import SignInForm
from review.forms.getting_in import CodeForm, FirstCodeForm, NewPasswordForm, RecoveryCodeForm
from review.views.desk import posted, private
from tenants import credentials, devices, second_factor, staff_passwords
from tenants import signin as entrance
from tenants.errors import Refusal
from tenants.guards import (
    EnteringRequest,
    StaffRequest,
    after_password,
    public,
    roles_held,
    staff_required,
)
from tenants.models import Authenticator, User
from tenants.roles import roles_of
from tenants.ways import own_page

LOCKED: Final = "locked"
# The picture stays sharp on every screen, so its size is only that of its smallest square.
QR_SCALE: Final = 5


@public
@never_cache
@sensitive_post_parameters("password")
def signin(request: HttpRequest) -> HttpResponse:
    """The first step, login name and password; only whoever holds a role at this desk comes further."""
    if request.user.is_authenticated and roles_held(request) and second_factor.is_in(request):
        return redirect("home")
    form = SignInForm(posted(request))
    if request.method == "POST" and form.is_valid():
        user = entrance.prove_password(
            request,
            username=form.cleaned_data["username"],
            password=form.cleaned_data["password"],
            target=_wanted(request),
        )
        if user is not None:
            return redirect("second-factor" if second_factor.is_set_up(user) else "second-factor-new")
        form.add_error(None, _("登录名或密码不正确，或者您的账号没有本工作台的权限。请核对后重试。"))
    return render(request, "review/signin.html", {"form": form, "next": request.GET.get("next", "")})


@after_password
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def second_step(request: EnteringRequest) -> HttpResponse:
    """The second step: a code of the app, or a recovery code."""
    user = request.entering
    if not second_factor.is_set_up(user):
        return redirect("second-factor-new")
    by_recovery = request.GET.get("by") == "recovery"
    form = (RecoveryCodeForm if by_recovery else CodeForm)(posted(request))
    if form.is_valid():
        try:
            with arrivals.noticed(request, user, at=clock.now()):
                target = entrance.second_step(request, user, form.cleaned_data["code"])
            return redirect(target)
        except Refusal as no:
            if no.code == LOCKED:
                raise
            form.add_error("code", str(no.message))
    context = {"form": form, "by_recovery": by_recovery, "demo_code": demo_code(user)}
    return private(render(request, "review/account/second_factor.html", context))


@after_password
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def second_factor_new(request: EnteringRequest) -> HttpResponse:
    """Set up the second factor after the first password: picture, first code, recovery codes, and in."""
    user = request.entering
    if second_factor.is_set_up(user):
        return redirect("second-factor")
    form = FirstCodeForm(posted(request))
    if form.is_valid():
        try:
            codes = second_factor.confirm(user, form.cleaned_data["code"])
        except Refusal as no:
            form.add_error("code", str(no.message))
        else:
            with arrivals.noticed(request, user, at=clock.now()):
                target = entrance.enter(request, user)
            return show_codes(request, codes, on=target)
    return private(render(request, "review/account/second_factor_new.html", enrolment(form, user)))


def enrolment(form: object, user: User) -> dict[str, object]:
    """What the page of a new app shows: the picture, the key in letters, and where to fill in the code."""
    app = second_factor.enrol(user)
    picture = segno.make(app.config_url, error="m").svg_data_uri(scale=QR_SCALE, border=3)
    return {
        "form": form,
        "picture": picture,
        "secret": second_factor.secret_of(app),
        "demo_code": demo_code(user, confirmed=False),
    }


def show_codes(request: HttpRequest, codes: list[str], *, on: str) -> HttpResponse:
    """The recovery codes, this once; `on` is where one goes from here."""
    return private(
        render(request, "review/account/recovery_codes.html", {"codes": codes, "on": on or "home"})
    )


def demo_code(user: User, *, confirmed: bool = True) -> str:
    """In a demonstration the page shows the code, so that whoever tries it needs no phone."""
    if not settings.DEMO:
        return ""
    app = Authenticator.objects.filter(user=user, confirmed=confirmed).first()
    return app.next_code() if app else ""


# --- A new password, before anything else opens -----------------------------------------------------


@staff_required(old_password=True)
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password_renewal(request: StaffRequest) -> HttpResponse:
    """The password has become too old: another one, then on to the page that was asked for."""
    if not staff_passwords.too_old(request.user):
        return redirect(_wanted(request))
    user = User.objects.get(pk=request.user.pk)
    form = NewPasswordForm(posted(request), user=user)
    if form.is_valid():
        staff_passwords.change(user, form.cleaned_data["password"])
        update_session_auth_hash(request, user)
        devices.remember(request, user)
        messages.success(request, _("密码已更新，其他设备上的登录已退出。"))
        return redirect(_wanted(request))
    context = {"form": form, "days": settings.STAFF_PASSWORD_DAYS, "first": user.password_set_at is None}
    return private(render(request, "review/account/password_renewal.html", context))


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, user_id: int, proof: str) -> HttpResponse:
    """The link of an invitation: a password of one's own, then the second factor, then in.

    A link that opens nothing answers the same whether it was used, is too old or was never one.
    """
    user = _invited(request, user_id, proof)
    if user is None:
        return render(request, "review/account/invitation_stale.html", status=410)
    form = NewPasswordForm(posted(request), user=user)
    if form.is_valid():
        staff_passwords.change(user, form.cleaned_data["password"])
        entrance.begin(request, user)
        return redirect("second-factor" if second_factor.is_set_up(user) else "second-factor-new")
    return private(render(request, "review/account/invitation.html", {"form": form, "invited": user}))


def _invited(request: HttpRequest, user_id: int, proof: str) -> User | None:
    agency = getattr(request, "agency", None)
    user = User.objects.filter(pk=user_id, kind=User.Kind.STAFF).first()
    if user is None or agency is None or not credentials.accepts_invitation(user, proof):
        return None
    return user if roles_of(user, agency) else None


@public
@require_POST
def signout(request: HttpRequest) -> HttpResponse:
    """End the session at this desk."""
    logout(request)
    messages.success(request, _("您已退出。"))
    return redirect("signin")


def _wanted(request: HttpRequest) -> str:
    """The page that was asked for before signing in, if it is one of this host."""
    return own_page(request, request.GET.get("next", ""), otherwise=reverse("home"))
