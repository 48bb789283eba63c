"""预览, 打印和上报: the last page before lodging."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from intake import completeness, dossier, filing, flows, held, papers, prints
from intake.circumstances import Circumstances
from intake.completeness import Findings
from intake.flows import Section
from intake.forms import DeclarationForm, labelled
from intake.models import Application
from intake.views.found import private
from intake.views.frame import frame, miss_url
from intake.views.keeping import KEEP
from intake.views.lodging import lodge, lodged_already
from review.sections import sections_of
from tenants.errors import Refusal

# The ways to print that the page's buttons post as `go`: what was just ticked and chosen is saved first.
PRINTS: Final = {"page": "form", "pdf": "form_pdf", "word": "form_word"}


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
    form = DeclarationForm(held.typed(request), about=about, stored=stored)
    if request.method == "POST":
        go = request.POST.get("go")
        if form.is_valid() and go not in (*PRINTS, KEEP):
            return lodge(request, application, form.storable())
        try:
            application = filing.save_step(
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
        if go in PRINTS:
            return redirect(reverse(PRINTS[go], args=[application.pk]) + ("?print=1" if go == "page" else ""))
    filing.stand_on(application=application, step=flows.PREVIEW.slug)
    return private(render(request, "intake/preview.html", _preview_context(application, about, form)))


def _preview_context(application: Application, about: Circumstances, form: DeclarationForm) -> dict[str, Any]:
    findings = completeness.check(application, about)
    frozen = dossier.freeze(application, about)
    complete = findings.complete
    part = papers.part_of(application, about, digest=frozen.digest)
    return {
        **frame(application, about, flows.PREVIEW, findings),
        "form": form,
        "faults": faults_of(application, findings) + part.faults + _form_faults(form),
        "warnings": findings.warnings,
        "ready": complete,
        "sheet": prints.not_lodged(application, frozen, complete=complete).html(),
        "answers": sections_of(frozen.content),
        "outdated": prints.is_outdated(application, frozen.digest),
        "part": part,
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
