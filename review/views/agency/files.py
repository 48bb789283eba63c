"""Files that a task writes for an officer: ordering an archive or many prints, the list, the download."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from review import looks, prepared, prints
from review.documents import archive as documents
from review.forms.files import ArchiveForm
from review.models import Case
from review.views import listing
from review.views.desk import AGENCY_READERS, actor, of_this_agency, posted, private, told
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import PreparedFile


@staff_required(*AGENCY_READERS)
@require_safe
def prepared_files(request: StaffRequest) -> HttpResponse:
    """The own files: what is being written, what is ready, until when it is kept."""
    files = list(prepared.of_officer(request.user, request.agency))
    context = {"files": files, "waiting": any(file.finished_at is None for file in files)}
    return private(render(request, "review/agency/prepared_files.html", context))


@staff_required(*AGENCY_READERS)
@require_safe
def prepared_file(request: StaffRequest, file_id: UUID) -> HttpResponse:
    """One own file that is ready; anybody else's is not found.

    With full document numbers it opens only while its orderer may still see these.
    """
    ready = prepared.of_officer(request.user, request.agency).filter(data__isnull=False).defer(None)
    file = get_object_or_404(ready, pk=file_id)
    if file.full and not looks.may_fetch(file, actor(request)):
        messages.error(request, _("文件中有完整证件号码，您现在不能查看这些号码，文件不能下载。"))
        return redirect("prepared-files")
    answer = HttpResponse(bytes(file.data or b""), content_type=file.content_type)
    answer["Content-Disposition"] = str(content_disposition_header(True, file.name))
    answer["X-Content-Type-Options"] = "nosniff"
    return private(answer)


@staff_required(*AGENCY_READERS)
@require_POST
def prepared_file_again(request: StaffRequest, file_id: UUID) -> HttpResponse:
    """Order an own file once more that could not be written."""
    told(
        request,
        _("文件正在重新生成，完成后可以在这里下载。"),
        lambda: prepared.ask_again(file_id, agency=request.agency, user=request.user),
    )
    return redirect("prepared-files")


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
