"""What stands in a schema, as lines that are equal for equal schemas: the proof that agencies are alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.db import connection

# Names are written out in full (empty search path), then the schema's own name and its own role are
# replaced by a star, so that the lines of two agencies can be compared.
CATALOGUE_SQL: Final = r"""
CREATE OR REPLACE FUNCTION public.catalogue_of(schema text) RETURNS SETOF text LANGUAGE sql STABLE
SET search_path = '' SET jit = off AS $$
WITH here AS (SELECT oid, nspacl, nspowner FROM pg_catalog.pg_namespace WHERE nspname = schema),
things AS (SELECT c.* FROM pg_catalog.pg_class c JOIN here ON here.oid = c.relnamespace),
lines AS (
    SELECT pg_catalog.concat_ws(' ', 'table', relname, relkind, relpersistence, relrowsecurity,
        relforcerowsecurity) AS line FROM things WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'column', c.relname, a.attnum, a.attname,
        pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
        a.attcollation, pg_catalog.pg_get_expr(d.adbin, d.adrelid))
    FROM things c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'constraint', o.conname, c.relname,
        pg_catalog.pg_get_constraintdef(o.oid))
    FROM things c JOIN pg_catalog.pg_constraint o ON o.conrelid = c.oid
    UNION ALL
    SELECT 'index ' || pg_catalog.pg_get_indexdef(c.oid) FROM things c WHERE c.relkind = 'i'
    UNION ALL
    SELECT 'trigger ' || pg_catalog.pg_get_triggerdef(t.oid)
    FROM things c JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT 'function ' || pg_catalog.pg_get_functiondef(p.oid)
    FROM pg_catalog.pg_proc p JOIN here ON here.oid = p.pronamespace WHERE p.prokind = 'f'
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'policy', p.polname, c.relname, p.polcmd, p.polpermissive,
        ARRAY(SELECT r.rolname FROM pg_catalog.pg_roles r WHERE r.oid = ANY (p.polroles) ORDER BY r.rolname),
        pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
    FROM things c JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'privilege', x.name, a.grantee::pg_catalog.regrole, a.privilege_type)
    FROM (SELECT relname AS name, relacl AS acl, relowner AS owner FROM things
        UNION ALL SELECT 'schema', nspacl, nspowner FROM here) x,
        LATERAL pg_catalog.aclexplode(x.acl) a WHERE a.grantee <> x.owner
)
SELECT pg_catalog.replace(pg_catalog.regexp_replace(line,
    '(^|[^a-z0-9_])' || pg_catalog.quote_ident(schema) || '\.', '\1*.', 'g'), 'agency_' || schema, 'agency_*')
FROM lines
$$;
REVOKE ALL ON FUNCTION public.catalogue_of(text) FROM PUBLIC
"""
SIGNATURES: Final = """
    SELECT s, coalesce(md5(string_agg(line, E'\\n' ORDER BY line COLLATE "C")), '')
    FROM unnest(%s::text[]) s LEFT JOIN LATERAL public.catalogue_of(s) line ON true GROUP BY s
"""
SEEDED: Final = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""
SEEDS: Final = """
    SELECT '{table}', md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {full} t
"""


def signatures(schemas: Iterable[str]) -> dict[str, str]:
    """One digest per schema over everything that stands in it but rows."""
    return dict(_rows(SIGNATURES, list(schemas)))


def unlike(schema: str, model: str) -> list[str]:
    """In which lines a schema differs from a model."""
    here, there = (set(_rows("SELECT public.catalogue_of(%s)", name)) for name in (schema, model))
    return sorted(
        [f"{schema}: {line} is missing" for (line,) in there - here]
        + [f"{schema}: {line} should not be" for (line,) in here - there]
    )


def odd_ones(schemas: Sequence[str]) -> dict[str, list[str]]:
    """The schemas that are not like most of the others, and in what."""
    digests = signatures(schemas)
    if len(set(digests.values())) < 2:
        return {}
    common = max(digests.values(), key=list(digests.values()).count)
    model = next(schema for schema, digest in digests.items() if digest == common)
    return {schema: unlike(schema, model) for schema, digest in digests.items() if digest != common}


def seeds(schema: str) -> dict[str, str]:
    """A digest of the rows of each table of a schema."""
    tables = [str(name) for (name,) in _rows(SEEDED, schema)]
    quote = connection.ops.quote_name
    digests = [SEEDS.format(table=table, full=f"{quote(schema)}.{quote(table)}") for table in tables]
    return dict(_rows(" UNION ALL ".join(digests))) if digests else {}


def _rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return list(cursor.fetchall())
