"""The hand-over of a misrouted case: complete, once, and at exactly one agency whatever is killed."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.urls import get_resolver

from notifications.models import Outbox
from register import clock
from register.models import DocketEntry
from review import casework, docket, handover, log, workflow
from review.models import Case, CaseNote, Correction, Dossier, Movement, Opinion, PaperSlip, Tick
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import AccessRecord, Agency
from tests import casefiles
from tests.cast import Cast
from tests.review.desks import at_desk, words

pytestmark = pytest.mark.django_db

WHY = "申请人在住房和城乡建设系统单位执业，应由该部门初审。"
KEPT = (
    "reference",
    "kind",
    "state",
    "state_since",
    "person_id",
    "version",
    "lodged_at",
    "clock",
    "clock_from",
    "due_on",
    "due_provisional",
    "extended",
    "corrections",
    "acceptance_number",
)


def lodged(cast: Cast, to: State = State.SUBMITTED) -> Case:
    """A case of Zhang at Beijing, in one of the states from which it may be handed over."""
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = casefiles.lodge(cast.zhang, cast.beijing)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        if to == State.ACCEPTED:
            casefiles.walk(case, cast.actor("li"), State.ACCEPTED)
        return Case.objects.get(pk=case.pk)


def hand_over(cast: Cast, case: Case, *, back: bool = False, **given: Any) -> Movement:
    """Beijing's supervisor hands the case to the ministry, or the ministry's hands it back."""
    source, target, who = (cast.mohurd, cast.beijing, "lin") if back else (cast.beijing, cast.mohurd, "wang")
    values: dict[str, Any] = {"source": source, "target": target, "by": cast.actor(who), "text": WHY, **given}
    with crossing.standing(Desk.AGENCY, source):
        return handover.hand_over(case_id=case.pk, **values)


@dataclass(frozen=True)
class Place:
    """What one agency has of the case."""

    state: str
    rows: tuple[int, ...]


def at_agency(agency: Agency, case: Case) -> Place:
    with crossing.standing(Desk.OWNER), crossing.inside(agency):
        state = Case.objects.filter(pk=case.pk).values_list("state", flat=True).first() or ""
        tables = (Dossier, Movement, Correction, Tick, Opinion, PaperSlip)
        return Place(state, tuple(table._default_manager.filter(case_id=case.pk).count() for table in tables))


def told(cast: Cast, case: Case) -> list[tuple[int, str]]:
    """The notices of the hand-over, by account and kind."""
    with crossing.standing(Desk.OWNER):
        found = Outbox.objects.filter(case_id=case.pk, kind__in=["handed_over", "handed_in"])
        return sorted(found.values_list("user_id", "kind"))


def live(cast: Cast, case: Case) -> list[str]:
    """The agencies at which the case is alive; chains and docket must agree wherever it is."""
    found = []
    for agency in (cast.beijing, cast.mohurd, cast.sinopec):
        with crossing.standing(Desk.OWNER), crossing.inside(agency):
            if Case.objects.filter(pk=case.pk).exclude(state=State.HANDED_OVER).exists():
                found.append(agency.code)
            assert docket.differences(agency) == []
            heads = DocketEntry.objects.filter(agency=agency).values_list(
                "case_id", "chain_length", "chain_head"
            )
            assert list(log.verify(docket={key: (length, head) for key, length, head in heads})) == []
    return found


# --- What arrives -----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.SUBMITTED, State.ACCEPTED])
def test_the_case_arrives_whole_with_all_its_dates(cast: Cast, state: State) -> None:
    case = lodged(cast, state)
    before = {name: getattr(case, name) for name in KEPT}
    movement = hand_over(cast, case)
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        there = Case.objects.get(pk=case.pk)
        assert {name: getattr(there, name) for name in KEPT} == before
        assert (there.assignee_id, there.officer_id, there.dispatch_id) == (None, None, None)
        assert there.policy == case.policy
        assert [m.act for m in there.movements.all()][-1] == "hand_over"
        assert there.movements.latest("number").hash == movement.hash == there.chain_head
    with crossing.standing(Desk.AGENCY, cast.beijing):
        here = Case.objects.get(pk=case.pk)
        assert (here.state, here.clock, here.due_on) == ("handed_over", "", None)
        assert here.movements.latest("number").pk == movement.pk
    with crossing.standing(Desk.CLERK):
        line = DocketEntry.objects.select_related("agency").get(pk=case.pk)
    assert (line.agency.code, line.state, line.open, line.due_on) == ("mohurd", state, True, case.due_on)
    assert live(cast, case) == ["mohurd"]


def test_applicant_and_the_supervisors_there_are_told_once(cast: Cast) -> None:
    case = lodged(cast)
    hand_over(cast, case)
    expected = [(cast.zhang.user_id, "handed_over"), (cast.user("lin").pk, "handed_in")]
    assert told(cast, case) == sorted(expected)


def test_marks_opinions_and_corrections_travel_and_internal_notes_stay(cast: Cast) -> None:
    case = lodged(cast, State.ACCEPTED)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.tick_all(case, cast.actor("li"), fault="photo")
        casework.give_opinion(case=case, by=cast.actor("li"), verdict="fail", codes=["N05"], text="照片不清")
        casework.reopen(case=case, by=cast.actor("wang"), text="请重新核对")
        CaseNote.objects.create(case=case, text="内部备注", author_id=1, author_name="李初审", at=clock.now())
        PaperSlip.objects.create(
            case=case, number=1, lines=[], handed_by="张测", received_by_id=1,
            received_by_name="李初审", received_at=clock.now(),
        )  # fmt: skip
    before = at_agency(cast.beijing, case)
    hand_over(cast, case)
    after = at_agency(cast.mohurd, case)
    assert after.rows[0] == before.rows[0] == 1
    assert after.rows[1] == before.rows[1] + 1
    assert after.rows[2:] == before.rows[2:]
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        assert CaseNote.objects.count() == 0
        assert Tick.objects.filter(in_order=False).values_list("item", flat=True).get() == "photo"
        assert Opinion.objects.get().standing == Opinion.Standing.VOID


def test_the_work_goes_on_at_the_new_agency(cast: Cast) -> None:
    case = lodged(cast)
    hand_over(cast, case)
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        there = casefiles.walk(Case.objects.get(pk=case.pk), cast.actor("he"), State.REPORTED)
        assert there.state == State.REPORTED
    assert live(cast, case) == ["mohurd"]


def test_a_case_that_comes_back_takes_up_what_it_left_behind(cast: Cast) -> None:
    case = lodged(cast, State.ACCEPTED)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.tick(case, cast.actor("li"), "photo", in_order=True)
    hand_over(cast, case)
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        there = Case.objects.get(pk=case.pk)
        casework.take_up(case=there, by=cast.actor("he"))
        casefiles.tick(there, cast.actor("he"), "photo", in_order=False, remark="不清晰")
    hand_over(cast, case, back=True)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        back = Case.objects.get(pk=case.pk)
        assert (back.state, back.assignee_id, back.due_on) == (State.ACCEPTED, None, case.due_on)
        acts = list(back.movements.values_list("act", flat=True))
        assert acts == ["lodge", "take_up", "accept", "hand_over", "take_up", "hand_over"]
        assert back.ticks.values_list("in_order", "remark").get() == (False, "不清晰")
        casework.take_up(case=back, by=cast.actor("li"))
    assert live(cast, case) == ["beijing"]
    assert [kind for _user, kind in told(cast, case)].count("handed_over") == 2


@pytest.mark.parametrize(("source", "target", "there"), [(True, False, False), (False, True, True)])
def test_the_second_signature_is_asked_for_as_the_new_agency_works(
    cast: Cast, source: bool, target: bool, there: bool
) -> None:
    for agency, countersigns in ((cast.beijing, source), (cast.mohurd, target)):
        agency.countersign = countersigns
        agency.save(update_fields=["countersign"])
    case = lodged(cast)
    assert case.policy["countersign"] is source
    hand_over(cast, case)
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        assert Case.objects.get(pk=case.pk).policy["countersign"] is there


def test_a_clock_that_bound_the_old_agency_binds_the_new_one(cast: Cast, shifted_clock: None) -> None:
    """The applicant loses no right by a hand-over to an enterprise, whose clock is a target only."""
    cast.sinopec.review_clock_applies = False
    cast.sinopec.save(update_fields=["review_clock_applies"])
    case = lodged(cast)
    hand_over(cast, case, target=cast.sinopec)
    with crossing.standing(Desk.CLERK), crossing.inside(cast.sinopec):
        there = Case.objects.get(pk=case.pk)
        clock.shift(20 * 86400)
        workflow.move(case=there, act="deem_accept", by=workflow.THE_CLOCK)
        assert there.state == State.DEEMED_ACCEPTED


# --- Who may, and when ------------------------------------------------------------------------------


def refused(cast: Cast, case: Case, **given: Any) -> str:
    with pytest.raises(Refusal) as no:
        hand_over(cast, case, **given)
    assert live(cast, case) == ["beijing"]
    assert told(cast, case) == []
    return no.value.code


@pytest.mark.parametrize("who", ["li", "chen", "xu"])
def test_only_a_supervisor_hands_over(cast: Cast, who: str) -> None:
    assert refused(cast, lodged(cast), by=cast.actor(who)) == "role"


def test_a_reason_is_asked_for(cast: Cast) -> None:
    assert refused(cast, lodged(cast), text="  ") == "no_reason"


def test_not_to_itself_nor_to_the_authority(cast: Cast) -> None:
    case = lodged(cast)
    assert refused(cast, case, target=cast.beijing) == "target"
    assert refused(cast, case, target=cast.authority) == "target"


def test_a_suspended_agency_takes_no_case_though_the_page_was_older(cast: Cast) -> None:
    case = lodged(cast)
    as_it_was = Agency.objects.get(code="mohurd")
    Agency.objects.filter(code="mohurd").update(intake_open=False)
    assert refused(cast, case, target=as_it_was) == "target_suspended"


def test_not_while_an_opinion_waits_for_its_second_signature(cast: Cast) -> None:
    cast.beijing.countersign = True
    cast.beijing.save(update_fields=["countersign"])
    case = lodged(cast, State.ACCEPTED)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.tick_all(case, cast.actor("li"))
        casework.give_opinion(case=case, by=cast.actor("li"), verdict="pass")
    assert refused(cast, case) == "opinion_pending"


def test_not_in_any_other_state(cast: Cast) -> None:
    case = lodged(cast)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(case, cast.actor("li"), State.CORRECTION)
    assert refused(cast, case) == "state"


def test_the_tombstone_cannot_be_handed_over_again(cast: Cast) -> None:
    case = lodged(cast)
    hand_over(cast, case)
    with pytest.raises(Refusal) as no:
        hand_over(cast, case, target=cast.sinopec)
    assert no.value.code == "state"
    assert live(cast, case) == ["mohurd"]


def test_only_from_its_own_desk(cast: Cast) -> None:
    case = lodged(cast)
    with crossing.standing(Desk.AGENCY, cast.mohurd), pytest.raises(crossing.WrongPlace):
        handover.hand_over(
            case_id=case.pk, source=cast.beijing, target=cast.mohurd, by=cast.actor("wang"), text=WHY
        )


def test_an_overdue_case_is_deemed_accepted_first(cast: Cast, shifted_clock: None) -> None:
    case = lodged(cast)
    clock.shift(20 * 86400)
    hand_over(cast, case)
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        there = Case.objects.get(pk=case.pk)
        assert there.state == State.DEEMED_ACCEPTED
        assert [m.act for m in there.movements.all()] == ["lodge", "deem_accept", "hand_over"]
    assert live(cast, case) == ["mohurd"]


# --- At the desk ------------------------------------------------------------------------------------


def page_of(case: Case) -> str:
    return f"/cases/{case.pk}/handover/"


def test_the_supervisor_finds_the_agency_and_hands_over(cast: Cast) -> None:
    case = lodged(cast)
    wang = at_desk(cast, "wang")
    assert "转交其他机构" in wang.page(f"/cases/{case.pk}/")
    found = words(wang.post(page_of(case), {"find": "1", "q": "zhufang", "text": WHY}))
    assert cast.mohurd.name_zh in found
    assert cast.sinopec.name_zh not in found
    assert WHY in found
    said = wang.act(case, "handover", q="zhufang", agency="mohurd", text=WHY)
    assert "案卷已转交" in said
    assert f"转交{cast.mohurd.name_zh}办理" in said
    assert "转交告知书" in said
    assert live(cast, case) == ["mohurd"]


def test_what_stays_behind_is_a_record_that_nobody_can_work_on(cast: Cast) -> None:
    case = lodged(cast)
    hand_over(cast, case)
    for name in ("li", "wang", "xu"):
        desk = at_desk(cast, name)
        page = desk.page(f"/cases/{case.pk}/")
        assert "本机构只保留转交时的记录" in page
        assert cast.zhang.document_mask in page
    li = at_desk(cast, "li")
    assert li.get(f"/cases/{case.pk}/letters/handed-over-2.pdf").content.startswith(b"%PDF")
    assert "领取" not in li.page(f"/cases/{case.pk}/").split("流转记录")[0]
    li.act(case, "holding")
    wang = at_desk(cast, "wang")
    wang.act(case, "document-number")
    with crossing.standing(Desk.OWNER):
        assert AccessRecord.objects.count() == 0
    assert live(cast, case) == ["mohurd"]


def pages_of_a_case() -> list[str]:
    """The addresses of this desk that need a case and nothing else."""
    patterns = [str(entry.pattern) for entry in get_resolver("portal.urls_agency").url_patterns]
    return [path for path in patterns if path.startswith("cases/<uuid:case_id>/") and path.count("<") == 1]


def test_no_page_of_a_case_breaks_on_what_stays_behind(cast: Cast) -> None:
    case = lodged(cast)
    hand_over(cast, case)
    desk = at_desk(cast, "wang")
    desk.raise_request_exception = True
    for path in pages_of_a_case():
        address = "/" + path.replace("<uuid:case_id>", str(case.pk))
        assert desk.get(address).status_code < 500
        assert desk.post(address).status_code < 500
    assert live(cast, case) == ["mohurd"]


def test_the_new_agencys_supervisor_sees_the_case_and_its_letters(cast: Cast) -> None:
    case = lodged(cast)
    assert at_desk(cast, "lin").get(f"/cases/{case.pk}/").status_code == 404
    hand_over(cast, case)
    lin = at_desk(cast, "lin")
    page = lin.page(f"/cases/{case.pk}/")
    assert WHY in page
    assert "转交告知书" in page
    assert "上报回执" in page
    assert lin.get(f"/cases/{case.pk}/letters/lodged-1.pdf").content.startswith(b"%PDF")
    assert lin.get(f"/cases/{case.pk}/letters/nothing-1.pdf").status_code == 404


def test_nothing_typed_is_lost_when_the_form_is_wrong(cast: Cast) -> None:
    case = lodged(cast)
    wang = at_desk(cast, "wang")
    assert WHY in wang.act(case, "handover", text=WHY)
    assert "请查找并选择接收案卷的注册机构。" in wang.act(case, "handover", text=WHY, agency="nowhere")
    assert "请说明理由。" in wang.act(case, "handover", agency="mohurd")
    assert live(cast, case) == ["beijing"]


def test_a_suspended_agency_says_so_and_cannot_be_chosen(cast: Cast) -> None:
    case = lodged(cast)
    Agency.objects.filter(code="mohurd").update(intake_open=False)
    wang = at_desk(cast, "wang")
    assert "暂停接收申请，不能转交" in words(wang.post(page_of(case), {"find": "1", "q": "住房"}))
    assert "暂停接收申请，不能转交。" in wang.act(case, "handover", agency="mohurd", text=WHY)
    assert live(cast, case) == ["beijing"]


@pytest.mark.parametrize("who", ["li", "chen", "xu"])
def test_others_have_no_such_page(cast: Cast, who: str) -> None:
    case = lodged(cast)
    desk = at_desk(cast, who)
    assert desk.get(page_of(case)).status_code == 404
    assert desk.post(page_of(case), {"agency": "mohurd", "text": WHY}).status_code == 404
    assert live(cast, case) == ["beijing"]


# --- Killed at every step ---------------------------------------------------------------------------


class Faults:
    """Counts the statements of an act, and lets something happen before one of them."""

    def __init__(self, at: int, then: Callable[[], object]) -> None:
        self.seen, self.at, self.then = 0, at, then

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        self.seen += 1
        if self.seen == self.at:
            self.then()
        return execute(sql, params, many, context)


def connection_breaks() -> None:
    raise OperationalError("the server is gone")


def test_a_fault_before_any_statement_leaves_everything_as_it_was(cast: Cast) -> None:
    """At each of them in turn; then, unharmed, the same hand-over goes through."""
    case = lodged(cast, State.ACCEPTED)
    before = at_agency(cast.beijing, case)
    for point in range(1, 100):
        faults = Faults(point, connection_breaks)
        with connection.execute_wrapper(faults), suppress(OperationalError):
            hand_over(cast, case)
            break
        assert live(cast, case) == ["beijing"]
        assert at_agency(cast.beijing, case) == before
        assert at_agency(cast.mohurd, case).state == ""
        assert told(cast, case) == []
    # The budget of an act, twice: it is done in two schemas.
    assert 15 < faults.seen == point - 1 <= 28
    assert live(cast, case) == ["mohurd"]
    assert [kind for _user, kind in told(cast, case)].count("handed_over") == 1


def in_a_process_that_dies(cast: Cast, case: Case, faults: Faults) -> int:
    """The hand-over in a child with a connection of its own; its exit status."""
    connections.close_all()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        with connection.execute_wrapper(faults):
            hand_over(cast, case)
    except BaseException:
        # Whatever it is, the child must not go on as the test.
        os._exit(3)
    os._exit(0)


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_at_any_statement_leaves_one_case_one_clock_one_notice(cast: Cast) -> None:
    case = lodged(cast)
    point = 0
    while live(cast, case) == ["beijing"]:
        point += 1
        assert told(cast, case) == []
        with crossing.standing(Desk.OWNER):
            line = DocketEntry.objects.get(pk=case.pk)
        assert (line.agency_id, line.due_on) == (cast.beijing.pk, case.due_on)
        ended = in_a_process_that_dies(cast, case, Faults(point, lambda: os._exit(9)))
        assert ended in (9, 0)
    assert (ended, point > 15) == (0, True)
    with crossing.standing(Desk.OWNER):
        line = DocketEntry.objects.get(pk=case.pk)
    assert (line.agency_id, line.due_on) == (cast.mohurd.pk, case.due_on)
    assert [kind for _user, kind in told(cast, case)].count("handed_over") == 1
