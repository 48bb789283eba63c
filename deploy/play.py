"""The main job, played through the running portal over HTTP on three hosts, up to the certificate.

Every line of the timeline is checked against what the pages say: the state on the applicant's page and the
notice on the applicant's board, and how long after the act it stood there.
"""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pypdfium2  # type: ignore[import-untyped]
from bs4 import BeautifulSoup, Tag

from deploy.lifelines import Failure
from deploy.portrait import draw
from deploy.visitor import Captcha, Visitor, Watch

AGENCY: Final = "beijing"
REVIEWER, SUPERVISOR, MANAGER = "li.beijing", "wang.beijing", "chen.beijing"
AUDITOR = "xu.beijing"
FINAL_REVIEWER, REGISTRAR, ADMINISTRATOR = "zhao.authority", "zhou.authority", "feng.authority"
SIGNING_OFFICER, AUTHORITY_AUDITOR = "qian.authority", "wei.authority"
PASSWORD: Final = "Demo-portal-2026"  # noqa: S105  printed at every start
ROSTER: Final = "roster.csv"
# How the demonstration's roster marks those who may apply for the first time.
FIRST_TIME_NOTE: Final = "可办理初始注册"
# How long a notice may take before a line counts as failed, and how often the board is asked.
PATIENCE: Final = 10.0
# A worker that has just begun draws its first certificate slowly, the more so on a busy machine.
PATIENCE_WITH_WORKER: Final = 60.0
PAUSE: Final = 0.02
# 95 of 100 notices stand on the board within a second of the act.
P95_MS: Final = 1000.0
DAY: Final = 24 * 3600
# The code that a certificate carries, in print and in the address behind its QR code.
CODE: Final = re.compile(r"(?:[2-9A-HJKMNP-Z]{4}-){4}[2-9A-HJKMNP-Z]{4}")


@dataclass(slots=True)
class Line:
    """One line of the timeline: what was done, what the pages say now, and how fast the notice came."""

    who: str
    act: str
    state: str
    notice: str
    ms: float | None
    wrong: str = ""
    # The worker acts first: by the clock, or by making a certificate. This waiting is not the notice's.
    by_worker: bool = False


@dataclass(slots=True)
class Person:
    """Somebody of the demonstration's roster."""

    name: str
    number: str
    certificate: str
    exam_year: str


@dataclass(slots=True)
class Play:
    """One application on its way, and the timeline it leaves."""

    port: int
    folder: Path
    captcha: Captcha
    watch: Watch | None = None
    lines: list[Line] = field(default_factory=list)
    visitors: list[Visitor] = field(default_factory=list)

    def visitor(self, name: str, host: str) -> Visitor:
        """A new browser on one of the hosts."""
        visitor = Visitor(name=name, host=host, port=self.port, captcha=self.captcha, watch=self.watch)
        self.visitors.append(visitor)
        return visitor

    @property
    def good(self) -> bool:
        return bool(self.lines) and not any(line.wrong for line in self.lines) and self.p95 < P95_MS

    @property
    def p95(self) -> float:
        """Of all lines with a notice, in milliseconds from sending the act to reading its notice."""
        times = sorted(line.ms for line in self.lines if line.ms is not None and not line.by_worker)
        return times[min(len(times) - 1, int(len(times) * 0.95))] if times else float("inf")


def _words(element: Tag | None) -> str:
    return " ".join(element.get_text(" ", strip=True).split()) if element else ""


@dataclass(slots=True)
class Board:
    """The applicant's board and state tag, read over HTTP as the applicant's browser reads them."""

    play: Play
    applicant: Visitor
    # The application's number, from its receipt.
    reference: str = ""
    seen: set[str] = field(default_factory=set)

    def titles(self) -> list[tuple[str, str]]:
        """Title and body of each notice, newest first."""
        _status, text, _headers = self.applicant.fetch("/notices/board")
        notices = BeautifulSoup(text, "lxml").select("li.notice")
        return [(str(notice["id"]), _words(notice.select_one(".notice-body"))) for notice in notices]

    def expect(
        self, who: str, act: str, *, since: float, state: str, notice: str = "", by_worker: bool = False
    ) -> None:
        """Wait for the notice of an act and compare it, and the state shown, with what should be there.

        `state` names one, or several with | where the worker may have gone on already.
        """
        patience = PATIENCE_WITH_WORKER if by_worker else PATIENCE
        body, ms = self._wait(notice, since, patience) if notice else ("", None)
        self.applicant.open("/home/")
        shown = self.applicant.text("main .tag")
        wrong = "" if shown and re.search(state, shown) else f"state is “{shown}”, expected “{state}”"
        if notice and ms is None:
            wrong = f"no notice “{notice}” within {patience:.0f} s"
        self.play.lines.append(Line(who, act, shown, body, ms, wrong, by_worker))

    def _wait(self, notice: str, since: float, patience: float) -> tuple[str, float | None]:
        while time.perf_counter() - since < patience:
            for key, body in self.titles():
                if key not in self.seen and notice in body:
                    self.seen.add(key)
                    return body, (time.perf_counter() - since) * 1000
            time.sleep(PAUSE)
        return "", None


# --- The applicant ---------------------------------------------------------------------------------


def candidates(roster: Path) -> Iterator[Person]:
    """People of the roster who may apply for the first time."""
    for row in _rows(roster):
        if row["备注"] == FIRST_TIME_NOTE:
            yield _person(row)


def somebody(roster: Path, name: str) -> Person:
    """The first of this name in the roster."""
    for row in _rows(roster):
        if row["姓名"] == name:
            return _person(row)
    raise Failure(f"{name} is not in {roster}.")


def _rows(roster: Path) -> Iterator[dict[str, str]]:
    with roster.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _person(row: dict[str, str]) -> Person:
    return Person(row["姓名"], row["证件号码"], row["资格证书编号"], row["考试年度"])


def come_in(play: Play, people: Iterator[Person]) -> tuple[Visitor, Person]:
    """初始注册 → 注册资格信息验证 → set the password → the personal page, with the first who has none yet."""
    for person in people:
        applicant = play.visitor(person.name, "localhost")
        applicant.open("/")
        applicant.follow("初始注册")
        applicant.press(
            "下一步",
            {
                "name": person.name,
                "document_type": "01",
                "number": person.number,
                "certificate_number": person.certificate,
                "exam_year": person.exam_year,
            },
        )
        if applicant.path != "/password/new/":
            continue
        applicant.press("设置密码", {"password": PASSWORD, "again": PASSWORD})
        if applicant.path != "/home/":
            raise Failure(
                f"{person.name}: after setting the password on {applicant.path}. {applicant.says()}"
            )
        return applicant, person
    raise Failure("Nobody of the demonstration's roster is left; start with bin/demo --fresh.")


# What the applicants of demonstration and tests fill in, by the names of the fields.
PERSONAL: Final = {
    "personal-education": "21",
    "personal-degree": "4",
    "personal-school": "示例理工大学",
    "personal-major": "安全工程",
    "personal-graduation_date": "2021-06",
    "personal-study_mode": "1",
    "personal-mobile": "13800000000",
}
CATEGORY: Final = {"registration-category": "A5"}
EMPLOYER: Final = {
    "employer-name": "北京示例化工有限公司",
    "employer-code": "91110000MA00000152",
    "employer-attribute": "04",
    "employer-province": "11",
    "employer-city": "北京市",
    "employer-district": "朝阳区",
    "employer-address": "示例路1号",
    "employer-postcode": "100020",
    "employer-contact": "示例联系人",
    "employer-phone": "010-00000001",
    "employer-post": "安全管理",
    "employer-contract_from": "2024-01-01",
    "employer-contract_to": "2039-12-31",
}
EARLIER_WORK: Final = {
    "experience-since": "2021-07",
    "experience-until": "2023-12",
    "experience-employer": "示例建材有限公司",
    "experience-post": "安全员",
    "experience-work": "1",
}
PRESENT_WORK: Final = {
    "experience-since": "2024-01",
    "experience-ongoing": "on",
    "experience-employer": "北京示例化工有限公司",
    "experience-post": "安全主管",
    "experience-work": "2",
}


def sign_in(play: Play, person: Person) -> Visitor:
    """设置密码, or with the password of an earlier time 登录: to the personal page."""
    applicant = play.visitor(person.name, "localhost")
    applicant.open("/password/set/")
    proof = {"name": person.name, "number": person.number, "certificate_number": person.certificate}
    applicant.press("下一步", proof)
    if applicant.path == "/password/new/":
        applicant.press("设置密码", {"password": PASSWORD, "again": PASSWORD})
    else:
        applicant.press("登录", {"number": person.number, "password": PASSWORD})
    if applicant.path != "/home/":
        raise Failure(f"{person.name} cannot sign in. {applicant.says()}")
    return applicant


def fill_in(play: Play, applicant: Visitor) -> None:
    """开始初始注册 and every step of the manual up to the preview."""
    applicant.follow("开始初始注册")
    if not applicant.path.endswith("/steps/channel/"):
        applicant.press("开始初始注册")
    applicant.press("下一步", {"agency": AGENCY})
    portrait = play.folder / "portrait.jpg"
    if not portrait.exists():
        portrait.write_bytes(draw())
    applicant.press("下一步", PERSONAL | CATEGORY, files={"photo-file": portrait})
    applicant.press("下一步", EMPLOYER)
    applicant.press("添加", EARLIER_WORK)
    applicant.press("添加", PRESENT_WORK)
    applicant.press("预览")


def lodge(play: Play, applicant: Visitor) -> Board:
    """上报 from the preview; the board begins here."""
    board = Board(play, applicant)
    since = time.perf_counter()
    applicant.press("上报", {"declaration-agreed": "on", "declaration-delivery": "1"})
    board.reference = applicant.text(".receipt-number")
    board.expect(applicant.name, "上报", since=since, state="已上报，待受理", notice="等待受理")
    return board


def answer_correction(play: Play, board: Board) -> None:
    """The applicant mends what the notice names, and 重新上报."""
    applicant = board.applicant
    applicant.open("/home/")
    applicant.follow("去补正")
    applicant.follow("修改")
    applicant.press("保存", {"employer-address": "示例路2号"})
    applicant.press("重新上报")
    # The signed form no longer fits: the page asks whether the new one has been printed.
    since = time.perf_counter()
    applicant.press("重新上报")
    board.expect(applicant.name, "重新上报", since=since, state="已上报，待受理", notice="重新上报")


# --- The desks -------------------------------------------------------------------------------------


def sign_in_staff(play: Play, host: str, username: str) -> Visitor:
    officer = play.visitor(username, host)
    officer.open("/")
    officer.press("登录", {"username": username, "password": PASSWORD})
    # In a demonstration the page itself shows what an authenticator app would.
    officer.press("登录", {"code": officer.text("[data-code]")})
    if officer.path.startswith("/signin"):
        raise Failure(f"{username} cannot sign in on {host}. {officer.says()}")
    return officer


def open_case(officer: Visitor, board: Board) -> None:
    """Find the applicant's case in the queue by its number: several people may have the same name."""
    officer.open(f"/cases/?search={board.reference}")
    link = officer.page.select_one("table tbody tr a[href]")
    if not board.reference or link is None:
        wanted = f"{board.applicant.name} {board.reference}"
        raise Failure(f"{officer.name}: {wanted} is not in the queue. {officer.text('main')[:300]}")
    officer.open(str(link["href"]))


def review(play: Play, board: Board) -> None:
    """The agency: take up, send back once, accept after the answer, check, pass, refer."""
    reviewer = sign_in_staff(play, f"{AGENCY}.localhost", REVIEWER)
    open_case(reviewer, board)
    since = time.perf_counter()
    reviewer.press("领取")
    board.expect(REVIEWER, "领取", since=since, state="已上报，待受理")

    reviewer.choose("退回补正")
    since = time.perf_counter()
    fault = {"item0-item": "employer.address", "item0-code": "R08", "item0-text": "单位地址与营业执照不一致"}
    reviewer.press("确定退回补正", fault)
    board.expect(REVIEWER, "退回补正", since=since, state="退回补正", notice="需要补正")
    answer_correction(play, board)

    open_case(reviewer, board)
    reviewer.choose("受理")
    since = time.perf_counter()
    reviewer.press("受理")
    board.expect(REVIEWER, "受理", since=since, state="已受理，初审中", notice="已受理您的申请")

    open_case(reviewer, board)
    marks = {str(mark["name"]): "ok" for mark in reviewer.page.select("input.check-input-ok")}
    reviewer.choose("出具初审意见", marks)
    since = time.perf_counter()
    reviewer.press("出具意见", {"verdict": "pass"})
    board.expect(REVIEWER, "初审通过", since=since, state="初审通过", notice="初审")

    open_case(reviewer, board)
    reviewer.choose("报送终审")
    since = time.perf_counter()
    reviewer.press("确定报送")
    board.expect(REVIEWER, "报送终审", since=since, state="已报送，终审中", notice="已于")


def decide(play: Play, board: Board) -> None:
    """The authority: open the case inside its agency and grant it."""
    officer = sign_in_staff(play, "authority.localhost", FINAL_REVIEWER)
    open_case(officer, board)
    since = time.perf_counter()
    officer.press("领取")
    board.expect(FINAL_REVIEWER, "领取", since=since, state="已报送，终审中")
    officer.choose("准予注册")
    since = time.perf_counter()
    officer.press("准予注册")
    board.expect(FINAL_REVIEWER, "准予注册", since=since, state="终审通过", notice="准予初始注册")


# --- The registrar, and everybody ------------------------------------------------------------------


def announce(play: Play, board: Board) -> None:
    """The registrar gathers who waits at the agency into a batch and publishes it; certificates follow."""
    registrar = sign_in_staff(play, "authority.localhost", REGISTRAR)
    registrar.open(f"/batches/new/?agency={AGENCY}")
    registrar.press("建立批次")
    batch = registrar.path.split("/")[2]
    registrar.open(f"/batches/{batch}/publication/")
    since = time.perf_counter()
    registrar.press("公告")
    board.expect(REGISTRAR, "公告", since=since, state="已公告，制证中|有效", notice=f"已列入第{batch}批")
    board.expect("制证", "制发执业证", since=since, state="有效", notice="注册证书已制发", by_worker=True)


def verify(play: Play, board: Board) -> None:
    """Anybody with the certificate in hand asks at its address how it stands."""
    holder = board.applicant
    holder.open("/home/")
    link = holder.page.find("a", href=re.compile("/certificates/"))
    if not isinstance(link, Tag):
        raise Failure(f"{holder.name}: no certificate on {holder.path}.")
    code = _code_of(holder.download(str(link["href"])))
    since = time.perf_counter()
    passer_by = play.visitor("过路人", "localhost")
    passer_by.open(f"/verify/{code.replace('-', '')}/")
    shown, owner = passer_by.text("main .tag"), passer_by.text("main .summary-list")
    good = "注册有效" in passer_by.text("main .note-green") and holder.name in owner
    wrong = "" if good else f"“{passer_by.text('main')[:200]}”"
    ms = (time.perf_counter() - since) * 1000
    play.lines.append(Line("任何人", "验证执业证", shown, "", ms, wrong, by_worker=True))


def _code_of(certificate: bytes) -> str:
    """The verification code as it is printed. Raises Failure where there is none."""
    with pypdfium2.PdfDocument(certificate) as sheets:
        words = sheets[0].get_textpage().get_text_range()
    if found := CODE.search(words):
        return found[0]
    raise Failure(f"No verification code on the certificate: {words[:200]}")


# --- The whole -------------------------------------------------------------------------------------


def main_job(play: Play, people: Iterator[Person]) -> None:
    """One application from the roster to the certificate in hand."""
    applicant, _person = come_in(play, people)
    fill_in(play, applicant)
    board = lodge(play, applicant)
    review(play, board)
    decide(play, board)
    announce(play, board)
    verify(play, board)


def deemed_acceptance(play: Play, people: Iterator[Person], shift: Path) -> None:
    """An agency that stays silent: lodged fourteen days ago, deemed accepted by the clock now."""
    shift.write_text(str(-14 * DAY), encoding="ascii")
    try:
        applicant, _person = come_in(play, people)
        fill_in(play, applicant)
        board = lodge(play, applicant)
    finally:
        shift.write_text("0", encoding="ascii")
    board.expect(
        "法定时限",
        "视为受理",
        since=time.perf_counter(),
        state="视为受理，初审中",
        notice="视为受理",
        by_worker=True,
    )


def timeline(play: Play) -> str:
    """The lines as text, one under the other."""
    shown = []
    for line in play.lines:
        ms = f"{line.ms:5.0f} ms" if line.ms is not None else "   –    "
        shown.append(f"{'✗' if line.wrong else '✓'} {ms}  {line.who:<16} {line.act:<8} → {line.state}")
        if line.notice:
            shown.append(f"{'':13}公告信息: {line.notice}")
        if line.wrong:
            shown.append(f"{'':13}WRONG: {line.wrong}")
    shown.append(f"p95 from act to visible notice: {play.p95:.0f} ms (limit {P95_MS:.0f} ms)")
    return "\n".join(shown)


def accounts(port: int) -> str:
    """Addresses and accounts to try, as text."""
    return f"""
Open in a browser (staff password everywhere: {PASSWORD}; the page of the second step shows its code)
  Applicants and the public   http://localhost:{port}
  An agency, Beijing          http://{AGENCY}.localhost:{port}     ({REVIEWER}, wang.beijing)
  The authority               http://authority.localhost:{port}   ({FINAL_REVIEWER}, {REGISTRAR})
To begin as an applicant, take 初始注册 on the first page with
  张测试, 居民身份证 11000019900307001X, 资格证书 DEMO0000001, and the exam year that demo_data named above.
"""
