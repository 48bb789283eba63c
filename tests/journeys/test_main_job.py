"""The main job in a real browser: an applicant, a reviewer and the authority in three windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from deploy import play
from deploy.portrait import draw
from deploy.screens import chromium
from tests.stage import Stage

pytestmark = pytest.mark.journey
PATIENCE_MS = 15_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@dataclass
class Window:
    """A browser window of one person: contexts share neither cookies nor anything else."""

    page: Page
    root: str

    def open(self, path: str) -> None:
        self.page.goto(f"{self.root}{path}")

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            control = self.page.locator(f"[name='{name.replace('__', '-')}']").first
            if control.evaluate("e => e.tagName") == "SELECT":
                control.select_option(value)
            else:
                control.fill(value)

    def press(self, words: str) -> None:
        self.page.get_by_role("button", name=words, exact=True).click()

    def follow(self, words: str) -> None:
        self.page.get_by_role("link", name=words).first.click()

    def answer_captcha(self, running: Stage) -> None:
        key = self.page.locator("[name=captcha_0]").get_attribute("value")
        self.page.locator("[name=captcha_1]").fill(running.captcha(key or ""))


def window(browser: Browser, running: Stage, host: str, *, width: int = 1366, height: int = 768) -> Window:
    context: BrowserContext = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
    context.set_default_timeout(PATIENCE_MS)
    return Window(context.new_page(), f"http://{host}:{running.portal.port}")


def sign_in(officer: Window, username: str) -> None:
    officer.open("/")
    officer.fill(username=username, password=play.PASSWORD)
    officer.press("登录")


def test_from_the_roster_to_the_register(browser: Browser, running: Stage) -> None:
    person = next(running.people)
    zhang = window(browser, running, "localhost", width=390, height=844)
    li = window(browser, running, "beijing.localhost")
    zhao = window(browser, running, "authority.localhost")

    # The applicant, on a phone.
    zhang.open("/")
    zhang.follow("初始注册")
    zhang.fill(
        name=person.name,
        number=person.number,
        certificate_number=person.certificate,
        exam_year=person.exam_year,
    )
    zhang.answer_captcha(running)
    zhang.press("下一步")
    zhang.fill(password=play.PASSWORD, again=play.PASSWORD)
    zhang.press("设置密码")
    zhang.follow("开始初始注册")
    if zhang.page.get_by_role("button", name="开始初始注册").count():
        zhang.press("开始初始注册")
    zhang.page.locator("[name=agency][value=beijing]").check(force=True)
    zhang.press("下一步")

    # A file that is no picture is refused beside its field, and what was typed stays.
    zhang.fill(personal__school="示例理工大学", personal__mobile="13800000000")
    zhang.page.locator("[name=photo-file]").set_input_files(
        {"name": "portrait.jpg", "mimeType": "image/jpeg", "buffer": b"not a picture" * 4000}
    )
    zhang.press("下一步")
    expect(zhang.page.locator(".error-summary")).to_be_visible()
    expect(zhang.page.locator("[name=personal-school]")).to_have_value("示例理工大学")
    zhang.page.locator("[name=photo-file]").set_input_files(
        {"name": "portrait.jpg", "mimeType": "image/jpeg", "buffer": draw()}
    )
    zhang.fill(
        personal__education="21",
        personal__degree="4",
        personal__major="安全工程",
        personal__graduation_date="2012-06",
        personal__study_mode="1",
        registration__category="A5",
    )
    zhang.press("下一步")
    zhang.fill(
        employer__name="北京示例化工有限公司",
        employer__code="91110000MA00000152",
        employer__attribute="04",
        employer__province="11",
        employer__city="北京市",
        employer__district="朝阳区",
        employer__address="示例路1号",
        employer__postcode="100020",
        employer__contact="示例联系人",
        employer__phone="010-00000001",
        employer__post="安全管理",
        employer__contract_from="2024-01-01",
        employer__contract_to="2029-12-31",
    )
    zhang.press("下一步")
    zhang.fill(
        experience__since="2020-07",
        experience__until="2023-12",
        experience__employer="示例建材有限公司",
        experience__post="安全员",
        experience__work="1",
    )
    zhang.press("添加")
    # The row is mended by clicking its 起止时间.
    zhang.follow("2020年7月")
    zhang.page.locator("[name=experience-post]").fill("安全主管")
    zhang.press("确认修改")
    expect(zhang.page.locator("main")).to_contain_text("安全主管")
    zhang.press("预览")
    zhang.page.locator("[name=declaration-delivery][value='1']").check(force=True)
    zhang.page.locator("[name=declaration-agreed]").check(force=True)
    zhang.press("上报")
    expect(zhang.page.locator("main")).to_contain_text("申请已上报")
    reference = zhang.page.locator("main").inner_text().split("ZC")[1][:12]

    # Back button and a second 上报: still one application.
    zhang.page.go_back()
    zhang.open("/home/")
    expect(zhang.page.locator(".board")).to_contain_text("等待受理")

    # The reviewer.
    sign_in(li, "li.beijing")
    li.follow(f"ZC{reference}")
    li.press("领取")
    li.press("受理")
    li.press("受理")
    expect(li.page.locator(".messages")).to_contain_text("已受理")
    for mark in li.page.locator("label[for^='ok-']").all():
        mark.click()
    li.press("出具初审意见")
    li.page.locator("[name=verdict][value=pass]").check(force=True)
    li.press("出具意见")
    li.follow("报送终审") if li.page.get_by_role("link", name="报送终审").count() else li.press("报送终审")
    li.press("确定报送")
    expect(li.page.locator(".messages")).to_contain_text("已报送")

    # The board learns of it by itself, without the page being opened again.
    expect(zhang.page.locator(".board")).to_contain_text("已于", timeout=30_000)

    # The authority.
    sign_in(zhao, "zhao.authority")
    zhao.follow(f"ZC{reference}")
    zhao.press("领取")
    zhao.follow("准予注册")
    zhao.press("准予注册")
    expect(zhao.page.locator("main")).to_contain_text("终审通过")
    expect(zhang.page.locator(".board")).to_contain_text("准予初始注册", timeout=30_000)
    zhang.open("/home/")
    expect(zhang.page.locator("main .tag").first).to_contain_text("终审通过")
