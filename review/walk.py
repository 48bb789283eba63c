"""The agencies one after the other, for commands that walk all case files."""

from __future__ import annotations

from django.core.management.base import CommandError

from tenants.models import Agency


def agencies(code: str | None = None) -> list[Agency]:
    """Every first-review agency, or the one of this code. Raises CommandError for an unknown code."""
    every = Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).order_by("number")
    chosen = list(every.filter(code=code) if code else every)
    if code and not chosen:
        raise CommandError(f"There is no agency called {code}.", returncode=2)
    return chosen
