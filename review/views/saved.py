"""Saved views of a queue: kept, renamed and deleted, each by a post."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from review import saved
from review.forms.queue import ViewForm
from review.views import listing
from review.views.desk import private, told
from tenants.guards import StaffRequest, staff_required


@staff_required()
@require_http_methods(["GET", "HEAD", "POST"])
def views(request: StaffRequest) -> HttpResponse:
    """The reader's own views, to be renamed or deleted; a post keeps the present list as another one."""
    if request.method != "POST":
        return _page(request, ViewForm())
    form, query = ViewForm(request.POST), request.POST.get("query", "")
    if not form.is_valid():
        return _page(request, form, query=query, status=422)
    given = form.cleaned_data
    if not told(
        request,
        _("视图“{name}”已保存。").format(name=given["name"]),
        lambda: saved.keep(user=request.user, agency=request.agency, query=query, **given),
    ):
        return _page(request, form, query=query, status=422)
    return redirect(listing.back(request))


@staff_required()
@require_POST
def view(request: StaffRequest, view_id: UUID) -> HttpResponse:
    """Rename one of one's own views, or share it."""
    found = get_object_or_404(saved.own(request.user, request.agency), pk=view_id)
    form = ViewForm(request.POST)
    if not form.is_valid():
        messages.error(request, "".join(str(error) for errors in form.errors.values() for error in errors))
    else:
        told(request, _("视图已修改。"), lambda: saved.change(found, **form.cleaned_data))
    return redirect("saved-views")


@staff_required()
@require_http_methods(["GET", "HEAD", "POST"])
def deletion(request: StaffRequest, view_id: UUID) -> HttpResponse:
    """Delete one of one's own views; asked once."""
    found = get_object_or_404(saved.own(request.user, request.agency), pk=view_id)
    if request.method == "POST":
        found.delete()
        messages.success(request, _("视图“{name}”已删除。").format(name=found.name))
        return redirect("saved-views")
    context = {
        "title": _("确定删除视图“{name}”吗？").format(name=found.name),
        "lines": [_("只删除这个视图，案卷不受影响。")]
        + ([_("本机构同事也不再看到它。")] if found.shared else []),
        "act_label": _("删除视图"),
        "tone": "danger",
        "cancel_url": reverse("saved-views"),
    }
    return render(request, "components/confirm.html", context)


def _page(request: StaffRequest, form: ViewForm, *, query: str = "", status: int = 200) -> HttpResponse:
    own = [{"view": each} for each in saved.own(request.user, request.agency)]
    context = {"own": own, "form": form, "query": query, "queue_url": listing.remembered(request)}
    return private(render(request, "review/saved_views.html", context, status=status))
