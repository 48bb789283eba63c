"""Giving up: discard a draft, withdraw a lodged application, copy one that has ended."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from intake import filing
from intake.filing import AnotherDraft
from intake.models import Application
from intake.views.found import entry_or_404, own_application
from register.models import Kind
from tenants.errors import Refusal
from tenants.guards import ApplicantRequest, applicant_required


@applicant_required
@never_cache
@require_http_methods(["GET", "POST"])
def discard(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """Give a draft up; asks once."""
    application = own_application(request, application_id)
    if application.status != Application.Status.DRAFT:
        raise Http404
    if request.method == "POST":
        filing.discard(application=application)
        messages.success(request, _("草稿已放弃。"))
        return redirect("home")
    context = {
        "title": gettext("确定放弃这份%(kind)s草稿吗？") % {"kind": application.get_kind_display()},
        "lines": [gettext("申请编号 %(reference)s。") % {"reference": application.reference}],
        "warning": _("放弃后，草稿中填写的内容不能恢复。"),
        "act_label": _("放弃草稿"),
        "tone": "danger",
        "cancel_url": reverse("home"),
        "cancel_label": _("不放弃"),
    }
    return render(request, "components/confirm.html", context)


@applicant_required
@never_cache
@require_http_methods(["GET", "POST"])
def withdrawal(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """撤回: take a lodged application back; asks once."""
    application = own_application(request, application_id)
    entry = entry_or_404(application)
    if request.method == "POST":
        try:
            filing.withdraw(application=application)
        except Refusal as no:
            messages.error(request, str(no.message))
        else:
            messages.success(request, _("申请已撤回。"))
        return redirect("application", application.pk)
    context = {
        "title": _("确定撤回这份申请吗？"),
        "lines": [
            gettext("%(kind)s申请 %(reference)s，由%(agency)s办理。")
            % {
                "kind": application.get_kind_display(),
                "reference": application.reference,
                "agency": entry.agency.name,
            },
            _("撤回后审查结束；需要时可以复制为新草稿重新上报。"),
        ],
        "warning": _("撤回不能恢复。"),
        "act_label": _("撤回申请"),
        "tone": "danger",
        "cancel_url": reverse("application", args=[application.pk]),
        "cancel_label": _("不撤回"),
    }
    return render(request, "components/confirm.html", context)


@applicant_required
@require_POST
def copy(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """复制为新草稿: begin again with the content of an application that has ended."""
    application = own_application(request, application_id)
    try:
        draft = filing.start(person=application.person, kind=Kind(application.kind), copy_of=application)
    except AnotherDraft as other:
        messages.error(request, str(other.message))
        return redirect("home")
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect("application", application.pk)
    messages.success(request, _("已复制为新草稿，请核对后上报。"))
    return redirect("application_new", draft.kind)
