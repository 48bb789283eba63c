"""How fast an agency's queue answers with 100 cases and with 100,000: first page, deep page, filtered.

Of the many two in a hundred are open, as in an agency some years at work; of the few every other one. The two
stand in two agencies and are asked by turns, so that whatever else the machine does slows both. The figures
are of the whole page and, behind the stroke, of its questions to the database: the rest of the time goes with
the rows on the page, fifty at most, of which a filter leaves fewer among the few. Real walls, real commits;
run by `bin/bench queue_size`, whose exit code says whether the database takes much longer with the many.
`QUEUE_EXPLAIN=1` prints the plans of slow queries as well.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import django

if TYPE_CHECKING:
    from django.test import Client

# Reviewer, agency, cases, and each which of them is open.
FEW: Final = ("li", "beijing", 100, 2)
MANY: Final = ("he", "mohurd", 100_000, 50)
TRIES: Final = 15
# Milliseconds by which the median of a page's questions may be longer with the many.
SLACK: Final = 25.0
FILL: Final = """
    INSERT INTO review_case (
        id, reference, kind, late, state, state_since, resume_state, person_id, applicant_name,
        document_mask, document_digest, category, employer_name, employer_code, version, assignee_id,
        policy, lodged_at, clock, clock_from, due_on, due_provisional, extended, paused_clock,
        paused_extended, corrections, acceptance_number, false_material, first_verdict, final_verdict,
        remands, awaits_signature, chain_length, chain_head
    )
    SELECT gen_random_uuid(), 'ZC2026' || lpad(n::text, 8, '0'),
        (ARRAY['initial','initial','renewal','renewal','change','reregister'])[1 + n %% 6], false, s.state,
        now() - n * interval '9 minutes', '', gen_random_uuid(),
        substr('赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨', 1 + n %% 16, 1)
            || substr('测示样例演甲乙丙丁戊己庚', 1 + (n / 16) %% 12, 1)
            || substr('一二三四五六七八九十', 1 + (n / 192) %% 10, 1),
        '110000********' || lpad((n %% 10000)::text, 4, '0'), encode(sha256(n::text::bytea), 'hex'),
        'A' || (1 + n %% 5),
        '示例' || substr('东南西北中甲乙丙', 1 + n %% 8, 1) || (n %% 2000) || '号化工有限公司',
        '91110000MA' || lpad((n %% 2000)::text, 8, '0'), 1,
        CASE WHEN s.open AND n %% 3 = 0 THEN NULL ELSE (%(staff)s::bigint[])[1] END,
        %(policy)s::jsonb, now() - n * interval '10 minutes',
        CASE WHEN s.open THEN 'F' ELSE '' END, CASE WHEN s.open THEN current_date END,
        CASE WHEN s.open THEN current_date + (n / %(each)s %% 30 - 4) END,
        false, false, '', false, 0, '', false, '', '', 0, false, 6, repeat('a', 64)
    FROM generate_series(1, %(count)s) n,
    LATERAL (SELECT n %% %(each)s = 0 AS open,
        CASE WHEN n %% %(each)s = 0
            THEN (ARRAY['submitted','submitted','accepted','accepted','correction','first_passed','reported'])
                [1 + (n / %(each)s) %% 7]
            ELSE (ARRAY['issued','issued','issued','issued','final_failed','withdrawn','lapsed'])[1 + n %% 7]
        END AS state) s
"""
PAGES: Final = {
    "first page": "/cases/",
    "all, first page": "/cases/?tab=all",
    "closed, deep page": "/cases/?tab=closed&after={deep}",
    "name and tab": "/cases/?tab=all&search=赵测一",
    "one family name, all": "/cases/?tab=all&search=赵",
    "employer, all": "/cases/?tab=all&employer=甲5号",
    "nothing found, all": "/cases/?tab=all&search=没有此人",
    "reference": "/cases/?tab=all&search=ZC20260000009",
    "kind, category, mine": "/cases/?tab=all&kind=renewal&category=A2&hold=mine",
    "overdue, all": "/cases/?tab=all&due=over",
}


@contextmanager
def ground() -> Iterator[None]:
    """A database of its own with walls and agencies, as the tests have it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.db import connection
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    from tests.ground import open_ground

    connection.settings_dict["TEST"]["NAME"] = "bench_queue_size"
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    try:
        open_ground()
        yield
    finally:
        teardown_databases(made, verbosity=0)


def fill(agency: str, count: int, each: int, holder: int) -> None:
    """So many cases in an agency's schema, nothing else in it."""
    from django.db import connection

    from register import policy
    from tenants import crossing
    from tenants.crossing import Desk
    from tenants.crypto import canonical_json

    with crossing.standing(Desk.OWNER):
        frozen = canonical_json(policy.current().as_dict()).decode()
    given: dict[str, Any] = {"count": count, "each": each, "staff": [holder], "policy": frozen}
    with crossing.standing(Desk.OWNER), crossing.inside(agency), connection.cursor() as cursor:
        cursor.execute(FILL, given)
        cursor.execute("VACUUM ANALYZE review_case")


def deep_place(agency: str) -> str:
    """The place behind nine tenths of what is over."""
    from review.models import Case
    from review.queue import Cursor
    from tenants import crossing
    from tenants.crossing import Desk

    with crossing.standing(Desk.OWNER), crossing.inside(agency):
        over = Case.objects.filter(due_on=None).order_by("-state_since", "-pk")
        row = over[int(over.count() * 0.9)]
    return quote(str(Cursor(row.state_since, row.pk)))


def milliseconds(client: Client, path: str) -> tuple[float, float]:
    """How long one page takes, and how much of it its questions to the database."""
    from django.db import connection

    asking = 0.0

    def timed(execute: Callable[..., Any], *given: Any) -> Any:
        nonlocal asking
        begun = time.perf_counter()
        try:
            return execute(*given)
        finally:
            asking += time.perf_counter() - begun

    with connection.execute_wrapper(timed):
        begun = time.perf_counter()
        answer = client.get(path)
        taken = time.perf_counter() - begun
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status_code}.")
    return taken * 1000, asking * 1000


def explain(client: Client, path: str) -> None:
    """The plans of the queries on cases, those over 3 ms."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tenants import crossing
    from tenants.crossing import Desk

    with CaptureQueriesContext(connection) as asked:
        client.get(path)
    slow = [query["sql"] for query in asked if float(query["time"]) > 0.003 and "review_case" in query["sql"]]
    for sql in slow:
        with crossing.standing(Desk.OWNER), crossing.inside(MANY[1]), connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + sql.replace("%", "%%"))
            print(f"\n{path}\n{sql[:400]}\n" + "\n".join(line for (line,) in cursor.fetchall()))


def main() -> int:
    worst = 0.0
    with ground():
        from tenants.models import Agency
        from tests.cast import Cast, staff_of
        from tests.review.desks import at_desk

        agencies = {agency.code: agency for agency in Agency.objects.all()}
        cast = Cast(agencies, {}, staff_of(agencies))
        clients, places = [], []
        for who, agency, count, each in (FEW, MANY):
            fill(agency, count, each, cast.user(who).pk)
            clients.append(at_desk(cast, who))
            places.append(deep_place(agency))
        for name, path in PAGES.items():
            asked = [quote(path.format(deep=place), safe="/?&=%") for place in places]
            both = list(zip(clients, asked, strict=True))
            taken = [[milliseconds(*one) for one in both] for _turn in range(TRIES + 1)][1:]
            told = []
            for column in zip(*taken, strict=True):
                pages, questions = zip(*column, strict=True)
                told.append((median(pages), median(questions)))
            (few, few_asking), (many, many_asking) = told
            worst = max(worst, many_asking - few_asking)
            print(
                f"{name:<22} {FEW[2]}: {few:6.1f} | {few_asking:5.1f} ms"
                f"   {MANY[2]}: {many:6.1f} | {many_asking:5.1f} ms",
                flush=True,
            )
            if os.environ.get("QUEUE_EXPLAIN"):
                explain(*both[1])
    print(f"p50 of {TRIES}; at most {worst:.1f} ms longer: {'good' if worst <= SLACK else 'TOO MUCH'}")
    return 0 if worst <= SLACK else 1


if __name__ == "__main__":
    sys.exit(main())
