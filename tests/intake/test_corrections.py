"""A correction opens what it names and nothing else, and wants an answer to every item."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from intake import corrections, filing, flows
from intake.filing import Incomplete
from intake.flows import Section
from intake.models import Application
from register import clock, memory, policy
from register.models import DocketEntry, Kind, TrainingHours
from register.models import Policy as PolicyRow
from review import casework
from review.models import Case, Correction, Dossier
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import factories
from tests.cast import APPLICANTS, Cast
from tests.intake.desk import (
    EMPLOYER,
    EXPERIENCE,
    PERSONAL,
    add_row,
    attach_photo,
    filled,
    portrait,
    posted,
    signed_in,
    words,
)

pytestmark = pytest.mark.django_db

ITEMS = [
    {"item": "employer.address", "code": "R08", "text": "单位地址与营业执照不一致"},
    {"item": "experience", "code": "R09", "text": "起止时间有误"},
    {"item": "photo", "code": "R06", "text": "照片过暗"},
    {"item": "papers.M01", "code": "R01", "text": "申请表未签字"},
]


def sent_back(cast: Cast, items: list[dict[str, str]]) -> Application:
    """Zhang's application, lodged in Beijing and sent back with these items."""
    with cast.at_applicants_desk(cast.zhang):
        return returned(cast, filled(cast.zhang, cast.beijing), items)


def returned(cast: Cast, draft: Application, items: list[dict[str, str]]) -> Application:
    """Zhang's draft, lodged in Beijing and sent back with these items."""
    with cast.at_applicants_desk(cast.zhang):
        filing.lodge(application=again(cast, draft))
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=draft.pk)
        casework.take_up(case=case, by=cast.actor("li"))
        casework.send_back(case=case, by=cast.actor("li"), items=items)
    with cast.at_applicants_desk(cast.zhang):
        return again(cast, draft)


def again(cast: Cast, application: Application) -> Application:
    found = filing.application_of(cast.zhang, application.pk)
    assert found is not None
    return found


def test_only_what_is_named_can_be_changed(cast: Cast) -> None:
    held = sent_back(cast, ITEMS[:1])
    with cast.at_applicants_desk(cast.zhang):
        filing.save_step(
            application=held, section=Section.EMPLOYER, data={"address": "示例路2号", "name": "另一家"}
        )
        kept = again(cast, held).sections["employer"]
        assert (kept["address"], kept["name"]) == ("示例路2号", EMPLOYER["name"])
        closed: list[Any] = [
            lambda: filing.save_step(application=held, section=Section.PERSONAL, data={"school": "另一所"}),
            lambda: add_row(application=held, section=Section.EXPERIENCE, row=EXPERIENCE),
            lambda: attach_photo(application=held, upload=portrait()),
        ]
        for change in closed:
            with pytest.raises(Refusal):
                change()


def test_every_item_wants_a_change_or_an_answer(cast: Cast) -> None:
    held = sent_back(cast, ITEMS)
    with cast.at_applicants_desk(cast.zhang):
        with pytest.raises(Refusal) as refused:
            filing.resubmit(application=held)
        assert refused.value.code == "unanswered"
        filing.save_step(application=held, section=Section.EMPLOYER, data={"address": "示例路2号"})
        row = held.sections["experience"][0]
        filing.change_row(
            application=held,
            section=Section.EXPERIENCE,
            row_id=row["id"],
            row={**EXPERIENCE, "from": "2014-08"},
        )
        attach_photo(application=held, upload=portrait(600, 840))
        with pytest.raises(Refusal) as refused:
            filing.resubmit(application=again(cast, held))
        assert "签字盖章的注册申请表" in str(refused.value)
        filing.answer(application=held, number=1, answers=["", "", "", "已补签并重新递交"])
        filing.resubmit(application=again(cast, held))
        entry = DocketEntry.objects.get(case_id=held.pk)
        with crossing.inside(cast.beijing):
            first, second = Dossier.objects.filter(case_id=held.pk)
            told = Correction.objects.get(case_id=held.pk)
    assert (entry.state, told.answered_by_version) == (State.SUBMITTED, 2)
    assert (first.content["employer"]["address"], second.content["employer"]["address"]) == (
        "示例路1号",
        "示例路2号",
    )
    assert second.content["answers"] == [{"item": "papers.M01", "text": "已补签并重新递交"}]
    assert first.digest != second.digest


def test_once_answered_it_is_closed_again(cast: Cast) -> None:
    held = sent_back(cast, ITEMS[:1])
    with cast.at_applicants_desk(cast.zhang):
        filing.save_step(application=held, section=Section.EMPLOYER, data={"address": "示例路2号"})
        filing.resubmit(application=again(cast, held))
        assert corrections.of(held) is None
        with pytest.raises(Refusal):
            filing.save_step(application=held, section=Section.EMPLOYER, data={"address": "示例路3号"})
        with pytest.raises(Refusal):
            filing.resubmit(application=again(cast, held))


def test_answers_of_an_earlier_correction_do_not_count(cast: Cast) -> None:
    held = sent_back(cast, ITEMS[3:])
    with cast.at_applicants_desk(cast.zhang):
        filing.answer(application=held, number=1, answers=["已补签"])
        filing.resubmit(application=again(cast, held))
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=held.pk)
        casework.send_back(case=case, by=cast.actor("wang"), items=ITEMS[3:], reason="仍未签字")
    with cast.at_applicants_desk(cast.zhang), pytest.raises(Refusal) as refused:
        filing.resubmit(application=again(cast, held))
    assert refused.value.code == "unanswered"


def test_what_is_not_named_and_could_not_be_mended_keeps_nobody_from_answering(
    cast: Cast, shifted_clock: None
) -> None:
    today = clock.today()
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
        runs_out = {"contract_to": (today + timedelta(days=3)).isoformat()}
        filing.save_step(application=draft, section=Section.EMPLOYER, data=runs_out)
    held = returned(cast, draft, ITEMS[:1])
    lodged_under = policy.current().version
    clock.shift(timedelta(days=5).total_seconds())
    cast.beijing.intake_open = False
    cast.beijing.save(update_fields=["intake_open"])
    PolicyRow.objects.create(key="categories", value="seven", valid_from=today, source="示例")
    memory.forget_all()
    with cast.at_applicants_desk(cast.zhang):
        filing.save_step(application=held, section=Section.EMPLOYER, data={"address": "示例路2号"})
        filing.resubmit(application=again(cast, held))
        with crossing.inside(cast.beijing):
            second = Dossier.objects.get(case_id=held.pk, version=2).content
    assert second["employer"]["address"] == "示例路2号"
    assert second["policy_version"] == lodged_under != policy.current().version


def test_what_is_named_must_be_right_today(cast: Cast) -> None:
    held = sent_back(cast, [{"item": "employer.contract_to", "code": "R08", "text": "合同已到期"}])
    yesterday = (clock.today() - timedelta(days=1)).isoformat()
    with cast.at_applicants_desk(cast.zhang):
        filing.save_step(application=held, section=Section.EMPLOYER, data={"contract_to": yesterday})
        with pytest.raises(Incomplete) as missing:
            filing.resubmit(application=again(cast, held))
        assert [m.field for m in missing.value.findings.misses] == ["contract_to"]
        # The end of a contract is mended together with what says that it has none.
        filing.save_step(application=held, section=Section.EMPLOYER, data={"contract_open_ended": True})
        assert again(cast, held).sections["employer"]["contract_open_ended"] is True


def test_resubmitting_takes_what_was_saved_last(cast: Cast) -> None:
    held = sent_back(cast, ITEMS[:1])
    with cast.at_applicants_desk(cast.zhang):
        filing.answer(application=held, number=1, answers=["已核对"])
        read_before = again(cast, held)
        filing.save_step(application=held, section=Section.EMPLOYER, data={"address": "示例路3号"})
        filing.resubmit(application=read_before)
        with crossing.inside(cast.beijing):
            second = Dossier.objects.get(case_id=held.pk, version=2).content
    assert second["employer"]["address"] == again(cast, held).sections["employer"]["address"] == "示例路3号"


# --- On the pages ------------------------------------------------------------------------------------


@pytest.fixture
def client(cast: Cast) -> Client:
    return signed_in(cast.zhang, APPLICANTS["zhang"].number)


def test_the_way_of_a_correction_over_the_pages(cast: Cast, client: Client) -> None:
    held = sent_back(cast, ITEMS[:1])
    base = f"/applications/{held.pk}"
    assert f"{base}/correction/" in client.get("/home/").content.decode()
    page = words(client.get(f"{base}/correction/").content)
    assert "单位地址与营业执照不一致" in page
    assert "单位名称与统一社会信用代码不一致" in page

    opened = client.get(f"{base}/steps/employer/").content.decode()
    assert 'name="employer-address"' in opened
    assert 'name="employer-name"' not in opened

    forged = posted(Section.EMPLOYER, {**EMPLOYER, "address": "示例路2号", "name": "另一家"})
    assert (
        client.post(f"{base}/steps/employer/", {**forged, "go": "next"})["Location"] == f"{base}/correction/"
    )
    asked = client.post(f"{base}/correction/", {"go": "resubmit"})
    assert "申请表已修改，新的申请表打印了吗？" in words(asked.content)
    assert client.post(f"{base}/correction/", {"go": "unprinted"})["Location"] == f"{base}/receipt/"
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        employer = Dossier.objects.get(case_id=held.pk, version=2).content["employer"]
    assert (employer["name"], employer["address"]) == (EMPLOYER["name"], "示例路2号")


@pytest.mark.parametrize("path", ["steps/personal/", "steps/experience/", "steps/channel/", "steps/preview/"])
def test_steps_that_are_not_named_lead_back_to_the_list(cast: Cast, client: Client, path: str) -> None:
    held = sent_back(cast, ITEMS[:1])
    answer = client.get(f"/applications/{held.pk}/{path}")
    assert answer["Location"] == f"/applications/{held.pk}/correction/"


def test_a_hidden_fault_of_the_same_section_does_not_hold_the_page(
    cast: Cast, client: Client, shifted_clock: None
) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
        runs_out = {"contract_to": (clock.today() + timedelta(days=3)).isoformat()}
        filing.save_step(application=draft, section=Section.EMPLOYER, data=runs_out)
    held = returned(cast, draft, ITEMS[:1])
    clock.shift(timedelta(days=5).total_seconds())
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    answer = client.post(
        f"/applications/{held.pk}/steps/employer/", {"employer-address": "示例路2号", "go": "next"}
    )
    assert answer.status_code == 302, words(answer.content)
    assert answer["Location"] == f"/applications/{held.pk}/correction/"


def test_a_renewals_category_has_no_page_and_is_answered_in_words(cast: Cast, client: Client) -> None:
    begins = clock.add_years(clock.today(), -3) + timedelta(days=30)
    factories.registration(cast.zhang, cast.beijing, valid_from=begins, category="A5")
    last_week = (clock.today() - timedelta(days=7)).isoformat()
    course = {"from": last_week, "to": last_week, "provider": "示例培训中心", "course": "", "hours": "48"}
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing, Kind.RENEWAL)
        add_row(application=draft, section=Section.EDUCATION, row={**course, "certificate": "P1"})
        filing.save_step(application=draft, section=Section.PERFORMANCE, data={"text": "安全管理。"})
    held = returned(cast, draft, [{"item": "registration.category", "code": "R08", "text": "请说明类别"}])
    base = f"/applications/{held.pk}"
    page = client.get(f"{base}/correction/")
    assert (page.status_code, f"{base}/steps/" in page.content.decode()) == (200, False)
    answer = client.post(f"{base}/correction/", {"go": "resubmit", "answer-0": "类别未变"})
    assert answer["Location"] == f"{base}/receipt/"


def test_an_unanswered_item_is_named(cast: Cast, client: Client) -> None:
    held = sent_back(cast, ITEMS[3:])
    answer = client.post(f"/applications/{held.pk}/correction/", {"go": "resubmit", "answer-0": ""})
    assert "以下补正事项还没有处理" in words(answer.content)


# --- The four kinds --------------------------------------------------------------------------------

# What is named, on which step, and which fields that opens there; `rows` where a list is opened.
OPENED = [
    (Kind.INITIAL, "personal.school", "personal", {"personal-school"}),
    (Kind.INITIAL, "registration.category", "personal", {"registration-category"}),
    (Kind.INITIAL, "employer.contract_to", "employer", {"employer-contract_from", "employer-contract_to"}),
    (Kind.INITIAL, "experience", "experience", {"rows"}),
    (Kind.INITIAL, "photo", "personal", {"photo"}),
    (Kind.CHANGE, "personal.mobile", "personal", {"personal-mobile"}),
    (
        Kind.CHANGE,
        "registration.change_items",
        "registration",
        {"registration-change_items", "registration-category"},
    ),
    (Kind.CHANGE, "employer.name", "registration", {"employer-name"}),
    (Kind.RENEWAL, "employer.post", "employer", {"employer-post"}),
    (Kind.RENEWAL, "education", "education", {"rows"}),
    (Kind.RENEWAL, "performance", "education", {"performance-text"}),
    (Kind.REREGISTRATION, "personal.email", "personal", {"personal-email"}),
    (Kind.REREGISTRATION, "registration.category", "employer", {"registration-category"}),
    (Kind.REREGISTRATION, "experience", "experience", {"rows"}),
]
BEGUN = {Kind.CHANGE: -1, Kind.RENEWAL: -3, Kind.REREGISTRATION: -5}


def complete(cast: Cast, kind: Kind) -> Application:
    """Zhang's draft of this kind, ready to be lodged in Beijing."""
    if kind in BEGUN:
        since = clock.add_years(clock.today(), BEGUN[kind]) + timedelta(days=30)
        factories.registration(cast.zhang, cast.beijing, valid_from=since, category="A5")
    last_week = (clock.today() - timedelta(days=7)).isoformat()
    course = {"from": last_week, "to": last_week, "provider": "示例培训中心", "hours": "48"}
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing, kind)
        if kind == Kind.RENEWAL:
            add_row(application=draft, section=Section.EDUCATION, row={**course, "certificate": "P1"})
            filing.save_step(application=draft, section=Section.PERFORMANCE, data={"text": "安全管理。"})
        if kind == Kind.CHANGE:
            items = {"change_items": ["1"], "category": "A5"}
            filing.save_step(application=draft, section=Section.REGISTRATION, data=items)
            moved = {"name": "天津示例技术有限公司", "code": "91310000MA1ABCDE8U"}
            filing.save_step(application=draft, section=Section.EMPLOYER, data=moved)
    return draft


def offered(html: bytes) -> set[str]:
    """What may be typed on a page of a correction."""
    page = BeautifulSoup(html, "html.parser")
    names = {str(control["name"]) for control in page.select(".wizard [name]")}
    fields = {name for name in names if "-" in name and not name.startswith(("experience-", "education-"))}
    lists = {"rows"} if page.select("#rows") else set()
    photo = {"photo"} if "photo-file" in fields else set()
    return (fields - {"photo-file"}) | lists | photo


@pytest.mark.parametrize(("kind", "item", "slug", "opens"), OPENED)
def test_a_correction_of_each_kind_opens_what_it_names_only(
    cast: Cast, client: Client, kind: Kind, item: str, slug: str, opens: set[str]
) -> None:
    held = returned(cast, complete(cast, kind), [{"item": item, "code": "R09", "text": "请更正"}])
    pages = {step.slug for step in flows.steps_of(kind, hours_count=kind == Kind.RENEWAL)}
    base = f"/applications/{held.pk}"
    answer = client.get(f"{base}/steps/{slug}/")
    assert offered(answer.content) - {"employer-contract_open_ended"} == opens
    for other in pages - {slug}:
        closed = client.get(f"{base}/steps/{other}/", follow=True)
        assert closed.redirect_chain == [(f"{base}/correction/", 302)]
    before = again(cast, held).sections
    everything = {
        **posted(Section.PERSONAL, {**PERSONAL, "school": "另一所", "post": "另一职"}),
        **posted(Section.EMPLOYER, {**EMPLOYER, "district": "另一区"}),
    }
    client.post(f"{base}/steps/{slug}/", {**everything, "go": "next"})
    after = again(cast, held).sections
    for section in ("personal", "employer"):
        touched = {name for name, value in after[section].items() if before[section].get(name) != value}
        assert {f"{section}-{name}" for name in touched} <= opens


def test_hours_entered_after_lodging_change_nothing_that_is_not_opened(cast: Cast) -> None:
    held = returned(cast, complete(cast, Kind.RENEWAL), ITEMS[:1])
    day = clock.today() - timedelta(days=3)
    TrainingHours.objects.create(
        person=cast.zhang,
        agency=cast.beijing,
        institution="示例培训中心",
        begun_on=day,
        ended_on=day,
        hours=8,
        certificate_number="TR-1",
    )
    with cast.at_applicants_desk(cast.zhang):
        filing.save_step(application=held, section=Section.EMPLOYER, data={"address": "示例路2号"})
        filing.resubmit(application=again(cast, held))
        with crossing.inside(cast.beijing):
            first, second = Dossier.objects.filter(case_id=held.pk).order_by("version")
    assert second.content["education"] == first.content["education"]
