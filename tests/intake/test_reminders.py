"""What people are reminded of while they work, for whom it matters, and once."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from intake import reminders
from intake.models import Application
from notifications import delivery
from notifications.models import Notice, Outbox
from register import clock
from register.models import Kind, Person, TrainingHours
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import User
from tests import factories
from tests.cast import Cast

pytestmark = pytest.mark.django_db
TODAY = date(2027, 4, 1)


def on(day: date, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(day.year, day.month, day.day, 6, 0, tzinfo=clock.SHANGHAI)
    monkeypatch.setattr(clock, "now", lambda: moment)


def round_of(day: date, monkeypatch: pytest.MonkeyPatch) -> int:
    on(day, monkeypatch)
    with crossing.standing(Desk.CLERK):
        return reminders.run()


def draft(person: Person, kind: Kind, saved: date, **fields: Any) -> Application:
    at = datetime(saved.year, saved.month, saved.day, 15, 0, tzinfo=clock.SHANGHAI)
    return Application.objects.create(
        reference=factories.reference(kind), person=person, kind=kind, created_at=at, saved_at=at, **fields
    )


def told(person: Person) -> set[tuple[str, Any]]:
    rows = Outbox.objects.filter(user_id=person.user_id)
    return {(row.kind, row.data.get("missing", row.data.get("days"))) for row in rows}


def qualified(**fields: Any) -> Person:
    person = factories.person()
    factories.qualification(person, issued_on=date(2026, 2, 1))
    if fields:
        User.objects.filter(pk=person.user_id).update(**fields)
    return person


@pytest.mark.parametrize(
    ("saved", "expected"),
    [
        (date(2027, 3, 25), {("draft_idle", None), ("photo_missing", None)}),
        (date(2027, 3, 26), {("photo_missing", None)}),
        (date(2027, 4, 1), set()),
    ],
)
def test_a_draft(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, saved: date, expected: set[tuple[str, Any]]
) -> None:
    person = qualified()
    made = draft(person, Kind.INITIAL, saved, step="experience")
    round_of(TODAY, monkeypatch)
    assert told(person) == expected
    assert told(cast.sun) == set()
    for row in Outbox.objects.filter(user_id=person.user_id, kind="draft_idle"):
        assert row.data["link"] == f"/applications/{made.pk}/"
        assert row.data["step"]["zh"] == "填写工作经历"
    # Again only after it was taken up and left once more.
    round_of(TODAY + timedelta(days=20), monkeypatch)
    Application.objects.filter(pk=made.pk).update(saved_at=clock.now())
    round_of(TODAY + timedelta(days=28), monkeypatch)
    assert Outbox.objects.filter(user_id=person.user_id, kind="draft_idle").count() == 2
    assert Outbox.objects.filter(user_id=person.user_id, kind="photo_missing").count() == 1


def test_a_draft_that_cannot_be_lodged_is_left_alone(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    person = qualified()
    draft(person, Kind.RENEWAL, date(2027, 3, 1))
    round_of(TODAY, monkeypatch)
    assert told(person) == set()


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ({"password": "md5$salt$x", "email": "", "phone": ""}, {("email_missing", None)}),
        ({"password": "md5$salt$x", "email": "", "phone": "13800005678"}, set()),
        ({"email": "", "phone": ""}, set()),
        ({"password": "md5$salt$x", "is_active": False}, set()),
    ],
)
def test_contact_data(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, account: dict[str, Any], expected: set[tuple[str, Any]]
) -> None:
    person = qualified(**account)
    for days in (0, 1, 182):
        round_of(TODAY + timedelta(days=days), monkeypatch)
    assert told(person) == expected
    assert Outbox.objects.filter(user_id=person.user_id).count() == len(expected)
    round_of(TODAY + timedelta(days=184), monkeypatch)
    assert Outbox.objects.filter(user_id=person.user_id).count() == 2 * len(expected)


@pytest.mark.parametrize(("due", "days"), [(4, None), (3, 3), (1, 1), (0, 0), (-1, None)])
def test_a_correction(cast: Cast, monkeypatch: pytest.MonkeyPatch, due: int, days: int | None) -> None:
    person = qualified()
    line = factories.docket_line(
        person, cast.beijing, state="correction", clock="C", due_on=TODAY + timedelta(days=due)
    )
    round_of(TODAY, monkeypatch)
    rows = Outbox.objects.filter(user_id=person.user_id)
    expected = [] if days is None else [(line.case_id, days)]
    assert [(row.case_id, row.data["days"]) for row in rows] == expected


@pytest.mark.parametrize(
    ("hours", "begun", "missing"),
    [
        ("30.5", date(2025, 1, 1), "17.5"),
        ("30", date(2023, 1, 1), "48"),
        ("48", date(2025, 1, 1), None),
    ],
)
def test_hours(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, hours: str, begun: date, missing: str | None
) -> None:
    factories.registration(cast.zhang, cast.beijing, valid_from=date(2024, 6, 1), valid_to=date(2027, 5, 31))
    # A change carries the period on.
    factories.registration(
        cast.zhang,
        cast.beijing,
        kind=Kind.CHANGE,
        valid_from=date(2026, 6, 1),
        valid_to=date(2027, 5, 31),
        number="20260000001",
    )
    TrainingHours.objects.create(
        person=cast.zhang,
        agency=cast.beijing,
        institution="示例培训中心",
        begun_on=begun,
        ended_on=begun,
        hours=Decimal(hours),
        certificate_number="JX1",
    )
    for days in (0, 1, 40):
        round_of(TODAY + timedelta(days=days), monkeypatch)
    rows = Outbox.objects.filter(user_id=cast.zhang.user_id, kind="hours_short")
    assert [row.data["missing"] for row in rows] == ([missing] * 2 if missing else [])
    assert not Outbox.objects.filter(user_id=cast.sun.user_id).exists()


def test_who_fills_in_courses_is_left_to_his_sum(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.registration(cast.zhang, cast.beijing, valid_from=date(2024, 6, 1), valid_to=date(2027, 5, 31))
    rows = [{"id": "1", "from": "2026-01-01", "to": "2026-01-02", "hours": "48"}]
    draft(cast.zhang, Kind.RENEWAL, TODAY, sections={"education": rows})
    round_of(TODAY, monkeypatch)
    assert told(cast.zhang) == set()


def test_each_stands_on_the_board_in_both_languages(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    person = qualified(password="md5$salt$x", email="", phone="")
    draft(person, Kind.INITIAL, date(2027, 3, 1))
    factories.docket_line(cast.sun, cast.beijing, state="correction", clock="C", due_on=TODAY)
    factories.registration(cast.gu, cast.beijing, valid_from=date(2024, 6, 1), valid_to=date(2027, 5, 31))
    round_of(TODAY, monkeypatch)
    with crossing.standing(Desk.CLERK):
        delivery.deliver()
    kinds = {"draft_idle", "photo_missing", "email_missing", "correction_soon", "hours_short"}
    notices = Notice.objects.filter(kind__in=kinds)
    assert {notice.kind for notice in notices} == kinds
    assert all(notice.body_zh and notice.body_en and notice.url for notice in notices)
