"""上报前自查: what a reviewer would look for, before the application is lodged."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from intake import circumstances, completeness, corrections, dossier, flows, papers, selfcheck
from intake.circumstances import Circumstances
from intake.completeness import Findings
from intake.models import Application
from intake.selfcheck import Check, Line
from intake.views.found import own_application, private
from intake.views.frame import frame, miss_url, step_url
from intake.views.lodging import lodged_already
from register import eligibility
from tenants.guards import ApplicantRequest, applicant_required


@applicant_required
@never_cache
@require_safe
def check(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """上报前自查: each item of the reviewer's list, in order or what is missing and where to mend it."""
    application = own_application(request, application_id, to_print=True)
    if application.status != Application.Status.DRAFT:
        return _after_lodging(request, application)
    about = circumstances.of(application)
    findings = completeness.check(application, about)
    answer = eligibility.may_apply(application.person, application.kind)
    digest = dossier.freeze(application, about).digest if papers.must_upload(about.agency) else ""
    done = selfcheck.check(about, findings, papers.part_of(application, about, digest=digest), answer)
    context = {
        **frame(application, about, None, findings),
        "check": done,
        "lines": shown(application, about, findings, done),
        "preview_url": step_url(application, flows.PREVIEW),
    }
    return private(render(request, "intake/check.html", context))


def _after_lodging(request: HttpRequest, application: Application) -> HttpResponse:
    """What is lodged is checked by the agency; a correction has its own list."""
    if corrections.of(application) is not None:
        return redirect("correction", application.pk)
    return lodged_already(request, application, flows.first_of(application.kind))


def shown(
    application: Application, about: Circumstances, findings: Findings, done: Check
) -> list[dict[str, Any]]:
    """The list as `intake/check.html` shows it: each miss leads to its field."""
    return [
        {"line": line, "faults": _faults(application, line), "url": _place(application, findings, line)}
        for line in done.lines
    ]


def _faults(application: Application, line: Line) -> list[dict[str, Any]]:
    paper_page = f"{reverse('papers', args=[application.pk])}#paper-"
    return [
        *({"message": miss.message, "href": miss_url(application, miss)} for miss in line.misses),
        *({"message": item.message, "href": f"{paper_page}{item.code}"} for item in line.papers),
        *({"message": told, "href": ""} for told in line.told),
    ]


def _place(application: Application, findings: Findings, line: Line) -> str:
    step = selfcheck.place_of(findings, line.key)
    return step_url(application, step) if step else ""
