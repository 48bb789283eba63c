"""Guards of the law of movement, and that every act and state has what belongs to it (see test_law)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from register import clock, documents
from register.models import FormerNumber, Person
from review import announcements, casework, colleagues, looks, taking, workflow
from review.models import Case
from review.states import EVERY, FIRST, OPEN, TAGS, WORKING, State
from review.workflow import Actor, allow
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import casefiles, factories
from tests.cast import Cast


@pytest.fixture
def case(cast: Cast) -> Iterator[Case]:
    """A case to hold against the table: who asks and in which state it is set in memory only."""
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        lodged = casefiles.lodge(cast.zhang, cast.beijing)
    factories.registration(cast.zhang, cast.beijing, case_id=lodged.pk)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        yield Case.objects.get(pk=lodged.pk)


@pytest.mark.parametrize(
    ("act", "state", "role", "spoil", "code"),
    [
        ("accept", "submitted", "reviewer", {"assignee_id": 1}, "not_mine"),
        ("take_up", "submitted", "reviewer", {}, "mine"),
        ("extend", "accepted", "supervisor", {"policy": {"extension_days": 0}}, "no_extension"),
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


@pytest.mark.parametrize("since", ["corrected", "merged", "registered before"])
def test_ones_own_case_stays_ones_own_under_another_number(cast: Cast, case: Case, since: str) -> None:
    """The case keeps the number it was lodged under; the account of the officer follows the register."""
    li, zhang, new = cast.user("li"), cast.zhang, documents.digest("01", factories.id_number(serial=411))
    li.document_digest = cast.sun.document_digest if since == "merged" else case.document_digest
    with crossing.standing(Desk.OWNER):
        if since == "merged":
            Person.objects.filter(pk=zhang.pk).update(merged_into=cast.sun)
        else:
            FormerNumber.objects.create(
                person=zhang, document_digest=zhang.document_digest, document_mask="1", until=clock.today()
            )
            Person.objects.filter(pk=zhang.pk).update(document_digest=new)
        if since == "corrected":
            li.document_digest = new
        li.save()
    by = cast.actor("li")
    assert (workflow.in_conflict(case, by), workflow.in_conflict(case, cast.actor("liu"))) == (True, False)
    assert looks.may_see_number(case, replace(by, roles=frozenset({"supervisor"}))) is False
    assert taking.take_next(by) is None
    choice = colleagues.choice_for(case, cast.beijing)
    assert ([one.user.name for one in choice.colleagues], choice.kept_out) == (["刘初审"], 1)
    with pytest.raises(Refusal) as no:
        casework.take_up(case=case, by=by)
    assert no.value.code == "conflict"


def test_who_keeps_a_document_with_the_account_asks_the_register_once(
    cast: Cast, case: Case, django_assert_num_queries: Any
) -> None:
    li = cast.user("li")
    with django_assert_num_queries(0):
        cast.actor("li")
    li.document_digest = cast.sun.document_digest
    with django_assert_num_queries(1):
        by = cast.actor("li")
    with django_assert_num_queries(0):
        for _turn in range(3):
            allow(case, "take_up", by, clock.now())


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
