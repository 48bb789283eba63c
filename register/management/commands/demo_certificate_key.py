"""`manage.py demo_certificate_key`: a key for the certificates of a demonstration or of tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from register.certificates import trial_key


class Command(BaseCommand):
    """Makes the key where CERTIFICATE_SIGNER_P12 leads; one that is there already stays."""

    help = "Make the trial key that signs the certificates of a demonstration; never in production."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if not (settings.DEMO or settings.TESTING):
            raise CommandError("A trial key is for demonstrations and tests only.")
        if trial_key.provide(Path(settings.CERTIFICATE_SIGNER_P12)):
            self.stdout.write(f"A trial key was made: {settings.CERTIFICATE_SIGNER_P12}")
