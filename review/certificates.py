"""The certificates of a published batch: drawn, signed and stored one by one, and each case closed by it.

Nothing is kept of how far the work has come but the rows themselves: whoever is killed half-way leaves whole
certificates behind, and the next run goes on with the cases that are still announced.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from register import certificates
from register.models import Batch, BatchLine, DocketEntry, Registration
from review import casework, docket
from review.states import State
from review.workflow import REGISTRAR, Actor
from tenants.errors import Refusal
from tenants.models import AUTHORITY_CODE, Agency, User

logger = logging.getLogger(__name__)

# After so many seconds a run makes room for other tasks; it ends before the broker would deliver it again.
SLICE: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run did; `after` is where the next one goes on, None when it came to the end."""

    issued: int = 0
    failed: int = 0
    after: UUID | None = None


def lines_of(batch: Batch) -> QuerySet[DocketEntry]:
    """The docket lines of the registrations that stand in a batch; registrations of old records have none."""
    named = BatchLine.objects.filter(batch=batch, registration__case_id=OuterRef("case_id"))
    return DocketEntry.objects.filter(Exists(named))


def batches_waiting() -> QuerySet[Batch]:
    """Published batches some of whose cases still wait for their certificate."""
    announced = DocketEntry.objects.filter(state=State.ANNOUNCED, case_id=OuterRef("registration__case_id"))
    waiting = BatchLine.objects.filter(Exists(announced), batch=OuterRef("pk"))
    return Batch.objects.filter(Exists(waiting), published_on__isnull=False, published_by__isnull=False)


def issue_batch(batch: Batch, *, after: UUID | None = None, seconds: float = SLICE) -> Run:
    """Issue what is announced of this batch in its publisher's name. Stand at the authority's desk.

    Publishing was the registrar's act and decided it: that the role was given up since does not count. What
    fails is logged and left to the next sweep. Two runs at once do not work on the same batch.
    """
    by = batch.published_by
    if by is None or batch.published_on is None:
        return Run()
    authority = Agency.objects.get(code=AUTHORITY_CODE)
    actor = Actor.staff(by, agency=authority, held=frozenset({REGISTRAR}))
    until = time.monotonic() + seconds
    issued = failed = 0
    with _alone(batch) as alone:
        waiting = lines_of(batch).filter(state=State.ANNOUNCED).order_by("case_id")
        if after is not None:
            waiting = waiting.filter(case_id__gt=after)
        for entry in list(waiting.select_related("agency")) if alone else ():
            if _issued(entry, by, actor):
                issued += 1
            else:
                failed += 1
            if time.monotonic() > until:
                return Run(issued=issued, failed=failed, after=entry.case_id)
    return Run(issued=issued, failed=failed)


def _issued(entry: DocketEntry, by: User, actor: Actor) -> bool:
    """Draw, sign, store, then close the case; whether it came to that. A failure keeps nobody waiting."""
    try:
        registration = Registration.objects.select_related("person__photo", "agency").get(
            case_id=entry.case_id
        )
        certificates.issue(registration=registration, by=by)
        with docket.opened(entry) as case:
            casework.issue(case=case, by=actor)
    except Refusal as no:
        logger.warning("No certificate for %s: %s", entry.reference, no.code)
    except Exception:
        logger.exception("No certificate for %s", entry.reference)
    else:
        return True
    return False


@contextmanager
def _alone(batch: Batch) -> Iterator[bool]:
    """Whether nobody else works on this batch; a killed worker gives its place up with its connection."""
    key = f"certificates {batch.pk}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        (alone,) = cursor.fetchone()
    try:
        yield bool(alone)
    finally:
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])
