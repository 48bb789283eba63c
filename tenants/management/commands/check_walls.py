"""`manage check_walls`: name every difference between the catalogue and the table of grants."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.walls.upkeep import wall_faults


class Command(BaseCommand):
    help = "Compare roles, privileges and policies with the table of grants; fails on a difference."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        faults = wall_faults()
        for fault in faults:
            self.stderr.write(fault)
        if faults:
            raise CommandError(f"{len(faults)} differences; `apply_walls` mends privileges and policies")
        self.stdout.write("walls as written")
