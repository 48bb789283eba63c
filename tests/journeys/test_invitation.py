"""A new colleague: invited by link, let in with a second factor, and at work."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.journeys.desk import Desk

pytestmark = pytest.mark.journey


def test_from_the_invitation_to_the_first_decision(desk: Desk) -> None:
    lodged = desk.stage.lodged(desk.stage.someone(account=True))

    # The manager invites by link.
    chen = desk.officer("chen.beijing")
    chen.follow("工作人员")
    chen.follow("邀请工作人员")
    chen.fill(name="新初审", username="xin.beijing")
    chen.page.locator("[name=roles][value=reviewer]").check()
    chen.press("发送邀请")
    link = urlsplit(chen.page.locator("#invitation-link").inner_text())

    # The new reviewer comes in by it, and cannot come in by it again.
    xin = desk.at_desk("beijing")
    xin.accept_invitation(link.path, "xin.beijing")
    expect(xin.page.get_by_role("heading", name="案卷队列")).to_be_visible()
    late = desk.at_desk("beijing")
    late.open(link.path)
    late.sees("失效")

    # The first decision.
    xin.fill(search=lodged.reference)
    xin.press("筛选")
    xin.follow_case(lodged.reference)
    xin.press("领取")
    xin.press("受理")
    xin.press("受理")
    xin.says("已受理")
    xin.sees("新初审")

    # The manager sees that the account is in use.
    chen.follow("查看该人员")
    chen.sees("新初审")
