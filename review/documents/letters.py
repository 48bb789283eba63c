"""The letters of a case: receipts of lodging and acceptance, correction, non-acceptance, grant and refusal.

Each is written from one movement of the case and says what was told then, whatever has happened since. They
carry the masked document number and are drawn when they are asked for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NotRequired, TypedDict, Unpack

from django.template.loader import render_to_string
from django.utils.translation import override

from register import clock, codes
from register.models import Kind
from register.printing import qr_svg, render_pdf
from review.documents import wording
from review.documents.sheets import short_digest
from review.models import Case, Movement
from review.sections import item_label
from review.states import State
from tenants.models import Agency

SYSTEM: Final = "注册安全工程师注册管理系统"
LICENSING_LAW: Final = "《中华人民共和国行政许可法》"
RULES: Final = "《注册安全工程师管理规定》"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An official letter: number, title, whom it addresses, its paragraphs, who signs it and when.

    `slug` names it within its case. A receipt by the system is not sealed and carries the form's digest.
    """

    slug: str
    title: str
    number: str
    reference: str
    to: str
    paragraphs: Sequence[str]
    issuer: str
    on: dt.date
    items: Sequence[str] = ()
    closing: Sequence[str] = ()
    sealed: bool = True
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A movement that a letter tells, with its case, what came before it, and who signs."""

    case: Case
    movement: Movement
    before: Sequence[Movement]
    agency: Agency
    authority: Agency
    # What is still to be handed in on paper.
    papers: Sequence[str] = ()

    @property
    def detail(self) -> Mapping[str, Any]:
        detail: Mapping[str, Any] = self.movement.detail
        return detail

    @property
    def on(self) -> dt.date:
        return clock.day_of(self.movement.at)

    @property
    def due(self) -> str:
        """The deadline that this act set, in words; empty where it set none."""
        if not self.detail.get("due_on"):
            return ""
        day = wording.iso(self.detail["due_on"])
        return f"{day}（暂定）" if self.detail.get("due_provisional") else day

    @property
    def reasons(self) -> str:
        """Reason codes in words, then the officer's own text."""
        with override("zh-hans"):
            words = [codes.label("reason", code) for code in self.detail.get("codes", ())]
        said = [*words, str(self.detail.get("text") or "")]
        return "；".join(filter(None, (text.rstrip("。；") for text in said)))


def letters_of(
    case: Case,
    movements: Sequence[Movement],
    *,
    agency: Agency,
    authority: Agency,
    papers: Sequence[str] = (),
) -> list[Letter]:
    """The letters of a case, oldest first, from its movements in their order."""
    written = []
    for number, movement in enumerate(movements):
        write = LETTERS.get((movement.act, movement.to_state)) or LETTERS.get((movement.act, ""))
        if write is None:
            continue
        told = Told(
            case=case,
            movement=movement,
            before=movements[:number],
            agency=agency,
            authority=authority,
            papers=papers,
        )
        written.append(_printable(write(told)))
    return written


def letter_pdf(letter: Letter) -> bytes:
    """The letter on A4: number, centred title, body, date and seal box at the lower right."""
    context = {
        "letter": letter,
        "date": wording.day(letter.on),
        "qr": qr_svg(f"{letter.reference}:{letter.slug}".upper()),
    }
    return render_pdf(render_to_string("print/letter.html", context))


def _printable(letter: Letter) -> Letter:
    return replace(
        letter,
        to=wording.printable(letter.to),
        paragraphs=wording.printable(letter.paragraphs),
        items=wording.printable(letter.items),
        closing=wording.printable(letter.closing),
    )


# --- Lodging ---------------------------------------------------------------------------------------


def lodged(told: Told) -> Letter:
    """上报回执: what the system has received, when, and until when the agency answers."""
    digest = str(told.detail.get("digest", ""))
    version = told.detail.get("version", 1)
    again = told.movement.act == "resubmit"
    done = "补正后重新上报" if again else "上报"
    paragraphs = [
        f"你于{_moment(told.movement.at)}{done}的{_subject(told.case)}已经收到（申请材料第{version}版），"
        f"提交至{told.agency.name_zh}。",
        f"申请表校验码：{short_digest(digest)}。纸质申请表上的校验码应与此一致。",
    ]
    if told.due:
        binding = told.case.policy.get("review_clock_applies", True)
        which = "受理期限" if told.movement.to_state == State.SUBMITTED else "初审期限"
        paragraphs.append(f"{which}至{told.due}。" if binding else f"预计于{told.due}前答复。")
    papers = () if again else told.papers
    if papers:
        paragraphs.append("请把下列材料交给或者寄给注册机构，并写明申请编号：")
    elif told.papers:
        paragraphs.append("补正通知要求补交纸质材料的，请一并交给注册机构，并写明申请编号。")
    contact = f"{told.agency.name_zh}咨询电话：{told.agency.phone}。" if told.agency.phone else ""
    return _letter(
        told,
        "lodged",
        title="上报回执",
        number=f"{told.case.reference}-收{version}",
        paragraphs=paragraphs,
        items=papers,
        closing=[
            "本回执只证明系统已经收到申请，不代表受理。是否受理及以后的办理结果，请登录系统查看。" + contact,
            "本回执由系统生成，不需要盖章。",
        ],
        issuer=SYSTEM,
        sealed=False,
        digest=digest,
    )


# --- First review ----------------------------------------------------------------------------------


def accepted(told: Told) -> Letter:
    """受理通知书. A deemed acceptance says so (Administrative Licensing Law art. 32, Order 11 art. 10)."""
    if told.movement.act == "deem_accept":
        decided = (
            f"本机构未在规定期限内告知补正，根据{LICENSING_LAW}第三十二条的规定，"
            f"你的申请自{wording.day(_received(told))}起视为受理。"
        )
    else:
        decided = (
            "经审查，申请材料齐全、符合法定形式，"
            f"根据{LICENSING_LAW}第三十二条和{RULES}第十条的规定，予以受理。"
        )
    due = f"初审预计于{told.due}前完成，初审意见将随申请材料报送终审机构作出决定。" if told.due else ""
    return _letter(
        told,
        "accepted",
        title="受理通知书",
        number=str(told.detail.get("number") or told.case.acceptance_number),
        paragraphs=[
            f"你于{wording.day(clock.day_of(told.case.lodged_at))}提出的{_subject(told.case)}及有关材料收悉。",
            decided,
            *([due] if due else []),
        ],
        issuer=told.agency.name_zh,
    )


def correction(told: Told) -> Letter:
    """补正通知书: every item at once, and the day by which it must be answered."""
    earlier = sum(one.act == "send_back" for one in told.before)
    due = f"请于{told.due}前修改并重新上报，" if told.due else "请修改并重新上报，"
    return _letter(
        told,
        "correction",
        title="补正通知书",
        number=f"{told.case.reference}-补{earlier + 1}",
        paragraphs=[
            f"你提出的{_subject(told.case)}收悉。经审查，申请材料需要补正，"
            f"现根据{LICENSING_LAW}第三十二条的规定一次性告知如下："
        ],
        items=_faults(told),
        closing=[*_why_again(told), due + "逾期未补正的，本次申请终止。"],
        issuer=told.agency.name_zh,
    )


def _faults(told: Told) -> list[str]:
    with override("zh-hans"):
        return [f"{item_label(item['item'])}：{item['text']}" for item in told.detail.get("items", ())]


def _why_again(told: Told) -> list[str]:
    """A second correction, or one out of a running review, is given with its reason."""
    return [f"说明：{told.detail['reason']}"] if told.detail.get("reason") else []


def not_accepted(told: Told) -> Letter:
    """不予受理通知书, with the reason and the remedies."""
    return _letter(
        told,
        "not-accepted",
        title="不予受理通知书",
        number=f"{told.case.reference}-不受",
        paragraphs=[
            f"你提出的{_subject(told.case)}收悉。经审查，根据{LICENSING_LAW}第三十二条的规定，"
            f"决定不予受理。理由：{told.reasons}。",
            _remedies(told.case),
        ],
        issuer=told.agency.name_zh,
    )


# --- The decision ----------------------------------------------------------------------------------


def granted(told: Told) -> Letter:
    """准予注册决定书: category, number, validity, and when the certificate will be there."""
    with override("zh-hans"):
        category = codes.label("category", str(told.detail.get("category", "")))
        kind = str(Kind(told.case.kind).label)
    period = wording.joined(
        "至", wording.iso(told.detail.get("valid_from")), wording.iso(told.detail.get("valid_to"))
    )
    return _letter(
        told,
        "granted",
        title="准予注册决定书",
        number=f"{told.case.reference}-准",
        paragraphs=[
            f"你提出的{_subject(told.case)}，经审查符合{RULES}规定的条件，决定准予{kind}。",
            f"注册类别：{category}。",
            f"执业证编号：{told.detail.get('number', '')}。",
            f"聘用单位：{told.case.employer_name}。",
            f"注册有效期：{period}。",
            *([f"执业证将于{told.due}前制发。"] if told.due else []),
        ],
        issuer=told.authority.name_zh,
    )


def refused(told: Told) -> Letter:
    """不予注册决定书, with the reasons and the remedies (Order 11 art. 12)."""
    return _letter(
        told,
        "refused",
        title="不予注册决定书",
        number=f"{told.case.reference}-不准",
        paragraphs=[
            f"你提出的{_subject(told.case)}，经审查，决定不予注册。理由：{told.reasons}。",
            _remedies(told.case),
        ],
        issuer=told.authority.name_zh,
    )


# By act, and where the act alone does not say it, by the state it led to: a proposal is no decision.
LETTERS: Final[Mapping[tuple[str, str], Callable[[Told], Letter]]] = {
    ("lodge", ""): lodged,
    ("resubmit", ""): lodged,
    ("accept", ""): accepted,
    ("deem_accept", ""): accepted,
    ("send_back", ""): correction,
    ("not_accept", ""): not_accepted,
    ("approve", State.FINAL_PASSED): granted,
    ("refuse", State.FINAL_FAILED): refused,
}


# --- What they share ------------------------------------------------------------------------------


def _letter(told: Told, name: str, **said: Unpack[_Said]) -> Letter:
    return Letter(
        slug=f"{name}-{told.movement.number}",
        reference=told.case.reference,
        to=f"{told.case.applicant_name}（证件号码：{told.case.document_mask}）：",
        on=told.on,
        **said,
    )


class _Said(TypedDict):
    title: str
    number: str
    paragraphs: Sequence[str]
    issuer: str
    items: NotRequired[Sequence[str]]
    closing: NotRequired[Sequence[str]]
    sealed: NotRequired[bool]
    digest: NotRequired[str]


def _received(told: Told) -> dt.date:
    """The day on which the agency received what this movement speaks of."""
    moments = [one.at for one in told.before if one.act in {"lodge", "resubmit", "reinstate"}]
    return clock.day_of(moments[-1] if moments else told.case.lodged_at)


def _moment(at: dt.datetime) -> str:
    local = at.astimezone(clock.SHANGHAI)
    return f"{wording.day(local.date())}{local:%H:%M}"


def _remedies(case: Case) -> str:
    days, months = case.policy["reconsideration_days"], case.policy["lawsuit_months"]
    return f"如不服本决定，可在收到本决定之日起{days}日内申请行政复议，或在{months}个月内提起行政诉讼。"


def _subject(case: Case) -> str:
    with override("zh-hans"):
        return f"注册安全工程师{Kind(case.kind).label}申请（申请编号：{case.reference}）"
