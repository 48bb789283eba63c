"""The bells that tell workers of a row: gone after a minute, and missed by nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app

from register import roster_jobs
from review import agency_jobs, batches, prepared
from tenants import bells
from tenants.models import PreparedFile

KEY = uuid4()


@pytest.mark.parametrize(
    ("ring", "args"),
    [
        (lambda: agency_jobs.ring(KEY), (str(KEY),)),
        (agency_jobs.ring_for_a_check, ()),
        (lambda: prepared.ring(PreparedFile.Kind.EXPORT, KEY, "beijing"), (str(KEY), "beijing")),
        (lambda: bells.ring(batches.ANNOUNCE, str(KEY)), (str(KEY),)),
        (lambda: bells.ring(batches.ISSUE, str(KEY)), (str(KEY),)),
        (lambda: roster_jobs.ring(KEY), (str(KEY),)),
    ],
)
def test_no_bell_is_kept_where_nobody_listens(
    ring: Callable[[], None], args: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(current_app, "send_task", lambda task, **how: sent.append((task, how)))
    current_app.loader.import_default_modules()
    ring()
    [(task, how)] = sent
    assert task in current_app.tasks
    assert how == {"args": args, "expires": 60.0}


def test_a_broker_that_is_down_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def down(*_args: object, **_how: object) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(current_app, "send_task", down)
    bells.ring("review.tasks.prepare", str(KEY))
    assert "review.tasks.prepare" in caplog.text
