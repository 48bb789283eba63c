"""How long a session lasts, and what its end leaves behind."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.db import OperationalError
from django.test import Client
from django.utils.translation import override

from tenants import crossing, sessions
from tenants.crossing import Desk
from tenants.models import Session
from tenants.session_store import SessionStore
from tenants.tasks import clear_sessions
from tests.cast import APPLICANTS, Cast
from tests.intake.desk import browser, signed_in
from tests.review.desks import sign_in

pytestmark = pytest.mark.django_db
BACKGROUND = {"X-Requested-With": "XMLHttpRequest"}
WHOLE = settings.SESSION_COOKIE_AGE


class Watch:
    """The time of day as sessions see it; nobody waits half an hour in a test."""

    def __init__(self) -> None:
        self.now = time.time()

    def time(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """A clock for sessions alone."""
    held = Watch()
    monkeypatch.setattr(sessions, "time", held)
    return held  # type: ignore[return-value]


@pytest.fixture
def li(cast: Cast) -> Client:
    """Li's browser at the agency's desk."""
    client = Client(headers={"host": "beijing.localhost"})
    sign_in(client, cast.user("li"))
    return client


def left(client: Client) -> int:
    """What an open page is told."""
    seconds: int = client.get("/session/", headers=BACKGROUND).json()["left"]
    return seconds


# --- How long ----------------------------------------------------------------------------------------


def test_a_session_lasts_from_its_last_use(watch: Watch, li: Client) -> None:
    assert left(li) == WHOLE
    watch.passes(WHOLE - 1)
    assert left(li) == 1
    assert li.get("/cases/").status_code == 200
    assert left(li) == WHOLE


def test_when_its_time_is_over_it_has_ended_and_nothing_of_it_is_left(watch: Watch, li: Client) -> None:
    key = li.cookies["sessionid"].value
    watch.passes(WHOLE)
    assert li.get("/cases/")["Location"] == "/signin/?next=/cases/"
    assert not Session.objects.filter(pk=key).exists()
    assert left(li) == 0


def test_what_a_page_does_in_the_background_is_no_use(watch: Watch, li: Client) -> None:
    for _minute in range(29):
        watch.passes(60)
        assert li.get("/notices/board", headers=BACKGROUND).status_code in (200, 304)
    assert left(li) == WHOLE - 29 * 60
    watch.passes(60)
    assert li.get("/cases/").status_code == 302


def test_what_is_written_in_the_background_does_not_prolong_it_either(watch: Watch, li: Client) -> None:
    watch.passes(WHOLE - 10)
    session = li.session
    session["something"] = 1
    session.save()
    watch.passes(10)
    assert li.get("/cases/").status_code == 302


def test_the_button_of_the_warning_lets_it_go_on(watch: Watch, li: Client) -> None:
    watch.passes(WHOLE - 60)
    assert left(li) == 60
    assert li.post("/session/").json()["left"] == WHOLE
    watch.passes(WHOLE - 1)
    assert li.get("/cases/").status_code == 200


def test_two_windows_of_a_browser_agree(watch: Watch, li: Client) -> None:
    watch.passes(WHOLE - 60)
    other = Client(headers={"host": "beijing.localhost"})
    other.cookies = li.cookies
    other.get("/cases/")
    assert left(li) == WHOLE


def test_use_is_written_at_most_six_times_in_its_length(watch: Watch, li: Client) -> None:
    written = set()
    for _minute in range(29):
        watch.passes(60)
        li.get("/cases/")
        written.add(li.session[sessions.SEEN_KEY])
    assert len(written) <= 6


# --- What an open page is told -----------------------------------------------------------------------


def test_a_page_tells_when_its_session_ends_and_how_long_before_it_warns(watch: Watch, li: Client) -> None:
    page = li.get("/cases/").content.decode()
    assert f'data-left="{WHOLE}"' in page
    assert 'data-warning="120"' in page
    assert 'role="alertdialog"' in page
    assert "alertdialog" not in browser().get("/").content.decode()


@pytest.mark.parametrize(("whole", "warning"), [(1800, 120), (360, 120), (60, 20)])
def test_a_short_session_warns_shortly(whole: int, warning: int, settings: pytest.FixtureRequest) -> None:
    settings.SESSION_COOKIE_AGE = whole  # type: ignore[attr-defined]
    assert sessions.seconds_of_warning() == warning


def test_a_page_left_open_sees_that_somebody_else_has_signed_in(cast: Cast) -> None:
    zhang = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    sun = signed_in(cast.sun, APPLICANTS["sun"].number)
    again = signed_in(cast.zhang, APPLICANTS["zhang"].number, new_password=False)
    marks = [client.get("/session/").json()["whose"] for client in (zhang, sun, again, browser())]
    assert marks[0] == marks[2] != marks[1]
    assert marks[3] == ""
    assert str(cast.zhang.user_id) not in marks[0]


def test_whose_password_was_changed_elsewhere_is_no_longer_signed_in(cast: Cast) -> None:
    zhang = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    cast.zhang.user.set_password("Another-pass-2")
    cast.zhang.user.save()
    assert left(zhang) == 0


def test_forms_of_an_open_page_get_a_token_that_serves_them(cast: Cast) -> None:
    zhang = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    strict = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
    strict.cookies = zhang.cookies
    token = strict.get("/session/", headers=BACKGROUND).json()["token"]
    assert strict.post("/session/").status_code == 403
    assert strict.post("/session/", headers={"X-CSRFToken": token}).status_code == 200


# --- What is left behind -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/home/", "/history/", "/notices/", "/account/"])
def test_after_signing_out_the_back_button_shows_nothing(cast: Cast, path: str) -> None:
    zhang = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    assert "no-store" in zhang.get(path)["Cache-Control"]
    zhang.post("/signout/")
    assert zhang.get(path).status_code == 302


def test_staff_pages_are_kept_by_no_cache(li: Client) -> None:
    assert "no-store" in li.get("/cases/")["Cache-Control"]
    assert "Cache-Control" not in browser().get("/privacy/")


def test_sessions_that_ended_are_deleted_with_whatever_was_held_in_them(li: Client) -> None:
    gone = SessionStore()
    gone["held"] = "sealed"
    gone.set_expiry(-1)
    gone.save()
    with crossing.standing(Desk.CLERK):
        clear_sessions()
    assert list(Session.objects.values_list("pk", flat=True)) == [li.cookies["sessionid"].value]


# --- Language and look -------------------------------------------------------------------------------


def test_the_language_is_kept_on_the_account_and_survives_signing_in(cast: Cast) -> None:
    client = browser()
    client.post("/language/", {"language": "en", "next": "/"})
    client.post("/appearance/", {"size": "large", "next": "/"})
    client.post("/appearance/", {"contrast": "high", "next": "/"})
    chosen = {name: client.cookies[name].value for name in ("language", "size", "contrast")}
    zhang = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    zhang.cookies.load(chosen)
    page = zhang.get("/home/").content.decode()
    assert '<html lang="en" class="large contrast">' in page
    zhang.post("/language/", {"language": "en", "next": "/home/"})
    cast.zhang.user.refresh_from_db()
    assert cast.zhang.user.language == "en"
    with override("en"):
        assert zhang.get("/home/").status_code == 200


def test_a_language_that_is_not_spoken_here_is_not_kept(cast: Cast) -> None:
    zhang = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    zhang.post("/language/", {"language": "tlh", "next": "/home/"})
    cast.zhang.user.refresh_from_db()
    assert cast.zhang.user.language == ""


def test_staff_keep_their_language_too(cast: Cast, li: Client) -> None:
    li.post("/language/", {"language": "en", "next": "/cases/"})
    cast.user("li").refresh_from_db()
    assert cast.user("li").language == "en"


def test_a_database_that_went_away_is_told_from_a_session_that_was_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept, ended = SessionStore(), SessionStore()
    for store in (kept, ended):
        store["seen"] = "page"
        store.create()
    Session.objects.filter(pk=ended.session_key).delete()
    with pytest.raises(UpdateError):
        ended.save()

    def gone(*_given: object, **_named: object) -> None:
        raise OperationalError("terminating connection due to administrator command")

    monkeypatch.setattr(Session, "save", gone)
    with pytest.raises(OperationalError):
        kept.save()
