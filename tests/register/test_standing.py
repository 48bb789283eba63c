"""What the register says of a person, day by day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from register import clock, standing
from register.models import Kind
from register.standing import OpenLine, Period, Standing, Status, spans
from tests import factories
from tests.cast import Cast

INITIAL, CHANGE, RENEWAL, REREGISTER = Kind


def day(text: str) -> date:
    return date.fromisoformat(text)


def granted(valid_from: str, valid_to: str, kind: Kind = INITIAL, *, on: str = "") -> Period:
    return Period(
        kind=kind, valid_from=day(valid_from), valid_to=day(valid_to), granted_on=day(on or valid_from)
    )


VALID = granted("2024-05-01", "2027-04-30")
RENEWED = granted("2027-05-01", "2030-04-30", RENEWAL, on="2027-04-10")
IN_TIME = OpenLine(kind=RENEWAL, lodged_on=day("2027-03-31"), deemed_days=30)
TOO_LATE = OpenLine(kind=RENEWAL, lodged_on=day("2027-04-01"), deemed_days=30)
NO_RULE = OpenLine(kind=RENEWAL, lodged_on=day("2027-03-31"), deemed_days=None)
A_CHANGE = OpenLine(kind=CHANGE, lodged_on=day("2026-11-20"))
# The correction may be answered until 10 May, and nobody has swept since.
UNANSWERED = replace(IN_TIME, answer_by=day("2027-05-10"))
UNANSWERED_CHANGE = replace(A_CHANGE, answer_by=day("2026-12-07"))


def ended(how: str, on: str) -> Period:
    return Period(
        kind=INITIAL,
        valid_from=VALID.valid_from,
        valid_to=VALID.valid_to,
        granted_on=VALID.granted_on,
        ended_how=how,
        ended_on=day(on),
    )


@pytest.mark.parametrize(
    ("periods", "line", "on", "status"),
    [
        ((), None, "2026-11-23", Status.UNREGISTERED),
        ((VALID,), None, "2024-04-30", Status.UNREGISTERED),
        ((VALID,), None, "2024-05-01", Status.VALID),
        ((VALID,), None, "2027-01-29", Status.VALID),
        ((VALID,), None, "2027-01-30", Status.RENEWAL_DUE),
        ((VALID,), None, "2027-04-30", Status.RENEWAL_DUE),
        ((VALID,), None, "2027-05-01", Status.EXPIRED),
        ((VALID,), IN_TIME, "2027-04-30", Status.RENEWAL_DUE),
        ((VALID,), IN_TIME, "2027-05-01", Status.DEEMED_RENEWED),
        ((VALID,), UNANSWERED, "2027-05-10", Status.DEEMED_RENEWED),
        ((VALID,), UNANSWERED, "2027-05-11", Status.EXPIRED),
        ((VALID,), TOO_LATE, "2027-05-01", Status.EXPIRED),
        ((VALID,), NO_RULE, "2027-05-01", Status.EXPIRED),
        ((VALID,), A_CHANGE, "2026-11-23", Status.CHANGE_PENDING),
        ((VALID,), A_CHANGE, "2027-05-01", Status.EXPIRED),
        ((VALID,), UNANSWERED_CHANGE, "2026-12-07", Status.CHANGE_PENDING),
        ((VALID,), UNANSWERED_CHANGE, "2026-12-08", Status.VALID),
        ((VALID, RENEWED), None, "2027-04-30", Status.VALID),
        ((VALID, RENEWED), None, "2027-05-01", Status.VALID),
        ((VALID, RENEWED), None, "2030-05-01", Status.EXPIRED),
        ((ended("cancelled", "2026-03-01"),), None, "2026-02-28", Status.VALID),
        ((ended("cancelled", "2026-03-01"),), None, "2026-03-01", Status.CANCELLED),
        ((ended("revoked", "2026-03-01"),), None, "2030-01-01", Status.REVOKED),
        ((ended("withdrawn", "2026-03-01"),), None, "2026-11-23", Status.WITHDRAWN),
        (
            (ended("cancelled", "2026-03-01"), granted("2026-09-01", "2029-08-31", REREGISTER)),
            None,
            "2026-11-23",
            Status.VALID,
        ),
    ],
)
def test_status(periods: tuple[Period, ...], line: OpenLine | None, on: str, status: Status) -> None:
    assert Standing(periods=periods, open=line).status(day(on), 3) is status


@pytest.mark.parametrize(
    ("status", "in_force", "may_practise"),
    [
        (Status.VALID, True, True),
        (Status.RENEWAL_DUE, True, True),
        (Status.DEEMED_RENEWED, True, True),
        (Status.CHANGE_PENDING, True, False),
        (Status.EXPIRED, False, False),
        (Status.UNREGISTERED, False, False),
        (Status.WITHDRAWN, False, False),
    ],
)
def test_a_pending_change_suspends_practice(status: Status, in_force: bool, may_practise: bool) -> None:
    assert (status.in_force, status.may_practise) == (in_force, may_practise)


def test_a_change_takes_over_from_its_day_and_a_renewal_follows() -> None:
    changed = granted("2027-04-15", "2030-04-30", CHANGE)
    assert list(spans([VALID, RENEWED, changed])) == [
        (day("2024-05-01"), day("2027-04-14")),
        (day("2027-04-15"), day("2030-04-30")),
    ]


FIRST = date(2020, 1, 1)
a_period = st.builds(
    lambda begins, length, ends: Period(
        kind=INITIAL,
        valid_from=FIRST + timedelta(days=begins),
        valid_to=FIRST + timedelta(days=begins + length),
        granted_on=FIRST,
        ended_how="cancelled" if ends else "",
        ended_on=FIRST + timedelta(days=begins + ends) if ends else None,
    ),
    st.integers(0, 60),
    st.integers(0, 60),
    st.none() | st.integers(1, 60),
)


@given(st.lists(a_period, max_size=6))
def test_periods_in_force_never_overlap(periods: list[Period]) -> None:
    days = [
        begins + timedelta(days=n) for begins, ends in spans(periods) for n in range((ends - begins).days + 1)
    ]
    assert len(days) == len(set(days))


@given(st.lists(a_period, max_size=6), st.integers(0, 130))
def test_the_status_agrees_with_the_periods_in_force(periods: list[Period], n: int) -> None:
    on = FIRST + timedelta(days=n)
    in_force = any(begins <= on <= ends for begins, ends in spans(periods))
    assert Standing(periods=tuple(periods)).status(on, 3).in_force is in_force


@pytest.mark.django_db
def test_the_open_renewal_is_read_from_the_docket(cast: Cast) -> None:
    today = clock.today()
    factories.registration(
        cast.zhang, cast.beijing, valid_from=clock.add_years(today, -3), valid_to=today - timedelta(days=1)
    )
    with cast.at_applicants_desk(cast.zhang):
        assert standing.status_of(cast.zhang) is Status.EXPIRED
    line = factories.docket_line(cast.zhang, cast.beijing, kind=RENEWAL, lodged_on=today - timedelta(days=31))
    with cast.at_applicants_desk(cast.zhang):
        assert standing.status_of(cast.zhang) is Status.DEEMED_RENEWED
        assert standing.standing_of(cast.zhang, besides=line.case_id).open is None
        found = standing.registration_of(cast.zhang)
        assert found is not None
        assert found.valid_to == today - timedelta(days=1)
