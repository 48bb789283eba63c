"""通知方式 and the confirmed mobile number, for applicants and staff."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from notifications.models import Mute, Outbox
from tenants import credentials
from tenants.models import User
from tests.cast import Cast
from tests.intake.desk import entered
from tests.review.desks import at_desk, words

pytestmark = pytest.mark.django_db

SMS = "notifications.sms.ConsoleSms"


@pytest.fixture
def zhang(cast: Cast, settings: Settings) -> User:
    settings.SMS_ADAPTER = SMS
    User.objects.filter(pk=cast.zhang.user_id).update(phone="13800005678")
    return User.objects.get(pk=cast.zhang.user_id)


# --- Preferences -------------------------------------------------------------------------------------


def test_boxes_not_ticked_are_muted_and_ticked_ones_are_not(cast: Cast, zhang: User) -> None:
    Mute.objects.create(user=zhang, channel="email", category="status")
    Mute.objects.create(user=cast.sun.user, channel="email", category="status")
    client = entered(cast.zhang)
    assert words(client.get("/account/notices/")).count("法定通知始终发送") == 1
    client.post("/account/notices/", {"wanted": ["email:status", "email:system", "sms:reminder"]})
    assert set(Mute.objects.filter(user=zhang).values_list("channel", "category")) == {
        ("email", "reminder"),
        ("email", "correction"),
        ("sms", "status"),
        ("sms", "correction"),
        ("sms", "system"),
    }
    assert Mute.objects.filter(user=cast.sun.user).count() == 1


def test_a_channel_that_is_not_offered_keeps_what_was_chosen(
    cast: Cast, zhang: User, settings: Settings
) -> None:
    settings.SMS_ADAPTER = ""
    Mute.objects.create(user=zhang, channel="sms", category="status")
    client = entered(cast.zhang)
    page = client.get("/account/notices/").content.decode()
    assert ("sms:status" in page, "没有开通短信服务" in page) == (False, True)
    client.post("/account/notices/", {"wanted": ["email:status", "email:system"]})
    assert Mute.objects.filter(user=zhang, channel="sms").count() == 1
    assert Mute.objects.filter(user=zhang, channel="email").count() == 2


def test_an_unknown_box_changes_nothing(cast: Cast, zhang: User) -> None:
    answer = entered(cast.zhang).post("/account/notices/", {"wanted": ["pigeon:status"]})
    assert (answer.status_code, Mute.objects.count()) == (200, 0)


@pytest.mark.parametrize("name", ["li", "feng"])
def test_staff_choose_for_themselves(cast: Cast, zhang: User, name: str) -> None:
    at_desk(cast, name).post("/account/notices/", {"wanted": []})
    assert set(Mute.objects.values_list("user", flat=True)) == {cast.user(name).pk}


@pytest.mark.parametrize(
    ("email", "verified"), [("", False), ("li@mail.example", False), ("li@mail.example", True)]
)
def test_staff_whose_mail_is_not_confirmed_are_told_whom_to_ask(
    cast: Cast, email: str, verified: bool
) -> None:
    User.objects.filter(pk=cast.user("li").pk).update(email=email, email_verified=verified)
    page = words(at_desk(cast, "li").get("/account/notices/"))
    assert ("请联系本机构管理员" in page) is not verified
    assert "请联系本机构管理员" not in words(entered(cast.zhang).get("/account/notices/"))


# --- The number --------------------------------------------------------------------------------------


def test_the_code_confirms_the_number(cast: Cast, zhang: User) -> None:
    client = entered(cast.zhang)
    assert "验证码已发送" in words(client.post("/account/phone/code/", follow=True))
    (row,) = Outbox.objects.filter(kind="phone_code")
    code = credentials.phone_code(zhang)
    assert (row.user_id, code in repr(row.data)) == (zhang.pk, False)
    wrong = client.post("/account/phone/", {"code": f"{(int(code) + 1) % 10**6:06d}"})
    assert "验证码不正确" in words(wrong)
    client.post("/account/phone/", {"code": f" {code[:3]} {code[3:]}"})
    zhang.refresh_from_db()
    assert zhang.phone_verified


def test_asking_again_within_the_minute_sends_no_second_message_and_too_often_is_stopped(
    cast: Cast, zhang: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    monkeypatch.setattr("notifications.phone.timezone.now", lambda: now)
    client = entered(cast.zhang)
    answers = [client.post("/account/phone/code/").status_code for _each in range(6)]
    assert Outbox.objects.filter(kind="phone_code").count() == 1
    assert (answers[0], answers[-1]) == (302, 429)


def test_guessing_is_stopped(cast: Cast, zhang: User) -> None:
    client = entered(cast.zhang)
    wrong = f"{(int(credentials.phone_code(zhang)) + 1) % 10**6:06d}"
    answers = [client.post("/account/phone/", {"code": wrong}).status_code for _each in range(6)]
    assert (answers[0], answers[-1]) == (200, 429)
    client.post("/account/phone/", {"code": credentials.phone_code(zhang)})
    zhang.refresh_from_db()
    assert not zhang.phone_verified


@pytest.mark.parametrize(("minutes", "fits"), [(0, True), (9, True), (12, False), (-3, False)])
def test_a_code_holds_ten_minutes(
    zhang: User, monkeypatch: pytest.MonkeyPatch, minutes: int, fits: bool
) -> None:
    code, now = credentials.phone_code(zhang), timezone.now()
    monkeypatch.setattr("tenants.credentials.timezone.now", lambda: now + timedelta(minutes=minutes))
    assert credentials.check_phone_code(zhang, code) is fits


def test_a_code_is_of_one_account_and_one_number(cast: Cast, zhang: User) -> None:
    code = credentials.phone_code(zhang)
    other = User(pk=zhang.pk + 1, phone=zhang.phone)
    moved = User(pk=zhang.pk, phone="13900001234")
    assert [credentials.check_phone_code(user, code) for user in (zhang, other, moved)] == [
        True,
        False,
        False,
    ]
    assert not any(credentials.check_phone_code(zhang, typed) for typed in ("", "abc", "١٢٣٤٥٦"))


def test_without_an_adapter_no_code_is_sent_and_the_page_says_so(
    cast: Cast, zhang: User, settings: Settings
) -> None:
    settings.SMS_ADAPTER = ""
    client = entered(cast.zhang)
    assert "没有开通短信服务" in words(client.get("/account/phone/"))
    client.post("/account/phone/code/")
    assert Outbox.objects.filter(kind="phone_code").count() == 0


@pytest.mark.parametrize("name", ["li", "feng"])
def test_staff_change_and_confirm_their_own_number(cast: Cast, zhang: User, name: str) -> None:
    desk, user = at_desk(cast, name), cast.user(name)
    assert "11 位数字" in words(desk.post("/account/phone/number/", {"phone": "12"}))
    desk.post("/account/phone/number/", {"phone": "139 0000 1234"})
    desk.post("/account/phone/code/")
    assert Outbox.objects.filter(kind="phone_code", user=user).count() == 1
    user.refresh_from_db()
    desk.post("/account/phone/", {"code": credentials.phone_code(user)})
    user.refresh_from_db()
    assert (user.phone, user.phone_verified) == ("13900001234", True)
    desk.post("/account/phone/number/", {"phone": "13900001235"})
    user.refresh_from_db()
    assert (user.phone, user.phone_verified) == ("13900001235", False)
