"""The manual and its journeys: what the document says, what the sources name, what a run has walked."""

from __future__ import annotations

from textwrap import dedent

import pytest

from deploy import manual
from deploy.lifelines import ROOT

pytest_plugins = ["pytester"]

DOCUMENT = """
| 编号 | 手册的要求 | 页面 |
|---|---|---|
| 1.1-1 | 设置密码 | `password_set` |
| 图2 | 身份验证页面 | `password_set`, `signin` |
"""
JOURNEYS = """
    import pytest
    from tests.manual import manual

    @manual("1.1-1")
    def test_first():
        pass

    @manual("图2")
    {mark}
    def test_second():
        {body}

    def test_third():
        pass
"""


# --- Read by syntax alone --------------------------------------------------------------------------


def test_the_document_tells_ids_and_pages() -> None:
    assert manual.sentences(DOCUMENT) == [
        manual.Sentence("1.1-1", "设置密码", ("password_set",)),
        manual.Sentence("图2", "身份验证页面", ("password_set", "signin")),
    ]


def test_ids_are_read_from_the_marks_of_journeys() -> None:
    source = dedent(JOURNEYS.format(mark='@manual("图3", "图4")', body="pass"))
    assert sorted(manual.marked(source, "test_a.py")) == [
        ("1.1-1", "test_a.py::test_first"),
        ("图2", "test_a.py::test_second"),
        ("图3", "test_a.py::test_second"),
        ("图4", "test_a.py::test_second"),
    ]


def test_names_of_addresses_are_read_from_url_configurations() -> None:
    source = (
        'urlpatterns = [path("", a.start, name="signin"), path("x/", include("y.urls")), re_path("z", b)]'
    )
    assert list(manual.named_pages(source)) == ["signin"]


@pytest.mark.parametrize(
    ("document", "walked", "fault"),
    [
        (DOCUMENT, {"1.1-1": ["a"]}, "图2: no journey (身份验证页面)"),
        (
            DOCUMENT,
            {"1.1-1": ["a"], "图2": ["b"], "9-9": ["c"]},
            "9-9: named by c, not in manual-coverage.md",
        ),
        (
            DOCUMENT.replace("`signin`", "`sign_in`"),
            {"1.1-1": ["a"], "图2": ["b"]},
            "图2: no address is called sign_in",
        ),
        (DOCUMENT.replace("`password_set` |", "|", 1), {"1.1-1": ["a"], "图2": ["b"]}, "1.1-1: no page"),
        (DOCUMENT.replace("图2", "1.1-1"), {"1.1-1": ["a"]}, "1.1-1: told twice"),
    ],
    ids=["without a journey", "unknown id", "unknown page", "without a page", "twice"],
)
def test_what_does_not_fit_is_named(document: str, walked: dict[str, list[str]], fault: str) -> None:
    pages = frozenset({"password_set", "signin"})
    assert manual.faults(manual.sentences(document), walked, pages) == [fault]


# --- Watched while tests run -----------------------------------------------------------------------


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A small project of its own with two sentences, both with a journey."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyprojecttoml(
        """
        [tool.pytest.ini_options]
        testpaths = ["cases"]
        addopts = "-p no:django -p no:cacheprovider"
        markers = ["manual: sentences"]
        """
    )
    pytester.path.joinpath("coverage.md").write_text(DOCUMENT, encoding="utf-8")
    pytester.makeconftest(
        """
        from pathlib import Path
        from deploy import manual
        from tests.manual import carry_ids as pytest_collection_modifyitems, pytest_configure
        manual.DOCUMENT = Path("coverage.md")
        """
    )
    pytester.mkdir("cases")
    return pytester


def write(run: pytest.Pytester, *, mark: str = "", body: str = "pass") -> None:
    source = dedent(JOURNEYS.format(mark=mark, body=body))
    run.path.joinpath("cases", "test_a.py").write_text(source, encoding="utf-8")


SKIP = '@pytest.mark.skip("not today")'


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_full_run_fails_for_a_journey_that_was_skipped(run: pytest.Pytester, workers: str) -> None:
    write(run, mark=SKIP)
    result = run.runpytest_subprocess("-n", workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["*the manual is not fulfilled*", "图2: cases/test_a.py::test_second did not pass"]
    )


def test_a_full_run_names_the_sentences_of_a_journey_that_failed(run: pytest.Pytester) -> None:
    write(run, body="assert not 'this'")
    result = run.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["图2: cases/test_a.py::test_second did not pass"])


def test_a_full_run_in_which_all_journeys_pass_is_good(run: pytest.Pytester) -> None:
    write(run)
    assert run.runpytest_subprocess("-n", "2").ret == pytest.ExitCode.OK


def test_a_full_run_misses_a_sentence_without_a_journey(run: pytest.Pytester) -> None:
    write(run)
    with run.path.joinpath("coverage.md").open("a", encoding="utf-8") as document:
        document.write("| 图9 | 更多 | `signin` |\n")
    result = run.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["图9: no journey was run"])


@pytest.mark.parametrize("words", [("-k", "first"), ("cases/test_a.py",), ("-m", "manual"), ("--co",)])
def test_a_narrowed_run_judges_nothing(run: pytest.Pytester, words: tuple[str, ...]) -> None:
    write(run, mark=SKIP)
    assert run.runpytest_subprocess(*words).ret == pytest.ExitCode.OK
