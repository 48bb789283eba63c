"""What the calendar alone brings about, told in time: renewal opens, expiry comes near, a window closes.

Each reminder is a line of one small table: whom it concerns, and a key that is used once. A day's round
walks over all living people in chunks, each a transaction of its own with one `INSERT … SELECT`. Who was
told is not told again, whoever repeats a round or comes days late. Of several days that have passed only the
nearest is told, with the days that are really left.

Whom a sentence sends to an application may apply for it: the conditions are those of `register.eligibility`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse

from notifications import outbox
from notifications.catalogue import KINDS
from notifications.models import Outbox
from register import clock, policy, standing
from register.models import Person, ReminderRun
from register.policy import Policy
from register.standing import ANSWER_BY

# The day's round begins when the day has surely begun everywhere.
FROM: Final = time(0, 10)
CHUNK: Final = 2_000

# Calendar days before the last day of validity.
EXPIRY_DAYS: Final = (60, 45, 30, 15, 7, 1)
# Fewer than thirty days are left (Order 11 art. 13: apply thirty days before expiry).
FEWER_THAN_THIRTY: Final = 29
# Calendar days before the last day of the initial window.
INITIAL_DAYS: Final = (90, 30, 7)
# An expiry that lies longer back is no news.
EXPIRED_FOR: Final = 90
HALF_A_YEAR: Final = 183


# --- The days of a registration --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mark:
    """A day on which a reminder of this kind falls due, so many days before the end."""

    on: date
    kind: str
    days: int


def renewal_opens(valid_to: date, rules: Policy) -> date:
    """The first day on which renewal may be applied for, clipped to the month's end."""
    return clock.add_months(valid_to, -rules.renewal_open_months)


def renewal_closes(valid_to: date, rules: Policy) -> date:
    """The last day on which renewal may be applied for."""
    return valid_to - timedelta(days=rules.renewal_close_days_before)


def renewal_marks(valid_to: date, rules: Policy) -> list[Mark]:
    """The days on which whoever has not applied for renewal is reminded, in order."""
    opens, closes = renewal_opens(valid_to, rules), renewal_closes(valid_to, rules)
    steps = [*((days, "expiry") for days in EXPIRY_DAYS), (FEWER_THAN_THIRTY, "thirty_days")]
    marks = [Mark(valid_to - timedelta(days=days), kind, days) for days, kind in steps]
    first = Mark(opens, "renewal_opens", (valid_to - opens).days)
    return [first, *sorted((m for m in marks if opens < m.on <= closes), key=lambda mark: mark.on)]


# --- The table -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """One kind of reminder: whom it concerns (`who`), once per `key`, with which values (`data`).

    All of these are SQL over `f`, the facts of a person (see `FACTS`), joined with whatever `along` names.
    """

    kind: str
    who: str
    key: str
    data: Mapping[str, str] = field(default_factory=dict)
    along: str = ""
    # The page to which it leads on the applicant's desk; of a case that of the case.
    link: str = "%(dates_page)s::text"
    case: str = "NULL::uuid"
    # It sends to an application: not for whom a restriction is running.
    asks_to_apply: bool = True
    # Not again within so many days, under whatever key.
    pause: int = 0


REMINDERS: Final[tuple[Reminder, ...]] = (
    Reminder(
        kind="renewal_opens",
        who="f.may_renew AND f.mark IS NULL AND f.open_kind IS NULL",
        key="'opens:' || f.number || ':' || f.valid_to",
        data={"valid_to": "f.valid_to", "close_on": "f.closes"},
    ),
    # Who waits for a change must know as well that the registration ends; it does not end later for it.
    Reminder(
        kind="expiry",
        who="f.may_renew AND f.mark <> %(fewer)s AND coalesce(f.open_kind, 'change') = 'change'",
        key="'expiry:' || f.number || ':' || f.valid_to || ':' || f.mark",
        data={"valid_to": "f.valid_to", "days": "f.valid_to - %(today)s"},
    ),
    Reminder(
        kind="thirty_days",
        who="f.may_renew AND f.mark = %(fewer)s AND coalesce(f.open_kind, 'change') = 'change'",
        key="'thirty:' || f.number || ':' || f.valid_to",
    ),
    Reminder(
        kind="expired",
        who="f.expired AND f.current_to >= %(today)s - %(expired_for)s",
        key="'expired:' || f.number || ':' || f.current_to",
        data={"valid_to": "f.current_to"},
        asks_to_apply=False,
    ),
    Reminder(
        kind="initial_closing",
        who="f.may_begin AND f.initial_mark IS NOT NULL AND f.open_kind IS NULL",
        key="'initial:' || f.qualification_id || ':' || f.initial_closes || ':' || f.initial_mark",
        data={"years": "%(initial_years)s::integer", "due": "f.initial_closes"},
    ),
)

# The registrations of a person count in the order they were granted, those of merged records among them
# (`register.standing`); `current` is the one granted last among those begun, `last` carries the expiry.
FACTS: Final = f"""
chunk AS MATERIALIZED (
    SELECT p.id, p.user_id, p.birth_date, p.photo_id,
           u.email = '' AND u.phone = '' AS unreachable,
           u.password <> '' AND left(u.password, 1) <> '!' AS activated
    FROM public.register_person p JOIN public.tenants_user u ON u.id = p.user_id
    WHERE p.merged_into_id IS NULL AND u.is_active
      AND (%(after)s::uuid IS NULL OR p.id > %(after)s) AND (%(until)s::uuid IS NULL OR p.id <= %(until)s)
), records AS MATERIALIZED (
    SELECT id AS living, id FROM chunk
    UNION ALL
    SELECT p.merged_into_id, p.id FROM public.register_person p JOIN chunk ON chunk.id = p.merged_into_id
), periods AS MATERIALIZED (
    SELECT records.living, r.number, r.kind, r.valid_from, r.valid_to, r.granted_on, r.created_at, r.ended_on
    FROM records JOIN public.register_registration r ON r.person_id = records.id
), last_one AS (
    SELECT DISTINCT ON (living) * FROM periods ORDER BY living, granted_on DESC, created_at DESC
), current_one AS (
    SELECT DISTINCT ON (living) * FROM periods WHERE valid_from <= %(today)s
    ORDER BY living, granted_on DESC, created_at DESC
), began AS (
    SELECT DISTINCT ON (p.living) p.living, p.valid_from
    FROM periods p JOIN current_one c ON c.living = p.living
    WHERE p.kind <> 'change' AND (p.granted_on, p.created_at) <= (c.granted_on, c.created_at)
    ORDER BY p.living, p.granted_on DESC, p.created_at DESC
), qualified AS (
    SELECT DISTINCT ON (records.living) records.living, q.id, q.issued_on
    FROM records JOIN public.register_qualification q ON q.person_id = records.id
    ORDER BY records.living, q.issued_on DESC, q.certificate_number
), opened AS (
    SELECT DISTINCT ON (records.living) records.living, d.kind, d.lodged_on, d.due_provisional,
           {ANSWER_BY} AS answer_by,
           (SELECT rule.days
            FROM unnest(%(deemed_from)s::date[], %(deemed_days)s::integer[]) AS rule (since, days)
            WHERE rule.since <= d.lodged_on ORDER BY rule.since DESC LIMIT 1) AS deemed_days
    FROM records JOIN public.register_docketentry d ON d.person_id = records.id WHERE d.open
), dated AS (
    SELECT chunk.id AS person, chunk.user_id, chunk.photo_id, chunk.unreachable, chunk.activated,
           o.kind AS open_kind, l.number, l.valid_to, c.valid_to AS current_to,
           coalesce(b.valid_from, c.valid_from) AS period_began,
           (l.valid_to - make_interval(months => %(open_months)s))::date AS opens,
           l.valid_to - %(close_days)s AS closes,
           q.id AS qualification_id,
           (q.issued_on + make_interval(years => %(initial_years)s))::date AS initial_closes,
           c.living IS NOT NULL AND (c.ended_on IS NULL OR c.ended_on > %(today)s) AS not_ended,
           l.living IS NULL AND q.issued_on <= %(today)s AS never_registered,
           o.kind = 'renewal' AND o.lodged_on <= c.valid_to - o.deemed_days
               AND (o.answer_by IS NULL OR o.answer_by >= %(today)s OR o.due_provisional
                    AND extract(year FROM o.answer_by)::integer = ANY(%(moving)s::integer[]))
               AS deemed_renewed,
           chunk.birth_date IS NULL OR (
               (chunk.birth_date + make_interval(years => %(min_age)s))::date <= %(today)s
               AND (%(max_age)s::integer IS NULL
                    OR (chunk.birth_date + make_interval(years => %(max_age)s))::date >= %(today)s)
           ) AS of_age
    FROM chunk
    LEFT JOIN last_one l ON l.living = chunk.id
    LEFT JOIN current_one c ON c.living = chunk.id
    LEFT JOIN began b ON b.living = chunk.id
    LEFT JOIN qualified q ON q.living = chunk.id
    LEFT JOIN opened o ON o.living = chunk.id
), facts AS MATERIALIZED (
    SELECT dated.*,
           of_age AND not_ended AND %(today)s BETWEEN opens AND closes AND %(today)s <= valid_to AS may_renew,
           (SELECT days FROM unnest(%(marks)s::integer[]) AS days
            WHERE days >= valid_to - %(today)s AND valid_to - days > opens ORDER BY days LIMIT 1) AS mark,
           not_ended AND current_to < %(today)s AND NOT coalesce(deemed_renewed, false) AS expired,
           of_age AND never_registered AND %(today)s <= initial_closes AS may_begin,
           (SELECT days FROM unnest(%(initial_marks)s::integer[]) AS days
            WHERE days >= initial_closes - %(today)s ORDER BY days LIMIT 1) AS initial_mark
    FROM dated
)
"""  # noqa: S608 - only words of the program

INSERT: Final = """
WITH {facts}, due AS (
    {due}
)
INSERT INTO public.notifications_outbox
    (user_id, kind, cause, data, case_id, created_at, due_at, attempts, last_error)
SELECT due.user_id, due.kind, due.cause, due.data, due.case_id, %(now)s, %(due_at)s, 0, ''
FROM due LEFT JOIN LATERAL public.bars_for(due.person, %(today)s) b ON due.asks_to_apply
WHERE NOT coalesce(b.restricted, false)
ON CONFLICT DO NOTHING
"""

# What was posted before is left out first, so that bars are asked of the few that are left.
DUE: Final = """
    SELECT * FROM (
        SELECT f.person, f.user_id, '{kind}' AS kind, {key} AS cause, {data} AS data, {case} AS case_id,
               {asks_to_apply} AS asks_to_apply
        FROM facts f {along} WHERE {who}
        OFFSET 0
    ) {kind} WHERE NOT EXISTS (
        SELECT 1 FROM public.notifications_outbox o
        WHERE o.user_id = {kind}.user_id AND o.kind = {kind}.kind AND {said}
    )
"""


def statement(table: Iterable[Reminder]) -> str:
    """The one statement that posts all reminders of a table to the people of a chunk."""
    return INSERT.format(facts=FACTS, due=" UNION ALL ".join(_due(reminder) for reminder in table))


def _due(reminder: Reminder) -> str:
    if set(reminder.data) != set(KINDS[reminder.kind].fields):
        raise ValueError(f"The reminder {reminder.kind!r} does not fit its text.")
    values = {**reminder.data, "link": reminder.link}
    pairs = ", ".join(f"'{name}', {value}" for name, value in values.items())
    said = f"{reminder.kind}.cause = o.cause"
    if reminder.pause:
        said = f"({said} OR o.created_at > %(now)s - make_interval(days => {reminder.pause}))"
    return DUE.format(
        kind=reminder.kind,
        key=reminder.key,
        data=f"jsonb_build_object({pairs})",
        case=reminder.case,
        asks_to_apply=str(reminder.asks_to_apply).lower(),
        along=reminder.along,
        who=reminder.who,
        said=said,
    )


# --- The day's round -------------------------------------------------------------------------------


def run() -> int:
    """The day's reminders about qualifications and registrations; answers how many were posted now."""
    return go_round("register", REMINDERS)


def go_round(
    book: str, table: Sequence[Reminder], more: Mapping[str, Any] | None = None, *, size: int = CHUNK
) -> int:
    """Post what a table of reminders finds due today, once a day; answers how many were posted now.

    Cheap when the day is done. Safe to repeat and to run twice at once: a broken round goes on where it
    stopped, one that meets another leaves the rest to it.
    """
    moment = clock.now().astimezone(clock.SHANGHAI)
    day = moment.date()
    if moment.time() < FROM or ReminderRun.objects.filter(book=book, day=day, done_at__isnull=False).exists():
        return 0
    ReminderRun.objects.bulk_create([ReminderRun(book=book, day=day)], ignore_conflicts=True)
    asked, values = statement(table), {**_values(day), **(more or {})}
    posted = 0
    while clock.today() == day:
        found = _chunk(book, day, asked, values, size)
        if found is None:
            break
        posted += found
    return posted


def _chunk(book: str, day: date, asked: str, values: Mapping[str, Any], size: int) -> int | None:
    """The next people of a round; None when it is over or somebody else is at it."""
    with transaction.atomic():
        runs = ReminderRun.objects.select_for_update(skip_locked=True)
        run = runs.filter(book=book, day=day, done_at__isnull=True).first()
        if run is None:
            return None
        until, now = _end_of_chunk(run.reached, size), clock.now()
        with connection.cursor() as cursor:
            cursor.execute(asked, {**values, "after": run.reached, "until": until, **_moments(now)})
            posted = int(cursor.rowcount)
        run.posted += posted
        run.reached = until or run.reached
        run.done_at = None if until else now
        run.save(update_fields=["posted", "reached", "done_at"])
        if posted:
            outbox.ring_on_commit()
    return posted


def _end_of_chunk(after: UUID | None, size: int) -> UUID | None:
    people = Person.objects.order_by("pk")
    if after is not None:
        people = people.filter(pk__gt=after)
    return people.values_list("pk", flat=True)[size - 1 : size].first()


def _moments(now: datetime) -> dict[str, Any]:
    return {"now": now, "due_at": Outbox._meta.get_field("due_at").get_default()}


def _values(day: date) -> dict[str, Any]:
    """Everything that the statement is told: the day, and the law's numbers of that day."""
    rules = policy.current(day)
    changes = [date.min, *sorted(policy.days_of_change())]
    deemed = [policy.current(since) for since in changes]
    return {
        "today": day,
        "open_months": rules.renewal_open_months,
        "close_days": rules.renewal_close_days_before,
        "initial_years": rules.initial_window_years,
        "min_age": rules.min_age,
        "max_age": rules.max_age,
        "hours_required": rules.ce_hours_required,
        "deemed_from": changes,
        "deemed_days": [each.deemed_renewal_days_before if each.deemed_renewal else None for each in deemed],
        "moving": standing.still_moving(day),
        "marks": [*EXPIRY_DAYS, FEWER_THAN_THIRTY],
        "fewer": FEWER_THAN_THIRTY,
        "initial_marks": list(INITIAL_DAYS),
        "expired_for": EXPIRED_FOR,
        "dates_page": page("dates"),
    }


def page(name: str, *args: object) -> str:
    """The path of a page of the applicant's desk."""
    return reverse(name, args=args, urlconf=settings.URLCONF_OF_DESK["applicant"])
