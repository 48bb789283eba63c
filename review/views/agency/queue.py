"""The agency's queue, the next case out of it, and what is done with several cases at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from review import casework, presence, queue, taking
from review.forms.queue import FilterForm
from review.models import Case
from review.states import AT_AGENCY, FIRST, State
from review.views import listing
from review.views.desk import AGENCY_READERS, actor, need
from review.workflow import REVIEWER, SUPERVISOR, Actor
from tenants import crossing
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import User
from tenants.roles import REVIEWER as REVIEWER_ROLE
from tenants.roles import SUPERVISOR as SUPERVISOR_ROLE


@staff_required()
@require_safe
def cases(request: StaffRequest) -> HttpResponse:
    """The cases of this agency, most urgent first."""
    return _listed(request)


@staff_required()
@require_POST
def search(request: StaffRequest) -> HttpResponse:
    """Go to the list that the filters ask for: posted, so that a document number stands in no address."""
    return _listed(request)


def _listed(request: StaffRequest) -> HttpResponse:
    holders = queue.holders(request.agency)
    form = FilterForm(request.POST if request.method == "POST" else request.GET, holders=holders)
    form.wishes()
    if request.method == "POST" or form.numbers:
        there = listing.without_number(form, Case.objects.all(), queue.CASES)
        if there is not None:
            return there
    context = listing.context_of(
        request,
        queue.cases(),
        queue.CASES,
        form,
        lambda case: listing.row_of_case(case, by=actor(request)),
    )
    context["rows"] = listing.with_lookers(context["rows"], user_id=request.user.pk)
    context["bulk_acts"] = _bulk_acts(context["tab"], request.roles)
    context["assignees"] = [each for each in holders if each.reviews]
    context["takes_next"] = bool(request.roles & {REVIEWER, SUPERVISOR})
    if context["opens"] and context["rows"]:
        context["export_url"] = f"{reverse('export')}?{context['view_query']}"
    return listing.answer(request, "review/agency/queue.html", context)


def _bulk_acts(tab: queue.Tab, roles: frozenset[str]) -> list[dict[str, Any]]:
    """What may be done with several cases: only where the tab holds such cases, and the reader may."""
    acts: list[dict[str, Any]] = []
    if SUPERVISOR in roles and tab.states & AT_AGENCY:
        acts.append({"label": _("分派"), "value": "assign", "url": reverse("assignments"), "asks_whom": True})
    if roles & {REVIEWER, SUPERVISOR}:
        acts.append({"label": _("打印申请表"), "value": "print", "url": reverse("prints")})
    if REVIEWER not in roles:
        return acts
    if tab.states & AT_AGENCY:
        acts.append({"label": _("领取"), "value": "take_up", "url": reverse("holdings")})
    if State.SUBMITTED in tab.states:
        acts.append({"label": _("受理"), "value": "accept", "url": reverse("acceptances")})
    if tab.states & FIRST:
        acts.append(
            {"label": _("报送终审"), "value": "refer", "tone": "primary", "url": reverse("dispatches")}
        )
    return acts


# --- One case ----------------------------------------------------------------------------------------


@staff_required(REVIEWER_ROLE, SUPERVISOR_ROLE)
@require_POST
def next_case(request: StaffRequest) -> HttpResponse:
    """Go to the most urgent case that waits for the reader; a reviewer takes it up by this."""
    by = actor(request)
    case = taking.take_next(by)
    if case is None:
        messages.info(request, _nothing_waits(by))
        return redirect(listing.remembered(request))
    if case.assignee_id == by.user_id:
        messages.success(request, _("已领取，本案由您办理。"))
    return redirect("case", case.pk)


def _nothing_waits(by: Actor) -> str:
    if REVIEWER in by.roles:
        return _("目前没有可以领取的案卷：没有未领取的待办案卷，或者您须回避。")
    return _("目前没有等待您复核的意见。")


@staff_required(*AGENCY_READERS)
@require_POST
def look(request: StaffRequest, case_id: UUID) -> HttpResponse:
    """Note that the reader has this case open, and answer who else has."""
    need(Case.objects.filter(pk=case_id).exists())
    others = presence.look(case_id, request.user)
    answer = JsonResponse({"words": presence.names(others)})
    answer["Cache-Control"] = "private, no-store"
    return answer


# --- Several cases -----------------------------------------------------------------------------------


@staff_required(REVIEWER_ROLE)
@require_POST
def holdings(request: StaffRequest) -> HttpResponse:
    """Take up the ticked cases; a line for each says whether it worked."""
    by = actor(request)
    return _each(request, lambda case: _take_up(case, by), _("已领取。"))


@staff_required(SUPERVISOR_ROLE)
@require_POST
def assignments(request: StaffRequest) -> HttpResponse:
    """Give the ticked cases to a colleague; a line for each says whether it worked."""
    by, chosen_id = actor(request), request.POST.get("to", "")
    reviewing = {str(each.id) for each in queue.holders(request.agency) if each.reviews}
    if chosen_id not in reviewing:
        messages.warning(request, _("请先选择要分派给哪位经办人员。"))
        return redirect(listing.back(request))
    to = User.objects.get(pk=chosen_id)
    act = partial(casework.assign, to=to, agency=request.agency, by=by)
    return _each(request, lambda case: act(case=case), _("已分派给{name}。").format(name=to.display_name))


@staff_required(REVIEWER_ROLE)
@require_POST
def acceptances(request: StaffRequest) -> HttpResponse:
    """Accept the ticked cases. It cannot be undone, so the first post only asks."""
    by = actor(request)
    if "confirmed" not in request.POST:
        return _asked(
            request,
            _("确定受理这 {n} 件申请吗？"),
            lines=[_("受理凭证随通知发送申请人，初审期限自受理之日起计算。未领取的案卷同时由您领取。")],
            warning=_("受理不能撤销；材料不齐全的，请先退回补正。"),
            label=_("确定受理"),
        )

    def accept(case: Case) -> None:
        with crossing.atomic():
            _take_up(case, by)
            casework.accept(case=case, by=by)

    return _each(request, accept, _("已受理，受理凭证已通知申请人。"))


@staff_required(REVIEWER_ROLE)
@require_POST
def dispatches(request: StaffRequest) -> HttpResponse:
    """Refer the ticked cases in one dispatch. It cannot be undone, so the first post only asks."""
    by = actor(request)
    if "confirmed" not in request.POST:
        return _asked(
            request,
            _("确定报送这 {n} 件案卷吗？"),
            lines=[_("案卷将作为一个批次报送终审机构，初审意见为不通过的也一并报送。")],
            warning=_("报送后本机构不能再修改意见，申请人不能再撤回。"),
            label=_("确定报送"),
        )
    ready, refused = [], []
    for case in _chosen(request):
        try:
            # Acts on several cases assign them: a free one comes into one's hands first.
            if case.state in FIRST:
                _take_up(case, by)
        except Refusal as no:
            refused.append((case, no))
        else:
            ready.append(case)
    if ready:
        sent = casework.refer(cases=ready, by=by)
        number = sent.dispatch.number if sent.dispatch else ""
        said = _("已报送终审，报送批次 {number}。").format(number=number)
        listing.tell_each(request, sent.sent, said, [*refused, *sent.refused])
        if number:
            return redirect("dispatch-batch", number)
    else:
        listing.tell_each(request, [], "", refused)
    return redirect(listing.back(request))


def _each(request: StaffRequest, act: Callable[[Case], object], said: str) -> HttpResponse:
    """Do one act on each ticked case, each in a transaction of its own, and say a line for each."""
    done, refused = [], []
    for case in _chosen(request):
        try:
            act(case)
        except Refusal as no:
            refused.append((case, no))
        else:
            done.append(case)
    listing.tell_each(request, done, said, refused)
    return redirect(listing.back(request))


def _asked(
    request: StaffRequest, title: str, *, lines: Sequence[str], warning: str, label: str
) -> HttpResponse:
    """The question before an act on several cases; back to the list when none is ticked."""
    chosen = _chosen(request)
    if not chosen:
        return redirect(listing.back(request))
    names = "、".join(f"{case.applicant_name}（{case.reference}）" for case in chosen)
    context = {
        "title": title.format(n=len(chosen)),
        "lines": [names, *lines],
        "warning": warning,
        "act_label": label,
        "hidden": [
            ("confirmed", "1"),
            ("here", listing.back(request)),
            *(("case", str(case.pk)) for case in chosen),
        ],
        "cancel_url": listing.back(request),
    }
    return render(request, "components/confirm.html", context)


def _chosen(request: StaffRequest) -> list[Case]:
    """The ticked cases of this agency; an id that is not one of them is not found."""
    try:
        ids = listing.ticked(request)
    except Refusal as no:
        messages.error(request, str(no.message))
        return []
    found = Case.objects.prefetch_related("opinions").filter(pk__in=ids).order_by("due_on", "pk")
    chosen = list(found)
    need(len(chosen) == len(ids))
    if not chosen:
        listing.nothing_ticked(request)
    return chosen


def _take_up(case: Case, by: Actor) -> None:
    """Take a case up; one that is already in one's own hands, or in those one stands in for, stays there."""
    if not by.handles(case.assignee_id):
        casework.take_up(case=case, by=by)
