"""Rosters come into the register: upload, look at what the file would do, decide, read the result."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from register import rosters
from register.resources import QualificationResource, RegistrationResource
from register.rosters import What
from register.sheets import LINE
from review.forms.desk import RosterForm, SkipForm
from review.views.desk import posted, private
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.roles import REGISTRAR

ERRORS_SHOWN = 200


@staff_required(REGISTRAR)
@require_http_methods(["GET", "POST"])
def upload(request: StaffRequest) -> HttpResponse:
    """Choose a file; it is put aside and looked through, nothing is written yet."""
    form = RosterForm(posted(request), request.FILES if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        file, what = form.cleaned_data["file"], What(form.cleaned_data["what"])
        data = file.read()
        try:
            rosters.preview(data, file.name, what)
        except Refusal as no:
            form.add_error("file", str(no.message))
        else:
            token = rosters.keep(data, file.name, what, user_id=request.user.pk)
            return redirect("roster", token)
    context = {"form": form, "columns": _columns()}
    return render(request, "review/authority/rosters.html", context)


def _columns() -> list[dict[str, Any]]:
    """The columns of each roster, the required ones first named."""
    books = (
        (_title(What.QUALIFICATIONS), QualificationResource()),
        (_title(What.REGISTRATIONS), RegistrationResource({})),
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
def roster(request: StaffRequest, token: str) -> HttpResponse:
    """What the file would do; posting decides: bring it in, or throw it away."""
    form = SkipForm(posted(request))
    try:
        if request.method == "POST":
            return _decide(request, token, form)
        kept = rosters.kept(token, user_id=request.user.pk)
        preview = rosters.preview(kept.data, kept.name, kept.what)
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect("rosters")
    context = {
        "name": kept.name,
        "title": _title(kept.what),
        "preview": preview,
        "errors": preview.errors[:ERRORS_SHOWN],
        "more_errors": max(len(preview.errors) - ERRORS_SHOWN, 0),
        "form": form,
    }
    return private(render(request, "review/authority/roster.html", context))


def _decide(request: StaffRequest, token: str, form: SkipForm) -> HttpResponse:
    if "discard" in request.POST:
        rosters.kept(token, user_id=request.user.pk)
        rosters.discard(token)
        messages.success(request, _("已放弃，名册没有导入。"))
        return redirect("rosters")
    form.is_valid()
    kept = rosters.kept(token, user_id=request.user.pk)
    skip = bool(form.cleaned_data.get("skip_bad_rows"))
    result = rosters.commit(kept.data, kept.name, kept.what, skip_bad_rows=skip, by=request.user)
    if not result.written:
        messages.error(request, _("文件中有错误，没有导入任何一行。请改正文件，或者勾选“跳过有错误的行”。"))
        return redirect("roster", token)
    rosters.discard(token)
    context = {
        "name": kept.name,
        "title": _title(kept.what),
        "result": result,
        "errors": result.errors[:ERRORS_SHOWN],
        "more_errors": max(len(result.errors) - ERRORS_SHOWN, 0),
    }
    return private(render(request, "review/authority/roster_result.html", context))


def _title(what: What) -> str:
    return _("资格证书名册") if what is What.QUALIFICATIONS else _("历史注册名册")
