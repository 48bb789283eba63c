"""Dated code lists (代码表): records store the code, screens show the label of its time."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from django.utils.translation import get_language

from register import clock
from register.memory import Remembered
from register.models import Code
from register.policy import SEVEN_CATEGORIES, Policy

DATA: Final = Path(__file__).parent / "data" / "codes.csv"

# Document 118 of 2017 against Order 11: which new category may stand for an old one. "Other" was split.
NEW_FOR_OLD: Final[Mapping[str, frozenset[str]]] = {
    "A1": frozenset({"B1"}),
    "A2": frozenset({"B2"}),
    "A3": frozenset({"B5"}),
    "A4": frozenset({"B3"}),
    "A5": frozenset({"B4", "B6", "B7"}),
}
# A reason that serves both for a return and for a refusal.
ALSO_REFUSES: Final = frozenset({"R10"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a list, with the days between which it may be chosen."""

    list: str
    code: str
    label_zh: str
    label_en: str
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def label(self) -> str:
        """The label in the reader's language."""
        return self.label_en if (get_language() or "").startswith("en") else self.label_zh

    def holds_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


def _load() -> Mapping[str, Mapping[str, Entry]]:
    lists: dict[str, dict[str, Entry]] = defaultdict(dict)
    rows = Code.objects.values_list("list", "code", "label_zh", "label_en", "valid_from", "valid_to")
    for row in rows:
        entry = Entry(*row)
        lists[entry.list][entry.code] = entry
    return lists


_lists: Remembered[Mapping[str, Mapping[str, Entry]]] = Remembered(_load, seconds=300)


def entries(list: str, on: date | None = None) -> tuple[Entry, ...]:
    """The entries of a list that may be chosen on a day (today), in their order."""
    day = on or clock.today()
    return tuple(entry for entry in _lists().get(list, {}).values() if entry.holds_on(day))


def choices(list: str, on: date | None = None) -> list[tuple[str, str]]:
    """Code and label of each entry, for a form field in the reader's language."""
    return [(entry.code, entry.label) for entry in entries(list, on)]


def label(list: str, code: str) -> str:
    """The label of a stored code, also of one that can no longer be chosen; unknown codes show themselves."""
    entry = _lists().get(list, {}).get(code)
    return entry.label if entry else code


def in_both(list: str, code: str) -> tuple[str, str]:
    """The label of a stored code in Chinese and English, for a text that is told in both."""
    entry = _lists().get(list, {}).get(code)
    return (entry.label_zh, entry.label_en) if entry else (code, code)


def holds(list: str, code: str, on: date | None = None) -> bool:
    """Whether this code may be chosen on a day (today)."""
    entry = _lists().get(list, {}).get(code)
    return entry is not None and entry.holds_on(on or clock.today())


# --- Categories ----------------------------------------------------------------------------------
def categories(policy: Policy, on: date | None = None) -> tuple[Entry, ...]:
    """The registration categories on offer: the old five or the new seven, as the policy says."""
    prefix = "B" if policy.categories == SEVEN_CATEGORIES else "A"
    return tuple(entry for entry in entries("category", on) if entry.code.startswith(prefix))


def category_agrees(chosen: str, examined: str) -> bool:
    """Whether a chosen category fits the one examined; without an exam category there is nothing to compare.

    An old and a new category agree through the mapping of document 118 of 2017.
    """
    if not examined or chosen == examined:
        return True
    return examined in NEW_FOR_OLD.get(chosen, frozenset()) or chosen in NEW_FOR_OLD.get(
        examined, frozenset()
    )


# --- Reasons -------------------------------------------------------------------------------------
def return_reasons() -> tuple[Entry, ...]:
    """Reasons for which an application goes back for correction."""
    return tuple(entry for entry in entries("reason") if entry.code.startswith("R"))


def refusal_reasons() -> tuple[Entry, ...]:
    """Reasons for a negative opinion or a refusal."""
    return tuple(
        entry for entry in entries("reason") if entry.code.startswith("N") or entry.code in ALSO_REFUSES
    )


def reason_kind(code: str) -> str:
    """`return` or `refuse`: what a reason is first of all meant for."""
    return "refuse" if code.startswith("N") else "return"


# --- The file ------------------------------------------------------------------------------------
def rows_of_file() -> Iterator[dict[str, Any]]:
    """The entries the portal ships with, as keyword arguments of `Code`."""
    with DATA.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield {
                **row,
                "order": int(row["order"]),
                "valid_from": _date(row["valid_from"]),
                "valid_to": _date(row["valid_to"]),
            }


def store(rows: Iterable[Mapping[str, Any]], model: type[Code] = Code) -> None:
    """Write entries, replacing what stands under the same list and code. Used by the data migration."""
    model.objects.bulk_create(
        [model(**row) for row in rows],
        update_conflicts=True,
        unique_fields=["list", "code"],
        update_fields=["label_zh", "label_en", "order", "valid_from", "valid_to"],
    )


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
