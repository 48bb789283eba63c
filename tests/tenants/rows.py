"""Bare rows for tests of the walls: no rules of the domain, only something that could leak."""

from __future__ import annotations

import uuid
from datetime import date

from django.utils import timezone

from register.models import DocketEntry, Person, Registration
from review.models import Case, Dispatch
from tenants.crossing import Desk, inside, standing
from tenants.crypto import keyed_digest
from tenants.models import Agency, User

TODAY = date(2026, 11, 23)


def person(name: str) -> Person:
    with standing(Desk.OWNER):
        return Person.objects.create(
            user=User.objects.create_applicant(name=name),
            name=name,
            document_type="01",
            document_mask="110105********0000",
            document_digest=keyed_digest(name),
            document_cipher=b"sealed",
        )


def docket_line(of: Person, agency: Agency, *, open: bool = True) -> DocketEntry:
    with standing(Desk.OWNER):
        return DocketEntry.objects.create(
            case_id=uuid.uuid4(),
            reference=uuid.uuid4().hex[:16],
            person=of,
            agency=agency,
            kind="initial",
            applicant_name=of.name,
            employer_name="示例公司",
            state="submitted" if open else "withdrawn",
            open=open,
            lodged_on=TODAY,
            chain_length=1,
            chain_head="0" * 64,
            updated_at=timezone.now(),
        )


def case(of: Person, agency: Agency) -> Case:
    with standing(Desk.OWNER), inside(agency):
        return Case.objects.create(
            id=uuid.uuid4(),
            reference=uuid.uuid4().hex[:16],
            kind="initial",
            state="submitted",
            state_since=timezone.now(),
            person=of,
            applicant_name=of.name,
            document_mask=of.document_mask,
            document_digest=of.document_digest,
            employer_name="示例公司",
            employer_code="91110000MA00000152",
            policy={},
            lodged_at=timezone.now(),
        )


def registration(of: Person, agency: Agency | None, *, number: str = "26001000001") -> Registration:
    with standing(Desk.OWNER):
        return Registration.objects.create(
            person=of,
            number=number,
            kind="initial",
            category="A5",
            agency=agency,
            employer_name="示例公司",
            first_registered_on=date(2026, 1, 5),
            valid_from=date(2026, 1, 5),
            valid_to=date(2029, 1, 4),
            granted_on=date(2026, 1, 5),
        )


def dispatch(agency: Agency, number: int) -> Dispatch:
    """A row of an agency's schema that names its agency; stand inside it."""
    return Dispatch(
        number=f"{agency.code}-{number}", sent_by_id=0, sent_by_name=agency.code, sent_at=timezone.now()
    )
