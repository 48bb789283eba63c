"""Stored values as words on paper. A value that is not there is an empty text; the templates draw a dash."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final

from register import codes

# What no print may carry: control characters (Word's XML forbids them), characters that turn the direction
# of writing around and so would let a value rewrite its neighbours, halves of pairs, and non-characters.
UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufdd0-\ufdef\ud800-\udfff"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17))
    + "]"
)
LINE_ENDS: Final = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def printable(value: Any) -> Any:
    """A value with everything in it as it may stand on paper; its characters are otherwise left alone."""
    if isinstance(value, str):
        return UNPRINTABLE.sub("", LINE_ENDS.sub("\n", value).replace("\t", " "))
    if isinstance(value, Mapping):
        return {key: printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [printable(item) for item in value]
    return value


def lines(value: Any) -> list[str]:
    """The lines of a longer text, without the empty ones."""
    return [line.strip() for line in str(value or "").split("\n") if line.strip()]


def text(part: Mapping[str, Any], name: str) -> str:
    """A value of a section as it stands."""
    value = part.get(name)
    return "" if value is None else str(value)


def joined(between: str, *texts: str) -> str:
    """The texts that are there, with something between them."""
    return between.join(text for text in texts if text)


def label(code_list: str, code: Any) -> str:
    """The label of a stored code."""
    return "" if code in (None, "") else codes.label(code_list, str(code))


def coded(code_list: str, code: Any) -> str:
    """A label with its code, where the form asks for the code itself."""
    return f"{code} {label(code_list, code)}" if code else ""


def day(on: dt.date) -> str:
    """2026年11月23日."""
    return f"{on.year}年{on.month}月{on.day}日"


def iso(on: Any) -> str:
    """A stored date in words."""
    return day(dt.date.fromisoformat(on)) if on else ""


def month(of: Any) -> str:
    """A stored month in words: 2015-03 as 2015年3月."""
    if not of:
        return ""
    year, number = str(of).split("-")[:2]
    return f"{year}年{int(number)}月"


def dotted(on: Any) -> str:
    """A stored date or month where the column is narrow: 2025.03.01."""
    return str(on or "").replace("-", ".")
