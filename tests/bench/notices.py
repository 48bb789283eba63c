"""How soon a notice stands on its board, and how many the relay and the channels work off.

The whole portal runs: gunicorn, workers, beat, a PostgreSQL that keeps what it commits, Redis. One JSON line
for each measurement:

- commit to visible notice, idle and at a hundred decisions a second: what is driven is the part of an act
  that tells of it (a transaction that posts one notice and rings when it commits), by four threads of a
  process beside the portal; two cores cannot make a hundred whole decisions a second;
- the same with whole decisions, as fast as eight officers make them through the pages of their desks, counted
  from the moment within the act that its movement carries;
- the relay in one process, workers stopped, beside a plain INSERT of the same rows, in turn;
- e-mail and SMS to file adapters, one sender each.

Visible is what another session of the database reads; that session looks every two milliseconds.
`NOTICES_SECONDS` (30) is how long each rate is driven; `NOTICES_ROWS` (4000) how many rows a throughput has.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import django

from deploy.lifelines import ROOT, dies_with_parent

if TYPE_CHECKING:
    from tests.faults.house import House

AGENCIES: Final = 3
WORKERS: Final = ("worker", "mail", "sms", "letters", "beat")
# Decisions of whole acts: enough for a 95th percentile.
CASES: Final = 40


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from tests.faults.house import house

    with house("notices", agencies=AGENCIES, own_database=True) as home:
        say(measured(home, "latency", rate=2, what="idle: 2 posts a second"))
        say(measured(home, "latency", rate=100, what="100 posts a second"))
        say(whole_decisions(home))
        for name in reversed(WORKERS):
            home.process(name).stop()
        say(measured(home, "relay"))
        for channel in ("email", "sms"):
            say(measured(home, "channel", channel=channel))
    return 0


def say(line: dict[str, Any]) -> None:
    print(json.dumps({**line, "load": round(os.getloadavg()[0], 1)}, ensure_ascii=False), flush=True)


def measured(home: House, verb: str, **values: Any) -> dict[str, Any]:
    """What a process beside the portal measures."""
    env = home.stage.env | {
        "PORTAL_VAR": str(home.stage.var),
        "PORTAL_AS_OWNER": "1",
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "SMS_ADAPTER": "notifications.sms.FileSms",
        "LOG_LEVEL": "WARNING",
    }
    words = [sys.executable, "-m", "tests.bench._post_room", verb, json.dumps(values)]
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        preexec_fn=dies_with_parent(signal.SIGTERM),
    )
    line: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return line


def whole_decisions(home: House) -> dict[str, Any]:
    """Officers at their desks; from the act's moment to the notice that another session reads."""
    from tests.bench._post_room import Watch, spread

    batches = home.batches(CASES)
    home.settle()
    with Watch(home.books.url) as watch:
        work = home.officers.set_to_work(batches)
        while work.goes_on(1.0):
            pass
        home.settle()
        watch.rest()
    seen = watch.seen
    seconds = max(seen.values()) - min(seen.values())
    waits = [seen[cause] - moment for cause, moment in watch.moments(seen).items()]
    return {
        "measured": "act to visible notice",
        "driven": "whole decisions through the pages, eight officers",
        "decisions": len(waits),
        "per_s": round(len(waits) / seconds, 1),
        **spread(waits),
    }


if __name__ == "__main__":
    sys.exit(main())
