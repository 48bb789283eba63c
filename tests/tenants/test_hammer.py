"""Many threads over few agencies, with errors, savepoints and rollbacks: nobody ever sees a foreign row."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import cast

import pytest
from django.db import DatabaseError, connection, connections, transaction

from review.models import Dispatch
from tenants.crossing import Desk, atomic, inside, standing
from tenants.models import Agency
from tenants.walls.base import DatabaseWrapper
from tests.ground import AGENCIES
from tests.tenants import rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.walls]

THREADS = 8
OPERATIONS = 250
ROWS = 5


class Expected(Exception):
    """An error of the program itself, in the middle of an act."""


def own(agency: Agency) -> bool:
    """All rows in sight are the agency's, and there are some."""
    return set(Dispatch.objects.values_list("sent_by_name", flat=True)) == {agency.code}


def reads(agency: Agency) -> bool:
    return own(agency)


def iterates(agency: Agency) -> bool:
    with atomic():
        return {row.sent_by_name for row in Dispatch.objects.iterator(chunk_size=2)} == {agency.code}


def fails_in_a_savepoint(agency: Agency) -> bool:
    with atomic():
        before = own(agency)
        try:
            with transaction.atomic():
                rows.dispatch(agency, 0).save(force_insert=True)
        except DatabaseError:
            return before and own(agency)
    return False


def rolls_back(agency: Agency) -> bool:
    try:
        with atomic():
            rows.dispatch(agency, ROWS).save(force_insert=True)
            raise Expected
    except Expected:
        return own(agency)


def commits_a_broken_transaction(agency: Agency) -> bool:
    with atomic(), connection.cursor() as cursor, suppress(DatabaseError):
        cursor.execute("SELECT 1 / 0")
    return own(agency)


def loses_the_connection(agency: Agency) -> bool:
    connection.close()
    return own(agency)


def keeps_a_cursor(agency: Agency) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT sent_by_name FROM review_dispatch")
        return bool(cursor.fetchall() == [(agency.code,)]) and own(agency)


ACTS: list[Callable[[Agency], bool]] = [
    reads,
    iterates,
    fails_in_a_savepoint,
    rolls_back,
    commits_a_broken_transaction,
    loses_the_connection,
    keeps_a_cursor,
]


@pytest.fixture
def agencies() -> list[Agency]:
    found = [Agency.objects.get(code=code) for code in AGENCIES]
    for agency in found:
        with standing(Desk.OWNER), inside(agency):
            Dispatch.objects.bulk_create(rows.dispatch(agency, number) for number in range(ROWS))
    return found


@pytest.fixture(params=["persistent", "pool"])
def connected(request: pytest.FixtureRequest) -> Iterator[None]:
    """Connections as the workers keep them, and as the web processes share them."""
    walls = cast(DatabaseWrapper, connection)
    options = connection.settings_dict["OPTIONS"]
    age = connection.settings_dict["CONN_MAX_AGE"]
    if request.param == "pool":
        connection.close()
        connection.settings_dict["CONN_MAX_AGE"] = 0
        options["pool"] = {"min_size": 2, "max_size": 5, "timeout": 30}
    yield
    if request.param == "pool":
        connection.close()
        walls.close_pool()
        del options["pool"]
        connection.settings_dict["CONN_MAX_AGE"] = age


def test_hammer(connected: None, agencies: list[Agency]) -> None:
    begin = threading.Barrier(THREADS)

    def hammer(seed: int) -> list[str]:
        chance = random.Random(seed)
        wrong: list[str] = []
        begin.wait()
        for _operation in range(OPERATIONS):
            agency, act = chance.choice(agencies), chance.choice(ACTS)
            desk = chance.choice([Desk.AGENCY, Desk.AGENCY, Desk.OWNER])
            try:
                with standing(desk, agency if desk is Desk.AGENCY else None), inside(agency):
                    if not act(agency):
                        wrong.append(f"{act.__name__} at {desk} in {agency}")
                    if chance.random() < 0.2:
                        raise Expected
            except Expected:
                pass
            if chance.random() < 0.3:
                connection.close()
        connections.close_all()
        return wrong

    with ThreadPoolExecutor(THREADS) as threads:
        wrong = [line for lines in threads.map(hammer, range(THREADS)) for line in lines]
    assert wrong == []
