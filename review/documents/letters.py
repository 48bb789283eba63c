"""The letters of a case: receipt, correction notice, notice of non-acceptance, grant and refusal.

They carry the masked document number. Each is built from the case and what was decided, and rendered
when it is asked for; nothing is kept here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.translation import override

from register import clock, codes
from register.models import Kind, Registration
from register.printing import qr_svg, render_pdf
from review.documents import words
from review.models import Case, Correction, Opinion
from review.states import State
from tenants.models import Agency


@dataclass(frozen=True, slots=True)
class Letter:
    """An official letter: number, title, whom it addresses, its paragraphs, who signs it and when."""

    title: str
    number: str
    reference: str
    to: str
    paragraphs: Sequence[str]
    issuer: str
    on: dt.date
    items: Sequence[str] = ()
    closing: Sequence[str] = ()


def letter_pdf(letter: Letter) -> bytes:
    """The letter on A4: number, centred title, body, date and seal box at the lower right."""
    context = {
        "letter": letter,
        "date": words.day(letter.on),
        "qr": qr_svg(f"{letter.reference}:{letter.number}".upper()),
    }
    return render_pdf(render_to_string("print/letter.html", context))


def receipt(case: Case, agency: Agency, *, on: dt.date) -> Letter:
    """受理通知书. A deemed acceptance says so (Administrative Licensing Law art. 32, Order 11 art. 10)."""
    lodged = words.day(clock.day_of(case.lodged_at))
    if case.state == State.DEEMED_ACCEPTED:
        accepted = (
            "本机构未在规定期限内告知补正，根据《中华人民共和国行政许可法》第三十二条的规定，"
            f"你的申请自{lodged}起视为受理。"
        )
    else:
        accepted = (
            "经审查，申请材料齐全、符合法定形式，根据《中华人民共和国行政许可法》第三十二条和"
            "《注册安全工程师管理规定》第十条的规定，予以受理。"
        )
    due = (
        f"初审预计于{words.day(case.due_on)}前完成，初审意见将随申请材料报送终审机构作出决定。"
        if case.due_on
        else ""
    )
    return Letter(
        title="受理通知书",
        number=case.acceptance_number,
        reference=case.reference,
        to=_addressee(case),
        paragraphs=[f"你于{lodged}提出的{_subject(case)}及有关材料收悉。", accepted, *([due] if due else [])],
        issuer=agency.name_zh,
        on=on,
    )


def correction_notice(case: Case, agency: Agency, correction: Correction) -> Letter:
    """补正通知书: every item at once, and the day by which it must be answered."""
    due = f"请于{words.day(case.due_on)}前修改并重新上报，" if case.due_on else "请修改并重新上报，"
    return Letter(
        title="补正通知书",
        number=f"{case.reference}-补{correction.number}",
        reference=case.reference,
        to=_addressee(case),
        paragraphs=[
            f"你提出的{_subject(case)}收悉。经审查，申请材料需要补正，"
            "现根据《中华人民共和国行政许可法》第三十二条的规定一次性告知如下："
        ],
        items=[str(item["text"]) for item in correction.items],
        closing=[due + "逾期未补正的，本次申请终止。"],
        issuer=agency.name_zh,
        on=clock.day_of(correction.told_at),
    )


def not_accepted(case: Case, agency: Agency, *, reasons: Sequence[str], on: dt.date) -> Letter:
    """不予受理通知书, with the reason and the remedies."""
    return Letter(
        title="不予受理通知书",
        number=f"{case.reference}-不受",
        reference=case.reference,
        to=_addressee(case),
        paragraphs=[
            f"你提出的{_subject(case)}收悉。经审查，根据《中华人民共和国行政许可法》第三十二条的规定，"
            f"决定不予受理。理由：{'；'.join(reasons)}。",
            _remedies(case),
        ],
        issuer=agency.name_zh,
        on=on,
    )


def grant(case: Case, registration: Registration, *, issuer: str) -> Letter:
    """准予注册决定书: category, number and validity."""
    with override("zh-hans"):
        category = codes.label("category", registration.category)
    return Letter(
        title="准予注册决定书",
        number=f"{case.reference}-准",
        reference=case.reference,
        to=_addressee(case),
        paragraphs=[
            f"你提出的{_subject(case)}，经审查符合《注册安全工程师管理规定》规定的条件，决定准予注册。",
            f"注册类别：{category}。",
            f"执业证编号：{registration.number}。",
            f"聘用单位：{registration.employer_name}。",
            f"注册有效期：{words.day(registration.valid_from)}至{words.day(registration.valid_to)}。",
        ],
        issuer=issuer,
        on=registration.granted_on,
    )


def refusal(case: Case, decision: Opinion, *, issuer: str) -> Letter:
    """不予注册决定书, with the reasons and the remedies (Order 11 art. 12)."""
    with override("zh-hans"):
        reasons = [codes.label("reason", code) for code in decision.codes]
    told = "；".join([*reasons, *([decision.text] if decision.text else [])])
    return Letter(
        title="不予注册决定书",
        number=f"{case.reference}-不准",
        reference=case.reference,
        to=_addressee(case),
        paragraphs=[
            f"你提出的{_subject(case)}，经审查，决定不予注册。理由：{told}。",
            _remedies(case),
        ],
        issuer=issuer,
        on=clock.day_of(decision.countersigned_at or decision.given_at),
    )


def _remedies(case: Case) -> str:
    days, months = case.policy["reconsideration_days"], case.policy["lawsuit_months"]
    return f"如不服本决定，可在收到本决定之日起{days}日内申请行政复议，或在{months}个月内提起行政诉讼。"


def _addressee(case: Case) -> str:
    return f"{case.applicant_name}（证件号码：{case.document_mask}）："


def _subject(case: Case) -> str:
    with override("zh-hans"):
        return f"注册安全工程师{Kind(case.kind).label}申请（申请编号：{case.reference}）"
