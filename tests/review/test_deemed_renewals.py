"""Deemed renewal is told once per registration and its end once, however late and often it is swept."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from notifications import outbox
from notifications.models import Outbox
from register import clock, standing
from register.models import DocketEntry, Kind, Registration
from register.standing import Status
from review import deemed
from review.states import State
from review.tasks import tell_deemed
from tenants import crossing
from tenants.crossing import Desk
from tests import factories
from tests.cast import Cast

pytestmark = [pytest.mark.usefixtures("shifted_clock")]

EXPIRY = date(2026, 12, 30)


def at(text: str) -> None:
    clock.travel_to(datetime.fromisoformat(text).replace(tzinfo=clock.SHANGHAI))


def held(cast: Cast, who: str, lodged_on: date) -> tuple[Registration, DocketEntry]:
    person = cast.people[who]
    row = factories.registration(
        person, cast.beijing, valid_from=clock.add_years(EXPIRY, -3) + timedelta(days=1), valid_to=EXPIRY
    )
    return row, factories.docket_line(person, cast.beijing, kind=Kind.RENEWAL, lodged_on=lodged_on)


def sweep() -> dict[str, int]:
    with crossing.standing(Desk.CLERK):
        found: dict[str, int] = tell_deemed.apply().get()
    return found


def told() -> list[tuple[str, str, datetime]]:
    with crossing.standing(Desk.CLERK):
        rows = Outbox.objects.filter(kind__startswith="deemed_renew").order_by("kind", "cause")
        return list(rows.values_list("kind", "cause", "created_at"))


def end(line: DocketEntry, state: str, when: str, **more: Any) -> None:
    moment = datetime.fromisoformat(when).replace(tzinfo=clock.SHANGHAI)
    with crossing.standing(Desk.OWNER):
        DocketEntry.objects.filter(pk=line.pk).update(state=state, open=False, updated_at=moment, **more)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.SHANGHAI)


@pytest.mark.django_db
def test_told_once_from_the_first_day_after_expiry(cast: Cast) -> None:
    row, line = held(cast, "zhang", EXPIRY - timedelta(days=30))
    held(cast, "sun", EXPIRY - timedelta(days=29))
    at("2026-12-30T23:59:59")
    assert (sweep(), told()) == ({"deemed": 0, "ended": 0, "failed": 0}, [])
    # The evening before in UTC is the next day in Shanghai.
    clock.travel_to(datetime.fromisoformat("2026-12-30T16:00:01+00:00"))
    first = [("deemed_renewed", str(row.pk), midnight(date(2026, 12, 31)))]
    for _again in range(3):
        assert (sweep(), told()) == ({"deemed": 1, "ended": 0, "failed": 0}, first)
    # Beyond the year's end, after days without a sweep: nothing more, and the law held all the while.
    at("2027-01-04T09:00")
    assert (sweep()["deemed"], told(), standing.status_of(cast.zhang)) == (1, first, Status.DEEMED_RENEWED)
    assert line.open


@pytest.mark.django_db
@pytest.mark.parametrize("state", deemed.WITHOUT_RENEWAL)
@pytest.mark.parametrize("swept_before", [True, False])
def test_its_end_is_told_and_no_sweep_for_days_changes_nothing(
    cast: Cast, state: State, swept_before: bool
) -> None:
    row, line = held(cast, "zhang", EXPIRY - timedelta(days=60))
    if swept_before:
        at("2026-12-31T00:10")
        sweep()
    end(line, state, "2027-01-05T15:00", **({"decided_on": date(2027, 1, 5)} if "final" in state else {}))
    at("2027-01-08T09:00")
    for _again in range(2):
        assert sweep() == {"deemed": 0, "ended": 1, "failed": 0}
    found = told()
    assert [(kind, cause) for kind, cause, _at in found] == [
        ("deemed_renewal_ended", f"{row.pk} {line.pk}"),
        ("deemed_renewed", str(row.pk)),
    ]
    assert [clock.day_of(moment) for _kind, _cause, moment in found] == [date(2027, 1, 5), date(2026, 12, 31)]
    with crossing.standing(Desk.CLERK):
        said = Outbox.objects.get(kind="deemed_renewal_ended").data
    assert said == {"reference": line.reference, "valid_to": "2026-12-30", "on": "2027-01-05"}


@pytest.mark.django_db
def test_refused_before_the_expiry_it_was_never_deemed_renewed(cast: Cast) -> None:
    _row, line = held(cast, "zhang", EXPIRY - timedelta(days=60))
    end(line, State.FINAL_FAILED, "2026-12-30T18:00", decided_on=EXPIRY)
    at("2027-01-08T09:00")
    assert (sweep(), told()) == ({"deemed": 0, "ended": 0, "failed": 0}, [])


@pytest.mark.django_db
def test_a_slice_that_fails_every_time_starves_nobody(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for who in ("zhang", "sun", "gu"):
        held(cast, who, EXPIRY - timedelta(days=60))
    at("2027-01-04T09:00")
    monkeypatch.setattr(deemed, "SLICE", 1)
    really = outbox.post_many

    def stumbling(messages: Any) -> None:
        rows = list(messages)
        if rows[0].user_id == cast.zhang.user_id:
            raise RuntimeError("out of order")
        really(rows)

    monkeypatch.setattr(outbox, "post_many", stumbling)
    assert sweep() == {"deemed": 3, "ended": 0, "failed": 1}
    assert len(told()) == 2
    monkeypatch.undo()


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_tell_once(cast: Cast) -> None:
    for who in ("zhang", "sun", "gu"):
        held(cast, who, EXPIRY - timedelta(days=60))
    at("2027-01-04T09:00")
    gate = Barrier(2)

    def closing(work: Callable[[], deemed.Told]) -> deemed.Told:
        try:
            with crossing.standing(Desk.CLERK):
                gate.wait(timeout=10)
                return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        done = [
            one.result(timeout=30) for one in [threads.submit(closing, deemed.sweep) for _two in range(2)]
        ]
    assert [one.failed for one in done] == [0, 0]
    assert len(told()) == 3
