"""Names of people: kept as they are written, with the one separator the notice 民委发〔2016〕33号 allows.

Every character of GB 18030 may stand in a name, so nothing is folded or composed when a name is stored.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

SEPARATOR: Final = "·"
MAX_LENGTH: Final = 100

_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_DOTS: Final = re.compile(r"\s*[·•・･‧∙⋅●]\s*")
# A full stop is a separator between two characters that are no Latin letters (J. Smith keeps his).
_STOPS: Final = re.compile(r"(?<=[^\x00-\x7f])\s*[.．。]\s*(?=[^\x00-\x7f])")
_SPACE_IN_CHINESE: Final = re.compile(r"(?<=[^\x00-\u024f])\s+|\s+(?=[^\x00-\u024f])")
_FULL_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code - 0xFEE0).isalnum()}
# Marks and symbols, emoji among them; letters of all scripts, and those newer than this Python, may stand.
_FORBIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Sc", "Sk", "Sm", "So", "Me"})
# By far most names: nothing in them to be normalised or doubted.
PLAIN: Final = re.compile(f"[\u4e00-\u9fa5]{{2,{MAX_LENGTH}}}")
_ALLOWED_ASCII: Final = re.compile(r"[A-Za-z0-9 .'\-]")


def normalise(text: str) -> str:
    """A name as it is stored: one separator `·`, half-width letters, no stray spaces or invisible marks."""
    name = _INVISIBLE.sub("", text).translate(_FULL_WIDTH)
    name = _STOPS.sub(SEPARATOR, _DOTS.sub(SEPARATOR, name))
    name = _SPACE_IN_CHINESE.sub("", name)
    return " ".join(name.split())


def check(text: str) -> str:
    """The normalised name. Raises ValidationError for what cannot be a name; rare characters can."""
    if PLAIN.fullmatch(text):
        return text
    name = normalise(text)
    if not name:
        raise ValidationError(_("请填写姓名。"), code="required")
    if not 2 <= len(name) <= MAX_LENGTH:
        raise ValidationError(_("姓名应为 2 至 %(max)d 个字符。"), code="length", params={"max": MAX_LENGTH})
    if not all(map(_may_stand, name)) or not (name[0].isalnum() or ord(name[0]) > 0x2E7F):
        raise ValidationError(_("姓名中含有不能使用的符号；姓名中的间隔号请使用“·”。"), code="characters")
    return name


def same(a: str, b: str) -> bool:
    """Whether two spellings are the same name: width, case, spaces and separators do not count."""
    return a == b or _key(a) == _key(b)


def mask(name: str) -> str:
    """A name of which only a part is shown: first and last character, of several parts the first."""
    between = SEPARATOR if SEPARATOR in name else " "
    head, found, _rest = name.partition(between)
    if found:
        return f"{head}{between}***"
    return f"{name[:1]}{'*' * max(1, len(name) - 2)}{name[-1:] if len(name) > 2 else ''}"


def _key(text: str) -> str:
    folded = unicodedata.normalize("NFKC", normalise(text)).casefold()
    return "".join(char for char in folded if char not in " ·'-.")


def _may_stand(char: str) -> bool:
    if char.isascii():
        return _ALLOWED_ASCII.fullmatch(char) is not None
    return char == SEPARATOR or unicodedata.category(char) not in _FORBIDDEN_CATEGORIES
