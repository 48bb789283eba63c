"""The only file that changes schema or role. Everybody enters by context manager and leaves.

Cross first, then open the transaction: a transaction belongs to one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tenants.walls.place import PUBLIC, Desk, Place

if TYPE_CHECKING:
    from tenants.models import Agency
    from tenants.walls.base import DatabaseWrapper

__all__ = ["Desk", "Place", "WrongPlace", "across", "acting_as", "atomic", "here", "inside", "standing"]


class WrongPlace(RuntimeError):
    """A crossing that must not happen: a fault in the program, never of the person at the screen."""


def here() -> Place:
    """Where this thread's connection stands."""
    return _walls().place


@contextmanager
def standing(desk: Desk, agency: Agency | None = None) -> Iterator[Place]:
    """Stand at a desk for the length of a request, a task or a command, on nobody's behalf yet.

    The agency's desk stands inside its own schema; the authority's row leads to the public one.
    Raises WrongPlace in an open transaction, and for the owner's desk without the owner's login.
    """
    if desk is Desk.OWNER and not settings.AS_OWNER:
        raise WrongPlace("Only a process with the owner's login stands as the owner.")
    if desk is Desk.AGENCY and (agency is None or agency.schema_name == PUBLIC):
        raise WrongPlace("The agency's desk needs its agency.")
    with _moved(Place(desk, agency.schema_name if agency else PUBLIC)) as place:
        yield place


@contextmanager
def inside(agency: Agency | str) -> Iterator[Place]:
    """Enter an agency's schema (given by row or code) under the current desk.

    Whoever is there already stays. Raises WrongPlace in an open transaction, for another agency than
    the one entered, and for the agency's desk in a schema that is not its own. Evaluate querysets
    before leaving: outside, the agency's tables are not there.
    """
    schema = agency if isinstance(agency, str) else agency.schema_name
    place = here()
    if schema == place.schema and schema != PUBLIC:
        yield place
        return
    if schema == PUBLIC or place.desk is Desk.DOOR:
        raise WrongPlace(f"The {place.desk} cannot enter {schema}.")
    if place.schema != PUBLIC:
        raise WrongPlace(f"Inside {place.schema}: leave it before entering {schema}.")
    with _moved(replace(place, schema=schema)) as entered:
        yield entered


@contextmanager
def across(a: Agency, b: Agency) -> Iterator[Callable[[Agency], AbstractContextManager[Place]]]:
    """Stand as the courier between two agencies; yields `at(agency)`, which turns to one of the two.

    `at` may be used inside one transaction: the hand-over is the one act over two schemas.
    Raises WrongPlace in an open transaction and for a third agency.
    """
    schemas = {a.schema_name, b.schema_name}
    if PUBLIC in schemas or len(schemas) != 2:
        raise WrongPlace("The courier walks between two agencies.")

    @contextmanager
    def at(agency: Agency) -> Iterator[Place]:
        if agency.schema_name not in schemas:
            raise WrongPlace(f"The courier was not sent to {agency.schema_name}.")
        with _turned(Place(Desk.COURIER, agency.schema_name)) as place:
            yield place

    with _moved(Place(Desk.COURIER)):
        yield at


def acting_as(person_id: UUID | None) -> AbstractContextManager[Place]:
    """From now on the rows of this person are open to the applicant's desk.

    Takes effect at once and ends with the desk's own context, or with a `with` block around it.
    """
    walls = _walls()
    before = walls.place.person
    walls.stand(replace(walls.place, person=person_id))

    @contextmanager
    def until_left() -> Iterator[Place]:
        try:
            yield walls.place
        finally:
            walls.stand(replace(walls.place, person=before))

    return until_left()


def atomic() -> transaction.Atomic:
    """The transaction of an act, opened after crossing. Raises RuntimeError inside another one."""
    return transaction.atomic(durable=True)


@contextmanager
def _moved(place: Place) -> Iterator[Place]:
    if place != here() and _in_open_transaction():
        raise WrongPlace("Cross first, then open the transaction.")
    with _turned(place) as taken:
        yield taken


@contextmanager
def _turned(place: Place) -> Iterator[Place]:
    walls = _walls()
    before, with_public = walls.place, walls.include_public_schema
    walls.stand(place)
    try:
        yield place
    finally:
        walls.stand(before, include_public=with_public)


def _in_open_transaction() -> bool:
    """A transaction of the program is open; the outermost ones of a test case do not count."""
    walls: BaseDatabaseWrapper = _walls()
    return any(not getattr(block, "_from_testcase", False) for block in walls.atomic_blocks)


def _walls() -> DatabaseWrapper:
    return cast("DatabaseWrapper", connection)
