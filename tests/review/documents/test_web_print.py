"""The page of the form, printed from a browser: the form and nothing else, head and foot on every side."""

from __future__ import annotations

import io
import re
from pathlib import Path
from unicodedata import normalize

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from pypdf import PdfReader
from pytest_django import DjangoDbBlocker

from deploy import setup
from deploy.screens import chromium
from review.documents import forms
from review.documents.forms import Mark
from tests.review.documents.dossiers import DIGEST, content, portrait

pytestmark = pytest.mark.django_db

SHEETS = ("portal/site.css", "portal/print.css", "portal/print-page.css")
ROWS = (1, 4, 5, 12, 30)
DRAFT = "draft"
RADICALS = {"⻚": "页", "⻓": "长", "⻔": "门", "⻛": "风", "⻋": "车"}


@pytest.fixture(scope="module")
def printed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> dict[str, list[str]]:
    """The pages, printed as the browser does: by name the text of each side."""
    if setup.chromium() is None:
        pytest.skip("There is no Chromium (bin/setup installs it as root)")
    with django_db_blocker.unblock():
        pages = {str(rows): page_of(rows) for rows in ROWS} | {DRAFT: page_of(4, Mark.DRAFT)}
    with chromium() as browser:
        window = browser.new_page()
        prints = {}
        for name, html in pages.items():
            window.set_content(html)
            prints[name] = window.pdf(prefer_css_page_size=True)
    return {name: sides_of(data) for name, data in prints.items()}


def sides_of(data: bytes) -> list[str]:
    reader = PdfReader(io.BytesIO(data))
    assert {(round(side.mediabox.width), round(side.mediabox.height)) for side in reader.pages} == {
        (595, 842)
    }
    return [re.sub(r"\s", "", plain(side.extract_text())) for side in reader.pages]


def plain(text: str) -> str:
    """The browser's PDF names some characters by the radicals that look the same."""
    return "".join(
        RADICALS.get(one) or (normalize("NFKC", one) if "⼀" <= one <= "⿕" else one) for one in text
    )


def page_of(rows: int, mark: Mark = Mark.READY) -> str:
    """The form's page with all around it that is not to be printed."""
    sheet = forms.dossier_html(
        content(rows=rows), digest=DIGEST, mark=mark, photo=portrait(), full_number="11000019860512001X"
    )
    styles = "".join(f"<style>{Path(str(finders.find(name))).read_text()}</style>" for name in SHEETS)
    around = (
        f'<div class="form-print"><h1>页面标题</h1><p class="form-acts">打印</p>'
        f'<div class="only-wide form-sheet">{sheet}</div><p>后面的话</p></div></main>{styles}'
    )
    return render_to_string("base.html", {"title": "申请表"}).replace("</main>", around)


@pytest.mark.parametrize("rows", ROWS)
def test_the_printed_page_is_the_form_alone(printed: dict[str, list[str]], rows: int) -> None:
    sides = printed[str(rows)]
    for number, side in enumerate(sides, 1):
        assert "待上报注册安全工程师初始注册申请表申请编号ZC202610001237" in side
        assert "3F2A-91C0-5B7D-4E66" in side
        assert DIGEST in side
        assert f"第{number}页共{len(sides)}页" in side
    whole = "".join(sides)
    for around in ("页面标题", "后面的话", "跳到正文", "主办单位", "个人信息保护说明"):
        assert around not in whole


@pytest.mark.parametrize("rows", ROWS)
def test_signatures_and_seals_stand_together(printed: dict[str, list[str]], rows: int) -> None:
    together = ("本人承诺：", "聘用单位公章", "初审机构盖章处", "终审机构盖章处")
    assert [n for side in printed[str(rows)] if (n := sum(word in side for word in together))] == [4]


def test_the_usual_form_is_one_sheet_with_the_whole_number(printed: dict[str, list[str]]) -> None:
    front, back = printed["4"]
    assert "证件号码11000019860512001X" in front
    assert "110000********0014" not in front
    assert "五、从事安全生产相关业务工作经历" in back


def test_an_unfinished_form_says_so_on_every_side(printed: dict[str, list[str]]) -> None:
    for side in printed[DRAFT]:
        assert "草稿" in side
        assert "不得用于签字" in side
        assert DIGEST not in side
