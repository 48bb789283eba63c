"""A thousand races of two acts on one case, in two threads on PostgreSQL connections of their own.

Exactly one of the two takes effect each time, with one movement and one notice, and the other is told by whom
and when; where the law lets one act follow the other, both may. Run by `bin/bench races`; prints one line of
JSON, and its exit code says whether that holds.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import django

if TYPE_CHECKING:
    from tests.cast import Cast

RACES: Final = 1000


@contextmanager
def ground() -> Iterator[Cast]:
    """A database of its own with walls, agencies and the cast, as the tests have it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.db import connection
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    from tests.cast import raised
    from tests.ground import open_ground

    connection.settings_dict["TEST"]["NAME"] = "bench_races"
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    try:
        open_ground()
        yield raised()
    finally:
        teardown_databases(made, verbosity=0)


def main(report: Callable[[str], object] = print) -> int:
    with ground() as cast:
        from tests.review.races import Course

        course = Course(cast)
        begun = time.perf_counter()
        try:
            tally = course.run(RACES)
        finally:
            course.close()
        seconds = time.perf_counter() - begun
        report(
            json.dumps(
                {
                    "races": tally.races,
                    "one_effect": tally.one_effect,
                    "loser_told": tally.told,
                    "followed": tally.followed,
                    "wrong": tally.wrong[:10],
                    "refusals": dict(tally.refusals.most_common()),
                    "winners": dict(sorted(tally.winners.items())),
                    "seconds": round(seconds, 1),
                },
                ensure_ascii=False,
            )
        )
    return 0 if (tally.one_effect, tally.told + tally.followed, tally.wrong) == (RACES, RACES, []) else 1


if __name__ == "__main__":
    sys.exit(main())
