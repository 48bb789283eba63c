"""Announcement batches: gather, check, publish, and see the certificates follow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode
from django.utils.timezone import is_naive
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from register import announcing, clock, codes
from register.models import Batch, BatchLine, Registration
from review import batches
from review.batches import Standing
from review.forms.batches import BatchForm, ScopeForm
from review.views.desk import AUTHORITY_READERS, posted, private, told
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import Agency
from tenants.roles import REGISTRAR

BATCHES_SHOWN = 30
WAITING_SHOWN = 50


@staff_required(*AUTHORITY_READERS)
@require_safe
def listed(request: StaffRequest) -> HttpResponse:
    """The batches, those being made first, and how many people wait for one."""
    before = request.GET.get("before", "")
    found = Batch.objects.select_related("made_by", "published_by").order_by("-created_at")
    if before:
        found = found.filter(created_at__lt=_moment(before))
    rows = list(found[: BATCHES_SHOWN + 1])
    shown = rows[:BATCHES_SHOWN]
    far = batches.standings(shown)
    here = reverse("batches")
    older = shown[-1].created_at.isoformat() if len(rows) > BATCHES_SHOWN else ""
    context = {
        "batches": [{"batch": batch, "far": far.get(batch.pk, Standing())} for batch in shown],
        "waiting": batches.waiting().count(),
        "newest_url": here if before else "",
        "older_url": f"{here}?{urlencode({'before': older})}" if older else "",
    }
    return private(render(request, "review/authority/batches.html", context))


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    return moment if moment and not is_naive(moment) else clock.now()


@staff_required(REGISTRAR)
@require_http_methods(["GET", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    """Gather those who were granted into a new batch."""
    scope = _scope(request)
    waiting = _waiting(scope)
    form = BatchForm(posted(request), initial=BatchForm.suggested(batches.next_number()))
    if request.method == "POST" and form.is_valid() and scope.is_valid():
        try:
            batch = announcing.compose(**form.cleaned_data, registrations=list(waiting), by=request.user)
        except Refusal as no:
            form.add_error("number" if no.code == "number" else None, str(no.message))
        else:
            messages.success(request, _("公告批次已建立，核对无误后再公告。"))
            return redirect("batch", batch.number)
    context = {"form": form, **_gathered(scope, waiting)}
    return private(render(request, "review/authority/batch_new.html", context))


def _scope(request: StaffRequest) -> ScopeForm:
    agencies = list(Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).only("code", "name_zh", "name_en"))
    return ScopeForm(posted(request) or request.GET, agencies=agencies)


def _waiting(scope: ScopeForm) -> QuerySet[Registration]:
    """Who waits in this scope; one that cannot be understood finds nobody."""
    return batches.waiting(scope.scope) if scope.is_valid() else Registration.objects.none()


def _gathered(scope: ScopeForm, waiting: QuerySet[Registration]) -> dict[str, object]:
    """A scope and whom it finds, for a page."""
    count = waiting.count()
    return {
        "scope": scope,
        "count": count,
        "waiting": [_person(row) for row in waiting[:WAITING_SHOWN]],
        "more": max(count - WAITING_SHOWN, 0),
        "narrowed": any(scope.data.get(name) for name in scope.fields),
    }


def _person(row: Registration) -> dict[str, object]:
    return {
        "name": row.person.name,
        "number": row.number,
        "kind": row.get_kind_display(),
        "category": codes.label("category", row.category),
        "employer": row.employer_name,
        "agency": row.agency.name if row.agency else "",
        "granted_on": row.granted_on,
    }


@staff_required(*AUTHORITY_READERS)
@require_safe
def batch(request: StaffRequest, number: str) -> HttpResponse:
    """One batch: its lines, what is wrong with them, and how far its cases have come."""
    batch = _batch(number)
    page = announcing.page_of(batch, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    far = batches.standings([batch]).get(batch.pk, Standing())
    open_ = batch.published_on is None
    wrong = announcing.faults(batch, by=request.user) if open_ else []
    reasons = {fault.line.pk: fault.why for fault in wrong}
    context = {
        "batch": batch,
        "far": far,
        "open": open_,
        "may": REGISTRAR.code in request.roles,
        "faults": wrong,
        "lines": [_shown(line, reasons.get(line.pk, "")) for line in page.lines],
        "waiting": batches.waiting().count() if open_ else 0,
        "previous_url": f"?before={page.before}" if page.before else "",
        "next_url": f"?after={page.after}" if page.after else "",
    }
    return private(render(request, "review/authority/batch.html", context))


def _shown(line: BatchLine, why: str) -> dict[str, object]:
    return {
        "pk": line.pk,
        "name": line.name,
        "number": line.number,
        "kind": line.get_kind_display(),
        "category": codes.label("category", line.category),
        "employer": line.employer_name,
        "agency": line.agency.name if line.agency else "",
        "why": why,
    }


@staff_required(REGISTRAR)
@require_http_methods(["GET", "POST"])
def additions(request: StaffRequest, number: str) -> HttpResponse:
    """Show who was granted meanwhile, in a scope, then put them into the batch as well."""
    batch = _batch(number)
    if batch.published_on is not None:
        messages.error(request, _("这个批次已经公告。"))
        return redirect("batch", batch.number)
    scope = _scope(request)
    waiting = _waiting(scope)
    if request.method == "POST" and scope.is_valid():
        more = list(waiting)
        _counted(request, _("已补充 {n} 人。"), lambda: announcing.add(batch=batch, registrations=more))
        return redirect("batch", batch.number)
    context = {"batch": batch, **_gathered(scope, waiting)}
    return private(render(request, "review/authority/batch_additions.html", context))


@staff_required(REGISTRAR)
@require_POST
def removals(request: StaffRequest, number: str) -> HttpResponse:
    """Take the ticked lines out of the batch, or all that have a fault."""
    batch = _batch(number)
    lines = [int(key) for key in request.POST.getlist("line") if key.isdecimal() and len(key) < 19]
    if "faulty" in request.POST:
        lines = [fault.line.pk for fault in announcing.faults(batch, by=request.user)]
    if not lines:
        messages.warning(request, _("请先勾选要移出的人员。"))
        return redirect("batch", batch.number)
    _counted(
        request,
        _("已移出 {n} 人，可以列入以后的批次。"),
        lambda: announcing.take_out(batch=batch, lines=lines),
    )
    return redirect("batch", batch.number)


def _counted(request: StaffRequest, done: str, change: Callable[[], int]) -> None:
    """Change the lines of a batch and say how many were changed; when the rules say no, say why."""
    try:
        n = change()
    except Refusal as no:
        messages.error(request, str(no.message))
    else:
        level = messages.SUCCESS if n else messages.WARNING
        messages.add_message(request, level, done.format(n=n))


@staff_required(REGISTRAR)
@require_http_methods(["GET", "POST"])
def publication(request: StaffRequest, number: str) -> HttpResponse:
    """Ask once, then publish."""
    batch = _batch(number)
    there = reverse("batch", args=[batch.number])
    if request.method == "POST":
        told(
            request,
            _("批次已公告。通知和执业证正在逐一生成，进度见本页。"),
            lambda: batches.publish(batch=batch, by=request.user),
        )
        return redirect(there)
    people = batch.lines.count()
    context = {
        "title": _("确定公告这个批次吗？"),
        "lines": [
            _("{title}，共 {n} 人。").format(title=batch.title, n=people),
            _("公告立即在首页公开，列出姓名、执业证编号、类别、聘用单位和注册机构，不含证件号码。"),
            _("每位申请人收到公告通知，执业证随后自动制发。"),
        ],
        "warning": _("公告后不能撤回，名单不再变动。"),
        "act_label": _("公告"),
        "cancel_url": there,
    }
    return private(render(request, "review/authority/confirm.html", context))


@staff_required(REGISTRAR)
@require_http_methods(["GET", "POST"])
def withdrawal(request: StaffRequest, number: str) -> HttpResponse:
    """Ask once, then give up a batch that is not public yet."""
    batch = _batch(number)
    there = reverse("batch", args=[batch.number])
    if request.method == "POST":
        done = told(
            request,
            _("批次已撤销，其中的人员可以列入其他批次。"),
            lambda: announcing.drop(batch=batch),
        )
        return redirect("batches" if done else there)
    context = {
        "title": _("确定撤销这个批次吗？"),
        "lines": [_("{title}，共 {n} 人。").format(title=batch.title, n=batch.lines.count())],
        "warning": _("批次撤销后，其中的人员回到待公告名单。"),
        "act_label": _("撤销批次"),
        "tone": "danger",
        "cancel_url": there,
    }
    return private(render(request, "review/authority/confirm.html", context))


def _batch(number: str) -> Batch:
    return get_object_or_404(Batch.objects.select_related("made_by", "published_by"), number=number)
