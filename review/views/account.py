"""我的账号: what a staff member sees and changes of the own account, at both desks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from review.forms.getting_in import ChangeDeviceForm, ChangePasswordForm, PresentCodeForm
from review.views.desk import posted, private
from review.views.signin import LOCKED, demo_code, enrolment, show_codes
from tenants import devices, second_factor, signin, staff_passwords
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import User
from tenants.roles import offered_by

FEW_CODES: Final = 3


@staff_required()
@never_cache
@require_safe
def account(request: StaffRequest) -> HttpResponse:
    """Who I am here, what my roles allow, and how I get in."""
    user = request.user
    standing = second_factor.standing_of(user)
    context = {
        "account": user,
        "held": [role for role in offered_by(request.agency) if role.code in request.roles],
        "standing": standing,
        "few_codes": standing.codes_left <= FEW_CODES,
        "renew_on": staff_passwords.renew_on(user),
    }
    return private(render(request, "review/account/account.html", context))


@staff_required()
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password(request: StaffRequest) -> HttpResponse:
    """修改密码: this session goes on, all others of the account end."""
    user = _own(request)
    form = ChangePasswordForm(posted(request), user=user)
    if form.is_valid() and _proved(
        form, "present", lambda given: signin.confirm_password(request, user, given)
    ):
        staff_passwords.change(user, form.cleaned_data["password"])
        update_session_auth_hash(request, user)
        devices.remember(request, user)
        messages.success(request, _("密码已修改，其他设备上的登录已退出。"))
        return redirect("account")
    return private(render(request, "review/account/password.html", {"form": form}))


@staff_required()
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def second_factor_change(request: StaffRequest) -> HttpResponse:
    """Another authenticator app: a code of the one so far and the first one of the new."""
    user = _own(request)
    form = ChangeDeviceForm(posted(request))
    # The new app first: a code of the present one counts once, and should not be used up for nothing.
    if _first_code_fits(form, user) and _proved(
        form, "present", lambda given: signin.check_code(request, user, given)
    ):
        codes = second_factor.confirm(user, form.cleaned_data["code"])
        second_factor.let_in(request, user)
        messages.success(request, _("身份验证器已更换，其他设备上的登录已退出。"))
        return show_codes(request, codes, on="account")
    context = {**enrolment(form, user), "change": True, "demo_present": demo_code(user)}
    return private(render(request, "review/account/second_factor_new.html", context))


@staff_required()
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def recovery_codes(request: StaffRequest) -> HttpResponse:
    """New recovery codes, against a present code; the ones before are void."""
    user = _own(request)
    form = PresentCodeForm(posted(request))
    if form.is_valid() and _proved(form, "present", lambda given: signin.check_code(request, user, given)):
        return show_codes(request, second_factor.new_codes(user), on="account")
    context = {
        "form": form,
        "demo_code": demo_code(user),
    }
    return private(render(request, "review/account/recovery_codes_new.html", context))


def _own(request: StaffRequest) -> User:
    """The account as it stands in the books now."""
    return User.objects.get(pk=request.user.pk)


def _proved(form: Form, field: str, check: Callable[[str], None]) -> bool:
    """Whether what was given in this field proves who one is; if not, the form says so beside it.

    After too many tries the middleware answers, so that `Refusal` goes on to it.
    """
    try:
        check(form.cleaned_data[field])
    except Refusal as no:
        if no.code == LOCKED:
            raise
        form.add_error(field, str(no.message))
    return form.is_valid()


def _first_code_fits(form: Form, user: User) -> bool:
    if form.is_valid() and not second_factor.fits(user, form.cleaned_data["code"]):
        form.add_error("code", str(second_factor.WRONG_CODE))
    return form.is_valid()
