"""The same way with other means: on a phone, by keyboard alone, without scripts, in English."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from deploy import play
from tests.journeys.desk import PHONE, Applicant, Desk

pytestmark = pytest.mark.journey


def test_initial_registration_on_a_phone(desk: Desk) -> None:
    zhang = desk.applicant(photo=True, size=PHONE)
    zhang.open("/home/")
    zhang.fits()
    zhang.begin("初始注册")
    zhang.choose_channel("省级")
    zhang.choose_agency("beijing")
    for fields in (play.PERSONAL | play.CATEGORY, play.EMPLOYER):
        zhang.fits()
        zhang.press("下一步")
        zhang.fill(fields)
    zhang.press("下一步")
    zhang.add_work()
    zhang.fits()
    zhang.press("预览")
    zhang.declare()
    zhang.fits()
    zhang.lodge()
    zhang.fits()


def test_initial_registration_by_keyboard_alone(desk: Desk) -> None:
    zhang = desk.applicant(photo=True)
    zhang.open("/home/")
    keys(zhang, "开始初始注册")
    keys(zhang, "开始初始注册")
    zhang.at_step("选择注册渠道")
    tab_to(zhang, "[name=agency]")
    zhang.page.keyboard.press("Space")
    keys(zhang, "下一步")
    type_in(zhang, play.PERSONAL | play.CATEGORY)
    keys(zhang, "下一步")
    type_in(zhang, play.EMPLOYER)
    keys(zhang, "下一步")
    type_in(zhang, play.EARLIER_WORK)
    keys(zhang, "添加")
    zhang.sees("示例建材有限公司")
    keys(zhang, "预览")
    tab_to(zhang, "[name=declaration-delivery]")
    zhang.page.keyboard.press("Space")
    tab_to(zhang, "[name=declaration-agreed]")
    zhang.page.keyboard.press("Space")
    keys(zhang, "上报")
    zhang.sees("申请已上报")


# --- Hands on the keyboard -------------------------------------------------------------------------

# The Tab key passes this many places at most before somebody has lost the way.
FAR = 160
WITH_WORDS = """words => document.activeElement.matches("a, button")
    && document.activeElement.innerText.trim() === words"""
MATCHES = "selector => document.activeElement.matches(selector)"
SEEN = "getComputedStyle(document.activeElement).outlineStyle !== 'none'"


def keys(zhang: Applicant, words: str) -> None:
    """Go to the button or link with these words and press it."""
    tab_until(zhang, WITH_WORDS, words)
    with zhang.page.expect_navigation():
        zhang.page.keyboard.press("Enter")


def tab_to(zhang: Applicant, selector: str) -> None:
    tab_until(zhang, MATCHES, selector)


def tab_until(zhang: Applicant, arrived: str, what: str) -> None:
    """Press Tab until the focus is there; it must be seen where it is."""
    for _step in range(FAR):
        zhang.page.keyboard.press("Tab")
        if zhang.page.evaluate(arrived, what):
            assert zhang.page.evaluate(SEEN), f"The focus on {what} is not seen."
            return
    raise AssertionError(f"The Tab key does not reach {what} on {zhang.page.url}.")


def type_in(zhang: Applicant, fields: dict[str, str]) -> None:
    """Fill in a page in its own order, with keys only."""
    keyboard = zhang.page.keyboard
    for name in in_order(zhang, fields):
        tab_to(zhang, f"[name='{name}']")
        control, value = zhang.page.locator(f"[name='{name}']"), fields[name]
        match control.evaluate("e => e.tagName === 'SELECT' ? 'select' : e.type"):
            case "select":
                for _line in range(control.evaluate(PLACE, value)):
                    keyboard.press("ArrowDown")
            case "date" | "month":
                type_date(zhang, value)
            case _:
                keyboard.insert_text(value)
        expect(control).to_have_value(value)


def type_date(zhang: Applicant, value: str) -> None:
    """A day or a month by its parts, in the order in which this browser shows them."""
    keyboard = zhang.page.keyboard
    year, month, *day = value.split("-")
    keyboard.type(month)
    if day:
        keyboard.type(day[0])
    else:
        keyboard.press("ArrowRight")
    keyboard.type(year)


PLACE = "(list, value) => Array.from(list.options).findIndex(o => o.value === value) - list.selectedIndex"
NAMES = "() => Array.from(document.querySelectorAll('main [name]')).map(e => e.name)"


def in_order(zhang: Applicant, fields: dict[str, str]) -> list[str]:
    """The fields as they stand on the page."""
    return [name for name in zhang.page.evaluate(NAMES) if name in fields]
