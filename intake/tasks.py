"""What the clock does with drafts and uploads, and the archive that an officer orders."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from intake import archive, filing, papers, photos, reminders
from register import clock
from review import prepared
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency


@shared_task
def retire_drafts() -> int:
    """Delete drafts that nobody has touched for the retention period; answers how many."""
    return filing.retire(before=filing.idle_since())


@shared_task
def clear_papers() -> int:
    """Delete uploads that no application uses any more; answers how many."""
    return papers.clear_loose(touched_since=clock.now() - timedelta(days=30))


@shared_task
def clear_photos() -> int:
    """Delete portraits that nothing names and that are older than a day; answers how many."""
    return photos.clear_loose(before=clock.now() - photos.A_DAY)


@shared_task
def prepare_archive(file_id: str, agency_code: str) -> bool:
    """Write an ordered archive of a case at the agency's own desk; whether it was written here."""
    agency = Agency.objects.get(code=agency_code)
    with crossing.standing(Desk.AGENCY, agency):
        return prepared.write(file_id, archive.write)


@shared_task
def remind() -> int:
    """The day's reminders about drafts, corrections, hours and contact data, if not all are posted yet."""
    return reminders.run()
