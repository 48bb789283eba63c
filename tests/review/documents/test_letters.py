from __future__ import annotations

import datetime as dt
import io
import re
from typing import Any

import pytest
from pypdf import PdfReader

from review.documents import letters
from review.documents.letters import Letter
from review.models import Case, Movement
from tenants.models import Agency
from tests.review.documents.dossiers import DIGEST

pytestmark = pytest.mark.django_db

LODGED_AT = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)
BEIJING = Agency(code="beijing", name_zh="北京市应急管理局", phone="010-12345678")
AUTHORITY = Agency(code="authority", name_zh="注册安全工程师注册终审机构")
# Act, state it led to, what the movement keeps.
LODGE = ("lodge", "submitted", {"digest": DIGEST, "version": 1, "due_on": "2026-11-30"})
ACCEPT = ("accept", "accepted", {"number": "SL202610001237", "due_on": "2026-12-21"})
DEEM = ("deem_accept", "deemed_accepted", {"due": "2026-11-30", "due_on": "2026-12-21"})
ITEMS = [
    {"item": "photo", "code": "R05", "text": "照片不符合要求"},
    {"item": "employer.name", "code": "R08", "text": "与合同不一致"},
]
SEND_BACK = ("send_back", "correction", {"items": ITEMS, "reason": "", "due_on": "2026-12-07"})
RESUBMIT = ("resubmit", "submitted", {"digest": "a" * 64, "version": 2, "due_on": "2026-12-10"})
NOT_ACCEPT = ("not_accept", "not_accepted", {"codes": [], "text": "不属于受理范围。"})
GRANT = {
    "verdict": "pass",
    "number": "26001000123",
    "category": "A1",
    "valid_from": "2026-12-01",
    "valid_to": "2029-11-30",
    "due_on": "2026-12-15",
}
REFUSE = ("refuse", "final_failed", {"codes": ["N07"], "text": "至2027年12月31日"})
LAPSE = ("lapse", "lapsed", {"due": "2026-12-07"})
EXTEND = ("extend", "accepted", {"codes": [], "text": "须向发证机关核实。", "due_on": "2027-01-04"})
EXTEND_CORRECTION = (
    "extend_correction",
    "correction",
    {"codes": [], "text": "合同原件须由外地寄回", "due_on": "2026-12-21"},
)
TERMINATE = ("terminate", "terminated", {"codes": [], "text": "户籍注销证明", "ground": "death"})
HAND_OVER = (
    "hand_over",
    "handed_over",
    {
        "from": {"zh": "上海市应急管理局", "en": "Shanghai"},
        "to": {"zh": "北京市应急管理局", "en": "Beijing"},
        "codes": ["R11"],
        "text": "聘用单位在北京",
        "clock": "A",
        "due_on": "2026-11-30",
    },
)
Act = tuple[str, str, dict[str, Any]]


def case(**fields: Any) -> Case:
    values: dict[str, Any] = {
        "reference": "ZC202610001237",
        "kind": "initial",
        "state": "issued",
        "applicant_name": "张测",
        "document_mask": "110000********0014",
        "employer_name": "北京示例化工有限公司",
        "lodged_at": LODGED_AT,
        "acceptance_number": "SL202610001237",
        "policy": {
            "reconsideration_days": 60,
            "lawsuit_months": 6,
            "review_clock_applies": True,
            "extension_days": 10,
        },
        **fields,
    }
    return Case(**values)


def letters_of(*acts: Act, papers: tuple[str, ...] = (), **fields: Any) -> list[Letter]:
    """The letters of a case to which this has happened, a day after another."""
    movements = [
        Movement(number=n, act=act, to_state=to, detail=detail, at=LODGED_AT + dt.timedelta(days=n - 1))
        for n, (act, to, detail) in enumerate(acts, 1)
    ]
    return letters.letters_of(case(**fields), movements, agency=BEIJING, authority=AUTHORITY, papers=papers)


def words(letter: Letter) -> str:
    pages = PdfReader(io.BytesIO(letters.letter_pdf(letter))).pages
    return re.sub(r"\s", "", "".join(page.extract_text() for page in pages))


@pytest.mark.parametrize(
    ("acts", "slugs"),
    [
        ([LODGE], ["lodged-1"]),
        ([LODGE, ("take_up", "submitted", {}), ACCEPT], ["lodged-1", "accepted-3"]),
        ([LODGE, DEEM], ["lodged-1", "accepted-2"]),
        ([LODGE, SEND_BACK, RESUBMIT], ["lodged-1", "correction-2", "lodged-3"]),
        ([LODGE, NOT_ACCEPT], ["lodged-1", "not-accepted-2"]),
        # A proposal that waits for its second signature is no decision.
        ([LODGE, ("approve", "reported", GRANT)], ["lodged-1"]),
        ([LODGE, ("approve", "final_passed", GRANT)], ["lodged-1", "granted-2"]),
        ([LODGE, ("refuse", "reported", REFUSE[2]), REFUSE], ["lodged-1", "refused-3"]),
        ([LODGE, ("withdraw", "withdrawn", {})], ["lodged-1"]),
        ([LODGE, SEND_BACK, EXTEND_CORRECTION], ["lodged-1", "correction-2", "correction-extended-3"]),
        ([LODGE, SEND_BACK, LAPSE], ["lodged-1", "correction-2", "lapsed-3"]),
        ([LODGE, ACCEPT, EXTEND, TERMINATE], ["lodged-1", "accepted-2", "extended-3", "terminated-4"]),
        ([LODGE, HAND_OVER, ACCEPT], ["lodged-1", "handed-over-2", "accepted-3"]),
    ],
)
def test_every_act_that_is_told_on_paper_has_its_letter(acts: list[Act], slugs: list[str]) -> None:
    assert [letter.slug for letter in letters_of(*acts)] == slugs


# --- What they say ----------------------------------------------------------------------------------


def test_the_receipt_of_lodging_proves_what_was_received_and_promises_nothing() -> None:
    text = words(letters_of(LODGE, papers=("注册申请表", "劳动合同"))[0])
    for said in (
        "ZC202610001237-收1",
        "上报回执",
        "你于2026年11月23日10:00上报的注册安全工程师初始注册申请",
        "申请材料第1版",
        "3F2A-91C0-5B7D-4E66",
        DIGEST,
        "受理期限至2026年11月30日",
        "写明申请编号：注册申请表劳动合同",
        "不代表受理",
        "咨询电话：010-12345678",
        "不需要盖章",
    ):
        assert said in text
    assert "盖章处" not in text


def test_the_receipt_of_a_corrected_version_names_its_version_and_digest() -> None:
    text = words(letters_of(LODGE, SEND_BACK, RESUBMIT, papers=("注册申请表",))[-1])
    assert "2026年11月25日10:00补正后重新上报" in text
    assert "补正通知要求补交纸质材料的" in text
    assert "申请材料第2版" in text
    assert "a" * 64 in text


def test_where_the_clock_is_only_a_target_no_deadline_is_promised() -> None:
    policy = {**case().policy, "review_clock_applies": False}
    text = words(letters_of(LODGE, policy=policy)[0])
    assert "受理期限" not in text
    assert "预计于2026年11月30日前答复" in text


def test_the_notice_of_acceptance_names_number_applicant_and_expected_day() -> None:
    text = words(letters_of(LODGE, ACCEPT)[1])
    for said in (
        "SL202610001237",
        "受理通知书",
        "张测（证件号码：110000********0014）",
        "你于2026年11月23日提出的",
        "予以受理",
        "2026年12月21日前",
    ):
        assert said in text
    assert "北京市应急管理局（盖章处）2026年11月24日" in text


@pytest.mark.parametrize(
    ("acts", "since"),
    [((LODGE, DEEM), "2026年11月23日"), ((LODGE, SEND_BACK, RESUBMIT, DEEM), "2026年11月25日")],
)
def test_a_deemed_acceptance_counts_from_what_was_received_last(acts: tuple[Act, ...], since: str) -> None:
    text = words(letters_of(*acts)[-1])
    assert f"自{since}起视为受理" in text
    assert "SL202610001237" in text


def test_a_provisional_day_says_so() -> None:
    act, to, detail = ACCEPT
    text = words(letters_of(LODGE, (act, to, {**detail, "due_provisional": True}))[1])
    assert "2026年12月21日（暂定）前" in text


def test_the_correction_notice_lists_every_item_and_the_day() -> None:
    letter = letters_of(LODGE, SEND_BACK)[1]
    text = words(letter)
    assert letter.number == "ZC202610001237-补1"
    assert "照片不符合要求" in text
    assert "聘用单位信息·单位名称：与合同不一致" in text
    assert "请于2026年12月7日前修改并重新上报，逾期未补正的，本次申请终止。" in text
    assert "说明：" not in text


def test_a_second_correction_is_numbered_and_gives_its_reason() -> None:
    again = ("send_back", "correction", {**SEND_BACK[2], "reason": "核对时发现新的问题"})
    letter = letters_of(LODGE, SEND_BACK, RESUBMIT, again)[-1]
    assert letter.number == "ZC202610001237-补2"
    assert "说明：核对时发现新的问题" in words(letter)


@pytest.mark.parametrize("act", [NOT_ACCEPT, REFUSE], ids=["not accepted", "refused"])
def test_whoever_is_refused_is_told_why_and_what_can_be_done(act: Act) -> None:
    text = words(letters_of(LODGE, act)[-1])
    assert {
        "not_accept": "理由：不属于受理范围。如",
        "refuse": "理由：处于限制再次申请期限内；至2027年12月31日。如",
    }[act[0]] in text
    assert "60日内申请行政复议，或在6个月内提起行政诉讼" in text


@pytest.mark.parametrize(("kind", "word"), [("initial", "准予初始注册"), ("renewal", "准予延续注册")])
def test_the_grant_names_category_number_validity_and_certificate_day(kind: str, word: str) -> None:
    letter = letters_of(LODGE, ("approve", "final_passed", GRANT), kind=kind)[-1]
    text = words(letter)
    for said in (
        f"决定{word}",
        "注册类别：煤矿安全",
        "26001000123",
        "聘用单位：北京示例化工有限公司",
        "2026年12月1日至2029年11月30日",
        "执业证将于2026年12月15日前制发",
        "注册安全工程师注册终审机构（盖章处）2026年11月24日",
    ):
        assert said in text


def test_what_an_officer_typed_is_only_text() -> None:
    trick = "<img src=file:///etc/passwd>\u202e甲\x07"
    act = ("send_back", "correction", {"items": [{"item": "photo", "code": "R05", "text": trick}]})
    text = words(letters_of(LODGE, act)[-1])
    assert "<imgsrc=file:///etc/passwd>甲" in text
    assert "root:" not in text


# --- Deadlines, lapse, hand-over, termination ---------------------------------------------------------


def test_an_extension_says_which_period_until_when_and_why() -> None:
    text = words(letters_of(LODGE, ACCEPT, EXTEND)[-1])
    assert "第四十二条" in text
    assert "初审期限延长10个工作日，延长后的期限至2027年1月4日。延长期限的理由：须向发证机关核实。" in text
    again = letters_of(LODGE, ACCEPT, EXTEND, ("extend", "reported", EXTEND[2]))[-1]
    assert again.number == "ZC202610001237-延2"
    assert "终审期限延长10个工作日" in words(again)


def test_more_time_for_a_correction_names_the_day_it_was_asked_for_and_the_new_one() -> None:
    text = words(letters_of(LODGE, SEND_BACK, EXTEND_CORRECTION)[-1])
    assert "本机构于2026年11月24日告知你补正。现将补正期限延长10个工作日，延长至2026年12月21日。" in text
    assert "合同原件须由外地寄回" in text


def test_a_lapse_tells_what_was_asked_until_when_and_the_remedies() -> None:
    text = words(letters_of(LODGE, SEND_BACK, LAPSE)[-1])
    assert "本机构于2026年11月24日一次性告知你需要补正的全部内容，补正期限至2026年12月7日" in text
    assert "60日内申请行政复议" in text


def test_a_termination_gives_ground_reason_and_remedies() -> None:
    letter = letters_of(LODGE, TERMINATE)[-1]
    text = words(letter)
    assert "事由：申请人死亡；户籍注销证明。" in text
    assert "6个月内提起行政诉讼" in text
    assert letter.issuer == "北京市应急管理局"


def test_a_termination_by_the_authority_is_signed_by_it() -> None:
    movement = Movement(
        number=2, act="terminate", to_state="terminated", detail=TERMINATE[2], at=LODGED_AT,
        actor_role="registrar",
    )  # fmt: skip
    (letter,) = letters.letters_of(case(), [movement], agency=BEIJING, authority=AUTHORITY)
    assert (letter.issuer, letter.head) == (AUTHORITY.name_zh, AUTHORITY.name_zh)


def test_before_a_hand_over_the_agency_that_had_the_case_signs() -> None:
    send_back = ("send_back", "correction", SEND_BACK[2])
    written = letters_of(LODGE, send_back, HAND_OVER, ACCEPT)
    signed = {letter.slug: letter.issuer for letter in written}
    assert signed == {
        "lodged-1": "注册安全工程师注册管理系统",
        "correction-2": "上海市应急管理局",
        "handed-over-3": "上海市应急管理局",
        "accepted-4": "北京市应急管理局",
    }
    text = words(written[2])
    assert "不属于上海市应急管理局的办理范围，现转交北京市应急管理局办理" in text
    assert "聘用单位在北京" in text
    assert "原有期限不变，受理期限至2026年11月30日。" in text
    assert "咨询电话" not in words(written[0])


def test_the_agencys_own_head_stands_above_its_letters_only() -> None:
    own = Agency(code="beijing", name_zh="北京市应急管理局", letter_head="北京市安全工程师注册办公室")
    movements = [
        Movement(number=n, act=act, to_state=to, detail=detail, at=LODGED_AT, actor_role="")
        for n, (act, to, detail) in enumerate([LODGE, ACCEPT, REFUSE], 1)
    ]
    found = letters.letters_of(case(), movements, agency=own, authority=AUTHORITY)
    assert [letter.head for letter in found] == ["", "北京市安全工程师注册办公室", AUTHORITY.name_zh]
    assert words(found[1]).startswith("北京市安全工程师注册办公室")
    assert [letter.issuer for letter in found][1:] == ["北京市应急管理局", AUTHORITY.name_zh]
