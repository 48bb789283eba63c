"""The letters of a case: receipts of lodging and acceptance, correction, non-acceptance, extensions, lapse,
hand-over, termination, grant, refusal and reinstatement.

Each is written from one movement of the case and says what was told then, whatever has happened since. They
carry the masked document number. `review.letters` draws them once and keeps them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NotRequired, TypedDict, Unpack

from django.template.loader import render_to_string
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from register import clock, codes
from register.models import Kind
from register.printing import qr_svg, render_pdf
from review.documents import wording
from review.documents.sheets import short_digest
from review.models import Case, Movement, RulingKind, TerminationGround
from review.sections import item_label
from review.states import Clock, State
from tenants.models import Agency
from tenants.roles import FINAL_REVIEWER, REGISTRAR, SIGNING_OFFICER

SYSTEM: Final = "注册安全工程师注册管理系统"
LICENSING_LAW: Final = "《中华人民共和国行政许可法》"
RULES: Final = "《注册安全工程师管理规定》"
OF_THE_AUTHORITY: Final = frozenset(role.code for role in (FINAL_REVIEWER, SIGNING_OFFICER, REGISTRAR))
# The titles as the reader of a page reads them; the letters themselves are written in Chinese.
TITLES: Final[Mapping[str, str | Promise]] = {
    "上报回执": _("上报回执"),
    "受理通知书": _("受理通知书"),
    "补正通知书": _("补正通知书"),
    "不予受理通知书": _("不予受理通知书"),
    "延长审查期限告知书": _("延长审查期限告知书"),
    "延长补正期限告知书": _("延长补正期限告知书"),
    "逾期未补正终止通知书": _("逾期未补正终止通知书"),
    "转交告知书": _("转交告知书"),
    "终止办理通知书": _("终止办理通知书"),
    "准予注册决定书": _("准予注册决定书"),
    "不予注册决定书": _("不予注册决定书"),
    "恢复审查通知书": _("恢复审查通知书"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An official letter: number, title, whom it addresses, its paragraphs, who signs it and when.

    `slug` names it within its case. `head` stands above it. A receipt by the system is not sealed and carries
    the form's digest.
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
    head: str = ""
    sealed: bool = True
    digest: str = ""

    @property
    def label(self) -> str | Promise:
        """The title in the language of the page that offers it."""
        return TITLES.get(self.title, self.title)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs a letter: the name under it, the head above it, and where one may ask."""

    name: str
    head: str
    phone: str = ""

    @classmethod
    def of(cls, agency: Agency) -> Signer:
        return cls(name=agency.name_zh, head=agency.letter_head or agency.name_zh, phone=agency.phone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A movement that a letter tells, with its case, what came before it, and who signs."""

    case: Case
    movement: Movement
    before: Sequence[Movement]
    agency: Signer
    final: Signer
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
    def signer(self) -> Signer:
        """Who acted: the agency that had the case at the time, or the authority."""
        return self.final if self.movement.actor_role in OF_THE_AUTHORITY else self.agency

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
    """The letters of a case, oldest first, from its movements in their order.

    `agency` is the one that has the case; what was told before a hand-over is signed by the one that had it.
    """
    acting = signers(movements, agency)
    # Asked for only when a letter of the authority is among them.
    final: Signer = SimpleLazyObject(lambda: Signer.of(authority))  # type: ignore[assignment]
    return [
        letter_of(
            Told(
                case=case,
                movement=movement,
                before=movements[:number],
                agency=acting[number],
                final=final,
                papers=papers,
            )
        )
        for number, movement in enumerate(movements)
        if name_of(movement)
    ]


def letter_of(told: Told) -> Letter:
    """The letter that tells this movement. Raises KeyError for a movement that brings none."""
    return printable(LETTERS[_row_of(told.movement)](told))


def name_of(movement: Movement) -> str:
    """The name of the letter that a movement brings, the first part of its slug; empty where it brings none.

    The acts that bring a letter order it under this name before it is written.
    """
    row = _row_of(movement)
    return NAMES[LETTERS[row]] if row in LETTERS else ""


def _row_of(movement: Movement) -> tuple[str, str]:
    exact = (movement.act, movement.to_state)
    return exact if exact in LETTERS else (movement.act, "")


def signers(movements: Sequence[Movement], agency: Agency) -> list[Signer]:
    """The agency that had the case at each movement: a hand-over is the last act of the one that gives it."""
    signer, found = Signer.of(agency), []
    for movement in reversed(movements):
        if movement.act == "hand_over":
            name = movement.detail["from"]["zh"]
            signer = Signer(name=name, head=name)
        found.append(signer)
    return found[::-1]


def letter_pdf(letter: Letter) -> bytes:
    """The letter on A4: number, centred title, body, date and seal box at the lower right."""
    context = {
        "letter": letter,
        "date": wording.day(letter.on),
        "qr": qr_svg(f"{letter.reference}:{letter.slug}".upper()),
    }
    return render_pdf(render_to_string("print/letter.html", context))


def printable(letter: Letter) -> Letter:
    return replace(
        letter,
        to=wording.printable(letter.to),
        head=wording.printable(letter.head),
        issuer=wording.printable(letter.issuer),
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
        f"提交至{told.agency.name}。",
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
    contact = f"{told.agency.name}咨询电话：{told.agency.phone}。" if told.agency.phone else ""
    return _letter(
        told,
        title="上报回执",
        number=f"{told.case.reference}-收{version}",
        paragraphs=paragraphs,
        items=papers,
        closing=[
            "本回执只证明系统已经收到申请，不代表受理。是否受理及以后的办理结果，请登录系统查看。" + contact,
            "本回执由系统生成，不需要盖章。",
        ],
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
        title="受理通知书",
        number=str(told.detail.get("number") or told.case.acceptance_number),
        paragraphs=[
            f"你于{wording.day(clock.day_of(told.case.lodged_at))}提出的{_subject(told.case)}及有关材料收悉。",
            decided,
            *([due] if due else []),
        ],
        signer=told.agency,
    )


def correction(told: Told) -> Letter:
    """补正通知书: every item at once, and the day by which it must be answered."""
    earlier = sum(one.act == "send_back" for one in told.before)
    due = f"请于{told.due}前修改并重新上报，" if told.due else "请修改并重新上报，"
    return _letter(
        told,
        title="补正通知书",
        number=f"{told.case.reference}-补{earlier + 1}",
        paragraphs=[
            f"你提出的{_subject(told.case)}收悉。经审查，申请材料需要补正，"
            f"现根据{LICENSING_LAW}第三十二条的规定一次性告知如下："
        ],
        items=_faults(told),
        closing=[*_why_again(told), due + "逾期未补正的，本次申请终止。"],
        signer=told.agency,
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
        title="不予受理通知书",
        number=f"{told.case.reference}-不受",
        paragraphs=[
            f"你提出的{_subject(told.case)}收悉。经审查，根据{LICENSING_LAW}第三十二条的规定，"
            f"决定不予受理。理由：{told.reasons}。",
            _remedies(told.case),
        ],
        signer=told.agency,
    )


# --- Deadlines -------------------------------------------------------------------------------------


def extended(told: Told) -> Letter:
    """延长审查期限告知书, with the reason (Administrative Licensing Law art. 42)."""
    which = {State.REPORTED: "终审期限", State.SENT_BACK: "复核期限"}.get(
        State(told.movement.to_state), "初审期限"
    )
    return _letter(
        told,
        title="延长审查期限告知书",
        number=f"{told.case.reference}-延{_nth(told)}",
        paragraphs=[
            f"你提出的{_subject(told.case)}，因故不能在原定期限内办结。根据{LICENSING_LAW}第四十二条的规定，"
            f"经本机构负责人批准，{which}延长{told.case.policy['extension_days']}个工作日"
            + (f"，延长后的期限至{told.due}。" if told.due else "。"),
            f"延长期限的理由：{told.reasons}。",
        ],
        signer=told.signer,
    )


def correction_extended(told: Told) -> Letter:
    """延长补正期限告知书: the new day by which the correction must be answered."""
    asked = [one for one in told.before if one.act == "send_back"]
    day = wording.day(clock.day_of(asked[-1].at)) if asked else ""
    until = f"，延长至{told.due}" if told.due else ""
    return _letter(
        told,
        title="延长补正期限告知书",
        number=f"{told.case.reference}-补延{_nth(told)}",
        paragraphs=[
            f"你提出的{_subject(told.case)}，本机构{f'于{day}' if day else ''}告知你补正。现将补正期限"
            f"延长{told.case.policy['extension_days']}个工作日{until}。",
            *([f"延长期限的理由：{told.reasons}。"] if told.reasons else []),
            "请在延长后的期限内修改并重新上报，逾期未补正的，本次申请终止。",
        ],
        signer=told.signer,
    )


def lapsed(told: Told) -> Letter:
    """逾期未补正终止通知书: when the correction was asked for, until when, and that nothing came."""
    asked = [one for one in told.before if one.act == "send_back"]
    day = wording.day(clock.day_of(asked[-1].at)) if asked else ""
    due = wording.iso(told.detail.get("due"))
    return _letter(
        told,
        title="逾期未补正终止通知书",
        number=f"{told.case.reference}-逾{_nth(told)}",
        paragraphs=[
            f"你提出的{_subject(told.case)}，本机构{f'于{day}' if day else ''}一次性告知你需要补正的全部内容"
            + (f"，补正期限至{due}" if due else "")
            + "。期限届满，你没有补正并重新上报，本次申请依法终止。",
            "备齐材料后，你可以重新提出申请，原来填写的内容可以复制为新的申请。",
            _remedies(told.case),
        ],
        signer=told.signer,
    )


# --- Elsewhere, or not at all ----------------------------------------------------------------------


def handed_over(told: Told) -> Letter:
    """转交告知书: from whom to whom and why, and that nothing is lost by it."""
    source, target = told.agency.name, told.detail["to"]["zh"]
    with override("zh-hans"):
        which = str(Clock(told.detail["clock"]).label) if told.detail.get("clock") else "办理期限"
    due = f"原有期限不变，{which}至{told.due}。" if told.due else "原有期限不变。"
    merged = bool(told.detail.get("merger"))
    why = f"因{source}并入{target}" if merged else f"经审查，该申请不属于{source}的办理范围"
    return _letter(
        told,
        title="转交告知书",
        number=f"{told.case.reference}-转{_nth(told)}",
        paragraphs=[
            f"你提出的{_subject(told.case)}收悉。{why}，现转交{target}办理。理由：{told.reasons}。",
            f"申请编号、申请材料和上报时间随案转交，你无需重新填写。{due}以后的办理事项由{target}通知你。",
        ],
        signer=told.agency,
    )


def terminated(told: Told) -> Letter:
    """终止办理通知书, with the ground, the reason and the remedies."""
    with override("zh-hans"):
        ground = told.detail.get("ground")
        why = str(TerminationGround(ground).label) if ground else ""
    because = wording.joined("；", why, told.reasons)
    return _letter(
        told,
        title="终止办理通知书",
        number=f"{told.case.reference}-终{_nth(told)}",
        paragraphs=[
            f"你提出的{_subject(told.case)}，现决定终止办理。事由：{because}。",
            _remedies(told.case),
        ],
        signer=told.signer,
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
        signer=told.final,
    )


def refused(told: Told) -> Letter:
    """不予注册决定书, with the reasons and the remedies (Order 11 art. 12)."""
    return _letter(
        told,
        title="不予注册决定书",
        number=f"{told.case.reference}-不准",
        paragraphs=[
            f"你提出的{_subject(told.case)}，经审查，决定不予注册。理由：{told.reasons}。",
            _remedies(told.case),
        ],
        signer=told.final,
    )


def reinstated(told: Told) -> Letter:
    """恢复审查通知书: by which ruling, what is void by it, who reviews now and until when."""
    ruling = told.detail
    with override("zh-hans"):
        basis = str(RulingKind(ruling["basis"]).label) if ruling.get("basis") else ""
    by = wording.joined("", str(ruling.get("decided_by") or ""), wording.iso(ruling.get("decided_on")))
    at_authority = told.movement.to_state == State.REPORTED
    former = {
        State.FINAL_FAILED: "不予注册决定",
        State.NOT_ACCEPTED: "不予受理决定",
    }.get(State(told.movement.from_state), "逾期未补正终止")
    who, what = (told.final.name, "终审期限") if at_authority else (told.agency.name, "受理期限")
    due = f"，{what}至{told.due}" if told.due else ""
    return _letter(
        told,
        title="恢复审查通知书",
        number=f"{told.case.reference}-恢{_nth(told)}",
        paragraphs=[
            f"你提出的{_subject(told.case)}，原作{former}。"
            f"根据{by}作出的{basis}（{ruling.get('judgment', '')}），现恢复审查。",
            *([f"该文书的要求：{told.reasons}。"] if told.reasons else []),
            f"本案自今日起由{who}重新审查{due}。原申请材料和上报时间不变，你无需重新上报；"
            "审查仍适用上报时的政策规定。",
        ],
        signer=told.final,
    )


# By act, and where the act alone does not say it, by the state it led to: a proposal is no decision.
LETTERS: Final[Mapping[tuple[str, str], Callable[[Told], Letter]]] = {
    ("lodge", ""): lodged,
    ("resubmit", ""): lodged,
    ("accept", ""): accepted,
    ("deem_accept", ""): accepted,
    ("send_back", ""): correction,
    ("not_accept", ""): not_accepted,
    ("extend", ""): extended,
    ("extend_correction", ""): correction_extended,
    ("lapse", ""): lapsed,
    ("hand_over", ""): handed_over,
    ("terminate", ""): terminated,
    ("approve", State.FINAL_PASSED): granted,
    ("refuse", State.FINAL_FAILED): refused,
    ("reinstate", ""): reinstated,
}

# What a letter is called within its case.
NAMES: Final[Mapping[Callable[[Told], Letter], str]] = {
    lodged: "lodged",
    accepted: "accepted",
    correction: "correction",
    not_accepted: "not-accepted",
    extended: "extended",
    correction_extended: "correction-extended",
    lapsed: "lapsed",
    handed_over: "handed-over",
    terminated: "terminated",
    granted: "granted",
    refused: "refused",
    reinstated: "reinstated",
}


# --- What they share ------------------------------------------------------------------------------


def _letter(told: Told, **said: Unpack[_Said]) -> Letter:
    signer = said.get("signer")
    return Letter(
        slug=f"{name_of(told.movement)}-{told.movement.number}",
        reference=told.case.reference,
        title=said["title"],
        number=said["number"],
        paragraphs=said["paragraphs"],
        items=said.get("items", ()),
        closing=said.get("closing", ()),
        digest=said.get("digest", ""),
        head=signer.head if signer else "",
        issuer=signer.name if signer else SYSTEM,
        sealed=signer is not None,
        to=f"{told.case.applicant_name}（证件号码：{told.case.document_mask}）：",
        on=told.on,
    )


class _Said(TypedDict):
    title: str
    number: str
    paragraphs: Sequence[str]
    # Without one the system itself answers, and nothing is sealed.
    signer: NotRequired[Signer]
    items: NotRequired[Sequence[str]]
    closing: NotRequired[Sequence[str]]
    digest: NotRequired[str]


def _nth(told: Told) -> int:
    """The how manyth act of its kind in this case this is: what may happen again is numbered."""
    return 1 + sum(one.act == told.movement.act for one in told.before)


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
