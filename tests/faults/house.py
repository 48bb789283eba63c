"""The whole portal with forty agencies and a mail server, for faults: everything in it may be killed."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from deploy import embedded
from deploy.lifelines import ROOT, var_folder
from deploy.processes import SENDERS, Process
from tests import stage
from tests.backstage import AGENCIES
from tests.cast import STAFF
from tests.faults.counter import Books
from tests.faults.driver import Batch, Officers
from tests.faults.letterbox import Letterbox, letterbox
from tests.stage import Stage

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
# So long nothing may move at all before somebody calls it stuck.
STUCK_SECONDS: Final = 1800
STARTING_SECONDS: Final = 300
# Eight officers at work press something more often than this.
PRESSING_SECONDS: Final = 10
# The senders' patience with the mail server.
MAIL_SECONDS: Final = 3
FIVEFOLD: Final = "tests.faults.fivefold"
NO_LIMIT: Final = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@dataclass
class House:
    """The running portal, its mail server, and who works there."""

    stage: Stage
    mail: Letterbox
    agencies: list[str]
    officers: Officers
    books: Books
    # Where PostgreSQL stands, if it is the house's own.
    database: Path | None = None
    second_beat: Process | None = field(default=None, init=False)
    turn: int = field(default=0, init=False)

    # --- Cases and decisions

    def batches(self, cases: int) -> list[Batch]:
        """So many freshly lodged cases over all agencies, one agency after the other, told and settled."""
        each, rest = divmod(cases, len(self.agencies))
        found = []
        for number, agency in enumerate(self.agencies):
            if share := each + (number < rest):
                keys = self.stage.backstage.ask("lodged_many", agency=agency, cases=share)
                found.append(Batch(agency, keys, together=number % 2 == 1))
        return found

    def settle(self) -> float:
        """Wait until nothing is on its way any more; the seconds that it took. Raises TimeoutError."""
        return _until_none(self.books.waiting, "notices on their way")

    def await_letters(self) -> float:
        """Wait until every letter lies there as a file; the seconds that it took. Raises TimeoutError."""
        return _until_none(self.books.undrawn, "letters to be drawn")

    def reconciled(self) -> str:
        """What `bin/manage reconcile` finds wrong; empty when it finds nothing."""
        words = [sys.executable, "manage.py", "reconcile"]
        done = subprocess.run(
            words, cwd=ROOT, env=self.stage.env, capture_output=True, text=True, check=False
        )
        return "" if done.returncode == 0 else (done.stdout + done.stderr)[-1000:]

    # --- What may happen to it

    @property
    def workers(self) -> list[Process]:
        """Every process that works off a queue of notices."""
        running = self.stage.portal.processes.values()
        return [each for each in running if "worker" in each.words and each.running is not None]

    def kill(self, *processes: Process) -> None:
        """kill -9, children included, and start again."""
        for process in processes:
            process.kill()
        for process in processes:
            process.launch()
        for process in processes:
            _await_ready(process)

    def kill_in_turn(self) -> None:
        """One worker, another one each time: boards, kept letters, e-mail, SMS."""
        workers = self.workers
        self.turn += 1
        self.kill(workers[self.turn % len(workers)])

    def kill_web(self) -> None:
        """At a moment when an officer's press is under way."""
        last = time.monotonic() + PRESSING_SECONDS
        while not self.officers.pulse.pressing and time.monotonic() < last:
            time.sleep(0.002)
        self.kill(self.process("web"))

    def process(self, name: str) -> Process:
        return self.stage.portal[name]

    def stop_redis(self) -> None:
        self.stage.take_down("valkey")

    def wipe_redis(self) -> None:
        """Start it again with nothing in it: it keeps nothing on disk."""
        self.stage.bring_up("valkey")

    def restart_postgres(self) -> None:
        """Killed in the middle of everything, and up again from its log."""
        assert self.database is not None
        embedded.take_down(self.database, "postgres")
        embedded.bring_up(self.database, "postgres")

    def multiply_messages(self) -> None:
        """From now on every message reaches the broker five times."""
        (self.stage.var / "fivefold").touch()

    def send_messages_once(self) -> None:
        (self.stage.var / "fivefold").unlink()

    def start_second_beat(self) -> None:
        beat = self.process("beat")
        words = [f"{each}-second" if each.startswith("--schedule=") else each for each in beat.words]
        log = beat.log.with_name("second-beat.log")
        self.second_beat = replace(beat, name="second beat", words=words, log=log, running=None)
        self.second_beat.start()

    def stop_second_beat(self) -> None:
        assert self.second_beat is not None
        self.second_beat.stop()

    def set_clock(self, moment: datetime) -> None:
        """From now on everybody's clock shows this moment (Asia/Shanghai) and runs on from there."""
        self.stage.set_clock(moment.replace(tzinfo=SHANGHAI) - datetime.now(SHANGHAI))

    def limit_files(self, size: int | None) -> None:
        """Let no worker write a file beyond this size, as if the disk were full; without one, lift that."""
        limit = NO_LIMIT if size is None else (size, resource.RLIM_INFINITY)
        for worker in self.workers:
            for pid in (worker.pid, *_children(worker.pid)):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)


def _await_ready(process: Process) -> None:
    """On a busy machine this takes longer than whoever starts the portal waits."""
    last = time.monotonic() + STARTING_SECONDS
    while process.is_alive() and not process.shows_ready(process) and time.monotonic() < last:
        time.sleep(0.1)
    process.await_ready()


def _until_none(waiting: Callable[[], int], what: str) -> float:
    begun = moved = time.monotonic()
    before = -1
    while now := waiting():
        if now != before:
            before, moved = now, time.monotonic()
        if time.monotonic() - moved > STUCK_SECONDS:
            raise TimeoutError(f"{now} {what} have not moved for {STUCK_SECONDS} s.")
        time.sleep(0.1)
    return time.monotonic() - begun


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


@contextmanager
def house(name: str, *, agencies: int, own_database: bool, letters: bool = True) -> Iterator[House]:
    """The portal with so many agencies open, while the block lasts.

    With its `own_database`, durable and to be restarted as one likes; without it, one on the tests' server.
    Without `letters` those that are ordered are not drawn: that takes longer than the decisions themselves.
    """
    with letterbox() as mail, _database(name, own=own_database) as where:
        more = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(mail.port), "EMAIL_BACKEND": ""}
        # A letter whose sender was killed is taken over after eighteen times as long.
        more |= {"EMAIL_TIMEOUT": str(MAIL_SECONDS), "SMS_GATEWAY_TIMEOUT": str(MAIL_SECONDS)}
        more |= {"DJANGO_SETTINGS_MODULE": FIVEFOLD}
        apart = frozenset(SENDERS)
        with stage.standing(name, more=more, web_workers=2, workers=2, apart=apart) as standing:
            (standing.var / "fivefold").unlink(missing_ok=True)
            if letters:
                standing.portal["letters"].start()
            codes = _open(standing, agencies)
            sessions = {code: standing.session_of_staff(f"{_reviewer(code)}.{code}") for code in codes}
            sessions["authority"] = standing.session_of_staff("zhao.authority")
            officers = Officers(standing.portal.port, sessions)
            books = Books(standing.env["DATABASE_OWNER_URL"], standing.var / "private")
            yield House(standing, mail, codes, officers, books, where)


@contextmanager
def _database(name: str, *, own: bool) -> Iterator[Path | None]:
    """PostgreSQL of its own, if wished; the environment of this process leads to it."""
    if not own:
        yield None
        return
    where = var_folder() / f"postgres-{name}"
    where.mkdir(parents=True, exist_ok=True)
    given = {key: os.environ.pop(key, None) for key in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    try:
        with embedded.servers(where, durable=True) as added:
            os.environ.update(added)
            yield where
    finally:
        os.environ.update({key: value for key, value in given.items() if value})


def _open(standing: Stage, agencies: int) -> list[str]:
    """The agencies of the tests' ground and as many more as are wanted, by the list of all."""
    lines = (ROOT / "tenants" / "data" / "agencies.csv").read_text(encoding="utf-8-sig").splitlines()[1:]
    more = (code for code in (line.partition(",")[0] for line in lines) if code not in AGENCIES)
    opened = list(islice(more, max(agencies - len(AGENCIES), 0)))
    for code in opened:
        standing.opened(code)
    return [*AGENCIES, *opened][:agencies]


def _reviewer(agency: str) -> str:
    """Who reviews there; agencies opened later have the staff of Beijing's."""
    like = agency if agency in AGENCIES else AGENCIES[0]
    return next(key for key, each in STAFF.items() if each.agency == like and each.role == "reviewer")
