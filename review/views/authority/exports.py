"""The present list of the docket as a file: which kind, with which document numbers."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from register.tables import Form
from review import docket_exports, queue
from review.forms.exports import ExportForm
from review.forms.queue import DocketFilterForm
from review.views import listing
from review.views.agency.exports import words_of
from review.views.desk import AUTHORITY_READERS, actor, posted, private
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import Agency


@staff_required(*AUTHORITY_READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: StaffRequest) -> HttpResponse:
    """Order the list that the address names, tab and filters, as a file."""
    agencies = list(Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).only("code", "name_zh", "name_en"))
    filters = DocketFilterForm(request.GET, agencies=agencies, holders=queue.officers(request.agency))
    tab, wishes = queue.DOCKET.tab(request.GET.get("tab", "")), filters.wishes()
    back = listing.address(tab=tab.key, **wishes)
    if filters.errors or filters.numbers:
        # A filter that is left out would make the file say more than was asked for.
        messages.error(request, _("筛选条件有误，没有导出。请在队列中重新筛选后再导出。"))
        return redirect(back)
    by = actor(request)
    form = ExportForm(posted(request), may_see=docket_exports.may_see_full(by))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            docket_exports.ask(
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
        "count": docket_exports.lines(tab, wishes, by=by).order_by().count(),
        "back_url": back,
    }
    return private(render(request, "review/authority/export.html", context))
