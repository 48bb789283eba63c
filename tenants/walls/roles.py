"""The database roles: one per desk, one per agency. None owns anything, none can log in.

Roles belong to the whole cluster: several databases share them, so they are made once, never dropped,
and two processes may make them at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from tenants.walls.place import SCHEMA_PATTERN, agency_role

DOOR: Final = "desk_door"
APPLICANT: Final = "desk_applicant"
AGENCY: Final = "desk_agency"
AUTHORITY: Final = "desk_authority"
CLERK: Final = "desk_clerk"
COURIER: Final = "courier"
DESKS: Final = (DOOR, APPLICANT, AGENCY, AUTHORITY, CLERK, COURIER)
# All public grants of an agency's role come from this one; nobody stands as it.
NEVER_TAKEN: Final = frozenset({AGENCY})
TRIES: Final = 5

MEMBERSHIPS: Final = """
    SELECT r.rolname, m.rolname, a.inherit_option, a.set_option
    FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
    WHERE r.rolname = ANY(%s)
"""
FACULTIES: Final = """
    SELECT rolname, rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb
    FROM pg_roles WHERE rolname = ANY(%s)
"""


def ensure_roles(schemas: Iterable[str] = ()) -> None:
    """Create what is missing of the desks' roles and of these agencies'. The owner's login only.

    The application's login and the owner may take each of them (SET), and inherit nothing. Raises ValueError
    for what is not a plain name: it becomes part of a statement.
    """
    schemas = list(schemas)
    if unfit := [schema for schema in schemas if not SCHEMA_PATTERN.fullmatch(schema)]:
        raise ValueError(f"Not the name of a schema: {unfit[0]!r}")
    names = [*DESKS, *(agency_role(schema) for schema in schemas)]
    for attempt in range(TRIES):
        try:
            with transaction.atomic():
                statements = _missing(names)
                if statements:
                    _execute("; ".join(statements))
            return
        except DatabaseError:
            # Another process made the same role a moment ago; what is missing now is asked anew.
            if attempt == TRIES - 1:
                raise


def role_faults(schemas: Iterable[str]) -> list[str]:
    """Where roles and memberships differ from what they must be, in words."""
    names = [*DESKS, *(agency_role(schema) for schema in schemas)]
    faculties = {str(name): bool(more) for name, more in _rows(FACULTIES, names)}
    faults = [f"role {name}: missing" for name in names if name not in faculties]
    faults += [f"role {name}: may do more than a role of a desk" for name in names if faculties.get(name)]
    held = _held(names)
    wanted = {wish for name in names for wish in _wished(name) if name in faculties}
    faults += [f"role {role}: {member} is not its member as it must be" for role, member, *_ in wanted - held]
    takers = {settings.APP_LOGIN, _owner(), *names}
    strange = {(role, member) for role, member, inherits, takes in held - wanted if inherits or takes}
    faults += [f"role {role}: {member} is its member" for role, member in strange if member in takers]
    return sorted(faults)


Membership = tuple[str, str, bool, bool]


def _wished(name: str) -> list[Membership]:
    """Role, member, inherits, may take it."""
    if name in NEVER_TAKEN:
        return []
    wishes = [(name, login, False, True) for login in (settings.APP_LOGIN, _owner())]
    if name not in DESKS:
        wishes.append((AGENCY, name, True, False))
    return wishes


def _missing(names: list[str]) -> list[str]:
    known = {name for name, _faculty in _rows(FACULTIES, names)}
    held = _held(names)
    return [f'CREATE ROLE "{name}" NOLOGIN' for name in names if name not in known] + [
        f'GRANT "{role}" TO "{member}" WITH INHERIT {str(inherits).upper()}, SET {str(takes).upper()}'
        for name in names
        for role, member, inherits, takes in _wished(name)
        if (role, member, inherits, takes) not in held
    ]


def _held(names: list[str]) -> set[Membership]:
    return {(str(role), str(member), bool(i), bool(s)) for role, member, i, s in _rows(MEMBERSHIPS, names)}


def _owner() -> str:
    return str(_rows("SELECT session_user")[0][0])


def _rows(sql: str, names: list[str] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [names] if names is not None else None)
        return list(cursor.fetchall())


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
