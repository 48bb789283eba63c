"""我的期限: the days on the page and in the calendar file."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from django.test import Client
from icalendar import Calendar

from register import clock
from register.models import Kind, Person
from tests import factories
from tests.cast import APPLICANTS, Cast
from tests.intake.desk import signed_in, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Client:
    factories.registration(
        cast.zhang,
        cast.beijing,
        valid_from=date(2024, 6, 1),
        valid_to=date(2027, 5, 31),
        number="20240000001",
    )
    factories.registration(cast.gu, cast.beijing, valid_from=date(2024, 6, 1), valid_to=date(2027, 4, 12))
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    moment = datetime(2027, 3, 20, 9, 0, tzinfo=clock.SHANGHAI)
    monkeypatch.setattr(clock, "now", lambda: moment)
    return client


def test_the_page_names_every_day_in_order(client: Client) -> None:
    text = words(client.get("/dates/").content)
    days = (
        "2027年4月1日",
        "2027年4月16日",
        "2027年5月1日",
        "2027年5月16日",
        "2027年5月24日",
        "2027年5月30日",
    )
    places = [text.index(day) for day in days]
    assert places == sorted(places)
    assert "还差48学时" in text
    assert "2027年4月12日" not in text


def test_the_calendar_tells_no_name_and_keeps_its_keys(client: Client) -> None:
    answer = client.get("/dates/calendar.ics")
    calendar = Calendar.from_ical(answer.content)
    events = list(calendar.walk("VEVENT"))
    assert [(event.decoded("dtstart"), str(event["uid"]).partition("@")[0]) for event in events] == [
        (date(2027, 5, 1), "safe-20240000001-2027-05-31"),
        (date(2027, 5, 31), "end-20240000001-2027-05-31"),
    ]
    assert all(len(event.walk("VALARM")) == 1 for event in events)
    told = answer.content.decode()
    assert APPLICANTS["zhang"].name not in told
    assert APPLICANTS["zhang"].number not in told


def test_nobody_else_gets_there() -> None:
    for path in ("/dates/", "/dates/calendar.ics"):
        assert Client(headers={"host": "localhost"}).get(path).status_code == 302


def test_who_has_no_registration_sees_the_initial_window(cast: Cast) -> None:
    text = words(signed_in(cast.sun, APPLICANTS["sun"].number).get("/dates/").content)
    assert "初始注册期限" in text


@pytest.mark.parametrize(("due", "goes_on"), [(date(2027, 3, 20), True), (date(2027, 3, 19), False)])
def test_a_renewal_whose_correction_stayed_unanswered_no_longer_counts(
    cast: Cast, client: Client, due: date, goes_on: bool
) -> None:
    factories.docket_line(
        cast.zhang,
        cast.beijing,
        kind=Kind.RENEWAL,
        lodged_on=date(2027, 3, 1),
        state="correction",
        clock="C",
        due_on=due,
    )
    text = words(client.get("/dates/").content)
    assert ("延续注册正在办理" in text, "最迟在这一天上报延续申请最稳妥" in text) == (goes_on, not goes_on)


def test_the_days_of_a_record_merged_into_mine_are_mine(cast: Cast, client: Client) -> None:
    factories.registration(
        cast.sun, cast.beijing, valid_from=date(2024, 7, 1), valid_to=date(2027, 6, 30), number="20240000009"
    )
    assert "2027年6月30日" not in words(client.get("/dates/").content)
    Person.objects.filter(pk=cast.sun.pk).update(merged_into=cast.zhang)
    for path in ("/dates/", "/dates/calendar.ics"):
        told = client.get(path).content.decode()
        assert "20240000009" in told or "2027年6月30日" in told
        assert cast.sun.name not in told
