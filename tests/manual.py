"""The manual and the journeys: `@manual("2.7-3")` names the sentences that a journey walks through.

After a full run every sentence of `docs/manual-coverage.md` must have been walked by a journey that passed;
skipped or left out does not count. A run narrowed to some tests judges nothing. Works beside pytest-xdist:
the ids travel with each test's report.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import pytest

from deploy import manual as document

PROPERTY: Final = "manual"
# Options by which somebody asks for some of the tests only.
NARROWING: Final = (
    "keyword",
    "markexpr",
    "deselect",
    "ignore",
    "ignore_glob",
    "lf",
    "stepwise",
    "collectonly",
)


def manual(*ids: str) -> pytest.MarkDecorator:
    """This journey walks through these sentences of the manual."""
    return pytest.mark.manual(*ids)


@dataclass(slots=True)
class Coverage:
    """What the journeys of one run have walked through."""

    ids: tuple[str, ...]
    # By id: the journeys that name it, and whether each passed.
    passed: dict[str, dict[str, bool]] = field(default_factory=dict)

    def note(self, report: pytest.TestReport) -> None:
        """One phase of a test is over; a journey passes when all of them have."""
        for name, value in report.user_properties:
            if name == PROPERTY:
                runs = self.passed.setdefault(str(value), {})
                runs[report.nodeid] = report.passed and runs.get(report.nodeid, True)

    def unfulfilled(self) -> list[str]:
        """Sentences that no journey walked, or one walked in vain, with the journey."""
        found = []
        for one in self.ids:
            runs = self.passed.get(one, {})
            if not runs:
                found.append(f"{one}: no journey was run")
            found += [f"{one}: {journey} did not pass" for journey, well in runs.items() if not well]
        return found


class Plugin:
    """Lets a full run fail when a sentence of the manual was not walked."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.coverage = Coverage(tuple(ids))
        self.missing: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.coverage.note(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Judge, unless the run was stopped before its end."""
        ended = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if ended and not (session.shouldfail or session.shouldstop):
            self.missing = self.coverage.unfulfilled()
        if self.missing and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.missing:
            terminalreporter.section("the manual is not fulfilled", sep="=", red=True)
            for line in self.missing:
                terminalreporter.line(line)


def is_full(config: pytest.Config) -> bool:
    """Whether everything there is shall be run: no path, no choice, no early end."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return whole and not any(getattr(config.option, name, None) for name in NARROWING)


def pytest_configure(config: pytest.Config) -> None:
    """The run's own process judges; those that xdist starts only run tests."""
    if not hasattr(config, "workerinput") and is_full(config):
        config.pluginmanager.register(Plugin(one.id for one in document.known()), "manual-coverage")


def carry_ids(items: list[pytest.Item]) -> None:
    """Write the ids of each journey where its reports carry them along."""
    for item in items:
        for mark in item.iter_markers(PROPERTY):
            item.user_properties += [(PROPERTY, one) for one in mark.args]
