"""What a new version of a dossier says differently: rows of a list, and papers.

Single fields carry their former value themselves (`review.sections.Line`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Stored = Mapping[str, Any]
SAME, ADDED, REMOVED, CHANGED = "same", "added", "removed", "changed"
# Two rows are the same one, changed, when they agree in at least so much of what they say.
LEAST_AGREEMENT: Final = 0.5


def same(section: str, content: Stored, before: Stored) -> bool:
    """Whether a section says in two versions the same. The photo and each paper stand there by their hash."""
    return bool((content.get(section) or None) == (before.get(section) or None))


@dataclass(frozen=True, slots=True)
class Pair:
    """A row as it is now and as it was; one of the two is missing where it was added or removed."""

    now: Stored | None
    was: Stored | None

    @property
    def how(self) -> str:
        if self.was is None:
            return ADDED
        if self.now is None:
            return REMOVED
        return SAME if self.now == self.was else CHANGED


def paired(now: Sequence[Stored], was: Sequence[Stored]) -> list[Pair]:
    """The rows of a list beside those of the version before: in today's order, removed ones at the end."""
    left = list(was)
    partners: dict[int, Stored] = {}
    for place, row in enumerate(now):
        if row in left:
            left.remove(row)
            partners[place] = row
    for place, row in enumerate(now):
        if place not in partners and (likest := _likest(row, left)) is not None:
            left.remove(likest)
            partners[place] = likest
    pairs = [Pair(row, partners.get(place)) for place, row in enumerate(now)]
    return [*pairs, *(Pair(None, row) for row in left)]


def _likest(row: Stored, among: Iterable[Stored]) -> Stored | None:
    best = max(among, key=lambda other: _agreement(row, other), default=None)
    return best if best is not None and _agreement(row, best) >= LEAST_AGREEMENT else None


def _agreement(one: Stored, other: Stored) -> float:
    """How much of what either row says is said by both."""
    said = [key for key in {*one, *other} if one.get(key) or other.get(key)]
    return sum(one.get(key) == other.get(key) for key in said) / len(said) if said else 1.0


@dataclass(frozen=True, slots=True)
class Papers:
    """The uploaded papers against the version before, by id."""

    added: frozenset[str]
    replaced: frozenset[str]
    removed: tuple[Stored, ...]


def papers(now: Sequence[Stored], was: Sequence[Stored]) -> Papers:
    """What was uploaded anew, what of it in place of another file of its kind, and what was taken out."""
    before, after = {line["id"] for line in was}, {line["id"] for line in now}
    removed = tuple(line for line in was if line["id"] not in after)
    gone = {line["code"] for line in removed}
    fresh = [line for line in now if line["id"] not in before]
    return Papers(
        added=frozenset(line["id"] for line in fresh if line["code"] not in gone),
        replaced=frozenset(line["id"] for line in fresh if line["code"] in gone),
        removed=removed,
    )
