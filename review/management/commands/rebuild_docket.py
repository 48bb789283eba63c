"""Compare the docket with the case files of every agency, or write it anew from them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from review import docket
from review.walk import agencies
from tenants import crossing
from tenants.crossing import Desk


class Command(BaseCommand):
    help = "Rebuild the docket from the case files; --check only compares and exits with 1 on differences."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="compare only, change nothing")
        parser.add_argument("--agency", metavar="CODE", help="only this agency")

    def handle(self, *args: Any, **options: Any) -> None:
        with crossing.standing(Desk.CLERK):
            if options["check"]:
                self._check(options["agency"])
            else:
                self._rebuild(options["agency"])

    def _check(self, code: str | None) -> None:
        found: list[str] = []
        walked = 0
        for agency in agencies(code):
            with crossing.inside(agency):
                found += docket.differences(agency)
            walked += 1
        found += docket.miscounted()
        for line in found:
            self.stdout.write(self.style.ERROR(line))
        if found:
            raise CommandError(f"{len(found)} differences in {walked} agencies.", returncode=1)
        self.stdout.write(self.style.SUCCESS(f"Docket and case files agree in {walked} agencies."))

    def _rebuild(self, code: str | None) -> None:
        lines = walked = 0
        for agency in agencies(code):
            with crossing.inside(agency):
                lines += docket.rebuild(agency)
            walked += 1
        docket.count_anew()
        self.stdout.write(self.style.SUCCESS(f"{lines} docket lines written for {walked} agencies."))
