"""预览, 打印: the form on the screen and on paper, as a draft and as lodged."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from intake import circumstances, completeness, dossier, filing, flows
from intake.circumstances import Circumstances
from intake.completeness import Findings, Miss
from intake.flows import Section
from intake.forms import DeclarationForm, labelled
from intake.models import Application
from intake.views.found import entry_or_404, own_application, posted, private
from intake.views.frame import frame
from intake.views.lodging import lodge, lodged_already
from register import clock, codes, people
from register.models import DocketEntry, Person
from review.documents import forms as sheets
from review.models import Dossier
from review.sections import sections_of
from tenants import crossing
from tenants.errors import Refusal
from tenants.guards import ApplicantRequest, applicant_required

PRINT = "print"


def miss_url(application: Application, miss: Miss) -> str:
    """The place where a miss is mended; `check` shows what is wrong beside the fields."""
    url = reverse("step", args=[application.pk, miss.step.slug])
    return f"{url}?check=1#{miss.anchor}"


def faults_of(application: Application, findings: Findings) -> list[dict[str, str]]:
    """The misses as lines of an error summary."""
    return [
        {"message": str(miss.message), "href": miss_url(application, miss)}
        for miss in findings.misses
        if miss.section != Section.DECLARATION
    ]


def preview(request: HttpRequest, application: Application, about: Circumstances) -> HttpResponse:
    """预览、打印和上报: the form as it will be lodged, what is missing, declaration, 上报."""
    stored = application.sections.get(Section.DECLARATION)
    form = DeclarationForm(posted(request), about=about, stored=stored)
    if request.method == "POST":
        complete = form.is_valid()
        try:
            filing.save_step(
                application=application,
                section=Section.DECLARATION,
                data=form.storable(),
                step=flows.PREVIEW.slug,
            )
        except Refusal as no:
            # Two clicks at once: the other one lodged it.
            if no.code != "lodged":
                raise
            return lodged_already(request, application, flows.PREVIEW)
        if request.POST.get("go") == PRINT:
            return redirect("form_pdf", application.pk)
        if complete:
            return lodge(request, application)
        application.refresh_from_db(fields=["sections", "saved_at"])
    filing.stand_on(application=application, step=flows.PREVIEW.slug)
    return private(render(request, "intake/preview.html", _preview_context(application, about, form)))


def _preview_context(application: Application, about: Circumstances, form: DeclarationForm) -> dict[str, Any]:
    findings = completeness.check(application, about)
    frozen = dossier.freeze(application, about)
    complete = findings.complete
    return {
        **frame(application, about, flows.PREVIEW, findings),
        "form": form,
        "faults": faults_of(application, findings) + _form_faults(form),
        "warnings": findings.warnings,
        "ready": complete,
        "sheet": sheets.dossier_html(
            frozen.content,
            digest=frozen.digest if complete else "",
            mark=sheets.Mark.READY if complete else sheets.Mark.DRAFT,
            photo=frozen.photo,
        ),
        "answers": sections_of(frozen.content),
        "outdated": bool(application.printed_digest) and application.printed_digest != frozen.digest,
        "papers": [codes.label("paper", code) for code in flows.PAPERS[about.kind]],
    }


def _form_faults(form: DeclarationForm) -> list[dict[str, str]]:
    return [
        {"message": message_of(form, name, str(error)), "href": f"#{form[name].auto_id}"}
        for name, errors in form.errors.items()
        for error in errors
    ]


def message_of(form: DeclarationForm, name: str, error: str) -> str:
    """The declaration's own sentence says enough; other fields are named."""
    return error if name == "agreed" else labelled(form[name].label, error)


@applicant_required
@never_cache
@require_safe
def form_pdf(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """The form on A4 for double-sided printing; the full document number is put in while rendering only."""
    application = own_application(request, application_id)
    if application.status == Application.Status.LODGED:
        pdf = _pdf_as_lodged(application)
    else:
        pdf = _pdf_of_draft(application)
    answer = private(HttpResponse(pdf, content_type="application/pdf"))
    answer["Content-Disposition"] = f'inline; filename="{application.reference}.pdf"'
    return answer


def _pdf_of_draft(application: Application) -> bytes:
    about = circumstances.of(application)
    complete = completeness.check(application, about).complete
    frozen = dossier.freeze(application, about)
    if complete:
        filing.remember_print(application=application, digest=frozen.digest)
    return sheets.form_pdf(
        frozen.content,
        photo=frozen.photo,
        digest=frozen.digest if complete else "",
        mark=sheets.Mark.READY if complete else sheets.Mark.DRAFT,
        full_number=_number_for(frozen.content, about.person),
    )


def _number_for(content: dict[str, Any], person: Person) -> str | None:
    """The full number, if the person still carries the document the content names."""
    same = content["personal"]["id_digest"] == person.document_digest
    return people.number_for_form(person) if same else None


@dataclass(frozen=True, slots=True)
class AsLodged:
    """A dossier version with what its print needs."""

    content: dict[str, Any]
    photo: bytes | None
    digest: str
    lodged_on: dt.date
    version: int


def _as_lodged(entry: DocketEntry) -> AsLodged:
    with crossing.inside(entry.agency):
        last = Dossier.objects.filter(case_id=entry.case_id).latest("version")
    return AsLodged(
        content=last.content,
        photo=bytes(last.photo) if last.photo is not None else None,
        digest=last.digest,
        lodged_on=clock.day_of(last.lodged_at),
        version=last.version,
    )


def _pdf_as_lodged(application: Application) -> bytes:
    lodged = _as_lodged(entry_or_404(application))
    return sheets.form_pdf(
        lodged.content,
        photo=lodged.photo,
        digest=lodged.digest,
        mark=sheets.Mark.LODGED,
        full_number=_number_for(lodged.content, application.person),
        lodged_on=lodged.lodged_on,
    )


@applicant_required
@require_safe
def form_view(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """The form as lodged, on the screen."""
    application = own_application(request, application_id)
    lodged = _as_lodged(entry_or_404(application))
    context = {
        "application": application,
        "version": lodged.version,
        "answers": sections_of(lodged.content),
        "sheet": sheets.dossier_html(
            lodged.content,
            digest=lodged.digest,
            mark=sheets.Mark.LODGED,
            photo=lodged.photo,
            lodged_on=lodged.lodged_on,
        ),
    }
    return private(render(request, "intake/form.html", context))
