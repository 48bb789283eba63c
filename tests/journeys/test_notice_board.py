"""公告信息 while it is looked at: it brings news by itself, and does all it does without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.desk import WIDE, Applicant, Desk

pytestmark = pytest.mark.journey


def test_the_board_brings_news_and_a_new_first_line_by_itself(desk: Desk) -> None:
    zhang = desk.applicant(photo=True)
    lodged = desk.stage.lodged(zhang.person)
    zhang.page.clock.install()
    zhang.open("/home/")
    first_line = zhang.board.locator(".now")
    expect(first_line).to_contain_text("轮到北京市应急管理局办理")
    tab = zhang.another()
    tab.open(f"/applications/{lodged.application}/withdrawal/")
    tab.press("撤回申请")
    tab.page.close()
    zhang.hears("申请已撤回")
    expect(first_line).to_contain_text("轮到您办理：可以申请初始注册")


def test_what_is_read_on_the_board_stays_read(desk: Desk) -> None:
    zhang = desk.applicant(photo=True)
    lodged = desk.stage.lodged(zhang.person)
    zhang.open("/home/")
    zhang.board.get_by_role("button", name="申请已上报", exact=True).click()
    expect(zhang.page).to_have_url(f"{zhang.root}/applications/{lodged.application}/")
    zhang.open("/home/")
    expect(zhang.board.get_by_role("link", name="申请已上报", exact=True)).to_be_visible()
    expect(zhang.board).to_contain_text("已读 ")


def test_without_javascript_notices_are_chosen_and_marked_all_the_same(desk: Desk) -> None:
    person = desk.applicant(photo=True)
    desk.stage.lodged(person.person)
    context = desk.browser.new_context(
        java_script_enabled=False, viewport={"width": WIDE[0], "height": WIDE[1]}, locale="zh-CN"
    )
    desk.opened.append(context)
    plain = Applicant(context.new_page(), desk.stage, person.root, person.person)
    desk.let_in(plain)
    plain.open("/home/")
    plain.board.get_by_role("button", name="标为已读").first.click()
    expect(plain.page).to_have_url(f"{plain.root}/home/")
    expect(plain.board).to_contain_text("已读 ")
    plain.open("/notices/")
    plain.page.get_by_role("link", name="提醒").click()
    plain.sees("没有这样的公告。")
    plain.page.get_by_role("link", name="状态").click()
    plain.sees("申请已上报")
