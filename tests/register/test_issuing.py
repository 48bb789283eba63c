"""What a grant writes into the register, by kind, at the authority's desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError

from register import clock, issuing, standing
from register.eligibility import decide
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


@pytest.mark.parametrize(
    ("on", "years", "valid_to"),
    [
        ("2026-11-23", 3, "2029-11-22"),
        ("2028-02-29", 3, "2031-02-28"),  # no such date: that month's last day
        ("2027-02-28", 3, "2030-02-27"),
        ("2025-03-01", 3, "2028-02-29"),
        ("2028-03-01", 3, "2031-02-28"),
        ("2027-01-01", 3, "2029-12-31"),
        ("2026-12-31", 3, "2029-12-30"),
        ("2026-08-31", 3, "2029-08-30"),
        ("2026-11-23", 5, "2031-11-22"),
        ("2024-02-29", 5, "2029-02-28"),
        ("2024-02-29", 4, "2028-02-28"),
        ("2023-03-01", 5, "2028-02-29"),
    ],
)
def test_an_initial_registration_lasts_to_the_day_before(
    cast: Cast, on: str, years: int, valid_to: str
) -> None:
    row = grant(
        cast.zhang,
        cast.beijing,
        INITIAL,
        date.fromisoformat(on),
        policy=replace(SEED, validity_years=years),
    )
    assert (row.valid_from, row.valid_to) == (date.fromisoformat(on), date.fromisoformat(valid_to))


@pytest.mark.parametrize(
    ("old", "on", "years", "begins", "ends"),
    [
        (("2024-02-29", "2027-02-28"), "2027-02-01", 3, "2027-03-01", "2030-02-28"),
        (("2025-03-01", "2028-02-29"), "2028-02-29", 3, "2028-03-01", "2031-02-28"),
        (("2025-02-28", "2028-02-27"), "2028-02-01", 3, "2028-02-28", "2031-02-27"),
        (("2024-02-29", "2028-02-28"), "2028-02-01", 3, "2028-02-29", "2031-02-28"),
        (("2024-01-01", "2026-12-31"), "2026-11-23", 3, "2027-01-01", "2029-12-31"),
        (("2024-06-01", "2027-05-31"), "2027-02-28", 3, "2027-06-01", "2030-05-31"),
        (("2024-05-01", "2027-04-30"), "2027-04-30", 5, "2027-05-01", "2032-04-30"),
        (("2024-05-01", "2027-04-30"), "2027-05-01", 3, "2027-05-01", "2030-04-30"),  # decided a day late
        (("2024-05-01", "2027-04-30"), "2027-09-30", 3, "2027-05-01", "2030-04-30"),  # deemed meanwhile
    ],
)
def test_a_renewal_follows_the_old_period_whenever_it_is_decided(
    cast: Cast, old: tuple[str, str], on: str, years: int, begins: str, ends: str
) -> None:
    first, last = map(date.fromisoformat, old)
    factories.registration(cast.zhang, cast.beijing, valid_from=first, valid_to=last)
    rules = replace(SEED, validity_years=years)
    row = grant(cast.zhang, cast.beijing, RENEWAL, date.fromisoformat(on), policy=rules)
    assert (row.valid_from, row.valid_to) == (date.fromisoformat(begins), date.fromisoformat(ends))


def test_renewals_in_a_row_do_not_drift(cast: Cast) -> None:
    grant(cast.zhang, cast.beijing, INITIAL, date(2020, 2, 29))
    for on in (date(2023, 2, 1), date(2026, 2, 28), date(2029, 1, 5), date(2032, 2, 29)):
        grant(cast.zhang, cast.beijing, RENEWAL, on)
    assert [(row.valid_from, row.valid_to) for row in standing.registrations_of(cast.zhang)] == [
        (date(2020, 2, 29), date(2023, 2, 28)),
        (date(2023, 3, 1), date(2026, 2, 28)),
        (date(2026, 3, 1), date(2029, 2, 28)),
        (date(2029, 3, 1), date(2032, 2, 29)),
        (date(2032, 3, 1), date(2035, 2, 28)),
    ]


@pytest.mark.parametrize("on", [date(2024, 5, 1), date(2026, 2, 28), date(2027, 4, 30)])
def test_a_change_keeps_the_expiry_from_the_first_to_the_last_day(cast: Cast, on: date) -> None:
    factories.registration(cast.zhang, cast.beijing, valid_from=date(2024, 5, 1), valid_to=date(2027, 4, 30))
    row = grant(cast.zhang, cast.mohurd, CHANGE, on)
    assert (row.valid_from, row.valid_to) == (on, date(2027, 4, 30))


def test_no_change_while_a_renewal_is_deemed_granted_but_after_its_decision(cast: Cast) -> None:
    factories.registration(cast.zhang, cast.beijing, valid_from=date(2024, 5, 1), valid_to=date(2027, 4, 30))
    line = factories.docket_line(cast.zhang, cast.beijing, kind=RENEWAL, lodged_on=date(2027, 3, 31))
    assert standing.status_of(cast.zhang, date(2027, 5, 10)) is Status.DEEMED_RENEWED
    with pytest.raises(Refusal) as refused:
        grant(cast.zhang, cast.mohurd, CHANGE, date(2027, 5, 10))
    assert refused.value.code == "expired"
    grant(cast.zhang, cast.beijing, RENEWAL, date(2027, 5, 20), case_id=line.case_id)
    changed = grant(cast.zhang, cast.mohurd, CHANGE, date(2027, 6, 1))
    assert (changed.valid_from, changed.valid_to) == (date(2027, 6, 1), date(2030, 4, 30))
    assert list(spans([Period.of(row) for row in standing.registrations_of(cast.zhang)])) == [
        (date(2024, 5, 1), date(2027, 4, 30)),
        (date(2027, 5, 1), date(2027, 5, 31)),
        (date(2027, 6, 1), date(2030, 4, 30)),
    ]


def test_a_re_registration_on_the_day_of_a_cancellation_leaves_no_overlap(cast: Cast) -> None:
    first = grant(cast.zhang, cast.beijing, INITIAL, date(2025, 5, 1))
    with crossing.standing(Desk.AUTHORITY), crossing.atomic():
        issuing.end(registration=first, how=Registration.End.CANCELLED, on=DAY, reason="本人申请")
    again = grant(cast.zhang, cast.mohurd, REREGISTER)
    assert (again.valid_from, again.valid_to) == (DAY, date(2029, 11, 22))
    assert list(spans([Period.of(row) for row in standing.registrations_of(cast.zhang)])) == [
        (date(2025, 5, 1), date(2026, 11, 22)),
        (DAY, date(2029, 11, 22)),
    ]


def test_nobody_is_registered_again_within_the_years_after_a_revocation(cast: Cast) -> None:
    first = grant(cast.zhang, cast.beijing, INITIAL, date(2025, 5, 1))
    with crossing.standing(Desk.AUTHORITY), crossing.atomic():
        issuing.end(registration=first, how=Registration.End.REVOKED, on=DAY, reason="以不正当手段取得")
    with pytest.raises(Refusal) as refused:
        grant(cast.zhang, cast.beijing, REREGISTER, date(2029, 11, 23))
    assert refused.value.code == "restricted"
    assert grant(cast.zhang, cast.beijing, REREGISTER, date(2029, 11, 24)).valid_from == date(2029, 11, 24)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_granted_in_whatever_order_periods_never_overlap(cast: Cast, seed: int) -> None:
    random = Random(seed)
    day = date(2020, 2, 29)
    for _act in range(25):
        stands = standing.standing_of(cast.zhang, day)
        open_kinds = [kind for kind in Kind if decide(stands, kind, day, SEED).allowed]
        if open_kinds:
            row = grant(cast.zhang, cast.beijing, random.choice(open_kinds), day)
            if random.random() < 0.1:
                with crossing.standing(Desk.AUTHORITY), crossing.atomic():
                    issuing.end(registration=row, how=Registration.End.CANCELLED, on=day, reason="申请")
        day += timedelta(days=random.choice([0, 1, 30, 200, 400, 1000]))
    rows = [Period.of(row) for row in standing.registrations_of(cast.zhang)]
    counted = sorted(spans(rows))
    assert len(rows) >= 10
    assert all(ends < begins for (_, ends), (begins, _) in pairwise(counted))


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
