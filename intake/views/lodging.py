"""上报 and the receipt."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from intake import filing, flows, progress
from intake.filing import Incomplete
from intake.flows import Step
from intake.models import Application
from intake.views.found import entry_or_404, own_application, private
from register import codes
from register.models import Kind
from tenants.errors import Refusal
from tenants.guards import ApplicantRequest, applicant_required


def lodge(request: HttpRequest, application: Application) -> HttpResponse:
    try:
        lodged = filing.lodge(application=application)
    except Incomplete as missing:
        messages.error(request, str(missing.message))
        return redirect("step", application.pk, flows.PREVIEW.slug)
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect("step", application.pk, flows.PREVIEW.slug)
    if lodged.again:
        messages.info(request, _("这份申请已经上报过，没有重复上报。"))
    return redirect("receipt", application.pk)


def lodged_already(request: HttpRequest, application: Application, step: Step) -> HttpResponse:
    """A step of an application that has been lodged: its page; for a second 上报 the receipt."""
    if step is flows.PREVIEW:
        messages.info(request, _("这份申请已经上报过，没有重复上报。"))
        return redirect("receipt", application.pk)
    messages.info(request, _("这份申请已经上报。"))
    return redirect("application", application.pk)


@applicant_required
@require_safe
def receipt(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """What was lodged where, and what happens next."""
    application = own_application(request, application_id)
    shown = progress.progress_of(entry_or_404(application))
    papers = [codes.label("paper", code) for code in flows.PAPERS[Kind(application.kind)]]
    context = {"application": application, "progress": shown, "papers": papers}
    return private(render(request, "intake/receipt.html", context))
