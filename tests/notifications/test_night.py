"""What waits for the morning, and what does not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from notifications import delivery, night, tasks
from notifications.catalogue import KINDS
from notifications.models import Delivery, Resend
from tenants.models import User
from tests.notifications.conftest import Post

EMAIL, SMS = Delivery.Channel.EMAIL, Delivery.Channel.SMS
# Reminders that may go by SMS; every other kind goes at once.
BY_DAY = {"expiry", "expired", "correction_soon"}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}:00").replace(tzinfo=night.SHANGHAI)


@pytest.fixture
def dark(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """It is night now, whatever the hour of the test; the morning is an hour away."""
    now = timezone.now().astimezone(night.SHANGHAI)
    morning = (now + timedelta(hours=1)).replace(microsecond=0)
    monkeypatch.setattr(night, "first_chance", lambda kind, channel, at: _by_law(kind, channel, at, morning))
    return morning


def _by_law(kind: str, channel: str, at: datetime, morning: datetime) -> datetime:
    waits = channel == SMS and KINDS[kind].waits_for_day and at < morning
    return morning if waits else at


@pytest.fixture
def texts(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sent: list[str] = []
    settings.SMS_ADAPTER = "notifications.sms.FileSms"
    monkeypatch.setattr(
        "notifications.sms.FileSms.send", lambda self, *, number, text, key: sent.append(number)
    )
    return sent


@pytest.fixture
def reader(zhang: User) -> User:
    User.objects.filter(pk=zhang.pk).update(
        phone="13800000000", phone_verified=True, email="zhang@example.com", email_verified=True
    )
    return zhang


@pytest.mark.parametrize(
    ("kind", "channel", "at", "goes"),
    [
        ("expired", SMS, "23T20:59", "23T20:59"),
        ("expired", SMS, "23T21:00", "24T08:00"),
        ("expired", SMS, "23T23:59", "24T08:00"),
        ("expired", SMS, "24T00:00", "24T08:00"),
        ("expired", SMS, "24T00:10", "24T08:00"),
        ("expired", SMS, "24T07:59", "24T08:00"),
        ("expired", SMS, "24T08:00", "24T08:00"),
        ("expired", SMS, "30T22:00", "30T22:00+10h"),
        ("expired", EMAIL, "24T03:00", "24T03:00"),
        # Told of a decision's term, but a reminder all the same.
        ("correction_soon", SMS, "24T00:10", "24T08:00"),
        # Decisions, and the security of the account.
        ("correction", SMS, "24T03:00", "24T03:00"),
        ("refused", SMS, "24T03:00", "24T03:00"),
        ("lapsed", SMS, "24T00:10", "24T00:10"),
        ("new_device", SMS, "24T03:00", "24T03:00"),
        ("password_changed", SMS, "24T03:00", "24T03:00"),
        ("phone_code", SMS, "24T03:00", "24T03:00"),
    ],
)
def test_when_what_would_go_now_may_go(kind: str, channel: str, at: str, goes: str, real_night: None) -> None:
    day, _sign, more = goes.partition("+")
    expected = moment(day) + timedelta(hours=int(more.rstrip("h") or 0))
    assert night.first_chance(kind, channel, moment(at)) == expected


def test_whatever_zone_the_moment_is_told_in(real_night: None) -> None:
    told = datetime.fromisoformat("2026-11-23T13:00:00+00:00")
    assert night.first_chance("expired", SMS, told) == moment("24T08:00")


def test_only_reminders_wait() -> None:
    assert {kind.code for kind in KINDS.values() if kind.urgent and kind.waits_for_day} == BY_DAY


@pytest.mark.django_db
def test_at_night_the_board_and_the_letter_go_and_the_telephone_does_not_ring(
    reader: User, post: Post, dark: datetime, texts: list[str]
) -> None:
    post(reader, "expired", valid_to="2026-11-22")
    post(reader, "new_device", at="2026-11-24T03:00:00+08:00")
    delivery.deliver_all()
    assert reader.notices.count() == 2
    assert (tasks.send_out(EMAIL), tasks.send_out(SMS)) == (2, 1)
    row = Delivery.objects.get(channel=SMS, outbox__kind="expired")
    assert (row.due_at, row.created_at, row.attempts, row.sent_at) == (dark, dark, 0, None)


@pytest.mark.django_db
def test_what_became_due_at_night_some_other_way_waits_as_well(
    reader: User, post: Post, dark: datetime, texts: list[str]
) -> None:
    """A pause after a failure, a queue that stood still, or the staff's wish to try once more."""
    post(reader, "expired", valid_to="2026-11-22")
    delivery.deliver_all()
    row = Delivery.objects.get(channel=SMS)
    Delivery.objects.filter(pk=row.pk).update(dead_at=timezone.now(), attempts=10)
    clerk = User.objects.create_applicant(name="陈测")
    Resend.objects.create(outbox=row.outbox, channel=SMS, asked_by=clerk)
    delivery.carry_out_wishes()
    tasks.send_out(SMS)
    row.refresh_from_db()
    assert (texts, row.due_at, row.attempts, row.dead_at) == ([], dark, 0, None)


@pytest.mark.django_db
def test_in_the_morning_it_goes(reader: User, post: Post, texts: list[str]) -> None:
    post(reader, "expired", valid_to="2026-11-22")
    delivery.deliver_all()
    assert tasks.send_out(SMS) == 1
    assert texts == ["13800000000"]
