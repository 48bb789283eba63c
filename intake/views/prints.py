"""What can be printed: the form of a draft or a version as page, PDF and Word file, and the letters."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from intake import flows, letters, prints
from intake.prints import NEXT, Printout
from intake.views.found import entry_or_404, own_application, private
from review.documents.forms import Mark
from review.sections import sections_of
from tenants.guards import ApplicantRequest, applicant_required

PDF: Final = "application/pdf"
WORD: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
LEADS: Final[dict[Mark, Promise]] = {
    Mark.DRAFT: _("尚未填写完整，不能用于签字、盖章和递交。"),
    Mark.READY: _("与将要上报的内容一致。打印后又修改了内容的，须重新打印。"),
    Mark.LODGED: _("上报时的内容，不再改变。"),
}


@applicant_required
@never_cache
@require_safe
def form_view(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """The form as a page that prints well itself; with `print` the page opens the print dialogue."""
    printout = _asked(request, application_id)
    prints_itself = "print" in request.GET
    if prints_itself:
        printout.printed_from_the_page()
    context = {
        "application": printout.application,
        "printout": printout,
        "lead": LEADS[printout.mark],
        "query": _query(request),
        "prints_itself": prints_itself,
        "back": _back(request, printout),
        "answers": sections_of(printout.content),
        "sheet": printout.html(),
    }
    return private(render(request, "intake/form.html", context))


@applicant_required
@never_cache
@require_safe
def form_pdf(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """The form on A4 for double-sided printing; the full document number is put in while drawing only."""
    printout = _asked(request, application_id)
    return _file(printout.pdf(), PDF, f'inline; filename="{printout.name}.pdf"')


@applicant_required
@never_cache
@require_safe
def form_word(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """导出到word打印: the same form as a Word file with the same pages."""
    printout = _asked(request, application_id)
    return _file(printout.word(), WORD, f'attachment; filename="{printout.name}.docx"')


@applicant_required
@never_cache
@require_safe
def letter_pdf(request: ApplicantRequest, application_id: UUID, slug: str) -> HttpResponse:
    """A letter of an own application: receipt, notice, decision."""
    application = own_application(request, application_id)
    pdf = letters.pdf_of(application, entry_or_404(application), slug)
    if pdf is None:
        raise Http404
    return _file(pdf, PDF, f'inline; filename="{application.reference}-{slug}.pdf"')


def _asked(request: HttpRequest, application_id: UUID) -> Printout:
    application = own_application(request, application_id, to_print=True)
    printout = prints.printout_of(application, request.GET.get("version", ""))
    if printout is None:
        raise Http404
    return printout


def _query(request: HttpRequest) -> str:
    """The version asked for, to go on to its other forms."""
    version = request.GET.get("version", "")
    return f"version={version}" if version else ""


def _back(request: HttpRequest, printout: Printout) -> str:
    key = printout.application.pk
    if printout.version:
        return reverse("application", args=[key])
    if request.GET.get("version") == NEXT:
        return reverse("correction", args=[key])
    return reverse("step", args=[key, flows.PREVIEW.slug])


def _file(data: bytes, content_type: str, disposition: str) -> HttpResponse:
    answer = private(HttpResponse(data, content_type=content_type))
    answer["Content-Disposition"] = disposition
    return answer
