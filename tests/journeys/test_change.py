"""The manual, chapter 3: the change of a registration."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.desk import AGENCIES, NEW_EMPLOYER, Applicant, Desk
from tests.manual import manual

pytestmark = pytest.mark.journey
STEPS = ["修改个人基本信息", "变更个人注册信息", "填写工作经历", "预览、打印和上报"]


@manual("3-1", "3-2", "图14", "3-3", "3.1-1", "3.1-2", "图15", "词-开始变更注册", "词-确认更新")
@manual("3.2-1", "图16", "3.3-1", "图17", "3.4-1", "图18", "3.5", "3.5-1", "3.5-2")
def test_a_change_of_employer_goes_to_the_agency_that_holds_the_registration(desk: Desk) -> None:
    wang = desk.applicant("valid", agency="mohurd")
    wang.open("/home/")
    wang.follow("开始变更注册")
    assert wang.steps() == STEPS
    wang.press("开始变更注册")

    # (1) Who has no photo here yet must bring one.
    wang.at_step("修改个人基本信息")
    wang.fill({"personal-mobile": "13800000000"})
    wang.add_photo()
    wang.press("确认更新")

    # (2) 原 and 新 stand side by side.
    wang.at_step("变更个人注册信息")
    wang.sees("北京示例化工有限公司")
    change_employer(wang)
    wang.press("下一步")

    # (3) 工作经历 (4) 预览
    wang.at_step("填写工作经历")
    wang.add_work()
    wang.press("预览")
    wang.sees("变更注册申请表")

    # (5) 打印和上报
    wang.sees("双面打印")
    wang.declare()
    wang.lodge()
    wang.sees(AGENCIES["mohurd"])


@manual("3.1-2")
def test_a_change_may_go_to_another_agency_and_a_known_photo_is_not_asked_for(desk: Desk) -> None:
    wang = desk.applicant("valid", photo=True)
    wang.begin("变更注册")
    wang.fill({"personal-mobile": "13800000000"})
    wang.press("确认更新")
    wang.at_step("变更个人注册信息")
    wang.follow("更换注册机构")
    wang.choose_channel("中央企业")
    wang.choose_agency("sinopec")
    wang.press("下一步")
    wang.at_step("变更个人注册信息")
    change_employer(wang)
    wang.fill({"employer-group": "中国示例集团"})
    wang.press("下一步")
    wang.add_work()
    wang.press("预览")
    wang.declare()
    wang.lodge()
    wang.sees(AGENCIES["sinopec"])


@manual("3-1")
def test_a_change_is_for_registrations_in_force_only(desk: Desk) -> None:
    gone = desk.applicant("expired")
    gone.open("/home/")
    expect(gone.card("变更注册")).to_contain_text("请办理重新注册")
    expect(gone.card("变更注册").get_by_role("link")).to_have_count(0)


def change_employer(wang: Applicant) -> None:
    """变更聘用单位, with the new one."""
    wang.fill({"registration-change_items": "1"} | NEW_EMPLOYER)
