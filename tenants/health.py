"""How the agencies' schemas stand: migrations, walls, and whether schemas and agencies belong together.

Looked at by a task with the owner's login, all schemas in a few catalogue queries; the pages read what it
wrote down.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tenants import crossing
from tenants.crossing import Desk
from tenants.models import PUBLIC_SCHEMA, Agency, SchemaHealth
from tenants.walls.apply import quoted
from tenants.walls.catalogue import odd_ones
from tenants.walls.check import check_walls

# Every schema that an agency could have, by its name, and whether migrations were ever done in it.
SCHEMAS: Final = """
    SELECT n.nspname, to_regclass(format('%%I.django_migrations', n.nspname)) IS NOT NULL
    FROM pg_namespace n WHERE n.nspname ~ '^[a-z][a-z0-9]{1,29}$' AND n.nspname <> %s
"""
DONE: Final = "SELECT {name}, count(*), max(name) FROM {schema}.django_migrations WHERE app = ANY(%s)"
# So many differences are kept of a schema; who mends it does not read on.
MOST_FAULTS: Final = 20


def check(*, at: datetime, only: Collection[str] = ()) -> list[SchemaHealth]:
    """Look at every schema, or `only` at some, write down how they stand, and answer with it.

    The owner's login only.
    """
    with crossing.standing(Desk.OWNER):
        agencies = {a.schema_name: a for a in Agency.objects.exclude(schema_name=PUBLIC_SCHEMA)}
        there = {str(name): bool(migrated) for name, migrated in _rows(SCHEMAS, PUBLIC_SCHEMA)}
        known = agencies.keys() | there.keys()
        wanted = sorted(known & set(only) if only else known)
        faults = _faults([name for name in wanted if name in agencies and there.get(name)])
        versions = _versions([name for name in wanted if there.get(name)])
        expected = len(_on_disk())
        rows = [
            SchemaHealth(
                schema=name,
                agency=agencies.get(name),
                exists=name in there,
                version=versions.get(name, (0, ""))[1],
                behind=max(expected - versions.get(name, (0, ""))[0], 0),
                faults=faults.get(name, [])[:MOST_FAULTS],
                checked_at=at,
            )
            for name in wanted
        ]
        SchemaHealth.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["schema"],
            update_fields=["agency", "exists", "version", "behind", "faults", "checked_at"],
        )
        if not only:
            SchemaHealth.objects.exclude(schema__in=wanted).delete()
    return rows


def _faults(schemas: Sequence[str]) -> Mapping[str, list[str]]:
    """Walls first; a schema whose walls differ is not like the others either, and that is said once."""
    found = {schema: list(lines) for schema, lines in check_walls(schemas).items() if schema}
    for schema, lines in odd_ones(schemas).items():
        found.setdefault(schema, lines)
    return found


def _versions(schemas: Sequence[str]) -> dict[str, tuple[int, str]]:
    """How many migrations of the agencies' own apps were done in each schema, and the last: one query."""
    if not schemas:
        return {}
    labels = [config.label for config in apps.get_app_configs() if config.name in settings.TENANT_APPS]
    words = [DONE.format(name="%s", schema=quoted(schema)) for schema in schemas]
    params = [value for schema in schemas for value in (schema, labels)]
    rows = _rows(" UNION ALL ".join(words), *params)
    return {str(name): (int(count), str(last or "")) for name, count, last in rows}


def _on_disk() -> set[tuple[str, str]]:
    labels = {config.label for config in apps.get_app_configs() if config.name in settings.TENANT_APPS}
    disk = MigrationLoader(None, ignore_no_migrations=True).disk_migrations or {}
    return {key for key in disk if key[0] in labels}


def _rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())
