from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from notifications import board, channels, delivery, outbox, tasks
from notifications import wording as wordings
from notifications.models import Delivery, Notice, Outbox
from notifications.wording import Wording
from tenants.models import User
from tests.notifications.conftest import Post

pytestmark = pytest.mark.django_db


def waiting() -> int:
    return Outbox.objects.filter(sent_at__isnull=True).count()


def test_what_was_posted_stands_on_the_board_once(zhang: User, post: Post) -> None:
    post(zhang, "expiry", "r:30", valid_to="2026-12-23", days=30)
    assert [tasks.deliver(), tasks.deliver(), tasks.sweep()] == [1, 0, 0]
    notice = Notice.objects.get()
    assert notice.user == zhang
    assert notice.category == Notice.Category.REMINDER
    assert notice.title_zh == "注册即将到期"
    assert notice.body_zh == "您的注册将于2026年12月23日到期，还剩30天。尚未申请延续注册，请尽快办理。"
    assert notice.body_en.startswith("Your registration expires on 23 December 2026.")
    assert notice.created_at == notice.outbox.created_at
    assert waiting() == 0


def test_delivering_a_row_again_doubles_nothing(zhang: User, post: Post) -> None:
    post(zhang)
    tasks.deliver()
    Outbox.objects.update(sent_at=None)
    tasks.deliver()
    assert (Notice.objects.count(), waiting()) == (1, 0)


def test_the_sweep_finds_what_no_bell_announced_and_goes_on_until_all_is_told(zhang: User) -> None:
    with transaction.atomic():
        outbox.post_many(
            outbox.Message(user_id=zhang.pk, kind="thirty_days", cause=str(n)) for n in range(450)
        )
    assert tasks.sweep() == 450
    assert Notice.objects.count() == 450


def test_a_row_nobody_can_word_waits_and_holds_up_no_other(zhang: User, post: Post) -> None:
    post(zhang, cause="1")
    Outbox.objects.create(user=zhang, kind="expiry", cause="broken", data={})
    Outbox.objects.create(user=zhang, kind="no_such_kind", cause="stranger")
    post(zhang, cause="2")
    tasks.deliver()
    assert Notice.objects.count() == 2
    stuck = Outbox.objects.filter(sent_at__isnull=True)
    assert {row.cause: row.attempts for row in stuck} == {"broken": 1, "stranger": 1}
    assert all(row.last_error and row.due_at > timezone.now() for row in stuck)
    assert tasks.deliver() == 0


def test_a_row_the_database_refuses_waits_and_holds_up_no_other(
    zhang: User, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wording(kind: str, data: Any) -> Wording:
        text = wordings.wording(kind, data)
        return replace(text, title_zh="长" * 200) if kind == "expired" else text

    monkeypatch.setattr(delivery, "wording", wording)
    post(zhang, "announced", "1", batch="2026-12")
    post(zhang, "expired", "2", valid_to="2026-12-23")
    post(zhang, "announced", "3", batch="2027-01")
    tasks.deliver()
    assert [notice.kind for notice in Notice.objects.all()] == ["announced", "announced"]
    assert Outbox.objects.get(sent_at__isnull=True).cause == "2"


def test_a_row_whose_channels_fail_waits_and_holds_up_no_other(
    zhang: User, sun: User, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(user: User, kind: str, muted: object) -> list[Delivery.Channel]:
        if user == zhang:
            raise LookupError(kind)
        return [Delivery.Channel.EMAIL]

    monkeypatch.setattr(channels, "channels_for", choose)
    post(zhang)
    post(sun)
    tasks.deliver()
    assert [notice.user for notice in Notice.objects.all()] == [sun]
    assert [letter.outbox.user for letter in Delivery.objects.all()] == [sun]
    assert Outbox.objects.get(sent_at__isnull=True).user == zhang


def test_the_pause_after_a_failure_grows_and_the_twelfth_is_the_last(zhang: User) -> None:
    row = Outbox.objects.create(user=zhang, kind="no_such_kind", cause="1")
    pauses = []
    for _attempt in range(12):
        Outbox.objects.update(due_at=timezone.now())
        tasks.deliver()
        row.refresh_from_db()
        pauses.append(round((row.due_at - timezone.now()).total_seconds()))
        assert (row.dead_at is not None) == (row.attempts == delivery.ATTEMPTS)
    assert pauses[:3] == [10, 20, 40]
    assert pauses[-1] == 3600
    Outbox.objects.update(due_at=timezone.now())
    assert tasks.sweep() == 0


def test_what_is_not_due_yet_waits(zhang: User, post: Post) -> None:
    post(zhang)
    Outbox.objects.update(due_at=timezone.now() + dt.timedelta(hours=1))
    assert tasks.sweep() == 0


@pytest.mark.django_db(transaction=True)
def test_four_deliverers_side_by_side_deliver_each_row_once() -> None:
    users = [User.objects.create_applicant(name="某测试") for _ in range(5)]
    with transaction.atomic():
        outbox.post_many(
            outbox.Message(user_id=user.pk, kind="thirty_days", cause=str(n))
            for user in users
            for n in range(120)
        )

    def work(_worker: int) -> int:
        try:
            return tasks.deliver()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        claimed = list(pool.map(work, range(4)))
    assert sum(claimed) == 600
    assert Notice.objects.count() == 600
    assert waiting() == 0


def test_a_delivery_gives_the_board_a_new_version(
    zhang: User, sun: User, post: Post, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    before = {user: board.version_of(user.pk) for user in (zhang, sun)}
    post(zhang)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.deliver()
    assert board.version_of(zhang.pk) != before[zhang]
    assert board.version_of(sun.pk) == before[sun]
