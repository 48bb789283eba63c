"""A day at an agency's desk: from the next case to a dispatch of thirty, with a correction on the way."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final

import pytest
from openpyxl.reader.excel import load_workbook
from playwright.sync_api import expect
from pypdf import PdfReader

from tests.journeys.desk import Desk, Officer

pytestmark = pytest.mark.journey
AGENCY: Final = "tianjin"
# Title, what the batch is, heads.
LINES_ABOVE: Final = 3


def test_from_the_next_case_to_a_dispatch_of_thirty(desk: Desk, tmp_path: Path) -> None:
    stage = desk.stage
    stage.opened(AGENCY, countersign=True)
    numbers = stage.pile(AGENCY, 28)
    people = [stage.someone(account=True) for _one in range(2)]
    lodged = {each.reference: (who, each) for who in people for each in [stage.lodged(who, agency=AGENCY)]}

    # The next case is all in order.
    li = desk.officer(f"li.{AGENCY}")
    first = li.take_next()
    pass_on(li)

    # The one after it has two faults, told together.
    second = li.take_next()
    assert {first, second} == set(lodged)
    li.mark("employer", "papers")
    li.page.locator("#remark-employer").fill("单位地址与营业执照不一致")
    li.page.locator("#remark-papers").fill("申请表未签字")
    li.press("退回补正")
    li.fill({"item0-item": "employer.address", "item0-code": "R08"})
    li.fill({"item1-item": "papers.M01", "item1-code": "R01"})
    li.press("确定退回补正")
    li.says("已退回补正")

    # The answer comes back into the same hands; what was looked at before need not be looked at again.
    stage.answered(
        *lodged[second], changes={"employer": {"address": "示例路2号"}}, words=["", "已补签并重新递交"]
    )
    li.open("/cases/?tab=mine")
    expect(li.page.locator(".inbox")).to_contain_text("补正")
    li.follow_case(second)
    employer, personal = li.page.locator("#section-employer"), li.page.locator("#section-personal")
    expect(employer.locator(".row-changed")).to_have_count(1)
    expect(employer.locator(".row-changed")).to_contain_text("示例路2号")
    expect(employer.locator("del")).to_have_text("原：示例路1号")
    expect(employer.locator("#ok-employer")).not_to_be_checked()
    expect(personal).to_contain_text("沿用第 1 版的核对结果")
    expect(personal.locator("#ok-personal")).to_be_checked()
    expect(li.page.locator("#section-papers")).to_contain_text("已补签并重新递交")
    pass_on(li)

    # A second person signs both, the next one each time.
    wang = desk.officer(f"wang.{AGENCY}")
    for _case in (first, second):
        wang.open("/cases/")
        wang.press("下一件")
        wang.follow("同意初审意见")
        wang.press("同意")
        wang.says("初审意见已生效")

    # All thirty go up in one batch.
    li.open("/cases/?tab=passed")
    li.page.get_by_label("全选本页").check()
    expect(li.page.locator("[data-bulk-count]")).to_have_text("30")
    li.press("报送终审")
    li.sees_heading("确定报送这 30 件案卷吗？")
    li.press("确定报送")
    li.sees("共 30 人：初审通过 30 人，不通过 0 人")
    expect(li.page.locator("tbody tr")).to_have_count(30)

    # Its list, as a workbook and for the seal.
    with li.page.expect_download() as waiting:
        li.follow("下载汇总表（XLSX）")
    waiting.value.save_as(tmp_path / "list.xlsx")
    sheet = load_workbook(tmp_path / "list.xlsx").active
    assert sheet is not None
    rows = [[str(cell or "") for cell in row] for row in sheet.iter_rows(values_only=True)][LINES_ABOVE:]
    listed = [row for row in rows if row[0].isdecimal()]
    assert [row[0] for row in listed] == [str(n) for n in range(1, 31)]
    assert {first, second} < {row[4] for row in listed}
    kind, data = li.fetched("打印汇总表（PDF）")
    assert kind == "application/pdf"
    printed = "".join(page.extract_text() for page in PdfReader(BytesIO(data)).pages)
    text = " ".join(cell for row in rows for cell in row) + printed
    assert [n for n in [*numbers, *(who.number for who in people)] if n in text] == []


def pass_on(officer: Officer) -> None:
    """Accept, find everything in order, and say so: a second person has to agree."""
    officer.press("受理")
    officer.press("受理")
    officer.says("已受理")
    officer.mark()
    officer.press("出具初审意见")
    officer.fill(verdict="pass")
    officer.press("出具意见")
    officer.says("初审意见已提交复核")
