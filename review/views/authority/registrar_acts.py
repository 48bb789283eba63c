"""The registrar's acts on a person of the register: corrected, merged, restricted, ended. Each asks once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from register import clock, corrections, endings, people, registrars, restrictions, roll, standing
from register.models import DocketEntry, Person, Registration, Restriction
from review import docket, registrar
from review.forms.registrants import (
    DocumentForm,
    EndingForm,
    MergerForm,
    NameForm,
    OtherRecordForm,
    ReasonForm,
    RestrictionForm,
)
from review.states import State
from review.views.authority.registrants import the_person
from review.views.desk import Text, actor, need, posted, private, told
from review.workflow import UNDECIDED_OR_UNISSUED
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.roles import REGISTRAR

asks = require_http_methods(["GET", "POST"])
How = endings.How


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A page that asks once before an act on a person; `do` gets the valid form and says what was done."""

    title: Text
    label: Text
    form: Form
    do: Callable[[Any], Text]
    lines: Sequence[Text] = ()
    warning: Text = ""
    tone: str = "primary"
    template: str = "review/authority/registrant_act.html"
    more: dict[str, Any] = field(default_factory=dict)


def ask(request: StaffRequest, person: Person, step: Step) -> HttpResponse:
    """Show the question; when it is answered, do the act, say one sentence, and go back to the person."""
    form = step.form
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, str(step.do(form)))
        except Refusal as no:
            form.add_error(None, str(no.message))
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect("registrant", person.pk)
    context = {"person": person, "step": step, "form": form, **step.more}
    status = 422 if form.errors else 200
    return private(render(request, step.template, context, status=status))


def _present(request: StaffRequest, person_id: UUID) -> Person:
    """The person of an act: not merged into another one, and not the officer's own entry."""
    person = the_person(person_id)
    need(not person.merged_into_id and not registrars.is_self(person, request.user))
    return person


# --- Corrections -------------------------------------------------------------------------------------


@staff_required(REGISTRAR)
@asks
def name(request: StaffRequest, person_id: UUID) -> HttpResponse:
    """Correct a name on proof."""
    person = _present(request, person_id)

    def do(form: NameForm) -> str:
        corrections.correct_name(person_id=person.pk, by=request.user, **form.cleaned_data)
        return _("姓名已更正，已通知本人。")

    step = Step(
        title=_("更正姓名"),
        label=_("更正姓名"),
        form=NameForm(posted(request), request.FILES or None, initial={"name": person.name}),
        do=do,
        lines=[_("现登记姓名：{name}。").format(name=person.name), *_frozen(person)],
        warning=_("更正后账号姓名一并更新；已上报的申请材料、决定和公告保持原样。"),
    )
    return ask(request, person, step)


@staff_required(REGISTRAR)
@sensitive_post_parameters("number", "again")
@asks
def document(request: StaffRequest, person_id: UUID) -> HttpResponse:
    """Correct a document number on proof."""
    person = _present(request, person_id)

    def do(form: DocumentForm) -> str:
        given = {key: value for key, value in form.cleaned_data.items() if key != "again"}
        corrections.correct_document(person_id=person.pk, by=request.user, **given)
        if given["because"] == corrections.Because.MISTAKEN:
            return _("证件号码已更正，被更正的号码不再保留；已通知本人。")
        return _("证件号码已更正，原号码仍可查到本人；已通知本人。")

    step = Step(
        title=_("更正证件号码"),
        label=_("更正证件号码"),
        form=DocumentForm(
            posted(request), request.FILES or None, initial={"document_type": person.document_type}
        ),
        do=do,
        lines=[
            _("现登记证件：{kind} {mask}。").format(
                kind=person.get_document_type_display(), mask=person.document_mask
            ),
            *_frozen(person),
        ],
        warning=_(
            "换证的，原号码记为曾用号码，本人用新旧号码和原密码都能登录；"
            "登记错误的，原号码不再指向本人，只能用更正后的号码登录。已上报的申请材料保持原样。"
        ),
    )
    return ask(request, person, step)


def _frozen(person: Person) -> list[Text]:
    """A word on the open application, whose content stays as it was lodged."""
    line = DocketEntry.objects.filter(people.rows_of(person), open=True).first()
    if line is None:
        return []
    said = _(
        "申请 {reference}（{state}）正在办理，其中的信息以上报时为准；需要更改的，请由初审机构退回补正。"
    )
    return [said.format(reference=line.reference, state=State(line.state).label)]


@staff_required(REGISTRAR)
@sensitive_post_parameters("other")
@asks
def merger(request: StaffRequest, person_id: UUID) -> HttpResponse:
    """Merge two records of one person: first find the other one, by a number."""
    person = _present(request, person_id)
    form = OtherRecordForm(posted(request))
    if request.method == "POST" and form.is_valid():
        found = [one for one in roll.by_number(form.cleaned_data["other"]) if one.pk != person.pk]
        if len(found) == 1:
            return redirect("registrant-merger-preview", person.pk, found[0].pk)
        form.add_error(
            "other",
            _("这个编号对应多条记录，请改用证件号码。")
            if found
            else _("没有找到另一条人员记录，请核对编号。"),
        )
    step = Step(
        title=_("合并重复人员"),
        label=_("查找并预览"),
        form=form,
        do=lambda _form: "",
        lines=[_("同一人在登记簿中有两条记录的，可以合并为一条。先找到另一条记录，预览后再决定。")],
    )
    context = {"person": person, "step": step, "form": form}
    return private(render(request, step.template, context, status=422 if form.errors else 200))


@staff_required(REGISTRAR)
@asks
def merger_preview(request: StaffRequest, person_id: UUID, other_id: UUID) -> HttpResponse:
    """Both records side by side, what stands against merging them, and the question."""
    person, other = _present(request, person_id), _present(request, other_id)
    need(person.pk != other.pk)
    both = {str(one.pk): one for one in (person, other)}
    ways = [corrections.look_at_merger(person, other), corrections.look_at_merger(other, person)]
    # What stands against both ways stands against the merger; else the other way may be open.
    against = [said for said in ways[0].obstacles if said in ways[1].obstacles]
    form = MergerForm(posted(request), request.FILES or None, both=list(both.values()))
    kept = both.get(form.data.get("keep", ""), person)

    def do(form: MergerForm) -> str:
        given_up = other if kept.pk == person.pk else person
        corrections.merge(
            kept_id=kept.pk,
            given_up_id=given_up.pk,
            reason=form.cleaned_data["reason"],
            proof=form.cleaned_data["proof"],
            by=request.user,
        )
        return _("两条记录已合并，已通知本人。")

    step = Step(
        title=_("合并重复人员"),
        label=_("确定合并"),
        tone="danger",
        form=form,
        do=do,
        warning=_(
            "合并后不能恢复。未保留的账号停用，用其证件号码登录时转到保留的账号；"
            "两条记录名下的资格、注册和申请都保留，查询时一并显示；未保留账号的草稿不再可用。"
        ),
        template="review/authority/registrant_merger.html",
        more={
            "sides": [_side(one) for one in both.values()],
            "against": [str(said) for said in against],
            "one_way": [str(said) for way in ways for said in way.obstacles if said not in against],
            "periods": ways[0].periods,
        },
    )
    return ask(request, kept, step)


def _side(person: Person) -> dict[str, Any]:
    """One record of two, as they stand side by side."""
    line = DocketEntry.objects.filter(people.rows_of(person), open=True).first()
    return {
        "person": person,
        "qualifications": person.qualifications.order_by("issued_on"),
        "registrations": standing.registrations_of(person),
        "line": line,
        "state": State(line.state) if line else None,
        "opened": person.user.has_usable_password(),
    }


# --- Restrictions ------------------------------------------------------------------------------------


@staff_required(REGISTRAR)
@asks
def restriction(request: StaffRequest, person_id: UUID) -> HttpResponse:
    """Enter a restriction."""
    person = _present(request, person_id)
    form = RestrictionForm(posted(request), open_case=bool(registrar.lines_of(person)))

    def do(form: RestrictionForm) -> str:
        row = registrar.restrict(person_id=person.pk, by=actor(request), **form.cleaned_data)
        return _entered(row)

    step = Step(
        title=_("登记限制申请期"),
        label=_("登记限制"),
        tone="danger",
        form=form,
        do=do,
        lines=[_("自今日起计算，届满前该人员在任何机构都不能上报申请，也不能准予注册。")],
        warning=_("登记后立即通知本人。注册被撤销、吊销的，法定不得再次申请的期限自动计算，不必另行登记。"),
    )
    return ask(request, person, step)


def _entered(row: Restriction) -> str:
    return _("限制申请期已登记，至 {day}（含当日），已通知本人。").format(day=date_format(row.until))


@staff_required(REGISTRAR)
@asks
def lifting(request: StaffRequest, person_id: UUID, restriction_id: int) -> HttpResponse:
    """Lift a restriction before its time."""
    person = _present(request, person_id)
    row = get_object_or_404(Restriction.objects.filter(people.rows_of(person)), pk=restriction_id)

    def do(form: ReasonForm) -> str:
        restrictions.lift(restriction_id=row.pk, reason=form.cleaned_data["text"], by=request.user)
        return _("限制申请期已解除，已通知本人。")

    step = Step(
        title=_("解除限制申请期"),
        label=_("确定解除"),
        form=ReasonForm(posted(request)),
        do=do,
        lines=[
            _("{ground}：{since} 至 {until}。").format(
                ground=row.get_ground_display(),
                since=date_format(row.since),
                until=date_format(row.until),
            ),
            _("原登记事由：{reason}").format(reason=row.reason),
        ],
        warning=_("解除自今日起生效，记录保留。"),
    )
    return ask(request, person, step)


@staff_required(REGISTRAR)
@asks
def proposal(request: StaffRequest, case_id: UUID) -> HttpResponse:
    """What an agency has found and proposes; the restriction is entered here."""
    line = _proposed(case_id)
    person = _present(request, line.person.merged_into_id or line.person_id)
    running = State(line.state) in UNDECIDED_OR_UNISSUED
    form = RestrictionForm(posted(request), open_case=running, ground=Restriction.Ground.FALSE_MATERIAL.value)

    def do(form: RestrictionForm) -> str:
        row = registrar.restrict(person_id=person.pk, by=actor(request), line=line, **form.cleaned_data)
        return _entered(row)

    with docket.opened(line) as case:
        why = registrar.why_proposed(case)
    step = Step(
        title=_("办理限制申请建议"),
        label=_("登记限制"),
        tone="danger",
        form=form,
        do=do,
        warning=_("登记后立即通知本人。不采纳的，请选择“不采纳建议”并说明理由。"),
        template="review/authority/proposal.html",
        more={"line": line, "why": why, "state": State(line.state)},
    )
    return ask(request, person, step)


@staff_required(REGISTRAR)
@asks
def proposal_refusal(request: StaffRequest, case_id: UUID) -> HttpResponse:
    """Do not follow the agency's proposal; the finding on the case is taken back."""
    line = _proposed(case_id)
    person = _present(request, line.person.merged_into_id or line.person_id)

    def do(form: ReasonForm) -> str:
        with docket.opened(line) as case:
            registrar.turn_down(case=case, by=actor(request), **form.cleaned_data)
        return _("建议未予采纳，已记入案卷。")

    step = Step(
        title=_("不采纳限制申请建议"),
        label=_("确定不采纳"),
        form=ReasonForm(posted(request)),
        do=do,
        lines=[_("案卷 {reference} 上的限制建议撤回，申请人可以撤回申请。").format(reference=line.reference)],
        warning=_("理由记入案卷的流转记录，初审机构可以看到。"),
    )
    return ask(request, person, step)


def _proposed(case_id: UUID) -> DocketEntry:
    return get_object_or_404(registrar.proposals().select_related("person__merged_into"), pk=case_id)


# --- Endings -----------------------------------------------------------------------------------------

TITLES: Final = {
    How.CANCELLED: lambda: _("注销注册"),
    How.REVOKED: lambda: _("撤销注册"),
    How.WITHDRAWN: lambda: _("吊销执业证"),
}


@staff_required(REGISTRAR)
@asks
def ending(request: StaffRequest, person_id: UUID, how: str) -> HttpResponse:
    """Cancel, revoke or withdraw a registration; the applications that hang on it end with it."""
    need(how in How.values)
    person = _present(request, person_id)
    manner = How(how)
    held = standing.registration_of(person)
    if held is None or held.ended_how or _is_over(held, person):
        messages.error(request, _("该人员没有有效的注册，不能办理。"))
        return redirect("registrant", person.pk)
    lines: list[Text] = [
        _("{name}，执业证 {number}，{employer}，有效期 {since} 至 {until}。").format(
            name=person.name,
            number=held.number,
            employer=held.employer_name,
            since=date_format(held.valid_from),
            until=date_format(held.valid_to),
        )
    ]
    with_it = registrar.ending_with(person)
    lines += [
        _("申请 {reference}（{state}）随之终止。").format(
            reference=line.reference, state=State(line.state).label
        )
        for line in with_it
    ]
    if manner is How.CANCELLED:
        lines += [
            _("申请 {reference}（{state}）不随注册终止；事由为死亡或者丧失行为能力的，一并终止。").format(
                reference=line.reference, state=State(line.state).label
            )
            for line in registrar.lines_of(person)
            if line not in with_it
        ]
    if barred := endings.barred_until(manner, clock.today()):
        lines.append(_("本人在 {day}（含当日）之前不得再次申请注册。").format(day=date_format(barred)))

    def do(form: EndingForm) -> str:
        given = {key: value for key, value in form.cleaned_data.items() if key != "sure"}
        done = registrar.end_registration(person_id=person.pk, how=manner, by=actor(request), **given)
        if done.left:
            messages.warning(
                request,
                _("以下申请未能随之终止，请稍后在本页继续：{list}。").format(list="、".join(done.left)),
            )
        return _("已办理，决定书已生成，已通知本人。")

    step = Step(
        title=TITLES[manner](),
        label=_("确定{act}").format(act=TITLES[manner]()),
        tone="danger",
        form=EndingForm(posted(request), how=manner),
        do=do,
        lines=lines,
        warning=_("决定自今日起生效，立即写入登记簿并通知本人，不能撤销。执业证的公开验证随即显示新的状态。"),
    )
    return ask(request, person, step)


def _is_over(held: Registration, person: Person) -> bool:
    """Whether the period is over, and no renewal lodged in time carries it on (Order 11 art. 13)."""
    return held.valid_to < clock.today() and not standing.status_of(person).in_force


@staff_required(REGISTRAR)
@require_POST
def ending_rest(request: StaffRequest, person_id: UUID) -> HttpResponse:
    """End the applications of an ended registration that did not end with it."""
    person = _present(request, person_id)

    def do() -> None:
        left = registrar.finish(person_id=person.pk, by=actor(request))
        if left:
            said = _("以下申请仍未能终止：{list}。").format(list="、".join(left))
            raise Refusal(said, code="left")

    told(request, _("其余申请已终止，已通知本人。"), do)
    return redirect("registrant", person.pk)
