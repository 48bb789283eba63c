"""Working days, calendar years and the shifted clock. Holidays from the State Council's yearly notices."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from register import clock
from register.clock import DueDate
from register.models import Holiday


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 2, 14), True),  # Saturday, make-up day before Spring Festival
        (date(2026, 2, 16), False),  # Monday, eve of Spring Festival
        (date(2026, 5, 1), False),
        (date(2026, 9, 20), True),  # Sunday, make-up day before National Day
        (date(2026, 10, 7), False),
        (date(2026, 10, 8), True),
        (date(2026, 11, 23), True),
        (date(2026, 11, 28), False),
        # 2027 is not announced: weekends and fixed days only
        (date(2027, 1, 1), False),
        (date(2027, 1, 4), True),
        (date(2027, 2, 8), True),  # Spring Festival follows the moon: known when announced
        (date(2027, 4, 5), False),  # Qingming follows the sun
        (date(2027, 5, 2), False),
        (date(2027, 5, 3), True),
        (date(2027, 10, 4), True),
    ],
)
def test_working_days(day: date, working: bool) -> None:
    assert clock.is_working_day(day) is working


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("event", "days", "due"),
    [
        (date(2026, 11, 23), 0, DueDate(date(2026, 11, 23), False)),
        (date(2026, 11, 23), 1, DueDate(date(2026, 11, 24), False)),  # the day of the event is not counted
        (date(2026, 11, 23), 5, DueDate(date(2026, 11, 30), False)),
        (date(2026, 11, 28), 5, DueDate(date(2026, 12, 4), False)),  # received on a Saturday
        (date(2026, 9, 30), 1, DueDate(date(2026, 10, 8), False)),
        (date(2026, 10, 2), 5, DueDate(date(2026, 10, 13), False)),  # received on a holiday; 10 October works
        (date(2026, 2, 13), 5, DueDate(date(2026, 2, 27), False)),  # over Spring Festival
        (date(2026, 12, 28), 3, DueDate(date(2026, 12, 31), False)),
        (date(2026, 12, 28), 5, DueDate(date(2027, 1, 5), True)),  # into a year not announced
        (date(2026, 12, 3), 20, DueDate(date(2026, 12, 31), False)),
        (date(2026, 12, 4), 20, DueDate(date(2027, 1, 4), True)),
    ],
)
def test_due_dates(event: date, days: int, due: DueDate) -> None:
    assert clock.add_working_days(event, days) == due


@pytest.mark.django_db
def test_the_holiday_table_overrides_the_calendar() -> None:
    Holiday.objects.create(day=date(2026, 11, 24), working=False, name="台风停工")
    Holiday.objects.create(day=date(2026, 11, 28), working=True, name="调休上班")
    clock._holidays.forget()
    assert clock.add_working_days(date(2026, 11, 23), 5) == DueDate(date(2026, 11, 30), False)
    assert clock.add_working_days(date(2026, 11, 23), 1) == DueDate(date(2026, 11, 25), False)


@pytest.mark.django_db
def test_a_year_is_announced_once_the_table_names_its_new_year_and_national_day() -> None:
    Holiday.objects.create(day=date(2027, 1, 1), working=False, name="元旦")
    clock._holidays.forget()
    assert not clock.is_announced(2027)
    Holiday.objects.create(day=date(2027, 10, 1), working=False, name="国庆节")
    clock._holidays.forget()
    assert clock.is_announced(2027)
    assert clock.add_working_days(date(2026, 12, 28), 5) == DueDate(date(2027, 1, 5), False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("due", "on", "left"),
    [
        (date(2026, 11, 30), date(2026, 11, 23), 5),
        (date(2026, 11, 30), date(2026, 11, 28), 1),
        (date(2026, 11, 30), date(2026, 11, 30), 0),
        (date(2026, 11, 30), date(2026, 12, 1), -1),
        (date(2026, 11, 27), date(2026, 11, 28), -1),  # late by a weekend is late
        (date(2026, 11, 27), date(2026, 12, 2), -3),
    ],
)
def test_working_days_left(due: date, on: date, left: int) -> None:
    assert clock.working_days_left(due, on) == left


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2027, 5, 31), -3, date(2027, 2, 28)),
        (date(2028, 5, 31), -3, date(2028, 2, 29)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 1, 31), -1, date(2025, 12, 31)),
        (date(2026, 12, 15), 12, date(2027, 12, 15)),
    ],
)
def test_months_are_clipped(day: date, months: int, later: date) -> None:
    assert clock.add_months(day, months) == later


@pytest.mark.parametrize(
    ("begins", "years", "ends"),
    [
        (date(2026, 11, 23), 3, date(2029, 11, 22)),
        (date(2026, 1, 1), 3, date(2028, 12, 31)),
        (date(2026, 3, 1), 2, date(2028, 2, 29)),
        (date(2024, 2, 29), 3, date(2027, 2, 28)),  # no such date: that month's last day
        (date(2024, 2, 29), 4, date(2028, 2, 28)),
        (date(2026, 2, 28), 5, date(2031, 2, 27)),
    ],
)
def test_validity_ends_the_day_before_the_same_date(begins: date, years: int, ends: date) -> None:
    assert clock.validity_end(begins, years) == ends


def test_days_are_those_of_shanghai() -> None:
    assert clock.day_of(datetime(2026, 11, 23, 15, 59, tzinfo=UTC)) == date(2026, 11, 23)
    assert clock.day_of(datetime(2026, 11, 23, 16, 0, tzinfo=UTC)) == date(2026, 11, 24)


def test_the_clock_travels_and_runs_on(shifted_clock: None) -> None:
    there = datetime(2027, 3, 1, 8, 0, tzinfo=clock.SHANGHAI)
    clock.travel_to(there)
    assert clock.today() == date(2027, 3, 1)
    assert timedelta(0) <= clock.now() - there < timedelta(seconds=30)
    clock.shift(0)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_every_process_reads_the_same_file(shifted_clock: None, settings: Settings) -> None:
    Path(settings.CLOCK_SHIFT_FILE).write_text("86400\n")
    assert clock.now() - datetime.now(UTC) > timedelta(hours=23)


def test_a_production_clock_stands(settings: Settings) -> None:
    settings.CLOCK_SHIFT_FILE = ""
    with pytest.raises(ImproperlyConfigured):
        clock.shift(3600)
