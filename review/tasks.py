"""What the beat asks of the review."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from celery import shared_task

from review import clockwork, escalation, exports, prepared, prints
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency, PreparedFile


@shared_task(name="review.tasks.fire_due", ignore_result=True)
def fire_due() -> dict[str, int]:
    """Let due statutory events happen."""
    return clockwork.fire_due().as_dict()


@shared_task(name="review.tasks.recompute", ignore_result=True)
def recompute() -> dict[str, int]:
    """Count open deadlines anew by the calendar as it is known now."""
    return clockwork.recompute().as_dict()


@shared_task(name="review.tasks.escalate", ignore_result=True)
def escalate() -> dict[str, int]:
    """Tell of deadlines that come near or are over."""
    return escalation.sweep().as_dict()


# --- Files for officers --------------------------------------------------------------------------------

WRITERS: Final[Mapping[str, prepared.Writer]] = {
    PreparedFile.Kind.EXPORT: exports.write,
    PreparedFile.Kind.PRINTS: prints.write,
}


@shared_task(name="review.tasks.prepare", ignore_result=True)
def prepare(file_id: str, agency_code: str) -> bool:
    """Write an ordered file at the agency's own desk, behind its wall; whether it was written here."""
    agency = Agency.objects.get(code=agency_code)
    with crossing.standing(Desk.AGENCY, agency):
        kind = PreparedFile.objects.values_list("kind", flat=True).filter(pk=file_id).first()
        writer = WRITERS.get(kind or "")
        return writer is not None and prepared.write(file_id, writer)


@shared_task(name="review.tasks.sweep_files", ignore_result=True)
def sweep_files() -> int:
    """Clear away old files, and ring again for orders that nobody has heard; answers how many."""
    return prepared.sweep()
