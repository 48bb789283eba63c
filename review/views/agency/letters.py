"""The letters of a case at the agency: which there are, and each as a PDF."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from review import letter_files
from review.documents import letters
from review.models import Case
from review.views.desk import AGENCY_READERS, Text, need, of_this_agency, private
from tenants.guards import StaffRequest, staff_required
from tenants.models import AUTHORITY_CODE, Agency


@dataclass(frozen=True, slots=True)
class Shown:
    """A letter as the case page offers it."""

    label: Text
    number: str
    url: str
    on: date


def listed(case: Case, agency: Agency, *, authority: Agency | None = None) -> list[Shown]:
    """The letters of a case, latest first; from its movements, which are loaded once."""
    return [
        Shown(one.label, one.number, reverse("letter", args=[case.pk, one.slug]), one.on)
        for one in reversed(_written(case, agency, authority=authority))
    ]


@staff_required(*AGENCY_READERS)
@require_safe
@of_this_agency
def letter(request: StaffRequest, case: Case, slug: str) -> HttpResponse:
    """One letter for printing, sealing and sending: what was told then, whatever has happened since."""
    return pdf_of(case, request.agency, slug)


def pdf_of(case: Case, agency: Agency, slug: str) -> HttpResponse:
    """One kept letter of a case of this agency, for either desk; another slug is not found."""
    pdf = letter_files.pdf_of(case.pk, slug, agency)
    need(pdf)
    response = HttpResponse(pdf or b"", content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{case.reference}-{slug}.pdf"'
    return private(response)


def _written(case: Case, agency: Agency, *, authority: Agency | None = None) -> list[letters.Letter]:
    prefetch_related_objects([case], "movements")
    movements = sorted(case.movements.all(), key=lambda one: one.number)
    return letters.letters_of(case, movements, agency=agency, authority=authority or _authority())


def _authority() -> Agency:
    """Asked for only when a letter of the authority is among them."""
    found: Agency = SimpleLazyObject(lambda: Agency.objects.get(code=AUTHORITY_CODE))  # type: ignore[assignment]
    return found
