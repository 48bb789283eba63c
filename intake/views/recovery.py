"""密码找回: a link by e-mail, or whom to call; and the confirmation of an address."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from intake import recovery
from intake.entry import PasswordForm, RecoveryForm
from intake.views.agencies import desk_url, found_by, query_of
from intake.views.found import posted
from register import contact
from tenants import credentials
from tenants.errors import Refusal
from tenants.guards import public


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password_forgotten(request: HttpRequest) -> HttpResponse:
    """忘了密码?: ask for a link, or look up whom to call."""
    form = RecoveryForm(posted(request))
    if form.is_valid():
        asked = {"document_type": form.cleaned_data["document_type"], "number": form.cleaned_data["number"]}
        try:
            recovery.ask_for_link(request, **asked)
        except Refusal as no:
            form.add_error(None, str(no.message))
        else:
            return redirect("password_sent")
    return render(request, "intake/forgotten.html", {"form": form, **_agencies(request)})


@public
@never_cache
@require_safe
def password_sent(request: HttpRequest) -> HttpResponse:
    """The one answer to everybody who asked for a link."""
    context = {
        "minutes": credentials.password_minutes(),
        "pause": recovery.LETTER_MINUTES,
        **_agencies(request),
    }
    return render(request, "intake/forgotten_sent.html", context)


def _agencies(request: HttpRequest) -> dict[str, object]:
    """Whom to call: what was searched for, nothing before that."""
    query = query_of(request)
    found = [(agency, desk_url(agency)) for agency in found_by(request)] if query else []
    return {"q": query, "agencies": found}


@public
@never_cache
@require_safe
def password_link(request: HttpRequest, person_id: UUID, proof: str) -> HttpResponse:
    """The link of the letter: on to the page of the new password, under an address that opens nothing."""
    try:
        recovery.open_link(request, person_id=person_id, proof=proof)
    except Refusal as no:
        return _stale(request, no)
    return redirect("password_renew")


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password_renew(request: HttpRequest) -> HttpResponse:
    """Set a new password; whoever does so signs in with it next."""
    try:
        person_id, proof = recovery.link_of(request)
        form = PasswordForm(posted(request), user=recovery.account_of(person_id, proof))
        if not form.is_valid():
            return render(request, "intake/password_renew.html", {"form": form})
        recovery.renew_password(person_id=person_id, proof=proof, password=form.cleaned_data["password"])
    except Refusal as no:
        return _stale(request, no)
    logout(request)
    messages.success(request, _("密码已修改，其他设备上的登录已退出。请用新密码登录。"))
    return redirect("signin")


def _stale(request: HttpRequest, no: Refusal) -> HttpResponse:
    request.session.pop(recovery.LINK_KEY, None)
    return render(request, "intake/link_stale.html", {"message": no.message}, status=410)


@public
@never_cache
@require_http_methods(["GET", "POST"])
def email_confirm(request: HttpRequest, person_id: UUID, proof: str) -> HttpResponse:
    """The link of the other letter: one click, made by a person, confirms the address."""
    try:
        user = recovery.address_to_confirm(person_id=person_id, proof=proof)
        if request.method == "POST":
            recovery.confirm_address(person_id=person_id, proof=proof)
            messages.success(request, _("电子邮箱已确认。以后可以通过它找回密码、接收通知。"))
            return redirect("home" if request.user.is_authenticated else "signin")
    except Refusal as no:
        return render(request, "intake/link_stale.html", {"message": no.message, "email": True}, status=410)
    return render(request, "intake/email_confirm.html", {"address": contact.mask_email(user.email)})
