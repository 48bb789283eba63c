"""The agencies at the authority's desk: the list, the page of one, and what is decided about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.db.models import Count, Q
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from register import clock, memory
from register.models import DocketEntry
from review import mergers, staffing
from review.forms.agencies import KINDS, LABELS, ChangeForm, ManagerForm, MergerForm, SuspensionForm
from review.forms.settings import in_words
from review.states import AT_AGENCY, OPEN, State
from review.views.desk import Text, posted, private, told
from tenants import agencies as ground
from tenants import credentials, directory, staff
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import (
    Agency,
    AgencyJob,
    AgencyUserObjectPermission,
    SchemaHealth,
    SettingChange,
    User,
)
from tenants.roles import ADMINISTRATOR, AGENCY_ROLES, MANAGER
from tenants.settings_of import YES, Overtaken

CHANGES_SHOWN: Final = 20
STANDINGS: Final = {
    "open": gettext_lazy("正在接收"),
    "suspended": gettext_lazy("暂停接收"),
    "merging": gettext_lazy("正在合并"),
    "merged": gettext_lazy("已并入"),
}
# Word, tone, shape and icon of a tag, by how an agency stands.
TAGS: Final = {
    "open": ("green", "outline", "check"),
    "suspended": ("amber", "filled", "clock"),
    "merging": ("amber", "outline", "return"),
    "merged": ("grey", "filled", "return"),
}


def standing_of(agency: Agency) -> str:
    """`open`, `suspended`, `merging` (cases are left) or `merged`."""
    if agency.merged_into_id is not None:
        return "merged" if agency.is_closed else "merging"
    return "open" if agency.intake_open else "suspended"


def tag_of(agency: Agency) -> dict[str, Any]:
    key = standing_of(agency)
    tone, shape, icon = TAGS[key]
    return {"word": STANDINGS[key], "tone": tone, "shape": shape, "icon": icon}


def health_tag(health: SchemaHealth | None) -> dict[str, Any]:
    """How the schema stands, in one word: what is worst comes first."""
    if health is None:
        said: tuple[Text, str, str, str] = (_("尚未检查"), "grey", "outline", "clock")
    elif not health.exists:
        said = (_("缺少数据架构"), "red", "filled", "warning")
    elif health.faults:
        said = (_("{n} 处异常").format(n=len(health.faults)), "red", "outline", "warning")
    elif health.behind:
        said = (_("待升级 {n} 步").format(n=health.behind), "amber", "filled", "refresh")
    elif health.differences:
        said = (_("登记簿差异 {n} 处").format(n=health.differences), "red", "outline", "warning")
    else:
        said = (_("正常"), "green", "outline", "check")
    word, tone, shape, icon = said
    return {"word": word, "tone": tone, "shape": shape, "icon": icon, "well": tone == "green"}


# --- The list ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """An agency as the list shows it."""

    agency: Agency
    tag: dict[str, Any]
    health: dict[str, Any]
    version: str
    open: int
    reported: int
    overdue: int


@staff_required()
@require_safe
def agencies(request: StaffRequest) -> HttpResponse:
    """All first-review agencies: found by name, kind and standing, with their cases and their schema."""
    query = request.GET.get("q", "").strip()[: directory.LONGEST_QUERY]
    kind, standing = request.GET.get("kind", ""), request.GET.get("standing", "")
    everybody = directory.first_review()
    found = [
        agency
        for agency in directory.find(query, everybody)
        if kind in ("", agency.kind) and standing in ("", standing_of(agency))
    ]
    healths = {health.schema: health for health in SchemaHealth.objects.all()}
    context = {
        "lines": _lines(found, healths),
        "everybody": len(everybody),
        "suspended": sum(standing_of(agency) == "suspended" for agency in everybody),
        "kinds": KINDS,
        "standings": STANDINGS.items(),
        "q": query,
        "kind": kind,
        "chosen": standing,
        "filtered": bool(query or kind or standing),
        "administers": ADMINISTRATOR.code in request.roles,
        "strays": [health for health in healths.values() if health.agency_id is None],
        "ill": sum(not health_tag(healths.get(agency.schema_name))["well"] for agency in everybody),
        "checked_at": min((health.checked_at for health in healths.values()), default=None),
        "jobs": _unfinished(),
    }
    return render(request, "review/authority/agencies.html", context)


def _lines(found: Iterable[Agency], healths: dict[str, SchemaHealth]) -> list[Line]:
    counts = _counts()
    lines = []
    for agency in found:
        health = healths.get(agency.schema_name)
        version = health.version.partition("_")[0] if health else ""
        lines.append(
            Line(agency, tag_of(agency), health_tag(health), version, *counts.get(agency.pk, (0, 0, 0)))
        )
    return lines


def _counts() -> dict[int, tuple[int, int, int]]:
    """Open at the agency, with the authority, and overdue at the agency: one query over open lines."""
    lines = DocketEntry.objects.filter(open=True, state__in=OPEN).order_by()
    reported = Q(state=State.REPORTED)
    late = Q(state__in=AT_AGENCY, due_on__lt=clock.today())
    rows = lines.values_list("agency").annotate(
        here=Count("pk", filter=~reported),
        there=Count("pk", filter=reported),
        over=Count("pk", filter=late),
    )
    return {agency: (here, there, over) for agency, here, there, over in rows}


def _unfinished() -> list[AgencyJob]:
    """Openings and mendings that wait, run or have failed and were not repeated, and mergers that falter."""
    opening = Q(kind=AgencyJob.Kind.OPENING, finished_at__isnull=True)
    shown = AgencyJob.objects.filter(opening | ~Q(fault=""))
    return list(shown.select_related("asked_by").order_by("-asked_at")[:10])


# --- One agency --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the record as it is shown."""

    row: SettingChange
    label: Text
    before: str
    after: str


def of_the_list(code: str) -> Agency:
    """The first-review agency of this code; the authority has no page here."""
    every = Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).select_related("merged_into")
    return get_object_or_404(every, code=code)


@staff_required()
@require_safe
def agency(request: StaffRequest, code: str) -> HttpResponse:
    """One agency: contact data, people, cases, settings, its schema, and the record of changes."""
    one = of_the_list(code)
    health = SchemaHealth.objects.filter(schema=one.schema_name).first()
    context = {
        "one": one,
        "standing": standing_of(one),
        "tag": tag_of(one),
        "desk_url": ground.desk_url(one),
        "administers": ADMINISTRATOR.code in request.roles,
        "contact": [_row(name, getattr(one, name)) for name in ground.CONTACT],
        "settings_rows": [
            _row(name, getattr(one, name)) for name in (*ground.PRACTICE, "countersign", "retention_years")
        ],
        "staff_rows": _staff_rows(one),
        "managers": _managers(one),
        "states": _states(one),
        "predecessors": list(one.predecessors.order_by("number")),
        "health": health,
        "health_tag": health_tag(health),
        "job": _latest_job(one),
        "new": _is_new(one),
        "closed": one.is_closed,
        "changes": [_change(row) for row in ground.changes_of(one)[:CHANGES_SHOWN]],
    }
    return private(render(request, "review/authority/agency.html", context))


def _row(name: str, value: Any) -> dict[str, Any]:
    return {"label": _label(name), "value": said_of(name, value)}


def _label(name: str) -> Text:
    more: dict[str, Text] = {
        "countersign": _("初审意见复核"),
        "retention_years": _("案卷保存年限"),
        "letter_head": _("文书抬头"),
    }
    return LABELS.get(name) or more.get(name, name)


def said_of(name: str, value: Any) -> str:
    """A value of a setting as it is read, from the row or from the record."""
    if name == "intake_open":
        return _("接收") if value in (True, YES) else _("暂停")
    if name == "review_clock_applies":
        return _("按法定时限") if value in (True, YES) else _("只作为办理目标")
    if name == "schema":
        return _("已修复") if value else ""
    if name == "merged_at" and value:
        return str(value)[:10]
    return in_words(name, value) if value not in ("", None) else ""


def _change(row: SettingChange) -> Change:
    return Change(row, _label(row.field), said_of(row.field, row.before), said_of(row.field, row.after))


def _staff_rows(one: Agency) -> list[dict[str, Any]]:
    """How many active people hold each role there: one query."""
    held = AgencyUserObjectPermission.objects.filter(content_object=one, user__is_active=True).order_by()
    counts = dict(held.values_list("permission__codename").annotate(Count("pk")))
    return [{"label": role.label, "value": counts.get(role.code, 0)} for role in AGENCY_ROLES]


def _managers(one: Agency) -> list[dict[str, Any]]:
    """Its managers, and whether they can sign in yet."""
    held = AgencyUserObjectPermission.objects.filter(
        content_object=one, permission__codename=MANAGER.code
    ).values("user")
    users = User.objects.filter(pk__in=held, is_active=True).order_by("name", "pk")
    return [{"user": user, "accepted": staff.has_accepted(user)} for user in users]


def _states(one: Agency) -> list[dict[str, Any]]:
    """Its open cases by state, from the docket: one query."""
    lines = DocketEntry.objects.filter(agency=one, open=True).order_by()
    late = Count("pk", filter=Q(due_on__lt=clock.today()))
    rows = lines.values_list("state").annotate(every=Count("pk"), late=late)
    counts = {state: (every, over) for state, every, over in rows}
    return [
        {"state": state, "count": counts[state][0], "overdue": counts[state][1]}
        for state in State
        if state in counts
    ]


def _is_new(one: Agency) -> bool:
    """Whether it was opened from the page and has never taken applications yet."""
    return not one.intake_open and one.intake_note == ground.OPENING_NOTE


def _latest_job(one: Agency) -> AgencyJob | None:
    return AgencyJob.objects.filter(agency=one).order_by("-asked_at").first()


# --- What is decided about it --------------------------------------------------------------------------


def _is_closed(request: StaffRequest, one: Agency) -> bool:
    """Whether nothing is decided about it any more, since it was merged and has no open case. Says so."""
    try:
        ground.require_not_closed(one)
    except Refusal as no:
        messages.error(request, str(no.message))
        return True
    return False


@staff_required(ADMINISTRATOR)
@require_http_methods(["GET", "POST"])
def particulars(request: StaffRequest, code: str) -> HttpResponse:
    """Change names, contact data and manner of work; what was typed stays when the rules say no."""
    one = of_the_list(code)
    if _is_closed(request, one):
        return redirect("agency", code)
    form = ChangeForm(posted(request), agency=one)
    if form.is_valid():
        seen = form.cleaned_data["seen"]
        try:
            made = ground.change(agency=one, by=request.user, at=clock.now(), seen=seen, **form.changed)
        except Overtaken as overtaken:
            form.take_over(overtaken)
            form.add_error(None, _("您打开本页以后，有人更改了同一项内容，请核对后再次保存。"))
        except Refusal as no:
            form.add_error("name_zh" if no.code == "name" else None, str(no.message))
        else:
            _heard(request, _said(made))
            return redirect("agency", code)
    groups = [
        (_("名称"), [form[name] for name in ground.NAMES]),
        (_("联系方式"), [form[name] for name in ground.CONTACT]),
        (_("办理方式"), [form[name] for name in ground.PRACTICE]),
    ]
    context = {"one": one, "form": form, "groups": groups}
    return private(render(request, "review/authority/agency_change.html", context))


def _said(made: list[SettingChange]) -> str:
    if not made:
        return _("没有改动。")
    return _("已保存：{names}。").format(names="、".join(str(_label(change.field)) for change in made))


def _heard(request: StaffRequest, said: str) -> None:
    """Say that it is done; this process forgets at once what it remembers of agencies, others soon."""
    memory.forget_all()
    messages.success(request, said)


@staff_required(ADMINISTRATOR)
@require_http_methods(["GET", "POST"])
def suspension(request: StaffRequest, code: str) -> HttpResponse:
    """Let the agency take no new applications, after saying what that means."""
    one = of_the_list(code)
    form = SuspensionForm(posted(request))
    question = {
        "title": _("暂停{agency}接收申请？").format(agency=one.name),
        "lines": [
            _("申请人不能再选择该机构，草稿不能向它上报，页面上显示暂停的原因并请申请人另选机构。"),
            _("已经上报的案卷照常办理，各项期限不变。可以随时恢复。"),
            _("保存后立即生效；通知中的机构名称和状态最迟 30 秒后在全部服务进程中更新。"),
        ],
        "form": form,
        "act_label": _("暂停接收申请"),
        "tone": "danger",
    }

    def suspend() -> str:
        ground.suspend(agency=one, by=request.user, at=clock.now(), reason=form.cleaned_data["reason"])
        return _("已暂停接收申请。")

    return _asked(request, one, question, form, suspend)


@staff_required(ADMINISTRATOR)
@require_http_methods(["GET", "POST"])
def resumption(request: StaffRequest, code: str) -> HttpResponse:
    """Let the agency take applications: for the first time, or again."""
    one = of_the_list(code)
    new = _is_new(one)
    title = _("{agency}开始接收申请？") if new else _("恢复{agency}接收申请？")
    question = {
        "title": title.format(agency=one.name),
        "lines": [_("保存后，申请人立即可以选择该机构。")],
        "act_label": _("开始接收申请") if new else _("恢复接收申请"),
    }

    def resume() -> str:
        ground.resume(agency=one, by=request.user, at=clock.now())
        return _("已开始接收申请。") if new else _("已恢复接收申请。")

    return _asked(request, one, question, None, resume)


def _asked(
    request: StaffRequest, one: Agency, question: dict[str, Any], form: Form | None, act: Callable[[], str]
) -> HttpResponse:
    """A page that asks once before an act on an agency, and the act."""
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            _heard(request, act())
        except Refusal as no:
            if form is None:
                messages.error(request, str(no.message))
                return redirect("agency", one.code)
            form.add_error(None, str(no.message))
        else:
            return redirect("agency", one.code)
    cancel = reverse("agency", args=[one.code])
    return private(
        render(request, "review/authority/agency_question.html", {**question, "cancel_url": cancel})
    )


# --- Into another one ------------------------------------------------------------------------------------


@staff_required(ADMINISTRATOR)
@require_http_methods(["GET", "POST"])
def merger(request: StaffRequest, code: str) -> HttpResponse:
    """Choose the agency into which this one goes; what it means is shown before it is confirmed."""
    one = of_the_list(code)
    if one.merged_into_id is not None:
        messages.error(request, _("该机构已经并入其他机构。"))
        return redirect("agency", code)
    targets = [
        other
        for other in directory.first_review()
        if other.pk != one.pk and other.intake_open and other.merged_into_id is None
    ]
    form = MergerForm(posted(request), targets=targets)
    confirming = False
    if form.is_valid():
        if "confirm" not in request.POST:
            confirming = True
        else:
            try:
                job = mergers.announce(
                    agency=one, target=form.chosen, by=request.user, reason=form.cleaned_data["reason"]
                )
            except Refusal as no:
                form.add_error(None, str(no.message))
            else:
                _heard(request, _("合并已开始，可以转交的案卷正在逐件转交。"))
                return redirect("agency-job", job.pk)
    effect = mergers.effect_of(one)
    context = {
        "one": one,
        "form": form,
        "confirming": confirming,
        "target": form.chosen if confirming else None,
        "effect": effect,
        "stay": [{"state": state, "count": n} for state, n in effect.stay.items()],
    }
    return private(render(request, "review/authority/agency_merger.html", context))


# --- Its managers ----------------------------------------------------------------------------------------


@staff_required(ADMINISTRATOR)
@require_http_methods(["GET", "POST"])
def manager_new(request: StaffRequest, code: str) -> HttpResponse:
    """Invite a manager: the first one whose invitation failed, or another one when nobody is left."""
    one = of_the_list(code)
    if _is_closed(request, one):
        return redirect("agency", code)
    form = ManagerForm(posted(request))
    if form.is_valid():
        given = form.cleaned_data
        try:
            user = staffing.invite(
                agency=one,
                name=given["name"],
                username=given["username"],
                email=given["email"],
                roles=[MANAGER.code],
                by=request.user,
            )
        except Refusal as no:
            form.add_error("username" if no.code == "username" else None, str(no.message))
        else:
            return invited(request, one, user)
    return private(render(request, "review/authority/agency_manager.html", {"one": one, "form": form}))


@staff_required(ADMINISTRATOR)
@require_POST
def manager_invitation(request: StaffRequest, code: str, user_id: int) -> HttpResponse:
    """Invite a manager again who has not set a password yet; earlier links are void."""
    one = of_the_list(code)
    if _is_closed(request, one):
        return redirect("agency", code)
    manager = next((each["user"] for each in _managers(one) if each["user"].pk == user_id), None)
    again: list[User] = []
    if manager is not None:
        told(
            request,
            _("已重新邀请。"),
            lambda: again.append(staffing.invite_again(user=manager, agency=one, by=request.user)),
        )
    return invited(request, one, again[0]) if again else redirect("agency", code)


def invited(request: StaffRequest, one: Agency, user: User) -> HttpResponse:
    """What was sent, or the link to be handed over, which stands at the agency's own host."""
    link = ""
    if not user.email:
        path = reverse(
            "invitation",
            urlconf="portal.urls_agency",
            args=[user.pk, credentials.invitation_proof(user)],
        )
        link = ground.desk_url(one).rstrip("/") + path
    context = {"one": one, "person": user, "link": link, "days": credentials.INVITATION_DAYS}
    return private(render(request, "review/authority/agency_invited.html", context))
