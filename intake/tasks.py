"""What the clock does with drafts and uploads."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from intake import filing, papers
from register import clock


@shared_task
def retire_drafts() -> int:
    """Delete drafts that nobody has touched for the retention period; answers how many."""
    return filing.retire(before=filing.idle_since())


@shared_task
def clear_papers() -> int:
    """Delete uploads that no application uses any more; answers how many."""
    return papers.clear_loose(touched_since=clock.now() - timedelta(days=30))
