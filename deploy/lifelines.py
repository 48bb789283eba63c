"""Small things every supervised process needs: a port, a death signal, the end of its log."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The kernel hands ports from 32768 upwards to outgoing connections: stay below.
PORTS = range(21000, 32000)
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """Something the operator must know, in one clear sentence; shown without a traceback."""


def var_folder() -> Path:
    """Where everything that is not source stands: PORTAL_VAR, or `var` in the checkout."""
    return Path(os.environ.get("PORTAL_VAR") or ROOT / "var").absolute()


def is_free(port: int) -> bool:
    """Whether a server can listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(preferred: int, *, tries: int = 1000) -> int:
    """The preferred port or the next free one below 32768."""
    for port in range(preferred, min(preferred + tries, 32768)):
        if is_free(port):
            return port
    raise Failure(f"No free port between {preferred} and {min(preferred + tries, 32768)}.")


def dies_with_parent(number: signal.Signals) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends this signal when the parent is gone, even after kill -9.

    Runs after the change of identity, which would clear the setting.
    """
    parent = os.getpid()
    word = int(number)

    def arrange() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, word, 0, 0, 0)
        if os.getppid() != parent:  # it died in between
            os.kill(os.getpid(), word)

    return arrange


def is_alive(pid: int) -> bool:
    """Whether this process runs (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def tail(path: Path, *, lines: int = 20, start: int = 0) -> str:
    """The last lines of a log, written since byte `start`."""
    try:
        with path.open("rb") as log:
            log.seek(start)
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
