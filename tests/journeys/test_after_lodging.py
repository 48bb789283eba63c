"""What comes after lodging: corrections, withdrawal, the history and the notices (chapters 6 and 7)."""

from __future__ import annotations

import pytest
from django.utils.formats import date_format
from playwright.sync_api import expect

from register import clock
from tests.journeys.desk import AGENCIES, Desk
from tests.manual import manual

pytestmark = pytest.mark.journey


def test_a_correction_is_answered_with_a_new_version(desk: Desk) -> None:
    zhang = desk.applicant(photo=True)
    lodged = desk.stage.lodged(zhang.person, at="correction")
    zhang.open("/home/")
    zhang.follow("去补正")
    zhang.sees("单位名称与信用代码不一致")
    # Only what the correction names is open.
    zhang.follow("去修改", exact=False)
    expect(zhang.page.locator("[name=employer-name]")).to_be_enabled()
    zhang.fill({"employer-name": "北京示例化工第二有限公司"})
    zhang.press("保存")
    zhang.press("重新上报")
    # The signed form no longer fits: print it anew.
    zhang.sees("打印新的申请表")
    zhang.press("重新上报")
    zhang.sees("已重新上报")
    zhang.open(f"/applications/{lodged.application}/form/")
    zhang.sees("北京示例化工第二有限公司")


def test_a_withdrawn_application_is_copied_into_a_new_draft(desk: Desk) -> None:
    zhang = desk.applicant(photo=True)
    lodged = desk.stage.lodged(zhang.person)
    zhang.open("/home/")
    zhang.follow("撤回申请")
    zhang.sees("确定撤回这份申请吗")
    zhang.press("撤回申请")
    zhang.sees("申请已撤回")
    zhang.press("复制为新草稿")
    zhang.sees("已复制为新草稿")
    zhang.open("/home/")
    expect(zhang.page.get_by_text(lodged.reference)).not_to_have_count(0)
    zhang.follow("继续填写")
    expect(zhang.page.locator(".steps [aria-current=step]")).to_be_visible()


@manual("6-1", "6.1-1", "图30", "6.2-1", "图31", "词-历史记录", "4-1")
def test_the_history_lists_every_application_by_time(desk: Desk) -> None:
    zhang = desk.applicant(photo=True)
    first = desk.stage.lodged(zhang.person, at="withdrawn")
    second = desk.stage.lodged(zhang.person, at="final_passed")
    zhang.open("/home/")
    zhang.menu.get_by_role("link", name="历史记录").click()
    zhang.sees_heading("历史记录")
    rows = zhang.page.locator("tbody tr")
    expect(rows).to_contain_text([first.reference, second.reference])
    expect(rows.last).to_contain_text("终审通过")
    # Granted today for three years.
    expect(rows.last).to_contain_text(date_format(clock.validity_end(clock.today(), 3)))
    # Each with its form as lodged.
    zhang.follow(f"申请表 {first.reference}")
    zhang.sees(first.reference)
    zhang.sees("北京示例化工有限公司")


@manual("7-1", "7-2", "图32", "词-公告信息")
def test_the_board_under_the_menu_tells_the_state_and_what_is_asked(desk: Desk) -> None:
    zhang = desk.applicant(photo=True)
    desk.stage.lodged(zhang.person, at="accepted")
    zhang.open("/home/")
    expect(zhang.board.get_by_role("heading", name="公告信息")).to_be_visible()
    expect(zhang.board).to_contain_text(AGENCIES["beijing"])
    expect(zhang.board).to_contain_text("已受理您的申请")
    menu, board = zhang.menu.bounding_box(), zhang.board.bounding_box()
    assert menu and board
    assert board["y"] >= menu["y"] + menu["height"]
    zhang.board.get_by_role("link", name="全部公告", exact=True).click()
    zhang.sees_heading("公告信息")
