"""Handing a misrouted case over to the agency that it falls to."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from review import handover, history
from review.forms.handover import HandOverForm
from review.models import Case
from review.views import file, listing
from review.views.agency import letters
from review.views.desk import Question, actor, ask, of_this_agency, posted
from tenants.guards import StaffRequest, staff_required
from tenants.roles import SUPERVISOR


def context_of(request: StaffRequest, case: Case) -> dict[str, Any]:
    """What stays at the agency of a case handed over: the record, its letters and notes; nothing to do."""
    given = max((m for m in case.movements.all() if m.act == "hand_over"), key=lambda m: m.number)
    return {
        "case": case,
        "queue_url": listing.remembered(request),
        "status": case.status,
        "given": given,
        "target": history.in_reading(given.detail["to"]),
        "versions": range(case.version, 0, -1),
        "letters": letters.listed(case, request.agency),
        "events": file.events_of(case),
        "notes": case.notes.order_by("-at"),
    }


@staff_required(SUPERVISOR)
@require_http_methods(["GET", "POST"])
@of_this_agency
def hand_over(request: StaffRequest, case: Case) -> HttpResponse:
    """Find the agency, say why, and hand the case over."""
    agencies = handover.targets(request.agency)
    looking = "find" in request.POST
    form = HandOverForm(
        None if looking else posted(request), agencies=agencies, typed=request.POST if looking else None
    )
    question = Question(
        act="hand_over",
        title=_("转交其他注册机构"),
        lines=[
            _("申请不属于本机构办理范围的，可以转交应当办理的注册机构，申请人无需重新填写。"),
            _(
                "申请编号、材料、流转记录、上报时间和各项期限随案转交，保持不变；本机构保留转交记录，"
                "内部备注留在本机构。"
            ),
        ],
        warning=_("转交后本机构不能再办理本案，并立即通知申请人；本案由接收机构重新安排经办人。"),
        label=_("确定转交"),
        form=form,
        do=lambda form: handover.hand_over(
            case_id=case.pk,
            source=request.agency,
            target=form.cleaned_data["agency"],
            by=actor(request),
            text=form.cleaned_data["text"],
        ),
        done=_("案卷已转交，并通知申请人和接收机构。"),
        template="review/agency/handover.html",
        only_show=looking,
    )
    return ask(request, case, question)
