"""The way back in for an agency's only manager, who has nobody at the agency to ask."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from review import staffing
from review.views.desk import private, told
from tenants import staff
from tenants.guards import StaffRequest, staff_required
from tenants.models import Agency
from tenants.roles import ADMINISTRATOR


@staff_required(ADMINISTRATOR)
@require_http_methods(["GET", "POST"])
def manager_reset(request: StaffRequest, code: str, user_id: int) -> HttpResponse:
    """Take the second factor away from an agency's only manager who has lost it; asked once before."""
    agency = get_object_or_404(Agency.objects.exclude(kind=Agency.Kind.AUTHORITY), code=code)
    user = get_object_or_404(staff.members(agency), pk=user_id)
    back = reverse("agency", args=[agency.code])
    if request.method == "POST":
        told(
            request,
            _("第二因素已重置，并通知本人。本人下次登录时用密码进入并重新设置。"),
            lambda: staffing.reset_managers_second_factor(user=user, agency=agency, by=request.user),
        )
        return redirect(back)
    context = {
        "title": _("重置{name}的第二因素？").format(name=user.display_name),
        "lines": [
            _("{name}是{agency}的管理员。机构另有能够登录的管理员的，由其在“工作人员”中重置。").format(
                name=user.display_name, agency=agency.name
            ),
            _("只在本人丢失手机和恢复码时重置。请先通过机构的登记电话确认是本人。"),
            _("该账号的所有登录都会退出。重置记入该机构的变更记录，并通知本人。"),
        ],
        "act_label": _("确定重置"),
        "tone": "danger",
        "cancel_url": back,
    }
    return private(render(request, "components/confirm.html", context))
