"""The portal's own processes on one machine: web, workers, beat; they end with the one who started them.

with portal_processes(env, var=var) as portal:
    print(portal.url)
    portal["worker"].kill()      # as a fault would
    portal["worker"].start()
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.lifelines import ROOT, Failure, dies_with_parent, free_port, tail

STARTING_SECONDS = 60
STOPPING_SECONDS = 15
DEFAULT_PORT = 8000
# Queues of the providers beside the house, each worked by a process of the same name.
SENDERS = ("mail", "sms")
ALL = frozenset({"web", "worker", "letters", "opener", "beat", *SENDERS})


@dataclass
class Process:
    """One process of the portal with its children, its log, and how one sees that it is ready."""

    name: str
    words: list[str]
    env: dict[str, str]
    log: Path
    shows_ready: Callable[[Process], bool]
    running: subprocess.Popen[bytes] | None = None
    log_start: int = 0

    def start(self) -> None:
        """Start and wait until it is ready. Raises Failure with the end of its log."""
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        """Start without waiting."""
        if self.is_alive():
            return
        self._sweep()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > 20_000_000:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as out:
            self.log_start = out.tell()
            self.running = subprocess.Popen(
                self.words,
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # Ctrl-C reaches the starter only, who stops all in order
                preexec_fn=dies_with_parent(signal.SIGTERM),
            )

    def await_ready(self) -> None:
        """Wait until it is ready. Raises Failure with the end of its log."""
        until = time.monotonic() + STARTING_SECONDS
        while not self.shows_ready(self):
            if not self.is_alive():
                raise Failure(f"{self.name} ended while starting; {self.log} says:\n{self.said()}")
            if time.monotonic() > until:
                raise Failure(
                    f"{self.name} is not ready after {STARTING_SECONDS} s; {self.log} says:\n{self.said()}"
                )
            time.sleep(0.05)

    def is_alive(self) -> bool:
        return self.running is not None and self.running.poll() is None

    @property
    def pid(self) -> int:
        """Its process number, which is also the number of its process group."""
        if self.running is None:
            raise Failure(f"{self.name} was not started.")
        return self.running.pid

    def said(self, *, lines: int = 20) -> str:
        """The end of what it wrote since its last start."""
        return tail(self.log, lines=lines, start=self.log_start)

    def terminate(self) -> None:
        """Ask it to end in good order."""
        if self.running is not None and self.is_alive():
            self.running.terminate()

    def stop(self) -> None:
        """End it in good order; kill what does not end."""
        self.terminate()
        if self.running is None:
            return
        try:
            self.running.wait(STOPPING_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._sweep()

    def kill(self) -> None:
        """Kill it and its children at once, as a fault would."""
        if self.running is None:
            return
        self._sweep()
        self.running.wait()

    def _sweep(self) -> None:
        """Kill what is left of its process group."""
        if self.running is None:
            return
        try:
            os.killpg(self.running.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return


@dataclass
class Portal:
    """The running portal."""

    port: int
    processes: dict[str, Process] = field(default_factory=dict)
    later: frozenset[str] = frozenset()

    @property
    def url(self) -> str:
        """The applicant's and public desk; agencies stand at `<code>.localhost` on the same port."""
        return f"http://localhost:{self.port}"

    def __getitem__(self, name: str) -> Process:
        """One of `ALL`."""
        return self.processes[name]

    def start(self) -> None:
        """Start all at once, then wait for each."""
        at_once = [process for name, process in self.processes.items() if name not in self.later]
        for process in at_once:
            process.launch()
        for process in at_once:
            process.await_ready()

    def stop(self) -> None:
        """End all in good order: what gives work before what does it."""
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in reversed(self.processes.values()):
            process.stop()

    def fallen(self) -> list[Process]:
        """Those that do not run any more."""
        started = (process for process in self.processes.values() if process.running is not None)
        return [process for process in started if not process.is_alive()]


@contextmanager
def portal_processes(
    env: Mapping[str, str],
    *,
    var: Path,
    port: int = DEFAULT_PORT,
    web_workers: int = 2,
    threads: int = 8,
    workers: int = 2,
    only: frozenset[str] = ALL,
    later: frozenset[str] = frozenset(),
) -> Iterator[Portal]:
    """The portal's processes, ready, while the block lasts.

    `port` is where the web stands, or the next free one. Those of `later` are not started with the others,
    but may be. They end with the block and with this process, even when it is killed. The worker also works
    the queue of a sender that is in neither. Raises Failure when one does not become ready.
    """
    port = free_port(port, tries=200)
    base = {**env, "PORTAL_VAR": str(var), "SITE_PORT": str(port), "PYTHONUNBUFFERED": "1"}
    logs = var / "log"
    queues = ",".join(["default", *(name for name in SENDERS if name not in only | later)])
    parts = [
        _web(base, logs, port, web_workers, threads),
        _worker(base, logs, "worker", queues, ["--pool=prefork", f"--concurrency={workers}"]),
        _worker(base, logs, "letters", "letters", ["--pool=solo"]),
        *(_worker(base, logs, name, name, ["--pool=threads", "--concurrency=2"]) for name in SENDERS),
        _opener(base, logs),
        _beat(base, logs, var),
    ]
    portal = Portal(port, {part.name: part for part in parts if part.name in only | later}, later)
    try:
        portal.start()
        yield portal
    finally:
        portal.stop()


# Heartbeats of web workers belong into memory: on a slow disk they would look dead.
_MEMORY = Path("/dev/shm")  # noqa: S108 - gunicorn makes its file there safely


def _web(env: dict[str, str], logs: Path, port: int, workers: int, threads: int) -> Process:
    words = [
        sys.executable, "-m", "gunicorn", "portal.wsgi:application",
        f"--bind=127.0.0.1:{port}", "--worker-class=gthread", f"--workers={workers}", f"--threads={threads}",
        "--timeout=60", "--graceful-timeout=10", "--keep-alive=5", "--no-control-socket",
        *([f"--worker-tmp-dir={_MEMORY}"] if os.access(_MEMORY, os.W_OK) else []),
    ]  # fmt: skip

    def answers(process: Process) -> bool:
        return is_live(port)

    return Process("web", words, {"DB_POOL_SIZE": "6"} | env, logs / "web.log", answers)


def is_live(port: int) -> bool:
    """Whether the portal answers on this port."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        link.request("GET", "/health/live", headers={"Host": "localhost"})
        return link.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def _worker(env: dict[str, str], logs: Path, name: str, queue: str, pool: list[str]) -> Process:
    words = [
        sys.executable, "-m", "celery", "-A", "celery_app", "worker", f"--queues={queue}",
        f"--hostname={name}@%h",
        "--loglevel=INFO", "--without-mingle", "--without-gossip", *pool,
    ]  # fmt: skip
    return Process(
        name, words, env, logs / f"{name}.log", lambda process: " ready." in process.said(lines=200)
    )


def _opener(env: dict[str, str], logs: Path) -> Process:
    """The one process that logs in as the owner of the database: it opens and merges agencies."""
    # One job at a time, and no child that a killed parent would leave at work.
    return _worker({**env, "PORTAL_AS_OWNER": "1"}, logs, "opener", "opening", ["--pool=solo"])


def _beat(env: dict[str, str], logs: Path, var: Path) -> Process:
    words = [
        sys.executable, "-m", "celery", "-A", "celery_app", "beat", "--loglevel=INFO",
        f"--schedule={var / 'beat-schedule'}", "--pidfile=",
    ]  # fmt: skip
    return Process(
        "beat", words, env, logs / "beat.log", lambda process: "beat: Starting" in process.said(lines=200)
    )
