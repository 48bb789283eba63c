"""The ways in: sign in, identity checks, the first password."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from intake import flows, signin
from intake.entry import ExamForm, IdentityForm, PasswordForm, SignInForm
from intake.views.found import posted
from register import announcing, policy
from register.models import Kind, Person
from tenants.errors import Refusal
from tenants.guards import public
from tenants.ways import own_page

# Announcements on the start page; all of them have a page of their own.
LATEST: Final = 4


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """The start page with the sign-in card. Whoever is signed in goes on to the personal page."""
    target = _safe_next(request)
    if request.user.is_authenticated and request.method == "GET":
        return redirect(target)
    form = SignInForm(posted(request))
    if form.is_valid():
        try:
            if signin.sign_in(
                request,
                document_type=form.cleaned_data["document_type"],
                number=form.cleaned_data["number"],
                password=form.cleaned_data["password"],
            ):
                return redirect(target)
            form.add_error(None, _("证件号码或密码不正确，请核对后重试。首次使用请先设置密码。"))
        except Refusal as no:
            form.add_error(None, str(no.message))
    rules = policy.current()
    context = {
        "form": form,
        "next": request.POST.get("next", request.GET.get("next", "")),
        "tabs": _tabs("signin"),
        "guides": [flows.guide_of(kind, rules) for kind in Kind],
        "rules": rules,
        "batches": announcing.published()[:LATEST],
    }
    return render(request, "intake/start.html", context)


def _safe_next(request: HttpRequest) -> str:
    """Where to go after signing in: only to a page of this very host."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    return own_page(request, wanted, otherwise=reverse("home"))


def _tabs(current: str) -> list[dict[str, object]]:
    return [
        {"label": _("注册申请登陆"), "url": reverse("signin"), "current": current == "signin"},
        {"label": _("注册机构登录"), "url": reverse("agencies"), "current": current == "agencies"},
    ]


@public
@require_POST
def signout(request: HttpRequest) -> HttpResponse:
    """End the session; what was saved is kept."""
    logout(request)
    messages.success(request, _("您已退出。已保存的内容下次登录后可以继续填写。"))
    return redirect("signin")


# --- 设置密码, 初始注册 --------------------------------------------------------------------------------


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password_set(request: HttpRequest) -> HttpResponse:
    """设置密码, step 1: 身份验证."""
    return _verify(request, IdentityForm(posted(request)), "intake/identity.html")


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def initial_verify(request: HttpRequest) -> HttpResponse:
    """初始注册: 注册资格信息验证."""
    return _verify(request, ExamForm(posted(request)), "intake/exam.html")


def _verify(request: HttpRequest, form: IdentityForm, template: str) -> HttpResponse:
    not_found = False
    if form.is_valid():
        facts = {name: value for name, value in form.cleaned_data.items() if name != "captcha"}
        try:
            person = signin.verify_identity(request, **facts)
        except Refusal as no:
            form.add_error(None, str(no.message))
            not_found = no.code == "no_match"
        else:
            return _verified(request, person)
    return render(request, template, {"form": form, "not_found": not_found})


def _verified(request: HttpRequest, person: Person) -> HttpResponse:
    if signin.has_password(person):
        messages.info(request, str(signin.HAS_PASSWORD))
        return redirect("signin")
    signin.claim(request, person)
    return redirect("password_new")


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password_new(request: HttpRequest) -> HttpResponse:
    """设置密码, step 2: the password itself, then straight to the personal page."""
    try:
        person_id = signin.claimant(request)
        form = PasswordForm(posted(request), user=signin.account_of(person_id))
        if not form.is_valid():
            return render(request, "intake/password.html", {"form": form})
        user = signin.set_password(person_id=person_id, password=form.cleaned_data["password"])
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect("signin" if no.code == "has_password" else "password_set")
    signin.enter(request, user=user, person_id=person_id)
    messages.success(request, _("密码已设置，请牢记。以后凭证件号码和密码登录。"))
    return redirect("home")
