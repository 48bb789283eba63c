"""Two reviewers before the same case: each is seen, one is faster, the other is told and loses nothing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.journeys.desk import UNTIL_IT_ASKS_MS, Desk, Officer

pytestmark = pytest.mark.journey
WHEN = r"\d\d:\d\d"


def test_the_slower_one_is_told_by_whom_and_when(desk: Desk) -> None:
    lodged = desk.stage.lodged(desk.stage.someone(account=True))
    li, liu = desk.officer("li.beijing"), desk.officer("liu.beijing")
    li.page.clock.install()
    for officer in (li, liu):
        officer.open(f"/cases/{lodged.application}/")

    # Each sees that the other is there.
    expect(presence(liu)).to_have_text("李初审正在查看")
    li.page.clock.fast_forward(2 * UNTIL_IT_ASKS_MS)
    expect(presence(li)).to_have_text("刘初审正在查看")

    # Both want the case.
    liu.press("领取")
    liu.says("已领取，本案由您办理")
    li.press("领取")
    expect(li.page.locator(".messages")).to_contain_text(re.compile(rf"刘初审，{WHEN}，领取"))
    expect(li.page.get_by_role("button", name="受理")).to_have_count(0)

    # While one writes down two faults, a supervisor gives the case to the other, who accepts it.
    liu.press("退回补正")
    liu.fill({"item0-item": "employer", "item0-code": "R08", "item0-text": "单位名称与公章不一致"})
    liu.press("添加一项")
    liu.fill({"item1-item": "papers.M01", "item1-code": "R01", "item1-text": "申请表未签字"})
    wang = desk.officer("wang.beijing")
    wang.open(f"/cases/{lodged.application}/assignment/")
    wang.page.get_by_label("李初审").check(force=True)
    wang.press("分派")
    wang.says("已分派")
    li.page.reload()
    li.press("受理")
    li.press("受理")
    li.says("已受理")
    liu.press("确定退回补正")
    expect(liu.page.locator(".error-summary")).to_contain_text(re.compile(rf"李初审，{WHEN}，受理"))
    expect(liu.page.locator("[name=item0-text]")).to_have_value("单位名称与公章不一致")
    expect(liu.page.locator("[name=item1-text]")).to_have_value("申请表未签字")
    liu.follow("返回案卷")
    liu.sees("已受理")


def presence(officer: Officer) -> Locator:
    return officer.page.locator("[data-presence]")
