"""Every setting is told to the operator."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings


def test_every_variable_stands_in_the_operators_table() -> None:
    source = Path(settings.BASE_DIR, "portal", "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'(?:env\.\w+|_secret)\(\s*f?"([A-Z_]+)"', source))
    read |= set(re.findall(r'"(DATABASE_\w*URL)"', source))
    told = set(
        re.findall(r"`([A-Z_]+)`", Path(settings.BASE_DIR, "docs", "operator.md").read_text(encoding="utf-8"))
    )
    assert read - told == set()
