"""The case page of both desks: the dossier, what happened so far, and the acts open to the reader."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from register import clock, codes, people, policy, standing
from register.models import Registration
from review import casework, checklist, sections, workflow
from review.documents import forms as printed
from review.models import Case, Correction, Dossier, Movement, Opinion
from review.states import Clock, State
from review.views import listing
from review.views.desk import Text, actor, is_target, need, private
from review.workflow import APPLICANT, CLOCK, Actor
from tenants.errors import Refusal
from tenants.guards import StaffRequest
from tenants.roles import BY_CODE

# States in which the reviewer who holds the case goes through its dossier.


# --- Buttons -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Button:
    """One act on the bar: where it leads, and whether a click already does it (`at_once`)."""

    act: str
    label: Text
    route: str
    tone: str = "outline-primary"
    at_once: bool = False
    url: str = ""


BUTTONS: Final = (
    Button("release", _("释放"), "release", "outline-secondary", at_once=True),
    Button("not_accept", _("不予受理"), "non-acceptance", "outline-danger"),
    Button("send_back", _("退回补正"), "correction"),
    Button("decline", _("不同意"), "objection", "outline-danger"),
    Button("reopen", _("撤销初审意见"), "reopening"),
    Button("remand", _("退回初审"), "remand"),
    Button("refuse", _("不予注册"), "refusal", "outline-danger"),
    Button("take_up", _("领取"), "holding", "primary", at_once=True),
    Button("accept", _("受理"), "acceptance", "primary"),
    Button("give_opinion", _("出具初审意见"), "opinion", "primary"),
    Button("countersign", _("同意初审意见"), "countersignature", "primary"),
    Button("refer", _("报送终审"), "referral", "primary"),
    Button("approve", _("准予注册"), "approval", "primary"),
)
BY_ACT: Final = {button.act: button for button in BUTTONS}


def buttons(case: Case, by: Actor) -> list[Button]:
    """The acts open to this reader that have a page, the main one last."""
    acts = set(workflow.acts_open_to(case, by))
    if workflow.holder_of(case) == by.user_id:
        acts.discard("take_up")
    pending = workflow.pending_opinion(case)
    if pending is not None and case.state == State.REPORTED:
        # Whoever signs agrees with the proposal or not, but makes no other decision.
        acts.discard("refuse" if pending.verdict == Opinion.Verdict.PASS else "approve")
    return [replace(b, url=reverse(b.route, args=[case.pk])) for b in BUTTONS if b.act in acts]


def hint(case: Case, by: Actor, acts: Iterable[Button], *, unchecked: int) -> str:
    """One sentence beside the buttons: what to do now, or why there is nothing to do."""
    if workflow.statutory_event(case, clock.now()):
        return gettext("期限已过，系统正在依法处理本案，请稍后刷新。")
    open_acts = {button.act for button in acts}
    if workflow.pending_opinion(case) is not None and open_acts & {"countersign", "approve", "refuse"}:
        return gettext("有一份意见等待您复核。")
    if "take_up" in open_acts:
        return gettext("领取后才能办理本案。")
    if unchecked and open_acts & {"accept", "give_opinion"}:
        return gettext("还有 {n} 项没有核对。").format(n=unchecked)
    return gettext("本案由您办理。") if open_acts else _nothing_to_do(case, by)


def _nothing_to_do(case: Case, by: Actor) -> str:
    try:
        workflow.allow(case, "take_up", by, clock.now())
    except Refusal as no:
        if no.code == "conflict":
            return str(no.message)
    holder = case.officer if case.state == State.REPORTED else case.assignee
    if workflow.pending_opinion(case) is not None:
        return gettext("意见正在等待复核。")
    if holder is not None and holder.pk != by.user_id and case.open:
        return gettext("本案由{name}办理。").format(name=holder.display_name)
    return str(case.status.tag.turn_word)


# --- The dossier -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checked:
    """A section of the dossier with the reviewer's mark on it."""

    section: sections.Section
    verdict: str
    remark: str


def dossier_of(case: Case, version: str = "") -> Dossier:
    """The version asked for, or the present one; a version that does not exist is not found."""
    wanted = int(version) if version.isdecimal() else case.version
    return get_object_or_404(Dossier.objects.filter(case=case), version=wanted)


def checked_sections(case: Case, dossier: Dossier) -> list[Checked]:
    """The sections of one version, against the version before, each with its mark."""
    before = Dossier.objects.filter(case=case, version=dossier.version - 1).only("content").first()
    marks = {mark.item: mark for mark in case.ticks.filter(version=dossier.version)}
    shown = []
    for section in sections.sections_of(dossier.content, before.content if before else None):
        mark = marks.get(section.key)
        verdict = "" if mark is None else "ok" if mark.in_order else "fault"
        shown.append(Checked(section, verdict, mark.remark if mark else ""))
    return shown


@dataclass(frozen=True, slots=True)
class ShownPaper:
    """An uploaded paper as this version of the dossier names it; `fresh`: the version before had it not."""

    id: str
    label: str
    name: str
    pages: range
    sha256: str
    fresh: bool


def papers_of(case: Case, dossier: Dossier) -> list[ShownPaper]:
    """The uploaded papers of one version; none where papers are handed in on paper only."""
    former = Dossier.objects.filter(case=case, version=dossier.version - 1)
    before = former.values_list("content__papers", flat=True).first()
    known = {line["id"] for line in before or ()}
    return [
        ShownPaper(
            id=line["id"],
            label=codes.label("paper", line["code"]),
            name=line["name"],
            pages=range(1, line["pages"] + 1),
            sha256=line["sha256"],
            fresh=before is not None and line["id"] not in known,
        )
        for line in dossier.content.get("papers") or ()
    ]


# --- What happened -----------------------------------------------------------------------------------

TONES: Final = {
    "not_accept": "red",
    "refuse": "red",
    "lapse": "red",
    "terminate": "red",
    "send_back": "amber",
    "remand": "amber",
    "decline": "amber",
    "reopen": "amber",
    "withdraw": "amber",
}
WHO: Final[dict[str, Text]] = {APPLICANT: _("申请人"), CLOCK: _("系统（法定时限）")}


def events_of(case: Case) -> list[dict[str, Any]]:
    """The movements as a timeline, latest first."""
    movements = case.movements.order_by("-number")
    return [
        {
            "title": movement.word,
            "status": "done",
            "at": movement.at,
            "who": _who(movement),
            "text": "\n".join(_told(movement)),
            "tone": TONES.get(movement.act, ""),
        }
        for movement in movements
    ]


def _who(movement: Movement) -> str:
    role = BY_CODE.get(movement.actor_role)
    word = str(role.label) if role else str(WHO.get(movement.actor_role, ""))
    return f"{movement.actor_name}（{word}）" if movement.actor_name else word


def _told(movement: Movement) -> list[str]:
    """What a movement's detail says, a line each."""
    detail = movement.detail
    lines = []
    if verdict := detail.get("verdict"):
        lines.append(str(Opinion.Verdict(verdict).label))
    lines += [codes.label("reason", code) for code in detail.get("codes", ())]
    lines += [f"{sections.item_label(item['item'])}：{item['text']}" for item in detail.get("items", ())]
    lines += [str(detail[key]) for key in ("text", "reason", "name") if detail.get(key)]
    if movement.act in {"lodge", "resubmit"}:
        lines.append(gettext("第 {n} 版材料").format(n=detail.get("version", 1)))
    if number := detail.get("number"):
        lines.append(gettext("编号 {number}").format(number=number))
    if dispatch := detail.get("dispatch"):
        lines.append(gettext("报送批次 {number}").format(number=dispatch))
    if until := detail.get("valid_to"):
        since = sections.as_day(detail.get("valid_from"))
        lines.append(gettext("有效期 {since} 至 {until}").format(since=since, until=sections.as_day(until)))
    if due := detail.get("due"):
        lines.append(gettext("期限 {day}").format(day=sections.as_day(due)))
    return lines


@dataclass(frozen=True, slots=True)
class ShownOpinion:
    opinion: Opinion
    level: Text
    verdict: Text
    standing: Text
    reasons: list[str]


def opinions_of(case: Case) -> list[ShownOpinion]:
    """Opinions and decisions, latest first, void ones included."""
    given = sorted(case.opinions.all(), key=lambda o: o.given_at, reverse=True)
    return [
        ShownOpinion(
            o,
            Opinion.Level(o.level).label,
            Opinion.Verdict(o.verdict).label,
            Opinion.Standing(o.standing).label,
            [codes.label("reason", code) for code in o.codes],
        )
        for o in given
    ]


@dataclass(frozen=True, slots=True)
class ShownItem:
    """One fault of a correction in words, and what the applicant said to it."""

    label: str
    reason: str
    text: str
    answer: str


@dataclass(frozen=True, slots=True)
class ShownCorrection:
    correction: Correction
    items: list[ShownItem]


def corrections_of(case: Case) -> list[ShownCorrection]:
    """The corrections, latest first: where, of what kind, what to mend, and the answers."""
    told = list(case.correction_requests.order_by("-number"))
    answers = _answers(case, [c.answered_by_version for c in told if c.answered_by_version])
    return [
        ShownCorrection(
            correction,
            [
                ShownItem(
                    sections.item_label(item["item"]),
                    codes.label("reason", item["code"]) if item.get("code") else "",
                    item["text"],
                    answers.get((correction.answered_by_version, item["item"]), ""),
                )
                for item in correction.items
            ],
        )
        for correction in told
    ]


def _answers(case: Case, versions: Sequence[int]) -> dict[tuple[int | None, str], str]:
    """What the applicant said to each item, by the version that answered."""
    if not versions:
        return {}
    given = case.dossiers.filter(version__in=versions).values_list("version", "content__answers")
    return {(version, a["item"]): a["text"] for version, answers in given for a in answers or ()}


# --- The page ----------------------------------------------------------------------------------------


def context_of(request: StaffRequest, case: Case) -> dict[str, Any]:
    """Everything the case page shows; stand inside the case's agency, and render there."""
    by = actor(request)
    dossier = dossier_of(case, request.GET.get("version", ""))
    checked = checked_sections(case, dossier)
    current = dossier.version == case.version
    editable = current and casework.may_check(case, by)
    acts = buttons(case, by)
    unchecked = sum(1 for c in checked if not c.verdict)
    registrations = standing.registrations_of(case.person)
    return {
        "case": case,
        "queue_url": listing.remembered(request),
        "status": case.status,
        "left": left(case),
        "clock_word": Clock(case.clock).label if case.clock else "",
        "target": is_target(case),
        "dossier": dossier,
        "digest": printed.short_digest(dossier.digest),
        "versions": list(range(1, case.version + 1)),
        "is_current": current,
        "checked": checked,
        "papers": papers_of(case, dossier),
        "editable": editable,
        "shows_marks": editable or any(c.verdict for c in checked),
        "buttons": acts,
        "hint": hint(case, by, acts, unchecked=unchecked if editable else 0),
        "events": events_of(case),
        "turn": case.status.tag.turn_word,
        "opinions": opinions_of(case),
        "corrections": corrections_of(case),
        "registrations": registrations,
        "standing": _standing(case, registrations),
        "may_see_number": may_see_number(case, by),
    }


def _standing(case: Case, registrations: Sequence[Registration]) -> Text:
    """The word of the register for this person today."""
    today = clock.today()
    held = standing.standing_of(case.person, today, registrations=registrations)
    return held.status(today, policy.current(today).renewal_open_months).label


def left(case: Case) -> int | None:
    """Working days left of the running clock."""
    return clock.working_days_left(case.due_on) if case.due_on and case.clock else None


# --- Photo, print, full number -----------------------------------------------------------------------


def photo(request: StaffRequest, case: Case) -> HttpResponse:
    """The portrait of one version."""
    data = dossier_of(case, request.GET.get("version", "")).photo
    need(data)
    return private(HttpResponse(bytes(data or b""), content_type="image/jpeg"))


def form_pdf(request: StaffRequest, case: Case) -> HttpResponse:
    """The officer's print: the lodged form with first opinion and final decision.

    It carries the full document number only for an officer who may see it, and then the look is recorded.
    """
    dossier = dossier_of(case, request.GET.get("version", ""))
    number = None
    if may_see_number(case, actor(request)):
        number = see_number(request, case, reason=gettext("打印申请表"))
    pdf = printed.form_pdf(
        dossier.content,
        photo=bytes(dossier.photo) if dossier.photo else None,
        digest=dossier.digest,
        mark=printed.Mark.LODGED,
        full_number=number,
        lodged_on=timezone.localtime(dossier.lodged_at).date(),
        first=_printed(case, Opinion.Level.FIRST),
        final=_printed(case, Opinion.Level.FINAL),
    )
    response = HttpResponse(pdf, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{case.reference}-v{dossier.version}.pdf"'
    return private(response)


def _printed(case: Case, level: Opinion.Level) -> printed.PrintedOpinion | None:
    given = (o for o in case.opinions.all() if o.level == level and o.standing == Opinion.Standing.GIVEN)
    opinion = next(given, None)
    if opinion is None:
        return None
    with override("zh-hans"):
        reasons = [codes.label("reason", code) for code in opinion.codes]
        words = [str(Opinion.Verdict(opinion.verdict).label), *reasons, opinion.text]
    return printed.PrintedOpinion(
        text="；".join(word for word in words if word),
        handler=opinion.author_name,
        chief=opinion.countersigned_by_name,
        on=timezone.localtime(opinion.countersigned_at or opinion.given_at).date(),
    )


def may_see_number(case: Case, by: Actor) -> bool:
    """The full number is for the officer who has the case in hand, or for who reviews that officer."""
    superior = {workflow.SUPERVISOR, workflow.SIGNING_OFFICER} & by.roles
    own = bool(by.document_digest) and by.document_digest == case.document_digest
    return not own and (bool(superior) or workflow.holder_of(case) == by.user_id)


def see_number(request: StaffRequest, case: Case, *, reason: str) -> str:
    """The full document number; who looked, and why, is recorded first."""
    return people.full_number(case.person, by=request.user, reason=reason, case_id=case.pk)


def items_at_fault(case: Case) -> list[dict[str, str]]:
    """Faults marked on the page, as the first proposal of a correction."""
    faults = {m.item: m.remark for m in case.ticks.filter(version=case.version, in_order=False)}
    ordered = (item for item in checklist.ITEMS if item.key in faults)
    return [
        {
            "item": f"{sections.PAPERS}.M01" if item.key == sections.PAPERS else item.key,
            "code": "R06" if item.key == "photo" else "",
            "text": faults[item.key],
        }
        for item in ordered
    ]
