"""The authority's administrator: its own staff invited, and the way back in for an agency's only manager."""

from __future__ import annotations

import re
from typing import Final

import pytest
from django.test import Client

from notifications.models import Outbox
from tenants import crossing, roles
from tenants.crossing import Desk
from tenants.models import Authenticator, SettingChange, User
from tests.cast import Cast
from tests.review.desks import at_desk, words

pytestmark = pytest.mark.django_db


def path_of(cast: Cast, name: str, agency: str = "beijing") -> str:
    return f"/agencies/{agency}/managers/{cast.user(name).pk}/second-factor/"


def test_the_only_manager_of_an_agency_is_let_back_in(cast: Cast) -> None:
    feng, chen = at_desk(cast, "feng"), cast.user("chen")
    assert "重置陈管理的第二因素" in feng.page(path_of(cast, "chen"))
    assert "第二因素已重置，并通知本人" in words(feng.post(path_of(cast, "chen"), follow=True))
    with crossing.standing(Desk.OWNER):
        chen.refresh_from_db()
        assert (chen.second_factor_mark, Authenticator.objects.filter(user=chen).count()) == ("", 0)
        change = SettingChange.objects.get(field="second_factor")
        assert (change.agency, change.user, change.before) == (cast.beijing, cast.user("feng"), chen.username)
        told = Outbox.objects.get(kind="staff_factor_reset")
        assert (told.user_id, told.data["by"]) == (chen.pk, "冯管理")
    assert "该账号没有第二因素" in words(feng.post(path_of(cast, "chen"), follow=True))


def test_where_another_manager_is_able_nothing_is_reset(cast: Cast) -> None:
    other = User.objects.create_staff(username="dong.beijing", name="董管理", home=cast.beijing)
    other.set_password("Synthetic-pass-2")
    other.second_factor_mark = "an app"
    other.save()
    roles.grant(user=other, agency=cast.beijing, role="manager", by=None)
    said = words(at_desk(cast, "feng").post(path_of(cast, "chen"), follow=True))
    assert "另有能够登录的管理员" in said
    cast.user("chen").refresh_from_db()
    assert cast.user("chen").second_factor_mark != ""


def test_only_managers_and_only_by_the_administrator(cast: Cast) -> None:
    feng = at_desk(cast, "feng")
    assert "该人员不是这家机构的管理员" in words(feng.post(path_of(cast, "li"), follow=True))
    # Somebody of another agency, and of the authority itself, is not found.
    assert feng.post(path_of(cast, "he")).status_code == 404
    assert feng.post(path_of(cast, "zhao", "authority")).status_code == 404
    for who in ("zhao", "qian", "zhou", "wei"):
        assert at_desk(cast, who).post(path_of(cast, "chen")).status_code == 404
    with crossing.standing(Desk.OWNER):
        assert SettingChange.objects.filter(field="second_factor").count() == 0


# --- The authority's own staff ---------------------------------------------------------------------------


WORDS: Final = {
    "final_reviewer": "终审员",
    "signing_officer": "签批人",
    "registrar": "注册登记员",
    "authority_auditor": "终审机构审计员",
}


def test_somebody_invited_sets_both_factors_and_lands_in_the_docket(cast: Cast) -> None:
    feng = at_desk(cast, "feng")
    data = {"name": "新示例", "username": "new.one", "email": "", "phone": "", "roles": ["final_reviewer"]}
    page = feng.post("/people/new/", data).content.decode()
    found = re.search(r"http://[^/]+(/invitations/[^\s\"<]+)", page)
    assert found, words(feng.get("/people/"))
    client = Client(HTTP_HOST="authority.localhost")
    asked = client.get(found[1], follow=True)
    answer = client.post(
        asked.request["PATH_INFO"],
        {"password": "Fresh-synthetic-9", "again": "Fresh-synthetic-9"},
        follow=True,
    )
    with crossing.standing(Desk.OWNER):
        account = User.objects.get(username="new.one")
        assert account.has_usable_password(), words(answer)
    if "authenticator" not in answer.request["PATH_INFO"]:
        entered = {"username": account.username, "password": "Fresh-synthetic-9"}
        answer = client.post("/signin/", entered, follow=True)
    assert answer.request["PATH_INFO"] == "/signin/authenticator/", words(answer)
    with crossing.standing(Desk.OWNER):
        code = Authenticator.objects.get(user=account).next_code()
    done = client.post("/signin/authenticator/", {"code": code}, follow=True)
    assert done.status_code == 200
    landed = client.get("/", follow=True)
    assert "登记簿" in words(landed), words(landed)


def test_every_duty_of_the_authority_can_be_given_to_somebody_new(cast: Cast) -> None:
    feng = at_desk(cast, "feng")
    for role in WORDS:
        data = {"name": "新示例", "username": f"new.{role}", "email": "", "phone": "", "roles": [role]}
        answer = feng.post("/people/new/", data)
        assert "/invitations/" in answer.content.decode(), words(answer)
    page = feng.page("/people/")
    for role, word in WORDS.items():
        account = User.objects.get(username=f"new.{role}")
        assert (roles.roles_of(account, cast.authority), word in page) == (frozenset({role}), True)
    for name in ("zhao", "qian", "zhou", "wei"):
        assert "登记簿" in words(at_desk(cast, name).get("/", follow=True)), name


def test_duties_stay_apart(cast: Cast) -> None:
    data = {
        "name": "新示例",
        "username": "new.both",
        "email": "",
        "phone": "",
        "roles": ["final_reviewer", "administrator"],
    }
    page = words(at_desk(cast, "feng").post("/people/new/", data))
    assert str(roles.DUTIES_MEET)[:12] in page
    with crossing.standing(Desk.OWNER):
        assert not User.objects.filter(username="new.both").exists()
