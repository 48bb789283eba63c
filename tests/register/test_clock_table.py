"""Every period of the clock table ends on the day that was worked out by hand."""

from __future__ import annotations

from datetime import date

import pytest

from register import clock
from tests import clocktable
from tests.clocktable import ClockCase


@pytest.mark.django_db
@pytest.mark.parametrize("case", clocktable.cases(acts=False))
def test_a_period_ends_on_its_day(case: ClockCase, monkeypatch: pytest.MonkeyPatch) -> None:
    clocktable.assume(case.calendar, monkeypatch)
    event, days = case.happens.split(" +")
    due = clock.add_working_days(date.fromisoformat(event), int(days))
    assert f"{due.day}{' provisional' * due.provisional}" == case.expected[0]


def test_the_table_is_large_enough_and_names_its_sources() -> None:
    every = [*clocktable.cases(acts=False), *clocktable.cases(acts=True)]
    assert len(every) == 113
    assert all(param.values[0].source for param in every)  # type: ignore[attr-defined]
