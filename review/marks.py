"""Which marks of a reviewer count for a version of a dossier: those made on it, and those carried over.

After a correction a mark on the version before goes on counting where nothing has changed: neither what the
section says nor what was asked about it. So nobody checks a section twice, and nobody passes over an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from review import checklist
from review.difference import same
from review.models import Case, Correction, Tick

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark that counts for one section, and the version on which it was made."""

    in_order: bool
    remark: str
    version: int

    @property
    def verdict(self) -> str:
        return "ok" if self.in_order else "fault"


def now(case: Case) -> dict[str, Mark | None]:
    """The marks that count for the present version of a case, by section; None for one not checked yet."""
    dossiers = case.dossiers.filter(version__lte=case.version)
    contents = dict(dossiers.values_list("version", "content"))
    told = case.correction_requests.filter(answered_at__isnull=False) if case.version > 1 else ()
    return counting(case.version, contents, case.ticks.all(), told)


def counting(
    version: int, contents: Mapping[int, Content], ticks: Iterable[Tick], corrections: Iterable[Correction]
) -> dict[str, Mark | None]:
    """The same for any version, out of what the case holds."""
    made = {(tick.item, tick.version): tick for tick in ticks}
    asked = asked_about(corrections)
    found: dict[str, Mark | None] = {}
    for item in checklist.items_of(dict(contents[version])):
        at = version
        while (item.key, at) not in made and _goes_on(item.key, at, contents, asked):
            at -= 1
        tick = made.get((item.key, at))
        found[item.key] = Mark(tick.in_order, tick.remark, at) if tick else None
    return found


def asked_about(corrections: Iterable[Correction]) -> dict[int, frozenset[str]]:
    """The sections that a correction named, by the version that answered it."""
    return {
        correction.answered_by_version: frozenset(item["item"].partition(".")[0] for item in correction.items)
        for correction in corrections
        if correction.answered_by_version
    }


def _goes_on(
    key: str, version: int, contents: Mapping[int, Content], asked: Mapping[int, frozenset[str]]
) -> bool:
    """Whether a mark on the version before this one still counts for it."""
    before = contents.get(version - 1)
    return before is not None and key not in asked.get(version, ()) and same(key, contents[version], before)
