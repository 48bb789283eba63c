"""Class hours come into the register: upload, look at what the list would do, decide, read the result."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from register import training
from register.rosters import LineError
from register.tables import Form
from review.forms.rosters import SkipForm
from review.forms.training import TrainingFileForm
from review.views.desk import posted, private
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.roles import REVIEWER, SUPERVISOR

ERRORS_SHOWN: Final = 200
COLUMNS: Final[tuple[tuple[str, str | Promise], ...]] = (
    ("姓名", gettext_lazy("必填，与证件一致。")),
    ("证件类型", gettext_lazy("不填的按居民身份证处理。")),
    ("证件号码", gettext_lazy("必填，文本格式。")),
    ("培训机构", gettext_lazy("必填。")),
    ("培训内容", gettext_lazy("选填。")),
    ("课程类别", gettext_lazy("公共课程或者专业课程；不填的不计入专业课程学时。")),
    ("开始日期", gettext_lazy("必填，如 2026-03-02。")),
    ("结束日期", gettext_lazy("必填，不晚于今天。")),
    ("学时", gettext_lazy("必填，以 0.5 为单位，每项最多 200。")),
    ("证书编号", gettext_lazy("必填，文本格式，开头的 0 不能丢失。同一人的同一编号只登记一次。")),
)


@staff_required(REVIEWER, SUPERVISOR)
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: StaffRequest) -> HttpResponse:
    """Choose a list; it is put aside and looked through, nothing is written yet."""
    form = TrainingFileForm(posted(request), request.FILES if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        data = file.read()
        try:
            training.preview(data, file.name, agency=request.agency, by=request.user)
        except Refusal as no:
            form.add_error("file", str(no.message))
        else:
            token = training.keep(data, file.name, agency=request.agency, by=request.user)
            return redirect("training-decision", token)
    return private(render(request, "review/agency/training.html", {"form": form, "columns": COLUMNS}))


@staff_required(REVIEWER, SUPERVISOR)
@require_safe
def template(request: StaffRequest, form: str) -> HttpResponse:
    """The empty list with its columns."""
    if form not in set(Form):
        raise Http404
    response = HttpResponse(training.template(Form(form)), content_type=Form(form).content_type)
    response["Content-Disposition"] = f'attachment; filename="training.{form}"'
    return response


@staff_required(REVIEWER, SUPERVISOR)
@require_http_methods(["GET", "HEAD", "POST"])
def decision(request: StaffRequest, token: str) -> HttpResponse:
    """What the list would do; posting decides: bring it in, or throw it away."""
    try:
        kept = training.kept(token, agency=request.agency, by=request.user)
        if request.method == "POST":
            return _decide(request, token, kept.data, kept.name)
        preview = training.preview(kept.data, kept.name, agency=request.agency, by=request.user)
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect("training")
    context = {
        "name": kept.name,
        "preview": preview,
        "sample": [list(zip(preview.columns, row, strict=True)) for row in preview.sample],
        "form": SkipForm() if preview.errors else None,
        **_faults(preview.errors),
    }
    return private(render(request, "review/agency/training_preview.html", context))


def _decide(request: StaffRequest, token: str, data: bytes, name: str) -> HttpResponse:
    if "discard" in request.POST:
        training.discard(token)
        messages.success(request, _("已放弃，没有导入任何学时。"))
        return redirect("training")
    form = SkipForm(request.POST)
    form.is_valid()
    skip = bool(form.cleaned_data.get("skip_bad_rows"))
    result = training.commit(data, name, agency=request.agency, by=request.user, skip_bad_rows=skip)
    if not result.written:
        messages.error(request, _("文件中有错误，没有导入任何一行。请改正文件，或者勾选“跳过有错误的行”。"))
        return redirect("training-decision", token)
    training.discard(token)
    context = {"name": name, "result": result, **_faults(result.errors)}
    return private(render(request, "review/agency/training_result.html", context))


def _faults(errors: tuple[LineError, ...]) -> dict[str, Any]:
    return {"errors": errors[:ERRORS_SHOWN], "more_errors": max(len(errors) - ERRORS_SHOWN, 0)}
