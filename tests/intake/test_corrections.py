"""A correction opens what it names and nothing else, and wants an answer to every item."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from intake import corrections, filing
from intake.filing import Incomplete
from intake.flows import Section
from intake.models import Application
from register import clock, memory, policy
from register.models import DocketEntry, Kind
from register.models import Policy as PolicyRow
from review import casework
from review.models import Case, Correction, Dossier
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import factories
from tests.cast import APPLICANTS, Cast
from tests.intake.desk import EMPLOYER, EXPERIENCE, filled, portrait, posted, signed_in, words

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
            lambda: filing.add_row(application=held, section=Section.EXPERIENCE, row=EXPERIENCE),
            lambda: filing.attach_photo(application=held, upload=portrait()),
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
        filing.attach_photo(application=held, upload=portrait(600, 840))
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


@pytest.mark.parametrize("path", ["steps/personal/", "steps/experience/", "steps/channel/"])
def test_steps_that_are_not_named_are_not_there(cast: Cast, client: Client, path: str) -> None:
    held = sent_back(cast, ITEMS[:1])
    assert client.get(f"/applications/{held.pk}/{path}").status_code == 404


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
        filing.add_row(application=draft, section=Section.EDUCATION, row={**course, "certificate": "P1"})
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
