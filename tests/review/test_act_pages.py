"""The pages of the acts: the correction told once, who may be given a case, more time, the end of a case."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.formats import date_format

from notifications.models import Outbox
from register import clock, codes
from review import casework, colleagues, phrases
from review.models import Case, Correction, Movement
from review.states import State
from review.workflow import Actor
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import Absence, AgencyUserObjectPermission, User
from tests import casefiles, factories
from tests.cast import Cast
from tests.review.desks import DeskClient, at_desk, case_now, words

pytestmark = pytest.mark.django_db

ITEMS: Final = [{"item": "employer", "code": "R08", "text": "单位名称与信用代码不一致"}]


@pytest.fixture
def submitted(cast: Cast) -> Case:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        return casefiles.lodge(cast.zhang, cast.beijing)


def walked(cast: Cast, case: Case, to: State) -> Case:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        return casefiles.walk(Case.objects.get(pk=case.pk), cast.actor("li"), to)


def resubmit(cast: Cast, case: Case) -> None:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        filing = casefiles.filing(cast.zhang, cast.beijing, performance="已更正")
        casework.resubmit(case=Case.objects.get(pk=case.pk), by=cast.actor_of(cast.zhang), filing=filing)


def acts_of(cast: Cast, case: Case) -> list[str]:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        return list(Movement.objects.filter(case_id=case.pk).order_by("number").values_list("act", flat=True))


def told(case: Case) -> list[str]:
    with crossing.standing(Desk.CLERK):
        return list(Outbox.objects.filter(case_id=case.pk).order_by("id").values_list("kind", flat=True))


# --- The correction told once ------------------------------------------------------------------------

TEN: Final = (
    "personal.mobile",
    "personal.education",
    "photo",
    "qualification",
    "employer.name",
    "employer.code",
    "employer.address",
    "experience",
    "papers.M01",
    "papers.M03",
)


def filled(items: tuple[str, ...] = TEN, **more: str) -> dict[str, str]:
    """A posted correction with so many items."""
    rows = {
        f"item{n}-{name}": value
        for n, item in enumerate(items)
        for name, value in (("item", item), ("code", "R03"), ("text", f"请更正第{n + 1}处"))
    }
    return {"rows": str(len(items)), **rows, **more}


def test_ten_items_are_told_at_once(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    li.act(submitted, "holding")
    assert "已退回补正" in li.act(submitted, "correction", **filled())
    with crossing.standing(Desk.AGENCY, cast.beijing):
        correction = Correction.objects.get(case=submitted)
    assert [item["item"] for item in correction.items] == list(TEN)
    assert [item["text"] for item in correction.items] == [f"请更正第{n}处" for n in range(1, 11)]
    assert told(submitted) == ["submitted", "correction", "photo_rejected"]
    with crossing.standing(Desk.CLERK):
        assert Outbox.objects.get(kind="photo_rejected").data == {"reason": "请更正第3处"}


def test_rows_come_and_go_without_losing_what_was_typed(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    li.act(submitted, "holding")
    path = f"/cases/{submitted.pk}/correction/"

    def texts(**button: str) -> list[str]:
        html = li.post(path, filled(TEN, **button)).content.decode()
        found = re.findall(r"<textarea[^>]*-text[^>]*>\s*([^<]*?)\s*</textarea>", html)
        assert len(found) == int(re.findall(r'name="rows" value="(\d+)"', html)[0])
        return found

    typed = [f"请更正第{n}处" for n in range(1, 11)]
    assert texts(add="1") == [*typed, ""]
    assert texts(remove="3") == [*typed[:3], *typed[4:]]
    assert texts(remove="99") == typed
    assert case_now(cast.beijing, submitted.pk).state == State.SUBMITTED


def test_usual_phrases_fill_only_what_is_empty(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    li.act(submitted, "holding")
    rows = {"rows": "3", "item0-code": "R06", "item1-code": "R09", "item1-text": "缺2019年经历", "fill": "1"}
    page = words(li.post(f"/cases/{submitted.pk}/correction/", rows))
    assert phrases.first_for("R06") in page
    assert "缺2019年经历" in page


def test_every_reason_for_a_return_has_its_phrases() -> None:
    assert set(phrases.BY_REASON) == {reason.code for reason in codes.return_reasons()}
    assert all(len(text) <= 100 for texts in phrases.BY_REASON.values() for text in texts)


def test_the_notice_is_read_before_it_is_sent(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    li.act(submitted, "holding")
    page = words(li.post(f"/cases/{submitted.pk}/correction/", filled(preview="1")))
    due = casefiles.today_plus(10)
    assert "补正通知书" in page
    assert f"{submitted.reference}-补1" in page
    assert "请更正第10处" in page
    assert f"{due.year}年{due.month}月{due.day}日" in page
    assert case_now(cast.beijing, submitted.pk).state == State.SUBMITTED
    assert told(submitted) == ["submitted"]
    half = words(
        li.post(f"/cases/{submitted.pk}/correction/", {**filled(("photo",), preview="1"), "item0-text": ""})
    )
    assert "请说明如何修改" in half
    assert "通知书预览" not in half


def test_one_thing_is_asked_for_once(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    li.act(submitted, "holding")
    page = li.act(submitted, "correction", **filled(("photo", "employer", "photo")))
    assert "这项内容已在第 1 项列出，请合并为一项" in page
    assert case_now(cast.beijing, submitted.pk).state == State.SUBMITTED


def test_the_due_day_stands_on_the_page(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    li.act(submitted, "holding")
    due = date_format(casefiles.today_plus(10), "Y年n月j日")
    assert due in li.page(f"/cases/{submitted.pk}/correction/")


def test_a_second_correction_is_the_supervisors_with_a_reason_on_every_page(
    cast: Cast, submitted: Case
) -> None:
    walked(cast, submitted, State.CORRECTION)
    resubmit(cast, submitted)
    li, wang = at_desk(cast, "li"), at_desk(cast, "wang")
    page = li.get(f"/cases/{submitted.pk}/").content.decode()
    assert "再次补正须由审核人员作出" in page
    assert "退回补正</" not in page.partition('class="action-bar"')[2]
    assert "再次补正须由审核人员说明理由后作出" in words(
        li.get(f"/cases/{submitted.pk}/correction/", follow=True)
    )
    refused = li.act(submitted, "correction", **filled(("photo",)), reason="照片不符")
    assert "再次补正须由审核人员说明理由后作出" in refused
    assert "请更正第1处" in refused
    assert "再次要求补正的理由" in wang.page(f"/cases/{submitted.pk}/correction/")
    assert "再次要求补正须说明理由" in wang.act(submitted, "correction", **filled(("photo",)))
    preview = wang.post(
        f"/cases/{submitted.pk}/correction/", filled(("photo",), reason="照片仍不符合", preview="1")
    )
    assert "说明：照片仍不符合" in words(preview)
    done = wang.act(submitted, "correction", **filled(("photo",)), reason="照片仍不符合")
    assert "已退回补正" in done
    with crossing.standing(Desk.AGENCY, cast.beijing):
        correction = Correction.objects.get(case=submitted, number=2)
    assert (correction.reason, correction.told_by_name) == ("照片仍不符合", "王复核")


def test_what_was_typed_stays_when_somebody_was_faster(cast: Cast, submitted: Case) -> None:
    li, wang = at_desk(cast, "li"), at_desk(cast, "wang")
    li.act(submitted, "holding")
    wang.act(submitted, "correction", **filled(("photo",)))
    late = li.act(submitted, "correction", **filled())
    assert re.search(r"本案已由王复核于\d\d:\d\d办理（退回补正）", late)
    assert "您填写的内容仍在本页" in late
    assert "请更正第10处" in late
    assert "确定退回补正" not in late
    assert acts_of(cast, submitted) == ["lodge", "take_up", "send_back"]


def test_who_was_faster_is_told_where_the_act_has_become_another_ones(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    li.act(submitted, "holding")
    at_desk(cast, "wang").act(submitted, "assignment", to=str(cast.user("liu").pk))
    at_desk(cast, "liu").act(submitted, "acceptance")
    late = li.act(submitted, "correction", **filled())
    assert re.search(r"您没有办理此事项的权限。最近一次办理：刘初审，\d\d:\d\d，受理。", late)
    assert "请更正第10处" in late


# --- Who handles a case --------------------------------------------------------------------------------


def test_the_slower_of_two_is_told_who_has_it_since_when(cast: Cast, submitted: Case) -> None:
    at_desk(cast, "li").act(submitted, "holding")
    assert re.search(
        r"本案已由其他人员领取。最近一次办理：李初审，\d\d:\d\d，领取。",
        at_desk(cast, "liu").act(submitted, "holding"),
    )


def test_taking_up_what_one_has_is_refused_and_leaves_no_trace(cast: Cast, submitted: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        casework.take_up(case=case, by=cast.actor("li"))
        with pytest.raises(Refusal) as refused:
            casework.take_up(case=case, by=cast.actor("li"))
    assert refused.value.code == "mine"
    assert acts_of(cast, submitted) == ["lodge", "take_up"]


def test_a_deputy_handles_the_cases_of_an_absent_colleague(cast: Cast, submitted: Case) -> None:
    at_desk(cast, "li").act(submitted, "holding")
    deputy = Actor.staff(
        cast.user("liu"),
        agency=cast.beijing,
        held=frozenset({"reviewer"}),
        covers=frozenset({cast.user("li").pk}),
    )
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        casework.accept(case=case, by=deputy)
        assert casework.may_check(case, deputy)
        casefiles.tick(case, deputy, "employer", in_order=True)
        movement = case.movements.get(act="accept")
    assert (movement.actor_name, case.assignee_id) == ("刘初审", cast.user("li").pk)


def test_a_case_of_a_closed_account_may_be_taken_up(cast: Cast, submitted: Case) -> None:
    at_desk(cast, "li").act(submitted, "holding")
    User.objects.filter(pk=cast.user("li").pk).update(is_active=False)
    assert "已领取" in at_desk(cast, "liu").act(submitted, "holding")


@pytest.mark.parametrize(("active", "holder"), [(True, "li"), (False, None)])
def test_a_remanded_case_returns_to_its_reviewer_or_is_free(
    cast: Cast, submitted: Case, active: bool, holder: str | None
) -> None:
    walked(cast, submitted, State.REPORTED)
    User.objects.filter(pk=cast.user("li").pk).update(is_active=active)
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        casework.take_up(case=case, by=cast.actor("zhao"))
        casework.remand(case=case, by=cast.actor("zhao"), text="请核实劳动合同期限")
    found = case_now(cast.beijing, submitted.pk)
    assert (found.state, found.assignee_id) == ("sent_back", cast.user(holder).pk if holder else None)


def test_a_supervisor_gives_a_case_to_a_colleague_and_sees_their_load(cast: Cast, submitted: Case) -> None:
    today = clock.today()
    Absence.objects.create(
        agency=cast.beijing,
        user=cast.user("liu"),
        deputy=cast.user("li"),
        since=today,
        until=today + timedelta(days=7),
        entered_by=cast.user("chen"),
        entered_at=clock.now(),
    )
    with cast.at_applicants_desk(cast.sun), crossing.inside(cast.beijing):
        other = casefiles.lodge(cast.sun, cast.beijing)
    at_desk(cast, "li").act(other, "holding")
    wang = at_desk(cast, "wang")
    page = wang.page(f"/cases/{submitted.pk}/assignment/")
    assert re.search(r"李初审 1 0 —", page)
    assert re.search(r"刘初审 0 0 至.*由李初审代理", page)
    # Nobody of another agency is offered, and a key that is not offered is refused.
    assert "何初审" not in page
    assert "请选择列表中的人员" in wang.act(submitted, "assignment", to=str(cast.user("he").pk))
    assert "请选择一位经办人员" in wang.act(submitted, "assignment")
    assert "已分派" in wang.act(submitted, "assignment", to=str(cast.user("liu").pk))
    assert case_now(cast.beijing, submitted.pk).assignee_id == cast.user("liu").pk
    again = wang.page(f"/cases/{submitted.pk}/assignment/")
    assert "本案现由刘初审办理" in again
    assert 'name="to"' in wang.get(f"/cases/{submitted.pk}/assignment/").content.decode()
    with crossing.standing(Desk.CLERK):
        told = set(Outbox.objects.filter(kind="assigned").values_list("user_id", flat=True))
    # Liu is away, and Li stands in.
    assert told == {cast.user("liu").pk, cast.user("li").pk}


def test_who_has_a_conflict_of_interest_is_not_offered(cast: Cast, submitted: Case) -> None:
    User.objects.filter(pk=cast.user("liu").pk).update(employer_code=submitted.employer_code)
    page = at_desk(cast, "wang").page(f"/cases/{submitted.pk}/assignment/")
    assert "刘初审" not in page
    assert "另有 1 人与本案有利害关系" in page
    with crossing.standing(Desk.AGENCY, cast.beijing):
        choice = colleagues.choice_for(Case.objects.get(pk=submitted.pk), cast.beijing)
    assert ([one.user.name for one in choice.colleagues], choice.kept_out) == (["李初审"], 1)


# --- More time, and the end --------------------------------------------------------------------------------


def test_a_review_is_extended_once_with_a_reason(cast: Cast, submitted: Case) -> None:
    walked(cast, submitted, State.ACCEPTED)
    wang = at_desk(cast, "wang")
    before = case_now(cast.beijing, submitted.pk).due_on
    assert before is not None
    after = clock.add_working_days(before, 10).day
    assert f"延长 10 个工作日，至{date_format(after, 'Y年n月j日')}" in wang.page(
        f"/cases/{submitted.pk}/extension/"
    )
    assert "请说明理由" in wang.act(submitted, "extension")
    page = wang.act(submitted, "extension", text="需要现场核查")
    assert "已延长审查期限" in page
    assert f"延长至 {date_format(after, 'Y年n月j日')}" in page
    assert case_now(cast.beijing, submitted.pk).due_on == after
    again = wang.act(submitted, "extension", text="再延长")
    assert "每个期限只能延长一次" in again
    assert "再延长" in again
    assert told(submitted)[-1] == "extended"


def test_the_applicant_gets_more_time_once(cast: Cast, submitted: Case) -> None:
    walked(cast, submitted, State.CORRECTION)
    before = case_now(cast.beijing, submitted.pk).due_on
    assert before is not None
    liu, li = at_desk(cast, "liu"), at_desk(cast, "li")
    assert "本案已由其他人员领取" in liu.act(submitted, "correction-extension", text="申请人来电")
    assert "已延长补正期限" in li.act(submitted, "correction-extension", text="申请人住院")
    assert case_now(cast.beijing, submitted.pk).due_on == clock.add_working_days(before, 10).day
    assert "每个期限只能延长一次" in li.act(submitted, "correction-extension", text="再延长")
    assert told(submitted)[-1] == "correction_due_moved"


@pytest.mark.parametrize("to", [State.SUBMITTED, State.CORRECTION, State.ACCEPTED, State.FIRST_FAILED])
def test_a_supervisor_ends_a_case_that_cannot_be_decided(cast: Cast, submitted: Case, to: State) -> None:
    if to != State.SUBMITTED:
        walked(cast, submitted, to)
    wang = at_desk(cast, "wang")
    assert "请选择终止的事由" in wang.act(submitted, "termination", text="聘用单位来函")
    assert "请说明理由" in wang.act(submitted, "termination", ground="death")
    # The applicant's own request is no ground here: before the case is reported they withdraw it.
    request = wang.act(submitted, "termination", ground="request", text="申请人来电")
    assert case_now(cast.beijing, submitted.pk).state == to
    assert "确定终止" in request
    page = wang.act(submitted, "termination", ground="death", text="聘用单位来函说明")
    assert "本案已终止" in page
    assert "申请人死亡" in page
    found = case_now(cast.beijing, submitted.pk)
    assert (found.state, found.due_on, found.clock) == ("terminated", None, "")
    assert "terminated" in told(submitted)


def test_a_request_ends_a_case_only_with_the_authority(cast: Cast, submitted: Case) -> None:
    asked: dict[str, Any] = {"ground": "request", "text": "申请人书面请求"}
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        with pytest.raises(Refusal) as refused:
            casework.terminate(case=case, by=cast.actor("wang"), **asked)
    assert refused.value.code == "ground"
    walked(cast, submitted, State.REPORTED)
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        casework.terminate(case=case, by=cast.actor("qian"), **asked)
    assert case.state == State.TERMINATED


def test_a_proposed_restriction_keeps_the_applicant_from_withdrawing(cast: Cast, submitted: Case) -> None:
    wang = at_desk(cast, "wang")
    assert "请说明理由" in wang.act(submitted, "restriction")
    assert "已提出限制申请建议" in wang.act(submitted, "restriction", text="劳动合同系伪造")
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        with pytest.raises(Refusal) as refused:
            casework.withdraw(case=case, by=cast.actor_of(cast.zhang))
        assert refused.value.code == "false_material"
    assert "本案已提出限制申请建议" in wang.act(submitted, "restriction", text="再提一次")
    # The applicant hears nothing of it.
    assert told(submitted) == ["submitted"]
    assert "已撤回限制申请建议" in wang.act(submitted, "restriction-withdrawal", text="经核实合同真实")
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        casework.withdraw(case=Case.objects.get(pk=submitted.pk), by=cast.actor_of(cast.zhang))
    assert case_now(cast.beijing, submitted.pk).state == State.WITHDRAWN


# --- Budgets ------------------------------------------------------------------------------------------------

# BEGIN and COMMIT counted; around the act stand host, account, roles and the page's own questions.
MOST_QUERIES: Final = 14
MOST_AROUND: Final = 9


def many(cast: Cast, case: Case, count: int) -> None:
    """So many colleagues, so many other cases in Li's hands, and so many movements of this one."""
    with crossing.standing(Desk.AGENCY, cast.beijing):
        target = Case.objects.get(pk=case.pk)
        for _turn in range(count):
            casework.take_up(case=target, by=cast.actor("liu"))
            casework.release(case=target, by=cast.actor("liu"))
    reviewer = Permission.objects.get(content_type__app_label="tenants", codename="reviewer")
    for number in range(count):
        officer = User.objects.create(
            username=f"n{number}.beijing", name=f"经办{number:02d}", kind="staff", home=cast.beijing
        )
        AgencyUserObjectPermission.objects.create(
            user=officer, content_object=cast.beijing, permission=reviewer
        )


BUDGETS: Final[dict[str, tuple[str, str, State | None, dict[str, str]]]] = {
    "take_up": ("liu", "holding", None, {}),
    "release": ("li", "release", State.ACCEPTED, {}),
    "assign": ("wang", "assignment", None, {"to": "li"}),
    "accept": ("li", "acceptance", State.SUBMITTED, {}),
    "not_accept": ("li", "non-acceptance", State.SUBMITTED, {"codes": "R11", "text": "应向其他机构申请"}),
    "send_back": ("li", "correction", State.SUBMITTED, filled()),
    "give_opinion": ("li", "opinion", State.ACCEPTED, {"verdict": "pass", "text": ""}),
    "countersign": ("wang", "countersignature", State.ACCEPTED, {}),
    "decline": ("wang", "objection", State.ACCEPTED, {"text": "请核对合同"}),
    "reopen": ("wang", "reopening", State.FIRST_PASSED, {"text": "发现新情况"}),
    "refer": ("li", "referral", State.FIRST_PASSED, {}),
    "extend": ("wang", "extension", State.ACCEPTED, {"text": "需要核查"}),
    "extend_correction": ("li", "correction-extension", State.CORRECTION, {"text": "申请人住院"}),
    "propose_restriction": ("wang", "restriction", None, {"text": "合同系伪造"}),
    "terminate": ("wang", "termination", State.ACCEPTED, {"ground": "death", "text": "来函说明"}),
}


def _bring(cast: Cast, case: Case, act: str, to: State | None) -> None:
    """The case where the act begins, in Li's hands unless it is free."""
    if to is None:
        return
    with crossing.standing(Desk.AGENCY, cast.beijing):
        found, li = Case.objects.get(pk=case.pk), cast.actor("li")
        if to == State.SUBMITTED:
            casework.take_up(case=found, by=li)
            return
        casefiles.walk(found, li, to)
        if act in {"give_opinion", "countersign", "decline"}:
            casefiles.tick_all(found, li)
        if act in {"countersign", "decline"}:
            Case.objects.filter(pk=case.pk).update(policy={**found.policy, "countersign": True})
            casework.give_opinion(case=Case.objects.get(pk=case.pk), by=li, verdict="pass")


@pytest.mark.parametrize("rows", [1, 50])
def test_each_act_keeps_to_its_budget(cast: Cast, rows: int) -> None:
    """As many queries with 50 colleagues and 100 movements as with one."""
    clients = {name: at_desk(cast, name) for name in ("li", "liu", "wang")}
    spent: dict[str, tuple[int, int]] = {}
    first = True
    for act, (who, noun, to, data) in BUDGETS.items():
        person = factories.person()
        with cast.at_applicants_desk(person), crossing.inside(cast.beijing):
            case = casefiles.lodge(person, cast.beijing)
        if first:
            many(cast, case, rows)
            first = False
        _bring(cast, case, act, to)
        given = {**data, "to": str(cast.user("li").pk)} if act == "assign" else data
        if act in {"countersign", "decline"}:
            given = {**given, "read": clients[who].read(case, noun)}
        spent[act] = _queries(clients[who], case, noun, given)
        assert acts_of(cast, case)[-1] == act, act
    over = {act: both for act, both in spent.items() if both[0] > MOST_AROUND or both[1] > MOST_QUERIES}
    assert over == {}, spent


def _queries(client: DeskClient, case: Case, noun: str, data: dict[str, str]) -> tuple[int, int]:
    """What the request asks before the act begins, and what the act itself asks."""
    with CaptureQueriesContext(connection) as asked:
        answer = client.post(f"/cases/{case.pk}/{noun}/", data)
    assert answer.status_code == 302, (noun, words(answer))
    begun = next(n for n, query in enumerate(asked) if query["sql"].startswith(("SAVEPOINT", "BEGIN")))
    return begun, len(asked) - begun
