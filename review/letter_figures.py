"""How the letters of all agencies stand, for whoever watches: metrics, the operator's command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from register import clock
from review import letter_files
from review.letter_files import Figures


def oldest_seconds(found: Figures) -> float:
    """How long the oldest letter waits to be drawn; nothing where none does."""
    return max((clock.now() - found.oldest).total_seconds(), 0.0) if found.oldest else 0.0


def gauges() -> Mapping[str, tuple[str, float]]:
    """Each figure by its name with what it says. As the clerk or at the authority's desk."""
    found = letter_files.figures()
    return {
        "letters_waiting": ("Letters ordered and not drawn yet.", found.waiting),
        "letters_late": ("Letters that have waited for more than ten minutes.", found.late),
        "letters_failing": ("Waiting letters that were tried in vain.", found.failing),
        "letters_damaged": ("Letters whose kept file is damaged or gone for good.", found.damaged),
        "letters_oldest_seconds": ("How long the oldest letter has waited.", oldest_seconds(found)),
    }


def as_data(found: Figures) -> dict[str, Any]:
    """As plain values, for programs that watch."""
    return {
        "waiting": found.waiting,
        "late": found.late,
        "failing": found.failing,
        "damaged": found.damaged,
        "oldest_seconds": round(oldest_seconds(found), 3),
    }
