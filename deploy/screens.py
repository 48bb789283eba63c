"""A picture of every page of the demonstration, in both sizes, taken while the main job is played."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, sync_playwright

from deploy import demo, play, setup, stores
from deploy.lifelines import Failure, var_folder
from deploy.processes import Portal
from deploy.visitor import Visitor

SIZES: Final = {"wide": (1366, 768), "phone": (390, 844)}
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Names of single things in an address: all cases share one picture.
SINGLE: Final = re.compile(
    r"(?<=invitations/).+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{8}(?=/)|[A-Z]+-\d{8}-\d+|\d+"
)
# Applications lodged beforehand, so that the queues show more than one line.
OTHERS: Final = 7
# Pages that the main job does not pass, or that show more when it is over.
BESIDE: Final = {
    "localhost": (
        "/home/",
        "/password/set/",
        "/password/forgotten/",
        "/password/forgotten/sent/",
        "/guides/initial/",
        "/guides/change/",
        "/guides/renewal/",
        "/guides/reregister/",
        "/agencies/",
        "/announcements/",
        "/registrations/",
        "/verify/",
        "/appeals/",
        "/appeals/status/",
        "/privacy/",
        "/history/",
        "/dates/",
        "/notices/",
        "/account/",
        "/account/password/",
        "/account/notices/",
        "/account/phone/",
        "/nowhere/",
    ),
    f"{play.AGENCY}.localhost": ("/cases/", "/account/", "/account/authenticator/", "/nowhere/"),
    "authority.localhost": ("/cases/",),
}
# The desks' own pages, by who opens them. One that a desk does not have is passed over.
OF_THE_STAFF: Final = {
    play.REVIEWER: (
        "/cases/?tab=mine",
        "/cases/?tab=closed",
        "/cases/?search=nobody",
        "/views/",
        "/notices/",
        "/dispatch-batches/",
        "/files/",
        "/training/",
        "/counter-codes/",
        "/leave/",
        "/account/password/",
        "/account/recovery-codes/",
        "/account/notices/",
        "/account/phone/",
        "/account/phone/number/",
    ),
    play.SUPERVISOR: ("/cases/", "/counter-codes/", "/numbers/", "/dispatch-batches/", "/leave/"),
    play.MANAGER: (
        "/cases/",
        "/people/",
        "/people/?tab=inactive",
        "/people/new/",
        "/people/import/",
        "/numbers/",
        "/settings/",
        "/post-room/",
    ),
    play.AUDITOR: ("/cases/", "/audit/", "/audit/settings/", "/audit/verification/"),
    play.FINAL_REVIEWER: (
        "/cases/",
        "/cases/?tab=closed",
        "/notices/",
        "/views/",
        "/account/",
        "/oversight/",
        "/dispatch-batches/",
        "/files/",
        "/cases/export/",
    ),
    play.SIGNING_OFFICER: ("/cases/",),
    play.REGISTRAR: (
        "/cases/",
        "/batches/",
        "/batches/new/",
        "/registrants/",
        "/registrants/?standing=deemed",
        "/registrants/?standing=proposed",
        "/appeals/",
        "/appeals/?tab=answered",
        "/rosters/",
        "/rosters/export/",
    ),
    play.ADMINISTRATOR: (
        "/oversight/",
        "/agencies/",
        "/agency-openings/new/",
        f"/agencies/{play.AGENCY}/",
        f"/agencies/{play.AGENCY}/particulars/",
        f"/agencies/{play.AGENCY}/suspension/",
        f"/agencies/{play.AGENCY}/merger/",
        f"/agencies/{play.AGENCY}/managers/new/",
        "/agencies/ccic/",
        "/policies/",
        "/policies/final_review_days/",
        "/policies/final_review_days/new/",
        "/policies/draft_retention_days/",
        "/people/",
        "/holidays/",
        "/holidays/day/",
        "/holidays/announcement/",
        "/post-room/",
    ),
    play.AUTHORITY_AUDITOR: (
        "/audit/",
        "/audit/accesses/",
        "/audit/roles/",
        "/audit/settings/",
        "/audit/policies/",
        "/audit/verification/",
    ),
}
# The acts on a case before the authority, on a person of the register, and on a batch.
OF_A_REPORTED_CASE: Final = ("approval", "refusal", "remand")
OF_THE_SIGNING_OFFICER: Final = ("", "assignment", "extension", "termination")
OF_A_REGISTRANT: Final = ("", "name", "document", "merger", "restrictions/new", "endings/cancelled")
OF_A_BATCH: Final = ("", "publication", "withdrawal")
# The acts on a case in hand before it is accepted and after, and what a supervisor does.
BEFORE_ACCEPTANCE: Final = ("correction", "non-acceptance", "acceptance", "paper-slips", "archive")
IN_REVIEW: Final = ("opinion", "export")
OF_THE_SUPERVISOR: Final = (
    "",
    "correction",
    "assignment",
    "extension",
    "termination",
    "restriction",
    "handover",
)
OTHER_AGENCY: Final = "mohurd"
# Who shows the other kinds, and the pages of a draft of each.
OTHER_KINDS: Final = (
    ("change", "变更注册", "王测试", ("personal", "registration", "channel", "experience", "preview")),
    ("renewal", "延续注册", "赵测试", ("personal", "employer", "education", "experience", "preview")),
    ("reregister", "重新注册", "孙测试", ("channel", "personal", "employer", "experience", "preview")),
)
# Seconds in which the worker looks through a small roster.
BEING_READ: Final = 5
# Pages of every draft beside its steps.
OF_A_DRAFT: Final = ("papers", "check", "discard")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=setup.chromium(), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass(slots=True)
class Camera:
    """Takes each page once in each size, as the visitor who is on it sees it."""

    browser: Browser
    folder: Path
    port: int
    taken: set[str] = field(default_factory=set)

    def look(self, visitor: Visitor, note: str = "") -> None:
        """A picture of the visitor's page, unless this page was taken before; `note` tells two apart."""
        checking = visitor.page.select_one(".check-input-ok") is not None
        name = f"{self._name(visitor)}{'-checking' if checking else ''}{note}"
        if name in self.taken:
            return
        self.taken.add(name)
        for size, (width, height) in SIZES.items():
            context = self.browser.new_context(
                viewport={"width": width, "height": height}, locale="zh-CN", reduced_motion="reduce"
            )
            root = f"http://{visitor.host}:{self.port}"
            context.add_cookies(
                [{"name": key, "value": value, "url": root} for key, value in visitor.cookies.items()]
            )
            page = context.new_page()
            page.goto(f"{root}{visitor.path}")
            # Bars that stick to the window's edge belong at the end of a whole page.
            whole = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": width, "height": max(height, min(whole, 6000))})
            page.screenshot(path=self.folder / f"{name}-{size}.png", full_page=True)
            context.close()

    @staticmethod
    def _name(visitor: Visitor) -> str:
        desk = visitor.host.partition(".")[0]
        path = SINGLE.sub("one", re.split(r"[?#]", visitor.path)[0]).strip("/").replace("/", "-")
        signed_in = "" if "sessionid" in visitor.cookies else "out-"
        return f"{desk}-{signed_in}{path or 'start'}"


def take(portal: Portal, env: Mapping[str, str], folder: Path) -> int:
    """Play the main job before the camera and visit what lies beside it; returns the number of pictures."""
    data = var_folder() / "demo"
    with chromium() as browser, stores.captchas(env) as captcha:
        camera = Camera(browser, folder, portal.port)
        played = play.Play(port=portal.port, folder=data, captcha=captcha, watch=camera.look)
        people = play.candidates(data / play.ROSTER)
        for _other in range(OTHERS):
            applicant, _person = play.come_in(played, people)
            play.fill_in(played, applicant)
            play.lodge(played, applicant)
        play.main_job(played, people)
        play.sign_in_staff(played, "authority.localhost", play.REGISTRAR)
        signed_in = [visitor for visitor in played.visitors if "sessionid" in visitor.cookies]
        for visitor in {visitor.host: visitor for visitor in signed_in}.values():
            for path in BESIDE[visitor.host]:
                visitor.glance(path)
                camera.look(visitor, "-later")
        _staff(camera, played)
        _other_kinds(camera, played, data / play.ROSTER)
    return len(camera.taken) * len(SIZES)


def _staff(camera: Camera, played: play.Play) -> None:
    """The desks from inside, as each of the staff sees them, and the acts with what they ask."""
    staff = {
        name: play.sign_in_staff(played, f"{name.partition('.')[2]}.localhost", name) for name in OF_THE_STAFF
    }
    for name, paths in OF_THE_STAFF.items():
        for path in paths:
            query = path.partition("?")[2].partition("=")[2]
            _glance(camera, staff[name], path, f"-{name.partition('.')[0]}{query and f'-{query}'}")
    _review(camera, staff[play.REVIEWER], staff[play.SUPERVISOR])
    _invite(camera, played, staff[play.MANAGER])
    _final_review(camera, staff[play.FINAL_REVIEWER], staff[play.SIGNING_OFFICER])
    _register(camera, staff[play.REGISTRAR])
    _open_agency(camera, staff[play.ADMINISTRATOR])


def _glance(camera: Camera, visitor: Visitor, path: str, note: str) -> None:
    if visitor.glance(path) < HTTPStatus.BAD_REQUEST:
        camera.look(visitor, note)


def _review(camera: Camera, reviewer: Visitor, supervisor: Visitor) -> None:
    """Two cases that wait: one is taken up and accepted, the other handed over to the agency beside."""
    reviewer.open("/cases/?tab=submitted")
    there, other = [str(link["href"]) for link in reviewer.page.select("tbody th a[href]")[:2]]
    reviewer.open(there)
    if "领取" in reviewer.text(".action-bar"):
        reviewer.press("领取")
    camera.look(reviewer, "-in-hand")
    for page in BEFORE_ACCEPTANCE:
        _glance(camera, reviewer, f"{there}{page}/", "")
    reviewer.open(f"{there}acceptance/")
    reviewer.press("受理")
    for page in IN_REVIEW:
        _glance(camera, reviewer, f"{there}{page}/", "")
    for page in OF_THE_SUPERVISOR:
        _glance(camera, supervisor, f"{there}{page}/" if page else there, "-supervisor")
    supervisor.open(f"{other}handover/")
    supervisor.press("查找", {"q": OTHER_AGENCY})
    camera.look(supervisor, "-found")
    supervisor.press("确定转交", {"agency": OTHER_AGENCY, "text": "示例：该类别由其他机构初审"})
    camera.look(supervisor, "-handed-over")
    reviewer.open("/dispatch-batches/")
    reviewer.open(str(reviewer.page.select("tbody th a[href]")[0]["href"]))


def _first(visitor: Visitor, path: str, selector: str = "tbody th a[href]") -> str:
    """Where the first line of a list leads; nowhere when there is none."""
    visitor.open(path)
    link = visitor.page.select_one(selector)
    return str(link["href"]) if link else ""


def _final_review(camera: Camera, officer: Visitor, signing: Visitor) -> None:
    """A dispatch and its approval as a whole, a reported case and what is done with it, one refused."""
    if there := _first(officer, "/dispatch-batches/"):
        _glance(camera, officer, there, "")
        _glance(camera, officer, f"/approvals/?dispatch={there.strip('/').rpartition('/')[2]}", "")
    if there := _first(officer, "/cases/"):
        officer.open(there)
        if "领取" in officer.text(".action-bar"):
            officer.press("领取")
        camera.look(officer, "-in-hand")
        for page in OF_A_REPORTED_CASE:
            _glance(camera, officer, f"{there}{page}/", "")
        for page in OF_THE_SIGNING_OFFICER:
            _glance(camera, signing, f"{there}{page}/" if page else there, "-signing")
    if there := _first(signing, "/cases/?tab=closed&state=final_failed"):
        _glance(camera, signing, there, "-refused")
        _glance(camera, signing, f"{there}reinstatement/", "")


def _register(camera: Camera, registrar: Visitor) -> None:
    """A person and the acts of the registrar, a proposal, an appeal, a batch, a roster on its way."""
    registrar.open("/registrants/")
    registrar.press("查询", {"q": "王测试"})
    camera.look(registrar, "-found")
    there, other = _first(registrar, registrar.path), _first(registrar, "/registrants/?q=孙测试")
    for page in OF_A_REGISTRANT:
        _glance(camera, registrar, f"{there}{page}/" if page else there, "")
    _glance(camera, registrar, f"{there}merger/{other.strip('/').rpartition('/')[2]}/", "")
    if link := _first(registrar, "/registrants/?standing=proposed", "tbody a[href*=restriction-proposals]"):
        _glance(camera, registrar, link, "")
        _glance(camera, registrar, f"{link}refusal/", "")
    if link := _first(registrar, "/appeals/"):
        _glance(camera, registrar, link, "")
    if link := _first(registrar, "/cases/?tab=closed&state=issued"):
        _glance(camera, registrar, link, "-issued")
        if again := registrar.page.select_one("a[href$='/reissue/']"):
            _glance(camera, registrar, str(again["href"]), "")
    registrar.open("/batches/new/")
    if "建立批次" in registrar.text("main"):
        registrar.press("建立批次")
        batch = registrar.path
        for page in OF_A_BATCH:
            _glance(camera, registrar, f"{batch}{page}/" if page else batch, "-open")
    if link := _first(registrar, "/batches/", "tbody tr:last-child th a[href]"):
        _glance(camera, registrar, link, "-published")
    registrar.open("/rosters/")
    roster = camera.folder / "roster-to-import.csv"
    roster.write_bytes((var_folder() / "demo" / play.ROSTER).read_bytes()[:40_000].rpartition(b"\n")[0])
    registrar.press("上传并检查", files={"file": roster})
    time.sleep(BEING_READ)
    camera.look(registrar, "-checked")


def _open_agency(camera: Camera, administrator: Visitor) -> None:
    """An agency opened from the page, from the question to the invitation of its first manager."""
    wish = {"code": "yanshi", "kind": "ministry", "name_zh": "演示示例部", "manager_name": "示例管理"}
    if administrator.glance("/agencies/yanshi/") == HTTPStatus.OK:
        _glance(camera, administrator, "/agencies/yanshi/", "-opened")
        return
    administrator.open("/agency-openings/new/")
    administrator.press("下一步", {**wish, "manager_username": "guan.yanshi"})
    administrator.press("确定开通")
    camera.look(administrator, "-opening")


def _invite(camera: Camera, played: play.Play, manager: Visitor) -> None:
    """Somebody new, from the invitation to the authenticator app, and the page about them."""
    name = f"xin{int(time.time())}.{play.AGENCY}"
    manager.open("/people/new/")
    manager.press("发送邀请", {"name": "新示例", "username": name, "roles": ["reviewer"]})
    link = urlsplit(manager.text("#invitation-link")).path
    newcomer = played.visitor(name, manager.host)
    newcomer.open(link)
    newcomer.press("设置密码", {"password": play.PASSWORD, "again": play.PASSWORD})
    manager.follow("查看该人员")
    camera.look(manager, "-new")


def _other_kinds(camera: Camera, played: play.Play, roster: Path) -> None:
    """The steps of the kinds that the main job does not show, as somebody sees them who begins there."""
    for kind, label, name, steps in OTHER_KINDS:
        applicant = play.sign_in(played, play.somebody(roster, name))
        camera.look(applicant, f"-{kind}")
        applicant.open(f"/applications/new/{kind}/")
        camera.look(applicant, f"-{kind}")
        applicant.press(f"开始{label}" if "继续填写" not in applicant.text("main form") else "继续填写")
        draft = applicant.path.partition("/steps/")[0]
        for page in (*(f"steps/{step}" for step in steps), *OF_A_DRAFT):
            applicant.glance(f"{draft}/{page}/")
            camera.look(applicant, f"-{kind}")


def main(folder: Path) -> int:
    """The command line."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with demo.standing() as (portal, env):
            print(f"{take(portal, env, folder)} pictures in {folder}")
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else var_folder() / "screens")))
