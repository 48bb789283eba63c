"""视为延续 ends with an unanswered correction on the law's day, whenever the clock's sweep comes.

One rule, asked in five ways: in Python, by the register's list, by the reminders' SQL, across the walls by
the public look-up, and by the page of a case. All give the same
answer on every day, before the sweep and after.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final

import pytest
from django.db import connection

from notifications.models import Outbox
from register import bars, clock, lookup, policy, reminders, standing
from register.models import DocketEntry, Kind, ReminderRun
from register.standing import Period, Standing, Status
from review import casework, clockwork, deemed, kin, registrar
from review.models import Case
from review.states import Clock, State
from tenants import crossing
from tenants.crossing import Desk
from tests import casefiles, factories
from tests.cast import Cast

pytestmark = [pytest.mark.usefixtures("shifted_clock"), pytest.mark.django_db]

EXPIRY: Final = date(2026, 12, 30)
DUE: Final = date(2027, 1, 6)


def at(day: date, hour: int = 9) -> None:
    clock.travel_to(datetime(day.year, day.month, day.day, hour, tzinfo=clock.SHANGHAI))


def renewing(cast: Cast, **line: Any) -> DocketEntry:
    begins = clock.add_years(EXPIRY, -3) + timedelta(days=1)
    factories.registration(cast.zhang, cast.beijing, valid_from=begins, valid_to=EXPIRY)
    values = {"state": State.CORRECTION, "clock": Clock.CORRECTION, "due_on": DUE, **line}
    lodged = EXPIRY - timedelta(days=60)
    return factories.docket_line(cast.zhang, cast.beijing, kind=Kind.RENEWAL, lodged_on=lodged, **values)


def answers(cast: Cast) -> set[bool]:
    """Whether the registration goes on today, by everybody who can be asked."""
    rows = standing.registrations_of(cast.zhang)
    with crossing.standing(Desk.APPLICANT):
        card = lookup.find(number=rows[-1].number, name=cast.zhang.name)
    assert card is not None
    known = bars.bars_for(cast.zhang.pk)
    shown = Standing(periods=tuple(Period.of(row) for row in rows), open=known.line)
    listed = DocketEntry.objects.get(person=cast.zhang)
    read = Standing(periods=shown.periods, open=standing.line_of(listed) if listed.open else None)
    words = {
        standing.status_of(cast.zhang),
        card.status,
        *(one.status(clock.today(), policy.current().renewal_open_months) for one in (shown, read)),
    }
    assert words <= {Status.DEEMED_RENEWED, Status.EXPIRED}
    told_of = reminded_of_expiry(cast)
    return {word is Status.DEEMED_RENEWED for word in words} | {
        registrar.deemed_lines().exists(),
        not told_of,
    }


def reminded_of_expiry(cast: Cast) -> bool:
    """Whether today's round would tell that the registration has expired; nothing of it stays."""
    with crossing.standing(Desk.OWNER):
        ReminderRun.objects.all().delete()
        Outbox.objects.filter(kind="expired").delete()
    with crossing.standing(Desk.CLERK):
        reminders.run()
        return Outbox.objects.filter(user_id=cast.zhang.user_id, kind="expired").exists()


@pytest.mark.parametrize(
    ("line", "day", "goes_on"),
    [
        ({}, DUE, True),
        ({}, DUE + timedelta(days=1), False),
        ({}, DUE + timedelta(days=30), False),
        # A deadline of the office that is over ends nothing.
        ({"state": State.ACCEPTED, "clock": Clock.FIRST_REVIEW}, DUE + timedelta(days=1), True),
        # Nobody knows better than this provisional day.
        ({"due_provisional": True}, DUE + timedelta(days=1), False),
        # Answered or lapsed: the line says it.
        ({"state": State.LAPSED, "open": False, "clock": "", "due_on": None}, DUE, False),
    ],
)
def test_everybody_gives_the_same_answer_of_the_day(
    cast: Cast, line: dict[str, Any], day: date, goes_on: bool
) -> None:
    at(EXPIRY)
    renewing(cast, **line)
    at(day)
    assert answers(cast) == {goes_on}


def test_the_case_itself_agrees_and_its_end_takes_the_day_of_the_law(cast: Cast) -> None:
    """The sweeps stand still for three weeks; what is told then names the day on which the period ended."""
    at(EXPIRY - timedelta(days=31))
    begins = clock.add_years(EXPIRY, -3) + timedelta(days=1)
    held = factories.registration(cast.zhang, cast.beijing, valid_from=begins, valid_to=EXPIRY)
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = casefiles.lodge(cast.zhang, cast.beijing, kind=Kind.RENEWAL)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(Case.objects.get(pk=case.pk), cast.actor("li"), State.ACCEPTED)
    at(EXPIRY - timedelta(days=2))
    with crossing.standing(Desk.AGENCY, cast.beijing):
        found = Case.objects.get(pk=case.pk)
        fault = {"item": "employer", "code": "R08", "text": "单位名称与信用代码不一致"}
        casework.send_back(case=found, by=cast.actor("wang"), items=[fault], reason="发现新的问题")
        last = Case.objects.get(pk=case.pk).due_on
    assert last is not None
    assert last > EXPIRY

    def warned() -> bool:
        with crossing.standing(Desk.AGENCY, cast.beijing):
            now, rows = Case.objects.get(pk=case.pk), standing.registrations_of(cast.zhang)
            return kin.DEEMED in kin.warnings(
                now, bars.bars_for(cast.zhang.pk), others=[], registrations=rows
            )

    at(last)
    assert (warned(), answers(cast)) == (True, {True})
    at(last + timedelta(days=21))
    assert (warned(), answers(cast)) == (False, {False})
    with crossing.standing(Desk.CLERK):
        clockwork.fire_due()
        deemed.sweep()
        said = Outbox.objects.get(kind="deemed_renewal_ended")
    assert DocketEntry.objects.get(pk=case.pk).state == State.LAPSED
    assert (said.data["on"], clock.day_of(said.created_at)) == (
        (last + timedelta(days=1)).isoformat(),
        last + timedelta(days=1),
    )
    assert (said.cause, answers(cast)) == (f"{held.pk} {case.pk}", {False})


def test_a_provisional_day_of_a_year_announced_since_is_counted_anew_first(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(EXPIRY)
    renewing(cast, due_provisional=True)
    monkeypatch.setattr(clock, "KNOWN_YEARS", {*clock.KNOWN_YEARS, DUE.year})
    at(DUE + timedelta(days=1))
    assert answers(cast) == {True}
    DocketEntry.objects.update(due_provisional=False)
    assert answers(cast) == {False}


@pytest.mark.parametrize("state", [State.CORRECTION, State.ACCEPTED])
@pytest.mark.parametrize("which", [Clock.CORRECTION, Clock.FIRST_REVIEW])
def test_the_rule_says_the_same_in_every_language(cast: Cast, state: State, which: Clock) -> None:
    line = renewing(cast, state=state, clock=which)
    read = standing.line_of(line)
    with connection.cursor() as cursor:
        asked = f"SELECT {standing.ANSWER_BY} FROM public.register_docketentry d WHERE d.case_id = %s"
        cursor.execute(asked, [line.pk])
        (in_sql,) = cursor.fetchone()
    by_query = DocketEntry.objects.values_list(standing.answer_by(), flat=True).get(pk=line.pk)
    with crossing.standing(Desk.APPLICANT), connection.cursor() as cursor:
        number = standing.registrations_of(cast.zhang)
        cursor.execute(
            "SELECT open_answer_by FROM public.public_registration(%s, %s)",
            [number[-1].number if number else "", cast.zhang.name],
        )
        across = cursor.fetchone()
    assert read is not None
    assert {read.answer_by, in_sql, by_query, *(across or ())} == {
        DUE if state == State.CORRECTION and which == Clock.CORRECTION else None
    }
