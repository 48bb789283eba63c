from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks as Callbacks

from notifications import outbox, tasks
from notifications.models import Outbox
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency, User
from tests.notifications.conftest import Post

DUE: dict[str, outbox.Value] = {"agency": outbox.both("甲", "A"), "number": "SL1", "due": "2026-12-01"}


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each time the bell rings."""
    heard: list[str] = []
    monkeypatch.setattr(tasks.deliver, "delay", lambda: heard.append("ding"))
    return heard


def test_the_same_cause_is_told_once(zhang: User, sun: User, post: Post) -> None:
    for user in (zhang, zhang, sun):
        post(user, "thirty_days", "expiry:1")
    post(zhang, "thirty_days", "expiry:2")
    assert sorted(Outbox.objects.values_list("user", "cause")) == sorted(
        [(zhang.pk, "expiry:1"), (sun.pk, "expiry:1"), (zhang.pk, "expiry:2")]
    )


def test_values_are_kept_as_plain_json(zhang: User) -> None:
    case, at = uuid4(), timezone.now()
    with transaction.atomic():
        outbox.post(user_id=zhang.pk, kind="accepted", cause="m1", data=DUE, case_id=case, at=at)
    row = Outbox.objects.get()
    assert (row.data, row.case_id, row.created_at) == (DUE, case, at)


def test_a_missing_value_and_an_unknown_kind_are_faults_of_the_program(zhang: User) -> None:
    with transaction.atomic(), pytest.raises(ValueError, match="lacks number, due"):
        outbox.post(user_id=zhang.pk, kind="accepted", cause="m1", data={"agency": "甲"})
    with transaction.atomic(), pytest.raises(ValueError, match="no notice 'welcome'"):
        outbox.post(user_id=zhang.pk, kind="welcome", cause="m1")


def test_an_act_that_fails_tells_nobody(
    zhang: User, rung: list[str], django_capture_on_commit_callbacks: Callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(LookupError), transaction.atomic():
        outbox.post(user_id=zhang.pk, kind="thirty_days", cause="1")
        raise LookupError
    assert (Outbox.objects.count(), rung) == (0, [])


def test_one_bell_per_transaction_however_many_rows(
    zhang: User,
    sun: User,
    rung: list[str],
    django_capture_on_commit_callbacks: Callbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        for user in (zhang, sun):
            outbox.post(user_id=user.pk, kind="thirty_days", cause="1")
        with transaction.atomic():
            outbox.post(user_id=sun.pk, kind="thirty_days", cause="2")
    assert (Outbox.objects.count(), rung) == (3, ["ding"])


def test_a_savepoint_rolled_back_takes_its_bell_along(
    zhang: User,
    sun: User,
    rung: list[str],
    django_capture_on_commit_callbacks: Callbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        with pytest.raises(LookupError), transaction.atomic():
            outbox.post(user_id=zhang.pk, kind="thirty_days", cause="1")
            raise LookupError
        outbox.post(user_id=sun.pk, kind="thirty_days", cause="1")
    assert (Outbox.objects.count(), rung) == (1, ["ding"])


@pytest.mark.django_db(transaction=True)
def test_a_notice_is_posted_in_the_transaction_of_its_act() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        outbox.post(user_id=1, kind="thirty_days", cause="1")


@pytest.mark.walls
@pytest.mark.parametrize("desk", [Desk.APPLICANT, Desk.AGENCY, Desk.AUTHORITY, Desk.CLERK])
def test_every_desk_may_post_to_anybody(zhang: User, desk: Desk) -> None:
    agency = Agency.objects.get(code="beijing") if desk is Desk.AGENCY else None
    with crossing.standing(desk, agency), transaction.atomic():
        for _twice in range(2):
            outbox.post(user_id=zhang.pk, kind="thirty_days", cause="1")
    assert Outbox.objects.count() == 1


@pytest.fixture
def dead_broker() -> Iterator[None]:
    """A broker that nobody answers for."""
    living = current_app.conf.broker_url
    _use_broker(current_app, "redis://127.0.0.1:9/0")
    yield
    _use_broker(current_app, living)


def _use_broker(app: Any, url: str) -> None:
    app.conf.broker_url = url
    app._after_fork()  # forget the open connections


@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
def test_with_the_broker_down_the_act_stands_and_is_quick(zhang: User, post: Post, dead_broker: Any) -> None:
    outbox.ring()  # imports and declarations
    took = []
    for number in range(5):
        began = time.perf_counter()
        post(zhang, "thirty_days", str(number))
        took.append(time.perf_counter() - began)
    assert Outbox.objects.count() == 5
    assert max(took) < 0.1
