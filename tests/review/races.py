"""Races: two acts on one case at the same moment, by two threads with connections of their own.

Of the two exactly one takes effect; who comes second is told by whom and when the case was handled. A few
acts may lawfully follow each other: then either the second one finds what the first one left, or it is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from threading import Barrier
from typing import Final
from uuid import UUID

from django.db import connection, connections

from notifications.models import Outbox
from register import clock
from review import announcements, casework, docket, log, registrar
from review.models import Case
from review.states import State
from review.workflow import Actor
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import User
from tests import casefiles, factories
from tests.cast import Cast

ITEMS: Final = [{"item": "employer", "code": "R08", "text": "单位名称与信用代码不一致"}]
# Acts of which no notice tells the applicant.
QUIET: Final = {*announcements.SILENT, *announcements.AMONG_STAFF}
Do = Callable[[Case, Actor, Cast], object]


@dataclass(frozen=True, slots=True)
class Act:
    """One side of a race: who does what; `name` is the movement it makes."""

    who: str
    name: str
    do: Do


@dataclass(frozen=True, slots=True)
class Race:
    """Two acts on a case in this state; `held` is in whose hands it lies.

    They exclude each other, or with `follows` the second one may come after the first.
    """

    name: str
    state: State
    first: Act
    second: Act
    held: str = "li"
    countersign: bool = False
    proposed: bool = False
    follows: bool = False

    @property
    def lawful(self) -> list[list[str]]:
        """The movements to which the race may lead."""
        one, other = self.first.name, self.second.name
        return [[one], [other], *([[one, other]] if self.follows else [])]


def act(who: str, name: str, do: Do | None = None) -> Act:
    """An act by its own verb of casework, unless it wants more than the case and the actor."""
    return Act(who, name, do or (lambda case, by, _cast: getattr(casework, name)(case=case, by=by)))


def refer(case: Case, by: Actor, cast: Cast) -> None:
    for _case, refusal in casework.refer(cases=[case], by=by).refused:
        raise refusal


def told(name: str) -> Do:
    """A verb that wants a reason in words."""
    return lambda case, by, _cast: getattr(casework, name)(case=case, by=by, text="核查发现新情况")


def send_back(case: Case, by: Actor, cast: Cast) -> None:
    casework.send_back(case=case, by=by, items=ITEMS, reason="核查发现")


def not_accept(case: Case, by: Actor, cast: Cast) -> None:
    casework.not_accept(case=case, by=by, codes=["R11"], text="应向其他机构申请")


def opinion(verdict: str) -> Do:
    codes = ["N05"] if verdict == "fail" else []
    return lambda case, by, _cast: casework.give_opinion(
        case=case, by=by, verdict=verdict, codes=codes, text="证书无效" if codes else ""
    )


def assign(to: str) -> Do:
    return lambda case, by, cast: casework.assign(case=case, to=cast.user(to), agency=cast.beijing, by=by)


def terminate(case: Case, by: Actor, cast: Cast) -> None:
    casework.terminate(case=case, by=by, ground="death", text="聘用单位来函说明")


def cancel(case: Case, by: Actor, cast: Cast) -> None:
    """The registrar cancels the registration; the case is terminated with it."""
    registrar.end_registration(
        person_id=case.person_id, how="cancelled", ground="death", text="户籍已注销。", by=by
    )


def restrict(case: Case, by: Actor, cast: Cast) -> None:
    """The registrar enters a restriction; the case is terminated with it."""
    registrar.restrict(person_id=case.person_id, ground="false", reason="合同伪造", by=by, end_case=True)


def announce(case: Case, by: Actor, cast: Cast) -> None:
    casework.announce(case=case, by=by, batch="2026-001", published_on=clock.today())


def refuse(case: Case, by: Actor, cast: Cast) -> None:
    casework.refuse(case=case, by=by, codes=["N05"], text="资格证书无效")


def reinstate(case: Case, by: Actor, cast: Cast) -> None:
    casework.reinstate(
        case=case,
        by=by,
        basis="judgment",
        number="示例行初〔2026〕1号",
        decided_on=clock.today(),
        decided_by="示例法院",
        text="撤销原决定",
    )


def give_to(who: str) -> Do:
    return lambda case, by, cast: casework.assign(case=case, to=cast.user(who), agency=cast.authority, by=by)


SUBMITTED, ACCEPTED, PASSED = State.SUBMITTED, State.ACCEPTED, State.FIRST_PASSED
REPORTED, REFUSED, GRANTED = State.REPORTED, State.FINAL_FAILED, State.FINAL_PASSED
RACES: Final[Sequence[Race]] = (
    Race("two take it up", SUBMITTED, act("li", "take_up"), act("liu", "take_up"), held=""),
    Race("one accepts twice", SUBMITTED, act("li", "accept"), act("li", "accept")),
    Race("accepted or not accepted", SUBMITTED, act("li", "accept"), act("li", "not_accept", not_accept)),
    Race("accepted or sent back", SUBMITTED, act("li", "accept"), act("li", "send_back", send_back)),
    Race(
        "sent back by two",
        SUBMITTED,
        act("li", "send_back", send_back),
        act("wang", "send_back", send_back),
    ),
    Race(
        "not accepted or withdrawn", SUBMITTED, act("li", "not_accept", not_accept), act("zhang", "withdraw")
    ),
    Race(
        "passed or failed",
        ACCEPTED,
        act("li", "give_opinion", opinion("pass")),
        act("li", "give_opinion", opinion("fail")),
    ),
    Race(
        "extended by two",
        ACCEPTED,
        act("wang", "extend", told("extend")),
        act("yang", "extend", told("extend")),
    ),
    Race("ended or withdrawn", ACCEPTED, act("wang", "terminate", terminate), act("zhang", "withdraw")),
    Race(
        "agreed or disagreed",
        ACCEPTED,
        act("wang", "countersign"),
        act("yang", "decline", told("decline")),
        countersign=True,
    ),
    Race("referred or reopened", PASSED, act("li", "refer", refer), act("wang", "reopen", told("reopen"))),
    Race("referred or withdrawn", PASSED, act("li", "refer", refer), act("zhang", "withdraw")),
    Race("referred twice", PASSED, act("li", "refer", refer), act("li", "refer", refer)),
    Race(
        "given to one colleague by two",
        SUBMITTED,
        act("wang", "assign", assign("liu")),
        act("yang", "assign", assign("liu")),
        held="li",
    ),
    Race("granted twice", REPORTED, act("zhao", "approve"), act("zhao", "approve")),
    Race("granted or refused", REPORTED, act("zhao", "approve"), act("zhao", "refuse", refuse)),
    Race("granted or remanded", REPORTED, act("zhao", "approve"), act("zhao", "remand", told("remand"))),
    Race("signed by two", REPORTED, act("qian", "approve"), act("hu", "approve"), proposed=True),
    Race(
        "signed or declined",
        REPORTED,
        act("qian", "approve"),
        act("hu", "decline", told("decline")),
        proposed=True,
    ),
    Race(
        "extended and granted",
        REPORTED,
        act("qian", "extend", told("extend")),
        act("zhao", "approve"),
        follows=True,
    ),
    Race("ended or granted", REPORTED, act("qian", "terminate", terminate), act("zhao", "approve")),
    Race(
        "ended by the registrar or granted",
        REPORTED,
        act("zhou", "terminate", restrict),
        act("zhao", "approve"),
    ),
    Race(
        "reinstated by two",
        REFUSED,
        act("qian", "reinstate", reinstate),
        act("hu", "reinstate", reinstate),
    ),
    Race(
        "taken or given",
        REPORTED,
        act("zhao", "take_up"),
        act("qian", "assign", give_to("zhao")),
        held="",
    ),
    Race(
        "announced and cancelled",
        GRANTED,
        act("zhou", "announce", announce),
        act("zhou", "terminate", cancel),
        follows=True,
    ),
)
ROLES: Final = {
    "li": "reviewer",
    "liu": "reviewer",
    "wang": "supervisor",
    "yang": "supervisor",
    "zhao": "final_reviewer",
    "qian": "signing_officer",
    "hu": "signing_officer",
    "zhou": "registrar",
}
AT_AUTHORITY: Final = {"zhao", "qian", "hu", "zhou"}


@dataclass(slots=True)
class Tally:
    """What came of the races."""

    races: int = 0
    one_effect: int = 0
    told: int = 0
    # The second act came lawfully after the first: nobody had to be told.
    followed: int = 0
    winners: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Course:
    """The ground of the races: the cast, two lanes with open connections, and a tally.

    It commits, so it belongs into a test of the real database, or into a database of its own.
    """

    def __init__(self, cast: Cast) -> None:
        self.cast, self.tally = cast, Tally()
        self.cast.users["yang"] = User.objects.create_staff(
            username="yang.beijing", name="杨复核", home=cast.beijing
        )
        self.cast.users["hu"] = User.objects.create_staff(
            username="hu.authority", name="胡签批", home=cast.authority
        )
        self.lanes = ThreadPoolExecutor(2)

    def run(self, count: int) -> Tally:
        """So many races, all kinds in turn, and the books of the agency afterwards."""
        for race in islice(cycle(RACES), count):
            self._race(race)
        with crossing.standing(Desk.CLERK), crossing.inside(self.cast.beijing):
            self.tally.wrong += docket.differences(self.cast.beijing)
            self.tally.wrong += [f"chain: {one}" for one in log.verify()]
        return self.tally

    def _race(self, race: Race) -> None:
        case_id = self._start_of(race)
        gate = Barrier(2)
        runs = [self.lanes.submit(self._lane, gate, case_id, side) for side in (race.first, race.second)]
        answers = [run.result(timeout=60) for run in runs]
        self._judge(race, case_id, answers)

    def _lane(self, gate: Barrier, case_id: UUID, side: Act) -> Refusal | None:
        with self._desk_of(side.who):
            case, by = Case.objects.prefetch_related("opinions").get(pk=case_id), self._actor(side.who)
            gate.wait(timeout=30)
            try:
                side.do(case, by, self.cast)
            except Refusal as no:
                return no
        return None

    def _judge(self, race: Race, case_id: UUID, answers: Sequence[Refusal | None]) -> None:
        tally = self.tally
        tally.races += 1
        sides = (race.first, race.second)
        won = [side for side, no in zip(sides, answers, strict=True) if no is None]
        lost = [no for no in answers if no is not None]
        if len(won) not in {1, 2 if race.follows else 1}:
            tally.wrong.append(f"{race.name}: {len(won)} of two acts said they were done")
            return
        tally.winners[f"{race.name}: {' '.join(f'{side.who} {side.name}' for side in won)}"] += 1
        with crossing.standing(Desk.CLERK), crossing.inside(self.cast.beijing):
            case = Case.objects.get(pk=case_id)
            since = list(case.movements.filter(number__gt=self.before).order_by("number"))
            told_of = Outbox.objects.filter(cause__in=[str(m.pk) for m in since])
            notices = told_of.exclude(kind__in={*announcements.TO_COLLEAGUES, "staff_remanded"}).count()
        done = [m.act for m in since]
        loud = [side for side in won if side.name not in QUIET]
        if done not in race.lawful or sorted(done) != sorted(s.name for s in won) or notices != len(loud):
            tally.wrong.append(f"{race.name}: {done}, {notices} notices")
            return
        tally.one_effect += 1
        if not lost:
            tally.followed += 1
            return
        no, last = lost[0], since[0]
        tally.refusals[no.code] += 1
        at = last.at.astimezone(clock.SHANGHAI)
        if last.actor_name in str(no) and f"{at:%H:%M}" in str(no):
            tally.told += 1
        else:
            tally.wrong.append(f"{race.name}: the loser was told “{no}”")

    # --- The start

    def _start_of(self, race: Race) -> UUID:
        """A new person's case in the state of the race, in the hands it wants."""
        cast, person = self.cast, factories.person()
        self.person = person
        with cast.at_applicants_desk(person), crossing.inside(cast.beijing):
            case_id = casefiles.lodge(person, cast.beijing).pk
        with crossing.standing(Desk.AGENCY, cast.beijing):
            case, li = Case.objects.get(pk=case_id), cast.actor("li")
            if race.countersign:
                case.policy["countersign"] = True
                Case.objects.filter(pk=case_id).update(policy=case.policy)
            if race.held or race.state != SUBMITTED:
                casework.take_up(case=case, by=li)
            if race.state != SUBMITTED:
                casework.accept(case=case, by=li)
                casefiles.tick_all(case, li)
            if race.state not in {SUBMITTED, ACCEPTED} or race.countersign:
                casework.give_opinion(case=case, by=li, verdict="pass")
            if race.state in {REPORTED, REFUSED, GRANTED}:
                refer(case, li, cast)
                case.refresh_from_db()
        if race.state in {REPORTED, REFUSED, GRANTED}:
            self._start_at_authority(race, case)
        with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
            self.before = Case.objects.get(pk=case_id).chain_length
        return case_id

    def _start_at_authority(self, race: Race, case: Case) -> None:
        zhao = self._actor("zhao")
        with crossing.standing(Desk.AUTHORITY), crossing.inside(self.cast.beijing):
            if race.proposed:
                case.policy["final_sign_off"] = True
                Case.objects.filter(pk=case.pk).update(policy=case.policy)
            if race.held:
                casework.take_up(case=case, by=zhao)
            if race.state == REFUSED:
                refuse(case, zhao, self.cast)
            elif race.proposed or race.state == GRANTED:
                casework.approve(case=case, by=zhao)

    def _actor(self, who: str) -> Actor:
        if who == "zhang":
            return self.cast.actor_of(self.person)
        agency = self.cast.authority if who in AT_AUTHORITY else self.cast.beijing
        return Actor.staff(self.cast.user(who), agency=agency, held=frozenset({ROLES[who]}))

    @contextmanager
    def _desk_of(self, who: str) -> Iterator[None]:
        if who == "zhang":
            with self.cast.at_applicants_desk(self.person), crossing.inside(self.cast.beijing):
                yield
        elif who in AT_AUTHORITY:
            with crossing.standing(Desk.AUTHORITY), crossing.inside(self.cast.beijing):
                yield
        else:
            with crossing.standing(Desk.AGENCY, self.cast.beijing):
                yield

    def close(self) -> None:
        """Give the lanes' connections back."""
        gate = Barrier(2)
        for lane in [self.lanes.submit(self._leave, gate) for _lane in range(2)]:
            lane.result(timeout=30)
        self.lanes.shutdown()
        connection.close()

    @staticmethod
    def _leave(gate: Barrier) -> None:
        gate.wait(timeout=30)
        connections.close_all()
