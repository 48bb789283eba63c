"""`manage.py demo_cases`: cases at several agencies and before the authority, for demonstrations only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from intake import demo


class Command(BaseCommand):
    """Runs after `demo_data`, and once per database: where there are cases already it changes nothing."""

    help = "Fill a demonstration with synthetic cases in different states, some of them overdue."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if not (settings.DEMO or settings.TESTING):
            raise CommandError("This is no demonstration: PORTAL_DEMO is not set.")
        made = demo.fill(Path(settings.VAR_DIR) / "demo")
        self.stdout.write(f"{made} cases were made.")
