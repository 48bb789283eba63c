"""A roster of 20,000 lines comes into the register, without the 37 that are faulty."""

from __future__ import annotations

import csv
import io

import pytest
from playwright.sync_api import expect

from register import documents
from tests.journeys.desk import Desk

pytestmark = pytest.mark.journey
LINES, FAULTY = 20_000, 37
HEADS = ("姓名", "证件类型", "证件号码", "资格证书编号", "考试年度", "发证日期")
LONG_MS = 60_000
# A quick machine is through with one of the two stages between two questions of the page, not with both.
NOTE_PROGRESS = """
    new MutationObserver(() => {
        const bar = document.querySelector("progress[value]");
        if (bar && 0 < bar.value && bar.value < bar.max) sessionStorage.setItem("progress", bar.value);
    }).observe(document, { childList: true, subtree: true });
"""


def roster() -> bytes:
    """People of no place on earth; the check digit of some is wrong."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(HEADS)
    for n in range(LINES):
        number = documents.with_check_digit(
            f"110000{1960 + n // 10_000}{1 + n % 12:02d}10{n // 12 % 1000:03d}"
        )
        if n * FAULTY // LINES != (n + 1) * FAULTY // LINES:
            number = number[:-1] + ("1" if number[-1] != "1" else "2")
        writer.writerow(("旅测", "居民身份证", number, f"LC{n:08d}", "2024", "2025-02-10"))
    return file.getvalue().encode("gb18030")


def test_a_roster_with_faulty_lines(desk: Desk) -> None:
    zhou = desk.officer("zhou.authority")
    zhou.page.add_init_script(NOTE_PROGRESS)
    zhou.open("/rosters/")
    file = {"name": "名册.csv", "mimeType": "text/csv", "buffer": roster()}
    zhou.page.locator("[name=file]").set_input_files(file)  # type: ignore[arg-type]
    zhou.press("上传并检查")

    # The page asks again by itself until the file was looked through.
    expect(zhou.main).to_contain_text(f"有 {FAULTY} 行有错误", timeout=LONG_MS)
    zhou.fits()
    _kind, errors = zhou.fetched("下载错误文件（CSV）")
    lines = list(csv.reader(io.StringIO(errors.decode("utf-8-sig"))))
    assert lines[0] == ["行号", *HEADS, "问题"]
    assert len(lines) == 1 + FAULTY
    assert all("校验位" in line[-1] for line in lines[1:])

    zhou.press("确认导入")
    zhou.says("没有导入任何一行")
    zhou.page.get_by_label("跳过有错误的行").check(force=True)
    zhou.press("确认导入")
    zhou.says("已确认，正在写入名册")
    done = f"导入完成：新增 {LINES - FAULTY} 行，更新 0 行，无变化 0 行，新增人员"
    expect(zhou.main).to_contain_text(done, timeout=LONG_MS)
    assert 0 < int(zhou.page.evaluate("sessionStorage.getItem('progress')")) < LINES * 2
    zhou.open("/rosters/")
    zhou.sees(f"新增 {LINES - FAULTY} 行")
