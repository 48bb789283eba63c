"""The faults: what is done while officers decide cases, and how it is undone; and how one is gone through."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tests.faults.house import House

Deed = Callable[[House], object]
REDIS_IS_AWAY: Final = 60.0


def _nothing(_house: House) -> None:
    """For faults that need no beginning or no end."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`begin`, then `again` every few seconds while officers are at work, then `end`."""

    name: str
    begin: Deed = _nothing
    again: Deed = _nothing
    every: float = 5.0
    end: Deed = _nothing
    # It lasts at least so long, however soon the officers are done.
    lasts: float = 0.0
    # A case that the clock accepts has one decision of an officer less.
    decisions: int = len(("accept", "give_opinion", "refer", "approve"))


def _mood(mood: Any) -> Deed:
    return lambda house: setattr(house.mail, "mood", mood)


def _midnights() -> Iterator[datetime]:
    """Just before the end of one day after the other; the year ends among them."""
    year = datetime.now().year  # noqa: DTZ005 - the days that follow on today's
    yield from (datetime(year, 12, day, 23, 59, 57) for day in (1, 30, 31))  # noqa: DTZ001 - Shanghai's
    yield from (datetime(year + 1, 1, day, 23, 59, 57) for day in range(1, 32))  # noqa: DTZ001


_moments = _midnights()


def _next_midnight(house: House) -> None:
    if moment := next(_moments, None):
        house.set_clock(moment)


FAULTS: Final = (
    Fault("one worker killed", again=lambda house: house.kill(house.workers[0])),
    Fault("all workers killed", again=lambda house: house.kill(*house.workers)),
    Fault("beat killed", again=lambda house: house.kill(house.process("beat"))),
    Fault("web killed during the act", again=lambda house: house.kill(house.process("web"))),
    Fault("Redis stopped, then wiped", House.stop_redis, end=House.wipe_redis, lasts=REDIS_IS_AWAY),
    Fault("PostgreSQL restarted", again=House.restart_postgres, every=10.0),
    Fault("every message five times", House.multiply_messages, end=House.send_messages_once),
    Fault("two beats", House.start_second_beat, end=House.stop_second_beat),
    Fault("mail server refusing", _mood("refusing"), end=_mood("taking")),
    Fault("mail server hanging", _mood("hanging"), end=_mood("taking")),
    Fault("mail server slow", _mood("slow"), end=_mood("taking")),
    Fault(
        "disk full while writing a letter",
        lambda house: house.limit_files(4096),
        end=lambda house: house.limit_files(None),
    ),
    # The last one: the clock is not set back.
    Fault("clock over midnight and year end", _next_midnight, again=_next_midnight, decisions=3),
)
BY_NAME: Final = {fault.name: fault for fault in FAULTS}


def go_through(house: House, fault: Fault, *, decisions: int, lasts: float | None = None) -> dict[str, Any]:
    """Let so many decisions be made while the fault happens; what became of them and of their notices."""
    batches = house.batches(-(-decisions // fault.decisions))
    house.settle()
    before = house.books.tally(house.officers.decided, house.mail.letters())
    begun = time.monotonic()
    fault.begin(house)
    work = house.officers.set_to_work(batches)
    try:
        while work.goes_on(fault.every):
            fault.again(house)
        rest = (fault.lasts if lasts is None else lasts) - (time.monotonic() - begun)
        time.sleep(max(rest, 0.0))
    finally:
        fault.end(house)
    settled = house.settle()
    after = house.books.tally(house.officers.decided, house.mail.letters())
    wrong = house.reconciled()
    for line in (*after.what, wrong):
        if line:
            print(f"{fault.name}: {line}", file=sys.stderr)
    return {
        "fault": fault.name,
        "decisions": after.decisions - before.decisions,
        "notices": after.notices - before.notices,
        "lost": after.lost,
        "doubled": after.doubled,
        "settled_s": round(settled, 1),
        "letters": after.letters - before.letters,
        "reconciled": not wrong,
    }


def is_good(line: dict[str, Any]) -> bool:
    """Whether nothing was lost, nothing doubled, and the books agree."""
    return not line["lost"] and not line["doubled"] and bool(line["reconciled"])
