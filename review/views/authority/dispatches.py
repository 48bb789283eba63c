"""The dispatches of all agencies at the authority: which came in, what is in them, their summary lists."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from register import clock
from register.tables import Form
from review import dispatch_prints, dispatched, dispatching
from review.dispatching import SummaryList
from review.documents import summaries
from review.forms.dispatches import DispatchFilterForm
from review.models import Dispatch
from review.states import State
from review.views.agency.dispatching import printed, row_of
from review.views.desk import AUTHORITY_READERS, private
from review.workflow import FINAL_REVIEWER, SIGNING_OFFICER
from tenants import crossing
from tenants.guards import StaffRequest, staff_required
from tenants.models import Agency


@staff_required(*AUTHORITY_READERS)
@require_safe
def batches(request: StaffRequest) -> HttpResponse:
    """The dispatches with cases that wait for a decision, the oldest first; or all, the latest first."""
    agencies = Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).only("code", "name_zh", "name_en")
    form = DispatchFilterForm(request.GET, agencies=agencies)
    asked = form.wishes()
    every = request.GET.get("tab") == "all"
    page = dispatched.page(
        waiting=not every,
        agency=asked.get("agency", ""),
        number=asked.get("number", ""),
        after=request.GET.get("after", ""),
    )
    context = {
        "tabs": [_tab(asked, every=False, chosen=not every), _tab(asked, every=True, chosen=every)],
        "every": every,
        "form": form,
        "filtered": bool(asked),
        "batches": [(row, clock.working_days_left(row.due_on) if row.due_on else None) for row in page.rows],
        "first_url": _address(asked, every=every) if request.GET.get("after") else "",
        "next_url": _address(asked, every=every, after=page.next) if page.next else "",
    }
    return private(render(request, "review/authority/dispatch_batches.html", context))


def _tab(asked: dict[str, str], *, every: bool, chosen: bool) -> dict[str, object]:
    label = dispatched.ALL if every else dispatched.WAITING
    return {"label": label, "url": _address(asked, every=every), "current": chosen}


def _address(asked: dict[str, str], *, every: bool, **more: str) -> str:
    query = urlencode({**({"tab": "all"} if every else {}), **asked, **more})
    return f"{reverse('dispatch-batches')}?{query}" if query else reverse("dispatch-batches")


@staff_required(*AUTHORITY_READERS)
@require_safe
def batch(request: StaffRequest, number: str) -> HttpResponse:
    """One dispatch: who was sent up, with which opinion, and where each case is now."""
    with _summary(number) as (summary, agency):
        rows = [row_of(line) for line in summary.lines]
        waiting = sum(row.state == State.REPORTED for row in rows)
        context = {
            "agency_name": agency.name,
            "dispatch": summary.dispatch,
            "summary": summary,
            "long": dispatch_prints.is_long(summary),
            "rows": rows,
            "waiting": waiting,
            "decides": bool(waiting and request.roles & {FINAL_REVIEWER, SIGNING_OFFICER}),
        }
        return private(render(request, "review/authority/dispatch_batch.html", context))


@staff_required(*AUTHORITY_READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def summary_pdf(request: StaffRequest, number: str) -> HttpResponse:
    """The summary list as its agency sent it, for printing; a long one is ordered and drawn by a task."""
    with _summary(number) as (summary, agency):
        return printed(request, summary, agency)


@staff_required(*AUTHORITY_READERS)
@require_safe
def summary_xlsx(request: StaffRequest, number: str) -> HttpResponse:
    """The summary list as its agency sent it, as a workbook."""
    with _summary(number) as (summary, agency):
        file = summaries.summary_xlsx(summary, agency)
    response = HttpResponse(file, content_type=Form.XLSX.content_type)
    response["Content-Disposition"] = f'attachment; filename="{number}.xlsx"'
    return private(response)


@contextmanager
def _summary(number: str) -> Iterator[tuple[SummaryList, Agency]]:
    """Stand inside the agency that sent this dispatch, with its list; any other number is not found."""
    agency = dispatched.sender_of(number)
    if agency is None:
        raise Http404
    with crossing.inside(agency):
        dispatch = get_object_or_404(Dispatch, number=number)
        yield dispatching.summary_of(dispatch), agency
