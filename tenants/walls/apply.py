"""Writes the table of grants into the catalogue: one round of statements per schema."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from django.db import connection, transaction

from tenants.walls import grants
from tenants.walls.catalogue import CATALOGUE_SQL
from tenants.walls.grants import EVERY, Rows
from tenants.walls.place import PUBLIC, agency_role
from tenants.walls.roles import AGENCY, APPLICANT, AUTHORITY, CLERK, COURIER, DESKS

PRIVILEGES: Final = {"S": "SELECT", "I": "INSERT", "U": "UPDATE", "D": "DELETE"}
# Who may turn to an agency's schema besides the agency itself.
VISITORS: Final = (APPLICANT, AUTHORITY, CLERK, COURIER)
# Both sides of a policy as the server reads it, with every name written out; compared by `check_walls`.
FINGERPRINT_SQL: Final = """
CREATE OR REPLACE FUNCTION public.policy_fingerprint(policy oid) RETURNS text LANGUAGE sql STABLE
SET search_path = '' AS $$
    SELECT pg_catalog.md5(pg_catalog.concat_ws('/', p.polcmd, p.polpermissive,
        ARRAY(SELECT r.rolname FROM pg_catalog.pg_roles r WHERE r.oid = ANY (p.polroles) ORDER BY r.rolname),
        pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)))
    FROM pg_catalog.pg_policy p WHERE p.oid = policy
$$;
REVOKE ALL ON FUNCTION public.policy_fingerprint(oid) FROM PUBLIC
"""
STAMP: Final = """
DO $$
DECLARE p record;
BEGIN
    FOR p IN SELECT o.polname, o.polrelid::regclass AS rel, o.oid,
            obj_description(o.oid, 'pg_policy') AS source
        FROM pg_policy o JOIN pg_class c ON c.oid = o.polrelid WHERE c.relnamespace = {schema}::regnamespace
    LOOP
        EXECUTE format('COMMENT ON POLICY %I ON %s IS %L', p.polname, p.rel,
            p.source || ' ' || public.policy_fingerprint(p.oid));
    END LOOP;
END $$
"""

# No privilege and no policy is left over from before.
CLEAN_SLATE: Final = """
DO $$
DECLARE r record;
BEGIN
    FOR r IN SELECT p.polname, p.polrelid::regclass AS rel FROM pg_policy p
        JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = {schema}::regnamespace
    LOOP EXECUTE format('DROP POLICY %I ON %s', r.polname, r.rel); END LOOP;
    FOR r IN SELECT c.oid::regclass AS rel, c.relkind, a.grantee FROM pg_class c,
        LATERAL (SELECT grantee FROM aclexplode(c.relacl) UNION SELECT x.grantee FROM pg_attribute t,
            LATERAL aclexplode(t.attacl) x WHERE t.attrelid = c.oid) a
        WHERE c.relnamespace = {schema}::regnamespace AND a.grantee <> c.relowner
        AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
    LOOP EXECUTE format('REVOKE ALL ON %s %s FROM %s',
        CASE r.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, r.rel,
        CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE r.grantee::regrole::text END); END LOOP;
    FOR r IN SELECT DISTINCT a.grantee FROM pg_namespace n, LATERAL aclexplode(n.nspacl) a
        WHERE n.oid = {schema}::regnamespace AND a.grantee <> n.nspowner
    LOOP EXECUTE format('REVOKE ALL ON SCHEMA %s FROM %s', {schema},
        CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE r.grantee::regrole::text END); END LOOP;
END $$
"""


@dataclass(frozen=True, slots=True)
class Policy:
    """One row-level policy of one table for some roles; one of a single command narrows what others allow."""

    name: str
    table: str
    roles: tuple[str, ...]
    see: str
    write: str
    command: str = ""

    @property
    def terms(self) -> str:
        """What stands behind the table's name in the statement that makes it."""
        using = f" USING ({self.see})" if self.see else ""
        check = f" WITH CHECK ({self.write})" if self.write else ""
        only = f"AS RESTRICTIVE FOR {self.command} " if self.command else ""
        return f"{only}TO {_list(self.roles)}{using}{check}"

    @property
    def source(self) -> str:
        """A digest of what is written here; it stands in the policy's comment."""
        text = "/".join((",".join(sorted(self.roles)), self.see, self.write, self.command))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Walls:
    """The walls of one schema, with the agency's own role in its place."""

    schema: str
    tables: Mapping[str, grants.Letters]
    rows: Mapping[str, Mapping[str, Rows]]
    sequences: Mapping[str, tuple[str, ...]]
    users: tuple[str, ...]
    # By table and role: the columns which that role may change, where it may not change the others.
    columns: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    @property
    def policies(self) -> Iterator[Policy]:
        for table, narrowed in self.rows.items():
            for role, rows in narrowed.items():
                yield Policy(role, table, (role,), self._filled(rows.see), self._filled(rows.written))
                if rows.begin:
                    yield Policy(f"{role}_begins", table, (role,), "", self._filled(rows.begin), "INSERT")
                if rows.change:
                    old = self._filled(rows.change)
                    yield Policy(f"{role}_changes", table, (role,), old, EVERY, "UPDATE")
                    yield Policy(f"{role}_deletes", table, (role,), old, "", "DELETE")
            letters = self.tables[table]
            free = tuple(role for role, what in letters.items() if what and role not in narrowed)
            if free:
                yield Policy("every_row", table, free, EVERY, EVERY)

    def _filled(self, condition: str) -> str:
        return grants.filled(condition).replace("{schema}", quoted(self.schema))


def walls_of(schema: str) -> Walls:
    """What must stand in this schema: the public one's walls, or an agency's."""
    if schema == PUBLIC:
        return Walls(
            PUBLIC,
            grants.PUBLIC_TABLES,
            grants.PUBLIC_ROWS,
            grants.PUBLIC_SEQUENCES,
            DESKS,
            grants.PUBLIC_COLUMNS,
        )
    own = agency_role(schema)

    def named(letters: grants.Letters) -> dict[str, str]:
        return {own if role == AGENCY else role: what for role, what in letters.items()}

    return Walls(
        schema,
        {table: named(letters) for table, letters in grants.AGENCY_TABLES.items()},
        grants.AGENCY_ROWS,
        {
            name: tuple(own if role == AGENCY else role for role in roles)
            for name, roles in grants.AGENCY_SEQUENCES.items()
        },
        (own, *VISITORS),
    )


def apply_walls(schemas: Iterable[str]) -> None:
    """Take everything in these schemas from everybody and give it as the table says. The owner's login only.

    One transaction per schema; the roles must be there.
    """
    for schema in schemas:
        script = ";\n".join(_script(walls_of(schema)))
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(script)


def _script(walls: Walls) -> Iterator[str]:
    schema = quoted(walls.schema)
    if walls.schema == PUBLIC:
        yield FINGERPRINT_SQL
        yield CATALOGUE_SQL
        yield from _functions()
    yield from _clean_slate(walls.schema)
    yield f"GRANT USAGE ON SCHEMA {schema} TO {_list(walls.users)}"
    for table, letters in walls.tables.items():
        for role, what in letters.items():
            if what:
                words = ", ".join(PRIVILEGES[letter] for letter in what)
                yield f"GRANT {words} ON {schema}.{quoted(table)} TO {quoted(role)}"
    for table, narrowed in walls.columns.items():
        for role, columns in narrowed.items():
            yield f"GRANT UPDATE ({_list(columns)}) ON {schema}.{quoted(table)} TO {quoted(role)}"
    for sequence, roles in walls.sequences.items():
        yield f"GRANT USAGE ON SEQUENCE {schema}.{quoted(sequence)} TO {_list(roles)}"
    for table in walls.rows:
        yield f"ALTER TABLE {schema}.{quoted(table)} ENABLE ROW LEVEL SECURITY"
    for policy in walls.policies:
        on = f"{quoted(policy.name)} ON {schema}.{quoted(policy.table)}"
        yield f"CREATE POLICY {on} {policy.terms}"
        yield f"COMMENT ON POLICY {on} IS '{policy.source}'"
    yield STAMP.format(schema=_literal(schema))


def _functions() -> Iterator[str]:
    for name, function in grants.FUNCTIONS.items():
        signature = f"public.{name}({function.arguments})"
        terms = (
            f"FUNCTION {signature} RETURNS {function.returns} LANGUAGE sql STABLE"
            f" SECURITY DEFINER SET search_path = pg_catalog AS {_literal(grants.filled(function.body))}"
        )
        # Replacing cannot change the result, and policies may hang on a function: only then drop it.
        yield (
            f"DO $make$ BEGIN CREATE OR REPLACE {terms};"
            f" EXCEPTION WHEN invalid_function_definition THEN DROP FUNCTION {signature}; CREATE {terms};"
            " END $make$"
        )
        yield f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC, {_list(DESKS)}"
        yield f"GRANT EXECUTE ON FUNCTION {signature} TO {_list(function.roles)}"


def _clean_slate(schema: str) -> Iterator[str]:
    """No privilege and no policy is left over from before."""
    yield CLEAN_SLATE.format(schema=_literal(quoted(schema)))


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(quoted, names))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
