"""The portrait is cut in the page, papers are uploaded: by mouse, fingers and keys, and without scripts."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import FilePayload, Locator, Page, expect

from deploy.portrait import draw
from tests.intake.files import FILES
from tests.journeys.desk import AGENCIES, PHONE, WIDE, Applicant, Desk

pytestmark = pytest.mark.journey

CAMERA, OLD_CAMERA = (3024, 4032), (1200, 1600)
SIZE = (295, 413)
SHOWN = """async picture => Array.from(new Uint8Array(await (await fetch(picture.src)).arrayBuffer()))"""
SENT = """async input => Array.from(new Uint8Array(await input.files[0].arrayBuffer()))"""


def file(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


@lru_cache(maxsize=2)
def by_camera(size: tuple[int, int] = CAMERA) -> bytes:
    """The portrait as a telephone takes it: twelve million pixels, lying on its side (EXIF orientation)."""
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = Image.open(BytesIO(draw())).convert("RGB").resize(size)
    out = BytesIO()
    upright.rotate(90, expand=True).save(out, "JPEG", quality=90, exif=exif)
    return out.getvalue()


def at_personal_step(desk: Desk, **more: Any) -> Applicant:
    zhang = desk.applicant(**more)
    draft = desk.stage.draft(zhang.person, filled=False)
    zhang.open(f"/applications/{draft.application}/steps/personal/")
    zhang.at_step("填写个人基本信息")
    return zhang


def field_of(page: Page) -> Locator:
    return page.locator("[name=photo-file]")


def sent(page: Page) -> bytes:
    """What stands in the file field now, when the page has settled."""
    page.wait_for_timeout(350)
    return bytes(field_of(page).evaluate(SENT))


def drag_with_mouse(page: Page, stage: Locator) -> None:
    box = stage.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.wheel(0, -500)
    page.mouse.down()
    page.mouse.move(x - 30, y + 40, steps=5)
    page.mouse.up()


def pinch_with_fingers(page: Page, stage: Locator) -> None:
    box = stage.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)
    touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def point(kind: str, *at: float) -> None:
        points = [{"x": left, "y": y, "id": number} for number, left in enumerate(at)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    point("touchStart", x - 20, x + 20)
    for apart in range(25, 80, 10):
        point("touchMove", x - apart, x + apart)
    point("touchEnd")


def press_keys(page: Page, stage: Locator) -> None:
    stage.focus()
    for key in ("+", "+", "+", "ArrowUp", "Shift+ArrowRight", "-"):
        page.keyboard.press(key)


@pytest.mark.parametrize(
    ("way", "size", "camera"),
    [
        (drag_with_mouse, WIDE, CAMERA),
        (pinch_with_fingers, PHONE, OLD_CAMERA),
        (press_keys, WIDE, OLD_CAMERA),
    ],
)
def test_the_portrait_is_cut_in_the_page(
    desk: Desk, way: Any, size: tuple[int, int], camera: tuple[int, int]
) -> None:
    zhang = at_personal_step(desk, size=size)
    page = zhang.page
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    field_of(page).set_input_files(file("IMG_0001.JPG", by_camera(camera)))
    zhang.sees("照片符合要求")
    whole = sent(page)
    way(page, page.locator("canvas.crop-stage"))
    cut = sent(page)
    assert cut != whole
    assert Image.open(BytesIO(cut)).size == SIZE
    assert page.evaluate("document.activeElement.matches('body, canvas, input, button')")
    page.get_by_role("button", name="下一步").click()
    page.wait_for_load_state()
    stored = bytes(page.locator("#photo img").evaluate(SHOWN))
    kept = Image.open(BytesIO(stored))
    assert (kept.size, dict(kept.getexif())) == (SIZE, {})
    difference = ImageChops.difference(kept, Image.open(BytesIO(cut)).convert("RGB")).convert("L")
    assert sum(difference.histogram()[40:]) < SIZE[0] * SIZE[1] / 100
    assert said == []


NO_PORTRAITS = {
    "heic": "这是 HEIC 格式的照片",
    "docx": "这个文件不是可用的照片",
    "empty": "这个文件是空的",
    "too_small": "照片只有 250×350 像素",
}


def test_a_picture_that_will_not_do_is_refused_at_once(desk: Desk) -> None:
    zhang = at_personal_step(desk)
    for name, words in NO_PORTRAITS.items():
        field_of(zhang.page).set_input_files(file(f"{name}.jpg", FILES[name]()))
        zhang.sees(words)
        expect(field_of(zhang.page)).to_have_value("")
        expect(zhang.page.locator("canvas.crop-stage")).to_be_hidden()


def papers_of(desk: Desk, **more: Any) -> Applicant:
    """Somebody's papers for the agency that takes them by hand and as files."""
    zhang = desk.applicant(**more)
    draft = desk.stage.draft(zhang.person, agency="mohurd")
    zhang.open(f"/applications/{draft.application}/papers/")
    zhang.application = draft
    return zhang


def test_papers_are_uploaded_taken_out_put_back_and_seen_by_the_agency(desk: Desk) -> None:
    zhang = papers_of(desk)
    contract = zhang.page.locator("#paper-M03")
    files = {"合同.pdf": "pdf", "说明.docx": "docx", "照片.heic": "heic"}
    contract.locator("[type=file]").set_input_files(
        [file(name, FILES[kind]()) for name, kind in files.items()]
    )
    says = contract.locator("[data-upload-says]")
    expect(says).to_contain_text("已上传 1 个文件。")
    expect(says).to_contain_text("说明.docx：只能上传 JPG、PNG 图片或者 PDF 文件")
    expect(says).to_contain_text("照片.heic：这是 HEIC 格式的照片")
    expect(contract.locator(".tag")).to_contain_text("已上传")
    contract.locator("summary", has_text="合同.pdf").click()
    page = contract.locator(".paper-sheets img")
    expect(page).to_have_js_property("naturalHeight", 1600)

    # A large picture of a camera is made smaller before it is sent.
    identity = zhang.page.locator("#paper-M04")
    identity.locator("[type=file]").set_input_files(file("身份证.jpg", FILES["scan_of_camera"]()))
    expect(identity.locator(".paper-file")).to_have_count(1)

    contract.get_by_role("button", name="删除 合同.pdf").click()
    zhang.sees("已删除合同.pdf；需要时可以恢复。")
    contract.locator(".paper-removed summary").click()
    contract.get_by_role("button", name="恢复 合同.pdf").click()
    expect(contract.locator(".paper-file")).to_have_count(1)

    zhang.follow("返回预览、打印和上报")
    zhang.declare()
    reference = zhang.lodge()
    officer = desk.officer("he.mohurd")
    officer.open("/cases/")
    officer.follow_case(reference)
    officer.sees("领取本案后可以查看")
    officer.press("领取")
    shown = officer.page.locator(".paper-file", has_text="合同.pdf")
    shown.locator("summary").click()
    expect(shown.locator(".paper-sheets img")).to_have_js_property("naturalHeight", 1600)


def test_papers_go_without_scripts_too(desk: Desk, tmp_path: Path) -> None:
    zhang = papers_of(desk, size=PHONE)
    assert zhang.application is not None
    plain = desk.browser.new_context(java_script_enabled=False, locale="zh-CN")
    desk.opened.append(plain)
    plain.add_cookies(
        [{"name": c["name"], "value": c["value"], "url": zhang.root} for c in zhang.context.cookies()]
    )
    page = plain.new_page()
    page.goto(f"{zhang.root}/applications/{zhang.application.application}/papers/")
    paper = page.locator("#paper-M02")
    paper.locator("[type=file]").set_input_files(file("证书.png", FILES["scan_png"]()))
    paper.get_by_role("button", name="上传").click()
    expect(page.locator("main")).to_contain_text("已上传 1 个文件")
    huge = tmp_path / "huge.pdf"
    with huge.open("wb") as out:
        out.truncate(33 * 1024 * 1024)
    paper.locator("[type=file]").set_input_files(huge)
    paper.get_by_role("button", name="上传").click()
    expect(page.locator("main")).to_contain_text("一次提交的文件合计超过 32 MB")


def test_the_agency_that_takes_paper_is_named_with_its_papers(desk: Desk) -> None:
    zhang = desk.applicant()
    draft = desk.stage.draft(zhang.person, agency="beijing")
    zhang.open(f"/applications/{draft.application}/steps/preview/")
    zhang.sees("注册机构收取纸质材料，不需要上传。")
    zhang.sees(AGENCIES["beijing"])
    zhang.sees("须显示单位名称、岗位、期限、签订日期及双方签章页")
