"""How long granting 40 and 200 reported cases at once takes the officer who waits for the page.

One dispatch each, the asking page and then the decision, one transaction a case. Real walls, real commits;
run by `bin/bench bulk_approval`, whose exit code says whether the many keep to their time.
`BULK_PROFILE=1` prints where the time of the decision goes.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import sys
import time
from typing import Final

from tests.bench.queue_size import ground

SIZES: Final = (2, 40, 200)
# Seconds that the most that may be ticked at once may take.
MOST: Final = 10.0


def main() -> int:
    with ground():
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        from register.models import Registration
        from tests import cast as people
        from tests.review.desks import at_desk
        from tests.review.test_bulk_approval import reported, ticks

        cast, taken = people.raised(), 0.0
        zhao = at_desk(cast, "zhao")
        for count in SIZES:
            cases = reported(cast, count)
            begun = time.perf_counter()
            page = zhao.post("/approvals/", {"case": [case.pk for case in cases]})
            asked = time.perf_counter() - begun
            posted = ticks(page.content.decode())
            granted = Registration.objects.count()
            profile = cProfile.Profile() if os.environ.get("BULK_PROFILE") and count == SIZES[1] else None
            begun, cpu = time.perf_counter(), time.process_time()
            if profile:
                profile.enable()
            with CaptureQueriesContext(connection) as queries:
                answer = zhao.post("/approvals/", posted)
            if profile:
                profile.disable()
                pstats.Stats(profile).sort_stats("cumulative").print_stats(70)
            taken, cpu = time.perf_counter() - begun, time.process_time() - cpu
            if answer.status_code != 200 or Registration.objects.count() - granted != count:
                raise SystemExit(f"{count} cases were not granted.")
            print(
                f"{count:>4} cases: page {asked * 1000:6.0f} ms, decision {taken:6.2f} s"
                f" ({cpu:5.2f} s of it in Python), {taken / count * 1000:5.1f} ms and"
                f" {len(queries) / count:4.1f} questions each",
                flush=True,
            )
    print(f"{SIZES[-1]} cases in {taken:.1f} s: {'good' if taken <= MOST else 'TOO MUCH'}")
    return 0 if taken <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
