"""The acts of the first review, each a noun in the address: a page that asks, and one sentence that does."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from register import clock, codes
from review import casework, colleagues, phrases, workflow
from review.documents import letters
from review.forms.acts import AssignForm, ExplainedForm, TerminationForm
from review.forms.correction import CorrectionForm, rearranged
from review.forms.desk import OpinionForm, ReasonForm, TextForm
from review.models import Case, Movement, Opinion, TerminationGround
from review.states import Clock, State
from review.views import file
from review.views.desk import Question, actor, ask, of_this_agency, posted, read_by, told
from review.workflow import days_of
from tenants.guards import StaffRequest, staff_required
from tenants.roles import REVIEWER, SUPERVISOR

asks = require_http_methods(["GET", "POST"])


@staff_required(REVIEWER)
@require_POST
@of_this_agency
def holding(request: StaffRequest, case: Case) -> HttpResponse:
    """Take the case in hand."""
    if not actor(request).handles(case.assignee_id):
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
    content = file.content_of(case)
    again = bool(case.corrections) or case.state != State.SUBMITTED
    rows = rearranged(request.POST)
    form = CorrectionForm(
        None if rows is not None else posted(request),
        content=content,
        with_reason=again,
        reason=request.POST.get("reason", ""),
        initial_items=_first_items(request, case) if rows is None else rows,
    )
    preview = "preview" in request.POST
    lines = [_("请一次告知全部需要补正的内容，申请人只能修改这里列出的项目。")]
    if again:
        lines.append(_("本案已受理或者已告知过补正，再次要求补正须说明理由。"))
    question = Question(
        act="send_back",
        title=_("退回补正"),
        lines=lines,
        warning=_("退回后不能撤销。今日退回的，申请人须在{day}前补正，逾期未补正的，申请依法终止。").format(
            day=_in_words(_correction_due(case))
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
        only_show=preview or rows is not None,
        more={
            "letter": _notice(request, case, form) if preview and form.is_valid() else None,
            "phrases": phrases.BY_REASON,
            "added": len(form.rows) if "add" in request.POST else 0,
        },
    )
    return ask(request, case, question)


def _first_items(request: StaffRequest, case: Case) -> list[dict[str, str]]:
    """The faults marked on the page; what was posted stands for itself."""
    return file.items_at_fault(case) if posted(request) is None else []


def _correction_due(case: Case) -> clock.DueDate:
    """By when a correction told today must be answered."""
    return clock.add_working_days(clock.today(), days_of(case, Clock.CORRECTION))


def _in_words(due: clock.DueDate) -> str:
    day = date_format(due.day, "DATE_FORMAT")
    return _("{day}（暂定）").format(day=day) if due.provisional else day


def _notice(request: StaffRequest, case: Case, form: CorrectionForm) -> letters.Letter:
    """补正通知书 as it would be, were the application given back now."""
    due = _correction_due(case)
    movement = Movement(
        case=case,
        number=case.chain_length + 1,
        act="send_back",
        from_state=case.state,
        to_state=State.CORRECTION,
        at=clock.now(),
        detail={
            "items": form.items,
            "reason": form.cleaned_data.get("reason", ""),
            "due_on": due.day.isoformat(),
            "due_provisional": due.provisional,
        },
    )
    movements = [*case.movements.order_by("number"), movement]
    return letters.letters_of(case, movements, agency=request.agency, authority=request.agency)[-1]


@staff_required(REVIEWER)
@asks
@of_this_agency
def opinion(request: StaffRequest, case: Case) -> HttpResponse:
    """Give the opinion of the first review."""
    faults = _first_items(request, case)
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
    pending = workflow.pending_opinion(case)
    question = Question(
        act="countersign",
        title=_("同意这份初审意见吗？"),
        lines=lines_of(pending),
        warning=_("同意后意见生效，并通知申请人。"),
        label=_("同意"),
        read=key_of(pending),
        do=lambda form: casework.countersign(case=case, by=actor(request), read=read_by(request)),
        done=_("初审意见已生效，案卷待报送。"),
    )
    return ask(request, case, question)


def key_of(pending: Opinion | None) -> str:
    """The key of the pending opinion or proposal, by which a signature is bound to it."""
    return str(pending.pk) if pending else ""


def lines_of(pending: Opinion | None) -> list[str]:
    """The pending opinion or proposal, in words."""
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
    pending = workflow.pending_opinion(case)
    question = Question(
        act="decline",
        title=_("不同意这份初审意见"),
        lines=lines_of(pending),
        warning=_("该意见作废，由经办人员重新出具。"),
        label=_("确定不同意"),
        tone="danger",
        form=TextForm(posted(request)),
        read=key_of(pending),
        do=lambda form: casework.decline(
            case=case, by=actor(request), read=read_by(request), **form.cleaned_data
        ),
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


# --- Acts of the supervisor on the file itself -------------------------------------------------------


@staff_required(SUPERVISOR)
@asks
@of_this_agency
def assignment(request: StaffRequest, case: Case) -> HttpResponse:
    """Give the case to a reviewer of this agency."""
    choice = colleagues.choice_for(case, request.agency)
    lines = [_("被分派的人员将收到通知。休假人员的案卷由其代理人代为办理。")]
    if case.assignee is not None:
        lines.insert(0, _("本案现由{name}办理。").format(name=case.assignee.display_name))
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
        more={"near_days": colleagues.NEAR},
    )
    return ask(request, case, question)


@staff_required(SUPERVISOR)
@asks
@of_this_agency
def extension(request: StaffRequest, case: Case) -> HttpResponse:
    """Give the running review more time."""
    question = Question(
        act="extend",
        title=_("延长审查期限"),
        lines=[extended_line(case), _("每个期限只能延长一次，并须将理由告知申请人。")],
        warning=_("延长后不能撤销，并通知申请人。"),
        label=_("确定延长"),
        form=ExplainedForm(posted(request)),
        do=lambda form: casework.extend(case=case, by=actor(request), **form.cleaned_data),
        done=_("已延长审查期限，并通知申请人。"),
    )
    return ask(request, case, question)


@staff_required(REVIEWER)
@asks
@of_this_agency
def correction_extension(request: StaffRequest, case: Case) -> HttpResponse:
    """Give the applicant more time to answer the correction."""
    question = Question(
        act="extend_correction",
        title=_("延长补正期限"),
        lines=[extended_line(case), _("每次补正的期限只能延长一次。")],
        warning=_("延长后不能撤销，并通知申请人。"),
        label=_("确定延长"),
        form=TextForm(posted(request)),
        do=lambda form: casework.extend_correction(case=case, by=actor(request), **form.cleaned_data),
        done=_("已延长补正期限，并通知申请人。"),
    )
    return ask(request, case, question)


def extended_line(case: Case) -> str:
    """From which day to which day the running deadline would move."""
    days, since = int(case.policy["extension_days"]), case.due_on or clock.today()
    return _("期限由{since}延长 {n} 个工作日，至{until}。").format(
        since=date_format(since, "DATE_FORMAT"),
        n=days,
        until=_in_words(clock.add_working_days(since, days)),
    )


# The applicant's own request ends a case only once it is with the authority.
GROUNDS_HERE = (
    TerminationGround.DEATH,
    TerminationGround.REGISTRATION_ENDED,
    TerminationGround.RESTRICTION,
)


@staff_required(SUPERVISOR)
@asks
@of_this_agency
def termination(request: StaffRequest, case: Case) -> HttpResponse:
    """End an application that can no longer be decided."""
    question = Question(
        act="terminate",
        title=_("终止办理"),
        lines=[
            _("申请已不可能作出决定时使用。材料不齐全的请退回补正，不属于受理范围的请不予受理。"),
            _("申请人不再申请的，由申请人本人在系统中撤回。"),
        ],
        warning=_("终止后本案即告办结，不能撤销，并通知申请人。"),
        label=_("确定终止"),
        tone="danger",
        form=TerminationForm(posted(request), grounds=GROUNDS_HERE),
        do=lambda form: casework.terminate(case=case, by=actor(request), **form.cleaned_data),
        done=_("本案已终止，并通知申请人。"),
    )
    return ask(request, case, question)


@staff_required(SUPERVISOR)
@asks
@of_this_agency
def restriction(request: StaffRequest, case: Case) -> HttpResponse:
    """Find false material and propose to the registrar a ban on new applications."""
    question = Question(
        act="propose_restriction",
        title=_("建议限制申请"),
        lines=[
            _(
                "发现申请人隐瞒有关情况或者提供虚假材料的，由本机构提出建议，由终审机构登记员核实后登记限制申请期。"
            ),
            _("本案照常审查；建议存续期间，申请人不能撤回申请。建议不通知申请人。"),
        ],
        warning=_("请写明虚假材料的名称、发现经过和依据，建议写入流转记录。"),
        label=_("提出建议"),
        form=TextForm(posted(request)),
        do=lambda form: casework.propose_restriction(case=case, by=actor(request), **form.cleaned_data),
        done=_("已提出限制申请建议。"),
    )
    return ask(request, case, question)


@staff_required(SUPERVISOR)
@asks
@of_this_agency
def restriction_withdrawal(request: StaffRequest, case: Case) -> HttpResponse:
    """Take the proposal of a ban back."""
    question = Question(
        act="drop_restriction",
        title=_("撤回限制建议"),
        lines=[_("经核查不存在虚假材料的，撤回建议；此后申请人可以撤回申请。")],
        label=_("撤回建议"),
        form=TextForm(posted(request)),
        do=lambda form: casework.drop_restriction(case=case, by=actor(request), **form.cleaned_data),
        done=_("已撤回限制申请建议。"),
    )
    return ask(request, case, question)
