"""Setting up: what is missing is named in one command, or installed, or skipped."""

from __future__ import annotations

import gettext
from pathlib import Path

import pytest

from deploy import check, setup
from deploy.lifelines import Failure
from deploy.translations import compile_file

PANGO = setup.Need(("libpango-1.0-0", "libpangoft2-1.0-0"), "forms cannot be printed", vital=True)
FONTS = setup.Need(("fonts-noto-cjk",), "Chinese text is unreadable", vital=False)
SNAP = setup.Need(("chromium",), "nothing can be tried in a browser", False, "sudo snap install chromium")


@pytest.fixture
def not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)


@pytest.mark.usefixtures("not_root")
def test_who_is_not_root_is_told_one_command_for_all_that_is_missing() -> None:
    with pytest.raises(Failure) as told:
        setup.meet([PANGO, FONTS])
    assert str(told.value).splitlines() == [
        "Without libpango-1.0-0, libpangoft2-1.0-0 forms cannot be printed.",
        "Without fonts-noto-cjk Chinese text is unreadable.",
        "Install what is missing with:",
        "    sudo apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 fonts-noto-cjk",
    ]


@pytest.mark.usefixtures("not_root")
def test_what_is_not_vital_is_only_mentioned(capsys: pytest.CaptureFixture[str]) -> None:
    setup.meet([FONTS, SNAP])
    said = capsys.readouterr().err
    assert "    sudo apt-get install -y --no-install-recommends fonts-noto-cjk\n" in said
    assert "    sudo snap install chromium\n" in said


def test_nothing_missing_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    setup.meet([])
    assert capsys.readouterr() == ("", "")


def test_root_installs_once_the_lists_are_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def apt(*words: str) -> str:
        calls.append(words[0])
        return "404" if calls == ["install"] else ""

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(setup, "_apt_get", apt)
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter([self]))
    setup.meet([PANGO])
    assert calls == ["install", "update", "install"]


def test_compiled_translation_speaks(tmp_path: Path) -> None:
    source = tmp_path / "django.po"
    source.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        'msgid "登录"\nmsgstr "Sign in"\n\n'
        '#, fuzzy\nmsgid "上报"\nmsgstr "Guess"\n',
        encoding="utf-8",
    )
    compile_file(source)
    with (tmp_path / "django.mo").open("rb") as made:
        english = gettext.GNUTranslations(made)
    assert [english.gettext(word) for word in ("登录", "上报")] == ["Sign in", "上报"]


def test_migrations_of_each_app_are_one_line() -> None:
    assert check.branches() == []
