"""The manual, chapter 5: registering again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from deploy import play
from tests.journeys.desk import AGENCIES, CHANNELS, Applicant, Desk
from tests.manual import manual

pytestmark = pytest.mark.journey
STEPS = ["选择注册渠道", "填写聘用单位信息", "更新工作经历", "预览、打印和上报"]


@manual("5-1", "5-3", "图25", "5.1-1", "图26", "5.2-1", "图27", "5.3-1", "5.3-2", "5.3-3", "图28")
@manual("词-起止时间", "5.4-1", "5.4-2", "5.4-3", "图29", "词-导出到word打印")
def test_who_missed_the_renewal_registers_again(desk: Desk) -> None:
    sun = desk.applicant("expired", photo=True)
    sun.open("/home/")
    sun.follow("开始重新注册")
    assert sun.steps() == STEPS
    sun.press("开始重新注册")

    # (1) 选择注册渠道
    sun.at_step("选择注册渠道")
    sun.choose_channel("省级")
    sun.choose_agency("beijing")
    sun.press("下一步")

    # (2) 聘用单位
    fill_in_employer(sun)

    # (3) Several rows; a click on 起止时间 changes or deletes one.
    sun.at_step("更新工作经历")
    sun.add_work()
    sun.add_work(play.PRESENT_WORK)
    rows = sun.page.locator("#rows tbody tr")
    expect(rows).to_have_count(2)
    expect(sun.page.locator("#rows th").first).to_contain_text("起止时间")
    rows.first.get_by_role("link").click()
    sun.fill({"experience-post": "安全主任"})
    sun.press("确认修改")
    expect(rows.first).to_contain_text("安全主任")
    rows.first.get_by_role("link").click()
    sun.press("删除这一行")
    sun.press("删除")
    expect(rows).to_have_count(1)
    sun.add_work()

    # (4) 预览、打印和上报
    sun.press("预览")
    sun.sees("重新注册申请表")
    sun.declare()
    with sun.page.expect_download() as word:
        sun.press("导出到word打印")
    assert word.value.suggested_filename.endswith(".docx")
    sun.page.emulate_media(media="print")
    expect(sun.page.locator(".form-sheet").first).to_be_visible()
    expect(sun.page.get_by_role("button", name="上报", exact=True)).to_be_hidden()
    sun.page.emulate_media(media="screen")
    sun.lodge()
    sun.sees(AGENCIES["beijing"])


@manual("5-2")
@pytest.mark.parametrize("agency", ["mohurd", "sinopec"])
def test_whose_registration_was_cancelled_registers_again_through_the_other_channels(
    desk: Desk, agency: str
) -> None:
    zhou = desk.applicant("cancelled", photo=True)
    zhou.begin("重新注册")
    zhou.choose_channel(CHANNELS[agency])
    zhou.choose_agency(agency)
    zhou.press("下一步")
    fill_in_employer(zhou, group="中国示例集团" if agency == "sinopec" else "")
    zhou.add_work()
    zhou.press("预览")
    zhou.declare()
    zhou.lodge()
    zhou.sees(AGENCIES[agency])


def fill_in_employer(sun: Applicant, *, group: str = "") -> None:
    sun.at_step("填写聘用单位信息")
    sun.fill(play.CATEGORY | play.EMPLOYER | ({"employer-group": group} if group else {}))
    sun.press("下一步")
