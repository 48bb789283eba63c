"""How the post stands, on one screen or as JSON; whoever watches is told by the exit code."""

from __future__ import annotations

import json
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications import post_office
from notifications.post_office import Standing
from tenants import crossing
from tenants.crossing import Desk

LIMIT_SECONDS: Final = 300.0


class Command(BaseCommand):
    help = "Show what waits, how fast it goes and what was given up; exits with 1 if anything waits too long."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
        parser.add_argument(
            "--limit",
            type=float,
            default=LIMIT_SECONDS,
            metavar="SECONDS",
            help="how long anything may wait (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with crossing.standing(Desk.CLERK):
            standing = post_office.standing()
        if options["json"]:
            self.stdout.write(json.dumps(standing.as_data()))
        else:
            self._show(standing)
        if standing.oldest_seconds > options["limit"]:
            raise CommandError(f"The oldest has waited {standing.oldest_seconds:.0f} s.", returncode=1)

    def _show(self, standing: Standing) -> None:
        for figures in standing.ways:
            self.stdout.write(
                f"{post_office.name_of(figures.way):<6} waiting {figures.waiting}"
                f" (oldest {standing.waits_of(figures):.0f} s), given up {figures.dead},"
                f" sent in the last hour {figures.sent},"
                f" lag p50 {_said(figures.p50)}, p95 {_said(figures.p95)}"
            )
        self.stdout.write(f"swept {_said(standing.swept_seconds)} ago")


def _said(seconds: float | None) -> str:
    return "—" if seconds is None else f"{seconds:.3f} s"
