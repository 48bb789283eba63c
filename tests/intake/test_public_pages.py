"""What everybody may ask without an account: announcements, a registration, an appeal and its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from io import BytesIO
from typing import Any

import pikepdf
import pytest
from axes.models import AccessAttempt
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from register import announcing, documents
from register.models import Appeal, AppealProof, DocumentType, Registration
from tenants import crossing
from tenants.crossing import Desk
from tests import factories
from tests.cast import APPLICANTS, Cast
from tests.intake.desk import browser, captcha, portrait, words

pytestmark = pytest.mark.django_db

ZHANG = APPLICANTS["zhang"]
STRANGER = factories.id_number(date(1980, 1, 1), serial=420)
NUMBER = "26001000001"
NOT_FOUND = "没有查到与所填姓名和执业证编号一致的注册信息"


def submit(path: str, given: Mapping[str, Any], client: Client | None = None) -> Any:
    client = client or browser()
    return client.post(path, {**given, **captcha(client, path)})


# --- Announcements -------------------------------------------------------------------------------------


def announce(cast: Cast, count: int) -> None:
    person = factories.person("张公告", STRANGER)
    for n in range(count):
        factories.registration(person, cast.beijing, number=f"26001{n + 1:06d}")
    with crossing.standing(Desk.AUTHORITY):
        rows = Registration.objects.select_related("person")
        batch = announcing.compose(number="2026-03", title="2026年第3批公告", registrations=rows)
        announcing.publish(batch=batch, on=date(2026, 10, 10))
        announcing.compose(number="2026-04", title="尚未公告的批次", registrations=[])


def test_published_batches_stand_on_the_start_page_and_on_their_own(cast: Cast) -> None:
    announce(cast, 1)
    for path in ("/", "/announcements/"):
        said = words(browser().get(path).content)
        assert "2026年第3批公告" in said
        assert "尚未公告的批次" not in said


def test_without_batches_the_page_says_what_would_be_here(cast: Cast) -> None:
    assert "目前没有注册公告" in words(browser().get("/").content)
    assert "目前没有注册公告" in words(browser().get("/announcements/").content)


def test_a_batch_names_people_and_no_document(cast: Cast) -> None:
    announce(cast, 1)
    said = words(browser().get("/announcements/2026-03/").content)
    for shown in ("张公告", NUMBER, "初始注册", "其他安全", "北京示例化工有限公司", cast.beijing.name_zh):
        assert shown in said
    assert STRANGER not in said
    assert documents.mask("01", STRANGER) not in said


def test_a_long_batch_is_read_page_by_page(cast: Cast) -> None:
    announce(cast, 120)
    client, path, seen = browser(), "/announcements/2026-03/", []
    while path:
        page = client.get(path).content.decode()
        seen.append(re.findall(r">(26001\d{6})<", page))
        onward = re.search(r'rel="next"\s+href="([^"]+)"', page)
        path = f"/announcements/2026-03/{onward[1]}" if onward else ""
    assert [len(numbers) for numbers in seen] == [50, 50, 20]
    assert len({number for numbers in seen for number in numbers}) == 120


@pytest.mark.parametrize("path", ["2026-04", "2026-99", "x" * 200])
def test_what_is_not_published_is_not_there(cast: Cast, path: str) -> None:
    announce(cast, 1)
    assert browser().get(f"/announcements/{path}/").status_code == 404


@pytest.mark.parametrize("query", ["after=x", "after=26001999999", "before=1", "after='", "before=%F0%9F"])
def test_a_wrong_place_in_a_batch_is_no_fault(cast: Cast, query: str) -> None:
    announce(cast, 1)
    assert browser().get(f"/announcements/2026-03/?{query}").status_code == 200


# --- A registration ------------------------------------------------------------------------------------


def test_who_knows_name_and_number_learns_how_a_registration_stands(cast: Cast) -> None:
    factories.registration(cast.zhang, cast.beijing, number=NUMBER)
    said = words(submit("/registrations/", {"name": "张测", "number": f" {NUMBER} "}).content)
    assert "查询结果" in said
    assert "有效" in said
    assert cast.beijing.name_zh in said
    assert ZHANG.number[-4:] not in said


def test_a_wrong_name_and_a_wrong_number_get_the_same_answer(cast: Cast) -> None:
    factories.registration(cast.zhang, cast.beijing, number=NUMBER)
    answers = {
        re.sub(r'value="[^"]*"|captcha/\w+/\w+/', "", submit("/registrations/", asked).content.decode())
        for asked in ({"name": "孙测", "number": NUMBER}, {"name": "张测", "number": "26001000002"})
    }
    assert len(answers) == 1
    assert NOT_FOUND in words(answers.pop().encode())


def test_names_cannot_be_tried_out_against_a_number(cast: Cast, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    factories.registration(cast.zhang, cast.beijing, number=NUMBER)
    codes = [
        submit("/registrations/", {"name": name, "number": NUMBER}).status_code
        for name in ("甲测", "乙测", "丙测")
    ]
    assert codes == [200, 200, 429]
    assert submit("/registrations/", {"name": "张测", "number": NUMBER}).status_code == 429
    assert submit("/registrations/", {"name": "张测", "number": "26001000002"}).status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("number", "123", "执业证编号应为 11 位数字"),
        ("number", "2600100000\0", "含有无法识别的字符"),
        ("number", "9" * 10_000, "40"),
        ("name", "张" * 10_000, "100"),
        ("name", "", "请填写姓名。"),
        ("name", "<b>张</b>", "不能使用的符号"),
    ],
)
def test_a_faulty_question_is_told_beside_the_field(cast: Cast, field: str, value: str, said: str) -> None:
    answer = submit("/registrations/", {"name": "张测", "number": NUMBER, field: value})
    assert answer.status_code == 200
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert said in words(answer.content)


# --- An appeal -----------------------------------------------------------------------------------------


def picture(name: str = "证书.jpg", **look: Any) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, portrait(**look), content_type="image/jpeg")


def appealed(client: Client | None = None, **changes: Any) -> Any:
    told = {
        "name": "钱测",
        "document_type": "01",
        "number": STRANGER,
        "certificate_number": "CS00000777",
        "exam_year": str(date.today().year - 2),  # noqa: DTZ011
        "exam_place": "",
        "phone": "13800005678",
        "email": "",
        "statement": "",
        "proof_1": picture(),
        **changes,
    }
    return submit("/appeals/", {name: value for name, value in told.items() if value is not None}, client)


def ask_after(reference: str, number: str = STRANGER) -> Any:
    return submit("/appeals/status/", {"reference": reference, "document_type": "01", "number": number})


def test_the_failed_check_leads_to_the_appeal(cast: Cast) -> None:
    for path, more in (("/password/set/", {}), ("/initial/verify/", {"exam_year": str(ZHANG.exam_year)})):
        given = {"name": "李测", "document_type": "01", "number": ZHANG.number}
        answer = submit(path, {**given, "certificate_number": ZHANG.certificate, **more})
        assert 'href="/appeals/"' in answer.content.decode()
        assert "提交考试信息申诉" in words(answer.content)
        assert 'href="/appeals/"' not in browser().get(path).content.decode()


def test_an_appeal_gets_a_receipt_with_its_number_and_can_be_asked_after(cast: Cast) -> None:
    client = browser()
    assert appealed(client)["Location"] == "/appeals/receipt/"
    reference = Appeal.objects.get().reference
    assert reference in words(client.get("/appeals/receipt/").content)
    said = words(ask_after(f" {reference.lower()} ").content)
    assert "处理中" in said
    assert "CS00000777" in said


def test_the_receipt_is_shown_to_its_own_session_only(cast: Cast) -> None:
    appealed()
    assert browser().get("/appeals/receipt/")["Location"] == "/appeals/status/"


def test_a_wrong_number_and_a_wrong_document_get_the_same_answer(cast: Cast) -> None:
    appealed()
    reference = Appeal.objects.get().reference
    other = "KS202600000022" if reference != "KS202600000022" else "KS202600000030"
    answers = {
        re.sub(r'value="[^"]*"|captcha/\w+/\w+/', "", answer.content.decode())
        for answer in (ask_after(reference, ZHANG.number), ask_after(other))
    }
    assert len(answers) == 1
    assert "没有找到与所填申诉编号和证件号码一致的申诉" in words(answers.pop().encode())


def test_documents_cannot_be_tried_out_against_an_appeal(cast: Cast, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    appealed()
    reference = Appeal.objects.get().reference
    codes = [ask_after(reference, factories.id_number(serial=n)).status_code for n in (430, 431, 432)]
    assert codes == [200, 200, 429]
    assert ask_after(reference).status_code == 429


def test_a_second_appeal_of_the_same_person_waits_for_the_first(cast: Cast) -> None:
    appealed()
    said = words(appealed(statement="再问一次").content)
    assert "您的申诉已经提交，正在处理，请凭申诉编号查询进度" in said
    assert Appeal.objects.count() == 1


def test_appeals_for_one_document_are_counted(cast: Cast, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    codes = [appealed(certificate_number=f"CS0000077{n}").status_code for n in range(4)]
    assert codes == [302, 302, 429, 429]
    assert Appeal.objects.count() == 2
    # Another document is another matter.
    assert appealed(number=factories.id_number(serial=433)).status_code == 302


def test_proofs_are_written_anew(cast: Cast) -> None:
    pdf = BytesIO()
    with pikepdf.new() as made:
        made.add_blank_page(page_size=(595, 842))
        made.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        made.save(pdf)
    appealed(proof_2=SimpleUploadedFile("成绩.pdf", pdf.getvalue(), content_type="application/pdf"))
    kept = {proof.name: bytes(proof.data) for proof in AppealProof.objects.all()}
    assert set(kept) == {"证书.jpg", "成绩.pdf"}
    assert b"a comment" not in kept["证书.jpg"]
    assert b"JavaScript" not in kept["成绩.pdf"]


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("proof_1", None, "请至少上传一份证明材料。"),
        ("proof_1", SimpleUploadedFile("a.jpg", b""), "这个文件是空的"),
        ("proof_1", SimpleUploadedFile("a.svg", SVG), "只能上传 JPG、PNG 图片或者 PDF 文件"),
        ("proof_1", SimpleUploadedFile("a.pdf", b"%PDF-1.7 nothing"), "已经损坏"),
        ("proof_2", SimpleUploadedFile("a.jpg", b"\xff" * (6 * 1024 * 1024)), "文件超过 5 MB"),
        ("proof_3", SimpleUploadedFile("x" * 200 + ".jpg", b"x"), "文件名太长"),
        ("phone", "123", "联系电话应为手机号码"),
        ("email", "a@b\nBcc: x@y.cn", "请填写有效的电子邮箱"),
        ("statement", "长" * 10_000, "1000"),
        ("certificate_number", "=cmd()", "证书编号应为 5 至 24 位数字或字母"),
        ("exam_year", "1999", "请从列表中选择一项。"),
        ("exam_place", "月球", "请从列表中选择一项。"),
        ("number", STRANGER[:-1] + "A", "17 位数字加 1 位数字或字母 X"),
    ],
)
def test_a_faulty_appeal_is_told_beside_the_field(cast: Cast, field: str, value: Any, said: str) -> None:
    answer = appealed(**{field: value})
    assert answer.status_code == 200
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert said in words(answer.content)
    assert Appeal.objects.count() == 0


def test_nothing_is_opened_before_the_captcha_is_right(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    monkeypatch.setattr("register.uploads.sanitised", opened.append)
    client = browser()
    client.post("/appeals/", {"name": "钱测", "proof_1": picture(), "captcha_0": "x", "captcha_1": "0"})
    assert opened == []


def test_failed_questions_leave_no_number_or_name_behind(cast: Cast) -> None:
    submit("/registrations/", {"name": "张测", "number": NUMBER})
    ask_after("KS202600000022")
    kept = str(list(AccessAttempt.objects.values()))
    for secret in ("张测", NUMBER, STRANGER):
        assert secret not in kept


# --- Formats of document numbers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/", "/password/set/", "/initial/verify/", "/password/forgotten/", "/appeals/", "/appeals/status/"],
)
def test_every_form_tells_how_the_number_of_each_type_is_written(cast: Cast, path: str) -> None:
    page = browser().get(path).content.decode()
    assert [f'class="format format-{each}"' in page for each in DocumentType.values] == [True] * 9
    assert 'aria-describedby="id_number_helptext"' in page


@pytest.mark.parametrize("path", ["/password/set/", "/password/forgotten/", "/appeals/status/"])
@pytest.mark.parametrize(
    ("type", "number", "said"),
    [
        ("01", "110105491231002", "15 位号码已停止使用"),
        ("01", "11010519491231002A", "17 位数字加 1 位数字或字母 X"),
        ("02", "123", "4 至 20 个字符"),
        ("03", "E123", "5 至 17 位字母或数字"),
        ("04", "A12345678", "字母 H 或 M"),
        ("05", "1234567", "8 位数字"),
        ("06", "830000199408230025", "810000、820000"),
        ("07", "810000199408230021", "830000"),
        ("08", "811124198108030025", "以 9 开头的 18 位号码"),
        ("99", "=cmd()", "不含空格和特殊符号"),
        ("", "11010519491231002X", "请选择证件类型。"),
        ("42", "11010519491231002X", "请从列表中选择一项。"),
    ],
)
def test_every_type_is_checked_at_every_form(
    cast: Cast, path: str, type: str, number: str, said: str
) -> None:
    answer = submit(path, {"document_type": type, "number": number})
    page = answer.content.decode()
    field = "document_type" if type in ("", "42") else "number"
    assert f'id="id_{field}_error"' in page
    assert said in words(answer.content)
