"""上报 and the receipt."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from intake import casefile, circumstances, filing, flows, papers, progress
from intake.filing import Incomplete
from intake.flows import Step
from intake.forms import Stored
from intake.models import Application
from intake.views.found import entry_or_404, own_application, private
from review.states import State
from tenants.errors import Refusal
from tenants.guards import ApplicantRequest, applicant_required
from tenants.models import Agency
from tenants.sessions import in_background


def lodge(request: HttpRequest, application: Application, declaration: Stored) -> HttpResponse:
    """上报, with the declaration just given."""
    try:
        lodged = filing.lodge(application=application, declaration=declaration)
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
    if in_background(request):
        return JsonResponse({}, status=409)
    if step is flows.PREVIEW:
        messages.info(request, _("这份申请已经上报过，没有重复上报。"))
        return redirect("receipt", application.pk)
    messages.info(request, _("这份申请已经上报。"))
    return redirect("application", application.pk)


# --- The receipt -----------------------------------------------------------------------------------


@applicant_required
@require_safe
def receipt(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """What was lodged where and when, what is to be handed in, and what happens next."""
    application = own_application(request, application_id)
    entry = entry_or_404(application)
    shown = progress.progress_of(entry)
    last = casefile.versions_of(entry)[-1:]
    context = {
        "application": application,
        "progress": shown,
        "version": last[0] if last else None,
        "again": bool(last) and last[0].number > 1,
        "handing_in": HANDING_IN[entry.agency.materials_mode],
        "asked_for": shown.state in PAPERS_AWAITED,
        "on_paper": entry.agency.materials_mode != Agency.Materials.UPLOAD,
        "papers": papers.needed_by(application, circumstances.of(application, under=shown.rules)),
    }
    return private(render(request, "intake/receipt.html", context))


# While the agency may still be waiting for papers.
PAPERS_AWAITED: Final = frozenset({State.SUBMITTED, State.CORRECTION, State.DEEMED_ACCEPTED})
HANDING_IN: Final[dict[str, Promise]] = {
    Agency.Materials.PAPER: _("请把下列纸质材料交给或者寄给注册机构，并写明申请编号："),
    Agency.Materials.UPLOAD: _("材料已随申请上传，不需要再交纸质材料；请保存下列材料的原件，以备核对："),
    Agency.Materials.BOTH: _("材料已随申请上传；下列材料的纸质件还须交给或者寄给注册机构，并写明申请编号："),
}
