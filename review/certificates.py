"""The certificates of a published batch: drawn, signed and stored one by one, and each case closed by it."""

from __future__ import annotations

from uuid import UUID

from register import certificates
from register.models import Batch, DocketEntry, Registration
from review import batch_runs, casework, docket
from review.batch_runs import Run
from review.states import State
from review.workflow import Actor
from tenants.models import User


def issue_batch(batch: Batch, *, after: UUID | None = None, seconds: float = batch_runs.SLICE) -> Run:
    """Issue what is announced of this batch, like `batch_runs.work_off`."""
    return batch_runs.work_off(batch, _issue, state=State.ANNOUNCED, after=after, seconds=seconds)


def _issue(entry: DocketEntry, by: User, actor: Actor) -> None:
    """Draw, sign, store, then close the case."""
    registration = Registration.objects.select_related("person__photo", "agency").get(case_id=entry.case_id)
    certificates.issue(registration=registration, by=by)
    with docket.opened(entry) as case:
        casework.issue(case=case, by=actor)
