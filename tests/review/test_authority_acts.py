"""The authority's acts on the file itself: assign, extend, end, begin anew; two persons; letters; budgets."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from notifications.models import Outbox
from register import clock, issuing
from register.models import Person, Registration
from review import casework, docket, log, registrar
from review.documents import letters
from review.forms.rulings import ReinstatementForm
from review.models import Case, Opinion
from review.states import State
from review.workflow import Actor
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


def put(cast: Cast, case: Case, state: State, *, two: bool = False, taken: bool = True) -> Case:
    """The case in a later state, in the hands of Li and, unless nobody took it, of Zhao."""
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        officer = cast.user("zhao") if taken and state in casefiles.AT_AUTHORITY else None
        casefiles.put(case, state, assignee=cast.user("li"), officer=officer, two=two)
    return case_now(cast.beijing, case.pk)


def reported(cast: Cast, person: Person, *, two: bool = False, taken: bool = True) -> Case:
    """A case with the authority, in Zhao's hands unless nobody took it."""
    return put(cast, lodged(cast, person), State.REPORTED, two=two, taken=taken)


def at_authority(cast: Cast, case: Case, act: Callable[[Case], object]) -> Case:
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        act(Case.objects.prefetch_related("opinions").get(pk=case.pk))
    return case_now(cast.beijing, case.pk)


def refused(cast: Cast, person: Person) -> Case:
    return put(cast, lodged(cast, person), State.FINAL_FAILED)


def not_accepted(cast: Cast, person: Person) -> Case:
    return put(cast, lodged(cast, person), State.NOT_ACCEPTED)


def lapsed(cast: Cast, person: Person) -> Case:
    return put(cast, lodged(cast, person), State.LAPSED)


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


def test_only_the_signing_officer_finds_these_pages(cast: Cast) -> None:
    case = reported(cast, cast.zhang, taken=False)
    for who in ("zhao", "zhou", "feng", "wei"):
        client = at_desk(cast, who)
        for noun in ("assignment", "extension", "reinstatement"):
            path = f"/cases/{case.pk}/{noun}/"
            found = (client.get(path).status_code, client.post(path, ruling()).status_code)
            assert found == (404, 404), (who, noun)
    assert case_now(cast.beijing, case.pk).chain_length == case.chain_length


def test_no_act_stands_open_in_a_state_where_the_law_has_none(cast: Cast) -> None:
    case, qian = lodged(cast, cast.zhang), at_desk(cast, "qian")
    data = {**ruling(), "to": str(cast.user("zhao").pk), "ground": "death"}
    for noun in ("assignment", "extension", "termination", "reinstatement"):
        assert qian.post(f"/cases/{case.pk}/{noun}/", data).status_code in {200, 302}, noun
        assert case_now(cast.beijing, case.pk).chain_length == 1, noun


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


def test_the_registrar_ends_a_case_only_by_a_restriction_and_its_reviewer_hears(cast: Cast) -> None:
    case = put(cast, lodged(cast, cast.zhang), State.ACCEPTED)
    # One that ended before this application was lodged, and a restriction that is over, are no ground.
    past = clock.today() - timedelta(days=30)
    factories.registration(cast.zhang, cast.beijing, ended_how="cancelled", ended_on=past)
    factories.restriction(cast.zhang, until=past)
    zhou, by = at_desk(cast, "zhou"), cast.actor("zhou")
    asked: dict[str, Any] = {"by": by, "ground": "restriction", "text": "提供虚假材料"}
    with pytest.raises(Refusal) as no:
        at_authority(cast, case, lambda it: casework.terminate(case=it, **asked))
    assert no.value.code == "not_ended"
    with crossing.standing(Desk.AUTHORITY):
        restriction: dict[str, Any] = {
            "ground": "false",
            "reason": "提供虚假材料",
            "by": by,
            "end_case": True,
        }
        registrar.restrict(person_id=cast.zhang.pk, **restriction)
    assert case_now(cast.beijing, case.pk).state == "terminated"
    assert told(case, "staff_terminated", cast) == ["li"]
    assert zhou.get(f"/cases/{case.pk}/").status_code == 200


def test_a_granted_case_ends_only_with_its_registration(cast: Cast) -> None:
    case, by = put(cast, lodged(cast, cast.zhang), State.FINAL_PASSED), cast.actor("zhou")
    said = at_desk(cast, "qian").act(case, "termination", ground="death", text="来函")
    assert "请先在“人员与注册”办理注销、撤销或者吊销" in said
    asked: dict[str, Any] = {"by": by, "ground": "registration_ended", "text": "已注销"}
    with pytest.raises(Refusal) as no:
        at_authority(cast, case, lambda it: casework.terminate(case=it, **asked))
    assert (no.value.code, case_now(cast.beijing, case.pk).state) == ("not_ended", "final_passed")
    with crossing.standing(Desk.AUTHORITY), crossing.atomic():
        row = Registration.objects.select_related("person").get(case_id=case.pk)
        how = Registration.End.CANCELLED
        issuing.end(registration=row, how=how, on=clock.today(), reason="死亡")
    # What is left over is ended on the page of the person, not on that of the case.
    assert "/termination/" not in at_desk(cast, "zhou").get(f"/cases/{case.pk}/").content.decode()
    at_authority(cast, case, lambda it: casework.terminate(case=it, **asked))
    assert case_now(cast.beijing, case.pk).state == "terminated"


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
    given: dict[str, Any] = {**RULING, "decided_on": clock.today()}
    with pytest.raises(Refusal) as no:
        at_authority(cast, case, lambda it: casework.reinstate(case=it, by=cast.actor("qian"), **given))
    assert no.value.code == "open_elsewhere"


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
def test_the_ruling_is_named_in_full(spoil: dict[str, str], said: str) -> None:
    form = ReinstatementForm(ruling(**spoil), not_before=clock.today())
    assert [said in str(errors) for errors in form.errors.values()] == [True]


def test_what_is_missing_of_the_ruling_is_said_on_the_page(cast: Cast) -> None:
    case = not_accepted(cast, cast.zhang)
    page = at_desk(cast, "qian").act(case, "reinstatement", **ruling(number=" ", decided_on="2020-01-01"))
    assert [said in page for said in ("请填写文号", "作出日期早于本案原决定的日期")] == [True, True]
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
        given: dict[str, Any] = {**RULING, "decided_on": today, **spoil}
        with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing), pytest.raises(Refusal) as no:
            casework.reinstate(case=case, by=cast.actor("qian"), **given)
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
    assert "已准予注册" in qian.sign(case, "approval")
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
    assert "建议已作废" in qian.sign(case, "objection", text="证书经核实有效")
    assert told(case, "staff_declined", cast) == ["zhao"]
    assert told(case, "refused", cast) == []
    now = case_now(cast.beijing, case.pk)
    assert (now.state, {o.standing for o in now.opinions.all() if o.level == "final"}) == (
        "reported",
        {Opinion.Standing.VOID},
    )


def test_a_signature_is_bound_to_the_proposal_that_was_read(cast: Cast) -> None:
    """Declined and proposed anew with the same verdict: what was read is not what would be signed."""
    case, qian, zhao = reported(cast, cast.zhang, two=True), at_desk(cast, "qian"), cast.actor("zhao")
    at_authority(cast, case, lambda it: casework.approve(case=it, by=zhao, text="材料齐全"))
    read = qian.read(case, "approval")
    at_authority(cast, case, lambda it: casework.decline(case=it, by=cast.actor("qian"), text="请核对业绩"))
    proposed = at_authority(cast, case, lambda it: casework.approve(case=it, by=zhao, text="已核对"))
    for noun, told_on in (("approval", read), ("approval", ""), ("objection", read)):
        said = qian.act(case, noun, read=told_on, text="不同意")
        assert re.search(r"建议已变更，请重新核对。最近一次办理：赵终审，\d\d:\d\d，准予注册", said), noun
    assert case_now(cast.beijing, case.pk).chain_length == proposed.chain_length
    assert Registration.objects.count() == 0
    assert "已准予注册" in qian.sign(case, "approval")


def test_a_refusal_is_bound_to_the_proposal_that_was_read(cast: Cast) -> None:
    case, qian, zhao = reported(cast, cast.zhang, two=True), cast.actor("qian"), cast.actor("zhao")

    def refuse(it: Case, by: Actor, text: str, read: str | None = None) -> None:
        casework.refuse(case=it, by=by, codes=["N05"], text=text, read=read)

    def pending(now: Case) -> str:
        return next(str(o.pk) for o in now.opinions.all() if o.standing == Opinion.Standing.PENDING)

    first = pending(at_authority(cast, case, lambda it: refuse(it, zhao, "资格证书无效")))
    at_authority(cast, case, lambda it: casework.decline(case=it, by=qian, text="请核对", read=first))
    second = pending(at_authority(cast, case, lambda it: refuse(it, zhao, "业绩不实")))
    with pytest.raises(Refusal) as no:
        at_authority(cast, case, lambda it: refuse(it, qian, "业绩不实", first))
    assert (no.value.code, case_now(cast.beijing, case.pk).state) == ("changed", "reported")
    assert at_authority(cast, case, lambda it: refuse(it, qian, "业绩不实", second)).state == "final_failed"


# --- Letters -----------------------------------------------------------------------------------------------


def test_the_same_letters_at_all_three_desks(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    # How a letter is printed is seen in `test_printing`; here it counts who gets which.
    monkeypatch.setattr(letters, "render_pdf", lambda html: b"%PDF-" + html.encode())
    case, qian = reported(cast, cast.zhang), at_desk(cast, "qian")
    by = cast.actor("zhao")
    at_authority(cast, case, lambda it: casework.refuse(case=it, by=by, codes=["N05"], text="资格证书无效"))
    qian.act(case, "reinstatement", **ruling())
    at_authority(cast, case, lambda it: casework.approve(case=it, by=cast.actor("zhao")))
    path = f"/cases/{case.pk}/"
    expected = [f"{case.reference}-{mark}" for mark in ("准", "恢1", "不准")]
    assert letters_on(qian, path)[:3] == expected
    assert letters_on(at_desk(cast, "li"), path)[:3] == expected
    found = re.findall(rf"/cases/{case.pk}/letters/[a-z-]+-\d+\.pdf", qian.get(path).content.decode())
    assert len(found) == len(letters_on(qian, path))
    answer = qian.get(found[0])
    assert (answer.status_code, answer.content[:5], case.reference in answer.content.decode()) == (
        *(200, b"%PDF-"),
        True,
    )
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
    zhao, qian = (at_desk(cast, name) for name in ("zhao", "qian"))
    plan: list[tuple[str, DeskClient, Callable[[Person], Case], dict[str, str]]] = [
        ("assignment", qian, lambda p: reported(cast, p, taken=False), {"to": str(cast.user("zhao").pk)}),
        ("holding", zhao, lambda p: reported(cast, p, taken=False), {}),
        ("release", zhao, lambda p: reported(cast, p), {}),
        ("extension", qian, lambda p: reported(cast, p), {"text": "需要专家评审"}),
        ("termination", qian, lambda p: reported(cast, p), {"ground": "request", "text": "来函"}),
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
    # Where accounts keep a document, the officer and the colleagues are looked for in the register once each.
    User.objects.filter(kind="staff").update(document_digest=cast.gu.document_digest)
    given = {"to": str(cast.user("zhao").pk)}
    around, act = _spent(qian, reported(cast, factories.person(), taken=False), "assignment", given)
    assert (around <= MOST_AROUND + 2, act <= MOST_QUERIES) == (True, True), (around, act)


def test_the_case_page_with_its_letters_keeps_to_its_budget(cast: Cast) -> None:
    case, qian = refused(cast, cast.zhang), at_desk(cast, "qian")
    qian.get(f"/cases/{case.pk}/")
    with CaptureQueriesContext(connection) as asked:
        qian.page(f"/cases/{case.pk}/")
    assert len(asked) <= MOST_QUERIES
