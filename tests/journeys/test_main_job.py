"""The main job in a real browser: an applicant, a reviewer and the authority in three windows."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.desk import AGENCIES, Applicant, Desk
from tests.manual import manual

pytestmark = pytest.mark.journey


@manual("2.8", "2.8-1", "2.8-2", "图13", "词-公告信息")
def test_from_the_preview_to_the_register(desk: Desk) -> None:
    # The applicant lodges.
    zhang = desk.applicant(photo=True)
    begun = desk.stage.draft(zhang.person)
    zhang.page.clock.install()
    zhang.open(f"/applications/{begun.application}/steps/preview/")
    zhang.declare()
    reference = zhang.lodge()
    assert reference == begun.reference
    zhang.open("/home/")
    expect(zhang.board).to_contain_text("等待受理")

    # The reviewer.
    li = desk.officer("li.beijing", by_form=True)
    li.follow_case(reference)
    li.press("领取")
    li.press("受理")
    li.press("受理")
    expect(li.page.locator(".messages")).to_contain_text("已受理")
    for mark in li.page.locator("label[for^='ok-']").all():
        mark.click()
    li.press("出具初审意见")
    li.fill(verdict="pass")
    li.press("出具意见")
    li.follow("报送终审") if li.page.get_by_role("link", name="报送终审").count() else li.press("报送终审")
    li.press("确定报送")
    expect(li.page.locator(".messages")).to_contain_text("已报送")
    zhang.hears("已于")

    # The authority.
    zhao = desk.officer("zhao.authority")
    zhao.follow_case(reference)
    zhao.sees(AGENCIES["beijing"])
    zhao.press("领取")
    zhao.follow("准予注册")
    zhao.press("准予注册")
    zhao.sees("终审通过")
    zhang.hears("准予初始注册")

    # The next time one signs in, the personal page tells it.
    again = Applicant(desk.page("localhost"), desk.stage, zhang.root, zhang.person)
    again.open("/")
    again.sign_in()
    expect(again.board).to_contain_text("准予初始注册")
    expect(again.main.locator(".tag").first).to_contain_text("终审通过")
