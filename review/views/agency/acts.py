"""The acts of the first review, each a noun in the address: a page that asks, and one sentence that does."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from register import codes
from review import casework, workflow
from review.forms.desk import CorrectionForm, OpinionForm, ReasonForm, TextForm, typed_rows
from review.models import Case, Opinion
from review.states import Clock, State
from review.views import file
from review.views.desk import Question, actor, ask, of_this_agency, posted, told
from review.workflow import days_of
from tenants.guards import StaffRequest, staff_required
from tenants.roles import REVIEWER, SUPERVISOR

asks = require_http_methods(["GET", "POST"])


@staff_required(REVIEWER)
@require_POST
@of_this_agency
def holding(request: StaffRequest, case: Case) -> HttpResponse:
    """Take the case in hand."""
    if case.assignee_id != request.user.pk:
        told(request, _("已领取，本案由您办理。"), lambda: casework.take_up(case=case, by=actor(request)))
    return redirect("case", case.pk)


@staff_required(REVIEWER)
@require_POST
@of_this_agency
def release(request: StaffRequest, case: Case) -> HttpResponse:
    """Lay the case down again."""
    told(request, _("已释放，其他人员可以领取本案。"), lambda: casework.release(case=case, by=actor(request)))
    return redirect("case", case.pk)


@staff_required(REVIEWER)
@asks
@of_this_agency
def acceptance(request: StaffRequest, case: Case) -> HttpResponse:
    """Accept the application."""
    question = Question(
        act="accept",
        title=_("确定受理这份申请吗？"),
        lines=[
            _("受理凭证编号为 {number}，将随通知发送申请人。").format(number=workflow.receipt_number(case)),
            _("初审期限为受理之日起 {n} 个工作日。").format(n=days_of(case, Clock.FIRST_REVIEW)),
        ],
        warning=_("受理不能撤销；材料不齐全的，请先退回补正。"),
        label=_("受理"),
        do=lambda form: casework.accept(case=case, by=actor(request)),
        done=_("已受理，受理凭证已通知申请人。"),
    )
    return ask(request, case, question)


@staff_required(REVIEWER)
@asks
@of_this_agency
def non_acceptance(request: StaffRequest, case: Case) -> HttpResponse:
    """Refuse acceptance, with reasons and remedies."""
    form = ReasonForm(posted(request), reasons=codes.refusal_reasons() + wrong_agency())
    question = Question(
        act="not_accept",
        title=_("不予受理"),
        lines=[_("申请事项依法不属于受理范围的，作出不予受理决定，并告知申请人理由。"), remedies(case)],
        warning=_("不予受理后本案即告办结，不能撤销。"),
        label=_("确定不予受理"),
        tone="danger",
        form=form,
        do=lambda form: casework.not_accept(case=case, by=actor(request), **form.cleaned_data),
        done=_("已作出不予受理决定，并通知申请人。"),
    )
    return ask(request, case, question)


def wrong_agency() -> tuple[codes.Entry, ...]:
    """The one reason for a return that also keeps an application from being accepted."""
    return tuple(entry for entry in codes.return_reasons() if entry.code == "R11")


def remedies(case: Case) -> str:
    """What the applicant is told about remedies (Administrative Licensing Law art. 38)."""
    return _(
        "通知中将告知：如不服本决定，可在{days}日内申请行政复议，或在{months}个月内提起行政诉讼。"
    ).format(days=case.policy["reconsideration_days"], months=case.policy["lawsuit_months"])


@staff_required(REVIEWER, SUPERVISOR)
@asks
@of_this_agency
def correction(request: StaffRequest, case: Case) -> HttpResponse:
    """Tell all faults at once and give the application back (一次性告知)."""
    content = file.dossier_of(case).content
    again = bool(case.corrections) or case.state != State.SUBMITTED
    more = "add" in request.POST
    form = CorrectionForm(
        None if more else posted(request),
        content=content,
        with_reason=again,
        reason=request.POST.get("reason", ""),
        initial_items=[*typed_rows(request.POST), {}] if more else file.items_at_fault(case),
    )
    lines = [_("请一次告知全部需要补正的内容，申请人只能修改这里列出的项目。")]
    if again:
        lines.append(_("本案已受理或者已告知过补正，再次要求补正须说明理由。"))
    question = Question(
        act="send_back",
        title=_("退回补正"),
        lines=lines,
        warning=_("退回后不能撤销；申请人须在 {n} 个工作日内补正，逾期未补正的，申请依法终止。").format(
            n=days_of(case, Clock.CORRECTION)
        ),
        label=_("确定退回补正"),
        form=form,
        do=lambda form: casework.send_back(
            case=case,
            by=actor(request),
            items=form.items,
            reason=form.cleaned_data.get("reason", ""),
        ),
        done=_("已退回补正，并通知申请人。"),
        template="review/agency/correction.html",
        only_show=more,
    )
    return ask(request, case, question)


@staff_required(REVIEWER)
@asks
@of_this_agency
def opinion(request: StaffRequest, case: Case) -> HttpResponse:
    """Give the opinion of the first review."""
    faults = case.ticks.filter(version=case.version, in_order=False).exists()
    initial = {"verdict": Opinion.Verdict.FAIL} if faults else None
    needs_second = bool(case.policy.get("countersign"))
    question = Question(
        act="give_opinion",
        title=_("出具初审意见"),
        lines=[
            _("意见经复核后生效。") if needs_second else _("意见出具后立即生效，并通知申请人。"),
            _("初审意见随申请材料报送终审机构，由终审机构作出决定。"),
        ],
        warning="" if needs_second else _("报送前，审核人员可以撤销意见；报送后不能更改。"),
        label=_("出具意见"),
        form=OpinionForm(posted(request), initial=initial),
        do=lambda form: casework.give_opinion(case=case, by=actor(request), **form.cleaned_data),
        done=_("初审意见已提交复核。") if needs_second else _("初审意见已出具，案卷待报送。"),
    )
    return ask(request, case, question)


@staff_required(SUPERVISOR)
@asks
@of_this_agency
def countersignature(request: StaffRequest, case: Case) -> HttpResponse:
    """Agree, as a second person, with the pending opinion."""
    question = Question(
        act="countersign",
        title=_("同意这份初审意见吗？"),
        lines=pending_lines(case),
        warning=_("同意后意见生效，并通知申请人。"),
        label=_("同意"),
        do=lambda form: casework.countersign(case=case, by=actor(request)),
        done=_("初审意见已生效，案卷待报送。"),
    )
    return ask(request, case, question)


def pending_lines(case: Case) -> list[str]:
    """The pending opinion or proposal, in words."""
    pending = workflow.pending_opinion(case)
    if pending is None:
        return []
    verdict = str(Opinion.Verdict(pending.verdict).label)
    said = _("{name}的意见：{verdict}").format(name=pending.author_name, verdict=verdict)
    reasons = [codes.label("reason", code) for code in pending.codes]
    return [said, *reasons, *([pending.text] if pending.text else [])]


@staff_required(SUPERVISOR)
@asks
@of_this_agency
def objection(request: StaffRequest, case: Case) -> HttpResponse:
    """Disagree with the pending opinion, which is void then."""
    question = Question(
        act="decline",
        title=_("不同意这份初审意见"),
        lines=pending_lines(case),
        warning=_("该意见作废，由经办人员重新出具。"),
        label=_("确定不同意"),
        tone="danger",
        form=TextForm(posted(request)),
        do=lambda form: casework.decline(case=case, by=actor(request), **form.cleaned_data),
        done=_("意见已作废，由经办人员重新出具。"),
    )
    return ask(request, case, question)


@staff_required(SUPERVISOR)
@asks
@of_this_agency
def reopening(request: StaffRequest, case: Case) -> HttpResponse:
    """Take the given opinion back before it is referred."""
    question = Question(
        act="reopen",
        title=_("撤销初审意见"),
        lines=[_("案卷退回初审中，由经办人员重新出具意见；初审期限继续计算。")],
        warning=_("撤销后通知申请人，原意见作废。"),
        label=_("确定撤销"),
        form=TextForm(posted(request)),
        do=lambda form: casework.reopen(case=case, by=actor(request), **form.cleaned_data),
        done=_("初审意见已撤销。"),
    )
    return ask(request, case, question)


@staff_required(REVIEWER)
@asks
@of_this_agency
def referral(request: StaffRequest, case: Case) -> HttpResponse:
    """Refer the case to the authority, in a dispatch of one."""
    question = Question(
        act="refer",
        title=_("确定报送终审吗？"),
        lines=[_("案卷连同初审意见报送终审机构；多件案卷可以在队列中一并报送。")],
        warning=_("报送后本机构不能再修改意见，申请人不能再撤回。"),
        label=_("确定报送"),
        do=lambda form: _refer(request, case),
        done=_("已报送终审。"),
    )
    return ask(request, case, question)


def _refer(request: StaffRequest, case: Case) -> None:
    outcome = casework.refer(cases=[case], by=actor(request))
    for _case, refusal in outcome.refused:
        raise refusal
