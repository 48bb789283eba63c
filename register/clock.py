"""The one clock of the house, and the calendar of working days.

Every rule reads `now()` or `today()`, never the database's clock, so that a demonstration or a test
shifts all processes at once. Days are those of Asia/Shanghai.
"""

from __future__ import annotations

import calendar
import os
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import chinese_calendar
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from register.memory import Remembered
from register.models import Holiday

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
ONE_DAY: Final = timedelta(days=1)

# The years for which the State Council's calendar is known without the holiday table.
KNOWN_YEARS: Final = frozenset(day.year for day in chinese_calendar.holidays)
# Statutory days with a date of their own (holiday regulation of the State Council, 2024 text). Days that
# follow the moon are left to the announcement; Qingming follows the sun and is added below.
FIXED_HOLIDAYS: Final = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
QINGMING: Final = "清明"
# An announced calendar always names these two; a year with both in the holiday table counts as announced.
NAMED_IN_EVERY_CALENDAR: Final = ((1, 1), (10, 1))


@dataclass(frozen=True, slots=True)
class DueDate:
    """The last day of a period. Provisional (暂定) while a year it runs through is not announced yet."""

    day: date
    provisional: bool


# --- Now -----------------------------------------------------------------------------------------
_shift_read: tuple[tuple[int, int, int], float] | None = None


def now() -> datetime:
    """The present moment (UTC), shifted where a demonstration or a test asked for it."""
    return datetime.now(UTC) + timedelta(seconds=_shift_seconds())


def today() -> date:
    """The present day in Asia/Shanghai."""
    return day_of(now())


def day_of(moment: datetime) -> date:
    """The day in Asia/Shanghai to which a moment belongs."""
    return moment.astimezone(SHANGHAI).date()


def is_past(due: date, on: date | None = None) -> bool:
    """Whether a period that ends on `due` is over."""
    return (on or today()) > due


def shift(seconds: float) -> None:
    """Shift the clock of every process by so many seconds from the real time.

    Raises ImproperlyConfigured where no shift file is set: the clock of a production system stands.
    """
    if not settings.CLOCK_SHIFT_FILE:
        raise ImproperlyConfigured("CLOCK_SHIFT_FILE is not set: this clock cannot be shifted.")
    path = Path(settings.CLOCK_SHIFT_FILE)
    waiting = path.with_name(f"{path.name}.{os.getpid()}")
    waiting.write_text(str(seconds), encoding="ascii")
    waiting.replace(path)


def travel_to(moment: datetime) -> None:
    """Shift the clock so that it now shows this moment and runs on from there."""
    shift((moment - datetime.now(UTC)).total_seconds())


def _shift_seconds() -> float:
    global _shift_read  # noqa: PLW0603 - one small memory per process, replaced as a whole
    if not settings.CLOCK_SHIFT_FILE:
        return 0.0
    path = Path(settings.CLOCK_SHIFT_FILE)
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0.0
    key = (found.st_mtime_ns, found.st_ino, found.st_size)
    known = _shift_read
    if known is None or known[0] != key:
        known = _shift_read = (key, float(path.read_text(encoding="ascii").strip() or 0))
    return known[1]


# --- Working days --------------------------------------------------------------------------------
def _load_holidays() -> Mapping[date, bool]:
    return dict(Holiday.objects.values_list("day", "working"))


_holidays: Remembered[Mapping[date, bool]] = Remembered(_load_holidays, seconds=60)


def forget_calendar() -> None:
    """Read the holiday table again: after an edit, and before deadlines are counted anew."""
    _holidays.forget()


def is_working_day(day: date) -> bool:
    """Whether offices work on this day: the holiday table first, then the announced calendar.

    A year that is not announced yet counts weekends and the fixed statutory days (provisional).
    """
    ruled = _holidays().get(day)
    if ruled is not None:
        return ruled
    if day.year in KNOWN_YEARS:
        return bool(chinese_calendar.is_workday(day))
    return day.weekday() < 5 and (day.month, day.day) not in fixed_holidays(day.year)


def is_announced(year: int) -> bool:
    """Whether this year's calendar is known; otherwise dates in it are provisional."""
    if year in KNOWN_YEARS:
        return True
    return names_whole_year(year, _holidays())


def names_whole_year(year: int, table: Container[date]) -> bool:
    """Whether the days of a table make up this year's calendar."""
    return all(date(year, month, day) in table for month, day in NAMED_IN_EVERY_CALENDAR)


def add_working_days(event: date, days: int) -> DueDate:
    """The n-th working day after an event; the day of the event is not counted (civil code art. 201).

    No days lead to the event's own day; a period that would end on a day off ends on the next working day
    (civil code art. 203). Raises ValueError for a negative number of days.
    """
    if days < 0:
        raise ValueError("A period runs forward.")
    day, left = event, days or int(not is_working_day(event))
    while left:
        day += ONE_DAY
        left -= is_working_day(day)
    years = range(event.year, day.year + 1)
    return DueDate(day, provisional=any(not is_announced(year) for year in years))


def working_days_between(start: date, end: date) -> int:
    """Working days after `start` up to and including `end`; 0 when `end` is not later."""
    return sum(is_working_day(day) for day in _days_after(start, end))


def working_days_left(due: date, on: date | None = None) -> int:
    """Working days still left after `on` (today): 0 on the last day itself, negative once overdue.

    Overdue by a weekend only is overdue all the same, so the first day late is already -1.
    """
    day = on or today()
    if is_past(due, day):
        return min(-1, -working_days_between(due, day))
    return working_days_between(day, due)


def _days_after(start: date, end: date) -> Iterator[date]:
    return (start + timedelta(days=n) for n in range(1, (end - start).days + 1))


@lru_cache(maxsize=32)
def fixed_holidays(year: int) -> frozenset[tuple[int, int]]:
    """Months and days that are off in any year, whatever is announced."""
    terms = chinese_calendar.get_solar_terms(date(year, 4, 3), date(year, 4, 6))
    return FIXED_HOLIDAYS | {(day.month, day.day) for day, term in terms if term == QINGMING}


# --- Years and months ----------------------------------------------------------------------------
def add_months(day: date, months: int) -> date:
    """The same day so many calendar months on (or back), clipped to the month's end."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def add_years(day: date, years: int) -> date:
    """The same date so many years on; 29 February becomes the 28th where there is none."""
    return add_months(day, 12 * years)


def validity_end(valid_from: date, years: int) -> date:
    """Last day of a validity of so many years: the day before the same date n years on.

    Where that date does not exist, it is that month's last day.
    """
    same = add_years(valid_from, years)
    return same if same.day != valid_from.day else same - ONE_DAY
