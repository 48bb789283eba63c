"""The jobs of the clock, attacked: whatever happens to a sweep, the outcome is that of the undisturbed one.

One table: every job against every fault. What came of it is compared as a whole: states, clocks, movements,
notices, docket, chains.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, Final

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from intake import filing
from intake.models import Application
from notifications import outbox
from notifications.models import Outbox
from register import clock, holidays
from register.models import DocketEntry, Kind
from review import casework, clockwork, docket, escalation, handover, log, replay
from review.models import Case
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency
from tests import casefiles, clocktable
from tests.cast import Cast

pytestmark = [pytest.mark.usefixtures("shifted_clock")]

# Whose application lies where; the last agency is the one that falls ill.
WHERE: Final = {"zhang": "beijing", "sun": "beijing", "gu": "mohurd"}
DESKS: Final = {"beijing": "li", "mohurd": "he"}


@pytest.fixture(autouse=True)
def _only_2026_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "KNOWN_YEARS", clocktable.ANNOUNCED)
    clock.forget_calendar()


def at(text: str) -> None:
    clock.travel_to(datetime.fromisoformat(text).replace(tzinfo=clock.SHANGHAI))


# --- The jobs -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """One sweep: what it finds, when it is due first, and what comes of it undisturbed."""

    name: str
    begin: Callable[[Cast], None]
    moment: str
    run: Callable[[], Any]
    # How each of the three cases stands, and their acts.
    stands: str
    acts: str
    # Who is told what, and the day that the notice names.
    told: tuple[str, ...]
    # Module and function of its single step, and where a case is locked.
    step: tuple[Any, str]
    # Before this moment nothing is due.
    since: str = ""
    table: str = "review_case"
    # Who makes it fail in every sweep, and what is told all the same.
    victim: str = "zhang"


def lodge_all(cast: Cast, when: str = "2026-11-23T10:00") -> None:
    at(when)
    for who, code in WHERE.items():
        person, agency = cast.people[who], cast.agencies[code]
        with cast.at_applicants_desk(person), crossing.inside(agency):
            casefiles.lodge(person, agency)


def walked(to: State) -> Callable[[Cast], None]:
    def begin(cast: Cast) -> None:
        lodge_all(cast)
        at("2026-11-23T11:00")
        for code, officer in DESKS.items():
            with crossing.standing(Desk.AGENCY, cast.agencies[code]):
                for case in list(Case.objects.all()):
                    casefiles.walk(case, cast.actor(officer), to)

    return begin


def provisional(cast: Cast) -> None:
    lodge_all(cast, "2026-12-28T10:00")
    with crossing.standing(Desk.AUTHORITY):
        holidays.enter(clocktable.entries("D"), by=cast.user("feng"), at=clock.now())


def draft_all(cast: Cast) -> None:
    at("2026-09-01T10:00")
    for who in WHERE:
        with cast.at_applicants_desk(cast.people[who]):
            filing.start(person=cast.people[who], kind=Kind.INITIAL)


def retire() -> int:
    return filing.retire(before=filing.idle_since())


JOBS: Final = (
    Job(
        name="deemed acceptance",
        begin=lodge_all,
        moment="2026-12-01T00:00:30",
        run=lambda: clockwork.fire_due().as_dict(),
        # The first review counts from the receipt of 23 November, whichever day the sweep came.
        stands="deemed_accepted F 2026-11-23 2026-12-21",
        acts="lodge then 2026-11-30; deem_accept due 2026-11-30, then 2026-12-21",
        told=tuple(f"{who} deemed_accepted 2026-11-23" for who in WHERE),
        step=(clockwork, "_fire"),
        since="2026-12-01T00:00",
    ),
    Job(
        name="lapse",
        begin=walked(State.CORRECTION),
        moment="2026-12-08T00:00:30",
        run=lambda: clockwork.fire_due().as_dict(),
        stands="lapsed  None None",
        acts="lodge then 2026-11-30; take_up; send_back then 2026-12-07; lapse due 2026-12-07",
        told=tuple(f"{who} lapsed 2026-12-07" for who in WHERE),
        step=(clockwork, "_fire"),
        since="2026-12-08T00:00",
    ),
    Job(
        name="counting anew",
        begin=provisional,
        moment="2027-01-03T09:00",
        run=lambda: clockwork.recompute().as_dict(),
        stands="submitted A 2026-12-28 2027-01-06",
        acts="lodge then 2027-01-05; recompute then 2027-01-06",
        told=tuple(f"{who} deadline_moved 2027年1月6日" for who in WHERE),
        step=(clockwork, "_recount"),
    ),
    Job(
        name="escalation",
        begin=walked(State.ACCEPTED),
        # A Friday, and three days later the last day itself.
        moment="2026-12-18T09:00",
        run=lambda: escalation.sweep().as_dict(),
        stands="accepted F 2026-11-23 2026-12-21",
        acts="lodge then 2026-11-30; take_up; accept then 2026-12-21",
        told=(
            *("li staff_due_tomorrow 2026年12月21日",) * 2,
            "he staff_due_tomorrow 2026年12月21日",
            *("wang escalation_near 2", "chen escalation_near 2", "lin escalation_near 1"),
        ),
        step=(escalation, "_safely"),
        since="2026-12-18T08:00",
        victim="li",
    ),
    Job(
        name="idle drafts",
        begin=draft_all,
        moment="2027-09-02T00:00:30",
        run=retire,
        stands="",
        acts="",
        told=tuple(f"{who} draft_retired " for who in WHERE),
        step=(filing, "_retired"),
        # After 180 days.
        since="2027-02-28T10:00",
        table="intake_application",
    ),
)


# --- What came of it ----------------------------------------------------------------------------------


def told(cast: Cast) -> Counter[str]:
    names = {user.pk: name for name, user in cast.users.items()}
    names |= {person.user_id: name for name, person in cast.people.items()}
    with crossing.standing(Desk.CLERK):
        rows = list(Outbox.objects.order_by("pk").values_list("user_id", "kind", "data"))
    return Counter(f"{names[user]} {kind} {day_named(data)}" for user, kind, data in rows)


def day_named(data: dict[str, Any]) -> str:
    value = data.get("since") or data.get("due") or data.get("near") or ""
    return str(value["zh"] if isinstance(value, dict) else value)


def stands(case: Case) -> str:
    return f"{case.state} {case.clock} {case.clock_from} {case.due_on}"


def acts(case: Case) -> str:
    said = []
    for movement in case.movements.order_by("number"):
        due = f" due {movement.detail['due']}" if "due" in movement.detail else ""
        then = f"{',' * bool(due)} then {movement.detail['due_on']}" if "due_on" in movement.detail else ""
        said.append(f"{movement.act}{due}{then}")
    return "; ".join(said)


def agrees(cast: Cast, agency: Agency) -> None:
    """Docket, chains and columns of an agency say what its movements say."""
    with crossing.standing(Desk.CLERK), crossing.inside(agency):
        assert docket.differences(agency) == []
        assert list(log.verify()) == []
        for case in Case.objects.all():
            assert replay.differences(case, list(case.movements.order_by("number"))) == {}


def whole(job: Job, cast: Cast, before: Counter[str]) -> None:
    """Everything is as after the undisturbed sweep."""
    for code in DESKS:
        with crossing.standing(Desk.CLERK), crossing.inside(code):
            cases = list(Case.objects.all())
            wanted = [(job.stands, job.acts)] * (list(WHERE.values()).count(code) if job.stands else 0)
            assert [(stands(case), acts(case)) for case in cases] == wanted
        agrees(cast, cast.agencies[code])
    assert told(cast) - before == Counter(job.told)
    with crossing.standing(Desk.CLERK):
        assert docket.miscounted() == []
        assert Application.objects.filter(status=Application.Status.DRAFT).count() == 0


def swept(job: Job) -> Any:
    with crossing.standing(Desk.CLERK):
        return job.run()


# --- The faults ---------------------------------------------------------------------------------------


class Killed(BaseException):
    """What nobody catches: the process is gone."""


Patch = pytest.MonkeyPatch
Fault = Callable[[Job, Cast, Patch], None]


def repeated(job: Job, cast: Cast, patch: Patch) -> None:
    for _again in range(3):
        swept(job)


def at_once(job: Job, cast: Cast, patch: Patch) -> None:
    gate = Barrier(2)

    def run(_lane: int) -> Any:
        try:
            with crossing.standing(Desk.CLERK):
                gate.wait(timeout=10)
                return job.run()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as lanes:
        for answer in lanes.map(run, range(2), timeout=30):
            assert not isinstance(answer, dict) or answer["failed"] == 0
    # What one found under the lock of the other is for the next sweep, if anything.
    swept(job)


def killed_between(job: Job, cast: Cast, patch: Patch) -> None:
    module, name = job.step
    really, calls = getattr(module, name), []

    def step(*given: Any, **more: Any) -> Any:
        calls.append(name)
        if len(calls) == 2:
            raise Killed
        return really(*given, **more)

    with patch.context() as during:
        during.setattr(module, name, step)
        with pytest.raises(Killed):
            swept(job)
    swept(job)


def posting(patch: Patch, after: Callable[[int, list[Any]], None]) -> None:
    """Inside the transaction of a case, when its notice is posted: the number of the call, the messages."""
    really, calls = outbox.post_many, []

    def post_many(messages: Any) -> None:
        rows = list(messages)
        calls.append(rows)
        really(rows)
        after(len(calls), rows)

    patch.setattr(outbox, "post_many", post_many)


def killed_inside(job: Job, cast: Cast, patch: Patch) -> None:
    def second(call: int, _rows: list[Any]) -> None:
        if call == 2:
            raise Killed

    with patch.context() as during, suppress(Killed):
        posting(during, second)
        swept(job)
    swept(job)


@contextmanager
def besides() -> Iterator[psycopg.Connection]:
    """A connection of somebody else to the same database."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], dbname=name) as other:
        yield other


def connection_lost(job: Job, cast: Cast, patch: Patch) -> None:
    def second(call: int, _rows: list[Any]) -> None:
        if call == 2:
            with besides() as other:
                other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])

    with patch.context() as during:
        posting(during, second)
        swept(job)
    # The rest of the same sweep went on by a new connection, at the same desk.
    done = Counter(job.told) & told(cast)
    assert done.total() >= len(job.told) - 1
    swept(job)


def days_late(job: Job, cast: Cast, patch: Patch) -> None:
    clock.travel_to(clock.now() + timedelta(days=3))
    swept(job)


def first_moment(job: Job, cast: Cast, patch: Patch) -> None:
    """A moment too early nothing happens; midnight in Shanghai is an evening in UTC, one day earlier."""
    if job.since:
        before = told(cast)
        since = datetime.fromisoformat(job.since).replace(tzinfo=clock.SHANGHAI)
        clock.travel_to(since - timedelta(seconds=10))
        swept(job)
        assert told(cast) == before
        clock.travel_to(since + timedelta(seconds=10))
    swept(job)


def falls_ill(job: Job, cast: Cast, patch: Patch) -> None:
    """The schema of the one agency is not there; that of the other is."""

    def rename(source: str, target: str) -> None:
        with crossing.standing(Desk.OWNER), connection.cursor() as cursor:
            cursor.execute(f"ALTER SCHEMA {source} RENAME TO {target}")

    rename("mohurd", "mohurd_away")
    try:
        swept(job)
    finally:
        rename("mohurd_away", "mohurd")
    ours = [line for line in job.told if line.split()[0] in {"zhang", "sun", "li"}]
    assert Counter(ours) - told(cast) == Counter()
    swept(job)


def as_an_agency(**changes: Any) -> Fault:
    def fault(job: Job, cast: Cast, patch: Patch) -> None:
        if "merged_into" in changes:
            changes["merged_into"] = cast.sinopec
        Agency.objects.filter(code="mohurd").update(**changes)
        swept(job)

    return fault


def under_lock(job: Job, cast: Cast, patch: Patch) -> None:
    """An officer has the first one under lock, for longer than a sweep may wait."""
    schema = "public" if job.table == "intake_application" else "beijing"
    rows = sql.SQL("SELECT id FROM {} ORDER BY id LIMIT 1 FOR UPDATE").format(
        sql.Identifier(schema, job.table)
    )
    with besides() as other:
        other.execute(rows)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '3s'")
        begun = time.monotonic()
        swept(job)
        assert time.monotonic() - begun < 3
        done = Counter(job.told) & told(cast)
        assert done.total() == len(job.told) - (job.name != "escalation")
        other.rollback()
    swept(job)


def first_fails(job: Job, cast: Cast, patch: Patch) -> None:
    """In every sweep the first one fails: the others do not wait for it."""
    who = {**cast.users, **{name: person.user for name, person in cast.people.items()}}[job.victim].pk

    def always(_call: int, rows: list[Any]) -> None:
        if any(row.user_id == who for row in rows):
            raise RuntimeError("out of order")

    with patch.context() as during:
        during.setattr(clockwork, "SLICE", 1)
        posting(during, always)
        for _beat in range(2):
            swept(job)
        others = [line for line in job.told if line.split()[0] != job.victim]
        assert Counter(job.told) & told(cast) == Counter(others)
    swept(job)


FAULTS: Final[dict[str, Fault]] = {
    "undisturbed, repeated": repeated,
    "killed between two": killed_between,
    "killed inside one": killed_inside,
    "none for three days": days_late,
    "the first moment": first_moment,
    "the first fails every time": first_fails,
    "suspended": as_an_agency(intake_open=False, intake_note="系统升级"),
    "being merged": as_an_agency(intake_open=False, merged_into=True),
    "merged": as_an_agency(
        intake_open=False, merged_into=True, merged_at=datetime(2026, 11, 24, tzinfo=clock.SHANGHAI)
    ),
}
# These need commits that others see.
COMMITTED: Final[dict[str, Fault]] = {
    "two at once": at_once,
    "connection lost": connection_lost,
    "schema away": falls_ill,
    "under lock": under_lock,
}


AT_AGENCIES: Final = {"suspended", "being merged", "merged"}


def table(faults: dict[str, Fault]) -> list[object]:
    """Every job with every fault; drafts lie at no agency yet."""
    return [
        pytest.param(job, fault, id=f"{job.name}-{name}")
        for job in JOBS
        for name, fault in faults.items()
        if job.stands or name not in AT_AGENCIES
    ]


def attacked(job: Job, fault: Fault, cast: Cast, patch: Patch) -> None:
    job.begin(cast)
    before = told(cast)
    at(job.moment)
    fault(job, cast, patch)
    whole(job, cast, before)


@pytest.mark.django_db
@pytest.mark.parametrize(("job", "fault"), table(FAULTS))
def test_the_outcome_is_that_of_the_undisturbed_sweep(
    job: Job, fault: Fault, cast: Cast, monkeypatch: Patch
) -> None:
    attacked(job, fault, cast, monkeypatch)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("job", "fault"), table(COMMITTED))
def test_so_it_is_among_others(job: Job, fault: Fault, cast: Cast, monkeypatch: Patch) -> None:
    attacked(job, fault, cast, monkeypatch)


# --- What only one job can meet -----------------------------------------------------------------------


def of(cast: Cast, who: str, agency: str) -> Case:
    with crossing.standing(Desk.CLERK), crossing.inside(agency):
        return Case.objects.get(applicant_name=cast.people[who].name)


def acts_of(cast: Cast, who: str, agency: str) -> str:
    with crossing.standing(Desk.CLERK), crossing.inside(agency):
        return acts(Case.objects.get(applicant_name=cast.people[who].name))


@pytest.mark.django_db
@pytest.mark.parametrize("days", [0, 3])
def test_over_the_years_end_the_first_review_counts_from_the_receipt(cast: Cast, days: int) -> None:
    lodge_all(cast, "2026-12-24T15:59")
    clock.travel_to(datetime(2026, 12, 31, 15, 59, 50, tzinfo=UTC))
    assert swept(JOBS[0])["looked_at"] == 0
    clock.travel_to(datetime(2026, 12, 31, 16, 0, 5, tzinfo=UTC) + timedelta(days=days))
    assert swept(JOBS[0])["deem_accept"] == 3
    case = of(cast, "zhang", "beijing")
    assert stands(case) == "deemed_accepted F 2026-12-24 2027-01-22"
    assert case.due_provisional


@pytest.mark.django_db
@pytest.mark.parametrize("days", [0, 3])
def test_after_a_correction_it_counts_from_the_resubmission(cast: Cast, days: int) -> None:
    walked(State.CORRECTION)(cast)
    at("2026-11-25T10:00")
    zhang = cast.zhang
    with cast.at_applicants_desk(zhang), crossing.inside(cast.beijing):
        filing_again = casefiles.filing(zhang, cast.beijing, performance="已更正")
        case = Case.objects.get(applicant_name=zhang.name)
        casework.resubmit(case=case, by=cast.actor_of(zhang), filing=filing_again)
    at("2026-12-03T00:00:10")
    clock.travel_to(clock.now() + timedelta(days=days))
    assert swept(JOBS[0])["deem_accept"] == 1
    assert stands(of(cast, "zhang", "beijing")) == "deemed_accepted F 2026-11-25 2026-12-23"


@pytest.mark.django_db
def test_a_lapse_names_the_day_of_the_real_calendar(cast: Cast) -> None:
    """Nothing was counted anew, for nothing ran: the law's day is that of the calendar all the same."""
    lodge_all(cast, "2026-12-21T10:00")
    at("2026-12-22T10:00")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(applicant_name=cast.zhang.name)
        casefiles.walk(case, cast.actor("li"), State.CORRECTION)
    at("2026-12-29T10:00")
    with crossing.standing(Desk.AUTHORITY):
        holidays.enter(clocktable.entries("B"), by=cast.user("feng"), at=clock.now())
    at("2027-01-07T23:59:50")
    swept(JOBS[1])
    assert stands(of(cast, "zhang", "beijing")) == "correction C 2026-12-22 2027-01-06"
    at("2027-01-11T09:00")
    assert swept(JOBS[1])["lapse"] == 1
    assert "lapse due 2027-01-07" in acts_of(cast, "zhang", "beijing")
    assert told(cast)["zhang lapsed 2027-01-07"] == 1


@pytest.mark.django_db
def test_a_case_handed_over_meanwhile_is_left_to_its_new_agency(cast: Cast, monkeypatch: Patch) -> None:
    lodge_all(cast)
    at("2026-12-01T00:00:30")
    really = clockwork._over
    key = of(cast, "zhang", "beijing").pk

    def over() -> Any:
        found = really()
        at("2026-11-30T18:00")
        with crossing.standing(Desk.AGENCY, cast.beijing):
            handover.hand_over(
                case_id=key, source=cast.beijing, target=cast.mohurd, by=cast.actor("wang"), text="误投"
            )
        at("2026-12-01T00:00:30")
        return found

    monkeypatch.setattr(clockwork, "_over", over)
    assert swept(JOBS[0]) == {"looked_at": 3, "deem_accept": 2, "lapse": 0, "failed": 0}
    monkeypatch.undo()
    clock.forget_calendar()
    assert swept(JOBS[0])["deem_accept"] == 1
    assert stands(of(cast, "zhang", "mohurd")) == "deemed_accepted F 2026-11-23 2026-12-21"
    assert acts_of(cast, "zhang", "mohurd").count("deem_accept") == 1
    assert told(cast)["zhang deemed_accepted 2026-11-23"] == 1
    for agency in (cast.beijing, cast.mohurd):
        agrees(cast, agency)


@pytest.mark.django_db
def test_one_broken_line_keeps_no_officer_from_being_reminded(cast: Cast) -> None:
    walked(State.ACCEPTED)(cast)
    with crossing.standing(Desk.OWNER):
        DocketEntry.objects.filter(applicant_name=cast.zhang.name).update(kind="unheard of")
    at("2026-12-18T09:00")
    assert swept(JOBS[3])["failed"] == 1
    assert told(cast)["li staff_due_tomorrow 2026年12月21日"] == 1
    assert told(cast)["he staff_due_tomorrow 2026年12月21日"] == 1
