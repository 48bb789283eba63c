"""Who may be given a case, and how much each of them has in hand already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from django.db.models import Count, Q

from register import clock
from register.models import DocketEntry
from review.models import Case
from review.states import AT_AGENCY, State
from review.workflow import (
    FINAL_REVIEWER,
    REVIEWER,
    UNTIL_REFERRED,
    Actor,
    holder_of,
    in_conflict,
    own_records,
)
from tenants import staff
from tenants.models import Absence, Agency, User
from tenants.roles import holders_of

# Working days within which a deadline counts as near.
NEAR: Final = 3


@dataclass(frozen=True, slots=True)
class Colleague:
    """A reviewer with the open cases in hand, how many of them are due soon, and a leave, if any."""

    user: User
    open: int
    near: int
    absence: Absence | None


@dataclass(frozen=True, slots=True)
class Choice:
    """Who may be given a case; `kept_out` have a conflict of interest and are not offered."""

    colleagues: tuple[Colleague, ...]
    kept_out: int


def reviewers(agency: Agency) -> list[Colleague]:
    """The active reviewers of an agency, those with the least in hand first. Stand inside the agency.

    At the authority the final reviewers, wherever one stands. Three queries, however many there are.
    """
    users = holders_of(FINAL_REVIEWER if agency.is_authority else REVIEWER, agency)
    load = _reported_load(users) if agency.is_authority else _load(users)
    away = {absence.user_id: absence for absence in staff.away(clock.today(), agency)}
    found = [Colleague(user, *load.get(user.pk, (0, 0)), away.get(user.pk)) for user in users]
    return sorted(found, key=lambda one: (one.absence is not None, one.open, one.user.name))


def choice_for(case: Case, agency: Agency) -> Choice:
    """Whom a case may be assigned to: reviewers without a conflict of interest who do not have it already."""
    every = reviewers(agency)
    own = own_records([one.user for one in every])
    free = [one for one in every if not in_conflict(case, as_reviewer(one.user, agency, own[one.user.pk]))]
    offered = tuple(one for one in free if one.user.pk != holder_of(case))
    return Choice(offered, kept_out=len(every) - len(free))


def as_reviewer(user: User, agency: Agency, records: frozenset[UUID] | None = None) -> Actor:
    """A colleague as the one who would review, to be asked about conflicts of interest."""
    return Actor.staff(user, agency=agency, held=frozenset({REVIEWER}), records=records)


def _load(users: list[User]) -> Mapping[int, tuple[int, int]]:
    """Open cases of each, and those among them whose deadline at the agency is near or past."""
    near = Q(due_on__lte=_near_day(), state__in=AT_AGENCY)
    rows = (
        Case.objects.filter(assignee__in=users, state__in=UNTIL_REFERRED)
        .order_by()
        .values_list("assignee_id")
        .annotate(in_hand=Count("pk"), near=Count("pk", filter=near))
    )
    return {holder: (in_hand, due) for holder, in_hand, due in rows}


def _reported_load(users: list[User]) -> Mapping[int, tuple[int, int]]:
    """Reported cases of each over all agencies, and those among them whose final review is near its end."""
    rows = (
        DocketEntry.objects.filter(officer__in=users, state=State.REPORTED)
        .order_by()
        .values_list("officer_id")
        .annotate(in_hand=Count("pk"), near=Count("pk", filter=Q(due_on__lte=_near_day())))
    )
    return {holder: (in_hand, due) for holder, in_hand, due in rows}


def _near_day() -> date:
    return clock.add_working_days(clock.today(), NEAR).day
