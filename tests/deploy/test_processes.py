"""Processes of the portal: ready when started, gone when killed, gone with their starter."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.lifelines import ROOT, Failure, free_port, is_alive
from deploy.processes import Process

STANDS = "echo ready; sleep 60 & echo $! > child; wait"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    trial = in_folder(tmp_path, STANDS)
    yield trial
    trial.kill()


def in_folder(folder: Path, script: str) -> Process:
    words = ["sh", "-c", f"cd '{folder}'; {script}"]
    return Process("trial", words, dict(os.environ), folder / "trial.log", lambda one: "ready" in one.said())


def child_of(process: Process) -> int:
    path = process.log.parent / "child"
    until = time.monotonic() + 5
    while not (path.exists() and path.read_text().strip()) and time.monotonic() < until:
        time.sleep(0.02)
    return int(path.read_text())


def gone(pid: int) -> bool:
    until = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not is_alive(pid)


def test_killed_process_takes_its_children_along_and_can_be_started_again(process: Process) -> None:
    process.start()
    child, first = child_of(process), process.pid
    process.kill()
    assert (process.is_alive(), gone(child)) == (False, True)
    process.start()
    assert process.is_alive()
    assert process.pid != first


def test_starting_what_runs_leaves_it_as_it_is(process: Process) -> None:
    process.start()
    first = process.pid
    process.start()
    assert process.pid == first


def test_stopped_process_leaves_no_children(process: Process) -> None:
    process.start()
    child = child_of(process)
    process.stop()
    assert gone(child)


def test_process_that_ends_while_starting_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no such table"):
        in_folder(tmp_path, "echo no such table >&2; exit 3").start()


def test_process_ends_with_its_starter_even_when_that_is_killed(tmp_path: Path) -> None:
    starter = f"""
import sys
from pathlib import Path
from tests.deploy.test_processes import in_folder
in_folder(Path({str(tmp_path)!r}), "echo ready; exec sleep 60").start()
print("up", flush=True)
input()
"""
    words = [sys.executable, "-c", starter]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as outer:
        assert outer.stdout
        assert outer.stdout.readline() == b"up\n"
        inner = next(pid for pid in started_by(outer.pid))
        outer.kill()
    assert gone(inner)


def started_by(parent: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:  # ended in between
            continue
        if int(text.rpartition(")")[2].split()[1]) == parent:
            yield int(text.split()[0])


def test_taken_port_gives_the_next() -> None:
    import socket

    port = free_port(23500)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert free_port(port) > port
