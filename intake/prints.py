"""Which form stands on paper: a draft as it would be lodged now, a version as it was lodged, or the answer to
a correction as it stands.

People sign and seal the form before they lodge it, so a complete draft already carries the digest that
lodging will freeze, and it is remembered which one was printed last.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from intake import circumstances, completeness, corrections, dossier, filing
from intake.dossier import Frozen
from intake.models import Application
from register import clock, people
from register.models import DocketEntry
from review.documents import forms
from review.documents.forms import Mark
from review.documents.sheets import Added
from review.models import Dossier
from tenants import crossing

# The form as it would be lodged again, while a correction is open.
NEXT: Final = "next"


@dataclass(frozen=True, slots=True, kw_only=True)
class Printout:
    """One form as it can be shown and printed now; `version` is 0 for what is not lodged yet."""

    application: Application
    content: dict[str, Any]
    photo: bytes | None
    digest: str
    mark: Mark
    version: int = 0
    lodged_on: date | None = None

    @property
    def name(self) -> str:
        """What its file is called: never a personal name or document number."""
        return f"{self.application.reference}-v{self.version}" if self.version else self.application.reference

    def html(self) -> str:
        """The sheet for a page: the mask on the screen, the full number where the page is printed."""
        return forms.dossier_html(self.content, **self.added())

    def pdf(self) -> bytes:
        self._remember()
        return forms.form_pdf(self.content, **self.added())

    def word(self) -> bytes:
        self._remember()
        return forms.form_word(self.content, **self.added())

    def printed_from_the_page(self) -> None:
        """The browser prints the page itself."""
        self._remember()

    def _remember(self) -> None:
        if self.mark is Mark.READY and self.application.printed_digest != self.digest:
            filing.remember_print(application=self.application, digest=self.digest)

    def added(self) -> Added:
        """What is added to the content while its form is drawn."""
        return {
            "mark": self.mark,
            "digest": self.digest if self.mark is not Mark.DRAFT else "",
            "photo": self.photo,
            "full_number": self._number(),
            "lodged_on": self.lodged_on,
        }

    def _number(self) -> str | None:
        """The full number, if the person still carries the document that the content names."""
        person = self.application.person
        same = self.content["personal"]["id_digest"] == person.document_digest
        return people.number_for_form(person) if same else None


def printout_of(application: Application, version: str = "") -> Printout | None:
    """The form that is asked for: the latest one, that of a lodged version by its number, or `next`.

    None where there is none.
    """
    if application.status == Application.Status.DRAFT:
        return draft(application) if version in ("", NEXT) else None
    entry = filing.entry_of(application)
    if entry is None:
        return None
    return _answer(application) if version == NEXT else _lodged(application, entry, version)


def draft(application: Application) -> Printout:
    """A draft as it would be lodged now."""
    about = circumstances.of(application)
    complete = completeness.check(application, about).complete
    return not_lodged(application, dossier.freeze(application, about), complete=complete)


def not_lodged(application: Application, frozen: Frozen, *, complete: bool) -> Printout:
    """What has just been frozen, marked by whether it is complete."""
    return Printout(
        application=application,
        content=frozen.content,
        photo=frozen.photo,
        digest=frozen.digest,
        mark=Mark.READY if complete else Mark.DRAFT,
    )


def is_outdated(application: Application, digest: str) -> bool:
    """Whether the print in the applicant's hands says something else than the form does now."""
    return bool(application.printed_digest) and application.printed_digest != digest


def _answer(application: Application) -> Printout | None:
    """The form with which the open correction would be answered now: complete in all that it opens."""
    open_one = corrections.of(application)
    if open_one is None:
        return None
    about = corrections.circumstances_of(application, open_one)
    misses = completeness.check(application, about).misses
    complete = not any(open_one.opens(miss.section, miss.field) for miss in misses)
    frozen = dossier.freeze(application, about, answers=open_one.answers)
    return not_lodged(application, frozen, complete=complete)


def _lodged(application: Application, entry: DocketEntry, version: str) -> Printout | None:
    with crossing.inside(entry.agency):
        found = Dossier.objects.filter(case_id=entry.case_id).order_by("-version")
        if version:
            found = found.filter(version=int(version)) if _is_number(version) else found.none()
        kept = found.first()
    if kept is None:
        return None
    return Printout(
        application=application,
        content=kept.content,
        photo=bytes(kept.photo) if kept.photo is not None else None,
        digest=kept.digest,
        mark=Mark.LODGED,
        version=kept.version,
        lodged_on=clock.day_of(kept.lodged_at),
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 5
