"""我的资料: contact data, password, what is kept about me and who looked at my full number."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from intake import account as accounts
from intake import contact, flows, recovery, signin
from intake.account import ChangePasswordForm, ContactForm
from intake.views.found import posted, private
from register import policy
from register.models import Kind
from tenants import devices, own_sessions
from tenants.errors import Refusal
from tenants.guards import ApplicantRequest, applicant_required
from tenants.models import User

LOCKED = "locked"


@applicant_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def account(request: ApplicantRequest) -> HttpResponse:
    """My own data on one page; the contact data can be changed here."""
    user = _account_of(request)
    form = ContactForm(posted(request), user=user)
    if form.is_valid() and _may_replace(request, form):
        asked = contact.change(user=user, contact=form.contact())
        messages.success(request, _("联系方式已保存。"))
        if asked:
            _say_letter_sent(request, form.cleaned_data["email"])
        return redirect("account")
    holdings = accounts.holdings_of(signin.person_of(request), user, devices=own_sessions.of(request, user))
    context = {
        "form": form,
        "account": user,
        "holdings": holdings,
        "kept": accounts.kept_of(holdings, draft_days=policy.current().draft_retention_days),
        "personal_step": _personal_step(holdings),
    }
    return private(render(request, "intake/account/account.html", context))


def _account_of(request: ApplicantRequest) -> User:
    """The account as it stands in the books now."""
    return User.objects.get(pk=request.user.pk)


def _may_replace(request: HttpRequest, form: ContactForm) -> bool:
    """Whether a confirmed address may go: its owner gives the password. `Refusal` after too many tries."""
    if not form.replaces_address:
        return True
    try:
        accounts.confirm_password(request, user=form.user, password=form.cleaned_data["password"])
    except Refusal as no:
        if no.code == LOCKED:
            raise
        form.add_error("password", str(no.message))
    return form.is_valid()


def _personal_step(holdings: accounts.Holdings) -> tuple[str, str] | None:
    """The draft and its page with contact data of its own."""
    for draft in holdings.drafts:
        step = flows.step_of_section(Kind(draft.kind), flows.Section.PERSONAL, hours_count=False)
        return (str(draft.pk), step.slug) if step else None
    return None


@applicant_required
@require_POST
def verification(request: ApplicantRequest) -> HttpResponse:
    """Send the letter that confirms the e-mail address once more."""
    user = _account_of(request)
    try:
        recovery.send_verification(user=user)
    except Refusal as no:
        messages.error(request, str(no.message))
    else:
        _say_letter_sent(request, user.email)
    return redirect("account")


def _say_letter_sent(request: HttpRequest, address: str) -> None:
    messages.info(
        request, _("验证邮件已发送到 %(address)s，请打开邮件中的链接完成验证。") % {"address": address}
    )


@applicant_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password_change(request: ApplicantRequest) -> HttpResponse:
    """修改密码: this session goes on, all others of the account end."""
    user = _account_of(request)
    form = ChangePasswordForm(posted(request), user=user)
    if form.is_valid():
        try:
            accounts.confirm_password(request, user=user, password=form.cleaned_data["present"])
        except Refusal as no:
            if no.code == LOCKED:
                raise
            form.add_error("present", str(no.message))
        else:
            changed = accounts.change_password(user=user, password=form.cleaned_data["password"])
            update_session_auth_hash(request, changed)
            devices.remember(request, changed)
            messages.success(request, _("密码已修改。您在其他设备上的登录已全部退出。"))
            return redirect("account")
    return private(render(request, "intake/account/password.html", {"form": form}))


@applicant_required
@require_safe
def data(request: ApplicantRequest) -> HttpResponse:
    """Everything kept about me, to take along."""
    user = _account_of(request)
    holdings = accounts.holdings_of(signin.person_of(request), user, devices=own_sessions.of(request, user))
    answer = JsonResponse(
        accounts.export_of(holdings), json_dumps_params={"ensure_ascii": False, "indent": 2}
    )
    answer["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return private(answer)
