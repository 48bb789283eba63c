"""The Word file: the same form as the PDF, page by page, also as LibreOffice opens it."""

from __future__ import annotations

import io
import re
import zipfile
from functools import cache
from typing import Any

import docx
import pytest
from docx.document import Document
from docx.oxml.ns import qn
from pypdf import PdfReader
from pytest_django import DjangoDbBlocker

from review.documents import forms
from review.documents.forms import Mark
from tests.review.documents.dossiers import DIGEST, content, portrait
from tests.review.documents.office import Opened, opened

pytestmark = pytest.mark.django_db

KINDS = ["initial", "change", "renewal", "reregister"]
LONG_NAME = "古丽·" + "阿卜杜热西提" * 7 + "买买提测"
RARE = "㐂𠮷𪛖"
TRICKS = {
    "markup": "<img src=file:///etc/passwd><w:p/>&amp;",
    "template": "{{7*7}}{% load static %}${7*7}",
    "formula": "=cmd|'/c calc'!A1",
    "direction": "甲\u202e乙\u2066丙\u200f丁",
    "control": "甲\x00\x07\x0b\x1b乙\ufffe丙",
    "lines": "甲\r\n乙\u2028丙",
}


# As they are printed: what no print may carry is left out.
HARMLESS = {**TRICKS, "direction": "甲乙丙丁", "control": "甲乙丙", "lines": "甲乙丙"}


def tricked() -> dict[str, Any]:
    """A dossier with markup in every text, and each other trick as an employer of former times."""
    filled = content(rows=len(TRICKS))
    for part in ("personal", "employer"):
        typed = {
            "id_mask",
            "person",
            "id_digest",
            "contract_from",
            "contract_to",
            "birth_date",
            "graduation_date",
        }
        words = {key for key, value in filled[part].items() if isinstance(value, str)} - typed
        filled[part] |= dict.fromkeys(words, TRICKS["markup"])
    for number, trick in enumerate(TRICKS.values()):
        names = ("employer", "post", "witness", "witness_phone", "work")
        filled["experience"][number] |= dict.fromkeys(names, trick)
    return filled


def how(**more: Any) -> dict[str, Any]:
    return {"photo": portrait(), "digest": DIGEST, "mark": Mark.READY, **more}


def long_rows(count: int) -> dict[str, Any]:
    """A dossier in which everything is as long as the fields take it."""
    filled = content(name=LONG_NAME, address="示例省示例市示例区示例路" * 8)
    filled["employer"]["name"] = "示例" * 50
    row = {
        "from": "2001-03",
        "to": "2002-04",
        "employer": "示例石油天然气股份有限公司第12油气田分公司3号联合处理站安全环保部",
        "post": "安全环保部副经理兼3号站站长",
        "work": "2",
        "witness": LONG_NAME[:20],
        "witness_phone": "13900000000",
    }
    filled["experience"] = [dict(row) for _row in range(count)]
    return filled


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    **{f"{kind}-4": (content(kind, courses=3 if kind == "renewal" else 0), how()) for kind in KINDS},
    **{f"rows-{rows}": (content(rows=rows), how()) for rows in (0, 1, 5, 12, 30)},
    "renewal-30": (content("renewal", rows=30, courses=30), how(mark=Mark.LODGED)),
    "long-1": (long_rows(1), how()),
    "long-30": (long_rows(30), how()),
    "performance": (content("renewal") | {"performance": "主持重大危险源评估。\n" * 90}, how()),
    "draft": (content(name=RARE), how(mark=Mark.DRAFT, photo=None)),
    "tricks": (tricked(), how()),
}


@cache
def word(name: str) -> bytes:
    filled, added = CASES[name]
    return forms.form_word(filled, **added)


@cache
def printed(name: str) -> list[str]:
    """The text of each page of the PDF of the same form."""
    filled, added = CASES[name]
    reader = PdfReader(io.BytesIO(forms.form_pdf(filled, **added)))
    return [re.sub(r"\s", "", page.extract_text()) for page in reader.pages]


def document(name: str) -> Document:
    return docx.Document(io.BytesIO(word(name)))


def texts(name: str) -> set[str]:
    """The texts of all cells and paragraphs of the body."""
    body = document(name).element.body
    paragraphs = body.iter(qn("w:p"))
    return {"".join(t.text or "" for t in p.iter(qn("w:t"))) for p in paragraphs}


# --- The file itself --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_of_the_sheet_is_in_the_word_file(kind: str) -> None:
    filled, added = CASES[f"{kind}-4"]
    sheet = forms.dossier_html(filled, **added)
    seen = re.findall(r"<(?:td|th)[^>]*>\s*([^<]+?)\s*</(?:td|th)>", sheet)
    whole = re.sub(r"\s", "", "".join(texts(f"{kind}-4")))
    assert len(seen) > 40
    assert [value for value in seen if re.sub(r"\s|&\w+;", "", value) not in whole] == []


def test_every_side_says_whose_form_it_is() -> None:
    pages = document("initial-4").sections[0]
    head = "".join(t.text or "" for t in pages.header._element.iter(qn("w:t")))
    foot = "".join(t.text or "" for t in pages.footer._element.iter(qn("w:t")))
    asked = [t.text for t in pages.header._element.iter(qn("w:instrText"))]
    assert "待上报" in head
    assert "注册安全工程师初始注册申请表" in head
    assert "申请编号 ZC202610001237" in head
    assert asked == [" PAGE ", " NUMPAGES "]
    assert "3F2A-91C0-5B7D-4E66" in foot
    assert DIGEST in foot
    assert len(list(pages.footer._element.iter(qn("w:drawing")))) == 1


def test_the_photo_is_25_by_35_millimetres() -> None:
    (photo,) = document("initial-4").inline_shapes
    assert (round(photo.width.mm, 1), round(photo.height.mm, 1)) == (25.0, 35.0)


@pytest.mark.parametrize("photo", [None, b"", b"\xff\xd8 no picture", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"])
def test_what_is_no_picture_leaves_the_box_empty(photo: bytes | None) -> None:
    written = forms.form_word(content(rows=1), **how(photo=photo))
    assert len(docx.Document(io.BytesIO(written)).inline_shapes) == 0


def test_no_row_is_split_and_the_seals_are_held_together() -> None:
    body = document("rows-30").element.body
    rows = list(body.iter(qn("w:tr")))
    assert [row for row in rows if row.trPr is None or row.trPr.find(qn("w:cantSplit")) is None] == []
    signed = next(
        t
        for t in body.iter(qn("w:tbl"))
        if "聘用单位公章" in "".join(x.text or "" for x in t.iter(qn("w:t")))
    )
    says = [row.findall(qn("w:tc"))[1] for row in signed.findall(qn("w:tr"))]
    kept = [
        all(p.find(f"{qn('w:pPr')}/{qn('w:keepNext')}") is not None for p in cell.findall(qn("w:p")))
        for cell in says
    ]
    assert kept == [True, True, True, False]


def test_the_fonts_are_song_and_rare_characters_have_their_own() -> None:
    fonts = {
        (
            run.find(f"{qn('w:rPr')}/{qn('w:rFonts')}").get(qn("w:eastAsia")),
            "".join(t.text for t in run.iter(qn("w:t"))),
        )
        for run in document("draft").element.body.iter(qn("w:r"))
        if run.find(qn("w:t")) is not None
    }
    assert {font for font, _text in fonts} == {"SimSun", "SimHei", "SimSun-ExtB"}
    assert ("SimSun", "㐂") in fonts
    assert ("SimSun-ExtB", "𠮷𪛖") in fonts


def test_an_unfinished_form_says_so_over_every_page() -> None:
    head = document("draft").sections[0].header._element
    foot = "".join(t.text or "" for t in document("draft").sections[0].footer._element.iter(qn("w:t")))
    assert b'string="\xe8\x8d\x89\xe7\xa8\xbf"' in head.xml.encode()
    assert "不得用于签字、盖章和递交" in foot
    assert DIGEST not in foot


@pytest.mark.parametrize("name", TRICKS)
def test_tricks_in_a_value_are_only_text(name: str) -> None:
    assert HARMLESS[name] in texts("tricks")
    assert re.sub(r"\s", "", HARMLESS[name]) in "".join(printed("tricks"))


def test_nothing_is_fetched_or_computed() -> None:
    with zipfile.ZipFile(io.BytesIO(word("tricks"))) as package:
        relations = "".join(
            package.read(part).decode() for part in package.namelist() if part.endswith(".rels")
        )
        assert "External" not in relations
        assert "etc/passwd" not in relations
        assert "<w:instrText" not in package.read("word/document.xml").decode()


def test_nothing_of_the_library_s_template_is_left() -> None:
    properties = document("initial-4").core_properties
    assert properties.title == "注册安全工程师初始注册申请表 ZC202610001237"
    assert properties.author == "注册安全工程师注册管理系统"
    assert properties.comments == ""
    assert not [
        part for part in zipfile.ZipFile(io.BytesIO(word("initial-4"))).namelist() if "thumbnail" in part
    ]


# --- As LibreOffice opens it --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def office(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Opened]:
    with django_db_blocker.unblock():
        return opened({name: word(name) for name in CASES}, tmp_path_factory.mktemp("office"))


@pytest.mark.parametrize("name", CASES)
def test_it_opens_with_the_pages_of_the_pdf(office: dict[str, Opened], name: str) -> None:
    count = len(printed(name))
    assert len(office[name].pages) == count
    assert count % 2 == 0
    for number, (page, side) in enumerate(zip(office[name].pages, printed(name), strict=True), 1):
        for words in (f"第{number}页共{count}页", "申请编号ZC202610001237"):
            assert words in page
            assert words in side


@pytest.mark.parametrize("name", CASES)
def test_each_section_and_the_seals_stand_on_the_same_page_as_in_the_pdf(
    office: dict[str, Opened], name: str
) -> None:
    marks = [
        "一、个人信息",
        "聘用单位",
        "从事安全生产相关业务工作经历",
        "执业期间履职情况",
        "（以下空白）",
        "本人承诺：",
        "（本页无正文）",
    ]
    marks += ["聘用单位公章", "初审机构盖章处", "终审机构盖章处"]
    there = [[mark in page for mark in marks] for page in office[name].pages]
    assert there == [[mark in side for mark in marks] for side in printed(name)]
    assert [row[-3:] for row in there if any(row[-3:])] == [[True, True, True]]


def test_the_photo_and_the_code_are_there(office: dict[str, Opened]) -> None:
    sizes = {picture.size for picture in office["initial-4"].pictures[0]}
    square = {size for size in sizes if size[0] == size[1]}
    assert sizes - square == {(295, 413)}
    assert len(square) == 1


def test_rare_and_long_names_are_there(office: dict[str, Opened]) -> None:
    assert RARE in office["draft"].pages[0]
    assert LONG_NAME in office["long-1"].pages[0]


def test_the_song_face_is_found_under_its_name(office: dict[str, Opened]) -> None:
    families = {re.sub(r"^/\w+\+", "", font) for font in office["draft"].fonts}
    assert any("NotoSerifCJK" in family for family in families), families
    assert any("HanaMin" in family for family in families), families
