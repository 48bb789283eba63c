"""The short form of `bin/bench faults`: four hundred decisions while four faults happen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.house import House, house
from tests.faults.table import BY_NAME, go_through

pytestmark = pytest.mark.fault

DECISIONS = 100
AGENCIES = 3
# Long enough for officers and sweeps to meet a broker that is away.
AWAY_SECONDS = 5.0
# Once among the first presses and once when others are on their way.
TIMES = 2
SHORT = (
    "all workers killed",
    "web killed during the act",
    "Redis stopped, then wiped",
    "every message five times",
)


@pytest.fixture(scope="module")
def home(worker_id: str) -> Iterator[House]:
    with house(f"faults_{worker_id}", agencies=AGENCIES, own_database=False, letters=False) as home:
        yield home


@pytest.mark.parametrize("name", SHORT)
def test_nothing_is_lost_and_nothing_comes_twice(home: House, name: str) -> None:
    line = go_through(home, BY_NAME[name], decisions=DECISIONS, lasts=AWAY_SECONDS, at_most=TIMES)
    wanted = {"decisions": DECISIONS, "notices": DECISIONS, "lost": 0, "doubled": 0, "reconciled": True}
    assert {key: line[key] for key in wanted} == wanted
