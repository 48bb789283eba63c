"""A person at a browser without a screen: opens pages, fills in forms, presses buttons by their words.

It sees what the pages say and nothing else; only the captcha's answer is read from its store, as a person
would read it from the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import mechanicalsoup
from bs4 import Tag
from mechanicalsoup import LinkNotFoundError

from deploy.lifelines import Failure

Captcha = Callable[[str], str]
Watch = Callable[["Visitor"], None]


class Visitor:
    """One person's browser on one host of the portal."""

    def __init__(
        self, *, name: str, host: str, port: int, captcha: Captcha, watch: Watch | None = None
    ) -> None:
        self.name, self.host = name, host
        self._watch = watch
        self._root = f"http://127.0.0.1:{port}"
        self._captcha = captcha
        self._browser = mechanicalsoup.StatefulBrowser(raise_on_404=False, soup_config={"features": "lxml"})
        # The hosts below localhost are known to browsers, not to every resolver: the header says which.
        self._browser.session.headers["Host"] = f"{host}:{port}"
        self._browser.session.headers["Accept-Language"] = "zh-CN"

    @property
    def page(self) -> Tag:
        found: Tag | None = self._browser.page
        if found is None:
            raise Failure(f"{self.name}: {self._browser.url} is not a page.")
        return found

    @property
    def path(self) -> str:
        return str(self._browser.url).removeprefix(self._root)

    def open(self, path: str) -> Tag:
        """Open an address of this host. Raises Failure when the answer is not a page one may see."""
        answer = self._browser.open(f"{self._root}{path}")
        self._check(answer.status_code)
        self._gather()
        return self.page

    def glance(self, path: str) -> int:
        """Open an address whatever it answers; its status."""
        return int(self._browser.open(f"{self._root}{path}").status_code)

    def follow(self, words: str) -> Tag:
        """Follow the link with these words."""
        for link in self.page.select("a[href]"):
            if words in link.get_text(" ", strip=True):
                return self.open(str(link["href"]))
        raise Failure(f"{self.name}: no link “{words}” on {self.path}. {self.says()}")

    def press(
        self,
        words: str,
        fields: Mapping[str, str | list[str]] | None = None,
        files: Mapping[str, Path] | None = None,
    ) -> Tag:
        """Fill in the form whose button carries these words, and press it.

        Raises Failure when there is no such button, or when the page that follows reports errors.
        """
        button = self._button(words)
        form = self._browser.select_form(button.find_parent("form"))
        for name, value in (fields or {}).items():
            try:
                form.set(name, value)
            except LinkNotFoundError as missing:
                raise Failure(f"{self.name}: no field {name} on {self.path}. {self.says()}") from missing
        for name, path in (files or {}).items():
            form.set(name, path.open("rb"))
        self._answer_captcha(form)
        answer = self._browser.submit_selected(btnName=button)
        self._check(answer.status_code)
        self._gather()
        return self.page

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies of this browser, for a second one that looks at the same page."""
        return dict(self._browser.session.cookies.items())

    def choose(self, words: str, fields: Mapping[str, str | list[str]] | None = None) -> Tag:
        """Press the button or follow the link with these words, whichever the page offers."""
        offered = [button.get_text(" ", strip=True) for button in self.page.select("form button")]
        return self.press(words, fields) if words in offered else self.follow(words)

    def text(self, selector: str) -> str:
        """The words of the first element that the selector finds; empty when there is none."""
        found = self.page.select_one(selector)
        return " ".join(found.get_text(" ", strip=True).split()) if found else ""

    def says(self) -> str:
        """What the page reports: its messages and errors, for a clear failure."""
        parts = self.page.select(".messages p, .error-summary, .field-error, .note-error")
        return " / ".join(" ".join(part.get_text(" ", strip=True).split()) for part in parts)[:600]

    def fetch(self, path: str, **headers: str) -> tuple[int, str, Mapping[str, str]]:
        """A request beside the page, as scripts make them: status, text and headers of the answer."""
        answer = self._browser.session.get(f"{self._root}{path}", headers=headers)
        return answer.status_code, answer.text, answer.headers

    def download(self, path: str) -> bytes:
        """A file behind an address of this host. Raises Failure when it is refused."""
        answer = self._browser.session.get(f"{self._root}{path}")
        self._check(answer.status_code)
        return bytes(answer.content)

    def _gather(self) -> None:
        """Bring the controls that name their form from elsewhere on the page into it, as browsers do."""
        for control in self.page.select("[form]"):
            form = self.page.find("form", id=control["form"])
            if form is not None:
                form.append(control.extract())
        if self._watch is not None:
            self._watch(self)

    def _button(self, words: str) -> Tag:
        for button in self.page.select("form button"):
            if words == button.get_text(" ", strip=True):
                return button
        for button in self.page.select("form button"):
            if words in button.get_text(" ", strip=True):
                return button
        raise Failure(f"{self.name}: no button “{words}” on {self.path}. {self.says()}")

    def _answer_captcha(self, form: mechanicalsoup.Form) -> None:
        key = form.form.select_one("input[name=captcha_0]")
        if key is not None:
            form.set("captcha_1", self._captcha(str(key["value"])))

    def _check(self, status: int) -> None:
        if status >= 400:
            raise Failure(f"{self.name}: {self.path} answered {status}. {self.says() or self.text('main')}")
