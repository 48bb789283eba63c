"""The authority's queue: the docket over all agencies, and taking up several cases at once."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from register.memory import Remembered
from register.models import DocketEntry
from review import casework, docket, docket_exports, presence, queue, taking
from review.forms.queue import DocketFilterForm
from review.states import State
from review.views import listing
from review.views.desk import AUTHORITY_READERS, actor, need, private
from review.workflow import FINAL_REVIEWER, SIGNING_OFFICER, Actor
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import Agency
from tenants.roles import FINAL_REVIEWER as FINAL_REVIEWER_ROLE
from tenants.roles import SIGNING_OFFICER as SIGNING_OFFICER_ROLE


def _agencies() -> list[Agency]:
    return list(Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).only("code", "name_zh", "name_en"))


# The choice of an agency: a new one is offered a little later.
AGENCIES: Final = Remembered(_agencies, seconds=30.0)


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
    asked = request.POST if request.method == "POST" else request.GET
    agencies = AGENCIES()
    form = DocketFilterForm(asked, agencies=agencies, holders=queue.officers(request.agency))
    form.wishes()
    if request.method == "POST" or form.numbers:
        there = listing.without_number(form, DocketEntry.objects.all(), queue.DOCKET)
        if there is not None:
            return there
    # Not joined: with few lines expected the planner would go through the agencies one by one.
    names = {agency.pk: agency.name for agency in agencies}

    def shown(entry: DocketEntry) -> listing.Row:
        agency = names.get(entry.agency_id) or entry.agency.name
        return listing.row_of_entry(entry, by=actor(request), agency=agency)

    context = listing.context_of(request, queue.docket(), queue.DOCKET, form, shown)
    context["rows"] = listing.with_lookers(context["rows"], user_id=request.user.pk)
    context["bulk_acts"] = _bulk_acts(context["tab"], request.roles)
    if docket_exports.EXPORTERS & request.roles:
        context["export_url"] = f"{reverse('export')}?{context['view_query']}"
    context["takes_next"] = bool(request.roles & {FINAL_REVIEWER, SIGNING_OFFICER})
    return listing.answer(request, "review/authority/queue.html", context)


def _bulk_acts(tab: queue.Tab, roles: frozenset[str]) -> list[dict[str, Any]]:
    """What may be done with several cases: only where the tab holds such cases, and the reader may."""
    acts: list[dict[str, Any]] = []
    if State.REPORTED not in tab.states:
        return acts
    if FINAL_REVIEWER in roles:
        acts.append({"label": _("领取"), "value": "take_up", "url": reverse("holdings")})
    if roles & {FINAL_REVIEWER, SIGNING_OFFICER}:
        label = _("批量准予注册") if FINAL_REVIEWER in roles else _("批量签批")
        acts.append({"label": label, "value": "approve", "tone": "primary", "url": reverse("bulk-approval")})
    return acts


# --- One case ----------------------------------------------------------------------------------------


@staff_required(FINAL_REVIEWER_ROLE, SIGNING_OFFICER_ROLE)
@require_POST
def next_case(request: StaffRequest) -> HttpResponse:
    """Go to the most urgent case that waits for the reader; a final reviewer takes it up by this."""
    by = actor(request)
    entry = taking.take_next_reported(by)
    if entry is None:
        messages.info(request, _nothing_waits(by))
        return redirect(listing.remembered(request))
    if entry.officer_id == by.user_id:
        messages.success(request, _("已领取，本案由您办理。"))
    return redirect("case", entry.pk)


def _nothing_waits(by: Actor) -> str:
    if FINAL_REVIEWER in by.roles:
        return _("目前没有可以领取的案卷：没有未领取的待终审案卷，或者您须回避。")
    return _("目前没有等待您签批的建议。")


@staff_required(*AUTHORITY_READERS)
@require_POST
def look(request: StaffRequest, case_id: UUID) -> HttpResponse:
    """Note that the reader has this case open, and answer who else at the authority has."""
    need(DocketEntry.objects.filter(pk=case_id).exists())
    return private(JsonResponse({"words": presence.names(presence.look(case_id, request.user))}))


# --- Several cases -----------------------------------------------------------------------------------


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
