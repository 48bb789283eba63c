"""The faults: what is done while officers decide cases, and how it is undone; and how one is gone through."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tests.faults.counter import Tally
from tests.faults.driver import Work
from tests.faults.house import SHANGHAI, House

Deed = Callable[[House], object]
REDIS_IS_AWAY: Final = 60.0
FIRST_SECONDS: Final = 1.5


def _nothing(_house: House) -> None:
    """For faults that need no beginning or no end."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`begin`, then `again` every few seconds while officers get on with their work, then `end`."""

    name: str
    begin: Deed = _nothing
    again: Deed = _nothing
    every: float = 4.0
    # So many presses are answered between two deeds: on a slow machine too something gets done.
    presses: int = 16
    end: Deed = _nothing
    # It lasts at least so long, however soon the officers are done.
    lasts: float = 0.0
    # A case that the clock accepts has one decision of an officer less.
    decisions: int = len(("accept", "give_opinion", "refer", "approve"))
    # Afterwards one waits until every letter lies there as a file.
    about_letters: bool = False


def _mood(mood: Any) -> Deed:
    return lambda house: setattr(house.mail, "mood", mood)


def _midnights() -> Iterator[datetime]:
    """Just before the end of one day after the other, never back; the year ends among them."""
    now = datetime.now(SHANGHAI).replace(tzinfo=None)
    evening = now.replace(hour=23, minute=59, second=57)
    # Far enough for the clock of acceptance to strike.
    days = [evening.replace(month=12, day=day) for day in (1, 30, 31)]
    yield from (day for day in days if day > now)
    yield from (days[-1] + timedelta(days=number) for number in range(1, 32))


_moments = _midnights()


def _next_midnight(house: House) -> None:
    if moment := next(_moments, None):
        house.set_clock(moment)


FAULTS: Final = (
    Fault("one worker killed", again=House.kill_in_turn),
    Fault("all workers killed", again=lambda house: house.kill(*house.workers)),
    Fault("beat killed", again=lambda house: house.kill(house.process("beat"))),
    Fault("web killed during the act", again=House.kill_web),
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
        about_letters=True,
    ),
    # The last one: the clock is not set back.
    Fault("clock over midnight and year end", _next_midnight, again=_next_midnight, decisions=3),
)
BY_NAME: Final = {fault.name: fault for fault in FAULTS}


def go_through(
    house: House, fault: Fault, *, decisions: int, lasts: float | None = None, at_most: int | None = None
) -> dict[str, Any]:
    """Let so many decisions be made while the fault happens; what became of them and of their notices.

    It lasts for `lasts` seconds instead of its own, and is repeated `at_most` so many times.
    """
    batches = house.batches(-(-decisions // fault.decisions))
    house.settle()
    before, repeated = _tally(house), house.mail.repeated
    begun = time.monotonic()
    fault.begin(house)
    times = int(fault.begin is not _nothing)
    work = house.officers.set_to_work(batches)
    try:
        times += _while_they_work(house, fault, work, at_most)
        rest = (fault.lasts if lasts is None else lasts) - (time.monotonic() - begun)
        time.sleep(max(rest, 0.0) if fault.lasts else 0.0)
    finally:
        fault.end(house)
    worked = time.monotonic() - begun
    settled = house.settle()
    if fault.about_letters:
        house.await_letters()
    after = _tally(house, all_kept=fault.about_letters)
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
        "times": times,
        "worked_s": round(worked, 1),
        "letters": after.letters - before.letters,
        "letters_repeated": house.mail.repeated - repeated,
        "kept": after.kept - before.kept,
        "kept_tried_again": after.tried_again - before.tried_again,
        "reconciled": not wrong,
    }


def at_the_end(house: House) -> dict[str, Any]:
    """Whether every letter that any decision brought lies there as a file, once all are drawn."""
    took = house.await_letters()
    tally = _tally(house, all_kept=True)
    for line in tally.what:
        print(line, file=sys.stderr)
    return {
        "fault": "(all kept letters)",
        "decisions": tally.decisions,
        "notices": tally.notices,
        "lost": tally.lost,
        "doubled": tally.doubled,
        "settled_s": round(took, 1),
        "kept": tally.kept,
        "undrawn": house.books.undrawn(),
    }


def is_good(line: dict[str, Any]) -> bool:
    """Whether nothing was lost, nothing doubled, the books agree, and the fault did happen."""
    return (
        not line["lost"]
        and not line["doubled"]
        and line.get("reconciled", True)
        and bool(line.get("times", 1))
    )


def _tally(house: House, *, all_kept: bool = False) -> Tally:
    return house.books.tally(house.officers.decided, house.mail.letters(), all_kept=all_kept)


def _while_they_work(house: House, fault: Fault, work: Work, at_most: int | None) -> int:
    """Do it again and again, each time after some progress; how often it was done."""
    times, pulse, seen = 0, house.officers.pulse, house.officers.pulse.answered
    # The first time comes sooner, so that it comes before a few decisions are made.
    wait = min(fault.every, FIRST_SECONDS)
    while work.goes_on(wait):
        wait = fault.every
        due = pulse.answered - seen >= fault.presses or not times
        if fault.again is not _nothing and due and times != at_most:
            fault.again(house)
            times, seen = times + 1, pulse.answered
    return times
