"""The record of looks at full document numbers."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from tenants import crossing
from tenants.models import AUTHORITY_CODE, AccessRecord, Agency, User


def record_look(*, by: User, person_id: UUID, reason: str, case_id: UUID | None = None) -> AccessRecord:
    """Note that an officer looked at a person's full number; written before the number is shown."""
    place = crossing.here()
    code = place.agency or (AUTHORITY_CODE if place.desk is crossing.Desk.AUTHORITY else "")
    agency = Agency.objects.filter(code=code).first() if code else None
    return AccessRecord.objects.create(
        user=by, agency=agency, person_id=person_id, case_id=case_id, reason=reason
    )


def looks_at(
    seen: Mapping[UUID, UUID | None], *, by: User, agency: Agency, reason: str
) -> list[AccessRecord]:
    """The records of a look at many people at once, each with the case that led to it, if one; not stored."""
    return [
        AccessRecord(user=by, agency=agency, person_id=person, case_id=case, reason=reason)
        for person, case in seen.items()
    ]
