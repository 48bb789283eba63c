"""The clock table `tests/data/clock.csv`: what happens, under which calendar, dates worked out by hand.

Dates come from the State Council's notices for 2025 and 2026; calendars of 2027 are made up, for none is
announced. A case is one period (`2026-02-13 +5`) or a line of acts at a desk (`2026-11-23T09:00 lodge`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import pytest

from register import clock, holidays
from register.holidays import Entry
from register.models import Holiday

TABLE: Final = Path(__file__).parent / "data" / "clock.csv"
# The years that the State Council had announced when the dates were worked out.
ANNOUNCED: Final = frozenset(range(2004, 2027))
# Announcements of 2027 as they might come.
CALENDARS: Final = {
    "A": """
2027-01-01至2027-01-03,off,元旦
2027-01-31,work,调休上班
2027-02-05至2027-02-11,off,春节
2027-02-13,work,调休上班
2027-04-03至2027-04-05,off,清明节
2027-05-01至2027-05-05,off,劳动节
2027-05-08,work,调休上班
2027-06-09,off,端午节
2027-09-15,off,中秋节
2027-09-26,work,调休上班
2027-10-01至2027-10-07,off,国庆节
2027-10-09,work,调休上班
""",
    "B": """
2027-01-01至2027-01-04,off,元旦
2027-01-09,work,调休上班
2027-10-01至2027-10-03,off,国庆节
""",
    "C": """
2027-01-01,off,元旦
2027-01-03,work,调休上班
2027-10-01至2027-10-03,off,国庆节
""",
    "D": """
2027-01-01至2027-01-04,off,元旦
2027-10-01至2027-10-03,off,国庆节
""",
}


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens at a moment in Shanghai."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class ClockCase:
    """One line of the table."""

    name: str
    happens: str
    calendar: tuple[str, ...]
    expected: tuple[str, ...]
    source: str

    @property
    def is_acts(self) -> bool:
        return "T" in self.happens.split()[0]

    def steps(self) -> Iterator[Step]:
        for step in self.happens.split("; "):
            at, _space, what = step.partition(" ")
            yield Step(datetime.fromisoformat(at).replace(tzinfo=clock.SHANGHAI), what)


def cases(*, acts: bool) -> list[object]:
    """The lines of one sort, as parameters of a test."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = [
            ClockCase(
                row["name"],
                row["happens"],
                tuple(row["calendar"].split("; ")),
                tuple(row["expected"].split("; ")),
                row["source"],
            )
            for row in csv.DictReader(file)
        ]
    return [pytest.param(row, id=row.name) for row in rows if row.is_acts is acts]


def entries(named: str) -> list[Entry]:
    """A calendar by its letter, or one day: `2026-11-26=off`."""
    if named in CALENDARS:
        plan = holidays.read(CALENDARS[named])
        assert not plan.faults
        return [planned.entry for planned in plan.days]
    day, what = named.split("=")
    return [Entry(date.fromisoformat(day), what == "work", "临时调整")]


def assume(calendar: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the calendar up as the line assumes it, and hold its words against what the clock says."""
    monkeypatch.setattr(clock, "KNOWN_YEARS", ANNOUNCED)
    for assumption in calendar:
        word, _space, named = assumption.partition(" ")
        if word in {"table", "calendar"}:
            Holiday.objects.bulk_create(
                Holiday(day=entry.day, working=entry.working, name=entry.name) for entry in entries(named)
            )
    clock.forget_calendar()
    for assumption in calendar:
        if assumption[:4].isdigit():
            year, is_announced = int(assumption[:4]), not assumption.endswith("not announced")
            assert clock.is_announced(year) is is_announced
