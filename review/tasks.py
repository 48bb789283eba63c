"""What the beat asks of the review."""

from __future__ import annotations

from celery import shared_task

from review import clockwork


@shared_task(name="review.tasks.fire_due", ignore_result=True)
def fire_due() -> dict[str, int]:
    """Let due statutory events happen."""
    return clockwork.fire_due().as_dict()
