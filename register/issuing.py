"""Granting and ending registrations: the only writer of the register.

Called in the caller's transaction, by the authority's desk. A granted row is never rewritten; what a
later one supersedes follows from the order in which they were granted (`register.standing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext_lazy as _

from register import clock, people
from register.clock import ONE_DAY
from register.eligibility import bar_to_grant
from register.models import Kind, Person, Photo, Registration
from register.policy import Policy
from register.standing import Status, registrations_of, standing_of
from tenants.errors import Refusal
from tenants.models import Agency, User

# Of the form's personal data, what the register keeps elsewhere or not at all.
NOT_KEPT: Final = frozenset(
    {"person", "name", "sex", "birth_date", "id_type", "id_number", "id_mask", "id_digest", "photo"}
)
DRAW_SERIAL: Final = """
    INSERT INTO public.register_numberseries AS series (agency_id, year, last) VALUES (%s, %s, 1)
    ON CONFLICT (agency_id, year) DO UPDATE SET last = series.last + 1 RETURNING last
"""


def grant(
    *,
    case_id: UUID,
    person: Person,
    kind: Kind | str,
    category: str,
    agency: Agency,
    employer_name: str,
    employer_code: str,
    policy: Policy | Mapping[str, Any],
    on: date | None = None,
    personal: Mapping[str, Any] | None = None,
    photo: Photo | str | None = None,
) -> Registration:
    """Write the registration that a decision grants, by the policy frozen when the application was lodged.

    An initial and a re-registration begin on the day and bring a new number; a renewal begins the day
    after the expiry and keeps the number; a change begins on the day and keeps number and expiry.
    `personal` and `photo` (or its SHA-256) become the person's data as last granted.

    Raises Refusal when something has come up since lodging: a restriction, a registration granted, ended
    or expired meanwhile, or the same case granted before.
    """
    kind, day = Kind(kind), on or clock.today()
    rules = policy if isinstance(policy, Policy) else Policy.from_dict(policy)
    person = _locked(person)
    earlier = registrations_of(person)
    if any(row.case_id == case_id for row in earlier):
        raise Refusal(_("该申请已经准予注册。"), "granted_before")
    bar = bar_to_grant(standing_of(person, day, besides=case_id, registrations=earlier), kind, day, rules)
    if bar:
        raise Refusal(bar.reason, bar.code)
    row = Registration(
        case_id=case_id,
        person=person,
        kind=kind,
        category=category,
        agency=agency,
        employer_name=employer_name,
        employer_code=employer_code,
        granted_on=day,
        **_terms(kind, day, rules, agency, earlier),
    )
    row.save(force_insert=True)
    _keep_personal(person, personal, photo)
    return row


def end(
    *,
    registration: Registration,
    how: Registration.End,
    on: date,
    reason: str,
    ground: str = "",
    by: User | None = None,
) -> list[Registration]:
    """Cancel, revoke or withdraw a registration: the period in force and any not begun yet.

    A period that is over goes on while its renewal, lodged in time, is not decided; it ends then as one in
    force does (Order 11 art. 13). Returns the rows it ended. Raises Refusal when the registration is over
    already.
    """
    person = _locked(registration.person)
    granted = registrations_of(person)
    rows = [row for row in granted if row.valid_to >= on and not row.ended_how]
    if not rows and _deemed_renewed(person, granted, on):
        rows = granted[-1:]
    if not any(row.number == registration.number for row in rows):
        raise Refusal(_("该注册已经失效，不能再次办理。"), "ended_before")
    for row in rows:
        row.ended_how, row.ended_on, row.end_reason = how, on, reason
        row.end_ground, row.ended_by = ground, by
        row.save(update_fields=["ended_how", "ended_on", "end_reason", "end_ground", "ended_by"])
    return rows


def _deemed_renewed(person: Person, granted: list[Registration], on: date) -> bool:
    # How early a renewal may be asked for plays no part once the period is over.
    return standing_of(person, on, registrations=granted).status(on, 0) is Status.DEEMED_RENEWED


def _terms(
    kind: Kind, day: date, rules: Policy, agency: Agency, earlier: list[Registration]
) -> dict[str, Any]:
    """Number, validity, first day and what it follows, by kind."""
    if kind in (Kind.INITIAL, Kind.REREGISTRATION):
        return {
            "number": draw_number(agency, rules, day),
            "valid_from": day,
            "valid_to": clock.validity_end(day, rules.validity_years),
            "first_registered_on": min((row.first_registered_on for row in earlier), default=day),
            "supersedes": None,
        }
    last = earlier[-1]
    begins = day if kind is Kind.CHANGE else last.valid_to + ONE_DAY
    renewed = clock.validity_end(begins, rules.validity_years)
    return {
        "number": last.number,
        "valid_from": begins,
        "valid_to": last.valid_to if kind is Kind.CHANGE else renewed,
        "first_registered_on": last.first_registered_on,
        "supersedes": last,
    }


def draw_number(agency: Agency, rules: Policy, day: date) -> str:
    """The next certificate number of an agency and year. The series stays locked until the transaction ends.

    Numbers that came in with old records are passed over.
    """
    while True:
        with connection.cursor() as cursor:
            cursor.execute(DRAW_SERIAL, [agency.pk, day.year])
            (serial,) = cursor.fetchone()
        number = rules.certificate_number_pattern.format(
            year=day.year % 100, agency=agency.number, serial=serial
        )
        if not Registration.objects.filter(number=number).exists():
            return number


def _locked(person: Person) -> Person:
    key = people.living(person).pk
    return Person.objects.select_for_update(of=("self",)).get(pk=key)


def _keep_personal(person: Person, personal: Mapping[str, Any] | None, photo: Photo | str | None) -> None:
    if personal is not None:
        person.personal = {key: value for key, value in personal.items() if key not in NOT_KEPT}
    if photo:
        found = photo if isinstance(photo, Photo) else person.photos.filter(sha256=photo).first()
        person.photo = found or person.photo
    person.save(update_fields=["personal", "photo"])
