"""Who may apply for what, on which day: one boundary per row.

Windows: Order 11 arts 12 to 15, the 2019 rules art. 18, and the portal's policy values.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from register import clock, eligibility
from register.eligibility import Answer, bar_to_grant, decide
from register.models import Kind
from register.policy import SEED
from register.standing import OpenLine, Period, Standing
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency
from tests import factories
from tests.cast import Cast

INITIAL, CHANGE, RENEWAL, REREGISTER = Kind


def day(text: str) -> date:
    return date.fromisoformat(text)


def period(valid_from: str, valid_to: str, kind: Kind = INITIAL, *, ended: str = "", on: str = "") -> Period:
    begins = day(valid_from)
    ended_on = day(on) if on else None
    return Period(
        kind=kind,
        valid_from=begins,
        valid_to=day(valid_to),
        granted_on=begins,
        ended_how=ended,
        ended_on=ended_on,
    )


VALID = period("2024-05-01", "2027-04-30")
AT_MONTHS_END = period("2024-06-01", "2027-05-31")
RENEWED = period("2027-05-01", "2030-04-30", RENEWAL)
CANCELLED = period("2024-05-01", "2027-04-30", ended="cancelled", on="2026-03-01")
REVOKED = period("2024-05-01", "2027-04-30", ended="revoked", on="2026-03-01")
CHANGED = Period(
    kind=CHANGE, valid_from=day("2026-02-10"), valid_to=day("2027-04-30"), granted_on=day("2026-02-10")
)
NEWLY_QUALIFIED = Standing(qualified_on=day("2024-02-29"))
REGISTERED = Standing(qualified_on=day("2023-02-01"), periods=(VALID,))


def registered(*periods: Period, **more: Any) -> Standing:
    return Standing(qualified_on=day("2023-02-01"), periods=periods, **more)


YES = ""
TABLE: list[tuple[str, Standing, Kind, str, dict[str, Any], str, str | None]] = [
    # name, standing, kind, day, other policy values, code ("" = allowed), opens on
    # --- initial: three years from the certificate, inclusive
    ("no certificate", Standing(), INITIAL, "2026-11-23", {}, "no_qualification", None),
    ("day of the certificate", NEWLY_QUALIFIED, INITIAL, "2024-02-29", {}, YES, None),
    ("last day, from 29 February", NEWLY_QUALIFIED, INITIAL, "2027-02-28", {}, YES, None),
    ("day after the last", NEWLY_QUALIFIED, INITIAL, "2027-03-01", {}, "late", None),
    ("last day, ordinary", Standing(qualified_on=day("2023-11-23")), INITIAL, "2026-11-23", {}, YES, None),
    ("late, ordinary", Standing(qualified_on=day("2023-11-22")), INITIAL, "2026-11-23", {}, "late", None),
    (
        "late where late is closed",
        NEWLY_QUALIFIED,
        INITIAL,
        "2027-03-01",
        {"late_initial_allowed": False},
        "window_over",
        None,
    ),
    (
        "five years by the 2019 rules",
        NEWLY_QUALIFIED,
        INITIAL,
        "2029-02-28",
        {"initial_window_years": 5},
        YES,
        None,
    ),
    ("registered already", REGISTERED, INITIAL, "2026-11-23", {}, "registered_before", None),
    ("registered long ago", REGISTERED, INITIAL, "2035-01-01", {}, "registered_before", None),
    # --- change: while the registration is valid
    ("never registered", NEWLY_QUALIFIED, CHANGE, "2026-11-23", {}, "unregistered", None),
    ("first day of validity", REGISTERED, CHANGE, "2024-05-01", {}, YES, None),
    ("day before validity", REGISTERED, CHANGE, "2024-04-30", {}, "not_begun", "2024-05-01"),
    ("last day of validity", REGISTERED, CHANGE, "2027-04-30", {}, YES, None),
    ("expired yesterday", REGISTERED, CHANGE, "2027-05-01", {}, "expired", None),
    ("expired, but renewed", registered(VALID, RENEWED), CHANGE, "2027-05-01", {}, YES, None),
    ("cancelled", registered(CANCELLED), CHANGE, "2026-03-01", {}, "ended", None),
    ("the day before it was cancelled", registered(CANCELLED), CHANGE, "2026-02-28", {}, YES, None),
    ("right after a change", registered(VALID, CHANGED), CHANGE, "2026-02-11", {}, YES, None),
    (
        "within the year of the 2004 rules",
        registered(VALID, CHANGED),
        CHANGE,
        "2027-02-09",
        {"change_cooldown_months": 12},
        "cooldown",
        "2027-02-10",
    ),
    (
        "a year after the change",
        registered(VALID, CHANGED),
        CHANGE,
        "2027-02-10",
        {"change_cooldown_months": 12},
        YES,
        None,
    ),
    # --- renewal: the last three months, clipped at the month's end
    ("never registered, renewal", NEWLY_QUALIFIED, RENEWAL, "2026-11-23", {}, "unregistered", None),
    ("day before the window", REGISTERED, RENEWAL, "2027-01-29", {}, "too_early", "2027-01-30"),
    ("first day of the window", REGISTERED, RENEWAL, "2027-01-30", {}, YES, None),
    ("day before, clipped", registered(AT_MONTHS_END), RENEWAL, "2027-02-27", {}, "too_early", "2027-02-28"),
    ("first day, clipped", registered(AT_MONTHS_END), RENEWAL, "2027-02-28", {}, YES, None),
    ("last day of the registration", REGISTERED, RENEWAL, "2027-04-30", {}, YES, None),
    ("day after expiry", REGISTERED, RENEWAL, "2027-05-01", {}, "expired", None),
    (
        "last day, thirty days before",
        REGISTERED,
        RENEWAL,
        "2027-03-31",
        {"renewal_close_days_before": 30},
        YES,
        None,
    ),
    (
        "twenty-nine days before",
        REGISTERED,
        RENEWAL,
        "2027-04-01",
        {"renewal_close_days_before": 30},
        "too_late",
        None,
    ),
    ("twelve months by guidance", REGISTERED, RENEWAL, "2026-04-30", {"renewal_open_months": 12}, YES, None),
    ("renewed already", registered(VALID, RENEWED), RENEWAL, "2027-02-01", {}, "too_early", "2030-01-30"),
    ("the next renewal", registered(VALID, RENEWED), RENEWAL, "2030-01-30", {}, YES, None),
    ("revoked", registered(REVOKED), RENEWAL, "2027-02-01", {}, "ended", None),
    # --- re-registration: expired or ended
    ("never registered, again", NEWLY_QUALIFIED, REREGISTER, "2026-11-23", {}, "unregistered", None),
    ("still valid", REGISTERED, REREGISTER, "2027-04-30", {}, "still_valid", "2027-05-01"),
    ("expired", REGISTERED, REREGISTER, "2027-05-01", {}, YES, None),
    (
        "renewed, so still valid",
        registered(VALID, RENEWED),
        REREGISTER,
        "2027-05-01",
        {},
        "still_valid",
        "2030-05-01",
    ),
    ("cancelled, again", registered(CANCELLED), REREGISTER, "2026-03-01", {}, YES, None),
    ("not begun yet", REGISTERED, REREGISTER, "2024-04-30", {}, "still_valid", "2027-05-01"),
    # --- what keeps from everything
    (
        "open elsewhere",
        registered(VALID, open=OpenLine(kind=CHANGE, lodged_on=day("2026-11-20"))),
        CHANGE,
        "2026-11-23",
        {},
        "open_application",
        None,
    ),
    (
        "open elsewhere, first time",
        replace(NEWLY_QUALIFIED, open=OpenLine(kind=INITIAL, lodged_on=day("2026-01-01"))),
        INITIAL,
        "2026-11-23",
        {},
        "open_application",
        None,
    ),
    (
        "last day of a restriction",
        replace(NEWLY_QUALIFIED, restricted_until=day("2026-11-23")),
        INITIAL,
        "2026-11-23",
        {},
        "restricted",
        "2026-11-24",
    ),
    (
        "day after a restriction",
        replace(NEWLY_QUALIFIED, restricted_until=day("2026-11-22")),
        INITIAL,
        "2026-11-23",
        {},
        YES,
        None,
    ),
    (
        "revoked, within its ban",
        registered(REVOKED, restricted_until=day("2029-02-28")),
        REREGISTER,
        "2027-01-01",
        {},
        "restricted",
        "2029-03-01",
    ),
    (
        "seventeen",
        replace(NEWLY_QUALIFIED, born=day("2008-11-24")),
        INITIAL,
        "2026-11-23",
        {},
        "too_young",
        "2026-11-24",
    ),
    (
        "eighteenth birthday",
        replace(NEWLY_QUALIFIED, born=day("2008-11-23")),
        INITIAL,
        "2026-11-23",
        {},
        YES,
        None,
    ),
    (
        "old, no limit set",
        replace(NEWLY_QUALIFIED, born=day("1940-01-01")),
        INITIAL,
        "2026-11-23",
        {},
        YES,
        None,
    ),
    (
        "seventieth birthday",
        replace(NEWLY_QUALIFIED, born=day("1956-11-23")),
        INITIAL,
        "2026-11-23",
        {"max_age": 70},
        YES,
        None,
    ),
    (
        "older than seventy",
        replace(NEWLY_QUALIFIED, born=day("1956-11-22")),
        INITIAL,
        "2026-11-23",
        {"max_age": 70},
        "too_old",
        None,
    ),
]


@pytest.mark.parametrize(
    ("standing", "kind", "on", "changes", "code", "opens"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_may_apply(
    standing: Standing, kind: Kind, on: str, changes: dict[str, Any], code: str, opens: str | None
) -> None:
    answer = decide(standing, kind, day(on), replace(SEED, **changes))
    assert (answer.code, answer.opens_on) == (code, day(opens) if opens else None)
    assert answer.allowed is (code in (YES, "late"))
    assert answer.late is (code == "late")
    assert bool(str(answer.reason)) is (code != YES)


@pytest.mark.parametrize(
    ("standing", "kind", "on", "closes"),
    [
        (NEWLY_QUALIFIED, INITIAL, "2026-11-23", "2027-02-28"),
        (REGISTERED, CHANGE, "2026-11-23", "2027-04-30"),
        (REGISTERED, RENEWAL, "2027-02-01", "2027-04-30"),
        (registered(CANCELLED), REREGISTER, "2026-11-23", None),
    ],
)
def test_an_answer_says_how_long_it_holds(
    standing: Standing, kind: Kind, on: str, closes: str | None
) -> None:
    expected = Answer(allowed=True, closes_on=day(closes) if closes else None)
    assert decide(standing, kind, day(on), SEED) == expected


def test_the_reason_names_the_day_in_the_readers_language() -> None:
    answer = decide(REGISTERED, RENEWAL, day("2026-11-23"), SEED)
    assert str(answer.reason) == "延续注册将于2027年1月30日开放。"
    with translation.override("en"):
        assert "Jan" in str(answer.reason)


LODGED = OpenLine(kind=RENEWAL, lodged_on=day("2027-03-01"), deemed_days=30)


@pytest.mark.parametrize(
    ("standing", "kind", "on", "code"),
    [
        (NEWLY_QUALIFIED, INITIAL, "2026-11-23", None),
        (REGISTERED, INITIAL, "2026-11-23", "registered_before"),
        (replace(NEWLY_QUALIFIED, restricted_until=day("2027-01-01")), INITIAL, "2026-11-23", "restricted"),
        (REGISTERED, CHANGE, "2027-04-30", None),
        (REGISTERED, CHANGE, "2027-05-01", "expired"),
        (registered(CANCELLED), CHANGE, "2026-11-23", "ended"),
        (REGISTERED, RENEWAL, "2027-04-30", None),
        (REGISTERED, RENEWAL, "2027-05-20", None),  # decided after the expiry
        (registered(REVOKED), RENEWAL, "2027-05-20", "ended"),
        (registered(VALID, RENEWED), RENEWAL, "2027-04-30", "renewed"),
        (REGISTERED, REREGISTER, "2027-04-30", "still_valid"),
        (REGISTERED, REREGISTER, "2027-05-01", None),
    ],
)
def test_bars_are_asked_again_before_granting(
    standing: Standing, kind: Kind, on: str, code: str | None
) -> None:
    bar = bar_to_grant(standing, kind, day(on))
    assert (bar.code if bar else None) == code


# --- As the applicant's desk reads it ------------------------------------------------------------
@pytest.mark.django_db
def test_a_newly_qualified_person_may_apply_for_the_initial_registration_only(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang):
        answers = eligibility.answers(cast.zhang)
    assert {kind.value: answer.code for kind, answer in answers.items()} == {
        "initial": "",
        "change": "unregistered",
        "renewal": "unregistered",
        "reregister": "unregistered",
    }


@pytest.mark.django_db
def test_an_open_application_at_any_agency_bars_another_one(cast: Cast) -> None:
    line = factories.docket_line(cast.zhang, cast.mohurd)
    with cast.at_applicants_desk(cast.zhang):
        assert eligibility.may_apply(cast.zhang, INITIAL).code == "open_application"
    line.open = False
    line.save()
    with cast.at_applicants_desk(cast.zhang):
        assert eligibility.may_apply(cast.zhang, INITIAL).code == ""


@pytest.mark.django_db
def test_the_restriction_that_lasts_longest_is_told(cast: Cast) -> None:
    today = clock.today()
    factories.restriction(cast.zhang, until=clock.add_years(today, 1))
    factories.restriction(cast.zhang, until=clock.add_years(today, 3))
    factories.restriction(cast.zhang, since=clock.add_years(today, 4), until=clock.add_years(today, 9))
    with cast.at_applicants_desk(cast.zhang):
        answer = eligibility.may_apply(cast.zhang, INITIAL)
    assert (answer.code, answer.opens_on) == ("restricted", clock.add_years(today, 3) + clock.ONE_DAY)


@pytest.mark.django_db
def test_the_latest_certificate_opens_the_window(cast: Cast) -> None:
    factories.qualification(cast.zhang, issued_on=day("2010-01-01"), exam_year=2009)
    with cast.at_applicants_desk(cast.zhang):
        assert eligibility.may_apply(cast.zhang, INITIAL).late is False


@pytest.mark.django_db
def test_a_merged_record_answers_for_the_living_one(cast: Cast, beijing: Agency) -> None:
    old = factories.person("张测", merged_into=cast.zhang)
    factories.registration(cast.zhang, beijing)
    assert eligibility.may_apply(old, INITIAL).code == "registered_before"


@pytest.mark.django_db
def test_four_answers_take_three_queries(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    factories.registration(cast.zhang, cast.beijing)
    with crossing.standing(Desk.APPLICANT), crossing.acting_as(cast.zhang.pk):
        list(Agency.objects.all())
        with django_assert_num_queries(3):  # registrations, the rest, policies
            eligibility.answers(cast.zhang)


@pytest.fixture
def beijing(cast: Cast) -> Agency:
    return cast.beijing
