"""How fast an agency's queue answers with 100 cases and with 100,000: first page, deep page, filtered.

Two in a hundred cases are open, as in an agency some years at work. Real walls, real commits; run by
`bin/bench queue_size`, whose exit code says whether no page takes much longer with the many.
`QUEUE_EXPLAIN=1` prints the slowest queries' plans as well.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Final

import django

if TYPE_CHECKING:
    from django.test import Client

SIZES: Final = (100, 100_000)
TRIES: Final = 15
# Milliseconds that any page may take longer with the many, by their best times: these do not depend on what
# else the machine does.
SLACK: Final = 25.0
FILL: Final = """
    INSERT INTO review_case (
        id, reference, kind, late, state, state_since, resume_state, person_id, applicant_name,
        document_mask, document_digest, category, employer_name, employer_code, version, assignee_id,
        policy, lodged_at, clock, clock_from, due_on, due_provisional, extended, paused_clock,
        paused_extended, corrections, acceptance_number, false_material, chain_length, chain_head
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
        CASE WHEN s.open AND n %% 3 = 0 THEN NULL ELSE (%(staff)s::bigint[])[1 + n %% 2] END,
        %(policy)s::jsonb, now() - n * interval '10 minutes',
        CASE WHEN s.open THEN 'F' ELSE '' END, CASE WHEN s.open THEN current_date END,
        CASE WHEN s.open THEN current_date + (n / 50 %% 30 - 4) END, false, false, '', false, 0, '', false,
        6, repeat('a', 64)
    FROM generate_series(1, %(count)s) n,
    LATERAL (SELECT n %% 50 = 0 AS open,
        CASE WHEN n %% 50 = 0
            THEN (ARRAY['submitted','submitted','accepted','accepted','correction','first_passed','reported'])
                [1 + (n / 50) %% 7]
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


def fill(count: int, staff: list[int]) -> None:
    """So many cases in Beijing's schema, nothing else in it."""
    from django.db import connection

    from register import policy
    from tenants import crossing
    from tenants.crossing import Desk
    from tenants.crypto import canonical_json

    with crossing.standing(Desk.OWNER):
        frozen = canonical_json(policy.current().as_dict()).decode()
    with crossing.standing(Desk.OWNER), crossing.inside("beijing"), connection.cursor() as cursor:
        cursor.execute("TRUNCATE review_case CASCADE")
        cursor.execute(FILL, {"count": count, "staff": staff, "policy": frozen})
        cursor.execute("VACUUM ANALYZE review_case")


def deep_place() -> str:
    """The place in the middle of what is over."""
    from review.models import Case
    from review.queue import Cursor
    from tenants import crossing
    from tenants.crossing import Desk

    with crossing.standing(Desk.OWNER), crossing.inside("beijing"):
        over = Case.objects.filter(due_on=None).order_by("-state_since", "-pk")
        row = over[int(over.count() * 0.9)]
    return str(Cursor(row.state_since, row.pk))


def measured(client: Client, path: str) -> tuple[float, float]:
    """Median and best time of one page in milliseconds, after it was asked for once."""
    taken = []
    for _turn in range(TRIES + 1):
        begun = time.perf_counter()
        answer = client.get(path)
        taken.append((time.perf_counter() - begun) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{path} answered {answer.status_code}.")
    return median(taken[1:]), min(taken[1:])


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
        with crossing.standing(Desk.OWNER), crossing.inside("beijing"), connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + sql.replace("%", "%%"))
            print(f"\n{path}\n{sql[:400]}\n" + "\n".join(line for (line,) in cursor.fetchall()))


def main() -> int:
    from urllib.parse import quote

    with ground():
        from tenants.models import Agency
        from tests.cast import Cast, staff_of
        from tests.review.desks import at_desk

        agencies = {agency.code: agency for agency in Agency.objects.all()}
        cast = Cast(agencies, {}, staff_of(agencies))
        staff = [cast.user("li").pk, cast.user("liu").pk]
        found: dict[str, list[float]] = {name: [] for name in PAGES}
        for count in SIZES:
            fill(count, staff)
            client, deep = at_desk(cast, "li"), deep_place()
            for name, path in PAGES.items():
                asked = quote(path.format(deep=deep), safe="/?&=~:+")
                middle, best = measured(client, asked.replace("+", "%2B"))
                found[name].append(best)
                print(f"{count:>7} {name:<24} p50 {middle:6.1f} ms  best {best:6.1f} ms", flush=True)
                if os.environ.get("QUEUE_EXPLAIN") and count == SIZES[-1]:
                    explain(client, asked.replace("+", "%2B"))
    worst = max(many - few for few, many in found.values())
    print(f"at most {worst:.1f} ms longer: {'good' if worst <= SLACK else 'TOO MUCH'} (best of {TRIES})")
    return 0 if worst <= SLACK else 1


if __name__ == "__main__":
    sys.exit(main())
