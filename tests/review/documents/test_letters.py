from __future__ import annotations

import datetime as dt
import io
import re
from typing import Any

import pytest
from pypdf import PdfReader

from register.models import Registration
from review.documents import letters
from review.documents.letters import Letter
from review.models import Case, Correction, Opinion
from tenants.models import Agency

pytestmark = pytest.mark.django_db

TOLD_AT = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)
BEIJING = Agency(code="beijing", name_zh="北京市应急管理局")
AUTHORITY = "注册安全工程师注册终审机构"


def case(**fields: Any) -> Case:
    values: dict[str, Any] = {
        "reference": "ZC202610001237",
        "kind": "initial",
        "state": "accepted",
        "applicant_name": "张测",
        "document_mask": "110000********0014",
        "lodged_at": TOLD_AT,
        "due_on": dt.date(2026, 12, 21),
        "acceptance_number": "SL202600001",
        "policy": {"reconsideration_days": 60, "lawsuit_months": 6},
        **fields,
    }
    return Case(**values)


def words(letter: Letter) -> str:
    pages = PdfReader(io.BytesIO(letters.letter_pdf(letter))).pages
    return re.sub(r"\s", "", "".join(page.extract_text() for page in pages))


def test_the_receipt_names_number_applicant_and_expected_day() -> None:
    text = words(letters.receipt(case(), BEIJING, on=dt.date(2026, 11, 24)))
    for said in (
        "SL202600001",
        "受理通知书",
        "张测（证件号码：110000********0014）",
        "予以受理",
        "2026年12月21日前",
    ):
        assert said in text
    assert "北京市应急管理局（盖章处）2026年11月24日" in text


def test_a_deemed_acceptance_says_so() -> None:
    text = words(letters.receipt(case(state="deemed_accepted"), BEIJING, on=dt.date(2026, 12, 1)))
    assert "自2026年11月23日起视为受理" in text


def test_the_correction_notice_lists_every_item_and_the_day() -> None:
    items = [{"item": "photo", "text": "照片不符合要求"}, {"item": "papers", "text": "申请表未盖章"}]
    text = words(
        letters.correction_notice(case(), BEIJING, Correction(number=1, items=items, told_at=TOLD_AT))
    )
    assert "照片不符合要求申请表未盖章请于2026年12月21日前修改并重新上报" in text


@pytest.mark.parametrize(
    "letter",
    [
        letters.not_accepted(case(), BEIJING, reasons=["不属于受理范围"], on=dt.date(2026, 11, 24)),
        letters.refusal(case(), Opinion(codes=[], text="不属于受理范围", given_at=TOLD_AT), issuer=AUTHORITY),
    ],
    ids=["not accepted", "refused"],
)
def test_whoever_is_refused_is_told_why_and_what_can_be_done(letter: Letter) -> None:
    text = words(letter)
    assert "理由：不属于受理范围。" in text
    assert "60日内申请行政复议，或在6个月内提起行政诉讼" in text


def test_a_refusal_gives_the_reasons_of_the_code_list_in_words() -> None:
    decision = Opinion(codes=["N07"], text="至2027年12月31日", given_at=TOLD_AT)
    assert "理由：处于限制再次申请期限内；至2027年12月31日。" in words(
        letters.refusal(case(), decision, issuer=AUTHORITY)
    )


def test_the_grant_names_category_number_and_validity() -> None:
    granted = Registration(
        number="26001000123",
        category="A1",
        employer_name="北京示例化工有限公司",
        valid_from=dt.date(2026, 12, 1),
        valid_to=dt.date(2029, 11, 30),
        granted_on=dt.date(2026, 12, 1),
    )
    text = words(letters.grant(case(), granted, issuer=AUTHORITY))
    for said in ("决定准予注册", "注册类别：煤矿安全", "26001000123", "2026年12月1日至2029年11月30日"):
        assert said in text
