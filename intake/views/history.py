"""历史记录: every application lodged and every registration granted, in one list by time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from intake import filing, progress, signin
from intake.models import Application
from intake.progress import Display
from intake.views.found import Text, private
from register import certificates, codes, people
from register.models import Certificate, DocketEntry, Kind, Person, Registration
from review.documents import endings, letters
from review.states import State
from tenants.guards import ApplicantRequest, applicant_required
from tenants.models import AUTHORITY_CODE, Agency

OLDEST, NEWEST = "", "newest"
REGISTERED: Final = Display(word=_("已登记"), tone="green", shape="filled", icon="seal")
ENDED: Final[dict[str, Text]] = {
    Registration.End.CANCELLED.value: _("已注销"),
    Registration.End.REVOKED.value: _("已撤销"),
    Registration.End.WITHDRAWN.value: _("已吊销"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the history: an application with what came of it, or a registration of earlier times."""

    on: date
    kind: Text
    display: Display
    category: str
    employer: str
    agency: Text
    entry: DocketEntry | None = None
    application: Application | None = None
    registration: Registration | None = None
    certificate: Certificate | None = None

    @property
    def ended(self) -> Text:
        """How the registration came to an end before its time."""
        return ENDED.get(self.registration.ended_how, "") if self.registration else ""


@applicant_required
@require_safe
def history(request: ApplicantRequest) -> HttpResponse:
    """历史记录, oldest first; `?order=newest` turns it round."""
    order = NEWEST if request.GET.get("order") == NEWEST else OLDEST
    records = records_of(signin.person_of(request))
    url = reverse("history")
    context = {
        "records": records[::-1] if order == NEWEST else records,
        "orders": [
            {"label": _("从早到晚"), "url": url, "current": order == OLDEST},
            {"label": _("从晚到早"), "url": f"{url}?order={NEWEST}", "current": order == NEWEST},
        ],
    }
    return private(render(request, "intake/history.html", context))


@applicant_required
@require_safe
def decision(request: ApplicantRequest, registration_id: UUID) -> HttpResponse:
    """The decision by which an own registration ended (注销、撤销、吊销决定书), as a PDF."""
    person = signin.person_of(request)
    row = get_object_or_404(endings.decided().filter(people.rows_of(person)), pk=registration_id)
    letter = endings.letter_of(row, person, Agency.objects.get(code=AUTHORITY_CODE))
    answer = HttpResponse(letters.letter_pdf(letter), content_type="application/pdf")
    answer["Content-Disposition"] = 'inline; filename="decision.pdf"'
    return private(answer)


def records_of(person: Person) -> list[Record]:
    """Everything lodged by and granted to a person, also under records merged into this one, oldest first.

    Four queries, however many there are. Drafts, given up or not, are no part of it.
    """
    mine_lodged = filing.applications_of(person).filter(status=Application.Status.LODGED)
    # Of one day, what was lodged first comes first.
    lodged = list(mine_lodged.order_by("lodged_at"))
    mine = people.rows_of(person)
    lines = {line.case_id: line for line in DocketEntry.objects.filter(mine).select_related("agency")}
    granted = list(Registration.objects.filter(mine).select_related("agency"))
    by_case = {row.case_id: row for row in granted if row.case_id}
    stored = certificates.in_use_of(granted)
    records = [
        _of_application(one, lines[one.pk], by_case.pop(one.pk, None)) for one in lodged if one.pk in lines
    ]
    records += [_of_registration(row) for row in granted if not row.case_id or row.case_id in by_case]
    records = [
        replace(one, certificate=stored.get(one.registration.pk)) if one.registration else one
        for one in records
    ]
    return sorted(records, key=_by_time)


def _by_time(record: Record) -> tuple[date, date]:
    """The day of registration; an application without one stands on the day it was lodged."""
    begins = record.registration.valid_from if record.registration else record.on
    return (record.on, begins)


def _of_application(application: Application, entry: DocketEntry, granted: Registration | None) -> Record:
    return Record(
        on=granted.granted_on if granted else entry.lodged_on,
        kind=application.get_kind_display(),
        display=progress.display_of(State(entry.state)),
        category=codes.label("category", entry.category) if entry.category else "",
        employer=entry.employer_name,
        agency=entry.agency.name,
        entry=entry,
        application=application,
        registration=granted,
    )


def _of_registration(row: Registration) -> Record:
    """A registration from before this system, or without an application of this person."""
    return Record(
        on=row.granted_on,
        kind=Kind(row.kind).label,
        display=REGISTERED,
        category=codes.label("category", row.category) if row.category else "",
        employer=row.employer_name,
        agency=row.agency.name if row.agency else "",
        registration=row,
    )
