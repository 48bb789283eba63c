"""Which journey walks through which sentence of the applicants' manual: the document against the sources.

`docs/manual-coverage.md` gives every sentence an id and its pages, `@manual(…)` on a journey names the ids
it fulfils. Read by syntax alone: neither Django nor the tests are loaded.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from deploy.lifelines import ROOT

DOCUMENT: Final = ROOT / "docs" / "manual-coverage.md"
JOURNEYS: Final = ROOT / "tests" / "journeys"
MARK: Final = "manual"
ROOMS: Final = ("portal", "intake", "notifications", "review", "register", "tenants")
_HEADS: Final = ("编号", "---")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the manual: its id, what it asks for, and the pages that fulfil it."""

    id: str
    gist: str
    pages: tuple[str, ...]


# --- The document ----------------------------------------------------------------------------------


def sentences(text: str) -> list[Sentence]:
    """Every sentence of the document, in its order: each line of its tables below their heads."""
    lines = (line.strip() for line in text.splitlines() if line.startswith("|"))
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [
        Sentence(one, gist[0] if gist else "", tuple(re.findall(r"`([^`]+)`", "".join(gist[1:]))))
        for one, *gist in cells
        if one not in _HEADS
    ]


def known() -> list[Sentence]:
    """The sentences of the project's own document."""
    return sentences(DOCUMENT.read_text(encoding="utf-8"))


# --- The sources -----------------------------------------------------------------------------------


def marked(source: str, name: str) -> Iterator[tuple[str, str]]:
    """Each id that a test function or class of this source names by `@manual(…)`, with where it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                if _is_mark(decorator):
                    yield from ((word, f"{name}::{node.name}") for word in _words(decorator))


def _is_mark(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else None
    return isinstance(called, ast.Name) and called.id == MARK


def _words(decorator: ast.expr) -> list[str]:
    arguments = decorator.args if isinstance(decorator, ast.Call) else []
    return [
        given.value
        if isinstance(given, ast.Constant) and isinstance(given.value, str)
        else ast.unparse(given)
        for given in arguments
    ]


def named_pages(source: str) -> Iterator[str]:
    """The names of addresses that a URL configuration gives."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "path":
            for keyword in node.keywords:
                if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                    yield str(keyword.value.value)


# --- Comparing -------------------------------------------------------------------------------------


def faults(told: list[Sentence], walked: Mapping[str, list[str]], pages: frozenset[str]) -> list[str]:
    """What does not fit: an id told twice, without a page or journey, and what only one side knows."""
    ids = [sentence.id for sentence in told]
    found = [f"{one}: told twice" for one in sorted({one for one in ids if ids.count(one) > 1})]
    for sentence in told:
        if sentence.id not in walked:
            found.append(f"{sentence.id}: no journey ({sentence.gist})")
        if not sentence.pages:
            found.append(f"{sentence.id}: no page")
        found += [
            f"{sentence.id}: no address is called {page}" for page in sentence.pages if page not in pages
        ]
    for one in sorted(set(walked) - set(ids)):
        found.append(f"{one}: named by {', '.join(walked[one])}, not in {DOCUMENT.name}")
    return found


def _walked() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in sorted(JOURNEYS.glob("test_*.py")):
        for word, where in marked(file.read_text(encoding="utf-8"), file.name):
            found.setdefault(word, []).append(where)
    return found


def _pages() -> frozenset[str]:
    files = (file for room in ROOMS for file in sorted((ROOT / room).rglob("urls*.py")))
    return frozenset(name for file in files for name in named_pages(file.read_text(encoding="utf-8")))


def main() -> int:
    """The command line: the faults, one a line; their number is the exit code."""
    told, walked = known(), _walked()
    if not told:
        print(f"{DOCUMENT.name} names no sentence of the manual.")
        return 1
    found = faults(told, walked, _pages())
    print("\n".join(found) or f"{len(told)} sentences of the manual, each with its page and its journey.")
    return min(len(found), 100)


if __name__ == "__main__":
    sys.exit(main())
