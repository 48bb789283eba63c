"""Where a connection stands: whose desk, in which schema, on behalf of which person."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

PUBLIC: Final = "public"
SCHEMA_PATTERN: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Desk(StrEnum):
    """Whose hands the database sees. Each desk has a role of its own; the owner has none."""

    DOOR = "door"
    APPLICANT = "applicant"
    AGENCY = "agency"
    AUTHORITY = "authority"
    CLERK = "clerk"
    COURIER = "courier"
    OWNER = "owner"


ROLE_OF_DESK: Final = {
    Desk.DOOR: "desk_door",
    Desk.APPLICANT: "desk_applicant",
    Desk.AUTHORITY: "desk_authority",
    Desk.CLERK: "desk_clerk",
    Desk.COURIER: "courier",
    Desk.OWNER: "none",
}


def agency_role(schema: str) -> str:
    """The role of the one agency whose schema this is."""
    return f"agency_{schema}"


@dataclass(frozen=True, slots=True)
class Place:
    """Role, search path, `app.agency` and `app.person` of a connection, set in one round trip."""

    desk: Desk
    schema: str = PUBLIC
    person: UUID | None = None

    def __post_init__(self) -> None:
        # The names become part of a statement: nothing but plain names and keys gets here.
        if not SCHEMA_PATTERN.fullmatch(self.schema):
            raise ValueError(f"Not the name of a schema: {self.schema!r}")
        if self.person is not None and not isinstance(self.person, UUID):
            raise ValueError("A person is named by key.")
        if self.desk is Desk.AGENCY and self.schema == PUBLIC:
            raise ValueError("The agency's desk stands in an agency.")

    @property
    def role(self) -> str:
        return agency_role(self.schema) if self.desk is Desk.AGENCY else ROLE_OF_DESK[self.desk]

    @property
    def agency(self) -> str:
        """Value of `app.agency`: set at the agency's own desk only, where the policies ask for it."""
        return self.schema if self.desk is Desk.AGENCY else ""
