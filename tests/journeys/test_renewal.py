"""The manual, chapter 4: the renewal of a registration."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from deploy import play
from tests.journeys.desk import AGENCIES, Applicant, Desk
from tests.manual import manual

pytestmark = pytest.mark.journey
STEPS = ["更新个人基本信息", "更新聘用单位信息", "填写继续教育信息", "更新工作经历", "预览、打印和上报"]


@manual("4-1", "4-2")
def test_a_registration_lasts_three_years_and_is_renewed_in_the_last_three_months(desk: Desk) -> None:
    early = desk.applicant("valid")
    early.open("/home/")
    expect(early.card("延续注册")).to_contain_text("延续注册将于")
    expect(early.card("延续注册").get_by_role("link")).to_have_count(0)
    early.open("/guides/renewal/")
    early.sees("注册有效期为 3 年")
    early.sees("有效期最后 3 个月内")
    due = desk.applicant("expiring")
    due.open("/home/")
    expect(due.card("延续注册").get_by_role("link", name="开始延续注册")).to_be_visible()


@manual("4.1-1", "图19", "4.2-1", "4.2-2", "图20", "4.3-1", "图21", "4.4-1", "图22", "4.5-1", "图23")
@manual("4.6-1", "图24", "4.7", "4.7-1")
def test_a_renewal_goes_to_the_agency_that_holds_the_registration(desk: Desk) -> None:
    zhao = desk.applicant("expiring")

    # (1) 流程导航
    zhao.open("/home/")
    zhao.follow("开始延续注册")
    assert zhao.steps() == STEPS
    zhao.press("开始延续注册")

    # (2) Who uses the system for the first time brings a photo.
    zhao.at_step("更新个人基本信息")
    zhao.add_photo()
    to_the_preview(zhao)
    zhao.sees("延续注册申请表")

    # (7) 打印和上报
    zhao.sees("双面打印")
    zhao.lodge()
    zhao.sees(AGENCIES["beijing"])


def test_a_renewal_may_go_to_another_agency(desk: Desk) -> None:
    zhao = desk.applicant("expiring", photo=True)
    zhao.begin("延续注册")
    zhao.follow("更换注册机构")
    zhao.choose_channel("部委")
    zhao.choose_agency("mohurd")
    zhao.press("下一步")
    zhao.at_step("更新个人基本信息")
    to_the_preview(zhao)
    zhao.lodge()
    zhao.sees(AGENCIES["mohurd"])


def to_the_preview(zhao: Applicant) -> None:
    """From the first step of a renewal to the ticked declaration."""
    zhao.fill({"personal-mobile": "13800000000"})
    zhao.press("确认更新")
    # (3) 聘用单位: what the register knows stands there already.
    zhao.at_step("更新聘用单位信息")
    expect(zhao.page.locator("[name=employer-name]")).to_have_value("北京示例化工有限公司")
    zhao.fill(play.EMPLOYER)
    zhao.press("下一步")
    # (4) 继续教育: 48 hours within the period.
    zhao.at_step("填写继续教育信息")
    zhao.fill(course())
    zhao.press("添加")
    zhao.sees("已计 48 学时")
    zhao.fill({"performance-text": "负责示例化工装置的安全管理。"})
    zhao.press("下一步")
    # (5) 工作经历 (6) 预览
    zhao.at_step("更新工作经历")
    zhao.add_work()
    zhao.press("预览")
    zhao.declare()


def course() -> dict[str, str]:
    """A course of half a year ago, with all hours that a period asks for."""
    begun = date.today() - timedelta(days=180)  # noqa: DTZ011 - the tests' own calendar
    return {
        "education-since": begun.isoformat(),
        "education-until": (begun + timedelta(days=10)).isoformat(),
        "education-provider": "示例培训中心",
        "education-course": "安全生产管理",
        "education-hours": "48",
        "education-certificate": "PX000001",
    }
