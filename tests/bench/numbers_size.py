"""How fast an agency's figures are counted with 1,000 cases and with 100,000 in a year.

Two in a hundred are open; each case has the movements of its way. Real walls, real commits; run by
`bin/bench numbers_size`, whose exit code says whether the usual page keeps to its time with the many.
`NUMBERS_EXPLAIN=1` prints the plans of the slow queries as well.
"""

from __future__ import annotations

import os
import sys
import time
from statistics import median
from typing import Final

from tests.bench.queue_size import fill, ground

SIZES: Final = (("mohurd", 1_000), ("beijing", 100_000))
# One in so many cases is open.
OPEN_EACH: Final = 50
TRIES: Final = 7
# Seconds that the usual period (12 weeks) may take with the many.
MOST: Final = 1.5
WAY: Final = """
    INSERT INTO review_movement (
        id, case_id, number, act, actor_id, actor_name, actor_role, from_state, to_state, at, detail,
        previous, hash
    )
    SELECT gen_random_uuid(), c.id, w.number, w.act,
        CASE WHEN w.act = 'lodge' THEN 0 ELSE c.assignee_id END, '', '', w.source, w.target,
        c.lodged_at + w.days * interval '1 day', '{}', '', ''
    FROM review_case c
    JOIN (VALUES
        (1, 'lodge', '', 'submitted', 0), (2, 'take_up', 'submitted', 'submitted', 1),
        (3, 'accept', 'submitted', 'accepted', 2), (4, 'give_opinion', 'accepted', 'first_passed', 9),
        (5, 'refer', 'first_passed', 'reported', 10), (6, 'approve', 'reported', 'final_passed', 25),
        (7, 'announce', 'final_passed', 'announced', 30), (8, 'issue', 'announced', 'issued', 33)
    ) AS w (number, act, source, target, days) ON w.number <= CASE
        WHEN c.state = 'submitted' THEN 1 WHEN c.state = 'accepted' THEN 3
        WHEN c.state = 'first_passed' THEN 4
        WHEN c.state = 'reported' THEN 5 WHEN c.state = 'issued' THEN 8 ELSE 2 END
"""
BESIDE: Final = (
    """
    INSERT INTO review_opinion (
        id, case_id, level, verdict, codes, text, standing, author_id, author_name, given_at,
        countersigned_by_name
    )
    SELECT gen_random_uuid(), id, 'first', 'pass', '[]', '', 'given', 0, '', lodged_at, ''
    FROM review_case WHERE state IN ('first_passed', 'reported', 'issued')
    """,
    """
    INSERT INTO review_correction (id, case_id, number, items, reason, told_by_id, told_by_name, told_at)
    SELECT gen_random_uuid(), id, 1, '[{"item": "employer", "code": "R08", "text": "…"}]', '', 0, '',
        lodged_at + interval '1 day'
    FROM review_case WHERE hashtext(id::text) % 5 = 0
    """,
    "UPDATE review_case SET lodged_at = now() - random() * interval '365 days',"
    " corrections = (hashtext(id::text) % 5 = 0)::int",
    "VACUUM ANALYZE",
)


def walk(agency: str) -> None:
    """The way of every case in the agency's schema, spread over a year."""
    from django.db import connection

    from tenants import crossing
    from tenants.crossing import Desk

    with crossing.standing(Desk.OWNER), crossing.inside(agency), connection.cursor() as cursor:
        first, *others = (BESIDE[2], WAY, *BESIDE[:2], BESIDE[3])
        for sql in (first, *others):
            cursor.execute(sql)


def counted(agency: str, weeks: int, *, explain: bool) -> float:
    """Median seconds for all figures of the period, counted at the agency's desk."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from review import numbers
    from tenants import crossing
    from tenants.crossing import Desk
    from tenants.models import Agency

    taken = []
    with crossing.standing(Desk.AGENCY, Agency(code=agency, schema_name=agency)):
        for _turn in range(TRIES + 1):
            begun = time.perf_counter()
            numbers.numbers(numbers.Period(weeks))
            taken.append(time.perf_counter() - begun)
        if explain:
            with CaptureQueriesContext(connection) as asked:
                numbers.numbers(numbers.Period(weeks))
    for query in asked if explain else ():
        print(f"\n{query['time']} s {query['sql'][:300]}")
        if float(query["time"]) > 0.05:
            with crossing.standing(Desk.OWNER), crossing.inside(agency), connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + query["sql"].replace("%", "%%"))
                print("\n".join(line for (line,) in cursor.fetchall()))
    return median(taken[1:])


def main() -> int:
    with ground():
        from tenants.models import Agency
        from tests.cast import staff_of

        staff = staff_of({agency.code: agency for agency in Agency.objects.all()})
        usual = 0.0
        for agency, count in SIZES:
            fill(agency, count, OPEN_EACH, staff["li"].pk)
            walk(agency)
            for weeks in (4, 12, 52):
                explain = bool(os.environ.get("NUMBERS_EXPLAIN")) and agency == SIZES[-1][0]
                seconds = counted(agency, weeks, explain=explain)
                usual = seconds if weeks == 12 else usual
                print(f"{count:>7} cases, {weeks:>2} weeks: {seconds * 1000:7.1f} ms", flush=True)
    print(f"12 weeks with {SIZES[-1][1]:,}: {usual:.2f} s: {'good' if usual <= MOST else 'TOO MUCH'}")
    return 0 if usual <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
