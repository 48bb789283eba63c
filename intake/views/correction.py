"""退回补正: answering a correction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from intake import circumstances, corrections, dossier, filing, flows
from intake.corrections import OpenCorrection
from intake.fields import plain_line
from intake.filing import Incomplete
from intake.flows import Section
from intake.models import Application
from intake.views.found import own_application, private
from register import clock
from tenants.errors import Refusal
from tenants.guards import ApplicantRequest, applicant_required


@applicant_required
@never_cache
@require_http_methods(["GET", "POST"])
def correction(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """退回补正: the items, a way to mend each, an answer in words, 重新上报."""
    application = own_application(request, application_id)
    open_one = corrections.of(application)
    if open_one is None:
        return redirect("application", application.pk)
    if request.method == "POST":
        typed = (request.POST.get(f"answer-{n}", "") for n in range(len(open_one.items)))
        texts = [plain_line(text)[:500] for text in typed]
        filing.answer(application=application, number=open_one.number, answers=texts)
        application.refresh_from_db(fields=["sections", "saved_at"])
        answer = _resubmitted(request, application)
        if answer is not None:
            return answer
        open_one = corrections.of(application) or open_one
    return private(render(request, "intake/correction.html", _correction_context(application, open_one)))


def _resubmitted(request: HttpRequest, application: Application) -> HttpResponse | None:
    if request.POST.get("go") == "save":
        messages.success(request, _("答复已保存。"))
        return redirect("correction", application.pk)
    try:
        filing.resubmit(application=application)
    except Incomplete as missing:
        for fault in missing.findings.misses:
            messages.error(request, str(fault.message))
        return None
    except Refusal as no:
        messages.error(request, str(no.message))
        return None
    messages.success(request, _("已重新上报，请等待初审机构审查。"))
    return redirect("application", application.pk)


def _correction_context(application: Application, open_one: OpenCorrection) -> dict[str, Any]:
    about = circumstances.of(application, under=open_one.policy)
    content = dossier.content_of(application, about)
    items = []
    for number, item in enumerate(open_one.items):
        url = ""
        if item.editable:
            section = Section.PERSONAL if item.section == corrections.PHOTO else item.section
            page = flows.step_of_section(application.kind, section, hours_count=about.hours_count)
            url = reverse("step", args=[application.pk, page.slug]) if page else ""
        items.append(
            {"number": number, "item": item, "url": url, "done": item.is_answered(content, open_one.lodged)}
        )
    return {
        "application": application,
        "correction": open_one,
        "items": items,
        "left": clock.working_days_left(open_one.due_on) if open_one.due_on else None,
        "chosen": about.agency,
    }
