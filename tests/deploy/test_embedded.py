"""The embedded servers: shared, gone with their last user, and nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from deploy import embedded, identity, keeper
from deploy.engines import ENGINES
from deploy.lifelines import ROOT, is_alive

AS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def ground() -> Iterator[Path]:
    """A folder that every user of the machine can enter; the usual temporary one is closed."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="a folder with spaces ") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def var(ground: Path) -> Path:
    folder = ground / "var"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch, ground: Path, var: Path) -> Iterator[None]:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORTAL_VAR", str(var))
    monkeypatch.setenv("PORTAL_STATE", str(ground / "state"))
    yield
    assert until(lambda: not any(pids(var)))


def pids(var: Path) -> list[int]:
    """Keepers and servers that run for this folder."""
    known = [keeper.address(name, embedded.home(var)) for name in ENGINES]
    return [pid for one in known if one for pid in (one.keeper, one.server) if is_alive(pid)]


def children(parent: int) -> set[int]:
    stats = [stat.read_text() for stat in Path("/proc").glob("[0-9]*/stat")]
    return {int(stat.split()[0]) for stat in stats if int(stat.rpartition(")")[2].split()[1]) == parent}


def until(happens: Callable[[], bool], *, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not happens() and time.monotonic() < end:
        time.sleep(0.02)
    return happens()


def other_user(var: Path) -> subprocess.Popen[bytes]:
    """Another process that uses the servers, ready when this returns."""
    sign = var / "ready"
    sign.unlink(missing_ok=True)
    words = [
        sys.executable,
        "-m",
        "deploy.embedded",
        "run",
        "--",
        "sh",
        "-c",
        'touch "$0"; exec sleep 60',
        str(sign),
    ]
    process = subprocess.Popen(words, cwd=ROOT)
    assert until(sign.exists)
    return process


def note(url: str, value: str) -> None:
    with psycopg.connect(url) as link:
        link.execute("CREATE TABLE IF NOT EXISTS notes (word text)")
        link.execute("INSERT INTO notes VALUES (%s)", [value])


def notes(url: str) -> list[str]:
    with psycopg.connect(url) as link:
        return [row[0] for row in link.execute("SELECT word FROM notes ORDER BY word")]


def test_second_user_joins_and_the_last_one_stops_the_servers(var: Path) -> None:
    with embedded.servers(var, durable=True) as first:
        running = pids(var)
        with embedded.servers(var, durable=True) as second:
            assert (second, pids(var)) == (first, running)
        assert pids(var) == running
        note(first["DATABASE_OWNER_URL"], "one")
    assert until(lambda: not any(is_alive(pid) for pid in running), seconds=0.1)


def test_killed_user_leaves_nothing_running_and_loses_nothing(var: Path) -> None:
    process = other_user(var)
    with embedded.servers(var, durable=True) as added:
        note(added["DATABASE_OWNER_URL"], "two")
        running = pids(var)
        commands = children(process.pid) - set(running)
        process.kill()
        process.wait()
        assert commands
        assert until(lambda: not any(is_alive(command) for command in commands))
        assert pids(var) == running
    process = other_user(var)
    running = pids(var)
    process.kill()
    process.wait()
    assert until(lambda: not any(is_alive(pid) for pid in running))
    with embedded.servers(var, durable=True) as added:
        assert notes(added["DATABASE_OWNER_URL"]) == ["one", "two"]


def test_killed_keeper_takes_its_servers_along_and_loses_nothing(var: Path) -> None:
    with embedded.servers(var, durable=True) as added:
        redis.from_url(added["REDIS_URL"]).set("word", "kept")
        known = [keeper.address(name, embedded.home(var)) for name in ENGINES]
        for one in known:
            assert one
            os.kill(one.keeper, signal.SIGKILL)
        assert until(lambda: not any(one and is_alive(one.server) for one in known))
    with embedded.servers(var, durable=True) as added:
        assert redis.from_url(added["REDIS_URL"]).get("word") == b"kept"
        assert notes(added["DATABASE_OWNER_URL"]) == ["one", "two"]


def test_server_that_was_killed_stands_up_again(var: Path) -> None:
    with embedded.servers(var, durable=True) as added:
        before = {name: keeper.address(name, embedded.home(var)) for name in ENGINES}
        for one in before.values():
            assert one
            os.kill(one.server, signal.SIGKILL)

        def risen() -> bool:
            now = {name: keeper.address(name, embedded.home(var)) for name in ENGINES}
            return all(
                (known := now[name]) and (old := before[name]) and known.server not in {0, old.server}
                for name in ENGINES
            )

        assert until(risen)
        assert notes(added["DATABASE_OWNER_URL"]) == ["one", "two"]


def test_server_taken_down_stays_down_until_brought_up(var: Path) -> None:
    with embedded.servers(var, durable=True) as added:
        client = redis.from_url(added["REDIS_URL"], socket_connect_timeout=0.2)
        client.set("word", "again")
        time.sleep(1.1)  # written out every second
        embedded.take_down(var, "valkey")
        with pytest.raises(redis.ConnectionError):
            client.ping()
        embedded.bring_up(var, "valkey")
        assert client.get("word") == b"again"


def test_servers_of_the_environment_take_precedence(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/portal")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    with embedded.servers(var, durable=True) as added:
        assert (added, pids(var)) == ({}, [])


def test_command_gets_the_environment_and_gives_its_exit_code(var: Path) -> None:
    words = ["sh", "-c", 'test "$PORTAL_DEMO" = 1 && test -n "$DATABASE_OWNER_URL" && exit 7']
    assert embedded.run(words, test=False) == 7


def test_term_signal_reaches_the_command(var: Path) -> None:
    process = other_user(var)
    process.terminate()
    assert process.wait(20) == 128 + signal.SIGTERM


def test_application_reads_nothing_without_a_role_the_owner_granted(var: Path) -> None:
    with embedded.servers(var, durable=True) as added:
        with psycopg.connect(added["DATABASE_OWNER_URL"], autocommit=True) as owner:
            owner.execute("CREATE ROLE desk_trial NOLOGIN")
            owner.execute("GRANT desk_trial TO portal_app WITH INHERIT FALSE, SET TRUE")
            owner.execute("GRANT SELECT ON notes TO desk_trial")
            owner.execute("CREATE EXTENSION pg_trgm")
            owner.execute("CREATE SCHEMA trial")
        with psycopg.connect(added["DATABASE_URL"], autocommit=True) as app:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute("SELECT * FROM notes")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute("CREATE TABLE mine (word text)")
            app.execute("SET ROLE desk_trial")
            assert app.execute("SELECT count(*) FROM notes").fetchone() == (2,)
            facts = "SELECT rolsuper, rolbypassrls, rolinherit FROM pg_roles WHERE rolname = 'portal_app'"
            assert app.execute(facts).fetchone() == (False, False, False)


@pytest.mark.skipif(not AS_ROOT, reason="only root changes its identity")
def test_without_user_namespaces_root_runs_them_under_a_number_of_their_own(
    var: Path, ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place where that number can reach the folder, else elsewhere; the data come along and back."""
    near = embedded.home(var) / "postgres" / "cluster"
    monkeypatch.setenv("PORTAL_NO_USERNS", "1")
    for reachable in (True, False):
        var.chmod(0o755 if reachable else 0o700)
        with embedded.servers(var, durable=True) as added:
            owners = [Path(f"/proc/{pid}").stat().st_uid for pid in pids(var)]
            assert owners == [0, identity.DEDICATED] * 2
            # Programs may stand there in any case: the checkout itself may be closed to that number.
            far = [path for path in (ground / "state").rglob("cluster") if path.is_dir()]
            assert (near.exists(), bool(far)) == (reachable, not reachable)
            assert notes(added["DATABASE_OWNER_URL"]) == ["one", "two"]
    monkeypatch.delenv("PORTAL_NO_USERNS")
    var.chmod(0o755)
    with embedded.servers(var, durable=True) as added:
        assert near.exists()
        assert notes(added["DATABASE_OWNER_URL"]) == ["one", "two"]
