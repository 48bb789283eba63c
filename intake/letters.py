"""The letters of an own application: what there is to read and to print, and where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.functional import Promise

from intake.models import Application
from register.models import DocketEntry
from review import letter_files
from review.documents import letters
from review.models import Movement
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
    """The kept PDF of one letter; None where this application has no letter of that name.

    `lodged` is the latest receipt of lodging. Raises `Refusal` like `letter_files.pdf_of`.
    """
    with crossing.inside(entry.agency):
        return letter_files.pdf_of(application.pk, slug, entry.agency)


def _written(entry: DocketEntry) -> list[letters.Letter]:
    with crossing.inside(entry.agency):
        movements = list(
            Movement.objects.filter(case_id=entry.case_id).select_related("case").order_by("number")
        )
    if not movements:
        return []
    return letters.letters_of(
        movements[0].case,
        movements,
        agency=entry.agency,
        authority=Agency.objects.get(code=AUTHORITY_CODE),
    )
