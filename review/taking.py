"""The next case: the most urgent one that waits for this officer's kind of work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final
from uuid import UUID

from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q, QuerySet

from register.models import DocketEntry
from review import casework, docket
from review.models import Case, Opinion
from review.queue import free_by
from review.states import WORKING, State
from review.workflow import (
    FINAL_REVIEWER,
    REVIEWER,
    SIGNING_OFFICER,
    SUPERVISOR,
    Actor,
    in_conflict,
    pending_opinion,
)
from tenants import crossing
from tenants.errors import Refusal

TO_REVIEW: Final = frozenset({State.SUBMITTED, *WORKING})
AT_ONCE: Final = 10
# So far the docket is walked for somebody who may not handle what stands first.
MOST_LINES: Final = 200
TRIES: Final = 5
# For so long a case that was shown to one supervisor is not shown to the next.
SHOWN_SECONDS: Final = 60


def take_next(by: Actor) -> Case | None:
    """The case to work on next; None when there is none. Stand inside the agency.

    A supervisor is led to the most urgent opinion that waits for a second person; a reviewer takes up the
    most urgent free case, one in the hands of a closed account included. Who is both gets a free case once
    all waiting opinions have been shown a moment ago. Cases in conflict of interest are passed over. Where
    somebody else is faster, the next one is tried, so two who ask at once get one each.
    """
    waiting = _opinions_to_sign(by) if SUPERVISOR in by.roles else []
    found = next((case for case in waiting if _shown_first(case)), None)
    if found is None and REVIEWER in by.roles:
        found = _free_case(by)
    return found or next(iter(waiting), None)


def take_next_reported(by: Actor) -> DocketEntry | None:
    """The case to decide on next, out of all agencies; None when there is none. Stand at the authority.

    A signing officer is led to the most urgent proposal that waits for a signature, a final reviewer takes up
    the most urgent free case, each inside its agency. Otherwise as `take_next`.
    """
    first = None
    for line in _proposals_to_sign(by) if SIGNING_OFFICER in by.roles else ():
        if _shown_first(line):
            return line
        first = first or line
    return (_free_line(by) if FINAL_REVIEWER in by.roles else None) or first


def _reported(by: Actor) -> QuerySet[DocketEntry]:
    """The reported cases of others, most urgent first."""
    own = Q(person__document_digest=by.document_digest) if by.document_digest else Q(pk=None)
    own |= Q(person__in=by.records) if by.records else Q(pk=None)
    lines = DocketEntry.objects.filter(open=True, state=State.REPORTED).exclude(own)
    return lines.select_related("agency").order_by("due_on", "pk")


def _free_line(by: Actor) -> DocketEntry | None:
    for line in _reported(by).filter(free_by("officer_id"), awaits_signature=False)[:MOST_LINES]:
        try:
            with docket.opened(line) as case:
                casework.take_up(case=case, by=by)
        except (Refusal, Case.DoesNotExist):
            continue
        line.officer_id = case.officer_id
        return line
    return None


def _proposals_to_sign(by: Actor) -> Iterator[DocketEntry]:
    """The proposals of others, the most urgent first."""
    lines = list(_reported(by).filter(awaits_signature=True)[:MOST_LINES])
    for start in range(0, len(lines), AT_ONCE):
        few = lines[start : start + AT_ONCE]
        cases = _files_of(few)
        for line in few:
            case = cases.get(line.pk)
            pending = pending_opinion(case) if case else None
            if case and pending and pending.author_id != by.user_id and not in_conflict(case, by):
                yield line


def _files_of(lines: Sequence[DocketEntry]) -> dict[UUID, Case]:
    """The cases of these lines with their opinions, each agency entered once."""
    found: dict[UUID, Case] = {}
    ordered = sorted(lines, key=lambda line: line.agency_id)
    for _key, group in groupby(ordered, key=lambda line: line.agency_id):
        here = list(group)
        with crossing.inside(here[0].agency):
            found |= Case.objects.prefetch_related("opinions").in_bulk([line.pk for line in here])
    return found


def _free_case(by: Actor) -> Case | None:
    free = _without_conflict(Case.objects.filter(free_by("assignee_id"), state__in=TO_REVIEW), by)
    free = free.filter(~Exists(_waiting_opinions()))
    tried: list[UUID] = []
    for _round in range(TRIES):
        cases = list(free.exclude(pk__in=tried)[:AT_ONCE])
        for case in cases:
            try:
                casework.take_up(case=case, by=by)
            except Refusal:
                tried.append(case.pk)
            else:
                return case
        if len(cases) < AT_ONCE:
            return None
    return None


def _opinions_to_sign(by: Actor) -> list[Case]:
    waiting = _without_conflict(Case.objects.filter(state__in=WORKING), by)
    waiting = waiting.filter(Exists(_waiting_opinions().exclude(author_id=by.account)))
    return list(waiting[: AT_ONCE * TRIES])


def _waiting_opinions() -> QuerySet[Opinion]:
    return Opinion.objects.filter(
        case=OuterRef("pk"), level=Opinion.Level.FIRST, standing=Opinion.Standing.PENDING
    )


def _without_conflict(cases: QuerySet[Case], by: Actor) -> QuerySet[Case]:
    """Most urgent first, without the officer's own application and those of the officer's employer."""
    own = Q(document_digest=by.document_digest) if by.document_digest else Q(pk=None)
    own |= Q(person__in=by.records) if by.records else Q(pk=None)
    colleague = Q(employer_code=by.employer_code) if by.employer_code else Q(pk=None)
    return cases.exclude(own | colleague).order_by("due_on", "pk")


def _shown_first(case: Case | DocketEntry) -> bool:
    """Whether nobody who signs was led to this case a moment ago. Without a cache it is as if nobody was."""
    try:
        return cache.add(f"shown:{crossing.here().schema}:{case.pk}", 1, SHOWN_SECONDS)
    except Exception:  # the cache's client has many ways to say that it is down
        return True
