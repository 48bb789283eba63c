"""Staff come in and go out, at the desk of an agency or of the authority."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from review.forms.desk import SignInForm
from review.views.desk import posted
from tenants.guards import public, roles_held
from tenants.signin import sign_in_staff


@public
@never_cache
@sensitive_post_parameters("password")
def signin(request: HttpRequest) -> HttpResponse:
    """Sign in with login name and password; only whoever holds a role at this desk comes in."""
    if request.user.is_authenticated and roles_held(request):
        return redirect("home")
    form = SignInForm(posted(request))
    if request.method == "POST" and form.is_valid():
        user = sign_in_staff(
            request, username=form.cleaned_data["username"], password=form.cleaned_data["password"]
        )
        if user is not None:
            return redirect(_wanted(request))
        form.add_error(None, _("登录名或密码不正确，或者您的账号没有本工作台的权限。请核对后重试。"))
    return render(request, "review/signin.html", {"form": form, "next": request.GET.get("next", "")})


@public
@require_POST
def signout(request: HttpRequest) -> HttpResponse:
    """End the session at this desk."""
    logout(request)
    messages.success(request, _("您已退出。"))
    return redirect("signin")


def _wanted(request: HttpRequest) -> str:
    """The page that was asked for before signing in, if it is one of this host."""
    target = request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
    return target if safe else "home"
