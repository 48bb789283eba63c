"""The authority's queue: the docket over all agencies, and taking up several cases at once."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from register.models import DocketEntry
from review import casework, docket, queue
from review.forms.queue import DocketFilterForm
from review.states import State
from review.views import listing
from review.views.desk import actor, need
from review.workflow import FINAL_REVIEWER
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import Agency
from tenants.roles import FINAL_REVIEWER as FINAL_REVIEWER_ROLE


@staff_required()
@require_safe
def cases(request: StaffRequest) -> HttpResponse:
    """The docket, most urgent first."""
    return _listed(request)


@staff_required()
@require_POST
def search(request: StaffRequest) -> HttpResponse:
    """Go to the list that the filters ask for: posted, so that a document number stands in no address."""
    return _listed(request)


def _listed(request: StaffRequest) -> HttpResponse:
    agencies = list(Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).only("code", "name_zh", "name_en"))
    form = DocketFilterForm(request.POST if request.method == "POST" else request.GET, agencies=agencies)
    form.wishes()
    if request.method == "POST" or form.numbers:
        there = listing.without_number(form, DocketEntry.objects.all(), queue.DOCKET)
        if there is not None:
            return there
    context = listing.context_of(
        request,
        queue.docket(),
        queue.DOCKET,
        form,
        lambda entry: listing.row_of_entry(entry, user_id=request.user.pk),
    )
    takes_up = FINAL_REVIEWER in request.roles and State.REPORTED in context["tab"].states
    act = {"label": _("领取"), "value": "take_up", "tone": "primary", "url": reverse("holdings")}
    context["bulk_acts"] = [act] if takes_up else []
    return listing.answer(request, "review/authority/queue.html", context)


@staff_required(FINAL_REVIEWER_ROLE)
@require_POST
def holdings(request: StaffRequest) -> HttpResponse:
    """Take up the ticked cases, each inside its agency; a line for each says whether it worked."""
    try:
        entries = _chosen(listing.ticked(request))
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect(listing.back(request))
    if not entries:
        listing.nothing_ticked(request)
    done, refused = [], []
    for entry in entries:
        try:
            _take_up(request, entry)
        except Refusal as no:
            refused.append((entry, no))
        else:
            done.append(entry)
    listing.tell_each(request, done, _("已领取。"), refused)
    return redirect(listing.back(request))


def _chosen(ids: list[UUID]) -> list[DocketEntry]:
    found = DocketEntry.objects.select_related("agency").filter(pk__in=ids).order_by("due_on", "pk")
    entries = list(found)
    need(len(entries) == len(ids))
    return entries


def _take_up(request: StaffRequest, entry: DocketEntry) -> None:
    """Take a case up; one that is already in one's own hands stays there."""
    with docket.opened(entry) as case:
        if not actor(request).handles(case.officer_id):
            casework.take_up(case=case, by=actor(request))
