"""PostgreSQL and a Redis-compatible server for demonstration, tests and commands, without installing them.

    python -m deploy.embedded run [--test] [--] COMMAND…

runs a command while the servers stand, in an environment that leads to them. Servers named by the
environment (DATABASE_URL, REDIS_URL) take precedence: then none of ours is started.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy import identity, keeper
from deploy.engines import ENGINES
from deploy.lifelines import Failure, dies_with_parent, var_folder

# The variable that says an operator brings the server along.
_GIVEN = {"postgres": "DATABASE_URL", "valkey": "REDIS_URL"}


def home(var: Path) -> Path:
    """Data, locks, passwords and logs of the servers of this `var`."""
    return var / "servers"


@contextmanager
def servers(var: Path, *, durable: bool) -> Iterator[dict[str, str]]:
    """Have both servers while the block lasts; yields the environment variables to add.

    Who comes second joins the running servers; the last to leave stops them, also when killed. `durable`
    survives a power cut; without it a test run is faster.
    """
    added: dict[str, str] = {}
    with ExitStack() as stack:
        for name in ENGINES:
            if not os.environ.get(_GIVEN[name]):
                added |= stack.enter_context(keeper.shared(name, home(var), durable=durable))
        yield added


def surroundings(var: Path, added: dict[str, str], *, test: bool) -> dict[str, str]:
    """The whole environment of a process of the portal that works with these servers.

    Where the operator brings the database along, nothing says demonstration or test but the operator.
    """
    env = {**os.environ, **added, "PORTAL_VAR": str(var)}
    if env.pop("PYTHONDONTWRITEBYTECODE", ""):
        # Source folders stay clean as wished, yet not every process compiles Django anew (2.4 s against 0.7).
        env.setdefault("PYTHONPYCACHEPREFIX", str(var / "cache" / "bytecode"))
    if test:
        env.setdefault("PORTAL_TESTING", "1")
    elif "DATABASE_URL" in added:
        env.setdefault("PORTAL_DEMO", "1")
        env.setdefault("CLOCK_SHIFT_FILE", str(var / "clock-shift"))
    return env


def take_down(var: Path, name: str) -> None:
    """Kill a server ("postgres" or "valkey") at once and keep it down, until `bring_up`."""
    keeper.take_down(name, home(var))


def bring_up(var: Path, name: str) -> None:
    """Start a server again that was taken down; its address stays."""
    keeper.bring_up(name, home(var))


def forget(var: Path) -> None:
    """Remove the servers' data of this `var`. Raises Failure while they are in use."""
    for name in ENGINES:
        if keeper.address(name, home(var)):
            raise Failure(f"The servers of {var} are in use: end the demonstration or command first.")
    for name in ENGINES:
        identity.forget(home(var), name)


def run(command: list[str], *, test: bool) -> int:
    """Run a command with the servers, hand on signals, return its exit code."""
    var = var_folder() / "test" if test else var_folder()
    with servers(var, durable=not test) as added:
        process = subprocess.Popen(
            command,
            env=surroundings(var, added, test=test),
            preexec_fn=dies_with_parent(signal.SIGTERM),
        )
        before = {}
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before[number] = signal.signal(number, lambda got, _frame: _hand_on(process, got))
        try:
            code = process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _hand_on(process: subprocess.Popen[bytes], number: int) -> None:
    """A terminal sends Ctrl-C to all in the foreground: handing it on would double it."""
    if number == signal.SIGINT and _in_foreground():
        return
    if process.poll() is None:
        process.send_signal(number)


def _in_foreground() -> bool:
    try:
        with Path("/dev/tty").open() as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="deploy.embedded", description="Run a command with servers.")
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run")
    runner.add_argument("--test", action="store_true", help="servers of their own, fast, not durable")
    runner.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND…")
    options = parser.parse_args()
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    try:
        return run(words, test=options.test)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except FileNotFoundError as missing:
        print(missing, file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main())
