"""A sign-in from a browser that the account does not know is told once, and only to its owner."""

from __future__ import annotations

import pytest
from django.test import Client

from notifications import delivery
from notifications.models import Delivery, Notice, Outbox
from tenants import crossing, devices
from tenants.crossing import Desk
from tenants.models import User
from tests.cast import APPLICANTS, PASSWORD, Cast
from tests.intake.desk import browser, captcha, set_password
from tests.review.desks import sign_in

pytestmark = pytest.mark.django_db

AGENCY, AUTHORITY = "beijing.localhost", "authority.localhost"
OTHER = "Another-pass-2026"


def let_in(cast: Cast, who: str, client: Client | None = None, *, password: str = PASSWORD) -> Client:
    """Sign in as people do, with this browser or with one that was never here."""
    if who in APPLICANTS:
        client = client or browser()
        given = {"document_type": "01", "number": APPLICANTS[who].number, "password": password}
        assert client.post("/", {**given, **captcha(client, "/")}).status_code == 302
        return client
    client = client or Client(HTTP_HOST=AGENCY if who == "li" else AUTHORITY)
    assert sign_in(client, cast.user(who), password=password).status_code == 302
    return client


def out(client: Client) -> Client:
    client.post("/signout/")
    return client


def told(cast: Cast, who: str) -> int:
    return Outbox.objects.filter(kind="new_device", user=account(cast, who)).count()


def account(cast: Cast, who: str) -> User:
    user = getattr(cast, who).user if who in APPLICANTS else cast.user(who)
    return User.objects.get(pk=user.pk)


@pytest.fixture(autouse=True)
def _opened(cast: Cast) -> None:
    for person in (cast.zhang, cast.sun):
        set_password(person)


EVERYBODY = pytest.mark.parametrize("who", ["zhang", "li", "zhou"])


@EVERYBODY
def test_the_very_first_sign_in_is_no_news(cast: Cast, who: str) -> None:
    let_in(cast, who)
    assert Outbox.objects.filter(kind="new_device").count() == 0


@EVERYBODY
def test_a_known_browser_is_no_news_and_an_unknown_one_is_told_once(cast: Cast, who: str) -> None:
    own = let_in(cast, who)
    let_in(cast, who, out(own))
    assert told(cast, who) == 0
    second = let_in(cast, who)
    assert told(cast, who) == 1
    for client in (second, own, second):
        let_in(cast, who, out(client))
    assert told(cast, who) == 1
    assert Outbox.objects.filter(kind="new_device").count() == 1


def test_it_stands_on_the_board_and_goes_to_the_verified_address(cast: Cast) -> None:
    User.objects.filter(pk=cast.zhang.user_id).update(email="zhang@example.com", email_verified=True)
    let_in(cast, "zhang")
    let_in(cast, "zhang")
    with crossing.standing(Desk.CLERK):
        delivery.deliver_all()
    notice = Notice.objects.get(kind="new_device")
    assert (notice.user_id, notice.title_zh) == (cast.zhang.user_id, "账号在新的设备登录")
    assert notice.body_zh.startswith("您的账号于20")
    assert notice.body_zh.endswith("在新的设备登录。如非本人操作，请修改密码。")
    assert Delivery.objects.filter(outbox=notice.outbox).count() == 1


def test_a_wrong_password_tells_nothing_and_leaves_no_mark(cast: Cast) -> None:
    let_in(cast, "zhang")
    stranger = browser()
    given = {"document_type": "01", "number": APPLICANTS["zhang"].number, "password": "Wrong-pass-1"}
    assert stranger.post("/", {**given, **captcha(stranger, "/")}).status_code == 200
    assert (told(cast, "zhang"), devices.COOKIE in stranger.cookies) == (0, False)


def test_the_password_alone_is_no_sign_in_of_staff(cast: Cast) -> None:
    let_in(cast, "li")
    stranger = Client(HTTP_HOST=AGENCY)
    stranger.post("/signin/", {"username": cast.user("li").username, "password": PASSWORD})
    stranger.post("/signin/code/", {"code": "000000"})
    assert (told(cast, "li"), devices.COOKIE in stranger.cookies) == (0, False)


# --- The mark --------------------------------------------------------------------------------------------


def test_the_mark_names_nobody_is_read_by_no_script_and_stays_on_its_host(cast: Cast) -> None:
    client = let_in(cast, "zhang")
    cookie = client.cookies[devices.COOKIE]
    assert (cookie["httponly"], cookie["domain"], cookie["samesite"]) == (True, "", "Lax")
    assert int(cookie["max-age"]) == 400 * 24 * 3600
    user = account(cast, "zhang")
    assert devices.MARK.fullmatch(cookie.value)
    assert [word for word in (user.username, APPLICANTS["zhang"].number) if word in cookie.value] == []
    again = let_in(cast, "zhang")
    assert again.cookies[devices.COOKIE].value != cookie.value


def test_signing_out_forgets_no_browser(cast: Cast) -> None:
    client = out(let_in(cast, "zhang"))
    assert client.cookies[devices.COOKIE].value


def test_a_computer_that_many_share_knows_them_all_and_tells_none_of_the_other(cast: Cast) -> None:
    shared = out(let_in(cast, "zhang"))
    let_in(cast, "sun")
    out(let_in(cast, "sun", shared))
    # Sun had been elsewhere before: this computer was new to her, and to nobody else.
    assert (told(cast, "zhang"), told(cast, "sun")) == (0, 1)
    for who in ("zhang", "sun", "zhang"):
        out(let_in(cast, who, shared))
    assert (told(cast, "zhang"), told(cast, "sun")) == (0, 1)
    assert len(shared.cookies[devices.COOKIE].value.split(".")) == 2


@pytest.mark.parametrize(
    "sent", ["", ".", "x" * 5000, "a" * 44, ".".join(["A" * 12 + "0" * 32] * 300), "AAAAAAAAAAAA" + "0" * 32]
)
def test_a_mark_of_ones_own_making_counts_for_nothing(cast: Cast, sent: str) -> None:
    let_in(cast, "zhang")
    forged = browser()
    forged.cookies[devices.COOKIE] = sent
    let_in(cast, "zhang", forged)
    assert told(cast, "zhang") == 1


def test_the_mark_of_another_account_counts_for_nothing(cast: Cast) -> None:
    let_in(cast, "zhang")
    sun = let_in(cast, "sun")
    stolen = browser()
    stolen.cookies[devices.COOKIE] = sun.cookies[devices.COOKIE].value
    let_in(cast, "zhang", stolen)
    assert told(cast, "zhang") == 1


def test_a_new_password_voids_all_marks_but_that_of_the_browser_it_was_set_with(cast: Cast) -> None:
    own, other = let_in(cast, "zhang"), let_in(cast, "zhang")
    assert told(cast, "zhang") == 1
    given = {"present": PASSWORD, "password": OTHER, "again": OTHER}
    assert own.post("/account/password/", given)["Location"] == "/account/"
    let_in(cast, "zhang", out(own), password=OTHER)
    assert told(cast, "zhang") == 1
    let_in(cast, "zhang", other, password=OTHER)
    assert told(cast, "zhang") == 2


def test_at_a_desk_of_staff_as_well(cast: Cast) -> None:
    own, other = let_in(cast, "li"), let_in(cast, "li")
    given = {"present": PASSWORD, "password": OTHER, "again": OTHER}
    assert own.post("/account/password/", given)["Location"] == "/account/"
    let_in(cast, "li", out(own), password=OTHER)
    assert told(cast, "li") == 1
    let_in(cast, "li", other, password=OTHER)
    assert told(cast, "li") == 2
