"""A shorter time for the first review, decided today for tomorrow, leaves the case that is running alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from register import clock
from tests.journeys.desk import Desk, Officer
from tests.stage import Lodged

pytestmark = pytest.mark.journey

NOW, SHORTER = 20, 6


@pytest.fixture
def tomorrow(desk: Desk) -> Iterator[Desk]:
    """Everybody's clock may be set to the next day; afterwards it shows the true day again."""
    yield desk
    desk.stage.set_clock(timedelta())


def accept(li: Officer, lodged: Lodged) -> None:
    """Take a case up and accept it."""
    li.open(f"/cases/{lodged.application}/")
    li.press("领取")
    li.press("受理")
    li.press("受理")
    li.says("已受理")


def test_a_new_time_for_review_counts_for_new_cases_only(tomorrow: Desk) -> None:
    desk = tomorrow
    running = desk.stage.lodged(desk.stage.someone(account=True))

    # The administrator sees what the change does before it is written.
    feng = desk.officer("feng.authority")
    feng.open("/policies/first_review_days/")
    feng.sees(f"{NOW} 个工作日")
    feng.follow("录入新值")
    day = clock.today() + timedelta(days=1)
    feng.fill(value=str(SHORTER), valid_from=day.isoformat(), source="示例文件〔2026〕1号")
    feng.press("预览影响")
    feng.sees("在办案卷不受影响")
    feng.press("确认录入")
    feng.says("已录入")

    # The next day: both cases are accepted, each gets the time of the day on which it was lodged.
    desk.stage.set_clock(timedelta(days=1))
    fresh = desk.stage.lodged(desk.stage.someone(account=True))
    li = desk.officer("li.beijing")
    for lodged, days in ((running, NOW), (fresh, SHORTER)):
        accept(li, lodged)
        expect(li.page.locator(".page-head")).to_contain_text(f"还剩 {days} 个工作日")
    desk.stage.set_clock(timedelta())

    # It has not begun yet by the true day, and may be taken back.
    feng.open("/policies/first_review_days/")
    feng.follow("撤回")
    feng.press("确定撤回")
    feng.says("已撤回")
