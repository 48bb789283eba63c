"""Which reminders fall due on which day, for whom, once; and that they never disagree with eligibility."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from intake import reminders as in_hand
from notifications import delivery
from notifications.catalogue import KINDS
from notifications.models import Notice, Outbox
from register import clock, eligibility, policy, reminders
from register.models import Kind, Person, Policy, Registration, ReminderRun
from tenants import crossing
from tenants.crossing import Desk
from tests import factories
from tests.cast import Cast

EXPIRY = date(2027, 5, 31)
Said = set[tuple[str, Any]]


def on(day: date, monkeypatch: pytest.MonkeyPatch, hour: int = 6) -> None:
    """It is this day in Shanghai."""
    moment = datetime(day.year, day.month, day.day, hour, 0, tzinfo=clock.SHANGHAI)
    monkeypatch.setattr(clock, "now", lambda: moment)


def round_of(day: date, monkeypatch: pytest.MonkeyPatch) -> int:
    on(day, monkeypatch)
    with crossing.standing(Desk.CLERK):
        return reminders.run()


def said_to(person: Person) -> Said:
    rows = Outbox.objects.filter(user_id=person.user_id, cause__contains=":")
    return {(row.kind, row.data.get("days")) for row in rows}


def holder(cast: Cast, expiry: date = EXPIRY, **fields: Any) -> Registration:
    begins = fields.pop("valid_from", clock.add_years(expiry, -3) + timedelta(days=1))
    return factories.registration(cast.zhang, cast.beijing, valid_from=begins, valid_to=expiry, **fields)


def nothing(cast: Cast) -> None:
    """No more than a registration."""


def renewal_open(cast: Cast) -> None:
    factories.docket_line(cast.zhang, cast.beijing, kind=Kind.RENEWAL, lodged_on=date(2027, 4, 1))


def renewal_open_late(cast: Cast) -> None:
    factories.docket_line(cast.zhang, cast.beijing, kind=Kind.RENEWAL, lodged_on=date(2027, 5, 20))


def change_open(cast: Cast) -> None:
    factories.docket_line(cast.zhang, cast.beijing, kind=Kind.CHANGE)


def renewed(cast: Cast) -> None:
    factories.registration(
        cast.zhang,
        cast.beijing,
        kind=Kind.RENEWAL,
        valid_from=date(2027, 6, 1),
        granted_on=date(2027, 4, 1),
    )


def cancelled(cast: Cast) -> None:
    Registration.objects.update(ended_how="cancelled", ended_on=date(2026, 12, 1))


def restricted(cast: Cast) -> None:
    factories.restriction(cast.zhang, since=date(2026, 1, 1), until=date(2028, 1, 1))


def closed(cast: Cast) -> None:
    type(cast.zhang.user).objects.filter(pk=cast.zhang.user_id).update(is_active=False)


def merged(cast: Cast) -> None:
    """The registration came with a record that was merged into another one."""
    Person.objects.filter(pk=cast.zhang.pk).update(merged_into=cast.gu)


@pytest.mark.parametrize(
    ("day", "situation", "told"),
    [
        (date(2027, 2, 27), nothing, set()),
        # 31 May clipped to the end of February.
        (date(2027, 2, 28), nothing, {("renewal_opens", None)}),
        # After days of silence.
        (date(2027, 3, 20), nothing, {("renewal_opens", None)}),
        (date(2027, 4, 1), nothing, {("expiry", 60)}),
        (date(2027, 4, 10), nothing, {("expiry", 51)}),
        (date(2027, 4, 20), nothing, {("expiry", 41)}),
        (date(2027, 5, 1), nothing, {("expiry", 30)}),
        (date(2027, 5, 2), nothing, {("thirty_days", None)}),
        (date(2027, 5, 16), nothing, {("expiry", 15)}),
        (date(2027, 5, 24), nothing, {("expiry", 7)}),
        (date(2027, 5, 31), nothing, {("expiry", 0)}),
        (date(2027, 6, 1), nothing, {("expired", None)}),
        (date(2027, 8, 29), nothing, {("expired", None)}),
        (date(2027, 8, 30), nothing, set()),
        (date(2027, 4, 16), renewal_open, set()),
        (date(2027, 6, 1), renewal_open, set()),
        (date(2027, 6, 1), renewal_open_late, {("expired", None)}),
        (date(2027, 3, 20), change_open, set()),
        (date(2027, 4, 1), change_open, {("expiry", 60)}),
        (date(2027, 4, 16), renewed, set()),
        (date(2027, 6, 1), renewed, set()),
        (date(2027, 4, 16), cancelled, set()),
        (date(2027, 6, 1), cancelled, set()),
        (date(2027, 4, 16), restricted, set()),
        (date(2027, 6, 1), restricted, {("expired", None)}),
        (date(2027, 4, 16), closed, set()),
        (date(2027, 4, 16), merged, set()),
    ],
)
@pytest.mark.django_db
def test_a_registration(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, day: date, situation: Callable[[Cast], None], told: Said
) -> None:
    holder(cast)
    situation(cast)
    round_of(day, monkeypatch)
    assert said_to(cast.zhang) == told
    assert said_to(cast.gu) == ({("expiry", 45)} if situation is merged else set())
    assert said_to(cast.sun) == set()


@pytest.mark.parametrize(
    ("qualified", "day", "told"),
    [
        (date(2024, 2, 29), date(2027, 2, 21), {("initial_closing", "2027-02-28")}),
        (date(2024, 2, 29), date(2027, 2, 28), {("initial_closing", "2027-02-28")}),
        (date(2024, 2, 29), date(2027, 3, 1), set()),
        (date(2024, 12, 31), date(2027, 10, 1), set()),
        (date(2024, 12, 31), date(2027, 10, 2), {("initial_closing", "2027-12-31")}),
    ],
)
@pytest.mark.django_db
def test_the_initial_window(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, qualified: date, day: date, told: Said
) -> None:
    person = factories.person()
    factories.qualification(person, issued_on=qualified)
    round_of(day, monkeypatch)
    rows = Outbox.objects.filter(user_id=person.user_id)
    assert {(row.kind, row.data["due"]) for row in rows} == told


@pytest.mark.django_db
def test_every_day_of_a_period_is_told_once_and_the_next_period_anew(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = holder(cast)
    for back in range(95, -3, -1):
        round_of(EXPIRY - timedelta(days=back), monkeypatch)
    rows = Outbox.objects.filter(user_id=cast.zhang.user_id).order_by("id")
    marks = [("renewal_opens", None), ("expiry", 60), ("expiry", 45), ("expiry", 30), ("thirty_days", None)]
    marks += [("expiry", 15), ("expiry", 7), ("expiry", 1), ("expired", None)]
    assert [(row.kind, row.data.get("days")) for row in rows] == marks
    asked = reminders.renewal_marks(EXPIRY, policy.current(EXPIRY))
    assert [(mark.kind, mark.days if mark.kind == "expiry" else None) for mark in asked] == marks[:-1]
    holder(cast, date(2030, 5, 31), kind=Kind.RENEWAL, number=kept.number, supersedes=kept)
    round_of(date(2030, 4, 1), monkeypatch)
    assert rows.last().data["days"] == 60  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("months", "closing", "expiry"),
    [
        (3, 0, date(2027, 5, 31)),
        (3, 30, date(2028, 2, 29)),
        (12, 0, date(2028, 2, 29)),
        (1, 10, date(2027, 3, 31)),
    ],
)
@pytest.mark.django_db
def test_it_never_disagrees_with_eligibility(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, months: int, closing: int, expiry: date
) -> None:
    long_ago = date(2020, 1, 1)
    for key, value in {"renewal_open_months": months, "renewal_close_days_before": closing}.items():
        Policy.objects.create(key=key, value=value, valid_from=long_ago, source="test")
    holder(cast, expiry)
    opens = clock.add_months(expiry, -months)
    edges = {opens, expiry - timedelta(days=closing), expiry, expiry - timedelta(days=29)}
    for day in sorted({edge + timedelta(days=n) for edge in edges for n in (-1, 0, 1)}):
        Outbox.objects.all().delete()
        ReminderRun.objects.all().delete()
        round_of(day, monkeypatch)
        told = {kind for kind, _days in said_to(cast.zhang)} - {"expired"}
        assert bool(told) == eligibility.may_apply(cast.zhang, Kind.RENEWAL, day).allowed, day


@pytest.mark.django_db
def test_a_round_is_gone_once_a_day_and_not_in_its_first_minutes(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder(cast)
    on(date(2027, 4, 1), monkeypatch, hour=0)
    with crossing.standing(Desk.CLERK):
        assert reminders.run() == 0
    assert round_of(date(2027, 4, 1), monkeypatch) == 1
    assert round_of(date(2027, 4, 1), monkeypatch) == 0
    ReminderRun.objects.all().delete()
    assert round_of(date(2027, 4, 1), monkeypatch) == 0
    assert ReminderRun.objects.get().posted == 0


@pytest.mark.django_db
def test_chunks_leave_nobody_out(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [factories.person() for _n in range(7)]
    for person in people:
        factories.registration(person, cast.beijing, valid_from=date(2024, 6, 1), valid_to=EXPIRY)
    on(date(2027, 4, 1), monkeypatch)
    with crossing.standing(Desk.CLERK):
        assert reminders.go_round("register", reminders.REMINDERS, size=2) == 7
    assert [said_to(person) for person in people] == [{("expiry", 60)}] * 7


@pytest.mark.django_db(transaction=True)
def test_two_rounds_at_once_tell_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for _n in range(9):
        factories.registration(factories.person(), cast.beijing, valid_from=date(2024, 6, 1), valid_to=EXPIRY)
    on(date(2027, 4, 1), monkeypatch)
    gate = Barrier(2)

    def round_at_once() -> int:
        try:
            with crossing.standing(Desk.CLERK):
                gate.wait(timeout=10)
                return reminders.go_round("register", reminders.REMINDERS, size=2)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        posted = [each.result(timeout=30) for each in [threads.submit(round_at_once) for _n in range(2)]]
    assert sum(posted) == Outbox.objects.filter(kind="expiry").count() == 9


@pytest.mark.parametrize(
    ("kind", "day", "zh", "en"),
    [
        (
            "renewal_opens",
            date(2027, 3, 20),
            "您的注册有效期至2027年5月31日，自今日起可以申请延续注册，请在2027年5月31日前办理。",
            ["31 May 2027"],
        ),
        (
            "expiry",
            date(2027, 5, 24),
            "您的注册将于2027年5月31日到期，还剩7天。尚未申请延续注册，请尽快办理。",
            ["7"],
        ),
        (
            "thirty_days",
            date(2027, 5, 2),
            "距有效期满已不足30日，此后提出的延续申请可能无法在期满前办结。",
            ["30 days"],
        ),
        (
            "expired",
            date(2027, 6, 1),
            "您的注册已于2027年5月31日到期。如需继续执业，请申请重新注册。",
            ["31 May 2027"],
        ),
        (
            "initial_closing",
            date(2027, 10, 2),
            "取得资格证书后3年内应完成初始注册，您的期限为2027年12月31日。",
            ["31 December 2027"],
        ),
    ],
)
@pytest.mark.django_db
def test_each_stands_on_the_board_in_the_words_of_the_law_and_in_both_languages(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, kind: str, day: date, zh: str, en: list[str]
) -> None:
    person = factories.person()
    if kind == "initial_closing":
        factories.qualification(person, issued_on=date(2024, 12, 31))
    else:
        begins = clock.add_years(EXPIRY, -3) + timedelta(days=1)
        factories.registration(person, cast.beijing, valid_from=begins, valid_to=EXPIRY)
    round_of(day, monkeypatch)
    with crossing.standing(Desk.CLERK):
        delivery.deliver()
    notice = Notice.objects.get(user_id=person.user_id)
    assert (notice.kind, notice.body_zh, notice.category) == (kind, zh, Notice.Category.REMINDER)
    assert [part for part in en if part not in notice.body_en] == []
    assert notice.url.startswith("/")
    assert not Notice.objects.filter(user_id=cast.sun.user_id).exists()


def test_every_reminder_fits_its_text() -> None:
    table = (*reminders.REMINDERS, *in_hand.REMINDERS)
    assert {each.kind: set(each.data) for each in table} == {
        each.kind: set(KINDS[each.kind].fields) for each in table
    }
