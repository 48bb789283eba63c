from __future__ import annotations

import datetime as dt
import io
import re
from functools import cache
from typing import Any

import pytest
from django.utils.translation import override
from pypdf import PageObject, PdfReader

from review.documents import forms
from review.documents.forms import Mark, PrintedOpinion
from tests.review.documents.dossiers import DIGEST, content, portrait

pytestmark = pytest.mark.django_db

ROWS = [0, 10, 25]
KINDS = ["initial", "change", "renewal", "reregister"]
TITLES = {
    "initial": "注册安全工程师初始注册申请表",
    "change": "注册安全工程师变更注册申请表",
    "renewal": "注册安全工程师延续注册申请表",
    "reregister": "注册安全工程师重新注册申请表",
}


def printed(kind: str = "initial", *, mark: Mark = Mark.READY, **more: Any) -> PdfReader:
    filled = more.pop("content", None) or content(kind)
    more = {"photo": portrait(), "digest": DIGEST, **more}
    return PdfReader(io.BytesIO(forms.form_pdf(filled, mark=mark, **more)))


def words(page: PageObject) -> str:
    """The text of a page without the blanks and line ends that its columns cause."""
    return re.sub(r"\s", "", page.extract_text())


@cache
def sides(kind: str = "initial", rows: int = 4, courses: int = 0) -> list[str]:
    """The text of every side of a usual print, rendered once for all who ask."""
    return [words(page) for page in printed(content=content(kind, rows=rows, courses=courses)).pages]


# --- Sides ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "courses"), [*((kind, 0) for kind in KINDS), ("renewal", 3)])
def test_the_usual_form_is_one_sheet_printed_on_both_sides(kind: str, courses: int) -> None:
    assert len(sides(kind, courses=courses)) == 2


@pytest.mark.parametrize("rows", ROWS)
def test_there_is_always_a_back_to_every_front(rows: int) -> None:
    numbers = [re.findall(r"第(\d+)页共(\d+)页", side) for side in sides(rows=rows)]
    assert len(numbers) % 2 == 0
    assert numbers == [[(str(n), str(len(numbers)))] for n in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("rows", ROWS)
def test_every_side_says_whose_form_it_is(rows: int) -> None:
    for side in sides(rows=rows):
        assert TITLES["initial"] in side
        assert "申请编号ZC202610001237" in side
        assert "3F2A-91C0-5B7D-4E66" in side
        assert DIGEST in side


@pytest.mark.parametrize("rows", ROWS)
def test_signatures_and_seals_stand_together_on_one_side(rows: int) -> None:
    together = ("本人承诺", "聘用单位公章", "初审机构盖章处", "终审机构盖章处")
    assert [sum(word in side for word in together) for side in sides(rows=rows) if together[0] in side] == [4]


# --- What stands on it ------------------------------------------------------------------------------


EXPECTED = """
    张测 男 1986年5月12日 居民身份证 11000019860512001X 大学本科 学士 示例矿业大学 安全工程 2009年7月 全日制
    中级工程师 安全环保部副经理 13800000000 zhang@example.com 010-12345678 示例路11号 100083
    CS2025000001 GL2025000001 2025 2026年2月10日 示例考试中心 化工安全
    省级 北京市应急管理局 危险物品安全 初审机构领取
    北京示例化工有限公司 91110000MA00000152 04危险物品生产、经营、储存单位 其他有限责任公司 制造业
    北京市海淀区 示例路88号3号楼 李示例 王示例 010-87654321 hr@example.com 356
    安全主管 2024年3月1日至2028年2月29日
    1995.03—1996.02 1998.03—至今 示例化工有限公司第0分公司 安全员 安全生产管理 赵示例 13900000000
    2025.03.01—2025.03.05 示例安全培训中心 危险化学品安全管理 16.5 JX202500001 学时合计：33
"""


def test_every_value_of_the_dossier_is_on_the_form() -> None:
    reader = printed(content=content(courses=2), full_number="11000019860512001X")
    text = "".join(words(page) for page in reader.pages)
    assert [value for value in EXPECTED.split() if value not in text] == []
    assert "北京市北京市" not in text


def test_a_change_shows_old_and_new_side_by_side() -> None:
    text = sides("change")[0]
    assert "聘用单位旧示例有限公司北京示例化工有限公司" in text
    assert "注册类别煤矿安全危险物品安全" in text
    assert "变更事项：变更聘用单位、变更注册类别" in text
    assert "注册有效期2023年12月1日至2026年11月30日" in text


def test_a_renewal_shows_what_was_done_while_registered() -> None:
    text = "".join(sides("renewal"))
    assert "执业期间履职情况注册有效期内主持重大危险源评估。" in text


def test_without_the_number_the_mask_stands_there() -> None:
    assert "证件号码110000********0014" in sides()[0]


def test_an_open_ended_contract_says_so() -> None:
    filled = content()
    filled["employer"] |= {"contract_to": "", "contract_open_ended": True}
    assert "2024年3月1日至无固定期限" in words(printed(content=filled).pages[0])


@pytest.mark.parametrize(
    ("mark", "shown", "digest"),
    [(Mark.DRAFT, "草稿", False), (Mark.READY, "待上报", True), (Mark.LODGED, "已上报", True)],
)
def test_each_side_says_what_the_print_is_good_for(mark: Mark, shown: str, digest: bool) -> None:
    for page in printed(mark=mark).pages:
        assert shown + TITLES["initial"] in words(page)
        assert (DIGEST in words(page)) is digest


def test_an_unfinished_form_is_printed_all_the_same() -> None:
    filled = content(rows=0)
    filled |= {
        "personal": {"name": "张测"},
        "qualification": {},
        "employer": {},
        "declaration": {},
        "agency": {},
    }
    reader = printed(content=filled, mark=Mark.DRAFT, photo=None)
    assert len(reader.pages) == 2
    assert "照片25×35mm" in words(reader.pages[0])


def test_the_officers_print_carries_opinion_and_decision() -> None:
    reader = printed(
        mark=Mark.LODGED,
        lodged_on=dt.date(2026, 11, 20),
        first=PrintedOpinion("通过；符合条件。", "李初审", "王复核", dt.date(2026, 11, 23)),
        final=PrintedOpinion("准予注册。", "赵终审", "钱签批", dt.date(2026, 12, 1)),
    )
    assert "上报日期：2026年11月20日" in words(reader.pages[0])
    back = words(reader.pages[1])
    for said in (
        "通过；符合条件。",
        "经办人：李初审",
        "负责人：王复核",
        "2026年11月23日",
        "准予注册。",
        "赵终审",
        "2026年12月1日",
    ):
        assert said in back


def test_the_print_can_be_read_aloud() -> None:
    reader = printed()
    catalogue: Any = reader.trailer["/Root"]
    assert catalogue["/Lang"] == "zh-CN"
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/StructTreeRoot"]
    assert reader.metadata.title == f"{TITLES['initial']} ZC202610001237"  # type: ignore[union-attr]


# --- Names ------------------------------------------------------------------------------------------


def empty_boxes(caplog: pytest.LogCaptureFixture, name: str) -> tuple[str, list[str]]:
    """The front of a form with this name, and the characters drawn as an empty box."""
    caplog.set_level("WARNING", logger="weasyprint")
    front = words(printed(content=content(name=name)).pages[0])
    return front, re.findall(r"notdef glyph .*\((U\+\w+)\)", "\n".join(caplog.messages))


@pytest.mark.parametrize(
    "name", ["㐂𠮷", "𪛖测试", "古丽·" + "阿卜杜热西提" * 7 + "买买提测", "O’Neill-测试"]
)
def test_rare_and_long_names_are_printed_with_every_glyph(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    front, missing = empty_boxes(caplog, name)
    assert f"姓名{name}性别男" in front
    assert missing == []


def test_a_character_that_no_font_has_would_be_noticed(caplog: pytest.LogCaptureFixture) -> None:
    assert empty_boxes(caplog, "张\U000f0001")[1] == ["U+F0001"]


def test_markup_in_a_value_is_only_text() -> None:
    trick = "<img src=file:///etc/passwd><script>x</script>&amp;"
    filled = content(name=trick)
    filled["experience"][0]["employer"] = trick
    text = "".join(words(page) for page in printed(content=filled).pages)
    assert text.count(re.sub(r"\s", "", trick)) == 2
    assert "root:" not in text
    sheet = forms.dossier_html(filled, digest=DIGEST, mark=Mark.READY)
    assert trick not in sheet
    assert "&lt;img src=file:///etc/passwd&gt;" in sheet


def test_what_turns_the_writing_around_is_left_out() -> None:
    front = words(printed(content=content(name="甲\u202e乙\u2066丙\x07丁")).pages[0])
    assert "姓名甲乙丙丁性别男" in front


def test_on_the_screen_the_number_is_masked_and_on_paper_it_is_whole() -> None:
    sheet = forms.dossier_html(content(), digest=DIGEST, mark=Mark.READY, full_number="11000019860512001X")
    assert '<span class="on-screen">110000********0014</span>' in sheet
    assert '<span class="on-paper">11000019860512001X</span>' in sheet


# --- On the screen ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_preview_is_the_same_form_with_the_same_digest(kind: str) -> None:
    filled = content(kind, courses=2)
    sheet = forms.dossier_html(filled, digest=DIGEST, mark=Mark.READY, photo=portrait())
    paper = "".join(sides(kind, courses=2))
    seen = re.findall(r"<(?:td|th)[^>]*>\s*([^<]+?)\s*</(?:td|th)>", sheet)
    assert len(seen) > 40
    assert [value for value in seen if re.sub(r"\s|&\w+;", "", value) not in paper] == []
    assert "3F2A-91C0-5B7D-4E66" in sheet


def test_the_form_is_written_in_chinese_for_every_reader() -> None:
    with override("en"):
        sheet = forms.dossier_html(content(), digest=DIGEST, mark=Mark.LODGED)
    assert "大学本科" in sheet
    assert TITLES["initial"] in sheet
