"""How long `bin/manage reconcile` takes over 100,000 cases of one agency, and mending what is broken in them.

One case is led through all acts from lodging to the certificate; the others are its copies, with movements,
notices on their boards, docket lines and entries in the register of their own. First all books agree, then
one case in a thousand has lost a notice, another a docket line, a third its place on a board. Real walls,
real commits; run by `bin/bench reconcile_size`, whose exit code says whether the comparison keeps to its
minute, finds what was broken and mends it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from io import StringIO
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from tests.bench.queue_size import ground

if TYPE_CHECKING:
    from tests.cast import Cast

CASES: Final = 100_000
# One in so many is broken, in three ways.
EACH: Final = 1_000
# Seconds that comparing may take.
MOST: Final = 60.0
COPY: Final = "md5({}::text || n)::uuid"
# Table by table: the rows of the case, which columns of a copy differ, and the one that counts by itself. The
# keys of the copies follow from those of the original, so what belongs together keeps together.
COPIES: Final[tuple[tuple[str, str, Mapping[str, str], str], ...]] = (
    (
        "{agency}.review_case",
        "o.id = %(case)s",
        {"id": COPY.format("o.id"), "reference": "'ZC2099' || lpad(n::text, 8, '0')"},
        "",
    ),
    (
        "{agency}.review_dossier",
        "o.case_id = %(case)s",
        {
            **{"id": COPY.format("o.id"), "case_id": COPY.format("o.case_id")},
            **{"content": "'{{}}'::jsonb", "photo": "NULL"},
        },
        "",
    ),
    (
        "{agency}.review_movement",
        "o.case_id = %(case)s",
        {"id": COPY.format("o.id"), "case_id": COPY.format("o.case_id")},
        "",
    ),
    (
        "public.register_docketentry",
        "o.case_id = %(case)s",
        {"case_id": COPY.format("o.case_id"), "reference": "'ZC2099' || lpad(n::text, 8, '0')"},
        "",
    ),
    (
        "public.notifications_outbox",
        "o.case_id = %(case)s",
        {"cause": f"({COPY.format('o.cause')})::text", "case_id": COPY.format("o.case_id")},
        "id",
    ),
    (
        "public.register_registration",
        "o.case_id = %(case)s",
        {
            **{"id": COPY.format("o.id"), "case_id": COPY.format("o.case_id")},
            **{"number": "'99' || lpad(n::text, 9, '0')"},
        },
        "",
    ),
    (
        "public.register_certificate",
        "o.registration_id = %(registration)s",
        {
            **{"id": COPY.format("o.id"), "registration_id": COPY.format("o.registration_id")},
            **{"code": "md5(o.code || n)"},
        },
        "",
    ),
    (
        "public.register_batchline",
        "o.registration_id = %(registration)s",
        {"registration_id": COPY.format("o.registration_id")},
        "id",
    ),
)
BOARDS: Final = """
    INSERT INTO notifications_notice (
        outbox_id, user_id, kind, category, title_zh, body_zh, title_en, body_en, case_id, link, created_at
    )
    SELECT id, user_id, kind, 'status', '示例', '', 'Sample', '', case_id, '', created_at
    FROM notifications_outbox o
    WHERE NOT EXISTS (SELECT 1 FROM notifications_notice n WHERE n.outbox_id = o.id)
"""
BREAK: Final = (
    """
    WITH lost AS (
        SELECT o.id FROM notifications_outbox o
        JOIN (SELECT md5(%(case)s::text || n)::uuid AS id FROM generate_series(1, %(cases)s, %(each)s) n) c
            ON c.id = o.case_id AND o.kind = 'accepted'
    ), boards AS (DELETE FROM notifications_notice WHERE outbox_id IN (SELECT id FROM lost))
    DELETE FROM notifications_outbox WHERE id IN (SELECT id FROM lost)
    """,
    """
    DELETE FROM register_docketentry WHERE case_id IN
        (SELECT md5(%(case)s::text || n)::uuid FROM generate_series(2, %(cases)s, %(each)s) n)
    """,
    """
    DELETE FROM notifications_notice WHERE kind = 'reported' AND case_id IN
        (SELECT md5(%(case)s::text || n)::uuid FROM generate_series(3, %(cases)s, %(each)s) n)
    """,
)


def original(cast: Cast) -> tuple[UUID, UUID]:
    """One case led from lodging to its certificate by the proper acts, and its registration."""
    import pytest

    from register import clock
    from register.models import Batch, BatchLine, Registration
    from review import casework, certificates
    from review.models import Case
    from review.states import State
    from tenants import crossing
    from tenants.crossing import Desk
    from tests import casefiles
    from tests.certificates import undrawn

    zhao, zhou = cast.actor("zhao"), cast.actor("zhou")
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        key = casefiles.lodge(cast.zhang, cast.beijing).pk
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(Case.objects.get(pk=key), cast.actor("li"), State.REPORTED)
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        case = Case.objects.prefetch_related("opinions").get(pk=key)
        casework.take_up(case=case, by=zhao)
        casework.approve(case=case, by=zhao)
    with crossing.standing(Desk.OWNER):
        row = Registration.objects.get(case_id=key)
        batch = Batch.objects.create(
            number="2026-001", title="示例公告", published_on=clock.today(), published_by=cast.user("zhou")
        )
        said = {"name": "某", "number": row.number, "kind": row.kind, "agency": row.agency}
        BatchLine.objects.create(batch=batch, registration=row, **said)
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        casework.announce(case=case, by=zhou, batch="2026-001", published_on=clock.today())
    with pytest.MonkeyPatch.context() as patch, crossing.standing(Desk.AUTHORITY):
        undrawn(patch)
        certificates.issue_batch(Batch.objects.select_related("published_by").get(pk=batch.pk))
    return key, row.pk


def copy(cast: Cast, case: UUID, registration: UUID, cases: int) -> None:
    """So many copies of the original, and everything on its board."""
    from django.db import connection

    from review import docket
    from tenants import crossing
    from tenants.crossing import Desk

    given: dict[str, Any] = {"case": case, "registration": registration, "cases": cases}
    with crossing.standing(Desk.OWNER), connection.cursor() as cursor:
        for table, which, changes, own in COPIES:
            name = table.format(agency=cast.beijing.schema_name)
            schema, bare = name.split(".")
            cursor.execute(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_schema = %s AND table_name = %s AND is_generated = 'NEVER'",
                [schema, bare],
            )
            columns = [column for (column,) in cursor.fetchall() if column != own]
            values = ", ".join(changes.get(column, f"o.{column}").replace("{{}}", "{}") for column in columns)
            cursor.execute(
                f"INSERT INTO {name} ({', '.join(columns)}) SELECT {values}"
                f" FROM {name} o, generate_series(1, %(cases)s) n WHERE {which}",
                given,
            )
        cursor.execute("UPDATE notifications_outbox SET sent_at = now() WHERE sent_at IS NULL")
        cursor.execute(BOARDS)
        docket.count_anew()
        docket.fold_counts()
        cursor.execute("VACUUM ANALYZE")


def broken(case: UUID, cases: int) -> None:
    from django.db import connection

    from tenants import crossing
    from tenants.crossing import Desk

    with crossing.standing(Desk.OWNER), connection.cursor() as cursor:
        for statement in BREAK:
            cursor.execute(statement, {"case": case, "cases": cases, "each": EACH})


def reconciled(*given: str) -> tuple[float, int, dict[str, Any]]:
    """Seconds, exit code and what was said."""
    from django.core.management import CommandError, call_command

    said, code, begun = StringIO(), 0, time.perf_counter()
    try:
        call_command("reconcile", "--json", *given, stdout=said, no_color=True)
    except CommandError as error:
        code = error.returncode
    return time.perf_counter() - begun, code, json.loads(said.getvalue())


def told(what: str, seconds: float, code: int, found: dict[str, Any]) -> None:
    figures = {name: found[name] for name in ("cases", "movements", "notices", "mended", "left")}
    print(f"{what:<22} {seconds:6.1f} s, exit {code}, {figures} {found['by_kind']}", flush=True)


def main() -> int:
    cases = int(os.environ.get("RECONCILE_CASES", CASES))
    with ground():
        from tests.cast import raised

        cast = raised()
        case, registration = original(cast)
        begun = time.perf_counter()
        copy(cast, case, registration, cases)
        print(f"{cases:,} copies written in {time.perf_counter() - begun:.0f} s", flush=True)
        clean = reconciled()
        told("all agree", *clean)
        broken(case, cases)
        found, mended, after = reconciled(), reconciled("--fix"), reconciled()
        told("broken", *found)
        told("broken, with --fix", *mended)
        told("afterwards", *after)
    wanted = {
        name: -(-(cases - n) // EACH) for n, name in enumerate(("no_notice", "no_line", "not_on_board"))
    }
    kinds = {name: found[2]["by_kind"].get(name) for name in wanted}
    right = kinds == wanted and (clean[1], found[1], after[1]) == (0, 1, 0)
    slowest = max(clean[0], found[0], after[0])
    good = right and slowest <= MOST
    print(f"{slowest:.1f} s at most, everything found and mended: {right}: {'good' if good else 'NOT GOOD'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
