"""The acts, one after the other, as the desks do them: what each writes and whom it tells."""

from __future__ import annotations

from datetime import date

import pytest

from notifications.models import Outbox
from register import clock
from register.models import DocketEntry, Registration
from review import casework, docket, log
from review.models import Case, Opinion
from review.states import State
from review.workflow import Actor, acts_open_to, move
from tenants import crossing, roles
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import User
from tests import casefiles
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def told(case: Case) -> list[str]:
    """The kinds of the notices this case has caused, in order."""
    with crossing.standing(Desk.CLERK):
        return list(Outbox.objects.filter(case_id=case.pk).order_by("id").values_list("kind", flat=True))


def docket_agrees(cast: Cast) -> bool:
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        return docket.differences(cast.beijing) == []


@pytest.fixture
def submitted(cast: Cast) -> Case:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        return casefiles.lodge(cast.zhang, cast.beijing)


def test_lodging_opens_case_docket_line_and_notice(cast: Cast, submitted: Case) -> None:
    with crossing.standing(Desk.CLERK):
        entry = DocketEntry.objects.get(case_id=submitted.pk)
    due = clock.add_working_days(clock.today(), 5).day
    assert (entry.state, entry.open, entry.due_on, entry.clock) == ("submitted", True, due, "A")
    assert told(submitted) == ["submitted"]
    assert docket_agrees(cast)


def test_one_open_application_over_all_agencies(cast: Cast, submitted: Case) -> None:
    with (
        cast.at_applicants_desk(cast.zhang),
        crossing.inside(cast.mohurd),
        pytest.raises(Refusal, match="已有一份申请正在办理"),
    ):
        casefiles.lodge(cast.zhang, cast.mohurd)
    with crossing.standing(Desk.CLERK), crossing.inside(cast.mohurd):
        assert Case.objects.count() == 0


def test_the_whole_way_to_the_register(cast: Cast, submitted: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = casefiles.walk(Case.objects.get(pk=submitted.pk), cast.actor("li"), State.REPORTED)
        assert case.state == State.REPORTED
    with crossing.standing(Desk.AUTHORITY):
        entry = DocketEntry.objects.get(case_id=submitted.pk)
        with docket.opened(entry) as case:
            casework.take_up(case=case, by=cast.actor("zhao"))
            casework.approve(case=case, by=cast.actor("zhao"))
            assert case.state == State.FINAL_PASSED
        registration = Registration.objects.get(case_id=submitted.pk)
    today = clock.today()
    assert (registration.valid_from, registration.valid_to) == (today, clock.validity_end(today, 3))
    assert told(submitted) == ["submitted", "accepted", "first_passed", "reported", "granted"]
    assert docket_agrees(cast)


def test_a_correction_answered_makes_a_second_version(cast: Cast, submitted: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(Case.objects.get(pk=submitted.pk), cast.actor("li"), State.CORRECTION)
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        filing = casefiles.filing(cast.zhang, cast.beijing, performance="已更正")
        casework.resubmit(case=case, by=cast.actor_of(cast.zhang), filing=filing)
        assert (case.state, case.version, case.clock) == ("submitted", 2, "A")
        assert [d.version for d in case.dossiers.all()] == [1, 2]
    assert told(submitted) == ["submitted", "correction", "resubmitted", "staff_resubmitted"]
    assert docket_agrees(cast)


def test_a_second_correction_needs_a_supervisor_with_a_reason(cast: Cast, submitted: Case) -> None:
    items = [{"item": "photo", "code": "R06", "text": "请更换照片"}]
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(Case.objects.get(pk=submitted.pk), cast.actor("li"), State.CORRECTION)
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        casework.resubmit(
            case=case,
            by=cast.actor_of(cast.zhang),
            filing=casefiles.filing(cast.zhang, cast.beijing, performance="已更正"),
        )
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        with pytest.raises(Refusal) as refused:
            casework.send_back(case=case, by=cast.actor("li"), items=items, reason="照片不符")
        assert refused.value.code == "second_correction"
        with pytest.raises(Refusal) as refused:
            casework.send_back(case=case, by=cast.actor("wang"), items=items)
        assert refused.value.code == "no_reason"
        casework.send_back(case=case, by=cast.actor("wang"), items=items, reason="照片仍不符合要求")
        assert (case.state, case.corrections) == ("correction", 2)


def test_a_correction_out_of_a_running_review_pauses_its_clock(cast: Cast, submitted: Case) -> None:
    items = [{"item": "photo", "code": "R06", "text": "请更换照片"}]
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = casefiles.walk(Case.objects.get(pk=submitted.pk), cast.actor("li"), State.ACCEPTED)
        due = case.due_on
        casework.send_back(case=case, by=cast.actor("wang"), items=items, reason="核查中发现")
        assert (case.clock, case.paused_clock, case.paused_days) == ("C", "F", 20)
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        filing = casefiles.filing(cast.zhang, cast.beijing, performance="已更正")
        casework.resubmit(case=case, by=cast.actor_of(cast.zhang), filing=filing)
        assert (case.state, case.clock, case.due_on, case.paused_clock) == ("accepted", "F", due, "")


def test_deemed_acceptance_happens_before_a_late_act(
    cast: Cast, submitted: Case, shifted_clock: object
) -> None:
    """The reviewer comes after the fifth working day: the law has acted first, and the act is told so."""
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        casework.take_up(case=case, by=cast.actor("li"))
        clock.shift(12 * 24 * 3600)
        with pytest.raises(Refusal):
            casework.accept(case=case, by=cast.actor("li"))
        case.refresh_from_db()
        assert (case.state, case.clock) == ("deemed_accepted", "F")
        assert case.due_on == clock.add_working_days(clock.day_of(case.lodged_at), 20).day
        assert [m.act for m in case.movements.all()] == ["lodge", "take_up", "deem_accept"]
    assert told(submitted) == ["submitted", "deemed_accepted"]


def test_an_unanswered_correction_lapses(cast: Cast, submitted: Case, shifted_clock: object) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(Case.objects.get(pk=submitted.pk), cast.actor("li"), State.CORRECTION)
    clock.shift(30 * 24 * 3600)
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        with pytest.raises(Refusal):
            casework.withdraw(case=case, by=cast.actor_of(cast.zhang))
        case.refresh_from_db()
        assert (case.state, case.open, case.due_on) == ("lapsed", False, None)
    assert told(submitted) == ["submitted", "correction", "lapsed"]


def test_an_opinion_needs_every_tick_and_a_pass_no_fault(cast: Cast, submitted: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = casefiles.walk(Case.objects.get(pk=submitted.pk), cast.actor("li"), State.ACCEPTED)
        with pytest.raises(Refusal) as refused:
            casework.give_opinion(case=case, by=cast.actor("li"), verdict="pass")
        assert refused.value.code == "ticks_missing"
        casefiles.tick_all(case, cast.actor("li"), fault="employer")
        with pytest.raises(Refusal) as refused:
            casework.give_opinion(case=case, by=cast.actor("li"), verdict="pass")
        assert refused.value.code == "faults"
        with pytest.raises(Refusal) as refused:
            casework.give_opinion(case=case, by=cast.actor("li"), verdict="fail")
        assert refused.value.code == "no_reason"
        casework.give_opinion(
            case=case, by=cast.actor("li"), verdict="fail", codes=["N05"], text="资格证书无效"
        )
        assert case.state == State.FIRST_FAILED


def test_countersigning_takes_two_persons(cast: Cast, submitted: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        Case.objects.filter(pk=case.pk).update(policy={**case.policy, "countersign": True})
        case.refresh_from_db()
        both = cast.actor("li", "reviewer", "supervisor")
        casework.take_up(case=case, by=both)
        casework.accept(case=case, by=both)
        casefiles.tick_all(case, both)
        casework.give_opinion(case=case, by=both, verdict="pass")
        assert case.state == State.ACCEPTED
        with pytest.raises(Refusal) as refused:
            casework.countersign(case=case, by=both)
        assert refused.value.code == "own_opinion"
        casework.countersign(case=case, by=cast.actor("wang"))
        assert case.state == State.FIRST_PASSED
        opinion = Opinion.objects.get(case=case)
        assert (opinion.standing, opinion.countersigned_by_name) == ("given", "王复核")


def under(case: Case, **policy: bool) -> Case:
    """The case as it were, had it been lodged under this policy."""
    Case.objects.filter(pk=case.pk).update(policy={**case.policy, **policy})
    case.refresh_from_db()
    return case


def test_countersigning_follows_the_opinion_in_force_not_the_one_on_the_page(
    cast: Cast, submitted: Case
) -> None:
    """While the supervisor reads a pass, it is declined and replaced by a fail."""
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = under(Case.objects.get(pk=submitted.pk), countersign=True)
        casework.take_up(case=case, by=cast.actor("li"))
        casework.accept(case=case, by=cast.actor("li"))
        casefiles.tick_all(case, cast.actor("li"))
        casework.give_opinion(case=case, by=cast.actor("li"), verdict="pass")
        on_the_page = Case.objects.prefetch_related("opinions").get(pk=case.pk)
        casework.decline(case=case, by=cast.actor("wang"), text="请核对资格证书")
        casework.give_opinion(
            case=case, by=cast.actor("li"), verdict="fail", codes=["N05"], text="资格证书无效"
        )
        casework.countersign(case=on_the_page, by=cast.actor("wang"))
        assert on_the_page.state == State.FIRST_FAILED


def test_nobody_grants_alone_where_two_must_sign(cast: Cast, submitted: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(
            under(Case.objects.get(pk=submitted.pk), final_sign_off=True), cast.actor("li"), State.REPORTED
        )
    with crossing.standing(Desk.AUTHORITY):
        entry = DocketEntry.objects.select_related("agency").get(case_id=submitted.pk)
        both = cast.actor("zhao", "final_reviewer", "signing_officer")
        with docket.opened(entry) as case:
            casework.take_up(case=case, by=both)
            casework.approve(case=case, by=both)
            on_the_page = Case.objects.prefetch_related("opinions").get(pk=case.pk)
            with pytest.raises(Refusal) as refused:
                casework.approve(case=on_the_page, by=both)
            assert refused.value.code == "own_opinion"
            casework.decline(case=case, by=cast.actor("qian"), text="请补充说明")
            # The page still shows the proposal; approving now is a new proposal, no grant.
            casework.approve(case=on_the_page, by=both)
            assert on_the_page.state == State.REPORTED
            casework.approve(case=case, by=cast.actor("qian"))
            assert case.state == State.FINAL_PASSED
        assert Registration.objects.filter(case_id=submitted.pk).count() == 1


def test_a_period_is_extended_once_even_over_a_correction(cast: Cast, submitted: Case) -> None:
    items = [{"item": "photo", "code": "R06", "text": "请更换照片"}]
    wang = cast.actor("wang")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = casefiles.walk(Case.objects.get(pk=submitted.pk), cast.actor("li"), State.ACCEPTED)
        move(case=case, act="extend", by=wang, detail={"text": "案情复杂"})
        casework.send_back(case=case, by=wang, items=items, reason="核查中发现")
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        filing = casefiles.filing(cast.zhang, cast.beijing, performance="已更正")
        casework.resubmit(case=case, by=cast.actor_of(cast.zhang), filing=filing)
    with crossing.standing(Desk.AGENCY, cast.beijing), pytest.raises(Refusal) as refused:
        move(case=Case.objects.get(pk=submitted.pk), act="extend", by=wang, detail={"text": "再延长"})
    assert refused.value.code == "extended"


def test_a_correction_after_deemed_acceptance_needs_its_reason(
    cast: Cast, submitted: Case, shifted_clock: None
) -> None:
    """The page showed a submitted case; by now the law has accepted it."""
    items = [{"item": "photo", "code": "R06", "text": "请更换照片"}]
    with crossing.standing(Desk.AGENCY, cast.beijing):
        on_the_page = Case.objects.get(pk=submitted.pk)
        clock.shift(12 * 24 * 3600)
        with pytest.raises(Refusal) as refused:
            casework.send_back(case=on_the_page, by=cast.actor("wang"), items=items)
        assert refused.value.code == "no_reason"
        case = Case.objects.get(pk=submitted.pk)
        assert (case.state, case.acceptance_number) == ("deemed_accepted", f"SL{case.reference[2:]}")


def test_a_case_is_assigned_only_to_who_may_review_it(cast: Cast, submitted: Case) -> None:
    User.objects.filter(pk=cast.user("liu").pk).update(employer_code="91110000MA00000152")
    liu = User.objects.get(pk=cast.user("liu").pk)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        for colleague in (liu, cast.user("he"), cast.user("xu")):
            with pytest.raises(Refusal) as refused:
                casework.assign(case=case, to=colleague, agency=cast.beijing, by=cast.actor("wang"))
            assert refused.value.code == "assignee"
        casework.assign(case=case, to=cast.user("li"), agency=cast.beijing, by=cast.actor("wang"))
        assert case.assignee_id == cast.user("li").pk
    with crossing.standing(Desk.CLERK):
        assert Outbox.objects.get(kind="assigned").user_id == cast.user("li").pk


def test_who_lost_the_account_meanwhile_is_given_nothing(cast: Cast, submitted: Case) -> None:
    liu = User.objects.get(pk=cast.user("liu").pk)
    User.objects.filter(pk=liu.pk).update(is_active=False)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        with pytest.raises(Refusal) as refused:
            casework.assign(case=case, to=liu, agency=cast.beijing, by=cast.actor("wang"))
    assert refused.value.code == "assignee"


def test_a_manager_gives_on_only_what_was_left_behind(cast: Cast, submitted: Case) -> None:
    li, liu, chen = cast.user("li"), cast.user("liu"), cast.actor("chen")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        casework.take_up(case=case, by=cast.actor("li"))
        with pytest.raises(Refusal) as refused:
            casework.assign(case=case, to=liu, agency=cast.beijing, by=chen)
        assert refused.value.code == "not_left_behind"
        roles.revoke(user=li, agency=cast.beijing, role="reviewer", by=None)
        casework.assign(case=case, to=liu, agency=cast.beijing, by=chen)
        assert case.assignee_id == liu.pk


def test_marks_are_kept_only_while_the_case_is_being_checked(cast: Cast, submitted: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = casefiles.walk(Case.objects.get(pk=submitted.pk), cast.actor("li"), State.REPORTED)
        with pytest.raises(Refusal) as refused:
            casefiles.tick(case, cast.actor("li"), "employer", in_order=False)
    assert refused.value.code == "not_checking"


def test_a_case_that_is_gone_is_missed(cast: Cast, submitted: Case) -> None:
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        case.letters.all().delete()
        case.movements.all().delete()
        case.dossiers.all().delete()
        case.delete()
        kept = {submitted.pk: (1, submitted.chain_head)}
        assert [(b.case_id, b.what) for b in log.verify(docket=kept)] == [(submitted.pk, "case gone")]


@pytest.mark.parametrize("act", ["decline", "reopen", "remand"])
def test_taking_back_says_why(cast: Cast, submitted: Case, act: str) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing), pytest.raises(Refusal) as refused:
        getattr(casework, act)(case=Case.objects.get(pk=submitted.pk), by=cast.actor("wang"), text=" ")
    assert refused.value.code == "no_reason"


def test_the_second_of_two_reviewers_is_told_who_was_faster(cast: Cast, submitted: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        seen_by_both = Case.objects.get(pk=submitted.pk)
        casework.take_up(case=Case.objects.get(pk=submitted.pk), by=cast.actor("li"))
        casework.accept(case=Case.objects.get(pk=submitted.pk), by=cast.actor("li"))
        with pytest.raises(Refusal, match="李初审"):
            casework.accept(case=seen_by_both, by=cast.actor("li"))


def test_referring_reports_each_case_that_stays_behind(cast: Cast, submitted: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        ready = casefiles.walk(Case.objects.get(pk=submitted.pk), cast.actor("li"), State.FIRST_PASSED)
    with cast.at_applicants_desk(cast.sun), crossing.inside(cast.beijing):
        other = casefiles.lodge(cast.sun, cast.beijing)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        other = Case.objects.get(pk=other.pk)
        outcome = casework.refer(cases=[ready, other], by=cast.actor("li"))
        assert [c.pk for c in outcome.sent] == [ready.pk]
        assert [(c.pk, no.code) for c, no in outcome.refused] == [(other.pk, "state")]
        assert outcome.dispatch is not None
        assert outcome.dispatch.number == f"BEIJING-{clock.today():%Y%m%d}-001"


def test_nobody_reviews_their_own_application(cast: Cast, submitted: Case) -> None:
    own = Actor(
        user_id=99,
        name="张",
        roles=frozenset({"reviewer"}),
        document_digest=cast.zhang.document_digest,
    )
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        assert acts_open_to(case, own) == frozenset()
        with pytest.raises(Refusal, match="利害关系"):
            casework.take_up(case=case, by=own)


def test_a_tampered_movement_is_found_by_its_row(cast: Cast, submitted: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(Case.objects.get(pk=submitted.pk), cast.actor("li"), State.ACCEPTED)
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        movement = Case.objects.get(pk=submitted.pk).movements.get(number=2)
        type(movement).objects.filter(pk=movement.pk).update(actor_name="别人")
        assert [(b.number, b.what) for b in log.verify()] == [(2, "hash")]


@pytest.mark.parametrize(
    ("day", "due"),
    [
        # chinesecalendar: National Day 2026 is 1–7 October, with make-up days on 20 September and 10 October.
        (date(2026, 9, 28), date(2026, 10, 10)),
        (date(2026, 11, 23), date(2026, 11, 30)),
        (date(2026, 11, 28), date(2026, 12, 4)),
    ],
)
def test_the_acceptance_clock_counts_working_days(day: date, due: date) -> None:
    assert clock.add_working_days(day, 5).day == due
