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
from typing import Final

from tests.bench._docket import AGENCIES, fill
from tests.bench.queue_size import ground, milliseconds

LINES: Final = 200_000
# One in so many lines is open.
OPEN_EACH: Final = 50
TRIES: Final = 9
# Milliseconds for the whole page, and how many questions it may ask.
MOST: Final = 1000.0
MOST_QUERIES: Final = 12
PAGES: Final = ("/oversight/", "/oversight/?weeks=52", "/oversight/?channel=provincial")


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
        fill(LINES, each=OPEN_EACH)
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
