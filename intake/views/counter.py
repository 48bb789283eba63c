"""用柜台重置码设置密码: the code that an officer gave at the counter opens the page of a new password."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from intake import counter
from intake.entry import CounterCodeForm, PasswordForm
from intake.views.found import posted
from tenants.errors import Refusal
from tenants.guards import public


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def counter_code(request: HttpRequest) -> HttpResponse:
    """Name, document and code; whoever has all three right goes on to the new password."""
    form = CounterCodeForm(posted(request))
    if form.is_valid():
        given = form.cleaned_data
        try:
            counter.open_by_code(
                request,
                name=given["name"],
                document_type=given["document_type"],
                number=given["number"],
                code=given["code"],
            )
        except Refusal as no:
            form.add_error(None, str(no.message))
        else:
            return redirect("counter_password")
    return render(request, "intake/counter_code.html", {"form": form})


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def counter_password(request: HttpRequest) -> HttpResponse:
    """Set the password; whoever does so signs in with it next."""
    try:
        person_id, code_id = counter.claim_of(request)
        form = PasswordForm(posted(request), user=counter.account_of(person_id))
        if not form.is_valid():
            return render(request, "intake/counter_password.html", {"form": form})
        counter.set_password(person_id=person_id, code_id=code_id, password=form.cleaned_data["password"])
    except Refusal as no:
        request.session.pop(counter.CODE_KEY, None)
        messages.error(request, str(no.message))
        return redirect("counter_code")
    logout(request)
    messages.success(request, _("密码已设置，其他设备上的登录已退出。请用新密码登录。"))
    return redirect("signin")
