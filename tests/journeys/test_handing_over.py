"""A misrouted case goes to the agency that it falls to, and everybody sees their part of it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.desk import AGENCIES, Desk

pytestmark = pytest.mark.journey


def test_a_misrouted_case_goes_on_at_the_other_agency(desk: Desk) -> None:
    sun = desk.applicant()
    lodged = desk.stage.lodged(sun.person)
    there = f"/cases/{lodged.application}/"
    sun.page.clock.install()
    sun.open("/home/")

    # The supervisor finds the agency by its name and says why.
    wang = desk.officer("wang.beijing")
    wang.open(there)
    wang.page.locator(".more-acts summary").click()
    wang.follow("转交其他机构")
    wang.fill(q="住建")
    wang.press("查找")
    wang.page.locator("[name=agency][value=mohurd]").check(force=True)
    wang.fill(text="建筑施工类别由住房和城乡建设部初审")
    wang.press("确定转交")
    wang.sees(f"转交{AGENCIES['mohurd']}办理")

    # The other agency goes on with it.
    he = desk.officer("he.mohurd")
    he.follow_case(lodged.reference)
    he.press("领取")
    he.press("受理")
    he.press("受理")
    he.says("已受理")

    # Where it was, nothing of that is seen and nothing can be done.
    li = desk.officer("li.beijing")
    li.open(there)
    li.sees("本机构只保留转交时的记录")
    expect(li.main).not_to_contain_text("何初审")
    expect(li.page.locator(".action-bar")).to_have_count(0)

    # The applicant knows where it is.
    sun.hears(AGENCIES["mohurd"])
    sun.open(f"/applications/{lodged.application}/")
    sun.sees(AGENCIES["mohurd"])
    sun.sees("已受理")
