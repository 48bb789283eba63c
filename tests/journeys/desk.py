"""The applicant's desk in a real browser, in the words of the manual; for journeys."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, FilePayload, Locator, Page, expect

from deploy import play
from deploy.portrait import draw
from tests.stage import Lodged, Somebody, Stage

PATIENCE_MS: Final = 15_000
UNTIL_IT_ASKS_MS: Final = 16_000
WIDE, PHONE = (1366, 768), (390, 844)
PASSWORD: Final = play.PASSWORD
# 注册初审机构 of the stage by code: one of each channel.
AGENCIES: Final = {
    "beijing": "北京市应急管理局",
    "mohurd": "住房和城乡建设部",
    "sinopec": "中国石油化工集团有限公司",
}
KINDS: Final = """names => Object.fromEntries(names.map(name => [name, document.getElementsByName(name)[0]])
    .filter(([name, control]) => control).map(([name, control]) => [name, control.type]))"""
FETCH: Final = """async there => {
    const answer = await fetch(there);
    return [answer.headers.get("content-type"), Array.from(new Uint8Array(await answer.arrayBuffer()))];
}"""
CHANNELS: Final = {"beijing": "省级", "mohurd": "部委", "sinopec": "中央企业"}
NO_PICTURE: Final = b"not a picture" * 4000
NEW_EMPLOYER: Final = play.EMPLOYER | {
    "employer-name": "北京示例安全技术服务有限公司",
    "employer-code": "91110000MA0000023W",
}


@lru_cache(maxsize=1)
def portrait() -> bytes:
    return draw()


def a_file(name: str, data: bytes = b"") -> FilePayload:
    """A picture to be chosen from a disk."""
    return {"name": name, "mimeType": "image/jpeg", "buffer": data or portrait()}


@dataclass
class Window:
    """A browser window of one person: windows share neither cookies nor anything else."""

    page: Page
    stage: Stage
    root: str

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    def open(self, path: str) -> None:
        """Type an address of this host; whatever it answers, it is no fault of the server."""
        answer = self.page.goto(f"{self.root}{path}")
        assert answer is not None
        assert answer.status < 500, f"{path} answers {answer.status}"

    def another(self) -> Window:
        """A second tab of the same window."""
        return Window(self.context.new_page(), self.stage, self.root)

    # --- What one does

    def fill(self, fields: Mapping[str, str] | None = None, /, **named: str) -> None:
        """Fill in fields by their names; a choice by its value, a box by "on"."""
        given = {**(fields or {}), **named}
        last = list(given)[-1]
        expect(self.page.locator(f"[name='{last}']").first).to_be_attached()
        kinds: dict[str, str] = self.page.evaluate(KINDS, list(given))
        for name, value in given.items():
            control = self.page.locator(f"[name='{name}']")
            match kinds.get(name):
                case None:
                    raise AssertionError(f"There is no field {name} on {self.page.url}.")
                case "select-one":
                    control.select_option(value)
                case "radio" | "checkbox":
                    wanted = (
                        control if value == "on" else self.page.locator(f"[name='{name}'][value='{value}']")
                    )
                    wanted.check(force=True)
                case _:
                    control.fill(value)

    def press(self, words: str) -> None:
        """Press the button with exactly these words."""
        self.page.get_by_role("button", name=words, exact=True).click()

    def follow(self, words: str, *, within: str = "", exact: bool = True) -> None:
        """Follow the link with exactly these words; `within` names the part of the page by its heading."""
        part = self.part(within) if within else self.page.locator("body")
        part.get_by_role("link", name=words, exact=exact).first.click()

    def answer_captcha(self) -> None:
        key = self.page.locator("[name=captcha_0]").get_attribute("value")
        self.page.locator("[name=captcha_1]").fill(self.stage.captcha(key or ""))

    def fetched(self, link: str) -> tuple[str, bytes]:
        """What is behind the link with these words: its kind and its content."""
        there = self.page.get_by_role("link", name=link).first.get_attribute("href")
        kind, data = self.page.evaluate(FETCH, there)
        return kind, bytes(data)

    # --- What one sees

    def part(self, heading: str) -> Locator:
        """The part of the page under this heading."""
        parts = self.page.locator("section, aside, nav, fieldset, article, div.panel")
        return parts.filter(has=self.page.get_by_role("heading", name=heading, exact=True)).last

    def sees(self, words: str) -> None:
        expect(self.main).to_contain_text(words)

    def sees_heading(self, words: str) -> None:
        expect(self.page.get_by_role("heading", name=words, exact=True).first).to_be_visible()

    def fits(self) -> None:
        """Nothing sticks out to the side of the window."""
        self.page.wait_for_load_state()
        wide, room = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= room, f"{self.page.url} is {wide} px wide in a window of {room} px"


class Officer(Window):
    """Somebody of the staff at their own host."""

    def sign_in(self, username: str) -> None:
        self.open("/")
        self.fill(username=username, password=PASSWORD)
        self.press("登录")
        self.sees_heading("登录验证")
        self.fill(code=self.stage.code(username))
        self.press("登录")
        expect(self.page).not_to_have_url(re.compile(r"/signin/"))

    def accept_invitation(self, path: str, username: str) -> None:
        """The link of an invitation: a password, the authenticator app, the recovery codes, and in."""
        self.open(path)
        self.fill(password=PASSWORD, again=PASSWORD)
        self.press("设置密码")
        self.sees_heading("设置身份验证器")
        self.fill(code=self.stage.code(username, new=True))
        self.press("确认")
        self.sees_heading("保存恢复码")
        self.follow("我已保存，继续")

    def follow_case(self, reference: str) -> None:
        self.page.get_by_role("link", name=reference).first.click()

    def take_next(self) -> str:
        """下一件; the number of the case that one has then."""
        self.press("下一件")
        self.says("已领取，本案由您办理")
        return self.page.locator(".page-head .figures").first.inner_text()

    def mark(self, *faults: str) -> None:
        """符合 on every section of the dossier, 有误 on these."""
        for choice in self.page.locator("label[for^='ok-']").all():
            section = (choice.get_attribute("for") or "").removeprefix("ok-")
            self.page.locator(f"label[for='{'fault' if section in faults else 'ok'}-{section}']").click()

    def says(self, words: str) -> None:
        """The message on top of the page."""
        expect(self.page.locator(".messages")).to_contain_text(words)


@dataclass
class Applicant(Window):
    """A person of the roster at the applicant's desk."""

    person: Somebody
    application: Lodged | None = None

    # --- 登录

    def verify_exam(self) -> None:
        """注册资格信息验证, filled in and sent."""
        self.fill(
            name=self.person.name,
            number=self.person.number,
            certificate_number=self.person.certificate,
            exam_year=self.person.exam_year,
        )
        self.answer_captcha()
        self.press("下一步")

    def verify_identity(self) -> None:
        """身份验证, filled in and sent."""
        certificate = self.person.registration or self.person.certificate
        self.fill(name=self.person.name, number=self.person.number, certificate_number=certificate)
        self.answer_captcha()
        self.press("下一步")

    def set_password(self, password: str = PASSWORD, *, button: str = "设置密码") -> None:
        self.fill(password=password, again=password)
        self.press(button)

    def ask_for_letter(self) -> None:
        """密码找回, filled in and sent."""
        self.fill(document_type="01", number=self.person.number)
        self.answer_captcha()
        self.press("发送重置链接")

    def come_with_code(self, code: str) -> None:
        """用柜台重置码设置密码, filled in and sent."""
        self.fill(name=self.person.name, document_type="01", number=self.person.number, code=code)
        self.answer_captcha()
        self.press("下一步")

    def appeal(self) -> None:
        """考试信息申诉, filled in and sent."""
        self.fill(
            name=self.person.name,
            phone="13800000000",
            number=self.person.number,
            certificate_number="CS99999999",
            exam_year="2024",
            exam_place="北京市",
            statement="示例：名册中没有我的考试记录。",
        )
        self.page.locator("[name=proof_1]").set_input_files(a_file("proof.jpg"))
        self.answer_captcha()
        self.press("提交申诉")

    def sign_in(self, password: str = PASSWORD) -> None:
        """The sign-in card, filled in and sent."""
        self.fill(document_type="01", number=self.person.number, password=password)
        self.answer_captcha()
        self.press("登录")

    # --- 填写步骤

    def begin(self, kind: str) -> None:
        """开始…注册 on the personal page, and again under its navigator."""
        self.open("/home/")
        self.follow(f"开始{kind}")
        self.press(f"开始{kind}")

    def at_step(self, label: str) -> None:
        """The navigator stands at this step."""
        expect(self.page.locator(".steps [aria-current=step]")).to_contain_text(label)

    def steps(self) -> list[str]:
        """The labels of the navigator, without the words that tell how far one is."""
        expect(self.page.locator(".steps .step-label").first).to_be_visible()
        return [words.split()[0] for words in self.page.locator(".steps .step-label").all_inner_texts()]

    def choose_channel(self, channel: str) -> None:
        self.page.get_by_role("link", name=channel).first.click()

    def choose_agency(self, code: str) -> None:
        self.page.locator(f"[name=agency][value={code}]").check(force=True)

    def add_photo(self, photo: bytes = b"") -> None:
        self.page.locator("[name=photo-file]").set_input_files(a_file("portrait.jpg", photo))

    def upload(self, paper: str) -> None:
        """上传材料: one picture as this paper."""
        item = self.page.locator(f"#paper-{paper}")
        item.locator("[type=file]").set_input_files(a_file("paper.jpg"))
        expect(item.locator(".paper-file")).to_have_count(1)

    def add_work(self, row: Mapping[str, str] = play.EARLIER_WORK) -> None:
        rows = self.page.locator("#rows tbody tr")
        there = rows.count()
        self.fill(row)
        self.press("添加")
        expect(rows).to_have_count(there + 1)

    def follow_row(self, number: int) -> None:
        """起止时间 of a row: to change or delete it."""
        self.page.locator("#rows tbody tr").nth(number).get_by_role("link").first.click()

    def declare(self) -> None:
        """证书领取方式 and 本人承诺 on the preview page."""
        self.fill({"declaration-delivery": "1", "declaration-agreed": "on"})

    def lodge(self) -> str:
        """上报; the application's number from its receipt."""
        self.press("上报")
        self.sees("申请已上报")
        return self.page.locator(".receipt-number").inner_text()

    # --- 个人页面

    @property
    def board(self) -> Locator:
        """公告信息."""
        return self.page.locator(".board")

    def hears(self, words: str) -> None:
        """The board learns of it by itself, without the page being opened again.

        The page asks for news every 15 seconds: the clock of the browser (`page.clock.install()` before the
        page was opened) is turned forward instead of waiting.
        """
        for _time in range(5):
            self.page.clock.fast_forward(UNTIL_IT_ASKS_MS)
            with suppress(AssertionError):
                return expect(self.board).to_contain_text(words, timeout=PATIENCE_MS / 5)
        return expect(self.board).to_contain_text(words)

    def card(self, kind: str) -> Locator:
        """What the personal page says about a kind of application: open, or why not."""
        cards = self.page.locator(".card-act")
        return cards.filter(has=self.page.get_by_role("heading", name=kind, exact=True))

    @property
    def menu(self) -> Locator:
        """功能目录."""
        return self.page.get_by_role("navigation", name="功能目录")


@dataclass
class Desk:
    """Opens windows for the people of a journey and closes them at its end."""

    browser: Browser
    stage: Stage
    opened: list[BrowserContext] = field(default_factory=list)

    def newcomer(self, situation: str = "first", *, size: tuple[int, int] = WIDE, **more: Any) -> Applicant:
        """Somebody of the roster before the start page, not signed in."""
        person = self.stage.someone(situation, **more)
        return Applicant(self.page("localhost", size), self.stage, self._root("localhost"), person)

    def applicant(self, situation: str = "first", *, size: tuple[int, int] = WIDE, **more: Any) -> Applicant:
        """Somebody who has just signed in; the journey is about something else."""
        who = self.newcomer(situation, size=size, **{"account": True, **more})
        self.let_in(who)
        return who

    def let_in(self, who: Applicant) -> str:
        """Sign somebody in without the pages of signing in; the session's key."""
        key = self.stage.session_of(who.person)
        who.context.add_cookies([{"name": "sessionid", "value": key, "url": who.root}])
        return key

    def at_desk(self, agency: str, *, size: tuple[int, int] = WIDE) -> Officer:
        """A window before an agency's host, nobody signed in."""
        host = f"{agency}.localhost"
        return Officer(self.page(host, size), self.stage, self._root(host))

    def officer(self, username: str, *, by_form: bool = False, size: tuple[int, int] = WIDE) -> Officer:
        """Somebody of the staff who has just signed in, at the first page; `by_form` as one does it."""
        officer = self.at_desk(username.partition(".")[2], size=size)
        if by_form:
            officer.sign_in(username)
            return officer
        key = self.stage.session_of_staff(username)
        officer.context.add_cookies([{"name": "sessionid", "value": key, "url": officer.root}])
        officer.open("/cases/")
        return officer

    def link_mailed_to(self, address: str) -> str:
        """The path of the link in the newest letter to this address, when it has come."""
        until = time.monotonic() + PATIENCE_MS / 1000
        while time.monotonic() < until:
            for letter in reversed(self.stage.letters()):
                found = re.search(r"https?://[^/\s]+(/\S+)", letter.get_content())
                if address in letter["To"] and found:
                    return found[1]
            time.sleep(0.1)
        raise AssertionError(f"No letter with a link came to {address}.")

    def close(self) -> None:
        for context in self.opened:
            context.close()

    def picture(self, folder: Path, name: str) -> None:
        """What every window shows now."""
        folder.mkdir(parents=True, exist_ok=True)
        pages = (page for context in self.opened for page in context.pages)
        for number, page in enumerate(pages):
            page.screenshot(path=folder / f"{name}-{number}.png", full_page=True)

    def _root(self, host: str) -> str:
        return f"http://{host}:{self.stage.portal.port}"

    def page(self, host: str, size: tuple[int, int] = WIDE) -> Page:
        """A page in a window of its own."""
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale="zh-CN", reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE_MS)
        self.opened.append(context)
        return context.new_page()
