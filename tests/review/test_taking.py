"""The next case: the most urgent free one of one's own kind of work, never one's own affair, one for each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.cache import cache

from register import clock
from register.models import DocketEntry
from review import casework, taking
from review.models import Case
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import casefiles
from tests.cast import Cast
from tests.review.desks import at_desk, case_now
from tests.review.test_bulk_approval import reported
from tests.review.test_queue import lodge_many

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(cast: Cast) -> list[Case]:
    """Three submitted cases of Beijing, due in one, two and three days; a more urgent one elsewhere."""
    cases = lodge_many(cast, 3)
    (foreign,) = lodge_many(cast, 1, agency="mohurd")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for days, case in enumerate(cases, start=1):
            Case.objects.filter(pk=case.pk).update(due_on=casefiles.today_plus(days))
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        Case.objects.filter(pk=foreign.pk).update(due_on=clock.today())
    return cases


def test_the_most_urgent_free_case_is_taken(cast: Cast, three: list[Case]) -> None:
    li, liu = cast.actor("li"), cast.actor("liu")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.take_up(case=three[0], by=liu)
        taken = [taking.take_next(li), taking.take_next(liu), taking.take_next(li)]
        held = dict(Case.objects.values_list("pk", "assignee_id"))
    assert [case and case.pk for case in taken] == [three[1].pk, three[2].pk, None]
    assert [held[case.pk] for case in three] == [liu.user_id, li.user_id, liu.user_id]


def test_a_case_of_a_closed_account_is_free(cast: Cast, three: list[Case]) -> None:
    liu = cast.user("liu")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.take_up(case=three[0], by=cast.actor("liu"))
        liu.is_active = False
        liu.save()
        taken = taking.take_next(cast.actor("li"))
    assert taken is not None
    assert (taken.pk, taken.assignee_id) == (three[0].pk, cast.user("li").pk)


def test_a_case_in_conflict_is_passed_over(cast: Cast, three: list[Case]) -> None:
    own = replace(cast.actor("li"), document_digest=three[0].document_digest)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        Case.objects.filter(pk=three[1].pk).update(employer_code="91110000MA00000888")
        by = replace(own, employer_code="91110000MA00000888")
        taken = taking.take_next(by)
        assert taking.take_next(by) is None
    assert taken is not None
    assert taken.pk == three[2].pk


def test_who_is_slower_gets_the_next_one(
    cast: Cast, three: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have read the same list; the slower one is refused the first case and goes on."""
    really = casework.take_up

    def slower(*, case: Case, by: object) -> object:
        if case.pk == three[0].pk:
            raise Refusal("taken", code="taken")
        return really(case=case, by=by)  # type: ignore[arg-type]

    monkeypatch.setattr(casework, "take_up", slower)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        taken = taking.take_next(cast.actor("li"))
    assert taken is not None
    assert taken.pk == three[1].pk


def test_cases_out_of_ones_hands_are_not_offered(cast: Cast, three: list[Case]) -> None:
    li = cast.actor("li")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(three[0], li, State.FIRST_PASSED)
        casework.release(case=three[0], by=li)
        casefiles.walk(three[1], li, State.CORRECTION)
        Case.objects.filter(pk=three[1].pk).update(assignee=None)
        taken = taking.take_next(li)
    assert taken is not None
    assert taken.pk == three[2].pk


def test_a_supervisor_is_led_to_opinions_of_others(cast: Cast, three: list[Case]) -> None:
    cache.clear()
    li, wang = cast.actor("li"), cast.actor("wang")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for case in three[:2]:
            Case.objects.filter(pk=case.pk).update(policy={**case.policy, "countersign": True})
            case.refresh_from_db()
            casefiles.walk(case, li, State.FIRST_PASSED)
        Case.objects.filter(pk=three[0].pk).update(due_on=clock.today() + timedelta(days=90))
        author = replace(wang, user_id=li.user_id)
        found = [taking.take_next(wang), taking.take_next(wang), taking.take_next(author)]
    assert [case and case.pk for case in found] == [three[1].pk, three[0].pk, None]


def test_who_has_both_roles_goes_on_to_the_free_cases(cast: Cast, three: list[Case]) -> None:
    cache.clear()
    both = cast.actor("wang", "reviewer", "supervisor")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        Case.objects.filter(pk=three[0].pk).update(policy={**three[0].policy, "countersign": True})
        three[0].refresh_from_db()
        casefiles.walk(three[0], cast.actor("li"), State.FIRST_PASSED)
        Case.objects.filter(pk=three[2].pk).update(state=State.WITHDRAWN)
        found = [taking.take_next(both), taking.take_next(both), taking.take_next(both)]
    assert [case and case.pk for case in found] == [three[0].pk, three[1].pk, three[0].pk]


def test_the_button_leads_to_the_case_or_says_that_there_is_none(cast: Cast) -> None:
    (case,) = lodge_many(cast, 1)
    li = at_desk(cast, "li")
    assert 'action="/cases/next/"' in li.get("/").content.decode()
    answer = li.post("/cases/next/")
    assert answer["Location"] == f"/cases/{case.pk}/"
    assert case_now(cast.beijing, case.pk).assignee_id == cast.user("li").pk
    li.get("/cases/?tab=mine&kind=initial")
    none = li.post("/cases/next/")
    assert none["Location"] == "/cases/?tab=mine&kind=initial"
    assert "目前没有可以领取的案卷" in li.page(none["Location"])


@pytest.mark.parametrize("name", ["xu", "chen"])
def test_who_does_not_review_takes_nothing(cast: Cast, name: str) -> None:
    lodge_many(cast, 1)
    officer = at_desk(cast, name)
    assert "/cases/next/" not in officer.get("/").content.decode()
    assert officer.post("/cases/next/").status_code == 404


def test_a_signing_officer_is_led_on_to_a_proposal_that_waits_far_behind(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many more urgent ones are the signer's own, or in conflict."""
    cache.clear()
    monkeypatch.setattr(taking, "AT_ONCE", 2)
    cases = lodge_many(cast, 5)
    qian, zhao = cast.actor("qian"), cast.actor("zhao")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for case in cases:
            casefiles.walk(case, cast.actor("li"), State.REPORTED)
            Case.objects.filter(pk=case.pk).update(policy={**case.policy, "final_sign_off": True})
    both = cast.actor("qian", "final_reviewer", "signing_officer")
    with crossing.standing(Desk.AUTHORITY):
        for place, case in enumerate(cases):
            with crossing.inside(cast.beijing):
                by = zhao if place == 4 else both
                casework.take_up(case=case, by=by)
                casework.approve(case=case, by=by)
            DocketEntry.objects.filter(pk=case.pk).update(due_on=casefiles.today_plus(place))
        found = [taking.take_next_reported(qian) for _n in range(2)]
        assert [line and line.pk for line in found] == [cases[4].pk] * 2
        own = replace(qian, records=frozenset({cases[4].person_id}))
        assert taking.take_next_reported(own) is None


def test_a_final_reviewer_is_led_past_many_cases_in_conflict(cast: Cast) -> None:
    cases = lodge_many(cast, taking.TRIES + 2)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for case in cases:
            casefiles.walk(case, cast.actor("li"), State.REPORTED)
        Case.objects.exclude(pk=cases[-1].pk).update(employer_code="91110000MA00000888")
    zhao = replace(cast.actor("zhao"), employer_code="91110000MA00000888")
    with crossing.standing(Desk.AUTHORITY):
        for place, case in enumerate(cases):
            DocketEntry.objects.filter(pk=case.pk).update(due_on=casefiles.today_plus(place))
        found = taking.take_next_reported(zhao)
    assert found is not None
    assert (found.pk, found.officer_id) == (cases[-1].pk, zhao.user_id)


# --- At the authority --------------------------------------------------------------------------------


@pytest.fixture
def sent_up(cast: Cast) -> list[Case]:
    """Reported cases of two agencies, due in one, two and three days."""
    ours, theirs = reported(cast, 2), reported(cast, 1, "mohurd")
    cases = [ours[0], theirs[0], ours[1]]
    for days, case in enumerate(cases, start=1):
        DocketEntry.objects.filter(pk=case.pk).update(due_on=casefiles.today_plus(days))
    return cases


def taken_by(cast: Cast, name: str) -> object:
    with crossing.standing(Desk.AUTHORITY):
        line = taking.take_next_reported(cast.actor(name))
    return line and line.pk


def test_the_most_urgent_free_case_of_all_agencies_is_taken(cast: Cast, sent_up: list[Case]) -> None:
    first, second, last = sent_up
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        casework.take_up(case=first, by=replace(cast.actor("zhao"), user_id=cast.user("wei").pk))
    assert [taken_by(cast, "zhao") for _turn in range(3)] == [second.pk, last.pk, None]
    assert case_now(cast.mohurd, second.pk).officer_id == cast.user("zhao").pk


def test_a_conflict_is_passed_over_at_the_authority(cast: Cast, sent_up: list[Case]) -> None:
    zhao = cast.user("zhao")
    zhao.document_digest = sent_up[0].document_digest
    zhao.save()
    assert taken_by(cast, "zhao") == sent_up[1].pk


def test_a_signing_officer_is_led_to_what_waits_for_a_signature(cast: Cast) -> None:
    (proposed,), (_unproposed,) = reported(cast, 1, two=True), reported(cast, 1)
    assert taken_by(cast, "qian") is None
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        casework.take_up(case=proposed, by=cast.actor("zhao"))
        casework.approve(case=proposed, by=cast.actor("zhao"))
    assert taken_by(cast, "qian") == proposed.pk
    # Led there, not given it: the proposal stays with its author.
    assert case_now(cast.beijing, proposed.pk).officer_id == cast.user("zhao").pk
