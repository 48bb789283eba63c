"""The same few people in every test: applicants by family name, staff by family name and duty.

The fixtures are offered to all tests by `tests/conftest.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission
from django.utils import timezone
from pytest_django import Settings

from register.models import Person, Qualification
from review.workflow import Actor
from tenants import crossing, second_factor
from tenants.crossing import Desk
from tenants.models import Agency, AgencyUserObjectPermission, Authenticator, User
from tests import factories

# What everybody of the staff signs in with; applicants have no password before they set one.
PASSWORD: Final = "Synthetic-pass-1"
# The key of everybody's authenticator app.
APP_KEY: Final = b"synthetic-app-key-01"


@dataclass(frozen=True, slots=True)
class Applicant:
    """A person of the roster as the exam centre knows them."""

    name: str
    number: str
    certificate: str
    # Well inside the initial window, whatever today is.
    exam_year: int = date.today().year - 2  # noqa: DTZ011 - the tests' own calendar
    issued_on: date = date(date.today().year - 1, 2, 10)  # noqa: DTZ011


@dataclass(frozen=True, slots=True)
class Officer:
    """A staff account: name, where, and in which role."""

    name: str
    agency: str
    role: str


APPLICANTS: Final = {
    "zhang": Applicant("张测", "11000019900101003X", "CS00000101"),
    "sun": Applicant("孙测", "110000199103050024", "CS00000102"),
    "gu": Applicant("古丽·测试", "110000198807070045", "CS00000103"),
}
STAFF: Final = {
    "li": Officer("李初审", "beijing", "reviewer"),
    "liu": Officer("刘初审", "beijing", "reviewer"),
    "wang": Officer("王复核", "beijing", "supervisor"),
    "chen": Officer("陈管理", "beijing", "manager"),
    "xu": Officer("徐审计", "beijing", "auditor"),
    "he": Officer("何初审", "mohurd", "reviewer"),
    "lin": Officer("林复核", "mohurd", "supervisor"),
    "ma": Officer("马初审", "sinopec", "reviewer"),
    "zhao": Officer("赵终审", "authority", "final_reviewer"),
    "qian": Officer("钱签批", "authority", "signing_officer"),
    "zhou": Officer("周登记", "authority", "registrar"),
    "feng": Officer("冯管理", "authority", "administrator"),
    "wei": Officer("卫审计", "authority", "authority_auditor"),
}


@dataclass
class Cast:
    """Who is there in a test, and the agencies they belong to."""

    agencies: dict[str, Agency]
    people: dict[str, Person]
    users: dict[str, User]
    qualifications: dict[str, Qualification] = field(default_factory=dict)

    @property
    def beijing(self) -> Agency:
        return self.agencies["beijing"]

    @property
    def mohurd(self) -> Agency:
        return self.agencies["mohurd"]

    @property
    def sinopec(self) -> Agency:
        return self.agencies["sinopec"]

    @property
    def authority(self) -> Agency:
        return self.agencies["authority"]

    @property
    def zhang(self) -> Person:
        return self.people["zhang"]

    @property
    def sun(self) -> Person:
        return self.people["sun"]

    @property
    def gu(self) -> Person:
        return self.people["gu"]

    def user(self, name: str) -> User:
        """The account of somebody of the staff."""
        return self.users[name]

    def actor(self, name: str, *roles: str) -> Actor:
        """Somebody of the staff about to act; other roles than their own when given."""
        officer = STAFF[name]
        held = frozenset(roles or (officer.role,))
        return Actor.staff(self.users[name], agency=self.agencies[officer.agency], held=held)

    @staticmethod
    def actor_of(person: Person) -> Actor:
        """An applicant about to act."""
        return Actor.applicant(user_id=person.user_id, person_id=person.pk, name=person.name)

    @staticmethod
    @contextmanager
    def at_applicants_desk(person: Person) -> Iterator[None]:
        """Stand at the applicant's desk, signed in as this person."""
        with crossing.standing(Desk.APPLICANT), crossing.acting_as(person.pk):
            yield


@pytest.fixture
def cast(db: None) -> Cast:
    """The people of the play, all of them in the database."""
    return raised()


def raised() -> Cast:
    """The same people, for whoever brings a database of their own."""
    agencies = {agency.code: agency for agency in Agency.objects.all()}
    people = {key: factories.person(each.name, each.number) for key, each in APPLICANTS.items()}
    qualifications = {
        key: factories.qualification(
            people[key],
            certificate_number=each.certificate,
            exam_year=each.exam_year,
            issued_on=each.issued_on,
        )
        for key, each in APPLICANTS.items()
    }
    return Cast(agencies, people, staff_of(agencies), qualifications)


@pytest.fixture
def shifted_clock(settings: Settings, tmp_path: Path) -> None:
    """A clock that `clock.shift` and `clock.travel_to` may move; it stands right again afterwards."""
    settings.CLOCK_SHIFT_FILE = str(tmp_path / "clock-shift")


def staff_of(agencies: dict[str, Agency]) -> dict[str, User]:
    """Accounts of all the staff, with their roles, as they are in every test."""
    secret = make_password(PASSWORD)
    accounts = [
        User(
            username=f"{key}.{officer.agency}",
            name=officer.name,
            kind=User.Kind.STAFF,
            password=secret,
            password_set_at=timezone.now(),
            second_factor_mark=f"first app of {key}",
            home=agencies[officer.agency],
        )
        for key, officer in STAFF.items()
    ]
    users = dict(zip(STAFF, User.objects.bulk_create(accounts), strict=True))
    sealed = Authenticator.sealed(APP_KEY)
    Authenticator.objects.bulk_create(
        Authenticator(user=user, name=second_factor.APP_NAME, key=sealed) for user in users.values()
    )
    permissions = {row.codename: row for row in Permission.objects.filter(content_type__app_label="tenants")}
    AgencyUserObjectPermission.objects.bulk_create(
        AgencyUserObjectPermission(
            user=users[key], content_object=agencies[officer.agency], permission=permissions[officer.role]
        )
        for key, officer in STAFF.items()
    )
    return users
