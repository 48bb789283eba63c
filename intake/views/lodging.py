"""Preview, print, lodge, receipt; withdraw, discard, copy; and answering a correction."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from intake import circumstances, completeness, corrections, dossier, filing, flows, progress
from intake.circumstances import Circumstances
from intake.completeness import Findings, Miss
from intake.corrections import OpenCorrection
from intake.fields import plain_line
from intake.filing import AnotherDraft, Incomplete
from intake.flows import Section, Step
from intake.forms import DeclarationForm, labelled
from intake.models import Application
from intake.views.found import own_application, posted, private
from intake.views.frame import frame
from register import clock, codes, people
from register.models import DocketEntry, Kind, Person
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


# --- Preview and print -----------------------------------------------------------------------------


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
            return _lodge(request, application)
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


def _entry_or_404(application: Application) -> DocketEntry:
    entry = filing.entry_of(application)
    if entry is None:
        raise Http404
    return entry


def _pdf_as_lodged(application: Application) -> bytes:
    lodged = _as_lodged(_entry_or_404(application))
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
    lodged = _as_lodged(_entry_or_404(application))
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


# --- Lodging ---------------------------------------------------------------------------------------


def _lodge(request: HttpRequest, application: Application) -> HttpResponse:
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
    shown = progress.progress_of(_entry_or_404(application))
    papers = [codes.label("paper", code) for code in flows.PAPERS[Kind(application.kind)]]
    context = {"application": application, "progress": shown, "papers": papers}
    return private(render(request, "intake/receipt.html", context))


# --- Giving up -------------------------------------------------------------------------------------


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
    entry = _entry_or_404(application)
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


# --- Correction ------------------------------------------------------------------------------------


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
