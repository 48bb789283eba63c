"""What the clock does with drafts."""

from __future__ import annotations

from celery import shared_task

from intake import filing


@shared_task
def retire_drafts() -> int:
    """Delete drafts that nobody has touched for the retention period; answers how many."""
    return filing.retire(before=filing.idle_since())
