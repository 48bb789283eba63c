"""我的资料: how I am reached, my password, what is kept about me and who looked at my number."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from intake import account, contact
from intake.flows import Section
from intake.models import Application
from notifications import sending, tasks
from notifications.models import Outbox
from register.models import Kind
from tenants import access, crossing
from tenants.crossing import Desk
from tenants.models import User
from tests import factories
from tests.cast import APPLICANTS, PASSWORD, Cast
from tests.intake.desk import (
    PERSONAL,
    REGISTRATION,
    browser,
    entered,
    filled,
    posted,
    signed_in,
    started,
    words,
)

pytestmark = pytest.mark.django_db

CONTACT = {
    "mobile": "13900001234",
    "email": "zhang@example.cn",
    "phone": "010-12345678",
    "address": "示例路1号",
    "postcode": "100020",
}


@pytest.fixture
def client(cast: Cast) -> Client:
    """Zhang's browser."""
    return signed_in(cast.zhang, APPLICANTS["zhang"].number)


@pytest.fixture
def zhang(cast: Cast, client: Client) -> User:
    """Zhang's account, with a confirmed address."""
    User.objects.filter(pk=cast.zhang.user_id).update(
        email="old@example.cn", email_verified=True, phone="13800005678", phone_verified=True
    )
    return User.objects.get(pk=cast.zhang.user_id)


def kinds_posted() -> list[str]:
    return list(Outbox.objects.order_by("pk").values_list("kind", flat=True))


# --- Contact data ------------------------------------------------------------------------------------


def test_contact_data_are_kept_on_the_account_where_notices_look(cast: Cast, client: Client) -> None:
    answer = client.post("/account/", CONTACT, follow=True)
    assert "联系方式已保存。" in words(answer.content)
    assert "验证邮件已发送到 zhang@example.cn" in words(answer.content)
    user = User.objects.get(pk=cast.zhang.user_id)
    assert contact.contact_of(user) == CONTACT
    assert (user.email_verified, user.phone_verified) == (False, False)
    assert kinds_posted() == ["contact_changed", "email_link"]


@pytest.mark.parametrize(
    ("name", "typed", "kept"),
    [
        ("mobile", "＋８６ 139-0000-1234", "13900001234"),
        ("email", " zhang@example.cn ", "zhang@example.cn"),
        ("phone", "（010）12345678", "010-12345678"),
        ("address", "示例路\n 1号", "示例路 1号"),
        ("postcode", "１０００２０", "100020"),
    ],
)
def test_they_are_made_uniform_as_in_an_application(
    cast: Cast, client: Client, name: str, typed: str, kept: str
) -> None:
    client.post("/account/", {**CONTACT, name: typed})
    assert contact.contact_of(User.objects.get(pk=cast.zhang.user_id))[name] == kept


@pytest.mark.parametrize(
    ("name", "typed", "message"),
    [
        ("mobile", "12345678901", "手机号码应为 11 位数字，以 13 至 19 开头。"),
        ("email", "zhang", "请填写有效的电子邮箱"),
        ("phone", "abc", "联系电话应为手机号码"),
        ("postcode", "12345", "邮政编码应为 6 位数字。"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_saved(
    cast: Cast, client: Client, name: str, typed: str, message: str
) -> None:
    page = words(client.post("/account/", {**CONTACT, name: typed}).content)
    assert message in page
    assert contact.contact_of(User.objects.get(pk=cast.zhang.user_id)) == {}


def test_one_way_to_be_reached_is_needed(client: Client) -> None:
    page = words(client.post("/account/", {**CONTACT, "mobile": "", "email": ""}).content)
    assert "手机号码和电子邮箱至少填写一项。" in page


def test_what_did_not_change_stays_confirmed_and_is_no_news(client: Client, zhang: User) -> None:
    same = {"mobile": zhang.phone, "email": "OLD@example.cn", "address": "示例路2号"}
    client.post("/account/", {**CONTACT, **same})
    zhang.refresh_from_db()
    assert (zhang.email_verified, zhang.phone_verified, zhang.address) == (True, True, "示例路2号")
    assert kinds_posted() == []


def test_a_confirmed_address_is_replaced_by_its_owner_only(client: Client, zhang: User) -> None:
    tries: dict[str, str] = {}
    for password in ("", "Wrong-pass-1", PASSWORD):
        answer = client.post("/account/", {**CONTACT, "password": password})
        zhang.refresh_from_db()
        tries[password] = f"{answer.status_code} {zhang.email} {zhang.email_verified}"
    assert tries == {
        "": "200 old@example.cn True",
        "Wrong-pass-1": "200 old@example.cn True",
        PASSWORD: "302 zhang@example.cn False",
    }


def test_a_replaced_address_is_told_so_once_and_not_by_which(client: Client, zhang: User) -> None:
    client.post("/account/", {**CONTACT, "password": PASSWORD})
    assert kinds_posted() == ["contact_changed", "address_replaced", "email_link"]
    tasks.deliver()
    sending.send_out("email")
    (letter,) = [one for one in mail.outbox if one.to == ["old@example.cn"]]
    assert letter.subject == "您的电子邮箱已更换"
    assert CONTACT["email"] not in f"{letter.subject}{letter.body}"
    assert [one.to for one in mail.outbox if one is not letter] == [[CONTACT["email"]]]


def test_an_address_that_nobody_confirmed_gets_no_letter_when_it_is_replaced(
    client: Client, zhang: User
) -> None:
    User.objects.filter(pk=zhang.pk).update(email_verified=False)
    client.post("/account/", CONTACT)
    assert kinds_posted() == ["contact_changed", "email_link"]


def test_a_confirmed_address_that_is_taken_out_is_told_too(client: Client, zhang: User) -> None:
    client.post("/account/", {**CONTACT, "email": "", "password": PASSWORD})
    assert kinds_posted() == ["contact_changed", "address_replaced"]


def test_nobody_guesses_the_password_here(client: Client, zhang: User) -> None:
    answers = [
        client.post("/account/", {**CONTACT, "password": f"Wrong-pass-{n}"}).status_code for n in range(6)
    ]
    assert answers[:4] == [200] * 4
    assert answers[4:] == [429] * 2
    zhang.refresh_from_db()
    assert zhang.email == "old@example.cn"


def test_the_letter_can_be_asked_for_again(cast: Cast, client: Client) -> None:
    User.objects.filter(pk=cast.zhang.user_id).update(email="zhang@example.cn")
    page = client.get("/account/").content.decode()
    assert "未验证" in page
    assert "发送验证邮件" in page
    client.post("/account/verification/")
    assert kinds_posted() == ["email_link"]


def test_a_confirmed_address_says_so_and_is_not_asked_again(client: Client, zhang: User) -> None:
    page = words(client.get("/account/").content)
    assert "已验证" in page
    assert "发送验证邮件" not in page
    assert "该电子邮箱已经确认。" in words(client.post("/account/verification/", follow=True).content)
    assert kinds_posted() == []


# --- Contact data and applications -------------------------------------------------------------------


def test_a_new_application_begins_with_the_contact_data_of_the_account(cast: Cast, client: Client) -> None:
    client.post("/account/", CONTACT)
    with cast.at_applicants_desk(cast.zhang):
        cast.zhang.refresh_from_db()
        draft = started(cast.zhang)
    assert CONTACT.items() <= draft.sections["personal"].items()


def test_one_already_begun_keeps_its_own(cast: Cast, client: Client) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
    client.post("/account/", CONTACT)
    kept = Application.objects.get(pk=draft.pk).sections["personal"]
    assert (kept["mobile"], kept["email"]) == (PERSONAL["mobile"], PERSONAL["email"])
    assert f"/applications/{draft.pk}/steps/personal/" in client.get("/account/").content.decode()


def test_what_is_typed_in_an_application_fills_what_the_account_lacks(cast: Cast, client: Client) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = started(cast.zhang)
    typed = {**posted(Section.PERSONAL, PERSONAL), **posted(Section.REGISTRATION, REGISTRATION)}
    client.post(f"/applications/{draft.pk}/steps/personal/", {**typed, "go": "next"})
    user = User.objects.get(pk=cast.zhang.user_id)
    assert (user.phone, user.email, user.email_verified) == (PERSONAL["mobile"], PERSONAL["email"], False)
    assert kinds_posted() == ["email_link"]


def test_it_changes_nothing_that_the_account_knows(cast: Cast, client: Client, zhang: User) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = started(cast.zhang)
    typed = {**posted(Section.PERSONAL, PERSONAL), **posted(Section.REGISTRATION, REGISTRATION)}
    typed |= {"personal-mobile": "13700001111"}
    client.post(f"/applications/{draft.pk}/steps/personal/", {**typed, "go": "next"})
    zhang.refresh_from_db()
    assert (zhang.phone, zhang.email, zhang.email_verified) == ("13800005678", "old@example.cn", True)


# --- Password ----------------------------------------------------------------------------------------

NEW = "Another-pass-2"


def change(client: Client, present: str = PASSWORD, new: str = NEW, again: str = "") -> Any:
    given = {"present": present, "password": new, "again": again or new}
    return client.post("/account/password/", given)


def test_a_changed_password_ends_all_other_sessions_but_not_this_one(cast: Cast, client: Client) -> None:
    other = signed_in(cast.zhang, APPLICANTS["zhang"].number, new_password=False)
    assert other.get("/home/").status_code == 200
    assert change(client)["Location"] == "/account/"
    assert client.get("/home/").status_code == 200
    assert other.get("/home/").status_code == 302
    assert User.objects.get(pk=cast.zhang.user_id).check_password(NEW)
    assert kinds_posted() == ["new_device", "password_changed"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"present": "Wrong-pass-1"}, "当前密码不正确，请重新输入。"),
        ({"new": "short1A"}, "密码至少需要 8 个字符。"),
        ({"new": "alllowercase"}, "至少三类"),
        ({"new": PASSWORD}, "新密码不能与当前密码相同。"),
        ({"again": "Another-pass-3"}, "两次输入的密码不一致"),
    ],
)
def test_a_password_that_will_not_do(cast: Cast, client: Client, given: dict[str, str], message: str) -> None:
    assert message in words(change(client, **given).content)
    assert User.objects.get(pk=cast.zhang.user_id).check_password(PASSWORD)


def test_the_present_password_is_not_guessed(cast: Cast, client: Client) -> None:
    answers = [change(client, present=f"Wrong-pass-{n}").status_code for n in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    assert change(client).status_code == 429
    assert User.objects.get(pk=cast.zhang.user_id).check_password(PASSWORD)


# --- What is kept ------------------------------------------------------------------------------------


def test_what_is_kept_is_listed_with_why_and_how_long(cast: Cast, client: Client) -> None:
    factories.registration(cast.zhang, cast.beijing, number="26110000001")
    with cast.at_applicants_desk(cast.zhang):
        draft = started(cast.zhang, Kind.CHANGE)
    page = words(client.get("/account/").content)
    for told in (
        cast.zhang.name,
        cast.zhang.document_mask,
        APPLICANTS["zhang"].certificate,
        "26110000001",
        draft.reference,
        "连续 180 天没有修改的，自动删除",
        "办理注册、公告和查询注册状态",
    ):
        assert told in page
    assert APPLICANTS["zhang"].number not in page


def test_it_can_be_taken_along_without_the_full_number(cast: Cast, client: Client) -> None:
    with cast.at_applicants_desk(cast.zhang):
        filled(cast.zhang, cast.beijing)
    answer = client.get("/account/my-data.json")
    assert answer["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert "no-store" in answer["Cache-Control"]
    text = answer.content.decode()
    assert APPLICANTS["zhang"].number not in text
    told = json.loads(text)
    assert (told["name"], told["document"]["number"]) == (cast.zhang.name, cast.zhang.document_mask)
    assert told["applications"][0]["sections"]["employer"]["name"] == "北京示例化工有限公司"


def test_the_devices_of_this_account_are_among_what_is_kept(cast: Cast, client: Client) -> None:
    entered(cast.zhang)
    entered(cast.sun)
    told = json.loads(client.get("/account/my-data.json").content)["devices"]
    assert [set(one) for one in told] == [{"browser", "address", "since", "seen"}] * 2
    assert "退出登录或者超时后即删除" in client.get("/account/").content.decode()


def test_nobody_sees_anybody_elses(cast: Cast, client: Client) -> None:
    with cast.at_applicants_desk(cast.sun):
        theirs = filled(cast.sun, cast.beijing)
    for path in ("/account/", "/account/my-data.json"):
        page = client.get(path).content.decode()
        assert theirs.reference not in page
        assert APPLICANTS["sun"].certificate not in page
        assert cast.sun.document_mask not in page


@pytest.mark.parametrize("path", ["/account/", "/account/password/", "/account/my-data.json"])
def test_strangers_sign_in_first(cast: Cast, path: str) -> None:
    assert browser().get(path)["Location"] == f"/?next={path}"


# --- Who looked at the number ------------------------------------------------------------------------


def looked(cast: Cast, person: str, reason: str) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        access.record_look(by=cast.user("li"), person_id=cast.people[person].pk, reason=reason)


def test_each_look_at_the_full_number_is_told_with_agency_and_reason(cast: Cast, client: Client) -> None:
    assert "还没有人查看过" in words(client.get("/account/").content)
    looked(cast, "zhang", "与原件核对")
    looked(cast, "sun", "别人的理由")
    page = words(client.get("/account/").content)
    assert cast.beijing.name_zh in page
    assert "与原件核对" in page
    assert "别人的理由" not in page


def test_who_it_was_is_not_told(cast: Cast, client: Client) -> None:
    looked(cast, "zhang", "与原件核对")
    for path in ("/account/", "/account/my-data.json"):
        page = client.get(path).content.decode()
        assert cast.user("li").name not in page
        assert cast.user("li").username not in page


def test_a_long_list_shows_the_latest(cast: Cast, client: Client) -> None:
    for n in range(account.LOOKS_SHOWN + 2):
        looked(cast, "zhang", f"第 {n} 次核对")
    page = words(client.get("/account/").content)
    assert "只列出最近的记录。" in page
    assert "第 0 次核对" not in page
    assert f"第 {account.LOOKS_SHOWN + 1} 次核对" in page


def test_my_data_stand_in_the_function_menu(client: Client) -> None:
    assert 'href="/account/"' in client.get("/home/").content.decode()
