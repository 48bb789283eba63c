"""What is known about an application beside what the applicant typed: loaded once per request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from intake.models import Application
from register import clock, people, policy, standing
from register.materials import hours_count
from register.models import Kind, Person, Qualification, Registration, TrainingHours
from register.policy import Policy
from tenants.models import Agency

CHANNELS: Final[dict[str, Agency.Kind]] = {
    "1": Agency.Kind.PROVINCIAL,
    "2": Agency.Kind.MINISTRY,
    "3": Agency.Kind.ENTERPRISE,
}
# The section of continuing education, by its name in `intake.flows`.
EDUCATION: Final = "education"
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
    # The first day of its period: a change carries the period on and does not begin another one.
    period_began: date | None = None
    # Continuing education that agencies have entered for this person.
    training: tuple[TrainingHours, ...] = ()

    @property
    def hours_count(self) -> bool:
        """Whether continuing-education hours are asked for (Order 11 art. 23)."""
        return hours_count(self.kind, late=self.late, rules=self.policy)

    @property
    def channel(self) -> str:
        return CHANNEL_OF.get(self.agency.kind, "") if self.agency else ""


def of(
    application: Application,
    *,
    under: Policy | None = None,
    opened: frozenset[str] = frozenset(),
    agency: Agency | None = None,
) -> Circumstances:
    """The circumstances of an application loaded with its person and agency.

    A lodged case may have been handed over: `agency` is the one that has it now.

    `under` is the policy frozen with a lodged case; a draft stands under the policy of the day. `opened` are
    the sections that a correction opens: in the others it stays as it was lodged what agencies had entered.
    """
    kind, person, today = Kind(application.kind), application.person, clock.today()
    rules = under or policy.current()
    typed = (application.sections.get("personal") or {}).get("birth_date")
    periods = standing.registrations_of(person) if kind != Kind.INITIAL else []
    counting = standing.counting(periods, today)
    asked = hours_count(kind, late=application.late, rules=rules)
    return Circumstances(
        person=person,
        birth_date=person.birth_date or (date.fromisoformat(typed) if typed else None),
        kind=kind,
        late=application.late,
        agency=agency or application.agency,
        policy=rules,
        today=today,
        qualification=_certificate_of(application),
        registration=counting,
        period_began=period_began(periods, counting),
        training=_training(application, opened) if asked else (),
    )


def _training(application: Application, opened: frozenset[str]) -> tuple[TrainingHours, ...]:
    """What agencies have entered for the person; for a lodged application what they had by then."""
    entered = TrainingHours.objects.filter(people.rows_of(application.person))
    if application.lodged_at is not None and EDUCATION not in opened:
        entered = entered.filter(imported_at__lte=application.lodged_at)
    return tuple(entered)


def period_began(periods: list[Registration], counting: Registration | None) -> date | None:
    """The first day of the period that counts, before all changes within it."""
    if counting is None:
        return None
    until = periods[: periods.index(counting) + 1]
    granted = [row for row in until if row.kind != Kind.CHANGE]
    return granted[-1].valid_from if granted else counting.valid_from


# --- The certificate -------------------------------------------------------------------------------

CERTIFICATE: Final = (
    "id",
    "person_id",
    "certificate_number",
    "management_number",
    "exam_year",
    "issued_on",
    "issuer",
    "category",
    "level",
)


def qualification_of(person: Person) -> Qualification | None:
    """The person's newest certificate in the roster."""
    return _newest(Qualification.objects.filter(people.rows_of(person))).first()


def with_certificate(applications: QuerySet[Application]) -> QuerySet[Application]:
    """Applications that bring their person's newest certificate along: no page has to ask for it again."""
    held = Qualification.objects.filter(
        Q(person=OuterRef("person")) | Q(person__merged_into=OuterRef("person"))
    )
    row = JSONObject(**{name: name for name in CERTIFICATE})
    return applications.annotate(certificate=Subquery(_newest(held).values(row=row)[:1]))


def _newest(certificates: QuerySet[Qualification]) -> QuerySet[Qualification]:
    return certificates.order_by("-issued_on", "certificate_number")


def _certificate_of(application: Application) -> Qualification | None:
    """The certificate the application brings along, else the person's newest one."""
    if not hasattr(application, "certificate"):
        return qualification_of(application.person)
    row: dict[str, Any] | None = application.certificate
    if row is None:
        return None
    return Qualification(**{**row, "id": UUID(row["id"]), "issued_on": date.fromisoformat(row["issued_on"])})
