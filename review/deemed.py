"""Deemed renewal, told: it holds by the dates alone (Order 11 art. 13); this sweep changes nothing.

Whoever reads the register or a case sees it without any job: the sweep only writes to the applicant, once
per registration that it goes on, and once more when the application ends without a renewal. A grant and its
period are told by the decision itself. A sweep that comes days late writes the same, dated as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from notifications.models import Outbox
from notifications.outbox import Message
from register import clock, people
from register.models import DocketEntry, Kind
from review import registrar
from review.states import State
from review.telling import tell

SLICE: Final = 500
# An end is looked for so long: a post room that stood still for weeks is made good.
ENDS_LAST: Final = timedelta(days=60)
# Ends that leave the registration expired.
WITHOUT_RENEWAL: Final = (
    *(State.FINAL_FAILED, State.NOT_ACCEPTED, State.LAPSED, State.WITHDRAWN, State.TERMINATED),
)


@dataclass(slots=True)
class Told:
    """How many deemed renewals and ends of them the sweep came upon; who was told is not told again."""

    deemed: int = 0
    ended: int = 0
    failed: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def sweep() -> Told:
    """Tell of every registration that goes on by a renewal in time, and of those that ended without one.

    Safe to repeat, to break off and to run twice at once. A slice that fails is logged and stops no other.
    """
    told = Told()
    for line in _slices(registrar.deemed_lines()):
        told.deemed += len(line)
        told.failed += tell(line, _going_on)
    since = clock.now() - ENDS_LAST
    over = DocketEntry.objects.filter(
        open=False, kind=Kind.RENEWAL, state__in=WITHOUT_RENEWAL, updated_at__gte=since
    )
    for line in _slices(registrar.in_time(over)):
        on = _ends(line)
        # Whoever was refused before the last day was over never went on by it.
        ended = [one for one in line if on[one.case_id] > one.valid_to]
        told.ended += len(ended)
        told.failed += tell(ended, partial(_over, on))
    return told


def _slices(lines: QuerySet[DocketEntry, Any]) -> Iterator[list[Any]]:
    """All of these, in slices by their keys, so that one that fails holds up none behind it."""
    keys = list(lines.values_list("pk", flat=True))
    for start in range(0, len(keys), SLICE):
        among = lines.filter(pk__in=keys[start : start + SLICE])
        yield list(among.select_related("person__merged_into"))


def _going_on(line: Any) -> list[Message]:
    return [_deemed(line)]


def _over(on: Mapping[UUID, date], line: Any) -> list[Message]:
    return [_deemed(line), _ended(line, on[line.case_id])]


def _deemed(line: Any) -> Message:
    return Message(
        user_id=people.living(line.person).user_id,
        kind="deemed_renewed",
        cause=str(line.held),
        case_id=line.case_id,
        at=_first_moment(line.valid_to + timedelta(days=1)),
    )


def _ended(line: Any, on: date) -> Message:
    return Message(
        user_id=people.living(line.person).user_id,
        kind="deemed_renewal_ended",
        cause=f"{line.held} {line.case_id}",
        data={"reference": line.reference, "valid_to": line.valid_to, "on": on},
        case_id=line.case_id,
        at=_first_moment(on) if _by_date(line) else line.updated_at,
    )


def _by_date(line: Any) -> bool:
    """Whether it ended on a day that stands written, and not in the moment in which somebody acted."""
    return line.decided_on is not None or line.state == State.LAPSED


def _ends(lines: list[Any]) -> dict[UUID, date]:
    """The day on which each of these applications ended.

    What lapsed ended when the correction period was over, whichever day the clock's sweep came: its notice
    names the last day of the period.
    """
    lapsed = [one.case_id for one in lines if one.state == State.LAPSED]
    notices = Outbox.objects.filter(kind="lapsed", case_id__in=lapsed).order_by("pk")
    last = notices.values_list("case_id", "data__due")
    by_law = {case: date.fromisoformat(day) + timedelta(days=1) for case, day in last}
    return {one.case_id: by_law.get(one.case_id) or _day_of(one) for one in lines}


def _day_of(line: Any) -> date:
    return line.decided_on or clock.day_of(line.updated_at)


def _first_moment(day: date) -> datetime:
    return datetime.combine(day, time(), clock.SHANGHAI)
