"""One server, shared by all who need it, stopped when the last of them is gone.

Every user of a server holds a shared lock on `users.lock`; the kernel gives it up for those who are killed.
A keeper process starts the server as its child and waits for an exclusive lock on the same file: when it
gets it, nobody is left, and it stops the server. Should the keeper itself be killed, the kernel sends the
server the signal to shut down in good order.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import IO

from deploy.engines import ENGINES, Engine
from deploy.lifelines import PORTS, ROOT, Failure, free_port, is_alive, is_free, tail

STARTING_SECONDS = 300  # recovery after a crash may take a while
STOPPING_SECONDS = 60
_PAUSE = 0.02
_spawned: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Address:
    """What the keeper tells about its server."""

    keeper: int
    server: int  # 0 while it is taken down
    port: int
    log: str


# --- The users' side -----------------------------------------------------------------------------


@contextmanager
def shared(name: str, home: Path, *, durable: bool) -> Iterator[dict[str, str]]:
    """Use a server: start it or join those who use it; the last to leave stops it.

    Yields the environment variables that lead to it.
    """
    folder = _folder(name, home)
    with _door(folder):
        users = _lock(folder / "users.lock", fcntl.LOCK_SH)  # waits for a keeper that is closing
        try:
            address = _await_keeper(name, home, durable=durable)
        except BaseException:
            users.close()
            raise
    try:
        yield ENGINES[name](home, durable=durable).urls(address.port)
    finally:
        _leave(folder, users)


def address(name: str, home: Path) -> Address | None:
    """Where the server of this home stands, if one is kept."""
    folder = _folder(name, home)
    try:
        known = Address(**json.loads((folder / "address.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return known if is_alive(known.keeper) and _is_kept(folder) else None


def take_down(name: str, home: Path) -> None:
    """Kill the server at once and keep it down: for tests of what happens without it."""
    _tell(name, home, signal.SIGUSR1, up=False)


def bring_up(name: str, home: Path) -> None:
    """Start a server that was taken down, on the same port."""
    _tell(name, home, signal.SIGUSR2, up=True)


def _tell(name: str, home: Path, word: signal.Signals, *, up: bool) -> None:
    known = address(name, home)
    if known is None:
        raise Failure(f"No {name} is kept in {home}.")
    os.kill(known.keeper, word)
    until = time.monotonic() + STARTING_SECONDS
    while (known := address(name, home)) and bool(known.server) != up:
        _pause(until, f"{name} did not {'start' if up else 'stop'} in {home}.")


def _await_keeper(name: str, home: Path, *, durable: bool) -> Address:
    folder = _folder(name, home)
    until = time.monotonic() + STARTING_SECONDS
    log = folder / "server.log"
    start = log.stat().st_size if log.exists() else 0
    process: subprocess.Popen[bytes] | None = None
    while True:
        if known := address(name, home):
            if known.server:
                return known
        elif not _is_kept(folder) and process is None:
            process = _spawn(name, home, log, durable=durable)
        elif process is not None and process.poll() is not None:
            if process.returncode == 0:  # another keeper was there first
                process = None
                continue
            raise Failure(f"{name} did not start; {log} says:\n{tail(log, start=start)}")
        _pause(until, f"{name} did not start within {STARTING_SECONDS} s; see {log}.")


def _spawn(name: str, home: Path, log: Path, *, durable: bool) -> subprocess.Popen[bytes]:
    if log.exists() and log.stat().st_size > 10_000_000:
        log.replace(log.with_suffix(".log.1"))
    words = [sys.executable, "-m", "deploy.keeper", name, str(home), "durable" if durable else "passing"]
    with log.open("ab") as out:
        process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    _spawned.append(process)
    return process


def _leave(folder: Path, users: IO[str]) -> None:
    """Go; the last one waits until the server has stopped."""
    with _door(folder):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            last = False
        else:
            last = True
        users.close()
        until = time.monotonic() + STOPPING_SECONDS + 10
        while last and _is_kept(folder):
            _pause(until, f"The server in {folder} does not stop.")
    for process in _spawned:
        process.poll()


def _is_kept(folder: Path) -> bool:
    with (folder / "keeper.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@contextmanager
def _door(folder: Path) -> Iterator[None]:
    """One comes or goes at a time."""
    with _lock(folder / "door.lock", fcntl.LOCK_EX):
        yield


def _lock(path: Path, how: int) -> IO[str]:
    lock = path.open("a")
    fcntl.flock(lock, how)
    return lock


def _folder(name: str, home: Path) -> Path:
    """Locks, address and log of a server; its data stand beside it."""
    folder = home / "run" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError
    except PermissionError:
        raise Failure(f"{folder} is not writable for this user. Was it made by another one?") from None
    return folder


def _pause(until: float, complaint: str) -> None:
    if time.monotonic() > until:
        raise Failure(complaint)
    time.sleep(_PAUSE)


# --- The keeper ----------------------------------------------------------------------------------


class Keeper:
    """Starts the server, restarts it when it falls, stops it when nobody is left."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.folder = _folder(engine.name, engine.home)
        self.port = 0
        self.server: subprocess.Popen[bytes] | None = None
        self.events: SimpleQueue[str] = SimpleQueue()
        self.falls = 0
        self.claim: socket.socket | None = None

    def run(self) -> None:
        (self.folder / "address.json").unlink(missing_ok=True)
        self._listen()
        self.engine.settle()
        self._clear()
        self.engine.prepare()
        self._start_somewhere()
        try:
            self.engine.introduce(self.port)
            self._announce()
            self._watch()
        finally:
            (self.folder / "address.json").unlink(missing_ok=True)
            self._stop()

    def _listen(self) -> None:
        words = {"SIGTERM": "stop", "SIGINT": "stop", "SIGUSR1": "down", "SIGUSR2": "up", "SIGCHLD": "child"}
        for name, event in words.items():
            signal.signal(getattr(signal, name), self._puts(event))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        threading.Thread(target=self._await_solitude, daemon=True).start()

    def _puts(self, event: str) -> Callable[[int, FrameType | None], None]:
        return lambda _number, _frame: self.events.put(event)

    def _await_solitude(self) -> None:
        lock = _lock(self.folder / "users.lock", fcntl.LOCK_EX)
        self.events.put("stop")
        threading.Event().wait()  # holds the lock to the end: who comes now waits for a new keeper
        lock.close()

    def _watch(self) -> None:
        while (event := self.events.get()) != "stop":
            if event == "down":
                self._stop(hard=True)
            elif event == "up" and self.server is None:
                self._start_again()
            elif event == "child" and self.server is not None and self.server.poll() is not None:
                self._raise_fallen()
            self._announce()

    def _raise_fallen(self) -> None:
        self.falls += 1
        _say(f"{self.engine.name} fell; started again ({self.falls})")
        if self.falls > 5:
            raise Failure(f"{self.engine.name} falls again and again.")
        self.server = None
        self._announce()
        self._start_again()

    def _start_again(self) -> None:
        """What is left of a killed server may hold on to memory and port for a moment."""
        for _attempt in range(9):
            try:
                self._start()
            except Failure:
                time.sleep(0.2)
            else:
                return
        self._start()

    def _clear(self) -> None:
        """End a server whose keeper was killed; the kernel has told it to stop already."""
        for number in (self.engine.stop_signal, signal.SIGKILL):
            if (pid := self.engine.leftover()) is None or not is_alive(pid):
                return
            with suppress(ProcessLookupError):
                os.kill(pid, number)
            until = time.monotonic() + STOPPING_SECONDS
            while is_alive(pid) and time.monotonic() < until:
                time.sleep(_PAUSE)

    def _start_somewhere(self) -> None:
        """On the last port where it is free, so that addresses stay; otherwise on the next."""
        memory = self.folder / "port"
        known = int(memory.read_text()) if memory.exists() else 0
        for _attempt in range(5):
            self.port = known if known in PORTS and is_free(known) else free_port(self.engine.preferred_port)
            while not self._claim(self.port):
                self.port = free_port(self.port + 1)
            try:
                self._start()
            except Failure:
                if is_free(self.port):  # the port was not the trouble
                    raise
            else:
                memory.write_text(str(self.port))
                return
        raise Failure(f"{self.engine.name} found no free port.")

    def _claim(self, port: int) -> bool:
        """Whether this port is ours among all keepers, as long as this one lives.

        A server that is taken down for a while leaves its port free, and another one must not settle there.
        """
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0registration-portal-port-{port}")
        except OSError:
            claim.close()
            return False
        if self.claim is not None:
            self.claim.close()
        self.claim = claim
        return True

    def _start(self) -> None:
        self.server = self.engine.start(self.port)
        until = time.monotonic() + STARTING_SECONDS
        while not self.engine.is_ready(self.server.pid, self.port):
            if self.server.poll() is not None:
                code, self.server = self.server.returncode, None
                raise Failure(f"{self.engine.name} ended at once with code {code}.")
            _pause(until, f"{self.engine.name} does not answer.")

    def _stop(self, *, hard: bool = False) -> None:
        server, self.server = self.server, None
        if server is None or server.poll() is not None:
            return
        server.send_signal(signal.SIGKILL if hard else self.engine.stop_signal)
        try:
            server.wait(STOPPING_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()

    def _announce(self) -> None:
        pid = self.server.pid if self.server else 0
        known = Address(os.getpid(), pid, self.port, str(self.folder / "server.log"))
        fresh = self.folder / "address.fresh"
        fresh.write_text(json.dumps(asdict(known)))
        fresh.replace(self.folder / "address.json")


def _take(lock: IO[str]) -> bool:
    """Become the keeper; a glance of somebody who asks whether there is one may be in the way."""
    for _attempt in range(50):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
        else:
            return True
    return False


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(name: str, home: str, manner: str) -> int:
    """Keep one server until nobody needs it. The lock is held until the process ends."""
    engine = ENGINES[name](Path(home), durable=manner == "durable")
    lock = (_folder(name, engine.home) / "keeper.lock").open("a")
    if not _take(lock):
        return 0
    try:
        Keeper(engine).run()
    except Failure as failure:
        _say(str(failure))
    except Exception:
        traceback.print_exc()
    else:
        return 0
    return 1


if __name__ == "__main__":
    done = main(*sys.argv[1:])
    sys.stderr.flush()
    os._exit(done)  # at once: who waits for the lock may take it that nothing is left
