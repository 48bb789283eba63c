"""The docket: one public line per live case, written in the transaction of every movement.

It is a projection: `differences` compares it with the case files, `rebuild` writes it anew from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.db.models.sql import InsertQuery, UpdateQuery

from register import clock
from register.models import DocketEntry
from review.models import Case
from review.states import State
from tenants import crossing
from tenants.models import Agency


def line_of(case: Case) -> dict[str, Any]:
    """What the docket says about this case."""
    return {
        "reference": case.reference,
        "person_id": case.person_id,
        "kind": case.kind,
        "category": case.category,
        "applicant_name": case.applicant_name,
        "employer_name": case.employer_name,
        "state": case.state,
        "open": case.open,
        "lodged_on": clock.day_of(case.lodged_at),
        "due_on": case.due_on,
        "due_provisional": case.due_provisional,
        "clock": case.clock,
        "officer_id": case.officer_id,
        "dispatch_number": case.dispatch.number if case.dispatch_id and case.dispatch else "",
        "reported_on": case.reported_on,
        "decided_on": case.decided_on,
        "first_verdict": case.first_verdict,
        "final_verdict": case.final_verdict,
        "corrections": case.corrections,
        "remands": case.remands,
        "false_material": case.false_material,
        "awaits_signature": case.awaits_signature,
        "chain_length": case.chain_length,
        "chain_head": case.chain_head,
    }


def enter(case: Case, *, agency: Agency, at: datetime) -> DocketEntry:
    """Open the docket line of a newly lodged case, and count it.

    Raises `IntegrityError` (`one_open_docket_line_per_person`) when the person has an open one anywhere.
    """
    entry = DocketEntry(case_id=case.pk, agency=agency, updated_at=at, **line_of(case))
    line: Any = InsertQuery(DocketEntry)
    line.insert_values(DocketEntry._meta.concrete_fields, [entry])
    ((insert, params),) = line.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(ENTER_AND_COUNT.replace("{insert}", insert), params)
    entry._state.adding = False
    return entry


def follow(case: Case, at: datetime) -> None:
    """Bring the docket line up to the case, in the same transaction."""
    _write(case, updated_at=at)


def lead_to(agency: Agency, case: Case, at: datetime) -> None:
    """Let the docket line of a case handed over lead to the agency that has the case now."""
    _write(case, updated_at=at, agency=agency)


# The line and what changes of the counts by it, in one statement: no act pays a second round trip.
ENTER_AND_COUNT: Final = """
    WITH line AS ({insert} RETURNING agency_id, state)
    INSERT INTO public.register_docketcount (agency_id, state, change) SELECT agency_id, state, 1 FROM line
"""
WRITE_AND_COUNT: Final = """
    WITH before AS MATERIALIZED (
        SELECT agency_id, state FROM public.register_docketentry WHERE case_id = %s
    ), line AS (
        {update} RETURNING agency_id, state
    ), counted AS (
        INSERT INTO public.register_docketcount (agency_id, state, change)
        SELECT moved.* FROM before, line, LATERAL (
            VALUES (before.agency_id, before.state, -1), (line.agency_id, line.state, 1)
        ) AS moved
        WHERE (before.agency_id, before.state) <> (line.agency_id, line.state)
    )
    SELECT count(*) FROM line
"""


def _write(case: Case, **more: Any) -> None:
    line: Any = DocketEntry.objects.filter(case_id=case.pk).query.chain(UpdateQuery)
    line.add_update_values({**line_of(case), **more})
    update, params = line.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(WRITE_AND_COUNT.replace("{update}", update), [case.pk, *params])
        (changed,) = cursor.fetchone()
    if changed != 1:
        raise RuntimeError(f"case {case.pk} has {changed} docket lines")


@contextmanager
def opened(entry: DocketEntry, *related: str) -> Iterator[Case]:
    """Stand inside the entry's agency and open its case: the authority's and the applicant's way in.

    `related` is read along with it. Render the page inside: a queryset evaluated afterwards would read
    another schema.
    """
    with crossing.inside(entry.agency):
        cases = Case.objects.select_related(*related) if related else Case.objects
        yield cases.prefetch_related("opinions").get(pk=entry.case_id)


def differences(agency: Agency) -> list[str]:
    """Where docket and case files of one agency disagree; an empty list when they agree. Stand inside it.

    What seems to disagree is looked at once more under lock: people are at work between the first two looks.
    """
    lines = {entry.case_id: entry for entry in DocketEntry.objects.filter(agency=agency)}
    cases = _live_cases().iterator(chunk_size=2000)
    suspect = [case.pk for case in cases if _differing(agency, case, lines.pop(case.pk, None))]
    return [said for key in (*suspect, *lines) for said in _confirmed(agency, key)]


def _confirmed(agency: Agency, key: UUID) -> list[str]:
    with crossing.atomic():
        case = _live_cases().select_for_update(of=("self",)).filter(pk=key).first()
        entry = DocketEntry.objects.filter(agency=agency, pk=key).first()
        if case is not None:
            return _differing(agency, case, entry)
        # One that comes from elsewhere at this very moment brings its file with it.
        if entry is None or _live_cases().filter(pk=key).exists():
            return []
        return [f"{agency.code} {entry.reference}: docket line without a case"]


def _differing(agency: Agency, case: Case, entry: DocketEntry | None) -> list[str]:
    if entry is None:
        return [f"{agency.code} {case.reference}: no docket line"]
    return [
        f"{agency.code} {case.reference}: {name} is {getattr(entry, name)!r}, case says {value!r}"
        for name, value in line_of(case).items()
        if getattr(entry, name) != value
    ]


def rebuild(agency: Agency) -> int:
    """Write this agency's docket lines anew from its case files; returns how many. Stand inside it.

    Safe beside people at work: each line is written under the lock of its case.
    """
    written = 0
    for case_id in _live_cases().values_list("pk", flat=True):
        with crossing.atomic():
            case = _live_cases().select_for_update(of=("self",)).filter(pk=case_id).first()
            if case is None:
                # Handed over meanwhile: its line leads to the agency that has it now.
                continue
            DocketEntry.objects.update_or_create(
                case_id=case.pk, defaults={"agency": agency, "updated_at": clock.now(), **line_of(case)}
            )
        written += 1
    live = _live_cases().values("pk")
    DocketEntry.objects.filter(agency=agency).exclude(case_id__in=live).delete()
    return written


# --- Counts ------------------------------------------------------------------------------------------

FOLD: Final = """
    WITH alone AS MATERIALIZED (
        SELECT pg_try_advisory_xact_lock(hashtextextended('register_docketcount fold', 0)) AS yes
    ), taken AS (
        DELETE FROM public.register_docketcount
        WHERE (SELECT yes FROM alone) AND (agency_id, state) IN (
            SELECT agency_id, state FROM public.register_docketcount
            GROUP BY agency_id, state HAVING count(*) > 1 OR sum(change) = 0
        ) RETURNING agency_id, state, change
    ), folded AS (
        INSERT INTO public.register_docketcount (agency_id, state, change)
        SELECT agency_id, state, sum(change) FROM taken GROUP BY agency_id, state HAVING sum(change) <> 0
    )
    SELECT count(*) FROM taken
"""
# Lines and changes are written together, so any moment's view of both tells a true difference.
MISCOUNTED: Final = """
    SELECT agency_id, state, sum(lines)::int AS lines, sum(told)::int AS told FROM (
        SELECT agency_id, state, 1 AS lines, 0 AS told FROM public.register_docketentry
        UNION ALL SELECT agency_id, state, 0, change FROM public.register_docketcount
    ) AS both_books GROUP BY agency_id, state HAVING sum(lines) <> sum(told)
"""


CORRECT: Final = f"""
    INSERT INTO public.register_docketcount (agency_id, state, change)
    SELECT agency_id, state, lines - told FROM ({MISCOUNTED}) AS wrong
"""  # noqa: S608 - nothing but our own words


def fold_counts() -> int:
    """Put the changes of each counter together into one row; how many rows were taken up.

    Of two that fold at once one does nothing, and at every moment the sums are the same.
    """
    with connection.cursor() as cursor:
        cursor.execute(FOLD)
        return int(cursor.fetchone()[0])


def miscounted() -> list[str]:
    """Where the counters disagree with the lines of the docket; an empty list when they agree."""
    return sorted(said for each in miscounted_by_agency().values() for said in each)


def miscounted_by_agency() -> dict[int, list[str]]:
    """The same by the agency whose lines are counted wrongly."""
    with connection.cursor() as cursor:
        cursor.execute(MISCOUNTED)
        found = cursor.fetchall()
    names = dict(Agency.objects.values_list("pk", "code"))
    said: dict[int, list[str]] = {}
    for agency, state, lines, told in found:
        said.setdefault(agency, []).append(f"{names[agency]} {state}: {told} counted, {lines} lines")
    return said


def count_anew() -> int:
    """Write what the counters lack or have too much; how many were wrong. Safe beside people at work."""
    with crossing.atomic(), connection.cursor() as cursor:
        # Two that correct the same counter at once would correct it twice.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('register_docketcount', 0))")
        cursor.execute(CORRECT)
        return int(cursor.rowcount)


def _live_cases() -> QuerySet[Case]:
    """Every case but the tombstones of cases handed over, which have no line of their own."""
    return Case.objects.exclude(state=State.HANDED_OVER).select_related("dispatch")
