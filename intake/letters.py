"""The letters of an own application: what there is to read and to print, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.functional import Promise

from intake import circumstances, papers
from intake.models import Application
from register.models import DocketEntry
from register.policy import Policy
from review.documents import letters
from review.models import Case, Movement
from tenants import crossing
from tenants.models import AUTHORITY_CODE, Agency

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as a page offers it: its title and number, its PDF, and its day."""

    label: Text
    number: str
    url: str
    on: date


def letters_of(application: Application, entry: DocketEntry) -> list[Letter]:
    """The letters of an own lodged application, oldest first: two queries."""
    return [
        Letter(
            one.label,
            one.number,
            reverse("letter_pdf", args=[application.pk, one.slug]),
            one.on,
        )
        for one in _written(entry)
    ]


def pdf_of(application: Application, entry: DocketEntry, slug: str) -> bytes | None:
    """The PDF of one letter; None where this application has no letter of that name.

    `lodged` is the latest receipt of lodging.
    """
    written = _written(entry, application)
    found = [one for one in written if slug in (one.slug, one.slug.rpartition("-")[0])]
    return letters.letter_pdf(found[-1]) if found else None


def _written(entry: DocketEntry, application: Application | None = None) -> list[letters.Letter]:
    """All letters; for `application` with the papers that are to be handed in."""
    with crossing.inside(entry.agency):
        movements = list(
            Movement.objects.filter(case_id=entry.case_id).select_related("case").order_by("number")
        )
    if not movements:
        return []
    case = movements[0].case
    return letters.letters_of(
        case,
        movements,
        agency=entry.agency,
        authority=Agency.objects.get(code=AUTHORITY_CODE),
        papers=_on_paper(application, entry, case) if application else (),
    )


def _on_paper(application: Application, entry: DocketEntry, case: Case) -> Sequence[str]:
    if entry.agency.materials_mode == Agency.Materials.UPLOAD:
        return ()
    about = circumstances.of(application, under=Policy.from_dict(case.policy), agency=entry.agency)
    return [str(paper) for paper in papers.needed_by(application, about)]
