"""Set-up shared by all tests; run them through `bin/test`, which brings the servers along."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from tests import ground, manual, stage
from tests.cast import cast, shifted_clock
from tests.manual import pytest_configure
from tests.stage import Stage

__all__ = ["cast", "pytest_configure", "shifted_clock"]

# What takes longest begins first, so that no process is left alone with it at the end.
LONGEST_FIRST = ("tests/journeys/test_accessibility.py", "tests/journeys/", "tests/faults/", "tests/review/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests, and write the manual's ids where their reports carry them along."""
    items.sort(key=_place)
    manual.carry_ids(items)


def _place(item: pytest.Item) -> int:
    found = (n for n, start in enumerate(LONGEST_FIRST) if item.nodeid.startswith(start))
    return next(found, len(LONGEST_FIRST))


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker, worker_id: str
) -> Iterator[None]:
    """The test database with roles, walls, the authority and three agencies, one for each test process."""
    name = f"test_{worker_id}"
    with ground.copied(name):
        with django_db_blocker.unblock():
            ground.stand_on(name)
        yield
        with django_db_blocker.unblock():
            connection.close()


@pytest.fixture(scope="session")
def running(worker_id: str) -> Iterator[Stage]:
    """The whole portal, running: for journeys in a browser and for faults. Each test process has its own."""
    with stage.standing(worker_id) as running:
        yield running


@pytest.fixture(autouse=True)
def _at_the_start() -> Iterator[None]:
    """No test begins where another one ended."""
    ground.at_the_start()
    yield
    ground.at_the_start()
