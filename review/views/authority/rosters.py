"""Rosters as jobs: upload, see it looked through, decide, see it written; and the books as exports."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from register import roster_jobs
from register.models import RosterJob
from register.resources import QualificationResource, RegistrationResource
from register.rosters import What
from register.sheets import LINE
from register.tables import Form
from review import roster_exports
from review.forms.rosters import RosterExportForm, RosterForm, SkipForm
from review.views.desk import actor, posted, private, told
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.roles import REGISTRAR

JOBS_SHOWN = 50


@staff_required(REGISTRAR)
@require_http_methods(["GET", "POST"])
def rosters(request: StaffRequest) -> HttpResponse:
    """Choose a file, which is looked through by a task; below, what came of every earlier one."""
    form = RosterForm(posted(request), request.FILES if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        file, what = form.cleaned_data["file"], What(form.cleaned_data["what"])
        try:
            job = roster_jobs.upload(data=file.read(), name=file.name, what=what, by=request.user)
        except Refusal as no:
            form.add_error("file", str(no.message))
        else:
            return redirect("roster", job.pk)
    jobs = list(roster_jobs.listed()[:JOBS_SHOWN])
    for job in jobs:
        job.title = _title(job)  # type: ignore[attr-defined]
    context = {"form": form, "columns": _columns(), "jobs": jobs}
    return private(render(request, "review/authority/rosters.html", context))


def _columns() -> list[dict[str, Any]]:
    """The columns of each roster, the required ones first named."""
    books = (
        (_("资格证书名册"), QualificationResource()),
        (_("历史注册名册"), RegistrationResource({})),
    )
    shown = []
    for title, book in books:
        required = book.required()
        every = [column.column_name for column in book.fields.values() if column.column_name != LINE]
        shown.append(
            {"title": title, "required": required, "optional": [n for n in every if n not in required]}
        )
    return shown


@staff_required(REGISTRAR)
@require_http_methods(["GET", "POST"])
def roster(request: StaffRequest, job_id: UUID) -> HttpResponse:
    """How far a job is, what it would do or has done; posting decides on one's own."""
    job = get_object_or_404(roster_jobs.listed(), pk=job_id)
    form = SkipForm(posted(request))
    if request.method == "POST":
        form.is_valid()
        skip = bool(form.cleaned_data.get("skip_bad_rows"))
        told(
            request,
            _("已确认，正在写入名册。"),
            lambda: roster_jobs.decide(job_id, by=request.user, skip_bad_rows=skip),
        )
        return redirect("roster", job_id)
    found, at_work = job.findings, job.stage in roster_jobs.AT_WORK
    context = {
        "job": job,
        "title": _title(job),
        "found": found,
        "counts": found.get("counts"),
        "errors": found.get("errors", []),
        "more_errors": max(found.get("errors_count", 0) - roster_jobs.SHOWN_ERRORS, 0),
        "more_changes": max(found.get("counts", {}).get("changed", 0) - len(found.get("changes", [])), 0),
        "own": job.by_id == request.user.pk,
        "at_work": at_work,
        "waits": job.stage == RosterJob.Stage.WRITING and job.started_at is None and job.seen_at is not None,
        "done": roster_jobs.progress_of(job) if at_work else job.done,
        "small": found.get("counts", {}).get("faulty", 0) <= roster_jobs.MOST_IN_WORKBOOK,
        "form": SkipForm(),
    }
    return private(render(request, "review/authority/roster.html", context))


@staff_required(REGISTRAR)
@require_POST
def cancellation(request: StaffRequest, job_id: UUID) -> HttpResponse:
    """Give one's own job up; until the last row is written nothing of it stays."""
    get_object_or_404(roster_jobs.listed(), pk=job_id)
    told(request, _("已取消，名册没有导入。"), lambda: roster_jobs.cancel(job_id, by=request.user))
    return redirect("roster", job_id)


@staff_required(REGISTRAR)
@require_safe
def errors(request: StaffRequest, job_id: UUID, form: str) -> HttpResponse:
    """The faulty lines of one's own file, to be mended and uploaded again."""
    job = get_object_or_404(roster_jobs.listed(), pk=job_id)
    if form not in set(Form):
        raise Http404
    data = roster_jobs.error_file(job_id, Form(form), by=request.user)
    if data is None:
        raise Http404
    answer = HttpResponse(data, content_type=Form(form).content_type)
    name = _("错误行-{name}.{form}").format(name=job.name.rsplit(".", 1)[0], form=form)
    answer["Content-Disposition"] = str(content_disposition_header(True, name))
    answer["X-Content-Type-Options"] = "nosniff"
    return private(answer)


@staff_required(REGISTRAR)
@require_http_methods(["GET", "POST"])
def export(request: StaffRequest) -> HttpResponse:
    """Order one of the books as a file, narrowed and masked."""
    form = RosterExportForm(posted(request))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        wishes = {
            name: str(given[name])
            for name in ("exam_year", "category", "agency", "today", "valid_from", "valid_until")
            if given.get(name)
        }
        try:
            roster_exports.ask(
                by=actor(request),
                agency=request.agency,
                user=request.user,
                what=What(given["what"]),
                wishes=wishes,
                form=Form(given["form"]),
                full=given["full"],
                reason=given["reason"],
            )
        except Refusal as no:
            form.add_error(None, str(no.message))
        else:
            messages.success(request, _("名册正在导出，完成后可以在这里下载。"))
            return redirect("prepared-files")
    return render(request, "review/authority/roster_export.html", {"form": form})


def _title(job: RosterJob) -> str:
    return _("资格证书名册") if job.what == What.QUALIFICATIONS else _("历史注册名册")
