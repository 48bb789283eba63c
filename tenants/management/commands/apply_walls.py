"""`manage apply_walls`: after migrations, give every role what the table of grants says."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tenants.walls.upkeep import mend_walls


class Command(BaseCommand):
    help = "Create the database roles and bring privileges and row-level policies up to the table of grants."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="write all schemas, differing or not")

    def handle(self, *args: Any, **options: Any) -> None:
        schemas = mend_walls(everything=options["all"])
        if options["verbosity"]:
            self.stdout.write(f"walls written in {len(schemas)} schemas")
