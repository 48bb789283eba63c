"""The own mobile number, at both staff desks; confirming it stands in `notifications.account_pages`."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from notifications import phone
from notifications.account_pages import account_of
from review.forms.phone import NumberForm
from review.views.desk import posted, private
from tenants.guards import StaffRequest, staff_required


@staff_required()
@never_cache
@require_http_methods(["GET", "POST"])
def number(request: StaffRequest) -> HttpResponse:
    """Another number: it is not confirmed yet."""
    user = account_of(request)
    form = NumberForm(posted(request), initial={"phone": user.phone})
    if form.is_valid():
        if phone.change_number(user=user, number=form.cleaned_data["phone"]):
            messages.success(request, _("手机号码已保存，请获取验证码完成验证。"))
        return redirect("phone_check")
    return private(render(request, "review/account/phone_number.html", {"form": form}))
