"""What the two import commands have in common."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from register import rosters
from tenants import crossing
from tenants.errors import Refusal

SHOWN = 50


class RosterCommand(BaseCommand):
    """Brings one file into the register, at the authority's desk: an import is an officer's act."""

    what: rosters.What

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="CSV (UTF-8 or GBK) or XLSX")
        parser.add_argument("--dry-run", action="store_true", help="only say what the file would do")
        parser.add_argument(
            "--skip-bad-rows", action="store_true", help="leave faulty rows out, write the rest"
        )

    def handle(self, *args: Any, file: Path, dry_run: bool, skip_bad_rows: bool, **options: Any) -> None:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from error
        try:
            with crossing.standing(crossing.Desk.AUTHORITY):
                if dry_run:
                    self._tell_preview(rosters.preview(data, file.name, self.what))
                else:
                    self._tell_result(rosters.commit(data, file.name, self.what, skip_bad_rows=skip_bad_rows))
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal

    def _tell_preview(self, preview: rosters.Preview) -> None:
        self._tell_errors(preview.errors)
        if preview.ignored_columns:
            self.stdout.write(f"columns left out: {', '.join(preview.ignored_columns)}")
        self.stdout.write(
            f"{preview.rows} rows: {preview.new} new, {preview.changed} changed, "
            f"{preview.unchanged} unchanged, {preview.bad_lines} faulty; {preview.new_people} new people"
        )

    def _tell_result(self, result: rosters.Result) -> None:
        self._tell_errors(result.errors)
        if not result.written:
            raise CommandError("Nothing was written: correct these lines, or give --skip-bad-rows.")
        self.stdout.write(
            f"{result.new} new, {result.changed} changed, {result.unchanged} unchanged, "
            f"{result.skipped} left out; {result.new_people} new people; {result.seconds:.1f} s"
        )

    def _tell_errors(self, errors: tuple[rosters.LineError, ...]) -> None:
        for error in errors[:SHOWN]:
            self.stderr.write(f"line {error.line}, {error.column}: {error.message}")
        if len(errors) > SHOWN:
            self.stderr.write(f"… and {len(errors) - SHOWN} more")
