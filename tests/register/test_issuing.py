"""What a grant writes into the register, by kind, at the authority's desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError

from register import clock, issuing, standing
from register.models import Kind, NumberSeries, Person, Registration
from register.policy import SEED, Policy
from register.standing import Period, Status, spans
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import Agency
from tests import factories
from tests.cast import Cast

pytestmark = pytest.mark.django_db

INITIAL, CHANGE, RENEWAL, REREGISTER = Kind
DAY = date(2026, 11, 23)


def grant(person: Person, agency: Agency, kind: Kind, on: date = DAY, **changes: Any) -> Registration:
    values: dict[str, Any] = {
        "case_id": uuid4(),
        "category": "A5",
        "employer_name": "北京示例化工有限公司",
        "employer_code": "91110000MA00000152",
        "policy": SEED,
        **changes,
    }
    with crossing.standing(Desk.AUTHORITY), crossing.atomic():
        return issuing.grant(person=person, agency=agency, kind=kind, on=on, **values)


def test_an_initial_registration(cast: Cast) -> None:
    row = grant(cast.zhang, cast.beijing, INITIAL)
    assert row.number == f"26{cast.beijing.number:03d}000001"
    assert (row.valid_from, row.valid_to) == (DAY, date(2029, 11, 22))
    assert (row.first_registered_on, row.granted_on, row.supersedes) == (DAY, DAY, None)
    assert standing.status_of(cast.zhang, DAY) is Status.VALID


def test_the_validity_is_that_of_the_policy_frozen_at_lodging(cast: Cast) -> None:
    frozen = replace(SEED, validity_years=5).as_dict()
    assert grant(cast.zhang, cast.beijing, INITIAL, policy=frozen).valid_to == date(2031, 11, 22)


def test_numbers_run_per_agency_and_year(cast: Cast) -> None:
    people = [cast.zhang, cast.sun, cast.gu, factories.person("李测")]
    places = [(cast.beijing, DAY), (cast.beijing, DAY), (cast.mohurd, DAY), (cast.beijing, date(2027, 1, 4))]
    rows = [grant(who, agency, INITIAL, on) for who, (agency, on) in zip(people, places, strict=True)]
    beijing, mohurd = f"{cast.beijing.number:03d}", f"{cast.mohurd.number:03d}"
    assert [row.number for row in rows] == [
        f"26{beijing}000001",
        f"26{beijing}000002",
        f"26{mohurd}000001",
        f"27{beijing}000001",
    ]


def test_a_number_that_came_in_with_old_records_is_passed_over(cast: Cast) -> None:
    old = f"26{cast.beijing.number:03d}000001"
    factories.registration(cast.sun, cast.beijing, number=old, valid_from=date(2024, 1, 1))
    assert grant(cast.zhang, cast.beijing, INITIAL).number == f"26{cast.beijing.number:03d}000002"


def test_a_refused_grant_leaves_no_gap(cast: Cast) -> None:
    factories.restriction(cast.sun, since=date(2026, 1, 1), until=date(2027, 1, 1))
    with pytest.raises(Refusal):
        grant(cast.sun, cast.beijing, INITIAL)
    with crossing.standing(Desk.AUTHORITY):
        assert not NumberSeries.objects.exists()


def test_a_change_keeps_number_and_expiry(cast: Cast) -> None:
    first = grant(cast.zhang, cast.beijing, INITIAL, date(2025, 5, 1))
    changed = grant(cast.zhang, cast.mohurd, CHANGE, category="A3", employer_name="示例建工有限公司")
    assert (changed.number, changed.valid_to, changed.supersedes) == (first.number, first.valid_to, first)
    assert (changed.valid_from, changed.category, changed.agency) == (DAY, "A3", cast.mohurd)
    assert changed.first_registered_on == date(2025, 5, 1)


def test_a_renewal_begins_the_day_after_and_keeps_the_number(cast: Cast) -> None:
    first = grant(cast.zhang, cast.beijing, INITIAL, date(2024, 2, 29))
    assert first.valid_to == date(2027, 2, 28)
    renewed = grant(cast.zhang, cast.beijing, RENEWAL, date(2027, 2, 1))
    assert (renewed.valid_from, renewed.valid_to) == (date(2027, 3, 1), date(2030, 2, 28))
    assert (renewed.number, renewed.supersedes) == (first.number, first)


def test_a_renewal_granted_after_the_expiry_leaves_no_gap(cast: Cast) -> None:
    first = grant(cast.zhang, cast.beijing, INITIAL, date(2023, 11, 20))
    renewed = grant(cast.zhang, cast.beijing, RENEWAL)
    assert (first.valid_to, renewed.valid_from) == (date(2026, 11, 19), date(2026, 11, 20))


def test_a_re_registration_begins_anew_and_remembers_the_first(cast: Cast) -> None:
    first = grant(cast.zhang, cast.beijing, INITIAL, date(2020, 5, 1))
    again = grant(cast.zhang, cast.beijing, REREGISTER)
    assert again.number != first.number
    assert (again.valid_from, again.first_registered_on, again.supersedes) == (DAY, date(2020, 5, 1), None)


def test_personal_data_become_those_last_granted(cast: Cast) -> None:
    photo = factories.photo(cast.zhang)
    personal = {"mobile": "13800005678", "education": "21", "name": "别人", "id_mask": "x", "person": "y"}
    grant(cast.zhang, cast.beijing, INITIAL, personal=personal, photo=photo.sha256)
    cast.zhang.refresh_from_db()
    assert cast.zhang.personal == {"mobile": "13800005678", "education": "21"}
    assert (cast.zhang.photo, cast.zhang.name) == (photo, "张测")


@pytest.mark.parametrize(
    ("kind", "on", "code"),
    [
        (INITIAL, DAY, "registered_before"),
        (CHANGE, date(2028, 5, 1), "expired"),
        (REREGISTER, DAY, "still_valid"),
    ],
)
def test_a_bar_that_came_up_since_lodging_refuses(cast: Cast, kind: Kind, on: date, code: str) -> None:
    grant(cast.zhang, cast.beijing, INITIAL, date(2025, 5, 1))
    with pytest.raises(Refusal) as refused:
        grant(cast.zhang, cast.beijing, kind, on)
    assert refused.value.code == code


def test_one_case_grants_once(cast: Cast) -> None:
    row = grant(cast.zhang, cast.beijing, INITIAL)
    with pytest.raises(Refusal) as refused:
        grant(cast.zhang, cast.beijing, INITIAL, case_id=row.case_id)
    assert refused.value.code == "granted_before"


def test_a_grant_to_a_merged_record_goes_to_the_living_one(cast: Cast) -> None:
    old = factories.person("张测", merged_into=cast.zhang)
    assert grant(old, cast.beijing, INITIAL).person == cast.zhang


def test_cancelling_ends_the_period_in_force_and_the_one_to_come(cast: Cast) -> None:
    grant(cast.zhang, cast.beijing, INITIAL, date(2024, 2, 1))
    renewed = grant(cast.zhang, cast.beijing, RENEWAL)
    with crossing.standing(Desk.AUTHORITY), crossing.atomic():
        ended = issuing.end(registration=renewed, how=Registration.End.CANCELLED, on=DAY, reason="本人申请")
    assert len(ended) == 2
    assert standing.status_of(cast.zhang, DAY) is Status.CANCELLED
    assert standing.status_of(cast.zhang, date(2028, 1, 1)) is Status.CANCELLED
    with pytest.raises(Refusal), crossing.standing(Desk.AUTHORITY), crossing.atomic():
        issuing.end(registration=renewed, how=Registration.End.REVOKED, on=DAY, reason="再次")


def test_a_long_life_never_overlaps(cast: Cast) -> None:
    """Initial, change, renewal in time, change before it begins, renewal too late to be in time."""
    acts = [
        (INITIAL, date(2020, 2, 29)),
        (CHANGE, date(2021, 6, 1)),
        (RENEWAL, date(2023, 1, 10)),
        (CHANGE, date(2023, 2, 1)),
        (RENEWAL, date(2026, 3, 15)),
    ]
    rows = [grant(cast.zhang, cast.beijing, kind, on) for kind, on in acts]
    assert list(spans([Period.of(row) for row in standing.registrations_of(cast.zhang)])) == [
        (date(2020, 2, 29), date(2021, 5, 31)),
        (date(2021, 6, 1), date(2023, 1, 31)),
        (date(2023, 2, 1), date(2026, 2, 28)),
        (date(2026, 3, 1), date(2029, 2, 28)),
    ]
    assert len({row.number for row in rows}) == 1


def test_a_batch_of_grants(cast: Cast) -> None:
    people = [factories.person(f"某测{n}") for n in range(50)]
    with crossing.standing(Desk.AUTHORITY), crossing.atomic():
        for person in people:
            issuing.grant(
                case_id=uuid4(),
                person=person,
                kind=INITIAL,
                category="A5",
                agency=cast.beijing,
                employer_name="示例",
                employer_code="",
                policy=Policy(),
                on=DAY,
            )
    numbers = set(Registration.objects.values_list("number", flat=True))
    assert numbers == {f"26{cast.beijing.number:03d}{n:06d}" for n in range(1, 51)}


def test_agencies_cannot_grant(cast: Cast) -> None:
    with pytest.raises(DatabaseError), crossing.standing(Desk.AGENCY, cast.beijing), crossing.atomic():
        factories.docket_line(cast.zhang, cast.beijing)
        issuing.grant(
            case_id=uuid4(),
            person=cast.zhang,
            kind=INITIAL,
            category="A5",
            agency=cast.beijing,
            employer_name="示例",
            employer_code="",
            policy=SEED,
            on=clock.today() - timedelta(days=1),
        )
