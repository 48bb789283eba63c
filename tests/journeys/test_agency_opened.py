"""An agency opened from the page, its people brought in, and its first case walked to the decision."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.journeys.desk import Desk, Officer

pytestmark = pytest.mark.journey

CODE = "xinjigou"
NAME = "示例“新机构”㐂部"


def invited(link: str, desk: Desk, username: str) -> Officer:
    """Somebody who comes in by the link of an invitation, at the new agency's own host."""
    officer = desk.at_desk(CODE)
    officer.accept_invitation(urlsplit(link).path, username)
    return officer


def test_from_the_form_to_the_first_decision(desk: Desk) -> None:
    desk.stage.portal["opener"].start()
    try:
        _open_and_decide(desk)
    finally:
        desk.stage.portal["opener"].stop()


def _open_and_decide(desk: Desk) -> None:
    # The administrator opens it.
    feng = desk.officer("feng.authority")
    feng.follow("初审机构")
    feng.follow("开通机构")
    feng.fill(
        code=CODE,
        kind="provincial",
        name_zh=NAME,
        phone="010-00009999",
        manager_name="新管理",
        manager_username=f"guanli.{CODE}",
    )
    feng.press("下一步")
    feng.sees(f"http://{CODE}.localhost")
    feng.press("确定开通")
    # The first opening of a process walks through the migrations: seconds, more on a busy machine.
    expect(feng.main).to_contain_text("已完成，用时", timeout=60_000)
    feng.press("显示邀请链接")
    link = feng.page.locator("#invitation-link").inner_text()
    assert urlsplit(link).hostname == f"{CODE}.localhost"

    # Its manager comes in and invites a reviewer, who comes in as well.
    manager = invited(link, desk, f"guanli.{CODE}")
    manager.follow("工作人员")
    manager.follow("邀请工作人员")
    manager.fill(name="新初审", username=f"chushen.{CODE}")
    manager.page.locator("[name=roles][value=reviewer]").check()
    manager.press("发送邀请")
    reviewer = invited(manager.page.locator("#invitation-link").inner_text(), desk, f"chushen.{CODE}")
    expect(reviewer.page.get_by_role("heading", name="案卷队列")).to_be_visible()

    # Now that somebody is there, the administrator lets it take applications; somebody lodges.
    feng.open(f"/agencies/{CODE}/")
    feng.follow("开始接收申请")
    feng.press("开始接收申请")
    feng.says("已开始接收申请")
    zhang = desk.applicant(photo=True)
    begun = desk.stage.draft(zhang.person, agency=CODE)
    zhang.open(f"/applications/{begun.application}/steps/preview/")
    zhang.declare()
    number = zhang.lodge()
    zhang.sees(NAME)

    # The first case: taken up, accepted, given an opinion, referred.
    reviewer.open("/cases/")
    reviewer.follow_case(number)
    reviewer.press("领取")
    reviewer.press("受理")
    reviewer.press("受理")
    reviewer.says("已受理")
    reviewer.mark()
    reviewer.press("出具初审意见")
    reviewer.fill(verdict="pass")
    reviewer.press("出具意见")
    reviewer.follow("报送终审")
    reviewer.press("确定报送")
    reviewer.says("已报送")

    # Decided at the authority.
    zhao = desk.officer("zhao.authority")
    zhao.follow_case(number)
    zhao.sees(NAME)
    zhao.press("领取")
    zhao.follow("准予注册")
    zhao.press("准予注册")
    zhao.sees("终审通过")
    zhang.open("/home/")
    expect(zhang.main.locator(".tag").first).to_contain_text("终审通过")
