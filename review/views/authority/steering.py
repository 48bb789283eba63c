"""The acts of the authority on the file itself: who reviews it, until when, whether it ends."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from register import clock, standing
from review import casework, colleagues
from review.forms.acts import AssignForm, ExplainedForm, TerminationForm
from review.forms.rulings import ReinstatementForm
from review.models import Case, TerminationGround
from review.states import Clock, State
from review.views.agency.acts import extended_line
from review.views.desk import Question, actor, agency_of_case, ask, in_its_agency, posted
from review.workflow import account_is_closed, days_of
from tenants.guards import StaffRequest, staff_required
from tenants.models import Agency
from tenants.roles import SIGNING_OFFICER

asks = require_http_methods(["GET", "POST"])


@staff_required(SIGNING_OFFICER)
@asks
@in_its_agency
def assignment(request: StaffRequest, case: Case) -> HttpResponse:
    """Give a reported case to a final reviewer."""
    choice = colleagues.choice_for(case, request.agency)
    lines = [_("被分派的人员将收到通知。休假人员的案卷由其代理人代为办理。")]
    if case.officer is not None and case.state == State.REPORTED:
        lines.insert(0, _("本案现由{name}办理。").format(name=case.officer.display_name))
    if choice.kept_out:
        lines.append(_("另有 {n} 人与本案有利害关系，须回避，未列出。").format(n=choice.kept_out))
    question = Question(
        act="assign",
        title=_("分派案卷"),
        lines=lines,
        label=_("分派"),
        form=AssignForm(posted(request), colleagues=choice.colleagues),
        do=lambda form: casework.assign(
            case=case, to=form.chosen.user, agency=request.agency, by=actor(request)
        ),
        done=_("已分派，并通知经办人员。"),
        template="review/agency/assignment.html",
        more={"near_days": colleagues.NEAR, "role_word": _("终审员")},
    )
    return ask(request, case, question)


@staff_required(SIGNING_OFFICER)
@asks
@in_its_agency
def extension(request: StaffRequest, case: Case) -> HttpResponse:
    """Give the final review more time."""
    question = Question(
        act="extend",
        title=_("延长终审期限"),
        lines=[extended_line(case), _("每个期限只能延长一次，并须将理由告知申请人。")],
        warning=_("延长后不能撤销，并通知申请人。"),
        label=_("确定延长"),
        form=ExplainedForm(posted(request)),
        do=lambda form: casework.extend(case=case, by=actor(request), **form.cleaned_data),
        done=_("已延长终审期限，并通知申请人。"),
    )
    return ask(request, case, question)


@staff_required(SIGNING_OFFICER)
@asks
@in_its_agency
def termination(request: StaffRequest, case: Case) -> HttpResponse:
    """End a reported application that can no longer be decided.

    A registrar ends cases together with a registration or by a restriction, on the page of the person.
    """
    if casework.ends_with_registration(case):
        messages.error(
            request,
            _("本案已准予注册，请先在“人员与注册”办理注销、撤销或者吊销，本案随之终止。"),
        )
        return redirect("case", case.pk)
    question = Question(
        act="terminate",
        title=_("终止办理"),
        lines=[
            _("申请已不可能作出决定时使用；能够作出决定的，请准予或者不予注册。"),
            _("申请人请求终止的，请核对其书面请求并在说明中写明日期。"),
        ],
        warning=_("终止后本案即告办结，不能撤销，并通知申请人和正在办理本案的人员。"),
        label=_("确定终止"),
        tone="danger",
        form=TerminationForm(posted(request), grounds=tuple(TerminationGround)),
        do=lambda form: casework.terminate(case=case, by=actor(request), **form.cleaned_data),
        done=_("本案已终止，并通知申请人。"),
    )
    return ask(request, case, question)


@staff_required(SIGNING_OFFICER)
@asks
@in_its_agency
def reinstatement(request: StaffRequest, case: Case) -> HttpResponse:
    """Take an ended application up again after a reconsideration decision or a judgment."""
    question = Question(
        act="reinstate",
        title=_("恢复审查"),
        lines=_what_follows(case, agency_of_case(request)) if request.method == "GET" else [],
        warning=_("恢复后不能撤销，并通知申请人、初审机构和办理人员。"),
        label=_("确定恢复审查"),
        form=ReinstatementForm(posted(request), not_before=clock.day_of(case.state_since)),
        do=lambda form: casework.reinstate(case=case, by=actor(request), **form.cleaned_data),
        done=_("本案已恢复审查，并通知申请人和办理人员。"),
    )
    return ask(request, case, question)


def _what_follows(case: Case, agency: Agency) -> list[str]:
    """Where the case goes by a reinstatement, who gets it, until when, and what else to know."""
    at_authority = case.state == State.FINAL_FAILED
    which, holder = (Clock.FINAL_REVIEW, case.officer) if at_authority else (Clock.ACCEPTANCE, case.assignee)
    lines = [
        _("只在行政复议决定或者人民法院的裁判要求重新审查时使用。"),
        _("案卷回到终审，原终审意见作废，初审意见保留；终审期限自今日起重新计算 {n} 个工作日。")
        if at_authority
        else _("案卷回到{agency}待受理，受理期限自今日起重新计算 {n} 个工作日。"),
        _("申请材料和上报时间不变，审查仍适用上报时的政策参数；办结前申请人不能再提出其他申请。"),
        _("恢复后由{name}办理，可以另行分派。")
        if holder is not None and not account_is_closed(holder)
        else _("恢复后本案无人办理，请及时分派。"),
    ]
    registered = [row for row in standing.registrations_of(case.person_id) if not row.ended_how]
    if any(
        row.valid_to >= clock.today() and row.granted_on >= clock.day_of(case.lodged_at) for row in registered
    ):
        lines.append(_("注意：申请人在本案上报以后已另获准注册，恢复后请一并核实。"))
    words = {
        "n": days_of(case, which),
        "agency": agency.name,
        "name": holder.display_name if holder is not None else "",
    }
    return [line.format(**words) for line in lines]
