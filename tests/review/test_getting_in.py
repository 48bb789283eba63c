"""Password, code, in: who stands where on the way into a staff desk, and what is open there."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as portal
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from pytest_django import Settings

from tenants import credentials, roles, second_factor, signin, staff_passwords
from tenants.models import Authenticator, User
from tests.cast import APP_KEY, PASSWORD, Cast
from tests.review.desks import at_desk, code_of, host_of, sign_in, words

pytestmark = pytest.mark.django_db
OTHER = "Another-pass-2"
# What stands in an address, by the name of its converter.
SAMPLES = {"UUIDConverter": uuid.uuid4(), "IntConverter": 1, "StringConverter": "x", "SlugConverter": "x"}


def half(cast: Cast, name: str, *, host: str = "", **more: Any) -> Client:
    """A browser in which somebody has given the password and no code."""
    user = cast.user(name)
    client = Client(HTTP_HOST=host_of(host or user.username.partition(".")[2]), **more)
    assert client.post("/signin/", {"username": user.username, "password": PASSWORD}).status_code == 302
    return client


def newcomer(cast: Cast, *, password: str | None = PASSWORD, role: str = "reviewer") -> User:
    """Somebody of Beijing's staff without a second factor."""
    user = User.objects.create_staff(
        username="new.beijing",
        name="新人",
        password=password,
        home=cast.beijing,
        password_set_at=timezone.now(),
    )
    roles.grant(user=user, agency=cast.beijing, role=role, by=cast.user("chen"))
    return user


def first_code(user: User) -> str:
    return Authenticator.objects.get(user=user, confirmed=False).next_code()


def staff_pages(desk: str) -> Iterator[tuple[str, str]]:
    """Every address of a staff desk, and its guard."""

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, str]]:
        for entry in patterns:
            path = prefix + str(entry.pattern)
            for each in entry.pattern.converters.values():
                path = re.sub(r"<\w+:\w+>", str(SAMPLES[type(each).__name__]), path, count=1)
            if isinstance(entry, URLResolver):
                yield from walk(entry.url_patterns, path)
            else:
                yield path, getattr(entry.callback, "guard", "")

    yield from walk(get_resolver(portal.URLCONF_OF_DESK[desk]).url_patterns, "/")


def behind_the_door(desk: str) -> list[str]:
    return [
        path for path, guard in staff_pages(desk) if guard.startswith("staff: ") and "password" not in guard
    ]


def answers(client: Client, paths: list[str]) -> set[str]:
    """Where all these pages lead, looked at and posted to."""
    return {where(ask(path)) for path in paths for ask in (client.get, client.post)}


def where(answer: Any) -> str:
    """The page an answer leads to, or its status."""
    return str(answer.get("Location", answer.status_code)).partition("?")[0]


# --- Half signed in ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("desk", "name"), [("agency", "li"), ("agency", "chen"), ("authority", "zhou")])
def test_with_the_password_alone_no_page_opens(cast: Cast, desk: str, name: str) -> None:
    pages = behind_the_door(desk)
    assert len(pages) > 15
    assert answers(half(cast, name), pages) == {"/signin/"}


def test_without_a_second_factor_no_page_opens_either(cast: Cast) -> None:
    newcomer(cast)
    client = Client(HTTP_HOST=host_of("beijing"))
    answer = client.post("/signin/", {"username": "new.beijing", "password": PASSWORD})
    assert answer["Location"] == "/signin/authenticator/"
    assert answers(client, behind_the_door("agency")) == {"/signin/"}
    assert client.get("/signin/code/")["Location"] == "/signin/authenticator/"


def test_the_page_of_the_code_shows_nobody_signed_in(cast: Cast) -> None:
    page = half(cast, "li").get("/signin/code/")
    assert "登录验证" in words(page)
    assert "李初审" not in words(page)
    assert "案卷队列" not in words(page)
    assert "no-store" in page["Cache-Control"]


@pytest.mark.parametrize("path", ["/signin/code/", "/signin/authenticator/"])
def test_strangers_begin_with_the_password(cast: Cast, path: str) -> None:
    stranger = Client(HTTP_HOST=host_of("beijing"))
    for answer in (stranger.get(path), stranger.post(path, {"code": code_of(cast.user("li"))})):
        assert answer["Location"] == "/signin/"


@pytest.mark.parametrize("host", ["mohurd", "authority"])
def test_the_code_is_given_at_the_same_desk(cast: Cast, host: str) -> None:
    begun = half(cast, "li")
    thief = Client(HTTP_HOST=host_of(host))
    thief.cookies["sessionid"] = begun.cookies["sessionid"].value
    assert thief.post("/signin/code/", {"code": code_of(cast.user("li"))})["Location"] == "/signin/"
    assert begun.post("/signin/code/", {"code": code_of(cast.user("li"))})["Location"] == "/"


def test_the_code_has_to_come_within_ten_minutes(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    client, code = half(cast, "li"), code_of(cast.user("li"))
    monkeypatch.setattr(signin, "ENTERING_SECONDS", -1)
    assert client.post("/signin/code/", {"code": code})["Location"] == "/signin/"


def change_password(user: User) -> None:
    staff_passwords.change(User.objects.get(pk=user.pk), OTHER)


def deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def take_role(user: User) -> None:
    assert user.home is not None
    roles.revoke(user=user, agency=user.home, role="reviewer", by=None)


@pytest.mark.parametrize("change", [change_password, deactivate, take_role])
def test_what_changes_between_password_and_code_counts(cast: Cast, change: Any) -> None:
    client = half(cast, "li")
    change(cast.user("li"))
    assert client.post("/signin/code/", {"code": code_of(cast.user("li"))})["Location"] == "/signin/"


def test_the_session_has_another_key_after_each_step(cast: Cast) -> None:
    client = Client(HTTP_HOST=host_of("beijing"))
    session = client.session
    session["something"] = 1
    session["desk"] = "agency:beijing"
    session.save()
    keys = [str(session.session_key)]
    client.cookies["sessionid"] = keys[0]
    client.post("/signin/", {"username": "li.beijing", "password": PASSWORD})
    keys.append(client.cookies["sessionid"].value)
    client.post("/signin/code/", {"code": code_of(cast.user("li"))})
    keys.append(client.cookies["sessionid"].value)
    assert len(set(keys)) == 3


def test_somebody_else_signing_in_leaves_nothing_of_the_one_before(cast: Cast) -> None:
    client = at_desk(cast, "li")
    User.objects.filter(pk=cast.user("li").pk).update(second_factor_mark="another")
    assert client.get("/cases/")["Location"] == "/signin/?next=/cases/"
    assert sign_in(client, cast.user("wang"))["Location"] == "/"
    assert "王复核" in client.page("/account/")


# --- The code ----------------------------------------------------------------------------------------


def test_a_code_seen_by_somebody_else_is_used_up(cast: Cast) -> None:
    first, second = half(cast, "li"), half(cast, "li")
    code = code_of(cast.user("li"))
    assert first.post("/signin/code/", {"code": code})["Location"] == "/"
    page = second.post("/signin/code/", {"code": code})
    assert "验证码不正确或者已经用过" in words(page)
    assert second.get("/cases/").status_code == 302


def test_wrong_codes_all_get_the_same_answer_and_lock_after_five(cast: Cast) -> None:
    client = half(cast, "li")
    given = ["000000", code_of(cast.user("liu")), "no-such-code", "00000"]
    pages = [client.post("/signin/code/", {"code": code}) for code in given]
    assert {page.status_code for page in pages} == {200}
    assert all("验证码不正确或者已经用过" in words(page) for page in pages)
    assert client.post("/signin/code/", {"code": "111111"}).status_code == 429
    assert client.post("/signin/code/", {"code": code_of(cast.user("li"))}).status_code == 429
    again = Client(HTTP_HOST=host_of("beijing"))
    assert again.post("/signin/", {"username": "li.beijing", "password": PASSWORD}).status_code == 429


def test_another_address_is_not_locked_but_the_device_asks_for_patience(cast: Cast) -> None:
    client = half(cast, "li")
    assert [client.post("/signin/code/", {"code": "000000"}).status_code for _n in range(5)][-1] == 429
    Authenticator.objects.update(throttling_failure_timestamp=timezone.now(), throttling_failure_count=9)
    elsewhere = half(cast, "li", REMOTE_ADDR="127.0.0.9")
    assert elsewhere.post("/signin/code/", {"code": code_of(cast.user("li"))}).status_code == 200
    Authenticator.objects.update(throttling_failure_timestamp=timezone.now() - timedelta(hours=1))
    assert elsewhere.post("/signin/code/", {"code": code_of(cast.user("li"))})["Location"] == "/"


def test_a_recovery_code_lets_in_once(cast: Cast) -> None:
    codes = second_factor.new_codes(cast.user("li"))
    client = half(cast, "li")
    assert "恢复码" in words(client.get("/signin/code/?by=recovery"))
    assert client.post("/signin/code/?by=recovery", {"code": codes[0]})["Location"] == "/"
    assert client.get("/cases/").status_code == 200
    again = half(cast, "li")
    assert "不正确" in words(again.post("/signin/code/?by=recovery", {"code": codes[0]}))
    assert "不正确" in words(again.post("/signin/code/", {"code": codes[0]}))


def test_only_a_demonstration_shows_the_code(cast: Cast, settings: Settings) -> None:
    client = half(cast, "li")
    assert "data-code" not in client.get("/signin/code/").content.decode()
    settings.DEMO = True
    page = client.get("/signin/code/")
    assert f"演示系统 无需手机，现在的验证码是 {code_of(cast.user('li'))}" in words(page)


# --- Setting up --------------------------------------------------------------------------------------


def test_who_has_no_second_factor_sets_it_up_and_comes_in(cast: Cast) -> None:
    user = newcomer(cast)
    client = Client(HTTP_HOST=host_of("beijing"))
    client.post("/signin/?next=/cases/%3Ftab%3Dmine", {"username": "new.beijing", "password": PASSWORD})
    page = client.get("/signin/authenticator/")
    assert 'src="data:image/svg+xml' in page.content.decode()
    secret = second_factor.secret_of(Authenticator.objects.get(user=user))
    assert secret in words(page)
    assert "不正确" in words(client.post("/signin/authenticator/", {"code": "x"}))
    assert secret in words(client.get("/signin/authenticator/"))
    Authenticator.objects.update(throttling_failure_timestamp=None)
    done = client.post("/signin/authenticator/", {"code": first_code(user)})
    codes = re.findall(r"\b[a-z2-7]{5}-[a-z2-7]{5}\b", words(done))
    assert len(codes) == 10
    assert 'href="/cases/?tab=mine"' in done.content.decode()
    assert "no-store" in done["Cache-Control"]
    assert client.get("/cases/").status_code == 200
    assert not any(code in words(client.get("/account/")) for code in codes)
    assert client.get("/signin/authenticator/")["Location"] == "/signin/"
    assert second_factor.verify(user, codes[3])


def test_who_has_one_cannot_set_up_another_with_the_password_alone(cast: Cast) -> None:
    client = half(cast, "li")
    for answer in (
        client.get("/signin/authenticator/"),
        client.post("/signin/authenticator/", {"code": "1"}),
    ):
        assert answer["Location"] == "/signin/code/"
    assert not Authenticator.objects.filter(user=cast.user("li"), confirmed=False).exists()


def test_after_a_reset_the_open_sessions_end_and_a_new_one_is_set_up(cast: Cast) -> None:
    li = at_desk(cast, "li")
    second_factor.reset(User.objects.get(pk=cast.user("li").pk), cast.user("chen"))
    assert li.get("/cases/")["Location"] == "/signin/?next=/cases/"
    answer = li.post("/signin/", {"username": "li.beijing", "password": PASSWORD})
    assert answer["Location"] == "/signin/authenticator/"


# --- Passwords that are too old ----------------------------------------------------------------------


@pytest.mark.parametrize(("desk", "name"), [("agency", "li"), ("authority", "zhou")])
def test_with_an_old_password_no_page_opens_but_the_one_for_a_new(cast: Cast, desk: str, name: str) -> None:
    client = at_desk(cast, name)
    User.objects.filter(pk=cast.user(name).pk).update(password_set_at=timezone.now() - timedelta(days=90))
    pages = [path for path in behind_the_door(desk) if path != "/signin/password/"]
    # 404 where the role would not open the page with a new password either.
    assert {where(client.get(path)) for path in pages} <= {"/signin/password/", "404"}
    assert where(client.post("/account/password/")) == "/signin/password/"
    assert client.get("/cases/?tab=mine")["Location"] == "/signin/password/?next=/cases/%3Ftab%3Dmine"


def test_the_old_password_is_renewed_and_one_goes_on(cast: Cast) -> None:
    client, elsewhere = at_desk(cast, "li"), at_desk(cast, "li")
    User.objects.filter(pk=cast.user("li").pk).update(password_set_at=timezone.now() - timedelta(days=91))
    page = "/signin/password/?next=/cases/%3Ftab%3Dmine"
    assert "您的密码已到期" in client.page(page)
    for password, again, answer in (
        (PASSWORD, PASSWORD, "不能与最近五次使用过的密码相同"),
        (OTHER, OTHER + "x", "两次填写的密码不一致"),
        ("short", "short", "密码至少需要 8 个字符"),
        ("", "", "请填写新密码"),
    ):
        assert answer in words(client.post(page, {"password": password, "again": again}))
    assert client.post(page, {"password": OTHER, "again": OTHER})["Location"] == "/cases/?tab=mine"
    assert client.get("/cases/").status_code == 200
    assert elsewhere.get("/cases/")["Location"] == "/signin/?next=/cases/"
    for target in ("https://elsewhere.example/", "case", "cases/", "//elsewhere.example/", ""):
        assert client.get(f"/signin/password/?next={target}")["Location"] == "/"


# --- Invitations -------------------------------------------------------------------------------------


def link(user: User) -> str:
    proof = credentials.invitation_proof(user)
    return reverse("invitation", "portal.urls_agency", kwargs={"user_id": user.pk, "proof": proof})


def test_an_invitation_leads_from_the_link_to_the_desk(cast: Cast) -> None:
    user = newcomer(cast, password=None)
    path, client = link(user), Client(HTTP_HOST=host_of("beijing"))
    page = client.get(path)
    assert "新人，您好" in words(page)
    assert "new.beijing" in words(page)
    assert "至少需要 8 个字符" in words(client.post(path, {"password": "short", "again": "short"}))
    assert client.post(path, {"password": OTHER, "again": OTHER})["Location"] == "/signin/authenticator/"
    assert client.get("/cases/").status_code == 302
    client.get("/signin/authenticator/")
    assert "保存恢复码" in words(client.post("/signin/authenticator/", {"code": first_code(user)}))
    assert client.get("/cases/").status_code == 200
    for late in (client, Client(HTTP_HOST=host_of("beijing"))):
        assert late.get(path).status_code == 410
        assert late.post(path, {"password": PASSWORD, "again": PASSWORD}).status_code == 410
    assert User.objects.get(pk=user.pk).check_password(OTHER)


@pytest.mark.parametrize("host", ["mohurd", "authority"])
def test_an_invitation_opens_at_its_own_desk_only(cast: Cast, host: str) -> None:
    assert Client(HTTP_HOST=host_of(host)).get(link(newcomer(cast, password=None))).status_code == 410


def test_an_invitation_opens_no_other_account(cast: Cast) -> None:
    user = newcomer(cast, password=None)
    for other in (cast.user("li").pk, cast.zhang.user_id, 999_999_999, 10**30):
        path = link(user).replace(f"/{user.pk}/", f"/{other}/", 1)
        assert Client(HTTP_HOST=host_of("beijing")).get(path).status_code in (404, 410)


@pytest.mark.parametrize("change", [deactivate, take_role])
def test_who_is_not_wanted_any_more_is_not_invited(cast: Cast, change: Any) -> None:
    user = newcomer(cast, password=None)
    path = link(user)
    change(user)
    answer = Client(HTTP_HOST=host_of("beijing")).get(path)
    assert answer.status_code == 410
    assert "邀请链接只能使用一次" in words(answer)


def test_a_void_password_keeps_the_second_factor(cast: Cast) -> None:
    """Who is invited again after forgetting the password gives the code of the app as before."""
    staff_passwords.void(User.objects.get(pk=cast.user("li").pk))
    client, path = Client(HTTP_HOST=host_of("beijing")), link(User.objects.get(pk=cast.user("li").pk))
    assert "最近五次" in words(client.post(path, {"password": PASSWORD, "again": PASSWORD}))
    assert client.post(path, {"password": OTHER, "again": OTHER})["Location"] == "/signin/code/"
    assert client.get("/cases/").status_code == 302
    assert client.post("/signin/code/", {"code": code_of(cast.user("li"))})["Location"] == "/"


# --- My account --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "role"), [("li", "经办"), ("chen", "管理员"), ("xu", "审计员"), ("zhou", "注册登记员")]
)
def test_the_account_names_roles_in_plain_words(cast: Cast, name: str, role: str) -> None:
    page = at_desk(cast, name).page("/account/")
    assert role in page
    assert cast.user(name).name in page
    assert "还剩 0 个恢复码，请重新生成" in page


def test_changing_the_password_needs_the_present_one(cast: Cast) -> None:
    li, elsewhere = at_desk(cast, "li"), at_desk(cast, "li")
    given = {"present": "wrong", "password": OTHER, "again": OTHER}
    assert "当前密码不正确" in words(li.post("/account/password/", given))
    done = li.post("/account/password/", {**given, "present": PASSWORD}, follow=True)
    assert "密码已修改" in words(done)
    assert elsewhere.get("/cases/").status_code == 302
    assert User.objects.get(pk=cast.user("li").pk).check_password(OTHER)


def test_guessing_the_present_password_is_locked(cast: Cast) -> None:
    li = at_desk(cast, "li")
    given = {"present": "wrong", "password": OTHER, "again": OTHER}
    got = [li.post("/account/password/", given).status_code for _n in range(5)]
    assert got == [200, 200, 200, 200, 429]
    assert li.post("/account/password/", {**given, "present": PASSWORD}).status_code == 429


def test_another_app_needs_a_code_of_the_present_one(cast: Cast) -> None:
    li, elsewhere = at_desk(cast, "li"), at_desk(cast, "li")
    user, path = cast.user("li"), "/account/authenticator/"
    assert "更换身份验证器" in li.page(path)
    new = first_code(user)
    assert "不正确" in words(li.post(path, {"present": "x", "code": new}))
    # A new app that shows something else costs no code of the present one.
    present = code_of(user)
    assert "不正确" in words(li.post(path, {"present": present, "code": "no"}))
    Authenticator.objects.update(throttling_failure_timestamp=None)
    assert "保存恢复码" in words(li.post(path, {"present": present, "code": new}))
    assert li.get("/cases/").status_code == 200
    assert elsewhere.get("/cases/").status_code == 302
    assert Authenticator.objects.get(user=user).bin_key != APP_KEY
    assert "还剩 10 个" in li.page("/account/")


def test_new_recovery_codes_need_a_present_code(cast: Cast) -> None:
    old = second_factor.new_codes(cast.user("li"))
    li = at_desk(cast, "li")
    assert "请填写验证码" in words(li.post("/account/recovery-codes/"))
    assert "不正确" in words(li.post("/account/recovery-codes/", {"present": "x"}))
    done = words(li.post("/account/recovery-codes/", {"present": code_of(cast.user("li"))}))
    new = re.findall(r"\b[a-z2-7]{5}-[a-z2-7]{5}\b", done)
    assert len(new) == 10
    assert not set(new) & set(old)


def test_the_other_sessions_can_be_ended(cast: Cast) -> None:
    li, elsewhere, liu = at_desk(cast, "li"), at_desk(cast, "li"), at_desk(cast, "liu")
    assert "已全部退出" in words(li.post("/account/sessions/others/end/", follow=True))
    assert li.get("/cases/").status_code == 200
    assert elsewhere.get("/cases/")["Location"] == "/signin/?next=/cases/"
    assert liu.get("/cases/").status_code == 200
