"""The present list of the queue as a file: which kind, with which document numbers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from register.tables import Form
from review import exports, queue
from review.forms.exports import ExportForm
from review.forms.queue import FilterForm
from review.views import listing
from review.views.desk import AGENCY_READERS, actor, posted, private
from review.workflow import SUPERVISOR
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required


@staff_required(*AGENCY_READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: StaffRequest) -> HttpResponse:
    """Order the list that the address names, tab and filters, as a file."""
    filters = FilterForm(request.GET, holders=queue.holders(request.agency))
    tab, wishes = queue.CASES.tab(request.GET.get("tab", "")), filters.wishes()
    back = listing.address(tab=tab.key, **wishes)
    if filters.errors or filters.numbers:
        # A filter that is left out would make the file say more than was asked for.
        messages.error(request, _("筛选条件有误，没有导出。请在队列中重新筛选后再导出。"))
        return redirect(back)
    by = actor(request)
    form = ExportForm(posted(request), may_see=SUPERVISOR in request.roles)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            exports.ask(
                by=by,
                agency=request.agency,
                user=request.user,
                tab=tab,
                wishes=wishes,
                form=Form(given["format"]),
                full=bool(given.get("full")),
                reason=given.get("reason", ""),
            )
        except Refusal as no:
            form.add_error(None, str(no.message))
        else:
            messages.success(request, _("列表正在导出，完成后可以在这里下载。"))
            return redirect("prepared-files")
    context = {
        "form": form,
        "tab": tab,
        "asked": words_of(filters, wishes),
        "count": exports.lines(tab, wishes, by=by).count(),
        "back_url": back,
    }
    return private(render(request, "review/agency/export.html", context))


def words_of(filters: FilterForm, wishes: dict[str, str]) -> list[dict[str, Any]]:
    """The filters as they are said: name and value."""
    said = []
    for name, value in wishes.items():
        field: Any = filters.fields[name]
        if name == "document":
            said.append({"label": _("证件号码"), "value": _("按完整证件号码查找")})
        else:
            labels = dict(getattr(field, "choices", ()))
            said.append({"label": field.label, "value": labels.get(value, value)})
    return said
