"""The text of a notice in both languages.

It stands in `templates/notices/<kind>/board.zh.txt` and `board.en.txt` (of a letter: `letter.zh.txt`,
`letter.en.txt`): the first line is the title, the rest the body. A value that differs by language travels in
both; dates travel as ISO text.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.template import Context, Template
from django.template.loader import get_template

from notifications.catalogue import KINDS, NoticeKind

LANGUAGES: Final = ("zh", "en")
BEIJING: Final = ZoneInfo("Asia/Shanghai")

NOTHING: Final = "—"

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}\S*")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_BETWEEN = {"zh": "；", "en": "; "}


@dataclass(frozen=True, slots=True)
class Wording:
    """A notice as it is read, in both languages."""

    title_zh: str
    body_zh: str
    title_en: str
    body_en: str


def wording(kind: str, data: Mapping[str, Any]) -> Wording:
    """The text of a notice in both languages. An unknown kind raises KeyError."""
    title_zh, body_zh = _text(KINDS[kind], data, "zh")
    title_en, body_en = _text(KINDS[kind], data, "en")
    return Wording(title_zh, body_zh, title_en, body_en)


def _text(kind: NoticeKind, data: Mapping[str, Any], language: str) -> tuple[str, str]:
    values = {field: _said(data[field], language) for field in (*kind.fields, *kind.made)}
    # Notices are plain text; whoever shows them on a page escapes them there.
    text = _template(kind, language).render(Context(values, autoescape=False))
    title, _newline, body = text.strip().partition("\n")
    return title.strip(), body.strip()


def template_name(kind: NoticeKind, language: str) -> str:
    """Where the text of a kind stands."""
    return f"notices/{kind.code}/{'letter' if kind.is_letter else 'board'}.{language}.txt"


def _template(kind: NoticeKind, language: str) -> Template:
    template: Template = get_template(template_name(kind, language)).template  # type: ignore[attr-defined]
    return template


def _said(value: Any, language: str) -> str:
    if value in ("", []):
        return NOTHING
    if isinstance(value, Mapping):
        return str(value[language])
    if isinstance(value, list):
        return _BETWEEN[language].join(_said(one, language) for one in value)
    if isinstance(value, str) and _DAY.fullmatch(value):
        return day_in_words(dt.date.fromisoformat(value), language)
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return _moment_in_words(dt.datetime.fromisoformat(value), language)
    return str(value)


def day_in_words(day: dt.date, language: str) -> str:
    """A date as it is written in that language: 2026年11月23日, 23 November 2026."""
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _moment_in_words(moment: dt.datetime, language: str) -> str:
    at = moment.astimezone(BEIJING)
    between = " " if language == "zh" else ", "
    return f"{day_in_words(at.date(), language)}{between}{at:%H:%M}"
