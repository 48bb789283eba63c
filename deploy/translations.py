"""Compile translation files without the gettext tools, and find what is not translated yet (with them)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from deploy.lifelines import ROOT, Failure

ENGLISH: Final = ROOT / "portal" / "locale" / "en" / "LC_MESSAGES" / "django.po"
HOLE: Final = re.compile(r"%\(\w+\)[sd]|\{\w*\}|%[sd]")


def compile_file(source: Path) -> None:
    """Write the compiled form beside a .po file; entries marked fuzzy are left out."""
    with source.open("rb") as text:
        catalogue = read_po(text)
    fresh = source.with_suffix(".mo.fresh")
    with fresh.open("wb") as made:
        write_mo(made, catalogue)
    fresh.replace(source.with_suffix(".mo"))


def gather(kept: Path) -> None:
    """Bring the catalogue up to the source: new texts without a translation, gone ones dropped."""
    done = subprocess.run(
        [sys.executable, "manage.py", "makemessages", "-l", "en", "--no-location", "-v0"]
        + [f"--ignore={name}" for name in (".venv", "var", "tests", "deploy")],
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        raise Failure("makemessages failed; it needs the gettext tools.")
    with kept.open("rb") as text:
        catalogue = read_po(text, locale="en")
    for message in catalogue:
        if "fuzzy" in message.flags and message.id:
            message.flags.discard("fuzzy")
            message.string = ""
    with kept.open("wb") as text:
        write_po(text, catalogue, width=110, no_location=True, sort_output=True, ignore_obsolete=True)


def untranslated(kept: Path) -> list[str]:
    """Texts of the source that the English catalogue lacks, or whose placeholders it changes."""
    before = kept.read_bytes()
    try:
        gather(kept)
        with kept.open("rb") as text:
            catalogue = read_po(text, locale="en")
    finally:
        kept.write_bytes(before)
    return [
        str(message.id)
        for message in catalogue
        if message.id and (not message.string or _holes(str(message.id)) != _holes(str(message.string)))
    ]


def _holes(text: str) -> list[str]:
    return sorted(HOLE.findall(text))


def main(words: list[str]) -> int:
    """Compile the files named, gather new texts (--gather), or name what is not translated (--check)."""
    if words == ["--gather"]:
        gather(ENGLISH)
        return 0
    if words == ["--check"]:
        found = untranslated(ENGLISH)
        print("\n".join(f"not translated: {text}" for text in found) or "Every text is there in English.")
        return min(len(found), 1)
    for name in words:
        compile_file(Path(name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
