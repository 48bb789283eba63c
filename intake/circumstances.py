"""What is known about an application beside what the applicant typed: loaded once per request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from intake.models import Application
from register import clock, policy, standing
from register.models import Kind, Person, Qualification, Registration
from register.policy import Policy
from tenants.models import Agency

CHANNELS: Final[dict[str, Agency.Kind]] = {
    "1": Agency.Kind.PROVINCIAL,
    "2": Agency.Kind.MINISTRY,
    "3": Agency.Kind.ENTERPRISE,
}
CHANNEL_OF: Final[dict[str, str]] = {kind: code for code, kind in CHANNELS.items()}
# Change and renewal go to the agency that holds the registration; the others choose one.
CHOOSES_AGENCY: Final = frozenset({Kind.INITIAL, Kind.REREGISTRATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Person, kind and the law of the day, as the forms and the checks before lodging need them."""

    person: Person
    # By the register, else as typed where the document does not tell it.
    birth_date: date | None
    kind: Kind
    late: bool
    agency: Agency | None
    policy: Policy
    today: date
    qualification: Qualification | None
    # The registration that counts today, whether in force or over.
    registration: Registration | None

    @property
    def hours_count(self) -> bool:
        """Whether continuing-education hours are asked for (Order 11 art. 23)."""
        return hours_count(self.kind, late=self.late)

    @property
    def channel(self) -> str:
        return CHANNEL_OF.get(self.agency.kind, "") if self.agency else ""


def hours_count(kind: str, *, late: bool) -> bool:
    """Whether continuing-education hours are asked for in an application of this kind."""
    return kind == Kind.RENEWAL or (kind == Kind.INITIAL and late)


def of(application: Application, *, under: Policy | None = None) -> Circumstances:
    """The circumstances of an application loaded with its person and agency.

    `under` is the policy frozen with a lodged case; a draft stands under the policy of the day.
    """
    kind = Kind(application.kind)
    person = application.person
    typed = (application.sections.get("personal") or {}).get("birth_date")
    return Circumstances(
        person=person,
        birth_date=person.birth_date or (date.fromisoformat(typed) if typed else None),
        kind=kind,
        late=application.late,
        agency=application.agency,
        policy=under or policy.current(),
        today=clock.today(),
        qualification=qualification_of(person),
        registration=standing.registration_of(person) if kind != Kind.INITIAL else None,
    )


def qualification_of(person: Person) -> Qualification | None:
    """The person's newest certificate in the roster."""
    return person.qualifications.order_by("-issued_on", "certificate_number").first()
