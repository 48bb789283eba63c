"""Set-up shared by all tests; run them through `bin/test`, which brings the servers along."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests import ground, stage
from tests.cast import cast, shifted_clock
from tests.manual import pytest_collection_modifyitems, pytest_configure
from tests.stage import Stage

__all__ = ["cast", "pytest_collection_modifyitems", "pytest_configure", "shifted_clock"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The migrated test database with roles, walls, the authority and three agencies, once per session."""
    with django_db_blocker.unblock():
        ground.open_ground()


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
