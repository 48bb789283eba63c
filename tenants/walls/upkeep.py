"""Walls of the whole house: all agencies and the public schema."""

from __future__ import annotations

from tenants import crossing
from tenants.crossing import Desk
from tenants.models import PUBLIC_SCHEMA, Agency
from tenants.walls.apply import apply_walls
from tenants.walls.catalogue import odd_ones
from tenants.walls.check import check_walls
from tenants.walls.roles import ensure_roles


def mend_walls(*, everything: bool = False) -> list[str]:
    """Create missing roles and write the walls of every schema that differs; answers which ones.

    The owner's login only. Run after migrations: a new table is closed to everybody until then.
    """
    with crossing.standing(Desk.OWNER):
        agencies = _agency_schemas()
        ensure_roles(agencies)
        schemas = [PUBLIC_SCHEMA, *agencies]
        if not everything:
            differing = check_walls(schemas)
            schemas = [schema for schema in schemas if schema in differing]
        apply_walls(schemas)
        return schemas


def wall_faults() -> list[str]:
    """Every difference between the walls and their table, and between one agency's schema and the others."""
    with crossing.standing(Desk.OWNER):
        agencies = _agency_schemas()
        found = check_walls([PUBLIC_SCHEMA, *agencies])
        faults = [fault for faults in found.values() for fault in faults]
        told = set(faults)
        for schema, lines in odd_ones(agencies).items():
            faults += [line for line in lines if schema not in found and line not in told]
        return faults


def _agency_schemas() -> list[str]:
    others = Agency.objects.exclude(schema_name=PUBLIC_SCHEMA)
    return list(others.order_by("number").values_list("schema_name", flat=True))
