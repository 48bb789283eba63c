"""The directory of agencies: found by name, by pinyin, by initials, by English name or by code.

People write 北京, beijing, bj, 中石化, zgsh or zhongguoshihua: characters and syllables count from their
first letter on, and what a short name leaves out may be left out. Agencies are public and few, so they are
compared here, one by one, and nothing of what was typed reaches the database.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _

from tenants.models import Agency

READINGS: Final = Path(__file__).parent / "data" / "readings.csv"
LONGEST_QUERY: Final = 60
# What many names begin with and people leave out.
COMMON_BEGINNINGS: Final = ("中国", "国家")
LATIN: Final = re.compile(r"[a-z]")
LONG_INITIALS: Final = ("zh", "ch", "sh")
# Characters of two everyday readings: where no word tells which, both are accepted.
TWO_READINGS: Final = {
    "长": ("chang", "zhang"),
    "重": ("zhong", "chong"),
    "行": ("hang", "xing"),
    "乐": ("le", "yue"),
    "藏": ("zang", "cang"),
    "朝": ("chao", "zhao"),
    "单": ("dan", "shan"),
    "调": ("diao", "tiao"),
    "厦": ("xia", "sha"),
}
INITIALS: Final = re.compile(r"[b-df-hj-np-tw-z]+")
NO_INITIALS: Final = 99


class Sign(NamedTuple):
    """One character of a name, and how it is read (nothing for letters and digits)."""

    char: str
    readings: tuple[str, ...] = ()

    def steps(self, query: str, at: int) -> Iterator[int]:
        """How many letters of the query this character may stand for.

        A syllable is written in full or by its initial; only the last one typed may be cut short.
        """
        if query.startswith(self.char, at):
            yield len(self.char)
        left = len(query) - at
        for reading in self.readings:
            for length in range(1, len(reading) + 1):
                if not query.startswith(reading[:length], at):
                    break
                if length in (1, left, len(reading)) or reading[:length] in LONG_INITIALS:
                    yield length


class Rank(NamedTuple):
    """How well an agency fits what was typed: the lower, the better."""

    tier: int
    gaps: int = 0
    # Of names that fit alike, how little their initials leave out: zgsh means 中国石化 before 中国石油.
    by_initials: int = 0


EXACT, BEGINS, CONTAINS, ABBREVIATES = range(4)
# So few letters stand in the middle of most names by chance.
FEW_LETTERS: Final = 3
# An abbreviation that leaves out so much more than the best one is hardly meant.
SPREAD: Final = 2


def first_review() -> list[Agency]:
    """Every first-review agency in the order of its number: one query."""
    every = Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).select_related("merged_into")
    return list(every.order_by("number"))


def why_closed(agency: Agency) -> str:
    """What is said to somebody who would apply to an agency that takes nothing at present."""
    if agency.merged_into is not None:
        return _("%(agency)s已并入%(target)s，请改选%(target)s。") % {
            "agency": agency.name,
            "target": agency.merged_into.name,
        }
    said = _("%(agency)s暂停接收申请，请另选注册机构。") % {"agency": agency.name}
    return said + (_("原因：%(note)s") % {"note": agency.intake_note} if agency.intake_note else "")


def find(query: str, agencies: Iterable[Agency]) -> list[Agency]:
    """The agencies that fit what was typed, best first; all of them when nothing was typed.

    Blanks and case do not count. Where no name fits the words written together, each word must fit.
    """
    everybody = list(agencies)
    typed = query[:LONGEST_QUERY]
    if not typed.strip():
        return everybody
    words = [squeezed(word) for word in typed.split()]
    return _fitting("".join(words), everybody) or _fitting_each(words, everybody)


def squeezed(text: str) -> str:
    """Letters and digits only, half-width and in lower case."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("ü", "v")
    return "".join(char for char in plain if char.isalnum())


def _fitting_each(words: Sequence[str], agencies: list[Agency]) -> list[Agency]:
    for word in words if len(words) > 1 else ():
        agencies = _fitting(word, agencies)
    return agencies if len(words) > 1 else []


def _fitting(query: str, agencies: Iterable[Agency]) -> list[Agency]:
    ranked = [(rank, agency) for agency in agencies if (rank := _rank(query, agency)) is not None]
    ranked.sort(key=lambda found: found[0])
    if not ranked:
        return []
    last = _last_shown(query, ranked[0][0])
    return [agency for rank, agency in ranked if (rank.tier, rank.gaps) <= last]


def _last_shown(query: str, best: Rank) -> tuple[int, int]:
    """The worst tier and number of gaps worth showing beside the best."""
    if best.tier == ABBREVIATES:
        return ABBREVIATES, best.gaps + SPREAD
    few = len(query) <= FEW_LETTERS and LATIN.search(query)
    return (BEGINS if few and best.tier <= BEGINS else CONTAINS), 0


def _rank(query: str, agency: Agency) -> Rank | None:
    if not query:
        return None
    names = _names_of(agency.name_zh, agency.name_en)
    if query in (agency.code, names.plain):
        return Rank(EXACT)
    letters = LATIN.search(query) is not None
    signs = signs_of(names.plain) if letters else names.signs
    fits = dict(_fits(query, signs))
    contained = [start for start, gaps in fits.items() if gaps == 0]
    if contained:
        tier = BEGINS if contained[0] in names.beginnings else CONTAINS
        return Rank(tier, by_initials=_by_initials(query, signs, names))
    if agency.code.startswith(query) or any(tail.startswith(query) for tail in names.english):
        return Rank(CONTAINS)
    # Letters fit almost anything somewhere, so they abbreviate a name from its beginning only.
    allowed = [gaps for start, gaps in fits.items() if start in names.beginnings or not letters]
    return Rank(ABBREVIATES, min(allowed)) if allowed else None


def _by_initials(query: str, signs: Sequence[Sign], names: Names) -> int:
    """How many characters are left out when each letter is the initial of one."""
    if not INITIALS.fullmatch(query):
        return NO_INITIALS
    initials = [Sign(sign.char, tuple(reading[0] for reading in sign.readings)) for sign in signs]
    each = (_gaps(query, initials[start:]) for start in names.beginnings)
    return min((gaps for gaps in each if gaps is not None), default=NO_INITIALS)


def _fits(query: str, signs: Sequence[Sign]) -> Iterator[tuple[int, int]]:
    """Where in a name the query begins, and how many characters it leaves out from there on."""
    for start, sign in enumerate(signs):
        if query[0] == sign.char or any(query[0] == reading[0] for reading in sign.readings):
            gaps = _gaps(query, signs[start:])
            if gaps is not None:
                yield start, gaps


def _gaps(query: str, signs: Sequence[Sign]) -> int | None:
    """How many characters a query leaves out that begins with the first one; None where it does not fit."""
    reached = {0: 0}
    ends: list[int] = []
    for sign in signs:
        further: dict[int, int] = {at: gaps + 1 for at, gaps in reached.items() if at}
        for at, gaps in reached.items():
            for step in sign.steps(query, at):
                further[at + step] = min(gaps, further.get(at + step, gaps))
        if len(query) in further:
            ends.append(further.pop(len(query)))
        if not further:
            break
        reached = further
    return min(ends, default=None)


class Names(NamedTuple):
    """An agency's names as they are compared."""

    plain: str
    signs: tuple[Sign, ...]
    # Where the Chinese name begins, with and without its common beginning.
    beginnings: frozenset[int]
    # The English name from each of its words on.
    english: tuple[str, ...]


@lru_cache(maxsize=1024)
def _names_of(name_zh: str, name_en: str) -> Names:
    plain = squeezed(name_zh)
    words = [squeezed(word) for word in name_en.split()]
    return Names(
        plain=plain,
        signs=tuple(Sign(char) for char in plain),
        beginnings=frozenset({0, *(len(each) for each in COMMON_BEGINNINGS if plain.startswith(each))}),
        english=tuple("".join(words[start:]) for start in range(len(words))),
    )


@lru_cache(maxsize=1024)
def signs_of(name: str) -> tuple[Sign, ...]:
    """The characters of a squeezed name with their pinyin; of several readings the one the word has."""
    known = _known_readings().get(name)
    if known is None:
        return read(name)
    return tuple(Sign(char, tuple(each.split("/"))) for char, each in zip(name, known.split(), strict=True))


@cache
def _known_readings() -> Mapping[str, str]:
    """How the names of the list are read, syllable by syllable; `a/b` where both are said."""
    with READINGS.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row["reading"] for row in csv.DictReader(file)}


def read(name: str) -> tuple[Sign, ...]:
    """The same by the library, for a name that is not in the list.

    Its dictionary takes half a second and 55 MB, so a process loads it only when such a name is searched.
    """
    from pypinyin import Style, pinyin  # noqa: PLC0415

    found = pinyin(name, style=Style.NORMAL, heteronym=True, errors=_one_by_one)
    return tuple(Sign(char, _readings(char, each)) for char, each in zip(name, found, strict=True))


def _readings(char: str, found: list[str]) -> tuple[str, ...]:
    """The everyday readings of a character; the one of the word where a word tells it."""
    if found == [char]:
        return ()
    return TWO_READINGS.get(char, tuple(found[:1])) if len(found) > 1 else tuple(found)


def _one_by_one(unread: str) -> Any:
    """What has no pinyin stands for itself, each character alone (the library's types know only texts)."""
    return list(unread)
