"""The dispatches of an agency: which were sent, what was in them, and their summary lists."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from register import codes
from register.models import Kind
from register.tables import Form
from review import dispatch_prints, dispatching
from review.dispatching import Line, SummaryList
from review.documents import summaries
from review.models import Dispatch, Opinion
from review.prepared import PDF
from review.states import State
from review.views.desk import AGENCY_READERS, Text, private, told
from tenants.guards import StaffRequest, staff_required
from tenants.models import Agency


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list as the page shows it, with where the case is now."""

    line: Line
    kind: Text
    category: str
    verdict: Text
    passed: bool
    opinion: str
    state: State


@staff_required(*AGENCY_READERS)
@require_safe
def batches(request: StaffRequest) -> HttpResponse:
    """The dispatches, the latest first."""
    page = dispatching.page(older_than=request.GET.get("before", ""))
    here = reverse("dispatch-batches")
    context = {
        "batches": page.rows,
        "newest_url": here if request.GET.get("before") else "",
        "older_url": f"{here}?{urlencode({'before': page.older})}" if page.older else "",
    }
    return private(render(request, "review/agency/dispatch_batches.html", context))


@staff_required(*AGENCY_READERS)
@require_safe
def batch(request: StaffRequest, number: str) -> HttpResponse:
    """One dispatch: who was sent, with which opinion, and where each case is now."""
    summary = dispatching.summary_of(_dispatch(number))
    context = {
        "dispatch": summary.dispatch,
        "summary": summary,
        "long": dispatch_prints.is_long(summary),
        "rows": [row_of(line) for line in summary.lines],
    }
    return private(render(request, "review/agency/dispatch_batch.html", context))


@staff_required(*AGENCY_READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def summary_pdf(request: StaffRequest, number: str) -> HttpResponse:
    """The summary list for printing and sealing; a long one is ordered by posting and drawn by a task."""
    summary = dispatching.summary_of(_dispatch(number))
    return printed(request, summary, request.agency)


def printed(request: StaffRequest, summary: SummaryList, sender: Agency) -> HttpResponse:
    """The list of this sender as a PDF at once, or its order where there are many people on it."""
    number = summary.dispatch.number
    if request.method == "POST":
        ordered = told(
            request,
            _("汇总表正在生成，完成后可以在这里下载。"),
            lambda: dispatch_prints.ask(summary, agency=request.agency, user=request.user),
        )
        return redirect("prepared-files") if ordered else redirect("dispatch-batch", number)
    if dispatch_prints.is_long(summary):
        messages.info(request, _("名单较长，请点“生成汇总表（PDF）”，生成后下载。"))
        return redirect("dispatch-batch", number)
    response = HttpResponse(summaries.summary_pdf(summary, sender), content_type=PDF)
    response["Content-Disposition"] = f'inline; filename="{number}.pdf"'
    return private(response)


@staff_required(*AGENCY_READERS)
@require_safe
def summary_xlsx(request: StaffRequest, number: str) -> HttpResponse:
    """The summary list as a workbook."""
    summary = dispatching.summary_of(_dispatch(number))
    book = summaries.summary_xlsx(summary, request.agency)
    response = HttpResponse(book, content_type=Form.XLSX.content_type)
    response["Content-Disposition"] = f'attachment; filename="{number}.xlsx"'
    return private(response)


def _dispatch(number: str) -> Dispatch:
    """A dispatch of this agency; any other number is not found."""
    return get_object_or_404(Dispatch, number=number)


def row_of(line: Line) -> Row:
    """A line of the list with words for the page of either desk."""
    return Row(
        line=line,
        kind=Kind(line.kind).label,
        category=codes.label("category", line.category) if line.category else "",
        verdict=Opinion.Verdict(line.verdict).label if line.verdict else "",
        passed=line.verdict == Opinion.Verdict.PASS,
        opinion=summaries.opinion_of(line),
        state=State(line.state),
    )
