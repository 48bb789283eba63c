"""The law of movement, stated a second time as a table of its own and held against the code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product
from uuid import uuid4

import pytest

from register import clock
from review import announcements, workflow
from review.models import Case, Opinion
from review.states import EVERY, FIRST, OPEN, TAGS, WORKING, State
from review.workflow import Actor, allow
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import casefiles, factories
from tests.cast import Cast

ROLES = [
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
]

AT_AGENCY = "submitted accepted deemed_accepted sent_back first_passed first_failed"
WORK = "accepted deemed_accepted sent_back"
# act: [(from, to, who)], as the law reads. "=" stays, "<" returns to the remembered state.
LAW: dict[str, list[tuple[str, str, str]]] = {
    "take_up": [(AT_AGENCY, "=", "reviewer"), ("reported", "=", "final_reviewer")],
    "release": [(AT_AGENCY, "=", "reviewer"), ("reported", "=", "final_reviewer")],
    "assign": [(AT_AGENCY, "=", "supervisor manager"), ("reported", "=", "signing_officer")],
    "accept": [("submitted", "accepted", "reviewer")],
    "deem_accept": [("submitted", "deemed_accepted", "clock")],
    "not_accept": [("submitted", "not_accepted", "reviewer")],
    "send_back": [("submitted", "correction", "reviewer supervisor"), (WORK, "correction", "supervisor")],
    "resubmit": [("correction", "<", "applicant")],
    "lapse": [("correction", "lapsed", "clock")],
    "withdraw": [(f"{AT_AGENCY} correction", "withdrawn", "applicant")],
    "give_opinion": [(WORK, "first_passed first_failed =", "reviewer")],
    "countersign": [(WORK, "first_passed first_failed", "supervisor")],
    "decline": [(WORK, "=", "supervisor"), ("reported", "=", "signing_officer")],
    "reopen": [("first_passed first_failed", "<", "supervisor")],
    "refer": [("first_passed first_failed", "reported", "reviewer")],
    "remand": [("reported", "sent_back", "final_reviewer")],
    "approve": [
        ("reported", "final_passed =", "final_reviewer"),
        ("reported", "final_passed", "signing_officer"),
    ],
    "refuse": [
        ("reported", "final_failed =", "final_reviewer"),
        ("reported", "final_failed", "signing_officer"),
    ],
    "extend": [(WORK, "=", "supervisor"), ("reported", "=", "signing_officer")],
    "extend_correction": [("correction", "=", "reviewer")],
    "hand_over": [("submitted accepted deemed_accepted", "handed_over", "supervisor")],
    "announce": [("final_passed", "announced", "registrar")],
    "issue": [("announced", "issued", "registrar")],
    "recompute": [(f"{AT_AGENCY} correction reported", "=", "clock")],
    "terminate": [
        (f"{AT_AGENCY} correction", "terminated", "supervisor registrar"),
        ("reported", "terminated", "signing_officer registrar"),
        ("final_passed announced", "terminated", "registrar"),
    ],
    "reinstate": [
        ("final_failed", "reported", "signing_officer"),
        ("not_accepted lapsed", "submitted", "signing_officer"),
    ],
}
NEEDS_PENDING_OPINION = {
    ("countersign", "supervisor"),
    ("decline", "supervisor"),
    ("decline", "signing_officer"),
} | {
    ("approve", "signing_officer"),
    ("refuse", "signing_officer"),
}


def lawful(act: str, state: str, role: str) -> bool:
    return any(state in sources.split() and role in who.split() for sources, _, who in LAW[act])


def test_the_law_names_exactly_the_acts_of_the_table() -> None:
    assert frozenset(LAW) == workflow.ACTS


@pytest.mark.parametrize("act", sorted(LAW))
def test_targets_of_an_act(act: str) -> None:
    words = {"=": workflow.SAME, "<": workflow.REMEMBERED}
    stated = {
        (source, words.get(target, target))
        for sources, targets, _ in LAW[act]
        for source, target in product(sources.split(), targets.split())
    }
    coded = {
        (str(source), str(target))
        for row in workflow.TRANSITIONS
        if row.act == act
        for source, target in product(row.sources, row.targets)
    }
    assert coded == stated


@pytest.fixture
def case(cast: Cast) -> Iterator[Case]:
    """A case to hold against the table: who asks and in which state it is set in memory only."""
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        lodged = casefiles.lodge(cast.zhang, cast.beijing)
    factories.registration(cast.zhang, cast.beijing, case_id=lodged.pk)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        yield Case.objects.get(pk=lodged.pk)


def actor_in(role: str, case: Case) -> Actor:
    return Actor(
        user_id=None if role == "clock" else 4711,
        name="某人",
        roles=frozenset({role}),
        person_id=case.person_id if role == "applicant" else None,
    )


@pytest.mark.parametrize("act", sorted(LAW))
def test_every_act_state_and_role(act: str, case: Case) -> None:
    """Everything else being in favour, an act is allowed exactly where the law names state and role."""
    at = clock.now()
    case.due_on = (at + timedelta(days=30)).date()
    allowed, expected = set(), set()
    for state, role in product(EVERY, ROLES):
        case.state, case.assignee_id, case.officer_id = state, 4711, 4711
        pending = (act, role) in NEEDS_PENDING_OPINION
        level = "final" if state == State.REPORTED else "first"
        opinion = Opinion(case=case, level=level, verdict="pass", standing="pending", author_id=1)
        vars(case)["_prefetched_objects_cache"] = {"opinions": [opinion] if pending else []}
        if lawful(act, state, role):
            expected.add((str(state), role))
        try:
            allow(case, act, actor_in(role, case), at)
        except Refusal:
            continue
        allowed.add((str(state), role))
    assert allowed == expected


@pytest.mark.parametrize(
    ("act", "state", "role", "spoil", "code"),
    [
        ("accept", "submitted", "reviewer", {"assignee_id": 1}, "not_mine"),
        ("take_up", "submitted", "reviewer", {"assignee_id": 1}, "taken"),
        ("take_up", "reported", "final_reviewer", {"officer_id": 1}, "taken"),
        ("accept", "submitted", "reviewer", {"due_on": date(2026, 1, 5)}, "acceptance_past"),
        ("not_accept", "submitted", "reviewer", {"due_on": date(2026, 1, 5)}, "acceptance_past"),
        ("send_back", "submitted", "reviewer", {"corrections": 1}, "second_correction"),
        ("resubmit", "correction", "applicant", {"due_on": date(2026, 1, 5)}, "correction_past"),
        ("withdraw", "submitted", "applicant", {"false_material": True}, "false_material"),
        ("extend", "accepted", "supervisor", {"extended": True}, "extended"),
        ("extend", "reported", "signing_officer", {"due_on": date(2026, 1, 5)}, "due_past"),
        ("countersign", "accepted", "supervisor", {}, "nothing_pending"),
        ("announce", "final_passed", "registrar", {"pk": uuid4()}, "registration_ended"),
        ("reinstate", "final_failed", "signing_officer", {"pk": uuid4()}, "open_elsewhere"),
        ("approve", "reported", "signing_officer", {}, "nothing_pending"),
        ("accept", "submitted", "reviewer", {"document_digest": "own"}, "conflict"),
        ("accept", "submitted", "reviewer", {"employer_code": "91110000MA00000152"}, "conflict"),
    ],
)
def test_guards_refuse_with_their_reason(
    act: str, state: str, role: str, spoil: dict[str, object], code: str, case: Case
) -> None:
    at = clock.now()
    case.state, case.assignee_id, case.officer_id = state, 4711, 4711
    case.due_on = (at + timedelta(days=30)).date()
    case.document_digest, case.employer_code = "applicant", "91310000MA1ABCDE8U"
    for name, value in spoil.items():
        setattr(case, name, value)
    by = Actor(
        user_id=4711,
        name="某人",
        roles=frozenset({role}),
        person_id=case.person_id if role == "applicant" else None,
        document_digest="own",
        employer_code="91110000MA00000152",
    )
    with pytest.raises(Refusal) as refused:
        allow(case, act, by, at)
    assert refused.value.code == code


def test_an_acceptance_clock_that_is_a_target_only_never_deems() -> None:
    case = Case(
        state=State.SUBMITTED, clock="A", due_on=date(2026, 1, 5), policy={"review_clock_applies": False}
    )
    assert workflow.statutory_event(case, clock.now()) is None
    case.policy["review_clock_applies"] = True
    assert workflow.statutory_event(case, clock.now()) == "deem_accept"


def test_every_act_has_its_notice_or_is_named_silent() -> None:
    assert set(announcements.TELLS) | set(announcements.SILENT) == workflow.ACTS | {"lodge"}
    assert not set(announcements.TELLS) & set(announcements.SILENT)


def test_every_state_has_a_tag_and_open_states_wait_for_somebody() -> None:
    assert set(TAGS) == set(State)
    assert {state for state in State if TAGS[state].turn == "nobody"} == EVERY - OPEN - {
        State.FINAL_PASSED,
        State.ANNOUNCED,
    }
    assert WORKING | FIRST < OPEN
