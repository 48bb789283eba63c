"""忘了密码?: one answer for everybody, a link for those who left a verified address, used once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from intake import recovery
from notifications import delivery, sending
from notifications.models import Notice, Outbox
from register import clock
from register.models import Person
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import User
from tests import factories
from tests.cast import APPLICANTS, PASSWORD, Cast
from tests.intake.desk import browser, captcha, set_password, signed_in, words

pytestmark = pytest.mark.django_db

ZHANG, SUN, GU = APPLICANTS["zhang"], APPLICANTS["sun"], APPLICANTS["gu"]
ADDRESS = "zhang@example.cn"
NEW = "Another-pass-2"
THE_ANSWER = "如果该证件号码对应的账号留存了已验证的邮箱，重置链接已发送到该邮箱"
STRANGER = factories.id_number(date(1980, 1, 1), serial=410)


@pytest.fixture(autouse=True)
def _cache_of_its_own(settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@pytest.fixture
def zhang(cast: Cast) -> Person:
    """Zhang has a password and a verified address."""
    set_password(cast.zhang)
    User.objects.filter(person=cast.zhang).update(email=ADDRESS, email_verified=True)
    return cast.zhang


def ask(number: str = ZHANG.number, *, client: Client | None = None, **changes: str) -> Any:
    """Ask for a link; where that leads."""
    client = client or browser()
    path = "/password/forgotten/"
    given = {"document_type": "01", "number": number, **changes, **captcha(client, path)}
    return client.post(path, given)


def deliver() -> list[mail.EmailMessage]:
    """What the worker sends."""
    with crossing.standing(Desk.CLERK):
        delivery.deliver_all()
        sending.send_out("email")
    return mail.outbox


def link() -> str:
    """The path of the link in the letter that was sent last."""
    found = re.search(r"http://localhost(?::\d+)?(/\S+)", str(deliver()[-1].body))
    assert found is not None
    return found[1]


def renew(client: Client, path: str, password: str = NEW) -> Any:
    """Open the link and set a password."""
    answer = client.get(path, follow=True)
    if answer.status_code != 200:
        return answer
    return client.post("/password/renew/", {"password": password, "again": password})


def can_sign_in(number: str, password: str) -> bool:
    client = browser()
    given = {"document_type": "01", "number": number, "password": password, **captcha(client, "/")}
    return bool(client.post("/", given).status_code == 302)


# --- The way back --------------------------------------------------------------------------------------


def test_a_forgotten_password_is_replaced_by_the_link_of_a_letter(zhang: Person) -> None:
    assert ask()["Location"] == "/password/forgotten/sent/"
    client = browser()
    answer = renew(client, link())
    assert answer["Location"] == "/"
    assert "密码已修改，其他设备上的登录已退出。请用新密码登录。" in words(client.get("/").content)
    assert can_sign_in(ZHANG.number, NEW)
    assert not can_sign_in(ZHANG.number, PASSWORD)


def test_the_board_tells_of_the_new_password_and_so_does_a_letter(zhang: Person) -> None:
    ask()
    renew(browser(), link())
    assert [letter.subject for letter in deliver()] == ["重新设置密码", "密码已修改"]
    assert Notice.objects.get().title_zh == "密码已修改"


def test_all_other_sessions_of_the_account_end(zhang: Person) -> None:
    elsewhere = signed_in(zhang, ZHANG.number)
    ask()
    renew(browser(), link())
    assert elsewhere.get("/home/")["Location"] == "/?next=/home/"


def test_the_address_bar_keeps_no_proof(zhang: Person) -> None:
    ask()
    client = browser()
    answer = client.get(link())
    assert answer["Location"] == "/password/renew/"
    assert "no-store" in client.get("/password/renew/")["Cache-Control"]


def test_a_new_password_forgives_the_failures_before_it(zhang: Person, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 2
    for _ in range(2):
        can_sign_in(ZHANG.number, "wrong")
    ask()
    renew(browser(), link())
    assert can_sign_in(ZHANG.number, NEW)


# --- Links that open nothing ---------------------------------------------------------------------------


def refused(answer: Any) -> bool:
    return bool(answer.status_code == 410) and "链接已失效" in words(answer.content)


def test_a_link_is_used_once(zhang: Person) -> None:
    ask()
    path = link()
    renew(browser(), path)
    assert refused(renew(browser(), path, "Third-pass-3"))
    assert can_sign_in(ZHANG.number, NEW)


def test_of_two_who_opened_the_same_link_the_first_sets_the_password(zhang: Person) -> None:
    ask()
    path = link()
    first, second = browser(), browser()
    first.get(path)
    second.get(path)
    first.post("/password/renew/", {"password": NEW, "again": NEW})
    assert refused(second.post("/password/renew/", {"password": "Third-pass-3", "again": "Third-pass-3"}))
    assert can_sign_in(ZHANG.number, NEW)


def test_opening_a_link_uses_nothing_up(zhang: Person) -> None:
    ask()
    path = link()
    for _scanner in range(3):
        browser().get(path, follow=True)
    assert renew(browser(), path).status_code == 302


def test_an_expired_link_opens_nothing(zhang: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    ask()
    path, client = link(), browser()
    client.get(path)
    later = datetime.now() + timedelta(minutes=31)  # noqa: DTZ005 - as Django reads it
    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: later)
    assert refused(browser().get(path))
    assert refused(client.get("/password/renew/"))
    assert refused(client.post("/password/renew/", {"password": NEW, "again": NEW}))


def test_a_link_opens_no_other_account(zhang: Person, cast: Cast) -> None:
    set_password(cast.sun)
    User.objects.filter(person=cast.sun).update(email=ADDRESS, email_verified=True)
    ask()
    path = link().replace(str(zhang.pk), str(cast.sun.pk))
    assert refused(browser().get(path))
    assert refused(browser().get(path.replace(str(cast.sun.pk), str(uuid4()))))


def test_signing_in_meanwhile_makes_the_link_void(zhang: Person) -> None:
    ask()
    path = link()
    assert can_sign_in(ZHANG.number, PASSWORD)
    assert refused(browser().get(path))


def test_without_a_link_there_is_no_page(zhang: Person) -> None:
    client = browser()
    assert refused(client.get("/password/renew/"))
    assert refused(client.post("/password/renew/", {"password": NEW, "again": NEW}))


def test_a_link_cannot_be_put_into_a_session_by_hand(zhang: Person) -> None:
    client = browser()
    session = client.session
    session["desk"], session[recovery.LINK_KEY] = "applicant:", f'["{zhang.pk}", "x-y"]'
    session.save()
    client.cookies["sessionid"] = session.session_key or ""
    assert refused(client.get("/password/renew/"))


@pytest.mark.parametrize("proof", ["x", "a-b", "长" * 50, "%00", "..%2f..", "c" * 3000])
def test_nonsense_in_a_link_is_refused(zhang: Person, proof: str) -> None:
    assert browser().get(f"/password/link/{zhang.pk}/{proof}/").status_code in (400, 404, 410)


def test_a_weak_password_is_refused_and_uses_nothing_up(zhang: Person) -> None:
    ask()
    client, path = browser(), link()
    said = words(renew(client, path, "short1A").content)
    assert "密码至少需要 8 个字符。" in said
    assert renew(client, path).status_code == 302


# --- One answer for everybody --------------------------------------------------------------------------


@pytest.fixture
def everybody(zhang: Person, cast: Cast) -> Iterator[dict[str, str]]:
    """Numbers of all who get no letter, and of the one who does."""
    set_password(cast.sun)  # without an address
    set_password(cast.gu)
    User.objects.filter(person=cast.gu).update(email="gu@example.cn")  # not verified
    unopened = factories.id_number(date(1981, 1, 1), serial=411)
    closed = factories.id_number(date(1981, 1, 1), serial=412)
    factories.person("甲测", unopened)
    User.objects.filter(person=factories.person("乙测", closed)).update(
        is_active=False, email="yi@example.cn", email_verified=True, password="pbkdf2$"
    )
    yield {
        "reachable": ZHANG.number,
        "without an address": SUN.number,
        "not verified": GU.number,
        "never opened": unopened,
        "closed": closed,
        "unknown": STRANGER,
    }


def test_whoever_asks_gets_the_same_answer(everybody: dict[str, str]) -> None:
    pages = set()
    for number in everybody.values():
        client = browser()
        answer = ask(number, client=client)
        assert (answer.status_code, answer["Location"]) == (302, "/password/forgotten/sent/")
        pages.add(re.sub(r"(?<=value=\")\w{60,}", "", client.get(answer["Location"]).content.decode()))
    assert len(pages) == 1
    assert THE_ANSWER in words(pages.pop().encode())
    assert [letter.to for letter in deliver()] == [[ADDRESS]]


def test_whoever_asks_the_database_is_asked_the_same(everybody: dict[str, str]) -> None:
    asked = {}
    for who, number in everybody.items():
        client = browser()
        given = {"document_type": "01", "number": number, **captcha(client, "/password/forgotten/")}
        with CaptureQueriesContext(connection) as queries:
            client.post("/password/forgotten/", given)
        asked[who] = [re.sub(r"'[^']*'|\d+", "…", query["sql"]) for query in queries]
    assert len({tuple(each) for each in asked.values()}) == 1


def test_asking_again_and_again_sends_one_letter(zhang: Person, shifted_clock: None) -> None:
    clock.travel_to(datetime.fromisoformat("2026-11-23T10:00:00+08:00"))
    for _ in range(3):
        ask()
    assert len(deliver()) == 1
    clock.travel_to(datetime.fromisoformat("2026-11-23T10:06:00+08:00"))
    ask()
    assert len(deliver()) == 2


@pytest.mark.parametrize("number", [ZHANG.number, STRANGER])
def test_too_many_requests_have_to_wait_known_or_not(zhang: Person, number: str, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    assert [ask(number).status_code for _ in range(4)] == [302, 302, 429, 429]


def test_asking_for_a_link_locks_nobody_out(zhang: Person, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    for _ in range(4):
        ask()
    assert can_sign_in(ZHANG.number, PASSWORD)


def test_a_request_leaves_no_number_behind(zhang: Person) -> None:
    ask()
    kept = " ".join(str(list(model.objects.values())) for model in (AccessAttempt, Outbox))
    assert ZHANG.number not in kept
    assert ZHANG.number[:-1] not in kept


def test_a_wrong_captcha_asks_nothing(zhang: Person) -> None:
    given = {"document_type": "01", "number": ZHANG.number, "captcha_0": "x", "captcha_1": "0000"}
    answer = browser().post("/password/forgotten/", given)
    assert "验证码不正确或已过期" in words(answer.content)
    assert Outbox.objects.count() == 0


@pytest.mark.parametrize("number", ["\0", "x" * 10_000, ZHANG.number[:-1] + "0", "", "<script>"])
def test_a_faulty_number_is_told_beside_the_field(zhang: Person, number: str) -> None:
    answer = ask(number)
    assert answer.status_code == 200
    assert 'id="id_number_error"' in answer.content.decode()


def test_those_without_an_address_find_their_agency_with_phone_and_hours(cast: Cast) -> None:
    type(cast.beijing).objects.filter(pk=cast.beijing.pk).update(
        phone="010-0000-0011", hours="工作日 9:00–17:00"
    )
    for path in ("/password/forgotten/", "/password/forgotten/sent/"):
        said = words(browser().get(path, {"q": "北京"}).content)
        assert "010-0000-0011" in said
        assert "工作日 9:00–17:00" in said
        assert "没有找到这样的机构" in words(browser().get(path, {"q": "无此"}).content)


# --- The address ---------------------------------------------------------------------------------------


def confirm_link(person: Person, address: str = ADDRESS) -> str:
    User.objects.filter(person=person).update(email=address, email_verified=False)
    with crossing.standing(Desk.APPLICANT), crossing.acting_as(person.pk):
        recovery.send_verification(user=User.objects.get(person=person))
    return link()


def test_an_address_is_confirmed_by_one_click_of_a_person(zhang: Person) -> None:
    path, client = confirm_link(zhang), browser()
    page = client.get(path)
    assert "z***@example.cn" in words(page.content)
    assert not User.objects.get(person=zhang).email_verified
    assert client.post(path)["Location"] == "/"
    assert User.objects.get(person=zhang).email_verified


def test_confirming_twice_does_no_harm(zhang: Person) -> None:
    path = confirm_link(zhang)
    assert [browser().post(path).status_code for _ in range(2)] == [302, 302]


def test_an_address_that_changed_since_is_not_confirmed(zhang: Person) -> None:
    path = confirm_link(zhang)
    User.objects.filter(person=zhang).update(email="other@example.cn")
    assert refused(browser().get(path))
    assert refused(browser().post(path))
    assert not User.objects.get(person=zhang).email_verified


def test_nobody_confirms_for_another_account(zhang: Person, cast: Cast) -> None:
    path = confirm_link(zhang)
    User.objects.filter(person=cast.sun).update(email=ADDRESS)
    assert refused(browser().post(path.replace(str(zhang.pk), str(cast.sun.pk))))
    assert not User.objects.get(person=cast.sun).email_verified


def test_a_proof_of_the_address_is_none_for_the_password(zhang: Person) -> None:
    proof = confirm_link(zhang).rstrip("/").rpartition("/")[2]
    assert refused(browser().get(f"/password/link/{zhang.pk}/{proof}/"))


def test_verification_letters_are_few(zhang: Person) -> None:
    for _ in range(3):
        confirm_link(zhang)
    assert len(mail.outbox) == 1
    confirm_link(zhang, "zhang.new@example.cn")
    assert mail.outbox[-1].to == ["zhang.new@example.cn"]


@pytest.mark.parametrize(("state", "said"), [({"email": ""}, "请先填写电子邮箱"), ({}, "已经确认")])
def test_without_need_no_letter(zhang: Person, state: dict[str, Any], said: str) -> None:
    User.objects.filter(person=zhang).update(**state)
    with (
        crossing.standing(Desk.APPLICANT),
        crossing.acting_as(zhang.pk),
        pytest.raises(Refusal, match=said),
    ):
        recovery.send_verification(user=User.objects.get(person=zhang))


@pytest.mark.parametrize(
    ("before", "typed", "kept", "letters"),
    [
        ({"email": ""}, ADDRESS, ADDRESS, 1),
        ({"email": "typo@example.cn"}, ADDRESS, ADDRESS, 1),
        ({"email": ADDRESS}, ADDRESS, ADDRESS, 0),
        ({"email": "own@example.cn", "email_verified": True}, ADDRESS, "own@example.cn", 0),
        ({"email": "typo@example.cn"}, "", "typo@example.cn", 0),
    ],
)
def test_the_address_typed_in_the_form_becomes_the_accounts_until_one_is_confirmed(
    cast: Cast, before: dict[str, Any], typed: str, kept: str, letters: int
) -> None:
    User.objects.filter(person=cast.zhang).update(**before)
    with crossing.standing(Desk.APPLICANT), crossing.acting_as(cast.zhang.pk):
        recovery.keep_address(user=cast.zhang.user, address=typed)
    user = User.objects.get(person=cast.zhang)
    assert (user.email, user.email_verified) == (kept, before.get("email_verified", False))
    assert len(deliver()) == letters


def test_an_address_with_a_line_break_reaches_no_header(cast: Cast) -> None:
    """Such an address passes no form; if one stood in the account, nothing would be sent."""
    User.objects.filter(person=cast.zhang).update(
        email="a@example.cn\nBcc: all@example.cn", email_verified=True
    )
    set_password(cast.zhang)
    ask()
    assert deliver() == []
