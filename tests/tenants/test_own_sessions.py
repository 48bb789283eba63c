"""登录设备: an account's owner sees and ends its sessions; nobody else's, whatever mark is guessed."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tenants import browsers, crossing, own_sessions, second_factor, sessions
from tenants.crossing import Desk
from tenants.models import Session
from tenants.session_store import SessionStore
from tests.cast import APPLICANTS, PASSWORD, Cast
from tests.intake.desk import browser, captcha, entered, set_password
from tests.review.desks import at_desk, words

pytestmark = pytest.mark.django_db

EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)
WECHAT = (
    "Mozilla/5.0 (Linux; Android 14; 23127PN0CC) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0"
    " Chrome/116.0.0.0 Mobile Safari/537.36 XWEB/1160065 MMWEBSDK/20231202 MicroMessenger/8.0.47"
)
LIST = "/account/sessions/"


def at(cast: Cast, desk: str, number: int = 0) -> Client:
    """A browser of one account of this desk, and one more of another account (number 1)."""
    if desk == "applicant":
        return entered((cast.zhang, cast.sun)[number])
    return at_desk(cast, {"agency": ("li", "liu"), "authority": ("zhou", "feng")}[desk][number])


def marks(client: Client) -> list[str]:
    """The sessions that the page offers to end."""
    return re.findall(r"/account/sessions/(\w{32})/end/", client.get(LIST).content.decode())


def key_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def is_in(client: Client) -> bool:
    return client.get(LIST).status_code == 200


DESKS = pytest.mark.parametrize("desk", ["applicant", "agency", "authority"])


# --- Seen ------------------------------------------------------------------------------------------------


@DESKS
def test_the_page_lists_my_sessions_and_nobody_elses(cast: Cast, desk: str) -> None:
    here, mine, foreign = at(cast, desk), at(cast, desk), at(cast, desk, 1)
    answer = here.get(LIST)
    assert len(answer.context["sessions"]) == 2
    assert [one.here for one in answer.context["sessions"]] == [True, False]
    assert words(answer).count("本次登录") == 1
    assert len(marks(mine)) == 1
    assert marks(foreign) == []
    page = answer.content.decode()
    assert [key for key in (key_of(here), key_of(mine), key_of(foreign)) if key in page] == []
    assert "no-store" in answer["Cache-Control"]


def test_it_says_since_when_with_what_and_whence_and_no_more(cast: Cast) -> None:
    zhang = browser()
    zhang.defaults.update(HTTP_USER_AGENT=EDGE, REMOTE_ADDR="203.0.113.77")
    set_password(cast.zhang)
    given = {"document_type": "01", "number": APPLICANTS["zhang"].number, "password": PASSWORD}
    assert zhang.post("/", {**given, **captcha(zhang, "/")}).status_code == 302
    (one,) = zhang.get(LIST).context["sessions"]
    assert (one.browser, one.address, one.elsewhere) == ("Edge · Windows", "203.0.*.*", False)
    assert abs((datetime.now(UTC) - one.since).total_seconds()) < 60
    held = Session.objects.get(pk=key_of(zhang)).get_decoded()
    assert "203.0.113.77" not in str(held)
    assert "AppleWebKit" not in str(held)


@pytest.mark.parametrize(
    ("user_agent", "called"),
    [
        (EDGE, "Edge · Windows"),
        (IPHONE, "Safari · iPhone"),
        (WECHAT, "微信 · 安卓"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · Linux"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18 Safari/605", "Safari · macOS"),
        ("Mozilla/5.0 (Linux; HarmonyOS; ALN-AL00) Chrome/114 HuaweiBrowser/15", "华为浏览器 · 鸿蒙"),
        ("curl/8.5.0", "未知浏览器"),
        ("", "未知浏览器"),
        ("<script>alert(1)</script>" * 1000, "未知浏览器"),
    ],
)
def test_a_browser_is_called_by_words_of_the_table_only(user_agent: str, called: str) -> None:
    assert browsers.in_words(*browsers.names_of(user_agent)) == called


def test_names_that_the_table_no_longer_has_are_unknown() -> None:
    assert browsers.in_words("netscape", "beos") == "未知浏览器"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("203.0.113.77", "203.0.*.*"),
        ("10.1.2.3", "10.1.*.*"),
        ("2001:db8:1:2::3", "2001:0db8:*"),
        ("::ffff:203.0.113.77", "203.0.*.*"),
        ("", ""),
        ("nowhere", ""),
    ],
)
def test_an_address_shows_its_network_only(address: str, shown: str) -> None:
    assert own_sessions.masked(address) == shown


def test_what_would_open_no_page_is_not_listed(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    li, old, gone = at_desk(cast, "li"), at_desk(cast, "li"), at_desk(cast, "li")
    assert len(marks(li)) == 2
    row = Session.objects.get(pk=key_of(old))
    held = row.get_decoded()
    held[sessions.SEEN_KEY] -= settings.SESSION_COOKIE_AGE
    row.session_data = Session.objects.encode(held)
    row.save()
    held = Session.objects.get(pk=key_of(gone)).get_decoded()
    held[second_factor.MARK_KEY] = [cast.user("li").pk, "another"]
    Session.objects.filter(pk=key_of(gone)).update(session_data=Session.objects.encode(held))
    assert marks(li) == []


def test_the_list_costs_no_more_queries_with_more_sessions(cast: Cast) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert li.get(LIST).status_code == 200
        return len(queries)

    li = at_desk(cast, "li")
    asked()
    one = asked()
    for _n in range(5):
        at_desk(cast, "li")
    assert asked() == one


# --- Ended -----------------------------------------------------------------------------------------------


@DESKS
def test_it_is_asked_first_and_the_question_ends_nothing(cast: Cast, desk: str) -> None:
    here, mine, foreign = at(cast, desk), at(cast, desk), at(cast, desk, 1)
    (mark,) = marks(here)
    one = here.get(f"{LIST}{mark}/end/")
    assert ("退出这个登录？" in words(one), one.status_code) == (True, 200)
    every = here.get(f"{LIST}others/end/")
    assert "还有 1 个登录将全部退出" in words(every)
    assert all("no-store" in answer["Cache-Control"] for answer in (one, every))
    # Another account's question about this mark says no more than about one that never was.
    asked = [foreign.get(f"{LIST}{guess}/end/") for guess in (mark, "0" * 32)]
    assert [(answer.status_code, answer["Location"]) for answer in asked] == [(302, LIST)] * 2
    assert [is_in(client) for client in (here, mine, foreign)] == [True] * 3


@DESKS
def test_one_is_ended_at_once_and_the_others_go_on(cast: Cast, desk: str) -> None:
    here, ended, foreign = at(cast, desk), at(cast, desk), at(cast, desk, 1)
    # It stands in the cache as well.
    assert is_in(ended)
    answer = here.post(f"{LIST}{marks(here)[0]}/end/", follow=True)
    assert "该设备上的登录已退出" in words(answer)
    assert [is_in(client) for client in (here, ended, foreign)] == [True, False, True]
    assert not Session.objects.filter(pk=key_of(ended)).exists()


@DESKS
def test_an_ended_session_does_not_come_back_by_being_used(cast: Cast, desk: str) -> None:
    here, ended = at(cast, desk), at(cast, desk)
    assert is_in(ended)
    here.post(f"{LIST}{marks(here)[0]}/end/")
    for _n in range(2):
        assert ended.get(LIST).status_code == 302
    assert marks(here) == []


@DESKS
def test_nobody_ends_the_session_of_somebody_else(cast: Cast, desk: str) -> None:
    mine, other, foreign = at(cast, desk), at(cast, desk), at(cast, desk, 1)
    guessed = [*marks(mine), *marks(other), own_sessions._mark(Session(pk=key_of(mine))), "0" * 32, "x"]
    before = Session.objects.count()
    for mark in guessed:
        assert "这个登录已经结束" in words(foreign.post(f"{LIST}{mark}/end/", follow=True))
    for guess in (key_of(mine), key_of(other)):
        foreign.post(f"{LIST}{guess}/end/")
    assert (Session.objects.count(), is_in(mine), is_in(other)) == (before, True, True)


@DESKS
def test_all_others_end_and_nobody_elses(cast: Cast, desk: str) -> None:
    here, one, two, foreign = (at(cast, desk), at(cast, desk), at(cast, desk), at(cast, desk, 1))
    assert "已全部退出" in words(here.post(f"{LIST}others/end/", follow=True))
    assert [is_in(client) for client in (here, one, two, foreign)] == [True, False, False, True]


@DESKS
def test_this_session_is_left_by_signing_out_only(cast: Cast, desk: str) -> None:
    here = at(cast, desk)
    mark = own_sessions._mark(Session(pk=key_of(here)))
    here.post(f"{LIST}{mark}/end/")
    assert is_in(here)


@DESKS
def test_ending_is_a_post(cast: Cast, desk: str) -> None:
    here, other = at(cast, desk), at(cast, desk)
    (mark,) = marks(here)
    assert here.put(f"{LIST}{mark}/end/").status_code == 405
    assert here.delete(f"{LIST}others/end/").status_code == 405
    strict = Client(enforce_csrf_checks=True, HTTP_HOST=here.defaults["HTTP_HOST"])
    strict.cookies = here.cookies
    assert strict.post(f"{LIST}{mark}/end/").status_code == 403
    assert is_in(other)


# --- Walls -----------------------------------------------------------------------------------------------


def test_a_session_copied_to_another_desk_stays_refused_and_is_not_touched(cast: Cast) -> None:
    clients = {desk: at(cast, desk) for desk in ("applicant", "agency", "authority")}
    before = {row.pk: row.session_data for row in Session.objects.all()}
    for home, client in clients.items():
        for desk, other in clients.items():
            if desk != home:
                copied = Client(HTTP_HOST=other.defaults["HTTP_HOST"])
                copied.cookies[settings.SESSION_COOKIE_NAME] = key_of(client)
                assert copied.get(LIST).status_code == 302, (home, desk)
    assert {row.pk: row.session_data for row in Session.objects.filter(pk__in=before)} == before


def test_the_database_itself_opens_no_session_of_another_desk(cast: Cast) -> None:
    keys = {desk: key_of(at(cast, desk)) for desk in ("applicant", "agency", "authority")}
    stranger = key_of(at_desk(cast, "he"))
    places: dict[str, Any] = {
        "applicant": (Desk.APPLICANT, None),
        "agency": (Desk.AGENCY, cast.beijing),
        "authority": (Desk.AUTHORITY, None),
    }
    for name, (desk, agency) in places.items():
        with crossing.standing(desk, agency):
            rows = Session.objects.filter(pk__in=[*keys.values(), stranger])
            assert set(rows.values_list("pk", flat=True)) == {keys[name]}, name
            for other in set(keys) - {name}:
                assert Session.objects.filter(pk=keys[other]).delete()[0] == 0
    with crossing.standing(Desk.AGENCY, cast.agencies["sinopec"]):
        assert not Session.objects.filter(pk__in=[keys["agency"], stranger]).exists()


def test_whose_and_of_which_desk_a_session_is_stands_beside_it(cast: Cast) -> None:
    li = at_desk(cast, "li")
    row = Session.objects.get(pk=key_of(li))
    assert (row.account_id, row.desk) == (cast.user("li").pk, "agency:beijing")
    li.post("/signout/")
    assert not Session.objects.filter(account_id=cast.user("li").pk).exists()


def test_the_address_is_that_of_the_visitor_and_not_of_the_proxy(cast: Cast, settings: Any) -> None:
    settings.PROXY_COUNT = 1
    request = HttpRequest()
    request.META.update(REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="1.1.1.1, 198.51.100.9")
    request.desk, request.agency = "applicant", None  # type: ignore[attr-defined]
    request.session = SessionStore()
    own_sessions.begin(request)
    assert request.session[own_sessions.PLACE_KEY]["address"] == "198.51.*.*"
