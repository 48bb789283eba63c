"""Reads the catalogue back and names every difference from the table of grants."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from django.db import connection

from tenants.walls import grants
from tenants.walls.apply import PRIVILEGES, Walls, walls_of
from tenants.walls.place import PUBLIC
from tenants.walls.roles import role_faults

TABLES: Final = """
    SELECT n.nspname, c.relname, c.relrowsecurity
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""
HELD: Final = """
    SELECT n.nspname, c.relname, coalesce(r.rolname, 'PUBLIC'), a.privilege_type
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL aclexplode(c.relacl) a
    LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND a.grantee <> c.relowner
    UNION ALL
    SELECT n.nspname, c.relname || '.' || t.attname, coalesce(r.rolname, 'PUBLIC'), a.privilege_type
    FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
    LATERAL aclexplode(t.attacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE n.nspname = ANY(%s) AND a.grantee <> c.relowner
    UNION ALL
    SELECT n.nspname, 'schema', coalesce(r.rolname, 'PUBLIC'), a.privilege_type
    FROM pg_namespace n, LATERAL aclexplode(n.nspacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE n.nspname = ANY(%s) AND a.grantee <> n.nspowner
"""
POLICIES: Final = """
    SELECT n.nspname, c.relname, p.polname, split_part(d.text, ' ', 1),
        split_part(d.text, ' ', 2) = public.policy_fingerprint(p.oid)
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
    LATERAL (SELECT coalesce(obj_description(p.oid, 'pg_policy'), '') AS text) d
    WHERE n.nspname = ANY(%s)
"""
FUNCTIONS: Final = """
    SELECT p.proname, p.prosrc, p.prosecdef AND p.proconfig = ARRAY['search_path=pg_catalog'],
        ARRAY(SELECT coalesce(r.rolname, 'PUBLIC') FROM aclexplode(p.proacl) a
            LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE a.grantee <> p.proowner)
    FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND (p.prosecdef OR p.proname = ANY(%s))
"""
KNOWN: Final = "SELECT to_regproc('public.policy_fingerprint') IS NOT NULL"

Line = str


def check_walls(schemas: Sequence[str]) -> dict[str, list[str]]:
    """Differences by schema between what must stand and what stands; an empty answer when all is well.

    Under the key "" stand the roles of the cluster. `schemas` are all agencies' and the public one.
    """
    found: dict[str, list[str]] = {}
    faults = role_faults(schema for schema in schemas if schema != PUBLIC)
    if faults:
        found[""] = faults
    standing = _standing(schemas)
    for schema in schemas:
        wanted = set(_wanted(walls_of(schema)))
        lines = [f"{schema}: {line} is missing" for line in sorted(wanted - standing[schema])]
        lines += [f"{schema}: {line} should not be" for line in sorted(standing[schema] - wanted)]
        if lines:
            found[schema] = lines
    return found


def _wanted(walls: Walls) -> Iterator[Line]:
    for role in walls.users:
        yield _privilege("schema", role, "USAGE")
    for table, letters in walls.tables.items():
        yield _table(table, narrowed=table in walls.rows)
        for role, what in letters.items():
            for letter in what:
                yield _privilege(table, role, PRIVILEGES[letter])
    for table, narrowed in walls.columns.items():
        for role, columns in narrowed.items():
            for column in columns:
                yield _privilege(f"{table}.{column}", role, "UPDATE")
    for sequence, roles in walls.sequences.items():
        for role in roles:
            yield _privilege(sequence, role, "USAGE")
    for policy in walls.policies:
        yield _policy(policy.table, policy.name, policy.source, unchanged=True)
    if walls.schema == PUBLIC:
        for name, function in grants.FUNCTIONS.items():
            yield _function(name, grants.filled(function.body), safe=True, roles=function.roles)


def _standing(schemas: Sequence[str]) -> Mapping[str, set[Line]]:
    lines: defaultdict[str, set[Line]] = defaultdict(set)
    names = list(schemas)
    for schema, table, narrowed in _rows(TABLES, names):
        lines[schema].add(_table(table, narrowed=narrowed))
    for schema, thing, role, privilege in _rows(HELD, names, names, names):
        lines[schema].add(_privilege(thing, role, privilege))
    if not _rows(KNOWN)[0][0]:
        return lines
    for schema, table, name, source, unchanged in _rows(POLICIES, names):
        lines[schema].add(_policy(table, name, source, unchanged=unchanged))
    for name, body, safe, roles in _rows(FUNCTIONS, list(grants.FUNCTIONS)):
        lines[PUBLIC].add(_function(name, body, safe=safe, roles=roles))
    return lines


def _table(name: str, *, narrowed: bool) -> Line:
    return f"table {name}" + (" with row-level security" if narrowed else "")


def _privilege(thing: str, role: str, privilege: str) -> Line:
    return f"{privilege} on {thing} for {role}"


def _policy(table: str, name: str, source: str, *, unchanged: bool) -> Line:
    return f"policy {name} on {table} " + (f"({source[:8]})" if unchanged else "(altered)")


def _function(name: str, body: str, *, safe: bool, roles: Iterable[str]) -> Line:
    manner = "" if safe else " unsafe"
    mark = hashlib.sha256(body.encode()).hexdigest()[:8]
    return f"function {name}{manner} ({mark}) for {', '.join(sorted(roles))}"


def _rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return list(cursor.fetchall())
