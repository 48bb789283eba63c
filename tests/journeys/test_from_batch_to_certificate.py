"""At the authority: a batch of forty decided, some announced, a certificate verified, then the end of it."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from tests.journeys.desk import Desk

pytestmark = pytest.mark.journey
# Three agencies that nobody else uses, and how many cases each has sent up; the applicant adds one more.
SENT: Final = {"mara": 20, "mwr": 17, "mnr": 2}
FIRST, LAST = "mara", "mnr"
EXCEPTIONS: Final = 2
WAITS_MS: Final = 60_000


def test_forty_cases_two_exceptions_and_a_certificate_that_is_verified(desk: Desk) -> None:
    stage = desk.stage
    names = {agency: stage.opened(agency) for agency in SENT}
    for agency, cases in SENT.items():
        stage.pile(agency, cases, referred=True)
    holder = desk.applicant()
    stage.lodged(holder.person, agency=LAST, at="reported")

    # All forty of the three agencies, but two.
    zhao = desk.officer("zhao.authority")
    zhao.open("/cases/?channel=ministry")
    rows = zhao.page.locator("tbody tr").filter(has_text=re.compile("|".join(names.values())))
    expect(rows).to_have_count(40)
    for box in rows.locator("input[name=case]").all():
        box.check()
    zhao.press("批量准予注册")
    zhao.sees("名单共 40 件，可以办理 40 件")
    of_one = zhao.page.locator("tbody tr").filter(has_text=names[FIRST])
    exceptions = [of_one.nth(n).get_by_role("link").first.inner_text() for n in range(EXCEPTIONS)]
    for n in range(EXCEPTIONS):
        of_one.nth(n).locator("input[name=case]").uncheck()
    zhao.press("确定准予所勾选的案卷")
    zhao.sees("已办理 38 件，未办理 0 件")
    zhao.open(f"/cases/?agency={FIRST}")
    left = zhao.page.locator("tbody tr a.figures")
    expect(left).to_have_count(EXCEPTIONS)
    assert sorted(left.all_inner_texts()) == sorted(exceptions)

    # The registrar announces those of one agency; their certificates follow by themselves.
    zhou = desk.officer("zhou.authority")
    zhou.open("/batches/")
    zhou.follow("汇集新批次")
    zhou.page.get_by_label("注册机构").select_option(LAST)
    zhou.sees("以上 3 人列入新批次")
    number = zhou.page.locator("[name=number]").input_value()
    zhou.press("建立批次")
    zhou.says("公告批次已建立")
    zhou.main.get_by_role("link", name="公告", exact=True).click()
    zhou.sees("公告后不能撤回")
    zhou.press("公告")
    zhou.says("批次已公告")
    expect(zhou.main).to_contain_text("已公告，执业证已制发", timeout=WAITS_MS)

    # Everybody may read the announcement; no document number stands in it.
    passer_by = desk.newcomer()
    passer_by.open(f"/announcements/{number}/")
    expect(passer_by.page.locator("tbody tr")).to_have_count(3)
    assert holder.person.number not in passer_by.page.content()

    # The holder gets the certificate; whoever has it in hand asks how it stands.
    holder.open("/home/")
    kind, data = holder.fetched("下载执业证 PDF")
    assert kind == "application/pdf"
    address = address_in(data)
    passer_by.open(urlsplit(address).path)
    passer_by.sees("这是现行的执业证，注册有效。")
    passer_by.sees(holder.person.name)
    assert holder.person.number not in passer_by.page.content()

    # The registrar cancels it: the same address says so from then on.
    zhou.open("/registrants/")
    zhou.fill(q=holder.person.name)
    zhou.press("查询")
    zhou.follow(holder.person.name)
    zhou.follow("注销注册")
    zhou.fill({"ground": "request", "text": "示例：本人申请注销。", "sure": "on"})
    zhou.press("确定注销注册")
    zhou.says("已办理，决定书已生成")
    passer_by.open(urlsplit(address).path)
    passer_by.sees("已注销")
    passer_by.sees("本证不能作为执业凭证")


def address_in(data: bytes) -> str:
    """The address that a certificate leads to, as its link has it."""
    links = [
        str(note.get_object()["/A"]["/URI"])
        for page in PdfReader(BytesIO(data)).pages
        for note in page.get("/Annots", [])
        if "/A" in note.get_object() and "/URI" in note.get_object()["/A"]
    ]
    (address,) = {link for link in links if "/verify/" in link}
    return address
