"""The session's end, told before it comes; and what is typed saved by itself until then."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from deploy import play
from tests.journeys.desk import Applicant, Desk, Window

pytestmark = pytest.mark.journey

# What a browser does when its window is put aside, and when somebody looks at it again.
LOOK = """state => {
    Object.defineProperty(document, 'visibilityState', {value: state, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
}"""


def put_aside(window: Window) -> None:
    window.page.evaluate(LOOK, "hidden")


def looked_at(window: Window) -> None:
    window.page.evaluate(LOOK, "visible")


def warning(window: Window) -> Locator:
    return window.page.get_by_role("alertdialog", name="即将自动退出")


def ended(window: Window) -> Locator:
    return window.page.locator(".session-ended")


def at_the_employer(desk: Desk) -> tuple[Applicant, str]:
    """Somebody filling in the employer, and the key of the session."""
    zhang = desk.newcomer(account=True)
    session = desk.let_in(zhang)
    begun = desk.stage.draft(zhang.person)
    zhang.open(f"/applications/{begun.application}/steps/employer/")
    return zhang, session


def test_a_warning_comes_before_the_end_and_one_click_goes_on(desk: Desk) -> None:
    zhang, session = at_the_employer(desk)
    desk.stage.leave_alone(session, left=100)
    looked_at(zhang)
    expect(warning(zhang)).to_contain_text("1 分")
    expect(zhang.page.get_by_role("button", name="继续使用")).to_be_focused()
    zhang.press("继续使用")
    expect(warning(zhang)).to_be_hidden()
    zhang.page.reload()
    expect(zhang.page.locator("[data-session]")).to_have_attribute("data-left", re.compile(r"1[78]\d\d"))


def test_whoever_goes_on_in_one_window_goes_on_in_all(desk: Desk) -> None:
    zhang, session = at_the_employer(desk)
    other = zhang.another()
    other.open("/home/")
    desk.stage.leave_alone(session, left=100)
    for window in (zhang, other):
        looked_at(window)
        expect(warning(window)).to_be_visible()
    other.press("继续使用")
    looked_at(zhang)
    expect(warning(zhang)).to_be_hidden()


def test_when_it_is_over_the_form_stays_and_signing_in_again_goes_on_with_it(desk: Desk) -> None:
    zhang, session = at_the_employer(desk)
    zhang.fill({"employer-name": "会话结束时填写的单位", "employer-code": "9111"})
    desk.stage.leave_alone(session)
    looked_at(zhang)
    expect(ended(zhang)).to_contain_text("登录已结束")
    expect(zhang.page.locator("[name=employer-code]")).to_have_value("9111")
    ended(zhang).get_by_role("link", name="重新登录").click()
    zhang.sees("刚才填写的内容已暂存")
    zhang.sign_in()
    zhang.at_step("填写聘用单位信息")
    zhang.sees("会话结束前填写的内容已找回，请核对后点击下一步。")
    expect(zhang.page.locator("[name=employer-name]")).to_have_value("会话结束时填写的单位")
    expect(zhang.page.locator("[name=employer-code]")).to_have_value("9111")


def test_after_signing_in_in_another_window_the_page_goes_on_as_it_was(desk: Desk) -> None:
    zhang, session = at_the_employer(desk)
    other = Applicant(zhang.context.new_page(), zhang.stage, zhang.root, zhang.person)
    desk.stage.leave_alone(session)
    zhang.fill({"employer-name": "旧窗口里的单位"})
    looked_at(zhang)
    expect(ended(zhang)).to_be_visible()
    other.open("/")
    other.sign_in()
    other.sees_heading("公告信息")
    looked_at(zhang)
    expect(ended(zhang)).to_be_hidden()
    zhang.press("下一步")
    zhang.at_step("填写工作经历")


def test_a_page_saves_what_is_right_while_it_is_filled_in(desk: Desk) -> None:
    zhang, _session = at_the_employer(desk)
    zhang.fill({"employer-name": "自动保存的单位"})
    put_aside(zhang)
    zhang.sees("已自动保存")
    zhang.fill({"employer-code": "9111"})
    put_aside(zhang)
    zhang.sees("填写有误的内容和还没有添加的行尚未保存")
    zhang.page.reload()
    expect(zhang.page.locator("[name=employer-name]")).to_have_value("自动保存的单位")
    expect(zhang.page.locator("[name=employer-code]")).to_have_value(play.EMPLOYER["employer-code"])


def test_changing_the_language_loses_nothing(desk: Desk) -> None:
    zhang, _session = at_the_employer(desk)
    zhang.fill({"employer-name": "换语言时的单位"})
    zhang.press("English")
    expect(zhang.page.locator("html")).to_have_attribute("lang", "en")
    expect(zhang.page.locator("[name=employer-name]")).to_have_value("换语言时的单位")


def test_staff_are_warned_too(desk: Desk) -> None:
    li = desk.officer("li.beijing")
    session = next(c["value"] for c in li.context.cookies() if c["name"] == "sessionid")
    desk.stage.leave_alone(session, left=60)
    looked_at(li)
    expect(warning(li)).to_be_visible()
    desk.stage.leave_alone(session)
    looked_at(li)
    expect(warning(li)).to_be_hidden()
    ended(li).get_by_role("link", name="重新登录").click()
    expect(li.page.get_by_role("button", name="登录")).to_be_visible()
