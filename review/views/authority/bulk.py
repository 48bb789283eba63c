"""Granting many cases at once: of a dispatch, or ticked in the queue; a page that asks, a line for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from register import codes
from register.models import DocketEntry, Kind
from review import bulk
from review.bulk import Candidate
from review.forms.desk import ApprovalForm
from review.models import Opinion
from review.states import State
from review.views import listing
from review.views.desk import Text, actor, need, private
from review.workflow import FINAL_REVIEWER
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.roles import FINAL_REVIEWER as FINAL_REVIEWER_ROLE
from tenants.roles import SIGNING_OFFICER as SIGNING_OFFICER_ROLE


@dataclass(frozen=True, slots=True)
class Row:
    """A case of the list as the page shows it."""

    case: Candidate
    kind: Text
    category: str
    verdict: Text
    state: State
    ticked: bool


@staff_required(FINAL_REVIEWER_ROLE, SIGNING_OFFICER_ROLE)
@require_http_methods(["GET", "POST"])
def approval(request: StaffRequest) -> HttpResponse:
    """List the ticked cases, or those of a dispatch; once confirmed, grant what is left ticked."""
    if request.method == "GET":
        number = request.GET.get("dispatch", "")
        if not number:
            return redirect("queue")
        entries, more = bulk.of_dispatch(number)
        return _asked(request, entries, number, more=more)
    try:
        ids = listing.ticked(request)
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect(listing.back(request))
    entries = list(DocketEntry.objects.select_related("agency", "officer").filter(pk__in=ids))
    need(len(entries) == len(ids))
    entries.sort(key=lambda entry: (str(entry.due_on), entry.reference))
    if "confirmed" in request.POST:
        return _decided(request, entries)
    return _asked(request, entries, "")


def _asked(
    request: StaffRequest,
    entries: list[DocketEntry],
    number: str,
    form: ApprovalForm | None = None,
    *,
    more: int = 0,
) -> HttpResponse:
    if not entries:
        if number:
            messages.info(request, _("批次 {number} 没有待终审的案卷。").format(number=number))
        else:
            listing.nothing_ticked(request)
        return redirect(listing.back(request))
    found = bulk.candidates(entries, by=actor(request))
    rows = [_row(each) for each in found]
    proposes = FINAL_REVIEWER in request.roles and any(not each.proposer for each in found)
    context = {
        "rows": rows,
        "ready": sum(row.ticked for row in rows),
        "number": number,
        "more": more,
        "form": form or ApprovalForm() if proposes else None,
        "here": listing.back(request) if request.method == "POST" else listing.remembered(request),
        "signs": FINAL_REVIEWER not in request.roles,
    }
    return private(render(request, "review/authority/bulk_approval.html", context))


def _row(case: Candidate) -> Row:
    entry = case.entry
    return Row(
        case=case,
        kind=Kind(entry.kind).label,
        category=codes.label("category", entry.category) if entry.category else "",
        verdict=Opinion.Verdict(case.verdict).label if case.verdict else "",
        state=State(entry.state),
        ticked=not case.why_not,
    )


def _decided(request: StaffRequest, entries: list[DocketEntry]) -> HttpResponse:
    form = ApprovalForm(request.POST)
    if not form.is_valid():
        return _asked(request, entries, "", form)
    if not entries:
        listing.nothing_ticked(request)
        return redirect(listing.back(request))
    outcomes = list(
        bulk.approve_each(entries, by=actor(request), seen=_seen(request), text=form.cleaned_data["text"])
    )
    context: dict[str, Any] = {
        "outcomes": outcomes,
        "done": sum(each.done for each in outcomes),
        "left": sum(not each.done for each in outcomes),
        "back": listing.back(request),
    }
    return private(render(request, "review/authority/bulk_result.html", context))


def _seen(request: StaffRequest) -> dict[str, int]:
    """How far the record of each case went on the page that was confirmed."""
    marks = (mark.partition("~") for mark in request.POST.getlist("seen"))
    return {key: int(length) for key, _tilde, length in marks if length.isdecimal()}
