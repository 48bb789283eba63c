"""How fast oversight answers with 151 agencies and 200,000 lines of the docket, two in a hundred open.

The whole page by a signed-in officer, real walls, real commits; run by `bin/bench oversight_size`, whose exit
code says whether page and questions keep to their bounds. `OVERSIGHT_EXPLAIN=1` prints the plans of the
questions to the docket as well.
"""

from __future__ import annotations

import os
import sys
import time
from statistics import median
from typing import Any, Final

from tests.bench.queue_size import ground, milliseconds

AGENCIES: Final = 151
LINES: Final = 200_000
TRIES: Final = 9
# Milliseconds for the whole page, and how many questions it may ask.
MOST: Final = 1000.0
MOST_QUERIES: Final = 12
PAGES: Final = ("/oversight/", "/oversight/?weeks=52", "/oversight/?channel=provincial")
# Without people behind the lines: the docket's key to them is dropped in this database of one run.
LOOSEN: Final = """
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT conname FROM pg_constraint
            WHERE conrelid = 'register_docketentry'::regclass AND contype = 'f'
            AND confrelid = 'register_person'::regclass
        LOOP EXECUTE format('ALTER TABLE register_docketentry DROP CONSTRAINT %I', name); END LOOP;
    END $$
"""
VALUES: Final = {
    "case_id": "gen_random_uuid()",
    "reference": "'ZC2026' || lpad(n::text, 8, '0')",
    "person_id": "gen_random_uuid()",
    "agency_id": "a.ids[1 + n %% array_length(a.ids, 1)]",
    "kind": "(ARRAY['initial','renewal','change','reregister'])[1 + n %% 4]",
    "category": "'A' || (1 + n %% 5)",
    "applicant_name": "'测试' || substr('甲乙丙丁戊己庚辛壬癸', 1 + n %% 10, 1)",
    "employer_name": "'示例' || (n %% 2000) || '号化工有限公司'",
    "state": "CASE WHEN s.open THEN (ARRAY['submitted','accepted','correction','reported'])[1 + n / 50 %% 4]"
    " ELSE (ARRAY['issued','issued','final_failed','withdrawn'])[1 + n %% 4] END",
    "open": "s.open",
    "lodged_on": "s.lodged",
    "due_on": "CASE WHEN s.open THEN current_date + (n / 50 %% 30 - 4) END",
    "clock": "CASE WHEN s.open THEN (ARRAY['A','F','C','N'])[1 + n / 50 %% 4] ELSE '' END",
    "reported_on": "CASE WHEN NOT s.open THEN s.lodged + 15 END",
    "decided_on": "CASE WHEN NOT s.open AND n %% 4 < 3 THEN s.lodged + 30 END",
    "first_verdict": "CASE WHEN s.open THEN '' ELSE 'pass' END",
    "final_verdict": "CASE WHEN s.open OR n %% 4 = 3 THEN '' WHEN n %% 4 = 2 THEN 'fail' ELSE 'pass' END",
    "corrections": "(n %% 5 = 0)::int",
    "remands": "(n %% 11 = 0)::int",
    "chain_length": "6",
    "chain_head": "''",
    "updated_at": "now()",
}


def fill() -> None:
    """151 agencies, of which those without a schema are never entered, and the lines of some three years."""
    from django.db import connection

    from register.models import DocketEntry
    from tenants import crossing
    from tenants.crossing import Desk
    from tenants.models import Agency

    nothing = {"BooleanField": "false", "CharField": "''", "PositiveSmallIntegerField": "0"}
    columns = {
        str(field.column): VALUES.get(str(field.column))
        or ("NULL" if field.null else nothing[field.get_internal_type()])
        for field in DocketEntry._meta.concrete_fields
    }
    with crossing.standing(Desk.OWNER), connection.cursor() as cursor:
        there = Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).count()
        Agency.objects.bulk_create(
            Agency(
                code=f"made{n}", schema_name=f"made{n}", number=700 + n, kind="provincial", name_zh=f"示例{n}"
            )
            for n in range(AGENCIES - there)
        )
        ids = list(Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).values_list("pk", flat=True))
        cursor.execute(LOOSEN)
        given: list[Any] = [LINES, ids]
        cursor.execute(
            f"INSERT INTO register_docketentry ({', '.join(columns)})"
            f" SELECT {', '.join(columns.values())} FROM generate_series(1, %s) n,"
            " (SELECT %s::bigint[] AS ids) a,"
            " LATERAL (SELECT n %% 50 = 0 AS open, current_date - (CASE WHEN n %% 50 = 0 THEN n / 50 %% 90"
            " ELSE n %% 1100 END) AS lodged) s",
            given,
        )
        cursor.execute("VACUUM ANALYZE register_docketentry")


def explain(queries: list[dict[str, str]]) -> None:
    """The plans of the questions to the docket."""
    from django.db import connection

    from tenants import crossing
    from tenants.crossing import Desk

    for query in queries:
        if "register_docketentry" in query["sql"]:
            with crossing.standing(Desk.OWNER), connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + query["sql"].replace("%", "%%"))
                print(f"\n{query['sql'][:300]}\n" + "\n".join(line for (line,) in cursor.fetchall()))


def main() -> int:
    worst, most = 0.0, 0
    with ground():
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        from tenants.models import Agency
        from tests.cast import Cast, staff_of
        from tests.review.desks import at_desk

        agencies = {agency.code: agency for agency in Agency.objects.all()}
        cast = Cast(agencies, {}, staff_of(agencies))
        begun = time.perf_counter()
        fill()
        print(f"{LINES:,} lines of {AGENCIES} agencies written in {time.perf_counter() - begun:.0f} s")
        client = at_desk(cast, "zhao")
        for path in PAGES:
            taken = [milliseconds(client, path) for _turn in range(TRIES + 1)][1:]
            with CaptureQueriesContext(connection) as asked:
                client.get(path)
            pages, questions = (median(column) for column in zip(*taken, strict=True))
            worst, most = max(worst, pages), max(most, len(asked))
            print(f"{path:<34} {pages:7.1f} | {questions:6.1f} ms, {len(asked)} questions", flush=True)
            if os.environ.get("OVERSIGHT_EXPLAIN") and path == PAGES[0]:
                explain(asked.captured_queries)
    good = worst <= MOST and most <= MOST_QUERIES
    print(f"p50 of {TRIES}, at most {worst:.0f} ms and {most} questions: {'good' if good else 'TOO MUCH'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
