"""`manage open_agency`: open agencies, one by name or all of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.models import Agency
from tenants.provisioning import AGENCIES_FILE, AgencyRow, open_agencies, open_authority, read_agencies


class Command(BaseCommand):
    help = "Open first-review agencies: schema, database role, host and row. Open ones are left as they are."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = [kind for kind in Agency.Kind.values if kind != Agency.Kind.AUTHORITY]
        parser.add_argument("codes", nargs="*", metavar="CODE", help="agencies of the file, or a new one")
        parser.add_argument("--kind", choices=kinds)
        parser.add_argument("--name-zh")
        parser.add_argument("--name-en", default="")
        parser.add_argument(
            "--all",
            nargs="?",
            const=AGENCIES_FILE,
            type=Path,
            metavar="FILE",
            help=f"open every agency of a CSV file (default {AGENCIES_FILE.name}) and the authority",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"]:
            open_authority()
        try:
            opened = open_agencies(self._rows(options))
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        if options["verbosity"]:
            for agency in opened:
                self.stdout.write(f"{agency.number:03d} {agency.code} {agency.name_zh}")
            self.stdout.write(f"{len(opened)} agencies opened")

    def _rows(self, options: dict[str, Any]) -> list[AgencyRow]:
        if options["all"]:
            return read_agencies(options["all"])
        codes: list[str] = options["codes"]
        if options["name_zh"] and options["kind"]:
            if len(codes) != 1:
                raise CommandError("Give one CODE with --kind and --name-zh.")
            names = {"name_zh": options["name_zh"], "name_en": options["name_en"]}
            return [AgencyRow(code=codes[0], kind=options["kind"], **names)]
        listed = {row.code: row for row in read_agencies()}
        unknown = [code for code in codes if code not in listed]
        if unknown or not codes:
            missing = ", ".join(unknown) or "no CODE given"
            raise CommandError(f"Not in {AGENCIES_FILE.name}: {missing}. Give --kind and --name-zh.")
        return [listed[code] for code in codes]
