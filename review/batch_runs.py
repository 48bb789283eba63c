"""Working off a published batch: one case after another, each for itself, in slices, in its publisher's name.

Nothing is kept of how far the work has come but the cases themselves: whoever is killed half-way leaves whole
cases behind, and the next run goes on with those that still wait.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from register.models import Batch, BatchLine, DocketEntry
from review.states import State
from review.workflow import REGISTRAR, Actor
from tenants.errors import Refusal
from tenants.models import AUTHORITY_CODE, Agency, User

logger = logging.getLogger(__name__)

# After so many seconds a run makes room for other tasks; it ends before the broker would deliver it again.
SLICE: Final = 20.0

Step = Callable[[DocketEntry, User, Actor], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run did; `after` is where the next one goes on, None when it came to the end."""

    done: int = 0
    failed: int = 0
    after: UUID | None = None


def waiting(batch: Batch, state: State) -> QuerySet[DocketEntry]:
    """The docket lines of a batch that stand in a state; nothing follows for a registration that has ended.

    Registrations of old records have no line.
    """
    named = BatchLine.objects.filter(
        batch=batch, registration__case_id=OuterRef("case_id"), registration__ended_how=""
    )
    return DocketEntry.objects.filter(Exists(named), state=state).order_by("case_id")


def batches_with(state: State) -> QuerySet[Batch]:
    """The published batches of which a case waits in this state."""
    there = DocketEntry.objects.filter(state=state, case_id=OuterRef("registration__case_id"))
    lines = BatchLine.objects.filter(Exists(there), batch=OuterRef("pk"), registration__ended_how="")
    return Batch.objects.filter(Exists(lines), published_on__isnull=False, published_by__isnull=False)


def work_off(
    batch: Batch, step: Step, *, state: State, after: UUID | None = None, seconds: float = SLICE
) -> Run:
    """Take this step with every case of the batch that stands in `state`. Stand at the authority's desk.

    Publishing was the registrar's act and decided it: that the role was given up since does not count. What
    fails is logged and left to the next sweep. Two runs at once do not take the same step in one batch.
    """
    by = batch.published_by
    if by is None or batch.published_on is None:
        return Run()
    authority = Agency.objects.get(code=AUTHORITY_CODE)
    actor = Actor.staff(by, agency=authority, held=frozenset({REGISTRAR}))
    until = time.monotonic() + seconds
    done = failed = 0
    with _alone(f"{state} {batch.pk}") as alone:
        lines = waiting(batch, state)
        if after is not None:
            lines = lines.filter(case_id__gt=after)
        for entry in list(lines.select_related("agency")) if alone else ():
            if _taken(step, entry, by, actor):
                done += 1
            else:
                failed += 1
            if time.monotonic() > until:
                return Run(done=done, failed=failed, after=entry.case_id)
    return Run(done=done, failed=failed)


def _taken(step: Step, entry: DocketEntry, by: User, actor: Actor) -> bool:
    """Whether the step was taken. A failure keeps nobody waiting."""
    try:
        step(entry, by, actor)
    except Refusal as no:
        logger.warning("Case %s (%s) was left as it is: %s", entry.reference, entry.state, no.code)
    except Exception:
        logger.exception("Case %s (%s) was left as it is", entry.reference, entry.state)
    else:
        return True
    return False


@contextmanager
def _alone(key: str) -> Iterator[bool]:
    """Whether nobody else is at this work; a killed worker gives its place up with its connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        (alone,) = cursor.fetchone()
    try:
        yield bool(alone)
    finally:
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])
