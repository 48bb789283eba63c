"""Announcement batches (公告批次) at the registrar's desk: who waits for one, what follows publication.

Publishing is one transaction in the national books. Each case follows in its own, inside its agency; a sweep
finishes what a killed worker left.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery

from register import announcing, clock
from register.models import Batch, BatchLine, DocketEntry, Registration
from review import casework, docket
from review.states import State
from review.workflow import REGISTRAR, Actor
from tenants.errors import Refusal
from tenants.models import AUTHORITY_CODE, Agency, User

logger = logging.getLogger(__name__)

TASK: Final = "review.tasks.announce_batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whom a batch gathers: those granted until a day, of one channel, agency or kind if named."""

    until: date | None = None
    channel: str = ""
    agency: str = ""
    kind: str = ""


def waiting(scope: Scope | None = None) -> QuerySet[Registration]:
    """Registrations granted and not listed in any batch yet, the oldest grant first."""
    wanted = scope or Scope()
    lines = DocketEntry.objects.filter(state=State.FINAL_PASSED, case_id=OuterRef("case_id"))
    found = Registration.objects.filter(Exists(lines), ended_how="").exclude(
        Exists(BatchLine.objects.filter(registration=OuterRef("pk")))
    )
    if wanted.until:
        found = found.filter(granted_on__lte=wanted.until)
    if wanted.channel:
        found = found.filter(agency__kind=wanted.channel)
    if wanted.agency:
        found = found.filter(agency__code=wanted.agency)
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    return found.select_related("person", "agency").order_by("granted_on", "number")


def next_number() -> str:
    """The number that follows the last one of this year: 2026-012."""
    year = f"{clock.today().year}-"
    last = Batch.objects.filter(number__regex=rf"^{year}\d{{3}}$").order_by("-number").first()
    return f"{year}{int(last.number.removeprefix(year)) + 1 if last else 1:03d}"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a batch has come: its people, and in which states their cases are."""

    people: int = 0
    granted: int = 0
    announced: int = 0
    issued: int = 0

    @property
    def running(self) -> bool:
        """Whether cases or certificates of it, once published, are still under way."""
        return self.granted + self.announced > 0


def standings(batches: Iterable[Batch]) -> dict[UUID, Standing]:
    """How far each of these batches has come, in one query."""
    states = DocketEntry.objects.filter(case_id=OuterRef("registration__case_id")).values("state")[:1]
    counted = (
        BatchLine.objects.filter(batch__in=[batch.pk for batch in batches])
        .annotate(state=Subquery(states))
        .order_by()
        .values("batch_id", "state")
        .annotate(n=Count("pk"))
    )
    found: dict[UUID, dict[str, int]] = {}
    for row in counted:
        found.setdefault(row["batch_id"], {})[row["state"] or ""] = row["n"]
    return {
        key: Standing(
            people=sum(each.values()),
            granted=each.get(State.FINAL_PASSED, 0),
            announced=each.get(State.ANNOUNCED, 0),
            issued=each.get(State.ISSUED, 0),
        )
        for key, each in found.items()
    }


def publish(*, batch: Batch, by: User) -> None:
    """Publish a batch today. Its cases are announced and their certificates made by the workers.

    Raises Refusal like `register.announcing.publish`.
    """
    with transaction.atomic():
        announcing.publish(batch=batch, on=clock.today(), by=by)
        key = batch.pk
        transaction.on_commit(lambda: ring(key), robust=True)


def ring(batch_id: UUID) -> None:
    """Tell the workers that a batch was published. With the broker down the sweep does it later."""
    try:
        current_app.send_task(TASK, args=[str(batch_id)])
    except Exception as error:  # whatever the broker's client raises, the batch is published
        logger.warning("The publication of a batch is not heard yet: %s", error)


# --- The worker, at the authority's desk ---------------------------------------------------------------


def announce(batch_id: UUID | str) -> int:
    """Announce the cases of a published batch that are not announced yet, each in its own transaction.

    The registrar who published is the one who acts. Beginning again is harmless. Answers how many.
    """
    batch = Batch.objects.select_related("published_by").get(pk=batch_id)
    if batch.published_on is None or batch.published_by is None:
        return 0
    by = Actor.staff(
        batch.published_by,
        agency=Agency.objects.get(code=AUTHORITY_CODE),
        held=frozenset({REGISTRAR}),
    )
    done = 0
    for entry in left(batch):
        try:
            with docket.opened(entry) as case:
                casework.announce(case=case, by=by, batch=batch.number, published_on=batch.published_on)
        except Refusal as no:
            logger.warning("Case %s of batch %s was not announced: %s", entry.case_id, batch.number, no.code)
        else:
            done += 1
    return done


def left(batch: Batch) -> QuerySet[DocketEntry]:
    """The docket lines of a batch that are not announced yet."""
    inside = batch.lines.filter(registration__case_id=OuterRef("case_id"))
    lines = DocketEntry.objects.filter(Exists(inside), state=State.FINAL_PASSED)
    return lines.select_related("agency").order_by("case_id")


def unfinished() -> list[UUID]:
    """The published batches of which a case still waits to be announced."""
    waits = DocketEntry.objects.filter(state=State.FINAL_PASSED, case_id=OuterRef("registration__case_id"))
    lines = BatchLine.objects.filter(
        Exists(waits), batch__published_on__isnull=False, batch__published_by__isnull=False
    )
    return list(lines.order_by("batch_id").values_list("batch_id", flat=True).distinct())
