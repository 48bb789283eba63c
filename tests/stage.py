"""The whole portal for journeys and faults: real servers, web, worker and beat, and people to play with."""

from __future__ import annotations

import email
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import IO, Any, Final

from deploy import embedded, play
from deploy.lifelines import ROOT, Failure, dies_with_parent, tail, var_folder
from deploy.processes import Portal, portal_processes
from tests import ground

FIRST_PORT: Final = 8300


@dataclass(slots=True)
class Somebody(play.Person):
    """Somebody of the roster, by their key in the register, with their registration if they hold one."""

    id: str
    registration: str = ""


@dataclass(frozen=True, slots=True)
class Lodged:
    """An application by its key and number."""

    application: str
    reference: str


@dataclass(slots=True)
class Backstage:
    """The process of `tests.backstage`, asked line by line."""

    process: subprocess.Popen[str]
    log: Path

    def ask(self, do: str, **facts: Any) -> Any:
        """What the verb of this name answers. Raises Failure with its traceback, or the end of its log."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, "with": facts}) + "\n")
        self.process.stdin.flush()
        return self.hear()

    def hear(self) -> Any:
        """The next answer."""
        lines: IO[str] | None = self.process.stdout
        line = lines.readline() if lines else ""
        told = json.loads(line) if line else {"error": tail(self.log, lines=40)}
        if "error" in told:
            raise Failure(told["error"])
        return told["answer"]


@dataclass(slots=True)
class Stage:
    """The running portal of a test: its processes, its data folder, and whoever comes on."""

    portal: Portal
    var: Path
    env: dict[str, str]
    backstage: Backstage

    # --- People and where they stand

    def someone(self, situation: str = "first", **more: Any) -> Somebody:
        """A new person; `tests.backstage.someone` says in which situations, and what else may be asked."""
        return Somebody(**self.backstage.ask("someone", situation=situation, **more))

    @property
    def people(self) -> Iterator[play.Person]:
        """People who may apply for the first time and have no password yet, as many as are asked for."""
        while True:
            yield self.someone()

    def draft(self, person: Somebody, **more: Any) -> Lodged:
        return Lodged(**self.backstage.ask("draft", person=person.id, **more))

    def lodged(self, person: Somebody, **more: Any) -> Lodged:
        return Lodged(**self.backstage.ask("lodged", person=person.id, **more))

    def opened(self, agency: str, **more: Any) -> str:
        """The name of one more agency, which has nothing in its queue and the staff of Beijing's."""
        return str(self.backstage.ask("opened", agency=agency, **more))

    def pile(self, agency: str, cases: int, **more: Any) -> list[str]:
        """So many reviewed cases, ready to be referred or `referred` already; their people's numbers."""
        return list(self.backstage.ask("pile", agency=agency, cases=cases, **more))

    def answered(
        self, person: Somebody, lodged: Lodged, *, changes: dict[str, dict[str, str]], words: list[str]
    ) -> None:
        """The applicant answers the open correction: sections changed, items answered in `words`."""
        self.backstage.ask(
            "answered", person=person.id, application=lodged.application, changes=changes, words=words
        )

    def announced(self, person: Somebody) -> str:
        """The number of a published announcement that names this person's registration."""
        return str(self.backstage.ask("announced", registration=person.registration))

    def certified(self, lodged: Lodged) -> str:
        """The code of the certificate of a granted application, made now."""
        return str(self.backstage.ask("certified", application=lodged.application))

    def session_of(self, person: Somebody) -> str:
        """The key of a session in which this person has just signed in."""
        return str(self.backstage.ask("signed_in", person=person.id))

    def session_of_staff(self, username: str) -> str:
        """The key of a session in which somebody of the staff has just signed in."""
        return str(self.backstage.ask("staff_in", username=username))

    def leave_alone(self, session: str, *, left: int = 0) -> None:
        """Nobody has touched this session for so long that it has ended, or has only `left` seconds yet."""
        self.backstage.ask("out_of_time", session=session, left=left)

    def captcha(self, key: str) -> str:
        return str(self.backstage.ask("captcha", key=key))

    def code(self, username: str, *, new: bool = False) -> str:
        """What the authenticator app of somebody of the staff shows next, or the `new` one being set up."""
        return str(self.backstage.ask("code", username=username, new=new))

    def counter_code(self, person: Somebody) -> str:
        """The one-time code that an officer gives this person over the counter."""
        return str(self.backstage.ask("counter_code", person=person.id, number=person.number))

    def letters(self) -> list[EmailMessage]:
        """The e-mails that the portal has sent, oldest first."""
        files = sorted((self.var / "mail").glob("*"), key=lambda file: file.stat().st_mtime_ns)
        found = []
        for file in files:
            letter = email.message_from_bytes(file.read_bytes(), policy=default)
            assert isinstance(letter, EmailMessage)
            found.append(letter)
        return found

    # --- For tests that look at the portal without a browser, and for faults

    def play(self) -> play.Play:
        return play.Play(port=self.portal.port, folder=self.var, captcha=self.captcha)

    def set_clock(self, ahead: timedelta) -> None:
        """From now on everybody's clock is so much ahead of the true time."""
        fresh = self.var / "clock-shift.fresh"
        fresh.write_text(str(ahead.total_seconds()), encoding="ascii")
        fresh.replace(self.var / "clock-shift")

    def take_down(self, server: str) -> None:
        embedded.take_down(self.var, server)

    def bring_up(self, server: str) -> None:
        embedded.bring_up(self.var, server)


@contextmanager
def standing(
    worker: str,
    *,
    more: Mapping[str, str] | None = None,
    web_workers: int = 1,
    workers: int = 1,
    apart: frozenset[str] = frozenset(),
) -> Iterator[Stage]:
    """The portal with fresh data of its own for the length of the block.

    `worker` is the test process's name (gw0, gw1 … or master): processes beside each other share nothing but
    the database server. Redis is the stage's own: faults take it away.
    """
    var = var_folder() / f"stage-{worker}"
    port = FIRST_PORT + 100 * int(worker.removeprefix("gw") if worker.startswith("gw") else 0)
    var.mkdir(parents=True, exist_ok=True)
    embedded.forget(var)
    for file in (var / "clock-shift", *(var / "mail").glob("*"), *(var / "pictures").glob("*")):
        file.unlink(missing_ok=True)
    with ground.copied(f"stage_{worker}") as leading, _own_redis(var) as added:
        env = embedded.surroundings(var, {**leading, **added}, test=False)
        env = {key: value for key, value in env.items() if key != "PORTAL_TESTING"}
        env |= {"PORTAL_DEMO": "1", "CLOCK_SHIFT_FILE": str(var / "clock-shift"), "CLOCK_SECONDS": "1"}
        env |= more or {}
        with (
            _backstage(env, var) as backstage,
            portal_processes(
                env,
                var=var,
                port=port,
                web_workers=web_workers,
                workers=workers,
                only=frozenset({"web", "worker", "beat"}) | apart,
                later=frozenset({"opener", "letters"}),
            ) as portal,
        ):
            yield Stage(portal, var, env, backstage)


@contextmanager
def _own_redis(var: Path) -> Iterator[dict[str, str]]:
    """A server beside the one that is given to the other tests of this process."""
    given = os.environ.pop("REDIS_URL", None)
    with embedded.servers(var, durable=False) as added:
        if given:
            os.environ["REDIS_URL"] = given
        yield added


@contextmanager
def _backstage(env: dict[str, str], var: Path) -> Iterator[Backstage]:
    log = var / "log" / "backstage.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w", encoding="utf-8") as out,
        subprocess.Popen(
            [sys.executable, "-m", "tests.backstage"],
            cwd=ROOT,
            env={**env, "PORTAL_AS_OWNER": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
            preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - no threads here
        ) as process,
    ):
        backstage = Backstage(process, log)
        try:
            backstage.hear()
            yield backstage
        finally:
            process.terminate()
