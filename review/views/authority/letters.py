"""The letters of a case at the authority: the same as the agency's and the applicant's."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from review.models import Case
from review.views.agency import letters
from review.views.desk import AUTHORITY_READERS, agency_of_case, in_its_agency
from tenants.guards import StaffRequest, staff_required


@staff_required(*AUTHORITY_READERS)
@require_safe
@in_its_agency
def letter(request: StaffRequest, case: Case, slug: str) -> HttpResponse:
    """One letter for printing and sealing: what was told then, whatever has happened since."""
    return letters.pdf_of(case, agency_of_case(request), slug)
