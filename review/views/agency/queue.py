"""The agency's queue, and what is done with several cases at once."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from review import casework, queue
from review.forms.desk import FilterForm
from review.models import Case
from review.states import FIRST
from review.views import listing
from review.views.desk import actor, need, private
from review.workflow import REVIEWER, Actor
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.roles import REVIEWER as REVIEWER_ROLE


@staff_required()
@require_safe
def cases(request: StaffRequest) -> HttpResponse:
    """The cases of this agency, most urgent first."""
    context = listing.context_of(
        request,
        queue.cases(),
        queue.CASES,
        FilterForm(request.GET),
        lambda case: listing.row_of_case(case, user_id=request.user.pk),
    )
    context["bulk_acts"] = _bulk_acts(context["tab"]) if REVIEWER in request.roles else []
    response = render(request, "review/agency/queue.html", context)
    return private(listing.remembering(request, response))


def _bulk_acts(tab: queue.Tab) -> list[dict[str, str]]:
    """Several cases are taken up, or referred in one dispatch, where the tab holds such cases."""
    acts = []
    if tab.states & queue.AT_AGENCY:
        acts.append({"label": _("领取"), "value": "take_up", "tone": "", "url": reverse("holdings")})
    if tab.states & FIRST:
        acts.append(
            {"label": _("报送终审"), "value": "refer", "tone": "primary", "url": reverse("dispatches")}
        )
    return acts


@staff_required(REVIEWER_ROLE)
@require_POST
def holdings(request: StaffRequest) -> HttpResponse:
    """Take up the ticked cases; a line for each says whether it worked."""
    by, done, refused = actor(request), [], []
    for case in _chosen(request):
        try:
            _take_up(case, by)
        except Refusal as no:
            refused.append((case, no))
        else:
            done.append(case)
    listing.tell_each(request, done, _("已领取。"), refused)
    return redirect(listing.back(request))


@staff_required(REVIEWER_ROLE)
@require_POST
def dispatches(request: StaffRequest) -> HttpResponse:
    """Refer the ticked cases in one dispatch. It cannot be undone, so the first post only asks."""
    by, chosen = actor(request), _chosen(request)
    if "confirmed" not in request.POST:
        if not chosen:
            return redirect(listing.back(request))
        return render(request, "components/confirm.html", _question(request, chosen))
    ready, refused = [], []
    for case in chosen:
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
    else:
        listing.tell_each(request, [], "", refused)
    return redirect(listing.back(request))


def _question(request: StaffRequest, chosen: list[Case]) -> dict[str, object]:
    names = "、".join(f"{case.applicant_name}（{case.reference}）" for case in chosen)
    return {
        "title": _("确定报送这 {n} 件案卷吗？").format(n=len(chosen)),
        "lines": [names, _("案卷将作为一个批次报送终审机构，初审意见为不通过的也一并报送。")],
        "warning": _("报送后本机构不能再修改意见，申请人不能再撤回。"),
        "act_label": _("确定报送"),
        "hidden": [
            ("confirmed", "1"),
            ("here", listing.back(request)),
            *(("case", str(case.pk)) for case in chosen),
        ],
        "cancel_url": listing.back(request),
    }


def _chosen(request: StaffRequest) -> list[Case]:
    """The ticked cases of this agency; an id that is not one of them is not found."""
    ids = listing.ticked(request)
    found = Case.objects.prefetch_related("opinions").filter(pk__in=ids).order_by("due_on", "pk")
    chosen = list(found)
    need(len(chosen) == len(ids))
    if not chosen:
        listing.nothing_ticked(request)
    return chosen


def _take_up(case: Case, by: Actor) -> None:
    """Take a case up; one that is already in one's own hands stays there."""
    if case.assignee_id != by.user_id:
        casework.take_up(case=case, by=by)
