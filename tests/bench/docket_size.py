"""How fast the authority's queue answers with 100 lines of the docket and with 200,000 of 151 agencies.

Of the many one in twenty is open, of the few every other one. First the few are asked, then the many, for the
docket is one table. The figures are of the whole page and, behind the stroke, of its questions to the
database. Real walls, real commits; run by `bin/bench docket_size`, whose exit code says whether the database
takes much longer with the many. `DOCKET_EXPLAIN=1` prints the plans of slow questions as well.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from tests.bench._docket import fill
from tests.bench.queue_size import ground, milliseconds

if TYPE_CHECKING:
    from django.test import Client

FEW: Final = (100, 2)
MANY: Final = (200_000, 20)
TRIES: Final = 9
# Milliseconds by which the median of a page's questions may be longer with the many.
SLACK: Final = 25.0
SLOW: Final = 0.005
PAGES: Final = {
    "first page": "/cases/",
    "first page, deep": "/cases/?after={due}",
    "all": "/cases/?tab=all",
    "all, deep": "/cases/?tab=all&after={since}",
    "granted, deep": "/cases/?tab=granted&after={since}",
    "mine, the tab": "/cases/?tab=mine",
    "agency, all": "/cases/?tab=all&agency=beijing",
    "agency, deep": "/cases/?tab=all&agency=beijing&after={since}",
    "channel, all": "/cases/?tab=all&channel=ministry",
    "batch": "/cases/?tab=all&batch={batch}",
    "batch, by its start": "/cases/?tab=all&batch=MADE",
    "name and tab": "/cases/?tab=all&search=赵测一",
    "one family name, all": "/cases/?tab=all&search=赵",
    "employer, all": "/cases/?tab=all&employer=甲5号",
    "nothing found, all": "/cases/?tab=all&search=没有此人",
    "reference": "/cases/?tab=all&search=ZC20260000009",
    "kind, category, mine": "/cases/?tab=all&kind=renewal&category=A2&hold=mine",
    "kind and agency": "/cases/?tab=all&kind=renewal&agency=beijing",
    "kind": "/cases/?kind=renewal",
    "free": "/cases/?hold=free",
    "overdue, all": "/cases/?tab=all&due=over",
    "open, lodged before": "/cases/?tab=all&open=1&lodged_until={month}",
    "clock and overdue": "/cases/?tab=all&clock=N&due=over",
    "lodged, a week": "/cases/?tab=all&lodged_since={week}&lodged_until={today}",
    "reported, a quarter": "/cases/?tab=all&reported_since={quarter}&reported_until={today}",
    "overturned, a quarter": "/cases/?tab=all&fared=overturned&decided_since={quarter}&decided_until={today}",
    "overturned, a year": "/cases/?tab=all&fared=overturned&decided_since={year}&decided_until={today}",
    "sent back, of one": "/cases/?tab=all&agency=beijing&fared=remanded&reported_since={year}",
    "dispatches that wait": "/dispatch-batches/",
    "all dispatches": "/dispatch-batches/?tab=all",
}


def places() -> dict[str, str]:
    """What stands in the addresses: places in the lists, a dispatch, days."""
    from register import clock
    from register.models import DocketEntry
    from review.queue import Cursor
    from review.states import State
    from tenants import crossing
    from tenants.crossing import Desk

    today = clock.today()
    days = {"today": 0, "week": 7, "month": 30, "quarter": 84, "year": 364}
    with crossing.standing(Desk.OWNER):
        reported = DocketEntry.objects.filter(state=State.REPORTED).order_by("due_on", "pk")
        since = DocketEntry.objects.order_by("-updated_at", "-pk")
        late, old = reported[reported.count() // 2], since[int(since.count() * 0.9)]
    return {
        "due": quote(str(Cursor(late.due_on, late.pk))),
        "since": quote(str(Cursor(old.updated_at, old.pk))),
        "batch": late.dispatch_number,
        **{name: str(today - timedelta(days=number)) for name, number in days.items()},
    }


def measured(client: Client, path: str) -> tuple[float, float]:
    """The medians of a page and of its questions."""
    taken = [milliseconds(client, path) for _turn in range(TRIES + 1)][1:]
    pages, questions = zip(*taken, strict=True)
    return median(pages), median(questions)


def explain(client: Client, path: str) -> None:
    """The plans of the slow questions to the docket."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tenants import crossing
    from tenants.crossing import Desk

    with CaptureQueriesContext(connection) as asked:
        client.get(path)
    for query in asked:
        if float(query["time"]) > SLOW and "register_docket" in query["sql"]:
            with crossing.standing(Desk.OWNER), connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + query["sql"].replace("%", "%%"))
                plan = "\n".join(line for (line,) in cursor.fetchall())
            print(f"\n{path} {query['time']}\n{query['sql'][:400]}\n{plan}")


def main() -> int:
    worst = 0.0
    with ground():
        from tenants.models import Agency
        from tests.cast import Cast, staff_of
        from tests.review.desks import at_desk

        agencies = {agency.code: agency for agency in Agency.objects.all()}
        cast = Cast(agencies, {}, staff_of(agencies))
        client = at_desk(cast, "zhao")
        told: dict[str, list[tuple[float, float]]] = {name: [] for name in PAGES}
        for count, each in (FEW, MANY):
            begun = time.perf_counter()
            fill(count, each=each, officer=cast.user("zhao").pk)
            print(f"{count:,} lines written in {time.perf_counter() - begun:.0f} s", flush=True)
            where = places()
            for name, path in PAGES.items():
                address = quote(path.format(**where), safe="/?&=%")
                told[name].append(measured(client, address))
                if os.environ.get("DOCKET_EXPLAIN") and count == MANY[0]:
                    explain(client, address)
    for name, ((few, few_asking), (many, many_asking)) in told.items():
        worst = max(worst, many_asking - few_asking)
        print(
            f"{name:<22} {FEW[0]}: {few:6.1f} | {few_asking:5.1f} ms"
            f"   {MANY[0]}: {many:6.1f} | {many_asking:5.1f} ms"
        )
    print(f"p50 of {TRIES}; at most {worst:.1f} ms longer: {'good' if worst <= SLACK else 'TOO MUCH'}")
    return 0 if worst <= SLACK else 1


if __name__ == "__main__":
    sys.exit(main())
