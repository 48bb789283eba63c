"""After lodging: receipt, withdrawing, copying, answering a correction; also twice, late, and by others."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

import pytest
from django.test import Client

from intake import filing
from intake.flows import Section
from intake.models import Application
from register import clock
from register.models import DocketEntry
from review import casework
from review.models import Case, Correction, Dossier
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency
from tests import factories
from tests.cast import APPLICANTS, Cast
from tests.intake.desk import EMPLOYER, signed_in, started, words
from tests.intake.lodged import ITEMS, brought_to, lodged, reported, sent_back

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(cast: Cast) -> Client:
    """Zhang's browser."""
    return signed_in(cast.zhang, APPLICANTS["zhang"].number)


def said(answer: Any) -> str:
    return words(answer.content)


def state_of(application: Application) -> str:
    return DocketEntry.objects.get(case_id=application.pk).state


def address(cast: Cast, held: Application, to: str = "示例路2号") -> None:
    """Zhang changes the employer's address."""
    with cast.at_applicants_desk(cast.zhang):
        found = filing.application_of(cast.zhang, held.pk)
        assert found is not None
        filing.save_step(application=found, section=Section.EMPLOYER, data={"address": to})


# --- The receipt -------------------------------------------------------------------------------------


def test_the_receipt_tells_number_agency_papers_and_what_comes(cast: Cast, client: Client) -> None:
    Agency.objects.filter(pk=cast.beijing.pk).update(
        phone="010-00000012", address="示例大街1号", hours="工作日 9:00—17:00"
    )
    held = lodged(cast)
    page = said(client.get(f"/applications/{held.pk}/receipt/"))
    for part in (
        held.reference,
        "申请已上报",
        "010-00000012",
        "示例大街1号",
        "工作日 9:00—17:00",
        "请把下列纸质材料交给或者寄给注册机构",
        "签字盖章的注册申请表",
        "还剩 5 个工作日",
        "最迟",
    ):
        assert part in page, part
    html = client.get(f"/applications/{held.pk}/receipt/").content.decode()
    assert f'href="/applications/{held.pk}/form.pdf?version=1"' in html
    assert 'data-copy="#reference"' in html


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        (Agency.Materials.PAPER, "请把下列纸质材料交给或者寄给注册机构"),
        (Agency.Materials.UPLOAD, "不需要再交纸质材料"),
        (Agency.Materials.BOTH, "下列材料的纸质件还须交给或者寄给注册机构"),
    ],
)
def test_what_is_handed_in_follows_from_the_agencys_way(
    cast: Cast, client: Client, mode: str, sentence: str
) -> None:
    held = lodged(cast)
    Agency.objects.filter(pk=cast.beijing.pk).update(materials_mode=mode)
    assert sentence in said(client.get(f"/applications/{held.pk}/receipt/"))


# --- Withdrawing -------------------------------------------------------------------------------------


def test_withdrawing_asks_once_and_says_what_it_means(cast: Cast, client: Client) -> None:
    held = lodged(cast)
    asked = said(client.get(f"/applications/{held.pk}/withdrawal/"))
    assert ("撤回不能恢复。" in asked, "复制为新草稿" in asked) == (True, True)
    assert state_of(held) == State.SUBMITTED
    done = client.post(f"/applications/{held.pk}/withdrawal/", follow=True)
    assert ("申请已撤回。" in said(done), state_of(held)) == (True, State.WITHDRAWN)


def test_withdrawing_twice_says_that_it_has_been_done(cast: Cast, client: Client) -> None:
    held = lodged(cast)
    path = f"/applications/{held.pk}/withdrawal/"
    client.post(path)
    for answer in (client.post(path, follow=True), client.get(path, follow=True)):
        assert answer.redirect_chain == [(f"/applications/{held.pk}/", 302)]
        assert "这份申请已经撤回，不需要再次撤回。" in said(answer)


def test_after_referral_nobody_withdraws_and_no_officer_is_named(cast: Cast, client: Client) -> None:
    held = lodged(cast)
    reported(cast, held)
    answer = client.post(f"/applications/{held.pk}/withdrawal/", follow=True)
    page = said(answer)
    assert ("申请已报送终审机构，不能再撤回。" in page, "李初审" in page) == (True, False)
    assert state_of(held) == State.REPORTED


def test_while_the_truth_of_material_is_examined_nobody_withdraws(cast: Cast, client: Client) -> None:
    held = lodged(cast)
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        Case.objects.filter(pk=held.pk).update(false_material=True)
    answer = client.post(f"/applications/{held.pk}/withdrawal/", follow=True)
    assert "正在核查材料真实性" in said(answer)


# --- Copying -----------------------------------------------------------------------------------------


def withdrawn(cast: Cast) -> Application:
    held = lodged(cast)
    with cast.at_applicants_desk(cast.zhang):
        filing.withdraw(application=held)
    return held


def test_a_copy_begins_with_the_content_and_asks_for_the_declaration_anew(cast: Cast, client: Client) -> None:
    held = withdrawn(cast)
    answer = client.post(f"/applications/{held.pk}/copy/")
    draft = Application.objects.get(status=Application.Status.DRAFT)
    assert answer["Location"].startswith(f"/applications/{draft.pk}/steps/")
    assert draft.sections["employer"]["name"] == EMPLOYER["name"]
    assert ("declaration" in draft.sections, draft.agency) == (False, cast.beijing)


def test_a_copy_asks_before_a_draft_is_given_up(cast: Cast, client: Client) -> None:
    held = withdrawn(cast)
    with cast.at_applicants_desk(cast.zhang):
        other = started(cast.zhang)
    path = f"/applications/{held.pk}/copy/"
    asked = client.post(path)
    assert "复制前，要放弃现有的草稿吗？" in said(asked)
    assert f'name="discard" value="{other.pk}"' in asked.content.decode()
    assert "复制前" in said(client.post(path, {"discard": str(held.pk)}))
    other.refresh_from_db()
    assert other.status == Application.Status.DRAFT
    client.post(path, {"discard": str(other.pk)})
    other.refresh_from_db()
    draft = Application.objects.get(status=Application.Status.DRAFT)
    assert (other.status, draft.sections["employer"]["name"]) == ("discarded", EMPLOYER["name"])


def test_what_is_open_or_granted_is_not_copied(cast: Cast, client: Client) -> None:
    held = lodged(cast)
    for state in (State.SUBMITTED, State.REPORTED, State.ISSUED):
        brought_to(state, held, cast.beijing)
        answer = client.post(f"/applications/{held.pk}/copy/", follow=True)
        assert "不能复制为新草稿" in said(answer), state
    assert not Application.objects.filter(status=Application.Status.DRAFT).exists()


def test_who_may_not_apply_is_told_why_instead_of_a_button(cast: Cast, client: Client) -> None:
    held = withdrawn(cast)
    factories.restriction(cast.zhang, until=clock.add_years(clock.today(), 1))
    page = said(client.get(f"/applications/{held.pk}/"))
    assert ("目前不能再次申请：您处于限制申请期内" in page, "复制为新草稿" in page) == (True, False)
    answer = client.post(f"/applications/{held.pk}/copy/", follow=True)
    assert "您处于限制申请期内" in said(answer)


# --- A correction ------------------------------------------------------------------------------------


@pytest.fixture
def returned(cast: Cast) -> Application:
    """Zhang's application, sent back with a field and a paper to mend."""
    held = lodged(cast)
    sent_back(cast, held)
    return held


def answers() -> dict[str, str]:
    """What Zhang answers to the first correction, in words."""
    return {"number": "1", "answer-0": "", "answer-1": "已补签并寄出"}


def test_each_item_says_what_was_written_where_to_mend_it_and_whether_it_is(
    cast: Cast, client: Client, returned: Application
) -> None:
    path = f"/applications/{returned.pk}/correction/"
    html = client.get(path).content.decode()
    page = words(html.encode())
    assert f'href="/applications/{returned.pk}/steps/employer/#id_employer-address"' in html
    assert "北京市应急管理局要求补正以下 2 项" in page
    assert "共 2 项，已处理 0 项。" in page
    assert "还剩 10 个工作日" in page
    address(cast, returned)
    page = said(client.get(path))
    assert "共 2 项，已处理 1 项。" in page
    assert "单位地址 示例路1号 示例路2号" in page
    assert "申请表内容已修改" in page


def test_the_count_runs_down(cast: Cast, client: Client, returned: Application, shifted_clock: None) -> None:
    due = DocketEntry.objects.get().due_on
    assert due is not None
    clock.travel_to(datetime.combine(due, time(12), clock.SHANGHAI))
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    assert "今天到期" in said(client.get(f"/applications/{returned.pk}/correction/"))


def test_a_changed_form_asks_for_a_new_print_and_then_goes(
    cast: Cast, client: Client, returned: Application
) -> None:
    address(cast, returned)
    path = f"/applications/{returned.pk}/correction/"
    asked = client.post(path, {"go": "resubmit", **answers()})
    assert "申请表已修改，新的申请表打印了吗？" in said(asked)
    assert f"/applications/{returned.pk}/form.pdf?version=next" in asked.content.decode()
    assert state_of(returned) == State.CORRECTION
    done = client.post(path, {"go": "unprinted", **answers()})
    assert done["Location"] == f"/applications/{returned.pk}/receipt/"
    page = said(client.get(done["Location"]))
    assert ("补正材料已重新上报" in page, "请打印新的申请表" in page) == (True, True)


def test_words_alone_leave_the_signed_form_as_it_is(cast: Cast, client: Client) -> None:
    held = lodged(cast)
    sent_back(cast, held, items=ITEMS[1:])
    path = f"/applications/{held.pk}/correction/"
    done = client.post(path, {"go": "resubmit", "number": "1", "answer-0": "已补签并寄出"})
    assert done["Location"] == f"/applications/{held.pk}/receipt/"
    assert "申请表内容没有改变，不需要重新打印。" in said(client.get(done["Location"]))
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        first, second = Dossier.objects.filter(case_id=held.pk)
    assert first.digest == second.digest
    assert second.content["answers"] == [{"item": "papers.M01", "text": "已补签并寄出"}]


def test_the_print_asked_for_only_once_everything_is_settled(
    cast: Cast, client: Client, returned: Application
) -> None:
    address(cast, returned)
    answer = client.post(
        f"/applications/{returned.pk}/correction/", {"go": "resubmit", **answers(), "answer-1": ""}
    )
    assert "以下补正事项还没有处理" in said(answer)


def test_resubmitting_twice_leads_to_the_application_and_adds_no_version(
    cast: Cast, client: Client, returned: Application
) -> None:
    address(cast, returned)
    path = f"/applications/{returned.pk}/correction/"
    client.post(path, {"go": "unprinted", **answers()})
    again = client.post(path, {"go": "unprinted", **answers()}, follow=True)
    assert again.redirect_chain == [(f"/applications/{returned.pk}/", 302)]
    assert "没有重复上报" in said(again)
    back = client.get(path)
    assert (back.status_code, back["Location"]) == (302, f"/applications/{returned.pk}/")
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        assert Dossier.objects.filter(case_id=returned.pk).count() == 2


def test_an_old_window_does_not_answer_a_newer_correction(
    cast: Cast, client: Client, returned: Application
) -> None:
    address(cast, returned)
    path = f"/applications/{returned.pk}/correction/"
    client.post(path, {"go": "unprinted", **answers()})
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=returned.pk)
        casework.send_back(case=case, by=cast.actor("wang"), items=ITEMS[1:], reason="仍未签字")
    answer = client.post(path, {"go": "unprinted", **answers(), "answer-0": "旧的答复"}, follow=True)
    assert "补正要求已经更新" in said(answer)
    assert state_of(returned) == State.CORRECTION
    assert "旧的答复" not in said(client.get(path))


def test_saving_in_the_background_says_when_it_is_too_late(
    cast: Cast, client: Client, returned: Application
) -> None:
    path = f"/applications/{returned.pk}/correction/"
    quiet = {"X-Requested-With": "XMLHttpRequest"}
    assert client.post(path, {"go": "keep", **answers()}, headers=quiet).status_code == 200
    with cast.at_applicants_desk(cast.zhang):
        filing.withdraw(application=returned)
    assert client.post(path, {"go": "keep", **answers()}, headers=quiet).status_code == 409


def test_the_old_version_stays_and_the_differences_are_shown(
    cast: Cast, client: Client, returned: Application
) -> None:
    address(cast, returned)
    client.post(f"/applications/{returned.pk}/correction/", {"go": "unprinted", **answers()})
    html = client.get(f"/applications/{returned.pk}/").content.decode()
    page = words(html.encode())
    for number in (1, 2):
        assert f'href="/applications/{returned.pk}/form/?version={number}"' in html
    assert "第 1 版（首次上报）" in page
    assert "聘用单位信息 · 单位地址 示例路1号 示例路2号" in page
    assert "答复： 已补签并寄出" in page
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        told = Correction.objects.get(case_id=returned.pk)
        first = Dossier.objects.get(case_id=returned.pk, version=1)
    assert (told.answered_by_version, first.content["employer"]["address"]) == (2, EMPLOYER["address"])


# --- Somebody else -----------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["", "receipt/", "withdrawal/", "correction/", "copy/", "discard/"])
def test_another_persons_application_is_not_found(cast: Cast, returned: Application, page: str) -> None:
    sun = signed_in(cast.sun, APPLICANTS["sun"].number)
    path = f"/applications/{returned.pk}/{page}"
    codes = {sun.post(path, {"go": "unprinted", **answers()}).status_code, sun.get(path).status_code}
    assert codes <= {404, 405}
    assert 404 in codes
    assert state_of(returned) == State.CORRECTION


def test_a_lodged_application_cannot_be_discarded(cast: Cast, client: Client, returned: Application) -> None:
    answer = client.post(f"/applications/{returned.pk}/discard/", follow=True)
    assert "已经上报，不能放弃" in said(answer)
    assert Application.objects.get().status == Application.Status.LODGED
