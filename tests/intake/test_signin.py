"""The two ways in, the password set once, and answers that tell a stranger nothing."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from axes.models import AccessAttempt
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from intake import signin
from register import documents
from register.models import Person
from tenants.models import Session, User
from tests import factories
from tests.cast import APPLICANTS, PASSWORD, Cast
from tests.intake.desk import browser, captcha, set_password, signed_in, words

pytestmark = pytest.mark.django_db

ZHANG, SUN = APPLICANTS["zhang"], APPLICANTS["sun"]
NEW = "Another-pass-2"
NOT_RIGHT = "证件号码或密码不正确，请核对后重试。首次使用请先设置密码。"
NO_MATCH = str(signin.NO_MATCH)


def identity(**changes: str) -> dict[str, str]:
    """What Zhang would type; `changes` say otherwise."""
    return {
        "name": ZHANG.name,
        "document_type": "01",
        "number": ZHANG.number,
        "certificate_number": ZHANG.certificate,
        **changes,
    }


def verify(client: Client, path: str = "/password/set/", **changes: str) -> str:
    """Where the identity check leads, or what it says."""
    answer = client.post(path, {**identity(**changes), **captcha(client, path)})
    return answer["Location"] if answer.status_code == 302 else words(answer.content)


def try_password(client: Client, number: str, password: str) -> str:
    given = {"document_type": "01", "number": number, "password": password, **captcha(client, "/")}
    answer = client.post("/", given)
    return answer["Location"] if answer.status_code == 302 else words(answer.content)


# --- The two ways in ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "more"), [("/password/set/", {}), ("/initial/verify/", {"exam_year": str(ZHANG.exam_year)})]
)
def test_both_ways_lead_to_the_password_and_on_to_the_personal_page(
    cast: Cast, path: str, more: dict[str, str]
) -> None:
    client = browser()
    assert verify(client, path, **more) == "/password/new/"
    answer = client.post("/password/new/", {"password": NEW, "again": NEW})
    assert answer["Location"] == "/home/"
    assert "张测，您好" in words(client.get("/home/").content)


@pytest.mark.parametrize(
    "typed",
    [
        {"number": ZHANG.number.lower()},
        {"number": f" {ZHANG.number[:6]} {ZHANG.number[6:]}"},
        {"certificate_number": ZHANG.certificate.lower()},
        {"name": " 张 测"},
    ],
)
def test_the_identity_check_forgives_how_things_are_written(cast: Cast, typed: dict[str, str]) -> None:
    assert verify(browser(), **typed) == "/password/new/"


def test_who_is_registered_may_give_the_registration_certificate(cast: Cast) -> None:
    factories.registration(cast.zhang, cast.beijing, number="00000000011")
    assert verify(browser(), certificate_number="00000000011") == "/password/new/"


def test_an_account_once_opened_is_not_opened_again_by_exam_data(cast: Cast) -> None:
    set_password(cast.zhang)
    client = browser()
    assert verify(client) == "/"
    assert "您已经设置过密码，请直接登录" in words(client.get("/").content)
    assert client.get("/password/new/")["Location"] == "/password/set/"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "李测"},
        {"number": factories.id_number(date(1980, 1, 1), serial=400)},
        {"number": SUN.number},
        {"certificate_number": SUN.certificate},
        {"certificate_number": "CS99999999"},
    ],
)
def test_every_mismatch_gets_the_same_answer(cast: Cast, wrong: dict[str, str]) -> None:
    said = verify(browser(), **wrong)
    assert NO_MATCH in said


def test_the_exam_year_must_be_that_of_the_certificate(cast: Cast) -> None:
    said = verify(browser(), "/initial/verify/", exam_year=str(ZHANG.exam_year - 1))
    assert NO_MATCH in said


def test_a_wrong_captcha_asks_nothing_of_the_register(cast: Cast) -> None:
    client = browser()
    answer = client.post("/password/set/", {**identity(name="李测"), "captcha_0": "x", "captcha_1": "0000"})
    assert "验证码不正确或已过期，请按新图片填写。" in words(answer.content)
    assert NO_MATCH not in words(answer.content)


def test_a_wrong_check_digit_is_told_at_once(cast: Cast) -> None:
    assert "证件号码校验位不符" in verify(browser(), number=ZHANG.number[:-1] + "0")


# --- The password ------------------------------------------------------------------------------------


def test_without_proof_there_is_no_password_to_set(cast: Cast) -> None:
    answer = browser().post("/password/new/", {"password": NEW, "again": NEW})
    assert answer["Location"] == "/password/set/"
    assert not User.objects.get(person=cast.zhang).has_usable_password()


def test_the_proof_expires(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    client = browser()
    verify(client)
    monkeypatch.setattr(signin, "CLAIM_SECONDS", -1)
    assert client.post("/password/new/", {"password": NEW, "again": NEW})["Location"] == "/password/set/"
    assert not User.objects.get(person=cast.zhang).has_usable_password()


def test_the_proof_cannot_be_made_by_hand(cast: Cast) -> None:
    client = browser()
    session = client.session
    session["desk"] = "applicant:"
    session[signin.CLAIM_KEY] = signing.dumps(str(cast.zhang.pk), salt="another")
    session.save()
    client.cookies["sessionid"] = session.session_key or ""
    assert client.get("/password/new/")["Location"] == "/password/set/"


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("short1A", "short1A", "密码至少需要 8 个字符。"),
        ("alllowercase", "alllowercase", "密码须包含大写字母、小写字母、数字、符号中的至少三类。"),
        (NEW, NEW + "x", "两次输入的密码不一致，请重新输入。"),
    ],
)
def test_a_weak_password_is_refused(cast: Cast, password: str, again: str, said: str) -> None:
    client = browser()
    verify(client)
    answer = client.post("/password/new/", {"password": password, "again": again})
    assert said in words(answer.content)


def test_of_two_who_proved_it_at_once_the_first_sets_the_password(cast: Cast) -> None:
    first, second = browser(), browser()
    verify(first)
    verify(second)
    first.post("/password/new/", {"password": NEW, "again": NEW})
    answer = second.post("/password/new/", {"password": "Third-pass-3", "again": "Third-pass-3"})
    assert answer["Location"] == "/"
    assert User.objects.get(person=cast.zhang).check_password(NEW)


# --- Signing in --------------------------------------------------------------------------------------


def test_signing_in_and_out(cast: Cast) -> None:
    client = signed_in(cast.zhang, ZHANG.number)
    assert client.get("/")["Location"] == "/home/"
    assert client.post("/signout/")["Location"] == "/"
    assert client.get("/home/")["Location"] == "/?next=/home/"


def test_after_signing_in_one_returns_to_the_page_that_was_asked_for(cast: Cast) -> None:
    set_password(cast.zhang)
    client = browser()
    given = {"document_type": "01", "number": ZHANG.number, "password": PASSWORD}
    asked = {**given, **captcha(client, "/"), "next": "/history/"}
    assert client.post("/", asked)["Location"] == "/history/"
    client.post("/signout/")
    abroad = {**given, **captcha(client, "/"), "next": "https://elsewhere.example/"}
    assert client.post("/", abroad)["Location"] == "/home/"


def test_a_wrong_password_an_unknown_person_and_a_closed_account_get_the_same_answer(cast: Cast) -> None:
    set_password(cast.zhang)
    User.objects.filter(person=cast.gu).update(is_active=False)
    set_password(cast.gu)
    stranger = factories.id_number(date(1980, 1, 1), serial=401)
    answers = {
        re.sub(r"\S*\d{4,}\S*", "", try_password(browser(), number, password))
        for number, password in [
            (ZHANG.number, "wrong"),
            (stranger, PASSWORD),
            (SUN.number, PASSWORD),  # has set no password
            (APPLICANTS["gu"].number, PASSWORD),  # closed
        ]
    }
    assert len(answers) == 1
    assert NOT_RIGHT in answers.pop()


def test_every_answer_costs_one_hash(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    set_password(cast.zhang)
    hashed: list[str] = []
    really_check = User.check_password

    def check(user: User, raw: str) -> bool:
        hashed.append("check")
        return really_check(user, raw)

    def make(raw: str) -> str:
        hashed.append("make")
        return ""

    monkeypatch.setattr(User, "check_password", check)
    monkeypatch.setattr(signin, "make_password", make)
    try_password(browser(), ZHANG.number, "wrong")
    try_password(browser(), SUN.number, "wrong")
    try_password(browser(), factories.id_number(date(1980, 1, 1), serial=402), "wrong")
    assert hashed == ["check", "make", "make"]


def asked_of_the_database(path: str, given: dict[str, str]) -> list[str]:
    """The statements behind one answer, without the values in them."""
    client = browser()
    given = {**given, **captcha(client, path)}
    with CaptureQueriesContext(connection) as queries:
        client.post(path, given)
    return [re.sub(r"'[^']*'|\d+|NULL", "…", query["sql"]) for query in queries]


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/", {"password": "wrong"}),
        ("/password/set/", {"name": "李测", "certificate_number": "CS99999999"}),
        ("/initial/verify/", {"name": "李测", "certificate_number": "CS99999999", "exam_year": "2024"}),
    ],
)
def test_whoever_asks_the_database_is_asked_the_same(cast: Cast, path: str, more: dict[str, str]) -> None:
    """So that the time of an answer tells nothing; `bin/bench signin_time` holds a watch to it."""
    set_password(cast.zhang)
    User.objects.filter(person=cast.gu).update(is_active=False)
    stranger = factories.id_number(date(1980, 1, 1), serial=403)
    # The first failure of the day finds other rows than those after it.
    asked_of_the_database(path, {"document_type": "01", "number": stranger, **more})
    asked = {
        who: tuple(asked_of_the_database(path, {"document_type": "01", "number": number, **more}))
        for who, number in {
            "with a password": ZHANG.number,
            "without one": SUN.number,
            "closed": APPLICANTS["gu"].number,
            "unknown": factories.id_number(date(1980, 1, 1), serial=404),
        }.items()
    }
    assert len(set(asked.values())) == 1


def test_staff_do_not_get_in_here(cast: Cast) -> None:
    client = browser()
    given = {"username": "li.beijing", "password": PASSWORD, "document_type": "01", "number": "li.beijing"}
    assert client.post("/", {**given, **captcha(client, "/")}).status_code == 200


def test_an_account_that_is_closed_loses_its_session(cast: Cast) -> None:
    client = signed_in(cast.zhang, ZHANG.number)
    User.objects.filter(person=cast.zhang).update(is_active=False)
    assert client.get("/home/").status_code == 302


# --- Too many attempts -------------------------------------------------------------------------------


def test_after_too_many_failures_even_the_right_password_waits(cast: Cast, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    set_password(cast.zhang)
    for _ in range(3):
        try_password(browser(), ZHANG.number, "wrong")
    client = browser()
    given = {"document_type": "01", "number": ZHANG.number, "password": PASSWORD, **captcha(client, "/")}
    assert client.post("/", given).status_code == 429


def test_failed_identity_checks_count_as_well(cast: Cast, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    for _ in range(3):
        verify(browser(), certificate_number="CS99999999")
    client = browser()
    answer = client.post("/password/set/", {**identity(), **captcha(client, "/password/set/")})
    assert answer.status_code == 429


def test_success_forgives_earlier_failures(cast: Cast) -> None:
    set_password(cast.zhang)
    try_password(browser(), ZHANG.number, "wrong")
    assert try_password(browser(), ZHANG.number, PASSWORD) == "/home/"
    assert AccessAttempt.objects.count() == 0


def test_a_failure_leaves_no_number_behind(cast: Cast) -> None:
    try_password(browser(), ZHANG.number, "wrong")
    verify(browser(), certificate_number="CS99999999")
    attempts = AccessAttempt.objects.all()
    kept = " ".join(f"{a.username} {a.get_data} {a.post_data} {a.path_info}" for a in attempts)
    assert documents.digest("01", ZHANG.number) in kept
    for secret in (ZHANG.number, ZHANG.name, "CS99999999", "wrong"):
        assert secret not in kept


def test_the_session_holds_keys_only_and_no_proof_any_more(cast: Cast) -> None:
    client = browser()
    verify(client)
    client.post("/password/new/", {"password": NEW, "again": NEW})
    for session in Session.objects.all():
        assert set(session.get_decoded()) <= {
            "_auth_user_id",
            "_auth_user_backend",
            "_auth_user_hash",
            "person",
            "desk",
            "seen",
            "place",
        }


def test_people_are_found_by_a_former_number(cast: Cast) -> None:
    old = factories.id_number(date(1990, 1, 1), serial=77)
    person: Person = cast.zhang
    person.former_numbers.create(
        document_digest=documents.digest("01", old),
        document_mask=documents.mask("01", old),
        until=date(2020, 1, 1),
    )
    set_password(person)
    assert try_password(browser(), old, PASSWORD) == "/home/"


def test_a_session_goes_on_as_long_as_it_is_used(cast: Cast) -> None:
    client = signed_in(cast.zhang, ZHANG.number)

    def aged() -> Session:
        """The session as it would be after most of its length."""
        session = client.session
        session["seen"] = session["seen"] - 1200
        session.save()
        Session.objects.update(expire_date=timezone.now() + timedelta(minutes=10))
        return Session.objects.get()

    before = aged().expire_date
    client.get("/notices/board", HTTP_X_REQUESTED_WITH="XMLHttpRequest")
    assert Session.objects.get().expire_date == before
    client.get("/home/")
    assert Session.objects.get().expire_date > before + timedelta(minutes=15)
