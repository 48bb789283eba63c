"""What applicants are reminded of while they work: an idle draft, a correction, hours, photo, contact data.

The rows of this table go the same round as those of `register.reminders`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from intake import flows
from notifications import outbox
from register import clock, materials, policy
from register.models import Kind
from register.reminders import HALF_A_YEAR, Reminder, go_round, page

# A draft that nobody has touched for so many days is idle.
IDLE_DAYS: Final = 7
# So many calendar days before the end of a correction its applicant is reminded once more.
CORRECTION_DAYS: Final = 3
# Missing hours are told when renewal opens, and again when so many days are left.
HOURS_DAYS: Final = 30

DRAFT: Final = (
    "JOIN public.intake_application a"
    " ON a.person_id IN (SELECT r.id FROM records r WHERE r.living = f.person)"
    " AND a.status = 'draft'"
)
# An address with this key in it stands for that of any draft.
ANY: Final = UUID(int=0)
DRAFT_PAGE: Final = "replace(%(application_page)s::text, %(any)s::text, a.id::text)"
# What may be lodged at all: a draft of another kind is of no use to anybody now.
LODGEABLE: Final = (
    "f.open_kind IS NULL AND CASE a.kind"
    " WHEN 'initial' THEN f.of_age AND f.never_registered AND (%(late)s OR f.may_begin)"
    " WHEN 'change' THEN f.of_age AND f.not_ended AND f.valid_to >= %(today)s"
    " WHEN 'renewal' THEN f.may_renew"
    " ELSE f.of_age AND f.number IS NOT NULL AND (NOT f.not_ended OR f.valid_to < %(today)s) END"
)

REMINDERS: Final[tuple[Reminder, ...]] = (
    # Once for each time that it is left alone.
    Reminder(
        kind="draft_idle",
        along=DRAFT,
        who=f"a.saved_at < %(idle_since)s AND {LODGEABLE}",
        key="'draft:' || a.id || ':' || floor(extract(epoch FROM a.saved_at))::bigint",
        data={
            "kind": "%(kinds)s::jsonb -> a.kind",
            "step": "coalesce(%(steps)s::jsonb -> a.kind -> a.step, %(steps)s::jsonb -> a.kind -> '')",
        },
        link=DRAFT_PAGE,
    ),
    # Only where it is asked for: an application is begun and has none for a day.
    Reminder(
        kind="photo_missing",
        along=DRAFT,
        who=f"a.photo_id IS NULL AND a.saved_at < %(yesterday)s AND {LODGEABLE}",
        key="'photo:' || f.person || ':' || %(today)s",
        link=DRAFT_PAGE,
        pause=HALF_A_YEAR,
    ),
    # Who never set a password cannot lose one.
    Reminder(
        kind="email_missing",
        who="f.activated AND f.unreachable",
        key="'contact:' || f.person || ':' || %(today)s",
        link="%(account_page)s::text",
        asks_to_apply=False,
        pause=HALF_A_YEAR,
    ),
    Reminder(
        kind="correction_soon",
        along="JOIN records r ON r.living = f.person JOIN public.register_docketentry d ON d.person_id = r.id"
        " AND d.open AND d.state = 'correction' AND d.clock = 'C'",
        who="d.due_on BETWEEN %(today)s AND %(today)s + %(correction_days)s",
        key="'correction:' || d.case_id || ':' || d.due_on",
        data={"due": "d.due_on", "days": "d.due_on - %(today)s"},
        link="''",
        case="d.case_id",
        asks_to_apply=False,
    ),
    # What agencies have entered (Order 11 art. 23). Who has begun to fill in courses sees the sum there.
    Reminder(
        kind="hours_short",
        along="CROSS JOIN LATERAL (SELECT coalesce(sum(t.hours), 0) AS entered"
        " FROM public.register_traininghours t JOIN records r ON r.id = t.person_id AND r.living = f.person"
        " WHERE f.may_renew AND t.begun_on >= f.period_began AND t.ended_on <= %(today)s) t",
        who="f.may_renew AND f.open_kind IS NULL AND t.entered < %(hours_required)s AND NOT EXISTS"
        " (SELECT 1 FROM public.intake_application a JOIN records r ON r.id = a.person_id"
        " WHERE r.living = f.person AND a.status = 'draft'"
        " AND jsonb_array_length(coalesce(a.sections -> 'education', '[]')) > 0)",
        key="'hours:' || f.number || ':' || f.valid_to || ':'"
        " || CASE WHEN f.valid_to - %(today)s <= %(hours_days)s THEN 'near' ELSE 'open' END",
        data={
            "hours": "trim_scale(t.entered)::text",
            "missing": "trim_scale(%(hours_required)s - t.entered)::text",
        },
    ),
)


def run() -> int:
    """The day's reminders about what people have in hand; answers how many were posted now."""
    return go_round("intake", REMINDERS, _values(clock.today()))


def _values(today: date) -> dict[str, Any]:
    return {
        "idle_since": _start_of(today - timedelta(days=IDLE_DAYS - 1)),
        "yesterday": _start_of(today),
        "late": policy.current(today).late_initial_allowed,
        "correction_days": CORRECTION_DAYS,
        "hours_days": HOURS_DAYS,
        "kinds": Jsonb({kind.value: outbox.in_both(kind.label) for kind in Kind}),
        "steps": Jsonb({kind.value: dict(_steps(kind)) for kind in Kind}),
        "application_page": page("application", ANY),
        "any": str(ANY),
        "account_page": page("account"),
    }


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), clock.SHANGHAI)


def _steps(kind: Kind) -> Iterator[tuple[str, outbox.Both]]:
    """The steps of a kind by their addresses; without one, the step where everybody begins."""
    yield "", outbox.in_both(flows.first_of(kind).label)
    asked = materials.hours_count(kind, late=True)
    for step in flows.numbered(flows.steps_of(kind, hours_count=asked)):
        yield step.slug, outbox.in_both(step.label)
