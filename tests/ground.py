"""The ground every test stands on: a database with roles, walls, the authority and three agencies.

The connection logs in as the owner; whatever is under test takes its desk's role, so the walls are on.
"""

from __future__ import annotations

from typing import Any, Final, cast

from django.db import connection
from django.test import TransactionTestCase

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

_kept: set[str] = set()


def open_ground() -> None:
    """Make the freshly migrated database ready; what is open already stays as it is."""
    open_authority()
    mend_walls()
    listed = {row.code: row for row in read_agencies()}
    open_agencies(listed[code] for code in AGENCIES)
    _kept.update(_filled())
    TransactionTestCase._fixture_teardown = _sweep  # type: ignore[attr-defined]


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
