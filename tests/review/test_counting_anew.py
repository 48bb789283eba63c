"""A year's calendar is announced, or changed: open deadlines that ran through it are counted anew, once."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from notifications.models import Outbox
from register import clock, holidays
from register.models import DocketEntry
from review import clockwork, docket, log, workflow
from review.models import Case, Movement
from review.tasks import recompute
from tenants import crossing
from tenants.crossing import Desk
from tests import casefiles, clocktable, factories
from tests.cast import Cast
from tests.review.desks import line_now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shifted_clock")]


@pytest.fixture(autouse=True)
def _only_2026_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "KNOWN_YEARS", clocktable.ANNOUNCED)


def at(text: str) -> None:
    clock.travel_to(datetime.fromisoformat(text).replace(tzinfo=clock.SHANGHAI))


def lodge(cast: Cast, who: str, agency: str) -> Case:
    person = cast.people[who]
    with cast.at_applicants_desk(person), crossing.inside(cast.agencies[agency]):
        return casefiles.lodge(person, cast.agencies[agency])


def announce(cast: Cast, named: str) -> int:
    with crossing.standing(Desk.AUTHORITY):
        return holidays.enter(clocktable.entries(named), by=cast.user("feng"), at=clock.now())


def sweep() -> dict[str, int]:
    result: dict[str, int] = recompute.apply().get()
    return result


def moves(cast: Cast, case: Case, agency: str = "beijing") -> list[dict[str, Any]]:
    with crossing.standing(Desk.CLERK), crossing.inside(cast.agencies[agency]):
        rows = Movement.objects.filter(case_id=case.pk, act="recompute").order_by("number")
        return list(rows.values_list("detail", flat=True))


def told(kind: str) -> list[tuple[int, Any]]:
    with crossing.standing(Desk.CLERK):
        return list(Outbox.objects.filter(kind=kind).order_by("id").values_list("user_id", "data__due"))


def test_what_moves_is_recorded_and_told_once(cast: Cast) -> None:
    at("2026-12-28T10:00")
    mine, theirs = lodge(cast, "zhang", "beijing"), lodge(cast, "sun", "mohurd")
    assert sweep() == {"looked_at": 0, "moved": 0, "failed": 0}
    announce(cast, "D")
    assert sweep() == {"looked_at": 2, "moved": 2, "failed": 0}
    assert {line_now(case.pk).due_on for case in (mine, theirs)} == {date(2027, 1, 6)}
    assert {line_now(case.pk).due_provisional for case in (mine, theirs)} == {False}
    assert moves(cast, mine) == [
        {
            "old_due_on": "2027-01-05",
            "old_due_provisional": True,
            "due_on": "2027-01-06",
            "due_provisional": False,
        }
    ]
    assert told("deadline_moved") == [
        (who.user_id, {"zh": "2027年1月6日", "en": "6 January 2027"}) for who in (cast.zhang, cast.sun)
    ]
    assert sweep()["moved"] == 0
    assert len(moves(cast, mine)) == len(told("deadline_moved")) - 1 == 1
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        assert (docket.differences(cast.beijing), list(log.verify())) == ([], [])


def test_a_date_that_proves_right_is_recorded_but_not_told(cast: Cast) -> None:
    at("2026-12-28T10:00")
    case = lodge(cast, "zhang", "beijing")
    announce(cast, "A")
    assert sweep()["moved"] == 1
    assert [(m["old_due_on"], m["due_on"], m["due_provisional"]) for m in moves(cast, case)] == [
        ("2027-01-05", "2027-01-05", False)
    ]
    assert told("deadline_moved") == []


def test_broken_off_it_goes_on_where_it_stopped(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    at("2026-12-28T10:00")
    cases = [lodge(cast, "zhang", "beijing"), lodge(cast, "sun", "beijing"), lodge(cast, "gu", "mohurd")]
    announce(cast, "D")
    move = workflow.move

    def stumbling(**given: Any) -> object:
        if given["case"] == cases[0]:
            raise RuntimeError("a fault of the program")
        return move(**given)

    monkeypatch.setattr(workflow, "move", stumbling)
    assert sweep() == {"looked_at": 3, "moved": 2, "failed": 1}
    monkeypatch.setattr(workflow, "move", move)
    assert sweep()["moved"] == 1
    assert [len(moves(cast, c, a)) for c, a in zip(cases, ("beijing", "beijing", "mohurd"), strict=True)] == [
        1,
        1,
        1,
    ]


def test_an_agency_that_fails_does_not_stop_the_others(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    at("2026-12-28T10:00")
    lodge(cast, "zhang", "beijing")
    theirs = lodge(cast, "sun", "mohurd")
    announce(cast, "D")
    inside = crossing.inside

    def locked_out(agency: Any) -> Any:
        if agency == cast.beijing:
            raise RuntimeError("no such schema")
        return inside(agency)

    monkeypatch.setattr(crossing, "inside", locked_out)
    assert sweep() == {"looked_at": 1, "moved": 1, "failed": 1}
    monkeypatch.undo()
    assert line_now(theirs.pk).due_on == date(2027, 1, 6)


def test_only_open_lines_that_a_change_concerns_are_looked_at(cast: Cast) -> None:
    at("2026-11-23T10:00")
    lodge(cast, "zhang", "beijing")
    decided = {"state": "final_passed", "open": False, "clock": "I", "due_provisional": True}
    factories.docket_line(factories.person(), cast.beijing, due_on=date(2027, 1, 5), **decided)
    factories.docket_line(factories.person(), cast.beijing, state="lapsed", open=False, due_on=None)
    announce(cast, "2026-12-01=off")
    assert sweep() == {"looked_at": 0, "moved": 0, "failed": 0}
    announce(cast, "2026-11-30=off")
    assert sweep() == {"looked_at": 1, "moved": 1, "failed": 0}
    clock.shift(0)
    at("2026-12-01T09:00")
    assert DocketEntry.objects.get(person=cast.zhang).due_on == date(2026, 12, 2)
    clock.travel_to(clock.now() + clockwork.CHANGES_LAST + timedelta(hours=1))
    assert sweep() == {"looked_at": 0, "moved": 0, "failed": 0}


def test_a_lost_bell_is_made_good_however_late(cast: Cast) -> None:
    """What is provisional is found by itself, not only by a fresh change."""
    at("2026-12-28T10:00")
    case = lodge(cast, "zhang", "beijing")
    with crossing.standing(Desk.AUTHORITY):
        holidays.enter(clocktable.entries("D"), by=cast.user("feng"), at=clock.now() - timedelta(days=30))
    assert sweep()["moved"] == 1
    assert line_now(case.pk).due_on == date(2027, 1, 6)


def test_a_case_whose_days_are_not_known_stays_as_it_is(cast: Cast) -> None:
    at("2026-12-28T10:00")
    case = lodge(cast, "zhang", "beijing")
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        Case.objects.filter(pk=case.pk).update(clock_days=None)
    announce(cast, "D")
    assert sweep() == {"looked_at": 1, "moved": 0, "failed": 0}
    assert line_now(case.pk).due_on == date(2027, 1, 5)


def test_the_law_acts_first_where_a_deadline_is_over_anyway(cast: Cast) -> None:
    at("2026-12-22T10:00")
    case = lodge(cast, "zhang", "beijing")
    at("2027-01-08T10:00")
    announce(cast, "D")
    assert sweep()["failed"] == 0
    with crossing.standing(Desk.CLERK):
        assert clockwork.fire_due().deem_accept == 1
    line = line_now(case.pk)
    # Twenty working days from 22 December, 1 to 4 January off.
    assert (line.state, line.due_on, line.due_provisional) == ("deemed_accepted", date(2027, 1, 21), False)
