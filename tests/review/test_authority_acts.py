"""The authority's acts on the file itself: assign, extend, end, begin anew; two persons; letters; budgets."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from notifications.models import Outbox
from register import clock, issuing
from register.models import Person, Registration
from review import casework, docket, log
from review.models import Case, Opinion
from review.states import State
from review.workflow import STATUTORY, THE_CLOCK, move
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import User
from tests import casefiles, factories
from tests.cast import Cast
from tests.review.desks import DeskClient, at_desk, case_now, line_now

pytestmark = pytest.mark.django_db

RULING: Final = {
    "basis": "reconsideration",
    "number": "示例复决〔2026〕12号",
    "decided_by": "示例复议机关",
    "text": "撤销原决定，责令重新审查",
}


def lodged(cast: Cast, person: Person) -> Case:
    with cast.at_applicants_desk(person), crossing.inside(cast.beijing):
        return casefiles.lodge(person, cast.beijing)


def reported(cast: Cast, person: Person, *, two: bool = False, taken: bool = True) -> Case:
    """A case with the authority, in Zhao's hands unless nobody took it."""
    case = lodged(cast, person)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        found = casefiles.walk(Case.objects.get(pk=case.pk), cast.actor("li"), State.REPORTED)
        Case.objects.filter(pk=case.pk).update(policy={**found.policy, "final_sign_off": two})
    if taken:
        at_authority(cast, case, lambda it: casework.take_up(case=it, by=cast.actor("zhao")))
    return case_now(cast.beijing, case.pk)


def at_authority(cast: Cast, case: Case, act: Callable[[Case], object]) -> Case:
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        act(Case.objects.prefetch_related("opinions").get(pk=case.pk))
    return case_now(cast.beijing, case.pk)


def refused(cast: Cast, person: Person) -> Case:
    case = reported(cast, person)
    by = cast.actor("zhao")
    return at_authority(
        cast, case, lambda it: casework.refuse(case=it, by=by, codes=["N05"], text="资格证书无效")
    )


def not_accepted(cast: Cast, person: Person) -> Case:
    case, li = lodged(cast, person), cast.actor("li")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        found = Case.objects.get(pk=case.pk)
        casework.take_up(case=found, by=li)
        casework.not_accept(case=found, by=li, codes=["R11"], text="应向其他机构申请")
    return case_now(cast.beijing, case.pk)


def lapsed(cast: Cast, person: Person) -> Case:
    case = lodged(cast, person)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        found = casefiles.walk(Case.objects.get(pk=case.pk), cast.actor("li"), State.CORRECTION)
    assert "lapse" in STATUTORY
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        yesterday = clock.today() - clock.ONE_DAY
        Case.objects.filter(pk=found.pk).update(due_on=yesterday)
        move(case=Case.objects.get(pk=found.pk), act="lapse", by=THE_CLOCK)
    return case_now(cast.beijing, case.pk)


def told(case: Case, kind: str, cast: Cast) -> list[str]:
    """Who of the staff was told, by name; the applicant as such."""
    names = {user.pk: name for name, user in cast.users.items()}
    with crossing.standing(Desk.CLERK):
        rows = Outbox.objects.filter(case_id=case.pk, kind=kind).order_by("user_id")
        return [names.get(user, "applicant") for user in rows.values_list("user_id", flat=True)]


def ruling(**other: str) -> dict[str, str]:
    return {**RULING, "decided_on": clock.today().isoformat(), **other}


def letters_on(client: Client, path: str) -> list[str]:
    """The numbers of the letters that a page offers, latest first."""
    page = client.get(path).content.decode()
    return re.findall(r'<span class="sub figures">\s*([^\s<]+)\s*</span>', page)


# --- Who may -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["zhao", "zhou", "feng", "wei"])
@pytest.mark.parametrize("noun", ["assignment", "extension", "reinstatement"])
def test_only_the_signing_officer_finds_these_pages(cast: Cast, who: str, noun: str) -> None:
    case = reported(cast, cast.zhang, taken=False)
    client = at_desk(cast, who)
    path = f"/cases/{case.pk}/{noun}/"
    assert (client.get(path).status_code, client.post(path, ruling()).status_code) == (404, 404)
    assert case_now(cast.beijing, case.pk).chain_length == case.chain_length


@pytest.mark.parametrize("noun", ["assignment", "extension", "termination", "reinstatement"])
def test_no_act_stands_open_in_a_state_where_the_law_has_none(cast: Cast, noun: str) -> None:
    case = lodged(cast, cast.zhang)
    data = {**ruling(), "to": str(cast.user("zhao").pk), "ground": "death"}
    at_desk(cast, "qian").act(case, noun, **data)
    assert case_now(cast.beijing, case.pk).chain_length == 1


# --- Assign and extend -------------------------------------------------------------------------------------


def test_a_reported_case_is_given_to_a_final_reviewer(cast: Cast) -> None:
    case, qian = reported(cast, cast.zhang, taken=False), at_desk(cast, "qian")
    page = qian.page(f"/cases/{case.pk}/assignment/")
    assert "赵终审 0 0 —" in page
    # Reviewers of the agency are none of the authority's.
    assert "李初审" not in page
    assert "请选择列表中的人员" in qian.act(case, "assignment", to=str(cast.user("li").pk))
    assert "已分派" in qian.act(case, "assignment", to=str(cast.user("zhao").pk))
    now = case_now(cast.beijing, case.pk)
    assert (now.officer_id, now.assignee_id) == (cast.user("zhao").pk, cast.user("li").pk)
    assert told(case, "assigned", cast) == ["zhao"]
    assert "没有可以分派的人员" in qian.page(f"/cases/{case.pk}/assignment/")


def test_a_final_reviewer_with_a_conflict_of_interest_is_not_offered(cast: Cast) -> None:
    case = reported(cast, cast.zhang, taken=False)
    User.objects.filter(pk=cast.user("zhao").pk).update(document_digest=case.document_digest)
    page = at_desk(cast, "qian").page(f"/cases/{case.pk}/assignment/")
    assert "另有 1 人与本案有利害关系" in page
    assert "赵终审" not in page


def test_the_final_review_is_extended_once_with_a_letter(cast: Cast) -> None:
    case, qian = reported(cast, cast.zhang), at_desk(cast, "qian")
    assert case.due_on is not None
    after = clock.add_working_days(case.due_on, 10).day
    assert "请说明理由" in qian.act(case, "extension")
    page = qian.act(case, "extension", text="需要专家评审")
    assert "已延长终审期限" in page
    assert case_now(cast.beijing, case.pk).due_on == after
    assert "每个期限只能延长一次" in qian.act(case, "extension", text="再延长")
    assert told(case, "extended", cast) == ["applicant"]
    assert letters_on(qian, f"/cases/{case.pk}/")[0] == f"{case.reference}-延1"


# --- The end -------------------------------------------------------------------------------------------


def test_the_signing_officer_ends_a_case_at_the_applicants_request(cast: Cast) -> None:
    case, qian = reported(cast, cast.zhang), at_desk(cast, "qian")
    assert "请选择终止的事由" in qian.act(case, "termination", text="来函")
    page = qian.act(case, "termination", ground="request", text="申请人2026年11月20日书面请求")
    assert "本案已终止" in page
    now = case_now(cast.beijing, case.pk)
    assert (now.state, now.due_on, line_now(case.pk).open) == ("terminated", None, False)
    assert told(case, "terminated", cast) == ["applicant"]
    assert told(case, "staff_terminated", cast) == ["zhao"]
    assert letters_on(qian, f"/cases/{case.pk}/")[0] == f"{case.reference}-终1"


def test_the_registrar_ends_a_case_at_the_agency_and_its_reviewer_hears(cast: Cast) -> None:
    case = lodged(cast, cast.zhang)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(Case.objects.get(pk=case.pk), cast.actor("li"), State.ACCEPTED)
    zhou = at_desk(cast, "zhou")
    assert "申请人请求终止" not in zhou.page(f"/cases/{case.pk}/termination/")
    zhou.act(case, "termination", ground="request", text="来函")
    assert case_now(cast.beijing, case.pk).state == "accepted"
    assert "本案已终止" in zhou.act(case, "termination", ground="death", text="民政部门证明")
    assert told(case, "staff_terminated", cast) == ["li"]


def test_a_granted_case_ends_only_with_its_registration(cast: Cast) -> None:
    case, zhou = reported(cast, cast.zhang), at_desk(cast, "zhou")
    at_authority(cast, case, lambda it: casework.approve(case=it, by=cast.actor("zhao")))
    said = zhou.act(case, "termination", ground="death", text="来函")
    assert "请先在“人员与注册”办理注销、撤销或者吊销" in said
    assert case_now(cast.beijing, case.pk).state == "final_passed"
    with crossing.standing(Desk.AUTHORITY), crossing.atomic():
        row = Registration.objects.select_related("person").get(case_id=case.pk)
        how = Registration.End.CANCELLED
        issuing.end(registration=row, how=how, on=clock.today(), reason="死亡")
    assert "本案已终止" in zhou.act(case, "termination", ground="registration_ended", text="已注销")


# --- Begin anew ------------------------------------------------------------------------------------------


def test_a_refused_application_goes_back_to_the_final_review(cast: Cast) -> None:
    case, qian = refused(cast, cast.zhang), at_desk(cast, "qian")
    versions, digest = case.version, line_now(case.pk).person_id
    page = qian.page(f"/cases/{case.pk}/reinstatement/")
    assert "原终审意见作废，初审意见保留" in page
    assert "恢复后由赵终审办理" in page
    done = qian.act(case, "reinstatement", **ruling())
    assert "本案已恢复审查" in done
    assert "行政复议决定：示例复议机关，示例复决〔2026〕12号" in done
    now, line = case_now(cast.beijing, case.pk), line_now(case.pk)
    due = clock.add_working_days(clock.today(), 20)
    assert (now.state, now.clock, now.due_on, now.extended) == ("reported", "N", due.day, False)
    assert (line.state, line.open, line.due_on, line.person_id) == ("reported", True, due.day, digest)
    assert (now.decided_on, now.final_verdict, now.version) == (None, "", versions)
    assert (now.officer_id, now.registration_id) == (cast.user("zhao").pk, None)
    assert {o.level: o.standing for o in now.opinions.all()} == {"first": "given", "final": "void"}
    assert told(case, "reinstated", cast) == ["applicant"]
    assert sorted(told(case, "staff_reinstated", cast)) == ["li", "zhao"]
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        assert docket.differences(cast.beijing) == []
        assert list(log.verify()) == []
    # And it is decided anew: the void opinion is not in the way.
    at_authority(cast, case, lambda it: casework.approve(case=it, by=cast.actor("zhao")))
    assert Registration.objects.filter(case_id=case.pk).count() == 1


@pytest.mark.parametrize("ended", [not_accepted, lapsed])
def test_what_never_was_reviewed_goes_back_to_the_agency(
    cast: Cast, ended: Callable[[Cast, Person], Case]
) -> None:
    case, qian = ended(cast, cast.zhang), at_desk(cast, "qian")
    assert f"案卷回到{cast.beijing.name}待受理" in qian.page(f"/cases/{case.pk}/reinstatement/")
    assert "本案已恢复审查" in qian.act(case, "reinstatement", **ruling(basis="judgment"))
    now = case_now(cast.beijing, case.pk)
    due = clock.add_working_days(clock.today(), 5).day
    assert (now.state, now.clock, now.due_on, now.resume_state) == ("submitted", "A", due, "")
    assert told(case, "staff_reinstated", cast) == ["li"]
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.accept(case=Case.objects.get(pk=case.pk), by=cast.actor("li"))
    assert case_now(cast.beijing, case.pk).state == "accepted"


def test_where_nobody_has_it_any_more_the_supervisors_hear_and_anyone_may_take_it(cast: Cast) -> None:
    case = not_accepted(cast, cast.zhang)
    User.objects.filter(pk=cast.user("li").pk).update(is_active=False)
    at_desk(cast, "qian").act(case, "reinstatement", **ruling())
    assert case_now(cast.beijing, case.pk).assignee_id is None
    assert told(case, "staff_reinstated", cast) == ["wang"]
    assert "已领取" in at_desk(cast, "liu").act(case, "holding")


def test_another_open_application_is_in_the_way(cast: Cast) -> None:
    case, qian = refused(cast, cast.zhang), at_desk(cast, "qian")
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.mohurd):
        casefiles.lodge(cast.zhang, cast.mohurd)
    said = qian.act(case, "reinstatement", **ruling())
    assert "申请人另有一份申请正在办理，不能恢复本案" in said
    assert case_now(cast.beijing, case.pk).state == "final_failed"
    assert line_now(case.pk).open is False


def test_an_application_of_a_merged_record_is_in_the_way_too(cast: Cast) -> None:
    case = refused(cast, cast.zhang)
    lodged(cast, cast.sun)
    Person.objects.filter(pk=cast.sun.pk).update(merged_into=cast.zhang)
    said = at_desk(cast, "qian").act(case, "reinstatement", **ruling())
    assert "申请人另有一份申请正在办理" in said


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ({"basis": ""}, "请选择恢复审查的依据"),
        ({"basis": "other"}, "请选择恢复审查的依据"),
        ({"number": " "}, "请填写文号"),
        ({"decided_by": ""}, "请填写作出机关"),
        ({"decided_on": "2126-01-01"}, "作出日期不能晚于今天"),
        ({"decided_on": "2020-01-01"}, "作出日期早于本案原决定的日期"),
        ({"decided_on": "昨天"}, "日期无效"),
        ({"text": ""}, "请写明文书内容"),
    ],
)
def test_the_ruling_is_named_in_full(cast: Cast, spoil: dict[str, str], said: str) -> None:
    case = not_accepted(cast, cast.zhang)
    page = at_desk(cast, "qian").act(case, "reinstatement", **ruling(**spoil))
    assert said in page
    assert case_now(cast.beijing, case.pk).state == "not_accepted"


def test_the_act_itself_asks_for_the_ruling_as_well(cast: Cast) -> None:
    case = not_accepted(cast, cast.zhang)
    today = clock.today()
    wrong = (
        ({"basis": "whim"}, "basis"),
        ({"number": ""}, "no_number"),
        ({"decided_on": today + clock.ONE_DAY}, "decided_later"),
        ({"decided_on": today - 9 * clock.ONE_DAY}, "decided_before"),
        ({"text": " "}, "no_reason"),
    )
    for spoil, code in wrong:
        given = {**RULING, "decided_on": today, **spoil}
        with pytest.raises(Refusal) as no:
            at_authority(
                cast,
                case,
                lambda it, given=given: casework.reinstate(case=it, by=cast.actor("qian"), **given),
            )
        assert no.value.code == code
    assert case_now(cast.beijing, case.pk).chain_length == case.chain_length


# --- Two persons -----------------------------------------------------------------------------------------


def test_a_grant_takes_effect_by_the_second_signature(cast: Cast) -> None:
    case = reported(cast, cast.zhang, two=True)
    zhao, qian = at_desk(cast, "zhao"), at_desk(cast, "qian")
    assert "您的建议须由签批人签批后生效" in zhao.page(f"/cases/{case.pk}/approval/")
    assert "建议已提交签批" in zhao.act(case, "approval", text="材料齐全")
    assert (case_now(cast.beijing, case.pk).state, Registration.objects.count()) == ("reported", 0)
    # Nobody signs their own proposal, also not who holds both roles.
    assert "本案的意见正在等待复核" in zhao.act(case, "approval", text="再提")
    page = qian.page(f"/cases/{case.pk}/")
    assert "有一份意见等待您复核" in page
    bar = qian.get(f"/cases/{case.pk}/").content.decode().partition('class="action-bar"')[2]
    assert re.findall(r">(准予注册|不予注册|不同意)</a>", bar) == ["不同意", "准予注册"]
    assert "赵终审的意见：通过" in qian.page(f"/cases/{case.pk}/approval/")
    assert "已准予注册" in qian.act(case, "approval")
    now = case_now(cast.beijing, case.pk)
    final = next(o for o in now.opinions.all() if o.level == "final")
    assert (now.state, final.standing, final.countersigned_by_name) == ("final_passed", "given", "钱签批")
    assert told(case, "granted", cast) == ["applicant"]


def test_nobody_signs_the_own_proposal(cast: Cast) -> None:
    case = reported(cast, cast.zhang, two=True)
    both = cast.actor("zhao", "final_reviewer", "signing_officer")
    at_authority(cast, case, lambda it: casework.approve(case=it, by=both))
    with pytest.raises(Refusal) as no:
        at_authority(cast, case, lambda it: casework.approve(case=it, by=both))
    assert no.value.code in {"own_opinion", "opinion_pending"}
    assert Registration.objects.count() == 0


def test_an_objection_voids_the_proposal_and_its_author_hears(cast: Cast) -> None:
    case = reported(cast, cast.zhang, two=True)
    zhao, qian = at_desk(cast, "zhao"), at_desk(cast, "qian")
    zhao.act(case, "refusal", codes="N05", text="资格证书无效")
    assert "资格证书无效" in qian.page(f"/cases/{case.pk}/objection/")
    assert "建议已作废" in qian.act(case, "objection", text="证书经核实有效")
    assert told(case, "staff_declined", cast) == ["zhao"]
    assert told(case, "refused", cast) == []
    now = case_now(cast.beijing, case.pk)
    assert (now.state, {o.standing for o in now.opinions.all() if o.level == "final"}) == (
        "reported",
        {Opinion.Standing.VOID},
    )
    zhao.act(case, "approval")
    assert "已准予注册" in qian.act(case, "approval")


# --- Letters -----------------------------------------------------------------------------------------------


def test_the_same_letters_at_all_three_desks(cast: Cast) -> None:
    case, qian = refused(cast, cast.zhang), at_desk(cast, "qian")
    qian.act(case, "reinstatement", **ruling())
    at_authority(cast, case, lambda it: casework.approve(case=it, by=cast.actor("zhao")))
    path = f"/cases/{case.pk}/"
    expected = [f"{case.reference}-{mark}" for mark in ("准", "恢1", "不准")]
    assert letters_on(qian, path)[:3] == expected
    assert letters_on(at_desk(cast, "li"), path)[:3] == expected
    found = re.findall(rf"/cases/{case.pk}/letters/[a-z-]+-\d+\.pdf", qian.get(path).content.decode())
    assert len(found) == len(letters_on(qian, path))
    answer = qian.get(found[0])
    assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")
    assert qian.get(f"{path}letters/granted-99.pdf").status_code == 404
    assert at_desk(cast, "feng").get(found[0]).status_code == 404
    # Another agency's desk never finds them.
    assert at_desk(cast, "he").get(found[0]).status_code == 404


# --- Budgets ---------------------------------------------------------------------------------------------

# BEGIN and COMMIT counted; around the act stand host, account, roles, docket line and the page's questions.
MOST_QUERIES: Final = 14
MOST_AROUND: Final = 9


def _spent(client: DeskClient, case: Case, noun: str, data: dict[str, str]) -> tuple[int, int]:
    """What the request asks before the act begins, and what the act itself asks."""
    with CaptureQueriesContext(connection) as asked:
        answer = client.post(f"/cases/{case.pk}/{noun}/", data)
    assert answer.status_code == 302, (noun, answer.content.decode()[:2000])
    assert line_now(case.pk).chain_length == case.chain_length + 1, noun
    begun = next(n for n, query in enumerate(asked) if query["sql"].startswith(("SAVEPOINT", "BEGIN")))
    return begun, len(asked) - begun


def test_each_act_of_the_authority_keeps_to_its_budget(cast: Cast) -> None:
    zhao, qian, zhou = (at_desk(cast, name) for name in ("zhao", "qian", "zhou"))
    plan: list[tuple[str, DeskClient, Callable[[Person], Case], dict[str, str]]] = [
        ("assignment", qian, lambda p: reported(cast, p, taken=False), {"to": str(cast.user("zhao").pk)}),
        ("holding", zhao, lambda p: reported(cast, p, taken=False), {}),
        ("release", zhao, lambda p: reported(cast, p), {}),
        ("extension", qian, lambda p: reported(cast, p), {"text": "需要专家评审"}),
        ("termination", qian, lambda p: reported(cast, p), {"ground": "request", "text": "来函"}),
        ("termination", zhou, lambda p: reported(cast, p), {"ground": "death", "text": "来函"}),
        ("remand", zhao, lambda p: reported(cast, p), {"text": "请核实"}),
        ("refusal", zhao, lambda p: reported(cast, p), {"codes": "N05", "text": "证书无效"}),
        ("approval", zhao, lambda p: reported(cast, p, two=True), {}),
        ("reinstatement", qian, lambda p: refused(cast, p), ruling()),
        ("reinstatement", qian, lambda p: not_accepted(cast, p), ruling()),
    ]
    spent = [
        (noun, *_spent(client, bring(factories.person()), noun, data)) for noun, client, bring, data in plan
    ]
    assert [one for one in spent if one[1] > MOST_AROUND or one[2] > MOST_QUERIES] == [], spent


def test_the_case_page_with_its_letters_keeps_to_its_budget(cast: Cast) -> None:
    case, qian = refused(cast, cast.zhang), at_desk(cast, "qian")
    qian.get(f"/cases/{case.pk}/")
    with CaptureQueriesContext(connection) as asked:
        qian.page(f"/cases/{case.pk}/")
    assert len(asked) <= MOST_QUERIES
