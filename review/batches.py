"""Announcement batches (公告批次) at the registrar's desk: who waits for one, what follows publication.

Publishing is one transaction in the national books. Each case follows in its own, inside its agency; a sweep
finishes what a killed worker left.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery

from register import announcing, clock
from register.models import Batch, BatchLine, DocketEntry, Registration
from review import batch_runs, casework, docket
from review.batch_runs import Run
from review.states import State
from review.workflow import Actor
from tenants import bells
from tenants.models import User

ANNOUNCE: Final = "review.tasks.announce_batch"
ISSUE: Final = "review.tasks.issue_certificates"


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


# What `Standing` calls the states on the way.
STAGES: Final[Mapping[str, str]] = {
    State.FINAL_PASSED: "granted",
    State.ANNOUNCED: "announced",
    State.ISSUED: "issued",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a batch has come: its people, and in which states their cases are.

    `ended` are those whose registration ended before its certificate was made: nothing follows for them.
    """

    people: int = 0
    granted: int = 0
    announced: int = 0
    issued: int = 0
    ended: int = 0

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
        .values_list("batch_id", "state", "registration__ended_how")
        .annotate(n=Count("pk"))
    )
    found: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    for key, state, ended, n in counted:
        found[key]["people"] += n
        if name := "ended" if ended and state != State.ISSUED else STAGES.get(state or ""):
            found[key][name] += n
    return {key: Standing(**each) for key, each in found.items()}


def publish(*, batch: Batch, by: User) -> None:
    """Publish a batch today. Its cases are announced and their certificates made by the workers.

    Raises Refusal like `register.announcing.publish`.
    """
    with transaction.atomic():
        announcing.publish(batch=batch, on=clock.today(), by=by)
        key = str(batch.pk)
        transaction.on_commit(lambda: bells.ring(ANNOUNCE, key), robust=True)


# --- The worker, at the authority's desk ---------------------------------------------------------------


def announce(batch: Batch, *, after: UUID | None = None, seconds: float = batch_runs.SLICE) -> Run:
    """Announce the cases of a published batch that are not announced yet, like `batch_runs.work_off`."""

    number, day = batch.number, batch.published_on
    if day is None:
        return Run()

    def step(entry: DocketEntry, _by: User, actor: Actor) -> None:
        with docket.opened(entry) as case:
            casework.announce(case=case, by=actor, batch=number, published_on=day)

    return batch_runs.work_off(batch, step, state=State.FINAL_PASSED, after=after, seconds=seconds)
