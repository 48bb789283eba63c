"""Files that a task writes for an officer of the agency: ordering an archive or many prints."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from review import looks, prepared, prints
from review.documents import archive as documents
from review.forms.files import ArchiveForm
from review.models import Case
from review.views import listing
from review.views.desk import AGENCY_READERS, actor, of_this_agency, posted, private
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import PreparedFile


@staff_required(*AGENCY_READERS)
@require_http_methods(["GET", "POST"])
@of_this_agency
def archive(request: StaffRequest, case: Case) -> HttpResponse:
    """Order the whole case as one PDF; with papers and the full number for who may see these."""
    may_see = looks.may_see_number(case, actor(request))
    form = ArchiveForm(posted(request), may_see=may_see)
    if request.method == "POST" and form.is_valid():
        try:
            prepared.ask(
                agency=request.agency,
                user=request.user,
                kind=PreparedFile.Kind.ARCHIVE,
                wish={"case": str(case.pk), "title": f"{case.applicant_name} {case.reference}"},
                total=documents.steps_of(case),
                full=bool(form.cleaned_data.get("full")),
                reason=_("生成电子卷宗"),
            )
        except Refusal as no:
            messages.error(request, str(no.message))
        else:
            messages.success(request, _("电子卷宗正在生成，完成后可以在这里下载。"))
        return redirect("prepared-files")
    context = {"case": case, "form": form, "may_see": may_see}
    return private(render(request, "review/agency/archive.html", context))


@staff_required(*AGENCY_READERS)
@require_POST
def print_orders(request: StaffRequest) -> HttpResponse:
    """Order the forms of the cases that were ticked, or that stand in a dispatch, in one PDF."""
    try:
        prints.ask(cases=_chosen(request), agency=request.agency, user=request.user)
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect(listing.back(request))
    messages.success(request, _("申请表正在合并，完成后可以在这里下载。"))
    return redirect("prepared-files")


def _chosen(request: StaffRequest) -> list[Case]:
    """The cases to print in the order of the list; an id that is none of this agency's is not found."""
    ids = listing.ticked(request)
    found = Case.objects.in_bulk(ids)
    if len(found) != len(ids):
        raise Http404
    return [found[key] for key in ids]
