"""The manual, chapter 2: the initial registration, from the exam's results to the agency."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from deploy import play
from tests.journeys.desk import AGENCIES, CHANNELS, NO_PICTURE, Applicant, Desk
from tests.manual import manual

pytestmark = pytest.mark.journey
STEPS = [
    "选择注册渠道",
    "填写个人基本信息",
    "填写聘用单位信息",
    "填写工作经历",
    "预览、打印和上报",
]


@manual("2.1", "2.1-1", "2.1-2", "图5", "词-初始注册", "词-注册资格信息验证", "词-下一步")
@manual("2.2", "2.2-1", "图6", "2.2-2", "图7", "词-功能目录")
@manual("2.3", "2.3-1", "图8", "词-开始初始注册", "2.4", "2.4-1", "2.4-2", "图9")
@manual("2.5", "2.5-1", "2.5-2", "图10", "2.6", "2.6-1", "2.6-2", "图11", "2.6-3", "词-添加")
@manual("2.7", "2.7-1", "图12", "2.7-2", "2.7-3", "词-预览", "词-上报")
def test_initial_registration_as_the_manual_tells_it(desk: Desk) -> None:
    # (1) 考试信息验证
    zhang = desk.newcomer()
    zhang.open("/")
    zhang.follow("初始注册", within="温馨提示")
    zhang.sees_heading("注册资格信息验证")
    zhang.verify_exam()
    zhang.set_password()

    # (2) 个人页面, 功能目录, 流程导航
    expect(zhang.menu).to_contain_text("初始注册")
    zhang.follow("开始初始注册")
    assert zhang.steps() == STEPS

    # (3) 选择注册渠道
    zhang.press("开始初始注册")
    zhang.at_step("选择注册渠道")

    # (4) 选择注册机构
    zhang.choose_channel("省级")
    zhang.choose_agency("beijing")
    zhang.press("下一步")
    zhang.at_step("填写个人基本信息")

    # (5) What is marked with the red star cannot be left out; what was typed stays.
    school = zhang.page.locator("div.field", has=zhang.page.locator("[name=personal-school]"))
    expect(school.locator(".required")).to_contain_text("必填")
    zhang.fill({"personal-school": "示例理工大学"})
    zhang.add_photo(NO_PICTURE)
    zhang.press("下一步")
    expect(zhang.page.locator(".error-summary")).to_contain_text("手机号码")
    expect(zhang.page.locator("[name=personal-school]")).to_have_value("示例理工大学")
    zhang.add_photo()
    zhang.fill(play.PERSONAL | play.CATEGORY)
    zhang.press("下一步")
    zhang.at_step("填写聘用单位信息")

    # (6) 单位属性代码, 工作经历
    zhang.fill(play.EMPLOYER)
    zhang.press("下一步")
    zhang.at_step("填写工作经历")
    zhang.add_work()
    zhang.sees("示例建材有限公司")
    zhang.add_work(play.PRESENT_WORK)

    # (7) 预览, 打印和上报
    zhang.press("预览")
    zhang.at_step("预览、打印和上报")
    zhang.sees("初始注册申请表")
    zhang.sees("双面打印")
    zhang.declare()
    zhang.lodge()
    zhang.sees(AGENCIES["beijing"])


@manual("2.3", "2.4-1", "2.7-3", "图8")
@pytest.mark.parametrize("agency", ["mohurd", "sinopec"])
def test_the_ministry_and_the_enterprise_channel_lead_to_their_agencies(desk: Desk, agency: str) -> None:
    zhang = desk.applicant(photo=True)
    zhang.begin("初始注册")
    zhang.choose_channel(CHANNELS[agency])
    zhang.choose_agency(agency)
    zhang.press("下一步")
    fill_in_from_the_second_step(zhang, group="中国示例集团" if agency == "sinopec" else "")
    zhang.lodge()
    zhang.sees(AGENCIES[agency])


@manual("0-1")
def test_after_three_years_one_may_still_apply_with_proof_of_education(desk: Desk) -> None:
    late = desk.applicant("late")
    late.open("/home/")
    late.sees("逾期初始注册")
    late.begin("初始注册")
    late.at_step("选择注册渠道")
    assert late.steps() == [*STEPS[:3], "填写继续教育信息", *STEPS[3:]]


def fill_in_from_the_second_step(zhang: Applicant, *, group: str) -> None:
    """个人基本信息 to the ticked declaration, for somebody whose photo is known."""
    zhang.fill(play.PERSONAL | play.CATEGORY)
    zhang.press("下一步")
    zhang.fill(play.EMPLOYER | ({"employer-group": group} if group else {}))
    zhang.press("下一步")
    zhang.add_work()
    zhang.press("预览")
    zhang.declare()
