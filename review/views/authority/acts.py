"""The acts of the final review, each done inside the case's agency."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from register import clock, codes
from register.models import Kind
from review import casework, sections, workflow
from review.forms.desk import ApprovalForm, ReasonForm, TextForm
from review.models import Case
from review.states import Clock
from review.views.agency.acts import key_of, lines_of, remedies
from review.views.desk import Question, actor, ask, in_its_agency, posted, read_by, told
from tenants.guards import StaffRequest, staff_required
from tenants.roles import FINAL_REVIEWER, SIGNING_OFFICER

asks = require_http_methods(["GET", "POST"])


@staff_required(FINAL_REVIEWER)
@require_POST
@in_its_agency
def holding(request: StaffRequest, case: Case) -> HttpResponse:
    """Take the case in hand."""
    if not actor(request).handles(case.officer_id):
        told(request, _("已领取，本案由您办理。"), lambda: casework.take_up(case=case, by=actor(request)))
    return redirect("case", case.pk)


@staff_required(FINAL_REVIEWER)
@require_POST
@in_its_agency
def release(request: StaffRequest, case: Case) -> HttpResponse:
    """Lay the case down again."""
    told(request, _("已释放，其他人员可以领取本案。"), lambda: casework.release(case=case, by=actor(request)))
    return redirect("case", case.pk)


@staff_required(FINAL_REVIEWER, SIGNING_OFFICER)
@asks
@in_its_agency
def approval(request: StaffRequest, case: Case) -> HttpResponse:
    """Grant the application; the register is written by it."""
    proposes = casework.needs_signature(case)
    pending = workflow.pending_opinion(case)
    signs = pending is not None
    lines = [*lines_of(pending), _what_is_granted(case), _period(case)]
    question = Question(
        act="approve",
        title=_("同意准予注册的建议吗？") if signs else _("确定准予注册吗？"),
        lines=lines,
        warning=_("您的建议须由签批人签批后生效。")
        if proposes
        else _("决定作出后立即写入注册登记簿并通知申请人，不能撤销。"),
        label=_("提交签批") if proposes else _("签批同意") if signs else _("准予注册"),
        form=None if signs else ApprovalForm(posted(request)),
        read=key_of(pending),
        do=lambda form: casework.approve(
            case=case,
            by=actor(request),
            text=form.cleaned_data["text"] if form else "",
            read=read_by(request),
        ),
        done=_("建议已提交签批。") if proposes else _("已准予注册，注册信息已写入登记簿，并通知申请人。"),
    )
    return ask(request, case, question)


def _what_is_granted(case: Case) -> str:
    return _("{name}，{kind}，注册类别：{category}，聘用单位：{employer}。").format(
        name=case.applicant_name,
        kind=Kind(case.kind).label,
        category=codes.label("category", case.category),
        employer=case.employer_name,
    )


def _period(case: Case) -> str:
    years = case.policy.get("validity_years")
    if case.kind == Kind.CHANGE:
        return _("变更注册不改变原有效期。")
    if case.kind == Kind.RENEWAL:
        return _("有效期自原有效期满次日起 {n} 年。").format(n=years)
    until = clock.validity_end(clock.today(), int(years or 0))
    return _("有效期自今日起 {n} 年，至 {day}。").format(n=years, day=sections.as_day(until.isoformat()))


@staff_required(FINAL_REVIEWER, SIGNING_OFFICER)
@asks
@in_its_agency
def refusal(request: StaffRequest, case: Case) -> HttpResponse:
    """Refuse the application, with reasons and remedies."""
    pending = workflow.pending_opinion(case)
    proposes = casework.needs_signature(case)
    given = {"codes": pending.codes, "text": pending.text} if pending else None

    def do(form: ReasonForm | None) -> object:
        reasons: dict[str, Any] = form.cleaned_data if form else given or {}
        return casework.refuse(case=case, by=actor(request), read=read_by(request), **reasons)

    question = Question(
        act="refuse",
        title=_("同意不予注册的建议吗？") if pending else _("不予注册"),
        lines=[*lines_of(pending), remedies(case)],
        warning=_("您的建议须由签批人签批后生效。")
        if proposes
        else _("决定作出后立即通知申请人，不能撤销。"),
        label=_("提交签批") if proposes else _("签批同意") if pending else _("确定不予注册"),
        tone="danger",
        form=None if pending else ReasonForm(posted(request), reasons=codes.refusal_reasons()),
        read=key_of(pending),
        do=do,
        done=_("建议已提交签批。") if proposes else _("已作出不予注册决定，并通知申请人。"),
    )
    return ask(request, case, question)


@staff_required(FINAL_REVIEWER)
@asks
@in_its_agency
def remand(request: StaffRequest, case: Case) -> HttpResponse:
    """Send the case back to its agency, with reasons."""
    question = Question(
        act="remand",
        title=_("退回初审"),
        lines=[
            _("案卷退回初审机构重新审查，复核期限为 {n} 个工作日。").format(
                n=workflow.days_of(case, Clock.REMAND)
            ),
        ],
        warning=_("原初审意见作废；申请人会收到退回初审的通知和理由。"),
        label=_("确定退回初审"),
        form=ReasonForm(posted(request), reasons=codes.return_reasons(), required=False),
        do=lambda form: casework.remand(case=case, by=actor(request), **form.cleaned_data),
        done=_("已退回初审机构，并通知申请人。"),
    )
    return ask(request, case, question)


@staff_required(SIGNING_OFFICER)
@asks
@in_its_agency
def objection(request: StaffRequest, case: Case) -> HttpResponse:
    """Disagree with the pending proposal, which is void then."""
    pending = workflow.pending_opinion(case)
    question = Question(
        act="decline",
        title=_("不同意这份建议"),
        lines=lines_of(pending),
        read=key_of(pending),
        warning=_("该建议作废，由终审员重新提出，并告知提出人。"),
        label=_("确定不同意"),
        tone="danger",
        form=TextForm(posted(request)),
        do=lambda form: casework.decline(
            case=case, by=actor(request), read=read_by(request), **form.cleaned_data
        ),
        done=_("建议已作废，由终审员重新提出。"),
    )
    return ask(request, case, question)
