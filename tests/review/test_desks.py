"""The pages of both desks: who gets in, what each act says, and that nobody is ever left with an error."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, time, timedelta

import pytest
from django.test import Client

from register import clock
from review import casework
from review.documents import forms
from review.models import Case, CaseNote, Correction, Tick
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import AccessRecord, Agency
from tests import casefiles, factories
from tests.cast import APPLICANTS, Cast
from tests.review.desks import at_desk, case_now, code_of, host_of, line_now, words
from tests.review.test_journey import all_in_order

pytestmark = pytest.mark.django_db

PAGES = ("", "photo/", "form.pdf", "acceptance/", "correction/", "opinion/", "referral/", "non-acceptance/")
POSTS = (
    "holding/",
    "release/",
    "acceptance/",
    "non-acceptance/",
    "correction/",
    "opinion/",
    "referral/",
    "checks/",
    "notes/",
    "document-number/",
)
FINAL_POSTS = ("holding/", "release/", "approval/", "refusal/", "remand/", "document-number/")


@pytest.fixture
def submitted(cast: Cast) -> Case:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        return casefiles.lodge(cast.zhang, cast.beijing)


@pytest.fixture
def reported(cast: Cast, submitted: Case) -> Case:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        return casefiles.walk(Case.objects.get(pk=submitted.pk), cast.actor("li"), State.REPORTED)


def walked(cast: Cast, case: Case, to: State, by: str = "li") -> Case:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        return casefiles.walk(Case.objects.get(pk=case.pk), cast.actor(by), to)


# --- Who gets in -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/cases/", "/cases/00000000-0000-4000-8000-000000000000/", "/rosters/", "/agencies/"]
)
def test_strangers_sign_in_first(cast: Cast, path: str) -> None:
    answer = Client(HTTP_HOST=host_of("authority")).get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/signin/?next={path}")


def test_signing_in_leads_to_the_page_that_was_asked_for(cast: Cast) -> None:
    li = Client(HTTP_HOST=host_of("beijing"))
    given = {"username": cast.user("li").username, "password": "Synthetic-pass-1"}
    for wanted, page in (
        ("/cases/%3Ftab%3Dmine", "/cases/?tab=mine"),
        ("https://elsewhere.example/", "/"),
        ("case", "/"),
    ):
        assert li.post(f"/signin/?next={wanted}", given)["Location"] == "/signin/code/"
        assert li.post("/signin/code/", {"code": code_of(cast.user("li"))})["Location"] == page
        li.post("/signout/")
        assert li.get("/").status_code == 302


@pytest.mark.parametrize(
    ("host", "name", "password"),
    [
        ("beijing", "li.beijing", "wrong"),
        ("beijing", "nobody", "Synthetic-pass-1"),
        ("mohurd", "li.beijing", "Synthetic-pass-1"),
        ("authority", "li.beijing", "Synthetic-pass-1"),
        ("beijing", "zhao.authority", "Synthetic-pass-1"),
    ],
)
def test_nobody_signs_in_at_a_desk_where_they_hold_no_role(
    cast: Cast, host: str, name: str, password: str
) -> None:
    client = Client(HTTP_HOST=host_of(host))
    answer = client.post("/signin/", {"username": name, "password": password})
    assert answer.status_code == 200
    assert "登录名或密码不正确" in words(answer)
    assert client.get("/").status_code == 302


def test_too_many_wrong_passwords_lock_the_name(cast: Cast) -> None:
    client = Client(HTTP_HOST=host_of("beijing"))
    answers = [client.post("/signin/", {"username": "li.beijing", "password": "wrong"}) for _n in range(6)]
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    right = {"username": "li.beijing", "password": "Synthetic-pass-1"}
    assert client.post("/signin/", right).status_code == 429


@pytest.mark.parametrize("name", ["he", "ma"])
def test_another_agencys_reviewer_finds_nothing(cast: Cast, submitted: Case, name: str) -> None:
    stranger = at_desk(cast, name)
    got = {path: stranger.get(f"/cases/{submitted.pk}/{path}").status_code for path in PAGES}
    posted = {path: stranger.post(f"/cases/{submitted.pk}/{path}").status_code for path in POSTS}
    assert set(got.values()) | set(posted.values()) == {404}
    assert case_now(cast.beijing, submitted.pk).chain_length == 1


def test_a_session_of_one_desk_opens_no_other(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    copied = Client(HTTP_HOST=host_of("mohurd"))
    copied.cookies = li.cookies
    assert copied.get(f"/cases/{submitted.pk}/").status_code == 302


@pytest.mark.parametrize(
    ("name", "queue", "page", "number"),
    [
        ("li", 200, 200, 302),
        ("wang", 200, 200, 200),
        ("xu", 200, 200, 404),
        ("chen", 200, 404, 404),
    ],
)
def test_what_each_role_of_the_agency_may_open(
    cast: Cast, submitted: Case, name: str, queue: int, page: int, number: int
) -> None:
    client = at_desk(cast, name)
    answers = (
        client.get("/").status_code,
        client.get(f"/cases/{submitted.pk}/").status_code,
        client.post(f"/cases/{submitted.pk}/document-number/").status_code,
    )
    assert answers == (queue, page, number)


@pytest.mark.parametrize(
    ("name", "page", "act", "rosters"),
    [
        ("zhao", 200, 302, 404),
        ("qian", 200, 404, 404),
        ("zhou", 200, 404, 200),
        ("wei", 200, 404, 404),
        ("feng", 404, 404, 404),
    ],
)
def test_what_each_role_of_the_authority_may_open(
    cast: Cast, reported: Case, name: str, page: int, act: int, rosters: int
) -> None:
    client = at_desk(cast, name)
    answers = (
        client.get(f"/cases/{reported.pk}/").status_code,
        client.post(f"/cases/{reported.pk}/holding/").status_code,
        client.get("/rosters/").status_code,
    )
    assert answers == (page, act, rosters)
    assert client.get("/").status_code == client.get("/agencies/").status_code == 200


def test_the_authority_finds_no_case_that_is_not_on_the_docket(cast: Cast) -> None:
    zhao = at_desk(cast, "zhao")
    unknown = uuid.uuid4()
    got = [
        zhao.get(f"/cases/{unknown}/{path}").status_code for path in ("", "photo/", "form.pdf", "approval/")
    ]
    posted = [zhao.post(f"/cases/{unknown}/{path}").status_code for path in FINAL_POSTS]
    assert set(got + posted) == {404}


# --- The case page -----------------------------------------------------------------------------------


def test_the_page_resolves_codes_and_hides_the_number(cast: Cast, submitted: Case) -> None:
    page = at_desk(cast, "li").page(f"/cases/{submitted.pk}/")
    assert "其他安全" in page
    assert submitted.document_mask in page
    assert APPLICANTS["zhang"].number not in page


def test_the_full_number_is_one_click_and_recorded(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    li.act(submitted, "holding")
    answer = li.post(f"/cases/{submitted.pk}/document-number/")
    assert APPLICANTS["zhang"].number in words(answer)
    assert answer["Cache-Control"] == "private, no-store"
    looks = AccessRecord.objects.values_list("user_id", "person_id", "case_id", "reason")
    assert list(looks) == [(cast.user("li").pk, cast.zhang.pk, submitted.pk, "办理案卷")]


def test_photo_and_print_are_private(cast: Cast, reported: Case) -> None:
    for name in ("li", "zhao"):
        client = at_desk(cast, name)
        photo = client.get(f"/cases/{reported.pk}/photo/")
        assert (photo.content, photo["Content-Type"]) == (casefiles.PHOTO, "image/jpeg")
        assert photo["Cache-Control"] == "private, no-store"
    assert at_desk(cast, "li").get(f"/cases/{reported.pk}/photo/?version=7").status_code == 404


def test_notes_stay_inside_the_agency(cast: Cast, reported: Case) -> None:
    assert "备注已添加" in at_desk(cast, "li").act(reported, "notes", text="来电核实过合同")
    assert "来电核实过合同" in at_desk(cast, "wang").page(f"/cases/{reported.pk}/")
    assert "来电核实过合同" not in at_desk(cast, "zhao").page(f"/cases/{reported.pk}/")
    empty = at_desk(cast, "li").post(f"/cases/{reported.pk}/notes/", {"text": " "})
    assert (empty.status_code, "请先写备注内容" in words(empty)) == (422, True)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        assert CaseNote.objects.count() == 1


def test_buttons_are_exactly_the_acts_open_to_the_reader(cast: Cast, submitted: Case) -> None:
    li, liu, wang = (at_desk(cast, name) for name in ("li", "liu", "wang"))

    def bar(client: Client, *, rare: bool = False) -> list[str]:
        """The acts on the bar, or those folded away behind them."""
        html = client.get(f"/cases/{submitted.pk}/").content.decode()
        bar = html[html.index('class="action-bar"') :]
        folded = "".join(re.findall(r"<details.*?</details>", bar, re.DOTALL))
        shown = folded if rare else bar.replace(folded, "")
        found = re.findall(r'<(?:button|a)[^>]*class="btn[^>]*>([^<]*)<', shown)
        return [word for word in found if word != "下一件"]

    assert (bar(li), bar(wang)) == (["领取"], ["退回补正"])
    assert bar(li, rare=True) == []
    assert set(bar(wang, rare=True)) >= {"分派", "建议限制申请", "终止办理"}
    li.act(submitted, "holding")
    assert bar(li) == ["保存核对结果", "释放", "不予受理", "退回补正", "受理"]
    assert bar(liu) == []
    li.act(submitted, "acceptance")
    assert bar(li) == ["保存核对结果", "释放", "出具初审意见"]
    li.act(submitted, "checks", **all_in_order())
    li.act(submitted, "opinion", verdict="pass", text="")
    assert (bar(li), bar(wang)) == (["释放", "报送终审"], ["撤销初审意见"])


def test_the_page_says_why_there_is_nothing_to_do(cast: Cast, submitted: Case) -> None:
    at_desk(cast, "li").act(submitted, "holding")
    assert "本案由李初审办理" in at_desk(cast, "liu").page(f"/cases/{submitted.pk}/")
    cast.user("liu").document_digest = cast.zhang.document_digest
    cast.user("liu").save()
    at_desk(cast, "li").act(submitted, "release")
    assert "您与本案有利害关系" in at_desk(cast, "liu").page(f"/cases/{submitted.pk}/")


# --- Acts of the first review ------------------------------------------------------------------------


def test_marks_are_kept_and_faults_propose_the_correction(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    li.act(submitted, "holding")
    marks = all_in_order(then="send_back") | {
        "verdict-experience": "fault",
        "remark-experience": "缺少2019年经历",
    }
    page = li.post(f"/cases/{submitted.pk}/checks/", marks, follow=True)
    assert "缺少2019年经历" in words(page)
    assert '<option value="experience" selected>' in page.content.decode()
    with crossing.standing(Desk.AGENCY, cast.beijing):
        kept = {tick.item: tick.in_order for tick in Tick.objects.filter(case=submitted)}
    assert kept == {
        "personal": True,
        "photo": True,
        "qualification": True,
        "registration": True,
        "employer": True,
        "experience": False,
        "papers": True,
    }


def test_send_back_with_items_and_another_row(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    li.act(submitted, "holding")
    filled = {"rows": "1", "item0-item": "employer.name", "item0-code": "R08", "item0-text": "与执照不一致"}
    more = li.post(f"/cases/{submitted.pk}/correction/", {**filled, "add": "1"})
    assert "第 2 项" in words(more)
    assert "与执照不一致" in words(more)
    assert case_now(cast.beijing, submitted.pk).state == State.SUBMITTED
    half = li.post(f"/cases/{submitted.pk}/correction/", {"rows": "1", "item0-item": "photo"})
    assert "请说明如何修改" in words(half)
    none = li.post(f"/cases/{submitted.pk}/correction/", {"rows": "3"})
    assert "请至少列出一项" in words(none)
    assert "请至少列出一项" in words(li.post(f"/cases/{submitted.pk}/correction/", {"rows": "9" * 5000}))
    page = li.act(submitted, "correction", **filled)
    assert "已退回补正" in page
    assert "聘用单位信息 · 单位名称：与执照不一致" in page
    with crossing.standing(Desk.AGENCY, cast.beijing):
        correction = Correction.objects.get(case=submitted)
    assert correction.items == [{"item": "employer.name", "code": "R08", "text": "与执照不一致"}]


def test_a_second_version_shows_what_has_changed(cast: Cast, submitted: Case) -> None:
    walked(cast, submitted, State.CORRECTION)
    employer = {**casefiles.dossier(cast.zhang, cast.beijing)["employer"], "name": "北京示例化工集团有限公司"}
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        casework.resubmit(
            case=Case.objects.get(pk=submitted.pk),
            by=cast.actor_of(cast.zhang),
            filing=casefiles.filing(
                cast.zhang,
                cast.beijing,
                employer=employer,
                answers=[{"item": "employer", "text": "已按执照更正"}],
            ),
        )
    li = at_desk(cast, "li")
    page = li.page(f"/cases/{submitted.pk}/")
    assert "申请人答复：已按执照更正" in page
    assert "补正后有改动" in page
    assert "原：北京示例化工有限公司" in page
    before = li.page(f"/cases/{submitted.pk}/?version=1")
    assert "这是以前的版本" in before
    assert "原：北京示例化工有限公司" not in before


def test_not_accepting_needs_reasons(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    li.act(submitted, "holding")
    assert "请至少选择一项理由" in li.act(submitted, "non-acceptance", text="不在范围")
    assert "不予受理决定" in li.act(submitted, "non-acceptance", codes=["R11"], text="应向交通运输部申请")
    assert case_now(cast.beijing, submitted.pk).state == State.NOT_ACCEPTED


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ({}, "请选择通过或者不通过"),
        ({"verdict": "fail", "text": "证书无效"}, "请至少选择一项理由"),
        ({"verdict": "fail", "codes": "N05"}, "请写明具体事实和依据"),
        ({"verdict": "pass", "codes": "N05"}, "不能选择不通过的理由"),
        ({"verdict": "pass"}, "还有未检查的项目"),
    ],
)
def test_an_opinion_that_is_not_complete_is_asked_for_again(
    cast: Cast, submitted: Case, given: dict[str, str], answer: str
) -> None:
    walked(cast, submitted, State.ACCEPTED)
    page = at_desk(cast, "li").act(submitted, "opinion", **given)
    assert answer in page
    assert "出具意见" in page
    assert case_now(cast.beijing, submitted.pk).state == State.ACCEPTED


def test_a_negative_opinion_goes_up_as_well(cast: Cast, submitted: Case) -> None:
    walked(cast, submitted, State.ACCEPTED)
    li = at_desk(cast, "li")
    li.act(submitted, "checks", **all_in_order())
    assert "案卷待报送" in li.act(
        submitted, "opinion", verdict="fail", codes=["N05"], text="证书编号查无记录"
    )
    li.act(submitted, "referral")
    assert case_now(cast.beijing, submitted.pk).state == State.REPORTED
    assert "证书编号查无记录" in at_desk(cast, "zhao").page(f"/cases/{submitted.pk}/")


def test_two_persons_where_the_agency_countersigns(cast: Cast) -> None:
    Agency.objects.filter(code="beijing").update(countersign=True)
    cast.beijing.refresh_from_db()
    with cast.at_applicants_desk(cast.sun), crossing.inside(cast.beijing):
        case = casefiles.lodge(cast.sun, cast.beijing)
    walked(cast, case, State.ACCEPTED)
    li, wang = at_desk(cast, "li"), at_desk(cast, "wang")
    li.act(case, "checks", **all_in_order())
    assert "已提交复核" in li.act(case, "opinion", verdict="pass", text="")
    assert "李初审的意见：通过" in wang.page(f"/cases/{case.pk}/countersignature/")
    read = wang.read(case, "countersignature")
    assert "意见已作废" in wang.sign(case, "objection", text="请再核对合同")
    assert "已提交复核" in li.act(case, "opinion", verdict="pass", text="")
    # What was read is void; the opinion that stands now was not before anybody's eyes.
    for noun in ("countersignature", "objection"):
        assert "初审意见已变更，请重新核对" in wang.act(case, noun, read=read, text="请再核对合同")
        assert "初审意见已变更，请重新核对" in wang.act(case, noun, text="请再核对合同")
    assert case_now(cast.beijing, case.pk).state == State.ACCEPTED
    assert "初审意见已生效" in wang.sign(case, "countersignature")
    assert "初审意见已撤销" in wang.act(case, "reopening", text="发现新情况")
    assert case_now(cast.beijing, case.pk).state == State.ACCEPTED


def test_two_reviewers_at_once_and_the_slower_one_is_told(cast: Cast, submitted: Case) -> None:
    li, liu = at_desk(cast, "li"), at_desk(cast, "liu")
    li.page(f"/cases/{submitted.pk}/")
    liu.page(f"/cases/{submitted.pk}/")
    li.act(submitted, "holding")
    assert "本案已由其他人员领取" in liu.act(submitted, "holding")
    assert "请先领取本案" in liu.act(submitted, "acceptance")
    li.act(submitted, "acceptance")
    late = li.act(submitted, "acceptance")
    assert re.search(r"本案已由李初审于\d\d:\d\d办理（受理），目前的状态是“已受理，初审中”", late)
    assert "目前的状态是" in words(li.get(f"/cases/{submitted.pk}/acceptance/", follow=True))


def test_taking_up_ones_own_case_again_records_nothing(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    li.act(submitted, "holding")
    li.act(submitted, "holding")
    assert case_now(cast.beijing, submitted.pk).chain_length == 2


@pytest.mark.usefixtures("shifted_clock")
def test_after_the_deadline_the_law_was_faster(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    li.act(submitted, "holding")
    due = case_now(cast.beijing, submitted.pk).due_on
    assert due is not None
    clock.travel_to(datetime.combine(due + timedelta(days=1), time(9), clock.SHANGHAI))
    li = at_desk(cast, "li")
    assert "期限已过，系统正在依法处理本案" in li.page(f"/cases/{submitted.pk}/")
    assert "目前的状态是“视为受理，初审中”" in li.act(submitted, "acceptance")
    assert case_now(cast.beijing, submitted.pk).state == State.DEEMED_ACCEPTED


# --- Acts of the final review ------------------------------------------------------------------------


def test_refusing_needs_codes_and_text_and_shows_the_remedies(cast: Cast, reported: Case) -> None:
    zhao = at_desk(cast, "zhao")
    assert "请先领取本案" in zhao.act(reported, "refusal", codes=["N05"], text="证书无效")
    zhao.act(reported, "holding")
    assert "60日内申请行政复议，或在6个月内提起行政诉讼" in zhao.page(f"/cases/{reported.pk}/refusal/")
    assert "请写明具体事实和依据" in zhao.act(reported, "refusal", codes=["N05"])
    assert "已作出不予注册决定" in zhao.act(reported, "refusal", codes=["N05"], text="证书无效")
    assert line_now(reported.pk).state == State.FINAL_FAILED


def test_remanding_gives_the_case_back_to_its_reviewer(cast: Cast, reported: Case) -> None:
    zhao = at_desk(cast, "zhao")
    zhao.act(reported, "holding")
    assert "请写明具体事实" in zhao.act(reported, "remand")
    assert "已退回初审机构" in zhao.act(reported, "remand", text="请核实劳动合同期限")
    case = case_now(cast.beijing, reported.pk)
    assert (case.state, case.assignee_id) == (State.SENT_BACK, cast.user("li").pk)
    page = at_desk(cast, "li").page(f"/cases/{reported.pk}/")
    assert "请核实劳动合同期限" in page
    assert "保存核对结果" in page


@pytest.fixture
def proposed(cast: Cast, submitted: Case) -> Case:
    """A case whose grant the final reviewer has proposed, where the authority needs two persons."""
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        case = Case.objects.get(pk=submitted.pk)
        Case.objects.filter(pk=case.pk).update(policy={**case.policy, "final_sign_off": True})
    walked(cast, submitted, State.REPORTED)
    zhao = at_desk(cast, "zhao")
    zhao.act(submitted, "holding")
    assert "建议已提交签批" in zhao.act(submitted, "approval", text="材料齐全")
    return submitted


def test_a_signing_officer_agrees_with_the_proposal(cast: Cast, proposed: Case) -> None:
    assert line_now(proposed.pk).state == State.REPORTED
    qian = at_desk(cast, "qian")
    bar = qian.get(f"/cases/{proposed.pk}/").content.decode().partition('class="action-bar"')[2]
    assert ("准予注册" in bar, "不予注册" in bar) == (True, False)
    assert "赵终审的意见：通过" in qian.page(f"/cases/{proposed.pk}/approval/")
    assert "已准予注册" in qian.sign(proposed, "approval")
    assert line_now(proposed.pk).state == State.FINAL_PASSED


def test_a_signing_officer_disagrees_and_the_proposal_is_void(cast: Cast, proposed: Case) -> None:
    qian = at_desk(cast, "qian")
    assert "建议已作废" in qian.sign(proposed, "objection", text="请补充核查")
    assert "建议已提交签批" in at_desk(cast, "zhao").act(proposed, "refusal", codes=["N04"], text="核查未过")
    assert "已作出不予注册决定" in qian.sign(proposed, "refusal")
    assert line_now(proposed.pk).state == State.FINAL_FAILED


def test_every_page_of_the_authority_is_rendered_inside_the_agency(cast: Cast, reported: Case) -> None:
    """The same person with cases at two agencies: each page shows its own agency's file."""
    person = factories.person("双地测试")
    with crossing.standing(Desk.APPLICANT), crossing.acting_as(person.pk), crossing.inside(cast.mohurd):
        other = casefiles.lodge(person, cast.mohurd)
    zhao = at_desk(cast, "zhao")
    for key, agency in ((reported.pk, cast.beijing), (other.pk, cast.mohurd)):
        page = zhao.page(f"/cases/{key}/")
        assert agency.name_zh in page
        assert "流转记录" in page
        assert "上报" in page


def test_the_authority_takes_up_several_over_all_agencies(cast: Cast, reported: Case) -> None:
    person = factories.person("部委测试")
    with crossing.standing(Desk.APPLICANT), crossing.acting_as(person.pk), crossing.inside(cast.mohurd):
        other = casefiles.lodge(person, cast.mohurd)
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        casefiles.walk(Case.objects.get(pk=other.pk), cast.actor("he"), State.REPORTED)
    zhao = at_desk(cast, "zhao")
    page = words(zhao.post("/holdings/", {"case": [reported.pk, other.pk]}, follow=True))
    assert page.count("已领取。") == 2
    assert {line_now(key).officer_id for key in (reported.pk, other.pk)} == {cast.user("zhao").pk}
    assert zhao.post("/holdings/", {"case": [uuid.uuid4()]}).status_code == 404


def test_agencies_are_listed_with_their_open_work(cast: Cast, reported: Case) -> None:
    page = at_desk(cast, "feng").page("/agencies/")
    for agency in (cast.beijing, cast.mohurd, cast.sinopec):
        assert agency.name_zh in page
    assert cast.mohurd.name_zh not in at_desk(cast, "feng").page("/agencies/?kind=provincial")


def test_the_day_of_an_act_is_the_clocks_day(cast: Cast, submitted: Case) -> None:
    at_desk(cast, "li").act(submitted, "holding")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        at: datetime = Case.objects.get(pk=submitted.pk).movements.latest("number").at
    assert clock.day_of(at) == clock.today()


def test_a_case_leads_back_to_the_queue_as_one_left_it(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    li.get("/cases/?tab=submitted&hold=free")
    assert 'href="/cases/?tab=submitted&amp;hold=free"' in li.get(f"/cases/{submitted.pk}/").content.decode()


def test_the_print_carries_the_full_number_only_for_who_may_see_it(
    cast: Cast, reported: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, object]] = []

    def form_pdf(content: object, **how: object) -> bytes:
        given.append(how)
        return b"%PDF-"

    monkeypatch.setattr(forms, "form_pdf", form_pdf)
    for name in ("xu", "wang", "wei"):
        answer = at_desk(cast, name).get(f"/cases/{reported.pk}/form.pdf")
        assert (answer["Content-Type"], answer["Cache-Control"]) == ("application/pdf", "private, no-store")
    assert [how["full_number"] for how in given] == [None, APPLICANTS["zhang"].number, None]
    first = given[0]["first"]
    assert isinstance(first, forms.PrintedOpinion)
    assert (first.text, first.handler) == ("通过", "李初审")
    looks = AccessRecord.objects.values_list("user_id", "reason")
    assert list(looks) == [(cast.user("wang").pk, "打印申请表")]
