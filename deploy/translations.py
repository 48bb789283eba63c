"""Compile translation files without the gettext tools, which a bare machine lacks."""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def compile_file(source: Path) -> None:
    """Write the compiled form beside a .po file; entries marked fuzzy are left out."""
    with source.open("rb") as text:
        catalogue = read_po(text)
    fresh = source.with_suffix(".mo.fresh")
    with fresh.open("wb") as made:
        write_mo(made, catalogue)
    fresh.replace(source.with_suffix(".mo"))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        compile_file(Path(name))
