"""What stands against an application of a person anywhere in the country: yes or no, and nothing more.

The bars come across the walls from the definer function `bars_for`; no desk learns by them which agency,
which employer or which dates there are. Beside them stands what the desk itself may see of the docket.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from django.db import connection

from register import clock, standing
from register.standing import ANSWER_BY, OpenLine


@dataclass(frozen=True, slots=True)
class Bars:
    """Whether an application is open, a registration in force, a restriction running.

    `living` is the person into whom this one was merged, or the same; `line` the open application as far as
    the desk may see it.
    """

    open_application: bool
    registered: bool
    restricted: bool
    living: UUID
    line: OpenLine | None = None


ASKED: Final = f"""
SELECT b.open_application, b.registered, b.restricted, p.living, d.kind, d.lodged_on, d.answer_by,
    d.due_provisional
FROM (
    SELECT coalesce(
        (SELECT coalesce(merged_into_id, id) FROM public.register_person WHERE id = %(person)s), %(person)s
    ) AS living
) p
CROSS JOIN LATERAL public.bars_for(p.living, %(day)s) b
LEFT JOIN LATERAL (
    SELECT d.kind, d.lodged_on, {ANSWER_BY} AS answer_by, d.due_provisional
    FROM public.register_docketentry d
    WHERE d.open AND (
        d.person_id = p.living
        OR d.person_id IN (SELECT id FROM public.register_person WHERE merged_into_id = p.living)
    )
    LIMIT 1
) d ON true
"""  # noqa: S608 - only words of the program


def bars_for(person_id: UUID, on: date | None = None) -> Bars:
    """The bars of one person on a day (today), in one query."""
    with connection.cursor() as cursor:
        cursor.execute(ASKED, {"person": person_id, "day": on or clock.today()})
        opened, registered, restricted, living, *line = cursor.fetchone()
    return Bars(opened, registered, restricted, living, standing.open_line(*line))


ASKED_OF_MANY: Final = """
SELECT p.id, b.open_application, b.registered, b.restricted, coalesce(r.merged_into_id, p.id)
FROM unnest(%(people)s::uuid[]) AS p (id)
LEFT JOIN public.register_person r ON r.id = p.id
CROSS JOIN LATERAL public.bars_for(coalesce(r.merged_into_id, p.id), %(day)s) b
"""


def bars_for_many(people: Collection[UUID], on: date | None = None) -> Mapping[UUID, Bars]:
    """The bars of several people on a day (today), in one query; without their open lines."""
    with connection.cursor() as cursor:
        cursor.execute(ASKED_OF_MANY, {"people": list(people), "day": on or clock.today()})
        return {key: Bars(*row) for key, *row in cursor.fetchall()}
