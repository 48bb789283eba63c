"""Who is told of deadlines that come near or are over: once, and only those whom it concerns."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from notifications import tasks as post
from notifications.models import Notice, Outbox
from register import clock
from review import escalation
from review.models import Case
from review.states import State
from review.tasks import escalate
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Absence, Agency
from tests import casefiles, factories
from tests.cast import Cast
from tests.review.desks import at_desk

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shifted_clock")]

NOTHING = {"reminders": 0, "near": 0, "past": 0, "failed": 0}


@pytest.fixture(autouse=True)
def _a_monday_morning(shifted_clock: None) -> None:
    at("2026-11-23T09:00")


def at(text: str) -> None:
    clock.travel_to(datetime.fromisoformat(text).replace(tzinfo=clock.SHANGHAI))


def sweep() -> dict[str, int]:
    result: dict[str, int] = escalate.apply().get()
    return result


def line(agency: Agency, due: date, **fields: Any) -> None:
    """A docket line of somebody; waiting for its first review unless said otherwise."""
    values = {"state": "accepted", "clock": "F", "due_on": due, **fields}
    factories.docket_line(factories.person(), agency, **values)


def told(cast: Cast, kind: str) -> list[tuple[str, dict[str, Any]]]:
    """Who was told, by name, and the values."""
    names = {user.pk: name for name, user in cast.users.items()}
    with crossing.standing(Desk.CLERK):
        rows = Outbox.objects.filter(kind=kind).order_by("user_id", "id").values_list("user_id", "data")
        return [(names[user], data) for user, data in rows]


def accepted(cast: Cast, who: str, agency: str, officer: str) -> Case:
    person = cast.people[who]
    with cast.at_applicants_desk(person), crossing.inside(cast.agencies[agency]):
        case = casefiles.lodge(person, cast.agencies[agency])
    with crossing.standing(Desk.AGENCY, cast.agencies[agency]):
        return casefiles.walk(Case.objects.get(pk=case.pk), cast.actor(officer), State.ACCEPTED)


def test_before_the_breach_the_agencys_own_are_told(cast: Cast) -> None:
    line(cast.beijing, date(2026, 11, 23))
    line(cast.beijing, date(2026, 11, 24), state="submitted", clock="A")
    line(cast.beijing, date(2026, 11, 25))
    line(cast.beijing, date(2026, 12, 31))
    line(cast.beijing, date(2026, 11, 24), state="correction", clock="C")
    line(cast.beijing, date(2026, 11, 24), state="issued", clock="", open=False)
    line(cast.mohurd, date(2026, 11, 27))
    assert sweep() == {**NOTHING, "near": 2}
    limit = {"zh": "法定期限", "en": "statutory time limit"}
    link = "/cases/?tab=todo&due=next"
    said = {"near": 2, "week": 3, "over": 0, "limit": limit, "link": link}
    assert told(cast, "escalation_near") == [("wang", said), ("chen", said)]
    assert told(cast, "escalation_past") == []


def test_once_a_day_however_often_the_sweep_comes(cast: Cast) -> None:
    line(cast.beijing, date(2026, 11, 24))
    sweep()
    sweep()
    assert len(told(cast, "escalation_near")) == 2
    at("2026-11-24T09:00")
    sweep()
    assert len(told(cast, "escalation_near")) == 4


def test_after_the_breach_the_authority_is_told(cast: Cast) -> None:
    line(cast.beijing, date(2026, 11, 20))
    line(cast.beijing, date(2026, 11, 18))
    line(cast.mohurd, date(2026, 11, 24))
    assert sweep() == {"reminders": 0, "near": 3, "past": 2, "failed": 0}
    said = {
        "agency": {"zh": cast.beijing.name_zh, "en": cast.beijing.name_en or cast.beijing.name_zh},
        "stage": {"zh": "初审", "en": "first review"},
        "over": 2,
        "oldest": "2026-11-18",
        "link": "/cases/?tab=first&agency=beijing&due=over",
    }
    assert told(cast, "escalation_past") == [("qian", said), ("feng", said)]
    near = dict(told(cast, "escalation_near"))
    assert {name: (data["over"], data["link"]) for name, data in near.items()} == {
        "wang": (2, "/cases/?tab=todo&due=over"),
        "chen": (2, "/cases/?tab=todo&due=over"),
        "lin": (0, "/cases/?tab=todo&due=next"),
    }


def test_a_mere_target_is_called_so_and_goes_no_further(cast: Cast) -> None:
    Agency.objects.filter(code="beijing").update(review_clock_applies=False)
    line(cast.beijing, date(2026, 11, 20))
    assert sweep() == {**NOTHING, "near": 2}
    assert {data["limit"]["zh"] for _name, data in told(cast, "escalation_near")} == {"内部目标期限"}
    assert told(cast, "escalation_past") == []


def test_the_final_review_escalates_within_the_authority(cast: Cast) -> None:
    for agency in (cast.beijing, cast.mohurd):
        line(agency, date(2026, 11, 20), state="reported", clock="N")
    assert sweep() == {**NOTHING, "near": 1, "past": 2}
    assert [(name, data["over"], data["stage"]["zh"]) for name, data in told(cast, "escalation_past")] == [
        ("qian", 2, "终审"),
        ("feng", 2, "终审"),
    ]
    assert [name for name, _data in told(cast, "escalation_near")] == ["qian"]


@pytest.mark.parametrize("moment", ["2026-11-24T07:59", "2026-11-28T09:00", "2026-10-02T09:00"])
def test_nobody_is_called_at_night_or_on_a_day_off(cast: Cast, moment: str) -> None:
    line(cast.beijing, date(2026, 9, 20))
    at(moment)
    assert sweep() == NOTHING


def test_who_has_the_case_in_hand_is_reminded_once(cast: Cast) -> None:
    case = accepted(cast, "zhang", "beijing", "li")
    accepted(cast, "sun", "mohurd", "he")
    # Twenty working days from 23 November.
    assert case.due_on == date(2026, 12, 21)
    at("2026-12-17T09:00")
    assert sweep()["reminders"] == 0
    # The last working day before a Monday is the Friday.
    at("2026-12-18T09:00")
    assert sweep()["reminders"] == 2
    at("2026-12-21T09:00")
    sweep()
    reminded = told(cast, "staff_due_tomorrow")
    assert [name for name, _data in reminded] == ["li", "he"]
    assert reminded[0][1]["reference"] == case.reference


def test_a_deputy_is_reminded_during_leave_and_nobody_of_a_free_case(cast: Cast) -> None:
    accepted(cast, "zhang", "beijing", "li")
    free = accepted(cast, "sun", "beijing", "li")
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        Case.objects.filter(pk=free.pk).update(assignee=None)
    leave = {"agency": cast.beijing, "entered_by": cast.user("chen"), "entered_at": timezone.now()}
    Absence.objects.create(
        user=cast.user("li"),
        deputy=cast.user("liu"),
        since=date(2026, 12, 14),
        until=date(2026, 12, 25),
        **leave,
    )
    at("2026-12-18T09:00")
    assert sweep()["reminders"] == 2
    assert [name for name, _data in told(cast, "staff_due_tomorrow")] == ["li", "liu"]


def test_an_agency_that_fails_does_not_stop_the_others(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    line(cast.beijing, date(2026, 11, 24))
    line(cast.mohurd, date(2026, 11, 24))
    holders = escalation._holders

    def stumbling(agency: Agency, roles: frozenset[str]) -> set[int]:
        if agency == cast.beijing:
            raise RuntimeError("a fault of the program")
        return holders(agency, roles)

    monkeypatch.setattr(escalation, "_holders", stumbling)
    assert sweep() == {**NOTHING, "near": 1, "failed": 1}
    assert [name for name, _data in told(cast, "escalation_near")] == ["lin"]


def test_the_notice_leads_to_the_list_it_counts(cast: Cast) -> None:
    accepted(cast, "zhang", "beijing", "li")
    at("2026-12-18T09:00")
    sweep()
    post.deliver()
    with crossing.standing(Desk.CLERK):
        notice = Notice.objects.get(user=cast.user("wang"), kind="escalation_near")
        assert "今明两个工作日内到期 1 件" in notice.body_zh
    # The board leads where the notice points.
    wang = at_desk(cast, "wang")
    answer = wang.post(f"/notices/{notice.pk}/read")
    assert answer["Location"] == "/cases/?tab=todo&due=next"
    assert "张测" in wang.page(answer["Location"])


@pytest.mark.parametrize("count", [1, 50])
def test_the_digests_cost_the_same_however_much_waits(
    cast: Cast, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _n in range(count):
        line(cast.beijing, date(2026, 11, 20))
    today = clock.today()
    with crossing.standing(Desk.CLERK):
        clock.is_working_day(today)
        with django_assert_num_queries(2):
            assert [load.over for load in escalation._first_reviews(today)] == [count]


def test_the_beat_knows_the_sweeps(settings: Settings) -> None:
    tasks = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {"review.tasks.fire_due", "review.tasks.recompute", "review.tasks.escalate"} <= tasks
