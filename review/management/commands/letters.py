"""How the letters of all agencies stand, on one line or as JSON; whoever watches is told by the exit code."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from review import letter_figures, letter_files
from tenants import crossing
from tenants.crossing import Desk


class Command(BaseCommand):
    help = "Show which letters wait, fail or are damaged; exits with 1 if any is late or damaged."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of a line")

    def handle(self, *args: Any, **options: Any) -> None:
        with crossing.standing(Desk.CLERK):
            found = letter_files.figures()
        told = letter_figures.as_data(found)
        if options["json"]:
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(
                "letters waiting {waiting} (oldest {oldest_seconds:.0f} s), late {late},"
                " failing {failing}, damaged {damaged}".format(**told)
            )
        if found.late or found.damaged:
            raise CommandError(f"{found.late} late, {found.damaged} damaged.", returncode=1)
