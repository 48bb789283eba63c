"""Every act × role × state, held against tests/data/law.csv, which states the law of movement a second time.

A line of the file is one act by one role under one circumstance (`given`), with a cell for each state:
`.` the act does not start there; a refusal code; `=` the case stays in its state; `<` it returns to the
state it remembers; else the state, or states, to which the act leads.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from django.db import transaction

from register import clock
from register.models import DocketEntry
from review import workflow
from review.models import Case, Opinion
from review.states import OPEN, WORKING, State
from review.workflow import Actor, allow
from tenants import crossing, roles
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import casefiles, factories
from tests import certificates as papers
from tests.cast import Cast
from tests.review.desks import at_desk, case_now

DATA: Final = Path(__file__).parents[1] / "data" / "law.csv"
NOT_FROM_HERE: Final = "."
STAYS: Final = "="
RETURNS: Final = "<"
REMEMBERED: Final = State.ACCEPTED
ME: Final = 4711
COLLEAGUE: Final = 4712
# Has no account any more.
GONE: Final = 4713
MY_DIGEST: Final = "own"
MY_EMPLOYER: Final = "91320000MA1X00017T"
ROLES: Final = (
    "reviewer",
    "supervisor",
    "manager",
    "auditor",
    "final_reviewer",
    "signing_officer",
    "registrar",
    "administrator",
    "authority_auditor",
    "applicant",
    "clock",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the law: what comes of an act by a role, state by state."""

    act: str
    role: str
    given: str
    cells: dict[str, str]

    def __str__(self) -> str:
        return "-".join(filter(None, (self.act, self.role, self.given)))


@cache
def law() -> tuple[Line, ...]:
    with DATA.open(encoding="utf-8", newline="") as file:
        return tuple(
            Line(row.pop("act"), row.pop("role"), row.pop("given"), row) for row in csv.DictReader(file)
        )


@cache
def codes() -> frozenset[str]:
    """The cells that are refusals."""
    targets = {*map(str, State), STAYS, RETURNS, NOT_FROM_HERE}
    cells = frozenset(cell for line in law() for cell in line.cells.values())
    return cells - targets - {"first_passed|first_failed"}


# --- The file itself ---------------------------------------------------------------------------------


def test_the_file_names_every_act_role_and_state() -> None:
    assert {line.act for line in law()} == workflow.ACTS
    plain = [(line.act, line.role) for line in law() if not line.given]
    assert sorted(plain) == sorted((act, role) for act in workflow.ACTS for role in ROLES)
    assert {tuple(line.cells) for line in law()} == {
        (
            *("submitted", "correction", "accepted", "deemed_accepted", "sent_back"),
            *("first_passed", "first_failed", "reported", "final_passed", "announced", "issued"),
            *("final_failed", "not_accepted", "withdrawn", "lapsed", "handed_over", "terminated"),
        )
    }
    assert {state for line in law() for state in line.cells} == set(State)


@pytest.mark.parametrize(
    ("role", "acts"),
    [
        ("auditor", set()),
        ("authority_auditor", set()),
        ("administrator", set()),
        # A manager gives the cases of somebody who leaves to somebody else, and decides nothing.
        ("manager", {"assign"}),
        ("applicant", {"resubmit", "withdraw"}),
        ("clock", {"deem_accept", "lapse", "recompute"}),
    ],
)
def test_what_a_role_may_do_at_all(role: str, acts: set[str]) -> None:
    refused = {NOT_FROM_HERE, *codes()}
    mine = {line.act for line in law() if line.role == role and not set(line.cells.values()) <= refused}
    assert mine == acts


# --- The door, against the file ----------------------------------------------------------------------


def actor_of(line: Line, case: Case) -> Actor:
    return Actor(
        user_id=None if line.role == "clock" else ME,
        name="某人",
        roles=frozenset({line.role}),
        person_id=None
        if line.role != "applicant"
        else uuid4()
        if line.given == "another"
        else case.person_id,
        document_digest=MY_DIGEST,
        employer_code=MY_EMPLOYER,
        covers=frozenset({COLLEAGUE}) if line.given == "covered" else frozenset(),
    )


def holder_in(line: Line) -> int | None:
    """In whose hands the case lies: mine, unless the line or the act itself wants it otherwise."""
    given = "free" if line.act == "take_up" and not line.given else line.given
    return {"free": None, "theirs": COLLEAGUE, "covered": COLLEAGUE, "gone": GONE}.get(given, ME)


def arrange(case: Case, line: Line, state: str) -> Case:
    """The case in memory, in this state and under the circumstances of the line."""
    case.state, case.resume_state = state, REMEMBERED
    case.assignee_id = case.officer_id = holder_in(line)
    case.due_on = date(2026, 1, 5) if line.given == "past" else clock.today() + timedelta(days=30)
    case.extended = line.given == "extended"
    case.corrections = int(line.given == "told")
    case.false_material = line.given == "false"
    two = line.given in {"two", "pending", "own"}
    case.policy = {**case.policy, "countersign": two, "final_sign_off": two}
    vars(case)["_prefetched_objects_cache"] = {"opinions": opinions(case, line)}
    return case


def opinions(case: Case, line: Line) -> list[Opinion]:
    """An opinion that waits for a second person, where the line and the state have one."""
    if line.given not in {"pending", "own"} or case.state not in {*WORKING, State.REPORTED}:
        return []
    return [
        Opinion(
            case=case,
            level="final" if case.state == State.REPORTED else "first",
            verdict="pass",
            standing="pending",
            author_id=ME if line.given == "own" else COLLEAGUE,
            author_name="别人",
            given_at=clock.now(),
        )
    ]


def outcome(case: Case, line: Line, state: str) -> str:
    """What comes of the act, in the words of the file."""
    try:
        row = allow(arrange(case, line, state), line.act, actor_of(line, case), clock.now())
    except Refusal as no:
        return NOT_FROM_HERE if no.code == "state" else no.code
    words = {workflow.SAME: STAYS, workflow.REMEMBERED: RETURNS}
    return "|".join(words.get(target, target) for target in row.targets)


@pytest.fixture
def case(cast: Cast) -> Iterator[Case]:
    """A case to hold against the file, with a registration: who asks, and its state, only in memory."""
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        lodged = casefiles.lodge(cast.zhang, cast.beijing)
    papers.certificate(factories.registration(cast.zhang, cast.beijing, case_id=lodged.pk))
    # Holders must be accounts that are open: a case of a closed one is free.
    for key, pk in (("li", ME), ("liu", COLLEAGUE)):
        type(cast.user(key)).objects.filter(pk=cast.user(key).pk).update(is_active=False)
        cast.user(key).pk, cast.user(key).username = pk, f"{key}.law"
        cast.user(key).save(force_insert=True)
        roles.grant(user=cast.user(key), agency=cast.beijing, role="reviewer", by=None)
    # Guards of the authority's acts read what no agency may.
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        yield Case.objects.get(pk=lodged.pk)


@pytest.mark.django_db
def test_every_act_by_every_role_in_every_state(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    # The sentence about who was faster reads the movements; here only the codes matter.
    monkeypatch.setattr(workflow, "_elsewhere", lambda _case: "elsewhere")
    wrong = [
        f"{line} in {state}: {got}, the law says {cell}"
        for line in law()
        for state, cell in line.cells.items()
        if (got := outcome(case, line, state)) != cell
    ]
    assert wrong == []


@pytest.mark.django_db
@pytest.mark.parametrize("spoil", [{"document_digest": MY_DIGEST}, {"employer_code": MY_EMPLOYER}])
def test_a_conflict_of_interest_is_refused_at_the_door_of_every_act(
    case: Case, spoil: dict[str, str]
) -> None:
    for name, value in spoil.items():
        setattr(case, name, value)
    staff = [line for line in law() if line.role not in {"applicant", "clock"}]
    refused = set()
    for line in staff:
        for state, cell in line.cells.items():
            if cell in {NOT_FROM_HERE, *codes()}:
                continue
            with pytest.raises(Refusal) as no:
                allow(arrange(case, line, state), line.act, actor_of(line, case), clock.now())
            refused.add((line.act, no.value.code))
    assert refused == {
        (act, "conflict")
        for act in workflow.ACTS - {"resubmit", "withdraw", "lapse", "deem_accept", "recompute"}
    }


# --- Each allowed act once through `move` ----------------------------------------------------------------

DETAIL: Final[dict[str, Any]] = {
    "text": "说明",
    "codes": [],
    "items": [{"item": "employer", "code": "R08", "text": "请更正单位名称"}],
    "reason": "核查发现",
    "dispatch": "B-1",
    "category": "A5",
    "valid_from": "2026-11-23",
    "valid_to": "2029-11-22",
    "batch": "1",
    "number": "1",
    "delivery": "1",
    "judgment": "1",
}
# Crosses two schemas and has tests of its own.
ELSEWHERE: Final = frozenset({"hand_over"})
# The law does these by itself, and only when a deadline is over.
BY_THE_CLOCK: Final = {"deem_accept": "A", "lapse": "C"}


def moves() -> list[tuple[Line, str, str]]:
    """Every allowed cell, a target at a time; whoever holds the case makes no difference to the move."""
    refused = {NOT_FROM_HERE, *codes()}
    return [
        (line, state, target)
        for line in law()
        if line.act not in ELSEWHERE and line.given not in {"covered", "free", "told"}
        for state, cell in line.cells.items()
        if cell not in refused
        for target in cell.split("|")
    ]


@contextmanager
def at_the_desk_of(role: str, cast: Cast) -> Iterator[None]:
    if role == "applicant":
        with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
            yield
    elif role in {"reviewer", "supervisor", "manager", "auditor"}:
        with crossing.standing(Desk.AGENCY, cast.beijing):
            yield
    else:
        desk = Desk.CLERK if role == "clock" else Desk.AUTHORITY
        with crossing.standing(desk), crossing.inside(cast.beijing):
            yield


def stored(case_id: Any, line: Line, state: str) -> Case:
    """The case, stored in this state with its docket line, as if it had come there."""
    case = arrange(Case.objects.get(pk=case_id), line, state)
    case.clock = BY_THE_CLOCK.get(line.act, "F")
    if line.act in BY_THE_CLOCK:
        case.due_on = date(2026, 1, 5)
    waiting = opinions(case, line)
    Opinion.objects.filter(case_id=case_id).delete()
    case.save()
    Opinion.objects.bulk_create(waiting)
    DocketEntry.objects.filter(pk=case_id).update(state=state)
    return Case.objects.get(pk=case_id)


@pytest.mark.django_db
def test_every_allowed_act_through_the_door(cast: Cast) -> None:
    """One movement, the state the law names, and a docket line that follows."""
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case_id = casefiles.lodge(cast.zhang, cast.beijing).pk
    papers.certificate(factories.registration(cast.zhang, cast.beijing, case_id=case_id))
    wrong = [_moved(cast, case_id, line, state, target) for line, state, target in moves()]
    assert list(filter(None, wrong)) == []


def _moved(cast: Cast, case_id: Any, line: Line, state: str, target: str) -> str:
    expected = {STAYS: state, RETURNS: str(REMEMBERED)}.get(target, target)
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        case = stored(case_id, line, state)
    with at_the_desk_of(line.role, cast), crossing.atomic():
        choose: Callable[[Case], str] | None = (lambda _case: expected) if "first_" in target else None
        detail = {**DETAIL, "assignee": cast.user("li").pk}
        by = actor_of(line, case)
        movement = workflow.move(case=case, act=line.act, by=by, target=choose, detail=detail)
        entry = DocketEntry.objects.get(pk=case_id)
        came = (movement.act, movement.from_state, case.state, entry.state, movement.number, entry.open)
        transaction.set_rollback(True)
    wanted = (line.act, state, expected, expected, 2, State(expected) in OPEN)
    return "" if came == wanted else f"{line} in {state}: {came}, the law says {wanted}"


# --- The pages ------------------------------------------------------------------------------------------

ACT_PAGES: Final = (
    "holding",
    "release",
    "assignment",
    "acceptance",
    "non-acceptance",
    "correction",
    "correction-extension",
    "opinion",
    "countersignature",
    "objection",
    "reopening",
    "referral",
    "extension",
    "restriction",
    "restriction-withdrawal",
    "termination",
    "checks",
    "notes",
)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["xu", "chen"])
def test_auditor_and_manager_find_no_page_of_an_act(cast: Cast, name: str) -> None:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case_id = casefiles.lodge(cast.zhang, cast.beijing).pk
    client = at_desk(cast, name)
    answers = {
        noun: (
            client.get(f"/cases/{case_id}/{noun}/").status_code,
            client.post(f"/cases/{case_id}/{noun}/").status_code,
        )
        for noun in ACT_PAGES
    }
    assert {status for pair in answers.values() for status in pair} <= {404, 405}
    assert {pair[1] for pair in answers.values()} == {404}
    assert case_now(cast.beijing, case_id).chain_length == 1
