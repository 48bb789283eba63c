"""The authority's queue: the docket over all agencies, and taking up several cases at once."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from register.models import DocketEntry
from review import casework, docket, queue
from review.forms.desk import DocketFilterForm
from review.states import State
from review.views import listing
from review.views.desk import actor, need, private
from review.workflow import FINAL_REVIEWER
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import Agency
from tenants.roles import FINAL_REVIEWER as FINAL_REVIEWER_ROLE


@staff_required()
@require_safe
def cases(request: StaffRequest) -> HttpResponse:
    """The docket, most urgent first."""
    agencies = list(Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).only("code", "name_zh", "name_en"))
    context = listing.context_of(
        request,
        queue.docket(),
        queue.DOCKET,
        DocketFilterForm(request.GET, agencies=agencies),
        lambda entry: listing.row_of_entry(entry, user_id=request.user.pk),
    )
    takes_up = FINAL_REVIEWER in request.roles and State.REPORTED in context["tab"].states
    act = {"label": _("领取"), "value": "take_up", "tone": "primary", "url": reverse("holdings")}
    context["bulk_acts"] = [act] if takes_up else []
    response = render(request, "review/authority/queue.html", context)
    return private(listing.remembering(request, response))


@staff_required(FINAL_REVIEWER_ROLE)
@require_POST
def holdings(request: StaffRequest) -> HttpResponse:
    """Take up the ticked cases, each inside its agency; a line for each says whether it worked."""
    ids = listing.ticked(request)
    entries = _chosen(ids)
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
        if case.officer_id != request.user.pk:
            casework.take_up(case=case, by=actor(request))
