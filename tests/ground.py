"""The ground every test stands on: a database with roles, walls, the authority and three agencies.

The connection logs in as the owner; whatever is under test takes its desk's role, so the walls are on.

Walking all migrations takes ten seconds, so one process walks them, and every test database is a copy of what
came of it. The original is kept until a source that could change it is another one.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, cast
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import TransactionTestCase
from psycopg import sql

from deploy.lifelines import ROOT, var_folder
from register import memory
from tenants.crossing import Desk, standing
from tenants.models import PUBLIC_SCHEMA
from tenants.provisioning import open_agencies, open_authority, read_agencies
from tenants.walls.base import DatabaseWrapper, first_place
from tenants.walls.upkeep import mend_walls

# A provincial agency, a ministry and a central enterprise.
AGENCIES: Final = ("beijing", "mohurd", "sinopec")
TABLES: Final = """
    SELECT format('%%I.%%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname = ANY(%s)
"""

# Names of databases: of grounds that others are copied from, and of one that is not finished.
GROUND: Final = "ground_"
UNFINISHED: Final = "ground_unfinished"
MAKER: Final = "import django; django.setup(); from tests import ground; ground.make()"
# What the ground is made of.
ROOMS: Final = ("portal", "intake", "review", "register", "notifications", "tenants")
SOURCES: Final = ("*.py", "*.csv", "*.json")

_kept: set[str] = set()


# --- One ground, many copies -----------------------------------------------------------------------


@contextmanager
def copied(name: str) -> Iterator[dict[str, str]]:
    """A database of this name, a fresh copy of the ground, while the block lasts.

    Yields the variables that lead to it. What a killed run has left under the name is replaced.
    """
    with _alone(), _owner() as owner:
        ground = _ground(owner)
        _drop(owner, name)
        owner.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, ground))))
    try:
        yield _leading_to(name)
    finally:
        with _owner() as owner:
            _drop(owner, name)


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time makes or copies the ground; the kernel ends this for one that is killed."""
    with (var_folder() / "ground.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _owner() -> Iterator[psycopg.Connection]:
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        yield owner


def _ground(owner: psycopg.Connection) -> str:
    """The name of the ground of today's sources, made now if there is none."""
    wanted = GROUND + _print_of_sources()
    rows = owner.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [GROUND])
    known = {str(name) for (name,) in rows}
    if wanted not in known:
        for name in known:
            _drop(owner, name)
        owner.execute(f"CREATE DATABASE {UNFINISHED}")
        words = [sys.executable, "-c", MAKER]
        subprocess.run(words, cwd=ROOT, env={**os.environ, **_leading_to(UNFINISHED)}, check=True)
        owner.execute(sql.SQL(f"ALTER DATABASE {UNFINISHED} RENAME TO {{}}").format(sql.Identifier(wanted)))
    return wanted


def _print_of_sources() -> str:
    """Another one whenever the ground may be: a source changed, a package, or the day."""
    files = {file for room in ROOMS for kind in SOURCES for file in (ROOT / room).rglob(kind)}
    found = sha256(datetime.now(UTC).date().isoformat().encode())
    for file in sorted(files | {ROOT / "uv.lock", ROOT / "tests" / "ground.py"}):
        found.update(b"%s\0%d\0" % (str(file).encode(), file.stat().st_size))
        found.update(file.read_bytes())
    return found.hexdigest()[:16]


def _drop(owner: psycopg.Connection, name: str) -> None:
    owner.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _leading_to(name: str) -> dict[str, str]:
    """The portal's variables for a database of this name on the tests' server."""
    urls = {each: urlsplit(os.environ[each]) for each in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    return {each: urlunsplit(url._replace(path=f"/{name}")) for each, url in urls.items()}


def make() -> None:
    """Walk the migrations in the database one is led to, and open the ground in it."""
    call_command("migrate_schemas", shared=True, verbosity=0)
    open_ground()


def stand_on(name: str) -> None:
    """From now on the connection of this process leads to the database of this name."""
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
    _kept.update(_filled())
    TransactionTestCase._fixture_teardown = _sweep  # type: ignore[attr-defined]


def open_ground() -> None:
    """Make the freshly migrated database ready; what is open already stays as it is."""
    open_authority()
    mend_walls()
    listed = {row.code: row for row in read_agencies()}
    open_agencies(listed[code] for code in AGENCIES)


# --- From test to test -----------------------------------------------------------------------------


def at_the_start() -> None:
    """Stand where a new connection stands, wherever the last test ended, and remember nothing."""
    cast(DatabaseWrapper, connection).stand(first_place())
    memory.forget_all()


def _sweep(_case: Any) -> None:
    """Empty every table that a committed test has filled, in all schemas, but those of the ground."""
    at_the_start()
    with standing(Desk.OWNER):
        dirty = _filled() - _kept
        if dirty:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '10s'")
                cursor.execute(f"TRUNCATE {', '.join(sorted(dirty))} CASCADE")
                cursor.execute("RESET lock_timeout")


def _filled() -> set[str]:
    with standing(Desk.OWNER), connection.cursor() as cursor:
        cursor.execute(TABLES, [[PUBLIC_SCHEMA, *AGENCIES]])
        tables = [table for (table,) in cursor.fetchall()]
        asked = (f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables)
        cursor.execute(" UNION ALL ".join(asked))
        return {table for (table,) in cursor.fetchall()}
