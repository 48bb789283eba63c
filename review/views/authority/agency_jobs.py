"""Opening an agency from the page, mending one, and how far the owner's worker is with it."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from review import agency_jobs, mergers
from review.forms.agencies import LABELS, OpeningForm
from review.views.authority.agencies import invited, of_the_list, said_of
from review.views.desk import posted, private, told
from tenants import agencies as ground
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import Agency, AgencyJob
from tenants.roles import ADMINISTRATOR, AUTHORITY_AUDITOR

# On which field of the form a refusal stands.
BESIDE: Final = {"taken": "code", "under_way": "code", "schema": "code", "host": "code"} | {
    "name": "name_zh",
    "username": "manager_username",
}


@staff_required(ADMINISTRATOR)
@require_http_methods(["GET", "POST"])
def opening(request: StaffRequest) -> HttpResponse:
    """Fill in, look at what will be made, confirm; confirmed twice it is still one agency."""
    form = OpeningForm(posted(request))
    if request.method == "POST":
        known = _same_order(request)
        if known is not None:
            return redirect("agency-job", known.pk)
    preview = None
    if form.is_valid():
        if "confirm" in request.POST:
            job = _asked(request, form)
            if job is not None:
                return redirect("agency-job", job.pk)
        elif "edit" not in request.POST:
            preview = _preview(form)
    elif "edit" in request.POST:
        form.errors.clear()
    context = {
        "form": form,
        "preview": preview,
        "groups": [
            (_("机构"), [form[name] for name in ("code", "kind", "name_zh", "name_en")]),
            (_("联系方式"), [form[name] for name in ground.CONTACT]),
            (_("办理方式"), [form[name] for name in ground.PRACTICE]),
            (
                _("首位管理员"),
                [form[name] for name in ("manager_name", "manager_username", "manager_email")],
            ),
        ],
    }
    return private(render(request, "review/authority/agency_new.html", context))


def _same_order(request: StaffRequest) -> AgencyJob | None:
    """The job that this very page has ordered before: a second click."""
    try:
        key = UUID(request.POST.get("key", ""))
    except ValueError:
        return None
    return AgencyJob.objects.filter(pk=key, asked_by=request.user).first()


def _asked(request: StaffRequest, form: OpeningForm) -> AgencyJob | None:
    try:
        return agency_jobs.ask_opening(key=form.cleaned_data["key"], wish=form.wish, by=request.user)
    except Refusal as no:
        form.add_error(BESIDE.get(no.code), str(no.message))
    except ValidationError as no:
        form.add_error("code", no)
    return None


def _preview(form: OpeningForm) -> dict[str, Any]:
    """What will be made: host, schema, number, and what was filled in."""
    wish = form.wish
    kind = str(Agency.Kind(wish["kind"]).label)
    manager = wish["manager"]
    sent = _("邀请链接发到该邮箱") if manager["email"] else _("开通后显示一次邀请链接")
    return {
        "made": [
            {"label": _("网址"), "value": ground.desk_url(Agency(code=wish["code"]))},
            {"label": _("数据架构"), "value": wish["code"]},
            {"label": _("数据库角色"), "value": f"agency_{wish['code']}"},
            {
                "label": _("机构编号"),
                "value": _("预计 {n:03d}，开通时确定，不再更改").format(n=ground.next_number()),
            },
        ],
        "given": [
            {"label": _("机构类别"), "value": kind},
            *({"label": LABELS[name], "value": said_of(name, wish[name])} for name in ground.EDITABLE),
        ],
        "manager": [
            {"label": _("姓名"), "value": manager["name"]},
            {"label": _("登录名"), "value": manager["username"]},
            {"label": _("电子邮箱"), "value": manager["email"] or _("未填写")},
            {"label": _("邀请"), "value": sent},
        ],
        "hidden": [
            (name, value)
            for name in form.fields
            for value in form.data.getlist(name)  # type: ignore[attr-defined]
        ],
    }


# --- How far it is ---------------------------------------------------------------------------------------


@staff_required(ADMINISTRATOR, AUTHORITY_AUDITOR)
@require_safe
def job(request: StaffRequest, job_id: UUID) -> HttpResponse:
    """The steps of a job; the page asks again by itself until it is finished."""
    one = _job(job_id)
    merging = one.kind == AgencyJob.Kind.MERGER
    target = Agency.objects.filter(code=one.wish.get("target", "")).first() if merging else None
    context = {
        "job": one,
        "merging": merging,
        "target": target,
        "waiting": one.finished_at is None,
        "unheard": agency_jobs.is_waiting_for_a_worker(one),
        "steps": [] if merging else _steps(one),
        "seconds": _seconds(one),
        "manager": None if merging else agency_jobs.first_manager(one),
        "may_show_link": not merging and agency_jobs.may_show_link(one),
        "administers": ADMINISTRATOR.code in request.roles,
        "left": (one.total or 0) - one.done,
        "may_take_over": _may_take_over(request, one),
    }
    return private(render(request, "review/authority/agency_job.html", context))


def _may_take_over(request: StaffRequest, one: AgencyJob) -> bool:
    """Another administrator may go on with a merger that is not over."""
    unfinished = one.finished_at is None or bool(one.fault)
    others = one.kind == AgencyJob.Kind.MERGER and one.asked_by_id != request.user.pk
    return unfinished and others and ADMINISTRATOR.code in request.roles


def _job(job_id: UUID) -> AgencyJob:
    return get_object_or_404(AgencyJob.objects.select_related("agency", "asked_by"), pk=job_id)


def _steps(one: AgencyJob) -> list[dict[str, Any]]:
    events = []
    for number, name in enumerate(agency_jobs.steps_of(one)):
        status = "done" if number < one.done else "now" if number == one.done else "next"
        failed = bool(one.fault) and status == "now"
        events.append(
            {
                "title": agency_jobs.STEPS[name],
                "status": status,
                "tone": "red" if failed else "",
                "text": one.fault if failed else "",
            }
        )
    return events


def _seconds(one: AgencyJob) -> str:
    if one.started_at is None or one.finished_at is None:
        return ""
    return f"{(one.finished_at - one.started_at).total_seconds():.1f}"


@staff_required(ADMINISTRATOR)
@require_POST
def invitation(request: StaffRequest, job_id: UUID) -> HttpResponse:
    """The link for the first manager, shown this once."""
    one = _job(job_id)
    try:
        manager = agency_jobs.take_link(job=one, by=request.user)
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect("agency-job", job_id)
    if one.agency is None:
        return redirect("agency-job", job_id)
    return invited(request, one.agency, manager)


@staff_required(ADMINISTRATOR)
@require_POST
def again(request: StaffRequest, job_id: UUID) -> HttpResponse:
    """Let a job that failed go on where it stopped."""
    one = _job(job_id)
    told(request, _("任务继续进行。"), lambda: agency_jobs.ask_again(job=one, by=request.user))
    return redirect("agency-job", job_id)


@staff_required(ADMINISTRATOR)
@require_POST
def hand(request: StaffRequest, job_id: UUID) -> HttpResponse:
    """Go on with a colleague's merger as the one who hands the cases over."""
    one = _job(job_id)
    told(request, _("合并由您继续经办。"), lambda: mergers.take_over(job=one, by=request.user))
    return redirect("agency-job", job_id)


@staff_required(ADMINISTRATOR)
@require_POST
def mending(request: StaffRequest, code: str) -> HttpResponse:
    """Let the agency's schema get whatever it lacks."""
    try:
        one = agency_jobs.ask_mending(agency=of_the_list(code), by=request.user)
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect("agency", code)
    return redirect("agency-job", one.pk)


@staff_required(ADMINISTRATOR)
@require_POST
def checking(request: StaffRequest) -> HttpResponse:
    """Have all schemas looked at now instead of at the next hour."""
    agency_jobs.ring_for_a_check()
    messages.info(request, _("正在检查全部机构的数据架构，几秒钟后刷新本页查看结果。"))
    return redirect("agencies")
