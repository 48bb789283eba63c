"""Public verification: the state of today, and nothing for whoever does not know both name and number."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from register import clock, lookup, policy
from register.models import Kind, Person, Policy, Registration
from register.standing import Status
from tenants import crossing
from tenants.crossing import Desk
from tests import factories
from tests.cast import Cast

pytestmark = pytest.mark.django_db

NUMBER = "26001000001"
DAY = timedelta(days=1)


def found(name: str = "张测", number: str = NUMBER) -> lookup.Card | None:
    with crossing.standing(Desk.APPLICANT):
        return lookup.find(name=name, number=number)


def status() -> Status | None:
    card = found()
    return card.status if card else None


def registered(cast: Cast, **fields: object) -> Registration:
    return factories.registration(cast.zhang, cast.beijing, number=NUMBER, **fields)


def test_the_card_says_what_the_certificate_says(cast: Cast) -> None:
    row = registered(cast)
    card = found()
    assert card is not None
    assert (card.number, card.name, card.status) == (NUMBER, "张测", Status.VALID)
    assert (card.category, card.employer_name, card.agency) == ("其他安全", row.employer_name, cast.beijing)
    assert (card.first_registered_on, card.valid_from, card.valid_to, card.ended_on) == (
        row.first_registered_on,
        row.valid_from,
        row.valid_to,
        None,
    )


@pytest.mark.parametrize("name", ["孙测", "张", "", "张%", "' OR 1=1 --"])
def test_another_name_finds_nothing(cast: Cast, name: str) -> None:
    registered(cast)
    assert found(name=name) is None


def test_another_number_finds_nothing(cast: Cast) -> None:
    registered(cast)
    assert found(number="26001000002") is None


def test_width_case_and_blanks_of_a_name_do_not_count(cast: Cast) -> None:
    person = factories.person("JOHN SAMPLE")
    factories.registration(person, cast.beijing, number="26001000009")
    for written in ("john sample", "Ｊｏｈｎ  Sample", " JOHN SAMPLE "):
        assert found(name=written, number="26001000009") is not None


def test_a_registration_that_is_over(cast: Cast) -> None:
    today = clock.today()
    registered(cast, valid_from=today - 400 * DAY, valid_to=today - DAY)
    assert status() is Status.EXPIRED


@pytest.mark.parametrize(
    ("how", "said"),
    [("cancelled", Status.CANCELLED), ("revoked", Status.REVOKED), ("withdrawn", Status.WITHDRAWN)],
)
def test_a_registration_that_was_ended(cast: Cast, how: str, said: Status) -> None:
    row = registered(cast, ended_how=how, ended_on=clock.today())
    card = found()
    assert card is not None
    assert (card.status, card.ended_on) == (said, row.ended_on)


def test_the_last_three_months(cast: Cast) -> None:
    today = clock.today()
    registered(cast, valid_from=today - 1000 * DAY, valid_to=today + 30 * DAY)
    assert status() is Status.RENEWAL_DUE


def test_a_renewal_counts_from_its_first_day(cast: Cast) -> None:
    today = clock.today()
    old = registered(cast, valid_from=today - 1000 * DAY, valid_to=today + 10 * DAY)
    registered(
        cast,
        kind=Kind.RENEWAL,
        valid_from=today + 11 * DAY,
        granted_on=today,
        valid_to=today + 1000 * DAY,
        supersedes=old,
    )
    card = found()
    assert card is not None
    assert (card.status, card.valid_to) == (Status.VALID, old.valid_to)


def test_a_pending_change_suspends_practice(cast: Cast) -> None:
    registered(cast)
    factories.docket_line(cast.zhang, cast.beijing, kind=Kind.CHANGE)
    assert status() is Status.CHANGE_PENDING


def test_a_renewal_in_time_lets_it_go_on(cast: Cast) -> None:
    today = clock.today()
    registered(cast, valid_from=today - 1000 * DAY, valid_to=today - DAY)
    factories.docket_line(cast.zhang, cast.beijing, kind=Kind.RENEWAL, lodged_on=today - 60 * DAY)
    assert status() is Status.DEEMED_RENEWED


def test_the_name_is_masked_where_the_policy_says_so(cast: Cast) -> None:
    registered(cast)
    Policy.objects.create(key="public_name_mask", value=True, valid_from=clock.today(), source="试")
    policy._rows.forget()
    card = found()
    assert card is not None
    assert card.name == "张*"


@pytest.mark.parametrize(
    ("written", "stored"),
    [("26001000001", NUMBER), (" 2600 1000-001", NUMBER), ("２６００１０００００１", NUMBER)],
)
def test_numbers_as_people_type_them(written: str, stored: str) -> None:
    assert lookup.check_number(written) == stored


@pytest.mark.parametrize(
    "written", ["", "2600100000", "260010000011", "2600100000X", "CS00000101", "٢٦٠٠١٠٠٠٠٠١"]
)
def test_what_is_no_number(written: str) -> None:
    with pytest.raises(ValidationError):
        lookup.check_number(written)


def test_a_merged_record_is_found_under_the_name_of_the_living_one(cast: Cast) -> None:
    """A change granted to the living record supersedes what was granted to the one merged into it."""
    row = registered(cast)
    living = factories.person("张今名")
    Person.objects.filter(pk=cast.zhang.pk).update(merged_into=living)
    factories.registration(
        living,
        cast.beijing,
        number=NUMBER,
        valid_from=clock.today(),
        employer_name="后来的单位",
        supersedes=row,
    )
    stranger = factories.person("孙测")
    factories.registration(stranger, cast.beijing, number="26001000077")
    factories.docket_line(cast.zhang, cast.beijing, kind=Kind.CHANGE)
    card = found(name="张今名")
    assert card is not None
    assert (card.name, card.employer_name, card.status) == ("张今名", "后来的单位", Status.CHANGE_PENDING)
    assert found(name="张测") is None
