"""What the beat asks of the review."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from celery import shared_task

from register import clock
from register.models import Batch
from review import (
    agency_jobs,
    audit_files,
    batch_runs,
    batches,
    certificates,
    clockwork,
    deemed,
    dispatch_prints,
    docket,
    docket_exports,
    escalation,
    exports,
    letter_files,
    looks,
    mergers,
    prepared,
    prints,
    reconcile,
    roster_exports,
    walk,
)
from review.states import State
from tenants import bells, crossing, health
from tenants.crossing import Desk
from tenants.models import Agency, AgencyJob, PreparedFile, SchemaHealth

logger = logging.getLogger(__name__)

# So many differences are written to the log; `reconcile` tells them all.
MOST_LOGGED: Final = 20


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


@shared_task(name="review.tasks.tell_deemed", ignore_result=True)
def tell_deemed() -> dict[str, int]:
    """Tell of registrations that go on by a renewal in time, and of the end of that."""
    return deemed.sweep().as_dict()


@shared_task(name="review.tasks.fold_counts", ignore_result=True)
def fold_counts() -> int:
    """Keep the counters of the docket short; answers how many rows were put together."""
    return docket.fold_counts()


# --- Letters ------------------------------------------------------------------------------------------


@shared_task(name=letter_files.TASK, ignore_result=True)
def draw_letters() -> int:
    """Draw and keep the letters that are due; answers how many. What is left goes on in the next slice."""
    swept = letter_files.sweep()
    if swept.more:
        letter_files.ring()
    return swept.drawn


# --- Files for officers --------------------------------------------------------------------------------

# By kind; what the order says of itself comes first.
WRITERS: Final[Mapping[str, prepared.Writer]] = {
    PreparedFile.Kind.EXPORT: exports.write,
    PreparedFile.Kind.PRINTS: prints.write,
    docket_exports.DOCKET_LIST: docket_exports.write,
    docket_exports.SUMMARY: docket_exports.write,
    dispatch_prints.SUMMARY_LIST: dispatch_prints.write,
    looks.ROSTER: roster_exports.write,
    audit_files.BOOK: audit_files.write_export,
    audit_files.VERIFICATION: audit_files.write_verification,
}


@shared_task(name="review.tasks.prepare", ignore_result=True)
def prepare(file_id: str, agency_code: str) -> bool:
    """Write a file at the desk where it was ordered, behind its wall; whether it was written here."""
    agency = Agency.objects.get(code=agency_code)
    with crossing.standing(*_desk_of(agency)):
        order = PreparedFile.objects.only("kind", "wish").filter(pk=file_id).first()
        writer = WRITERS.get(order.wish.get("what") or order.kind) if order else None
        return writer is not None and prepared.write(file_id, writer)


def _desk_of(agency: Agency) -> tuple[Desk, Agency | None]:
    return (Desk.AUTHORITY, None) if agency.is_authority else (Desk.AGENCY, agency)


@shared_task(name="review.tasks.sweep_files", ignore_result=True)
def sweep_files() -> int:
    """Clear away old files, and ring again for orders that nobody has heard; answers how many."""
    return prepared.sweep()


# --- Agencies ------------------------------------------------------------------------------------------


@shared_task(name="review.tasks.agency_job", ignore_result=True)
def agency_job(job_id: str) -> None:
    """Open or mend an agency, or carry on with a merger. Only the owner's worker can."""
    kind = AgencyJob.objects.values_list("kind", flat=True).get(pk=job_id)
    if kind == AgencyJob.Kind.MERGER:
        mergers.carry_on(job_id)
    else:
        agency_jobs.carry_out(job_id)


@shared_task(name="review.tasks.sweep_agency_jobs", ignore_result=True)
def sweep_agency_jobs() -> int:
    """Ring again for jobs of agencies that nobody is at; answers how many."""
    return agency_jobs.sweep()


@shared_task(name="review.tasks.check_schemas", ignore_result=True)
def check_schemas() -> int:
    """Look at the agencies' schemas and write down how they stand. Only the owner's worker can."""
    return len(health.check(at=clock.now()))


@shared_task(name="review.tasks.reconcile", ignore_result=True)
def compare_books() -> int:
    """Hold movements, notices, docket and register against one another, and note the differences; how many.

    An agency that fails is logged and does not stop the others; a schema that is not up to date is passed
    over, the overview says so of it.
    """
    health_of = {row.agency_id: row for row in SchemaHealth.objects.exclude(agency=None)}
    found = reconcile.by_night([agency for agency in walk.agencies() if _stands(agency, health_of)])
    for one in found.differences[:MOST_LOGGED]:
        logger.error("The books differ: %s", one.said)
    logger.info("Books compared: %s cases, %s differences.", found.cases, len(found.differences))
    return len(found.differences)


def _stands(agency: Agency, health_of: Mapping[int | None, SchemaHealth]) -> bool:
    health = health_of.get(agency.pk)
    if health is None:
        logger.warning("The schema of %s was never looked at: nobody sees its differences.", agency.code)
        return True
    return health.exists and not health.behind


# --- Announcement batches --------------------------------------------------------------------------------


# A long batch is done in slices: `after` is the case with which the one before ended.


@shared_task(name=batches.ANNOUNCE, ignore_result=True)
def announce_batch(batch_id: str, after: str = "") -> int:
    """Announce the cases of a published batch at the authority's desk; certificates follow. How many."""
    run = _at_authority(batches.announce, batch_id, after)
    if run.after is not None:
        bells.ring(batches.ANNOUNCE, batch_id, str(run.after))
    else:
        bells.ring(batches.ISSUE, batch_id)
    return run.done


@shared_task(name=batches.ISSUE, ignore_result=True)
def issue_certificates(batch_id: str, after: str = "") -> int:
    """Issue what waits in a published batch, at the authority's desk; how many were issued here."""
    run = _at_authority(certificates.issue_batch, batch_id, after)
    if run.after is not None:
        bells.ring(batches.ISSUE, batch_id, str(run.after))
    return run.done


def _at_authority(work: Callable[..., batch_runs.Run], batch_id: str, after: str) -> batch_runs.Run:
    with crossing.standing(Desk.AUTHORITY):
        batch = Batch.objects.select_related("published_by").get(pk=batch_id)
        return work(batch, after=UUID(after) if after else None)


@shared_task(name="review.tasks.sweep_batches", ignore_result=True)
def sweep_batches() -> int:
    """Ring again for published batches of which cases still wait; answers how many."""
    return _ring_for(State.FINAL_PASSED, batches.ANNOUNCE)


@shared_task(name="review.tasks.sweep_certificates", ignore_result=True)
def sweep_certificates() -> int:
    """Ring again for published batches that still wait for certificates; answers how many."""
    return _ring_for(State.ANNOUNCED, batches.ISSUE)


def _ring_for(state: State, task: str) -> int:
    waiting = list(batch_runs.batches_with(state).order_by("published_on", "pk").values_list("pk", flat=True))
    for key in waiting:
        bells.ring(task, str(key))
    return len(waiting)
