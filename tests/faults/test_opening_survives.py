"""The owner's worker killed with an agency half opened, and with a merger half done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.stage import Stage

pytestmark = pytest.mark.fault

# What every opening waits for: `tenants.provisioning.OPENING_LOCK`.
OPENING_LOCK = 0x6F70656E
# A sweep rings again after a kill; on a busy machine with other journeys that takes its time.
PATIENCE = 180


@contextmanager
def owner(running: Stage) -> Iterator[psycopg.Connection]:
    """A session of the database's owner, beside the portal."""
    with psycopg.connect(running.env["DATABASE_OWNER_URL"], autocommit=True) as session:
        yield session


def value(session: psycopg.Connection, sql: str, *params: object) -> object:
    row = session.execute(sql, params).fetchone()
    return row[0] if row else None


def until(condition: Callable[[], object]) -> None:
    last = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < last
        time.sleep(0.1)


def somebody_waits(session: psycopg.Connection) -> bool:
    return bool(value(session, "SELECT count(*) FROM pg_locks WHERE NOT granted"))


@contextmanager
def killed_while(running: Stage, session: psycopg.Connection, stop: str, go_on: str) -> Iterator[None]:
    """Stop the opener by a lock where it shall die, let the block ask for work, and kill it there."""
    opener = running.portal["opener"]
    session.execute(stop)
    try:
        opener.start()
        yield
        until(lambda: somebody_waits(session))
        opener.kill()
    finally:
        session.execute(go_on)


def test_killed_half_way_through_the_schema_it_leaves_nothing_and_begins_again(running: Stage) -> None:
    with owner(running) as session:
        lock = f"SELECT pg_advisory_lock({OPENING_LOCK})"
        with killed_while(running, session, lock, lock.replace("lock(", "unlock(")):
            job = running.backstage.ask("asked_to_open", agency="halbwegs", login="zhang.halbwegs")
        there = "SELECT count(*) FROM pg_namespace WHERE nspname = 'halbwegs'"
        until(lambda: not somebody_waits(session))
        assert value(session, there) == 0
        assert value(session, "SELECT count(*) FROM tenants_agency WHERE code = 'halbwegs'") == 0
        running.portal["opener"].start()
        until(lambda: value(session, "SELECT finished_at FROM tenants_agencyjob WHERE id = %s", job))
        assert value(session, "SELECT fault FROM tenants_agencyjob WHERE id = %s", job) == ""
        assert value(session, there) == 1
    running.portal["opener"].stop()


def test_killed_before_the_invitation_it_invites_once(running: Stage) -> None:
    with owner(running) as session:
        with psycopg.connect(running.env["DATABASE_OWNER_URL"]) as holder:
            opener = running.portal["opener"]
            holder.execute("LOCK TABLE tenants_user IN SHARE MODE")
            opener.start()
            job = running.backstage.ask("asked_to_open", agency="dreiviertel", login="li.dreiviertel")
            until(lambda: value(session, "SELECT done FROM tenants_agencyjob WHERE id = %s", job) == 4)
            until(lambda: somebody_waits(session))
            opener.kill()
            holder.rollback()
        opener.start()
        until(lambda: value(session, "SELECT finished_at FROM tenants_agencyjob WHERE id = %s", job))
        invited = "SELECT count(*) FROM tenants_user WHERE username = 'li.dreiviertel'"
        assert value(session, invited) == 1
        assert value(session, "SELECT intake_open FROM tenants_agency WHERE code = 'dreiviertel'") is False
    running.portal["opener"].stop()


def test_killed_between_two_cases_the_merger_goes_on(running: Stage) -> None:
    stage = running
    stage.opened("henan")
    references = [stage.lodged(stage.someone(account=True), agency="henan").application for _case in range(4)]
    where = (
        "SELECT a.code FROM register_docketentry d JOIN tenants_agency a ON a.id = d.agency_id"
        " WHERE case_id = %s"
    )
    with owner(stage) as session:
        with psycopg.connect(stage.env["DATABASE_OWNER_URL"]) as holder:
            opener = stage.portal["opener"]
            holder.execute("SELECT 1 FROM henan.review_case WHERE id = %s FOR UPDATE", [references[2]])
            opener.start()
            job = stage.backstage.ask("asked_to_merge", agency="henan", target="mohurd")
            until(lambda: somebody_waits(session))
            opener.kill()
            holder.rollback()
        held = sorted(str(value(session, where, each)) for each in references)
        assert set(held) <= {"henan", "mohurd"}
        assert "henan" in held
        opener.start()
        until(lambda: value(session, "SELECT finished_at FROM tenants_agencyjob WHERE id = %s", job))
        assert {value(session, where, each) for each in references} == {"mohurd"}
        for schema, count in (("henan", 0), ("mohurd", 4)):
            live = f"SELECT count(*) FROM {schema}.review_case WHERE id = ANY(%s) AND state <> 'handed_over'"
            assert value(session, live, references) == count
    stage.portal["opener"].stop()
