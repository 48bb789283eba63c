"""The files that tasks write for an officer, at both desks: the list, the download, asking once more."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from review import audit_files, looks, prepared
from review.views.desk import AGENCY_READERS, AUTHORITY_READERS, actor, private, told
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required


@staff_required(*AGENCY_READERS, *AUTHORITY_READERS)
@require_safe
def prepared_files(request: StaffRequest) -> HttpResponse:
    """The own files: what is being written, what is ready, until when it is kept."""
    files = list(prepared.of_officer(request.user, request.agency))
    context = {"files": files, "waiting": any(file.finished_at is None for file in files)}
    return private(render(request, "review/prepared_files.html", context))


@staff_required(*AGENCY_READERS, *AUTHORITY_READERS)
@require_safe
def prepared_file(request: StaffRequest, file_id: UUID) -> HttpResponse:
    """One own file that is ready; anybody else's is not found.

    With full document numbers it opens only while its orderer may still see these, an auditor's file only
    to an auditor.
    """
    ready = prepared.of_officer(request.user, request.agency).filter(data__isnull=False).defer(None)
    file = get_object_or_404(ready, pk=file_id)
    if not audit_files.may_fetch(file, actor(request)):
        messages.error(request, _("这个文件只有审计员可以下载，您现在不是审计员。"))
        return redirect("prepared-files")
    if file.full and not looks.may_fetch(file, actor(request)):
        messages.error(request, _("文件中有完整证件号码，您现在不能查看这些号码，文件不能下载。"))
        return redirect("prepared-files")
    try:
        content = prepared.content_of(file)
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect("prepared-files")
    answer = HttpResponse(content, content_type=file.content_type)
    answer["Content-Disposition"] = str(content_disposition_header(True, file.name))
    answer["X-Content-Type-Options"] = "nosniff"
    return private(answer)


@staff_required(*AGENCY_READERS, *AUTHORITY_READERS)
@require_POST
def prepared_file_again(request: StaffRequest, file_id: UUID) -> HttpResponse:
    """Order an own file once more that could not be written."""
    told(
        request,
        _("文件正在重新生成，完成后可以在这里下载。"),
        lambda: prepared.ask_again(file_id, agency=request.agency, user=request.user),
    )
    return redirect("prepared-files")
