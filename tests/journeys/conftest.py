"""One browser for the journeys of a file; pictures of what a failed one saw last."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser, expect

from deploy.screens import chromium
from tests.journeys.desk import PATIENCE_MS, Desk
from tests.stage import Stage

expect.set_options(timeout=PATIENCE_MS)
FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def desk(browser: Browser, running: Stage, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """Windows for the people of one journey."""
    desk = Desk(browser, running)
    yield desk
    if request.node.stash.get(FAILED, False):
        desk.picture(running.var / "pictures", re.sub(r"\W+", "-", request.node.name))
    desk.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
