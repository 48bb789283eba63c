"""Officers who decide cases through the pages of their desks, and are not put off by a portal that fails.

They do what a person does: look at the page of the case, press what it offers and what follows on it, and
when no answer comes, look again whether it was done, else press again.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlencode, urlsplit

Fields = Mapping[str, str | Sequence[str]]

# What a browser has in its cookie comes back with each form.
CSRF: Final = "a" * 32
ITEMS: Final = ("personal", "photo", "qualification", "registration", "employer", "experience", "papers")
CHECKED: Final[Fields] = {"version": "1", **{f"verdict-{item}": "ok" for item in ITEMS}}
# What is pressed on the way of a case as soon as its page offers it, at the agency and at the authority.
AGENCY: Final[Mapping[str, Fields]] = {
    "holding": {},
    "acceptance": {},
    "opinion": {"verdict": "pass"},
    "referral": {},
}
AUTHORITY: Final[Mapping[str, Fields]] = {"holding": {}, "approval": {}}
# The movements of one case's way, each of them exactly once: (one of) these acts.
DECISIONS: Final = (("accept", "deem_accept"), ("give_opinion",), ("refer",), ("approve",))
# While sections are being checked, a button keeps the marks first and carries its act's name.
NOUNS: Final = {"accept": "acceptance", "give_opinion": "opinion", "refer": "referral"}
LATER: Final = "请稍后刷新"
OFFICERS: Final = 8
PATIENCE: Final = 240
PAUSE: Final = 0.2


@dataclass
class Pulse:
    """How many presses are on their way to the portal at this moment, and how many were answered so far."""

    pressing: int = 0
    answered: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def press(self) -> Iterator[None]:
        with self.lock:
            self.pressing += 1
        try:
            yield
        finally:
            with self.lock:
                self.pressing -= 1

    def answer(self) -> None:
        with self.lock:
            self.answered += 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the page, and where it sends one."""

    status: int
    text: str
    elsewhere: str


class Desk:
    """The browser of one officer at one desk."""

    def __init__(self, port: int, desk: str, session: str, pulse: Pulse) -> None:
        self.port, self.pulse = port, pulse
        self.head = {
            "Host": f"{desk}.localhost:{port}",
            "Cookie": f"sessionid={session}; csrftoken={CSRF}",
        }

    def get(self, path: str) -> str | None:
        """The page at this address; None when no answer came, or the portal says that it failed."""
        return self._page(f"GET {path}", self._ask("GET", path, None))

    def post(self, path: str, fields: Fields) -> str | None:
        """The page that follows on a press; None when no answer came to the press itself."""
        return self._page(f"POST {path}", self._press(path, fields))

    def press(self, path: str, fields: Fields) -> bool:
        """Press and read no page afterwards. Whether the portal took it and would show the next page."""
        answer = self._press(path, fields)
        return answer is not None and answer.status == 302

    def _press(self, path: str, fields: Fields) -> Answer | None:
        with self.pulse.press():
            answer = self._ask("POST", path, urlencode({"csrfmiddlewaretoken": CSRF, **fields}, doseq=True))
        if answer is not None:
            self.pulse.answer()
        return answer

    def look(self, case: str) -> str:
        """The page of a case, asked for until it comes. Raises TimeoutError when it never does."""
        last = time.monotonic() + PATIENCE
        while (page := self.get(f"/cases/{case}/")) is None:
            if time.monotonic() > last:
                raise TimeoutError(f"The page of {case} did not come for {PATIENCE} s.")
            time.sleep(PAUSE)
        return page

    def _page(self, asked: str, answer: Answer | None) -> str | None:
        if answer is None or answer.status >= 500:
            return None
        if answer.status == 302:
            return self.get(answer.elsewhere) or ""
        if answer.status not in (200, 409):
            raise AssertionError(f"{asked}: {answer.status}")
        return answer.text

    def _ask(self, method: str, path: str, body: str | None) -> Answer | None:
        link = HTTPConnection("127.0.0.1", self.port, timeout=60)
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        try:
            link.request(method, path, body, {**self.head, **kind})
            came = link.getresponse()
            where = urlsplit(came.headers.get("Location", ""))
            return Answer(came.status, came.read().decode(), f"{where.path}?{where.query}")
        except (OSError, HTTPException):
            return None
        finally:
            link.close()


@dataclass(frozen=True, slots=True)
class Batch:
    """Some cases of one agency, to be decided one by one or together."""

    agency: str
    cases: Sequence[str]
    together: bool


class Officers:
    """Eight people at work on batches of cases, while a fault happens."""

    def __init__(self, port: int, sessions: Mapping[str, str]) -> None:
        self.pulse = Pulse()
        self.desks = {desk: Desk(port, desk, session, self.pulse) for desk, session in sessions.items()}
        self.decided: set[str] = set()
        self._lock = threading.Lock()

    def set_to_work(self, batches: Sequence[Batch]) -> Work:
        pool = ThreadPoolExecutor(OFFICERS)
        jobs = [pool.submit(self._decide, batch) for batch in batches]
        pool.shutdown(wait=False)
        return Work(jobs)

    def _decide(self, batch: Batch) -> None:
        agency, authority = self.desks[batch.agency], self.desks["authority"]
        everything = {"case": list(batch.cases), "confirmed": "1"}
        if batch.together:
            agency.post("/acceptances/", everything)
        for case in batch.cases:
            _go(agency, case, {noun: AGENCY[noun] for noun in ("holding", "acceptance", "opinion")})
        if batch.together:
            agency.post("/dispatches/", everything)
        for case in batch.cases:
            _go(agency, case, AGENCY)
        if batch.together:
            page = authority.post("/approvals/", {"case": list(batch.cases)}) or ""
            seen = re.findall(r'name="seen"\s+value="([^"]+)"', page)
            authority.post("/approvals/", {**everything, "seen": seen, "text": ""})
        for case in batch.cases:
            _go(authority, case, AUTHORITY)
        with self._lock:
            self.decided.update(batch.cases)


class Work:
    """What the officers are about."""

    def __init__(self, jobs: Sequence[Future[None]]) -> None:
        self.jobs = jobs

    def goes_on(self, seconds: float) -> bool:
        """Whether somebody is still at work after so many seconds. Raises what stopped an officer."""
        last = time.monotonic() + seconds
        while any(not job.done() for job in self.jobs) and time.monotonic() < last:
            time.sleep(0.05)
        for job in self.jobs:
            if job.done():
                job.result()
        return any(not job.done() for job in self.jobs)


def _go(desk: Desk, case: str, way: Mapping[str, Fields]) -> None:
    """Press what the page of the case offers and what follows on it, until the page offers nothing more."""
    last = time.monotonic() + PATIENCE
    while noun := _next(way, case, _calm(desk, case)):
        # Whoever knows the way does not read the page between two presses, unless one was not taken.
        ahead = list(way)[list(way).index(noun) :]
        if not all(_pressed(desk, case, one, way[one]) for one in ahead):
            time.sleep(PAUSE)
        if time.monotonic() > last:
            raise TimeoutError(f"{noun} of {case} was pressed in vain for {PATIENCE} s.")


def _pressed(desk: Desk, case: str, noun: str, fields: Fields) -> bool:
    if noun == "opinion":
        desk.press(f"/cases/{case}/checks/", CHECKED)
    return desk.press(f"/cases/{case}/{noun}/", fields)


def _calm(desk: Desk, case: str) -> str:
    """The page of a case at a moment when nothing keeps it from being pressed."""
    last = time.monotonic() + PATIENCE
    while LATER in (page := desk.look(case)) and time.monotonic() < last:
        time.sleep(PAUSE)
    return page


def _next(way: Mapping[str, Fields], case: str, page: str) -> str | None:
    """What is to be pressed next of what this page offers."""
    if LATER in page:
        return None
    named = {NOUNS.get(act, "") for act in re.findall(r'name="then"\s+value="([a-z_]+)"', page)}
    offered = named | set(re.findall(rf'(?:href|action)="/cases/{case}/([a-z-]+)/"', page))
    return next((noun for noun in way if noun in offered), None)
