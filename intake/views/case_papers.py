"""The uploaded papers of a case at the staff desks: reached through the case, as its dossier names them.

They show full document numbers, so they open only to officers who may see these, and the look is recorded.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_safe

from intake import papers
from intake.models import Paper
from intake.views import paper_files
from register import codes
from review import looks
from review.models import Case, Dossier
from review.views.desk import AGENCY_READERS, AUTHORITY_READERS, actor, in_its_agency, of_this_agency
from tenants import access
from tenants.guards import StaffRequest, staff_required
from tenants.models import AccessRecord

# Pages of one paper looked at in a row are one look.
ONE_LOOK: Final = timedelta(hours=1)


@staff_required(*AGENCY_READERS)
@require_safe
@of_this_agency
def agency_paper(
    request: StaffRequest, case: Case, paper_id: UUID, number: int = 0, small: bool = False
) -> HttpResponse:
    """A paper of a case of this agency: the file, a page of it by number, or its first page small."""
    return _shown(request, case, paper_id, number=number, small=small)


@staff_required(*AUTHORITY_READERS)
@require_safe
@in_its_agency
def authority_paper(
    request: StaffRequest, case: Case, paper_id: UUID, number: int = 0, small: bool = False
) -> HttpResponse:
    """A paper of a case at whatever agency."""
    return _shown(request, case, paper_id, number=number, small=small)


def _shown(request: StaffRequest, case: Case, paper_id: UUID, *, number: int, small: bool) -> HttpResponse:
    paper = papers.without_bytes(Paper.objects.filter(pk=paper_id, application_id=case.pk)).first()
    if paper is None or not _was_lodged(case, paper) or not looks.may_see_number(case, actor(request)):
        raise Http404
    if small:
        return paper_files.thumbnail(paper, case.reference)
    _record(request, case, paper)
    if number:
        return paper_files.page(paper, case.reference, number)
    return paper_files.whole(paper, case.reference)


def _was_lodged(case: Case, paper: Paper) -> bool:
    """Whether any version of the dossier names it; what was uploaded besides is nobody's business here."""
    named = Dossier.objects.filter(case=case).values_list("content__papers", flat=True)
    return any(line["id"] == str(paper.pk) for lines in named for line in lines or ())


def _record(request: StaffRequest, case: Case, paper: Paper) -> None:
    """Note the look, once: a browser asks for several pages of a paper at the same time."""
    # The record is kept in Chinese, whatever the officer reads the pages in.
    with override("zh-hans"):
        reason = _("查看材料：%(paper)s") % {"paper": codes.label("paper", paper.code)}
    since = timezone.now() - ONE_LOOK
    recent = AccessRecord.objects.filter(user=request.user, case_id=case.pk, reason=reason, at__gte=since)
    if recent.exists():
        return
    with transaction.atomic():
        Case.objects.select_for_update().only("pk").get(pk=case.pk)
        if not recent.exists():
            access.record_look(by=request.user, person_id=case.person_id, reason=reason, case_id=case.pk)
