"""The demonstration: the whole portal on this machine, and one application played through it."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import IO

from deploy import embedded, stores
from deploy import play as theatre
from deploy.lifelines import ROOT, Failure, dies_with_parent, var_folder
from deploy.processes import DEFAULT_PORT, Portal, is_live, portal_processes

_COMMANDS = (
    ("migrate_schemas", "--shared", "--verbosity=0"),
    ("apply_walls",),
    ("open_agency", "--all", "--verbosity=0"),
    ("demo_data",),
    ("demo_cases",),
    ("demo_certificate_key",),
)


_OWNER_MISSING = """DATABASE_URL is set, DATABASE_OWNER_URL is not: opening agencies needs the owner's login.
Create both logins once, as a superuser, and set both variables (docs/operator.md):
  CREATE ROLE portal_owner LOGIN CREATEROLE PASSWORD '…';
  CREATE ROLE portal_app LOGIN NOINHERIT PASSWORD '…';
  CREATE DATABASE portal OWNER portal_owner ENCODING 'UTF8' TEMPLATE template0;"""


def prepare(env: Mapping[str, str], var: Path) -> None:
    """Tables, walls, agencies and data of the demonstration; what is there already stays."""
    for words in _COMMANDS:
        _manage(env, *words)
    _collect_static(env, var)


def _manage(env: Mapping[str, str], *words: str) -> None:
    start = time.monotonic()
    print(f"{' '.join(words)} …", flush=True)
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=env,
        check=False,
        preexec_fn=dies_with_parent(signal.SIGTERM),
    )
    if done.returncode != 0:
        raise Failure(f"manage.py {' '.join(words)} failed, see above.")
    print(f"  {time.monotonic() - start:.1f} s", flush=True)


def _collect_static(env: Mapping[str, str], var: Path) -> None:
    """Gather style sheets, scripts and pictures, when one has changed."""
    stamp = var / "static" / ".gathered"
    sources = sorted(path for path in (ROOT / "portal" / "static").rglob("*") if path.is_file())
    marks = [f"{path} {path.stat().st_mtime_ns}" for path in [*sources, ROOT / "uv.lock"]]
    wanted = sha256("\n".join(marks).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    _manage(env, "collectstatic", "--noinput", "--verbosity=0")
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(wanted)


def play(portal: Portal, env: Mapping[str, str], var: Path) -> bool:
    """The main job, as three people on three hosts; whether every line was as it should be."""
    print("\nOne application from the roster to the register, as three people on three hosts:\n", flush=True)
    with stores.captchas(env) as captcha:
        played = theatre.Play(port=portal.port, folder=var / "demo", captcha=captcha)
        people = theatre.candidates(var / "demo" / theatre.ROSTER)
        try:
            theatre.main_job(played, people)
            theatre.deemed_acceptance(played, people, Path(env["CLOCK_SHIFT_FILE"]))
        finally:
            print(theatre.timeline(played), flush=True)
    return played.good


def serve(portal: Portal) -> None:
    """Stand until Ctrl-C; a process that falls is started again."""
    while True:
        time.sleep(1)
        for process in portal.fallen():
            print(f"{process.name} fell and is started again; see {process.log}", flush=True)
            process.start()


def forget(var: Path) -> None:
    """Remove the data of earlier demonstrations. Raises Failure while one runs."""
    embedded.forget(var)
    for name in ("demo", "private", "static", "log", "mail"):
        shutil.rmtree(var / name, ignore_errors=True)
    for file in (var / "clock-shift", var / "sms.jsonl", *var.glob("beat-schedule*")):
        file.unlink(missing_ok=True)


@contextmanager
def standing(*, port: int = DEFAULT_PORT, fresh: bool = False) -> Iterator[tuple[Portal, dict[str, str]]]:
    """The whole demonstration, prepared and running, and the environment of its commands.

    Where one runs already on the same data, that one is used: its port, no processes of ours.
    """
    if os.environ.get("DATABASE_URL") and not os.environ.get("DATABASE_OWNER_URL"):
        raise Failure(_OWNER_MISSING)
    var = var_folder()
    if fresh:
        forget(var)
    var.mkdir(parents=True, exist_ok=True)
    with embedded.servers(var, durable=True) as added, (var / "demo.lock").open("a+") as lock:
        env = {
            "PORTAL_DEMO": "1",
            "CLOCK_SHIFT_FILE": str(var / "clock-shift"),
            # Nobody waits a minute to see the law act by itself.
            "CLOCK_SECONDS": "2",
            **embedded.surroundings(var, added, test=False),
        }
        if not _only_one(lock):
            yield Portal(_port_of_the_other(lock)), env
            return
        prepare(env, var)
        with portal_processes(env, var=var, port=port) as portal:
            lock.truncate(0)
            lock.write(str(portal.port))
            lock.flush()
            yield portal, env


def _only_one(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    lock.truncate(0)
    return True


def _port_of_the_other(lock: IO[str]) -> int:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        lock.seek(0)
        if (port := lock.read()) and is_live(int(port)):
            return int(port)
        time.sleep(0.5)
    raise Failure("Another demonstration is starting on the same data and does not become ready.")


def demonstrate(*, once: bool, port: int, fresh: bool) -> int:
    """Prepare, start, play, serve. Returns the exit code."""
    with standing(port=port, fresh=fresh) as (portal, env):
        ours = bool(portal.processes)
        good = play(portal, env, var_folder()) if ours or once else True
        print(theatre.accounts(portal.port), flush=True)
        print(f"Letters by e-mail lie in {var_folder() / 'mail'}, messages by SMS in sms.jsonl.", flush=True)
        if ours and not once:
            print("Stop with Ctrl-C.", flush=True)
            serve(portal)
        elif not ours:
            print("This demonstration was started by another bin/demo and goes on there.", flush=True)
    return 0 if good else 1


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bin/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="play, then end instead of serving")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="where to serve, or the next free port"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="forget the data of earlier demonstrations first"
    )
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return demonstrate(once=options.once, port=options.port, fresh=options.fresh)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing is lost.", flush=True)
        return 0 if not options.once else 128 + signal.SIGINT


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
