"""Beside the board: who is written to, through what, and what becomes of a letter that does not go out."""

from __future__ import annotations

import datetime as dt
import smtplib
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from notifications import channels, delivery, outbox, sending, tasks
from notifications.models import Delivery, Mute, Notice, Outbox, Resend
from notifications.sms import Refused
from tenants import credentials
from tenants.models import User
from tests.notifications.conftest import Post

pytestmark = pytest.mark.django_db

EMAIL, SMS = Delivery.Channel.EMAIL, Delivery.Channel.SMS


def verified(user: User, **fields: Any) -> None:
    User.objects.filter(pk=user.pk).update(**fields)


@pytest.fixture
def reader(zhang: User) -> User:
    verified(zhang, email="zhang@example.com", email_verified=True)
    return zhang


@pytest.fixture
def texts(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """Every message that leaves by SMS."""
    sent: list[tuple[str, str, str]] = []
    settings.SMS_ADAPTER = "notifications.sms.FileSms"
    monkeypatch.setattr(
        "notifications.sms.FileSms.send",
        lambda self, *, number, text, key: sent.append((number, text, key)),
    )
    return sent


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """What the provider raises, one after the other; then it takes everything."""
    faults: list[Exception] = []

    def send(_letter: Delivery) -> None:
        if faults:
            raise faults.pop(0)

    monkeypatch.setattr(channels, "send", send)
    return faults


def test_only_a_verified_address_gets_a_letter(reader: User, sun: User, post: Post) -> None:
    verified(sun, email="sun@example.com")
    for user in (reader, sun):
        post(user, "announced", batch="2026-12")
    delivery.deliver_all()
    assert [tasks.send_out(EMAIL), tasks.send_out(EMAIL)] == [1, 0]
    assert [(m.to, m.subject, m.body) for m in mail.outbox] == [
        (["zhang@example.com"], "已列入注册公告", "您已列入第2026-12批注册公告。")
    ]


def test_a_letter_is_written_in_the_language_of_the_account(reader: User, post: Post) -> None:
    verified(reader, language="en")
    post(reader)
    delivery.deliver_all()
    tasks.send_out(EMAIL)
    assert mail.outbox[0].subject == "Fewer than 30 days to expiry"


def test_urgent_kinds_go_by_sms_where_an_adapter_and_a_verified_number_are(
    zhang: User, sun: User, post: Post, settings: Any, texts: list[tuple[str, str, str]]
) -> None:
    verified(zhang, phone="13800000000", phone_verified=True)
    verified(sun, phone="13900000000")
    adapter, settings.SMS_ADAPTER = settings.SMS_ADAPTER, ""
    post(zhang, "expired", "1", valid_to="2026-11-22")
    delivery.deliver_all()
    settings.SMS_ADAPTER = adapter
    post(zhang, "expired", "2", valid_to="2026-11-22")
    post(sun, "expired", "2", valid_to="2026-11-22")
    post(zhang, "announced", "3", batch="2026-12")
    delivery.deliver_all()
    assert tasks.send_out(SMS) == 1
    assert [text[:2] for text in texts] == [
        ("13800000000", "您的注册已于2026年11月22日到期。如需继续执业，请申请重新注册。")
    ]


def test_a_preference_counts_unless_the_law_says_otherwise(reader: User, post: Post) -> None:
    Mute.objects.create(user=reader, channel=EMAIL, category=Notice.Category.STATUS)
    post(reader, "announced", batch="2026-12")
    post(reader, "expired", valid_to="2026-11-22")
    post(reader, "refused", reason="甲", days=60, months=6)
    delivery.deliver_all()
    assert set(Delivery.objects.values_list("outbox__kind", flat=True)) == {"expired", "refused"}


def test_what_the_reader_no_longer_wants_is_dropped(reader: User, post: Post) -> None:
    post(reader, "announced", batch="2026-12")
    delivery.deliver_all()
    Mute.objects.create(user=reader, channel=EMAIL, category=Notice.Category.STATUS)
    tasks.send_out(EMAIL)
    row = Delivery.objects.get()
    assert (len(mail.outbox), row.sent_at, row.dropped_at is not None) == (0, None, True)
    assert sending.waiting() == []


def test_a_code_goes_to_the_number_it_is_to_confirm(zhang: User, texts: list[tuple[str, str, str]]) -> None:
    verified(zhang, phone="13800000000")
    zhang.refresh_from_db()
    with transaction.atomic():
        outbox.post(user_id=zhang.pk, kind="phone_code", cause="1")
    delivery.deliver_all()
    tasks.send_out(SMS)
    ((number, text, _key),) = texts
    assert number == "13800000000"
    assert credentials.phone_code(zhang) in text
    assert Notice.objects.count() == 0


def test_a_code_that_comes_too_late_is_not_sent(zhang: User, texts: list[tuple[str, str, str]]) -> None:
    verified(zhang, phone="13800000000")
    with transaction.atomic():
        outbox.post(user_id=zhang.pk, kind="phone_code", cause="1")
    delivery.deliver_all()
    Delivery.objects.update(created_at=timezone.now() - dt.timedelta(minutes=11))
    tasks.send_out(SMS)
    assert texts == []
    assert Delivery.objects.get().dropped_at is not None


def test_a_dead_mail_server_never_holds_up_the_board(
    reader: User, post: Post, failing: list[Exception]
) -> None:
    failing.append(ConnectionRefusedError())
    for number in range(3):
        post(reader, cause=str(number))
    delivery.deliver_all()
    assert tasks.send_out(EMAIL) == 0
    assert Notice.objects.count() == 3
    assert sorted(Delivery.objects.values_list("attempts", flat=True)) == [0, 0, 1]


def test_pauses_grow_and_the_tenth_failure_is_the_last(
    reader: User, post: Post, failing: list[Exception]
) -> None:
    post(reader)
    delivery.deliver_all()
    failing += [TimeoutError()] * sending.ATTEMPTS
    pauses = []
    for _attempt in range(sending.ATTEMPTS):
        Delivery.objects.update(due_at=timezone.now())
        assert tasks.send_out(EMAIL) == 0
        row = Delivery.objects.get()
        pauses.append(round((row.due_at - timezone.now()).total_seconds()))
        assert (row.dead_at is not None) == (row.attempts == sending.ATTEMPTS)
    assert pauses[:4] == [10, 30, 90, 270]
    assert pauses[-1] == 6 * 3600
    Delivery.objects.update(due_at=timezone.now())
    assert sending.waiting() == []


def test_what_the_provider_refuses_for_good_is_given_up_and_holds_up_no_other(
    reader: User, post: Post, failing: list[Exception]
) -> None:
    failing.append(Refused("no such number"))
    post(reader, cause="1")
    post(reader, cause="2")
    delivery.deliver_all()
    tasks.send_out(EMAIL)
    first, second = Delivery.objects.order_by("id")
    assert (first.dead_at is not None, first.sent_at, second.sent_at is not None) == (True, None, True)


@pytest.mark.parametrize(("code", "for_good"), [(550, True), (450, False)])
def test_an_address_the_mail_server_does_not_know_is_refused_for_good(
    reader: User, post: Post, monkeypatch: pytest.MonkeyPatch, code: int, for_good: bool
) -> None:
    def send(_message: Any) -> None:
        raise smtplib.SMTPRecipientsRefused({"zhang@example.com": (code, b"no")})

    monkeypatch.setattr("django.core.mail.EmailMessage.send", send)
    post(reader)
    delivery.deliver_all()
    tasks.send_out(EMAIL)
    assert (Delivery.objects.get().dead_at is not None) == for_good


def test_while_one_sender_waits_for_its_provider_no_other_takes_its_letter(
    reader: User, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = []
    monkeypatch.setattr(channels, "send", lambda _letter: beside.append(sending.send_out(EMAIL)))
    post(reader)
    delivery.deliver_all()
    assert sending.send_out(EMAIL) == 1
    assert beside == [0]


def test_a_sender_killed_before_marking_leaves_a_letter_that_goes_again_under_the_same_id(
    reader: User, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(reader)
    delivery.deliver_all()
    with monkeypatch.context() as killed:
        killed.setattr(sending, "_finish", lambda *_args, **_marks: None)
        tasks.send_out(EMAIL)
    assert tasks.send_out(EMAIL) == 0
    Delivery.objects.update(due_at=timezone.now())
    assert tasks.send_out(EMAIL) == 1
    first, second = (letter.message()["Message-ID"] for letter in mail.outbox)
    assert first == second
    assert Delivery.objects.get().attempts == 2


def test_a_letter_over_which_every_sender_dies_is_given_up(reader: User, post: Post) -> None:
    post(reader)
    delivery.deliver_all()
    Delivery.objects.update(attempts=sending.ATTEMPTS)
    tasks.send_out(EMAIL)
    assert (len(mail.outbox), Delivery.objects.get().dead_at is not None) == (0, True)


@pytest.mark.parametrize("by", [tasks.sweep, tasks.deliver])
def test_a_wish_of_the_staff_is_carried_out_once(reader: User, sun: User, post: Post, by: Any) -> None:
    now = timezone.now()
    post(reader)
    delivery.deliver_all()
    Delivery.objects.update(dead_at=now, attempts=10)
    row = Outbox.objects.create(
        user=sun, kind="expired", cause="1", data={"valid_to": "2026-11-22"}, dead_at=now, attempts=12
    )
    Resend.objects.create(outbox=Outbox.objects.get(user=reader), channel=EMAIL, asked_by=sun)
    Resend.objects.create(outbox=row, asked_by=sun)
    by()
    assert Notice.objects.filter(user=sun).count() == 1
    assert (Delivery.objects.get().dead_at, Delivery.objects.get().attempts) == (None, 0)
    assert Resend.objects.filter(done_at=None).count() == 0
    assert delivery.carry_out_wishes() == 0


def test_each_channel_is_called_in_its_own_queue(
    reader: User, post: Post, texts: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = []
    monkeypatch.setattr(tasks.send_out, "apply_async", lambda **call: called.append(call))
    verified(reader, phone="13800000000", phone_verified=True)
    post(reader, "expired", valid_to="2026-11-22")
    tasks.deliver()
    assert called == [
        {"args": ("email",), "queue": "mail", "expires": 30.0},
        {"args": ("sms",), "queue": "sms", "expires": 30.0},
    ]
