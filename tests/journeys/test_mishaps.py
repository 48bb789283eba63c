"""What people do by accident: nothing is lost, nothing is lodged twice."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from deploy import play
from tests.journeys.desk import Applicant, Desk

pytestmark = pytest.mark.journey


def at_the_preview(desk: Desk) -> Applicant:
    """Somebody before 上报, everything filled in and ticked."""
    zhang = desk.applicant(photo=True)
    begun = desk.stage.draft(zhang.person)
    zhang.open(f"/applications/{begun.application}/steps/preview/")
    zhang.declare()
    return zhang


def test_a_session_that_ends_in_the_middle_of_a_step_loses_nothing(desk: Desk) -> None:
    zhang = desk.newcomer(account=True, photo=True)
    session = desk.let_in(zhang)
    zhang.begin("初始注册")
    zhang.choose_agency("beijing")
    zhang.press("下一步")
    zhang.fill(play.PERSONAL | play.CATEGORY)
    desk.stage.leave_alone(session)
    zhang.press("下一步")
    zhang.sign_in()
    zhang.at_step("填写个人基本信息")
    expect(zhang.page.locator("[name=personal-school]")).to_have_value("示例理工大学")
    zhang.press("下一步")
    zhang.at_step("填写聘用单位信息")


def test_two_tabs_lodge_one_application(desk: Desk) -> None:
    zhang = at_the_preview(desk)
    other = zhang.another()
    other.open(zhang.page.url.removeprefix(zhang.root))
    other.fill({"declaration-delivery": "1", "declaration-agreed": "on"})
    reference = zhang.lodge()
    other.press("上报")
    other.sees("没有重复上报")
    other.sees(reference)


def test_two_tabs_keep_what_both_have_added(desk: Desk) -> None:
    zhang = desk.applicant(photo=True)
    begun = desk.stage.draft(zhang.person)
    zhang.open(f"/applications/{begun.application}/steps/experience/")
    other = zhang.another()
    other.open(zhang.page.url.removeprefix(zhang.root))
    zhang.add_work(play.EARLIER_WORK | {"experience-employer": "示例第一公司"})
    other.fill(play.EARLIER_WORK | {"experience-employer": "示例第二公司"})
    other.press("添加")
    other.sees("示例第一公司")
    other.sees("示例第二公司")


def test_the_back_button_after_lodging_leads_to_the_receipt(desk: Desk) -> None:
    zhang = at_the_preview(desk)
    reference = zhang.lodge()
    zhang.page.go_back()
    lodge_again = zhang.page.get_by_role("button", name="上报", exact=True)
    if lodge_again.count():
        lodge_again.click()
    zhang.sees(reference)
    zhang.sees("申请已上报")
    expect(lodge_again).to_have_count(0)


def test_a_double_click_lodges_once(desk: Desk) -> None:
    zhang = at_the_preview(desk)
    zhang.page.get_by_role("button", name="上报", exact=True).dblclick()
    zhang.sees("申请已上报")
    zhang.open("/history/")
    expect(zhang.page.locator("tbody tr").filter(has_text="初始注册")).to_have_count(1)
    zhang.open("/home/")
    expect(zhang.board.locator(".notice").filter(has_text="等待受理")).to_have_count(1)


def test_another_draft_is_not_thrown_away_unasked(desk: Desk) -> None:
    wang = desk.applicant("expiring", photo=True)
    draft = desk.stage.draft(wang.person, kind="renewal")
    wang.begin("变更注册")
    wang.sees(draft.reference)
    wang.follow("继续填写原来的草稿")
    wang.at_step("更新个人基本信息")
