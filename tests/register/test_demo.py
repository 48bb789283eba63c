"""The demonstration's data: valid in form, fictional in content, the same every time."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from register import announcing, clock, demo, documents, eligibility, names, people
from register.models import BatchLine, Kind, Person, Qualification, Registration
from register.standing import Status, status_of
from tenants import roles
from tenants.crossing import Desk, standing
from tenants.models import Agency, User

AGENCIES = (("beijing", 1), ("mohurd", 33), ("sinopec", 52))


@pytest.mark.parametrize("person", demo.DEMO_APPLICANTS, ids=lambda person: person.name)
def test_people_with_a_part_carry_well_formed_names_and_numbers(person: demo.DemoPerson) -> None:
    assert documents.check(person.document_type, person.number) == person.number
    assert names.check(person.name) == person.name


@pytest.mark.parametrize("on", [date(2026, 11, 23), date(2027, 1, 2), date(2028, 2, 29)])
def test_three_thousand_people_nobody_twice(on: date) -> None:
    made = demo.rosters(on, AGENCIES)
    rows = [dict(zip(demo.ROSTER_COLUMNS, row, strict=True)) for row in made.qualifications]
    assert (len(rows), len(made.registrations)) == (demo.PEOPLE, demo.REGISTRATIONS)
    for column in ("姓名", "证件号码", "资格证书编号"):
        assert len({row[column] for row in rows}) == demo.PEOPLE
    assert {row["证件号码"][2:6] for row in rows if row["证件类型"] == "01"} == {"0000"}
    assert max(row["发证日期"] for row in rows) <= on.isoformat()
    assert sum(bool(row["备注"]) for row in rows) == demo.FIRST_TIMERS
    assert demo.rosters(on, AGENCIES) == made


@pytest.fixture
def small_demo(db: None, settings: Settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    call_command("demo_data", "--people", "120", "--registrations", "40")
    return tmp_path / "demo"


def test_the_demonstration_is_filled_through_the_import_and_only_once(small_demo: Path) -> None:
    assert {file.name for file in small_demo.iterdir()} == {"roster.csv", "registrations.xlsx"}
    counts = (Person.objects.count(), Qualification.objects.count(), Registration.objects.count())
    assert counts == (120, 120, 40)
    call_command("demo_data", "--people", "120", "--registrations", "40")
    assert Person.objects.count() == 120
    assert User.objects.filter(username="li.beijing").count() == 1


def test_everybody_with_a_part_stands_where_the_part_needs(small_demo: Path) -> None:
    expected = {
        "": Status.UNREGISTERED,
        "valid": Status.VALID,
        "expiring": Status.RENEWAL_DUE,
        "expired": Status.EXPIRED,
        "cancelled": Status.CANCELLED,
    }
    kinds = {
        "": Kind.INITIAL,
        "valid": Kind.CHANGE,
        "expiring": Kind.RENEWAL,
        "expired": Kind.REREGISTRATION,
        "cancelled": Kind.REREGISTRATION,
    }
    for part in demo.DEMO_APPLICANTS:
        with standing(Desk.APPLICANT):
            person = people.find(part.document_type, part.number)
        assert person is not None
        assert person.name == part.name
        assert status_of(person) is expected[part.standing]
        answer = eligibility.may_apply(person, kinds[part.standing])
        assert (answer.allowed, answer.late) == (True, False)
        exam = Qualification.objects.get(certificate_number=part.certificate_number)
        assert exam.exam_year == demo.exam_year_of(part, clock.today())


def test_who_was_registered_in_past_quarters_is_announced_once(small_demo: Path) -> None:
    with standing(Desk.APPLICANT):
        batches = list(announcing.published())
        lines = list(BatchLine.objects.select_related("batch"))
    assert batches == sorted(batches, key=lambda batch: batch.number, reverse=True)
    assert len({line.number for line in lines}) == len(lines) > 20
    assert all(line.batch.published_on and line.batch.published_on <= clock.today() for line in lines)
    with standing(Desk.AUTHORITY):
        assert demo.announce(clock.today()) == 0


def test_agencies_get_contacts_and_staff(small_demo: Path) -> None:
    beijing = Agency.objects.get(code="beijing")
    assert beijing.phone == f"010-0000-{beijing.number:04d}"
    assert roles.roles_of(User.objects.get(username="li.beijing"), beijing) == {"reviewer"}
    authority = Agency.objects.get(code="authority")
    assert roles.roles_of(User.objects.get(username="zhao.authority"), authority) == {"final_reviewer"}
    assert User.objects.get(username="zhao.authority").check_password(demo.PASSWORD)


def test_a_production_system_takes_no_demonstration(db: None, settings: Settings) -> None:
    settings.DEMO = settings.TESTING = False
    with pytest.raises(CommandError):
        call_command("demo_data")
