"""The case page of both desks: the dossier, what happened so far, and the acts open to the reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, prefetch_related_objects
from django.db.models.functions import JSONObject
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications import post_office
from notifications.post_office import Told
from register import bars, clock, codes, policy, standing
from register.bars import Bars
from register.models import Registration
from register.standing import Period, Standing
from review import casework, difference, history, kin, looks, marks, papers, sections, workflow
from review.documents import forms as printed
from review.documents import officer
from review.models import Case, Correction, Dossier, Opinion, Tick
from review.states import Clock, State
from review.views import listing
from review.views.desk import Text, actor, is_target, need, private
from review.workflow import Actor
from tenants.errors import Refusal
from tenants.guards import StaffRequest
from tenants.rolebook import REGISTRAR, WORKS_ON_CASES

# Who may have a notice sent once more that was given up.
RESENDERS: Final = WORKS_ON_CASES | {REGISTRAR.code}

# --- Buttons -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Button:
    """One act on the bar: where it leads, and whether a click already does it (`at_once`).

    A `rare` act is folded away behind the others.
    """

    act: str
    label: Text
    route: str
    tone: str = "outline-primary"
    at_once: bool = False
    rare: bool = False
    url: str = ""


BUTTONS: Final = (
    Button("assign", _("分派"), "assignment", rare=True),
    Button("extend", _("延长审查期限"), "extension", rare=True),
    Button("extend_correction", _("延长补正期限"), "correction-extension", rare=True),
    Button("propose_restriction", _("建议限制申请"), "restriction", rare=True),
    Button("drop_restriction", _("撤回限制建议"), "restriction-withdrawal", rare=True),
    Button("hand_over", _("转交其他机构"), "hand-over", rare=True),
    Button("reinstate", _("恢复审查"), "reinstatement", rare=True),
    Button("terminate", _("终止办理"), "termination", "outline-danger", rare=True),
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
    # A registrar ends a case together with the registration, on the page of the person.
    by_hand = by.roles & {workflow.SUPERVISOR, workflow.SIGNING_OFFICER}
    acts = set(workflow.acts_open_to(case, by, but=() if by_hand else ("terminate",)))
    pending = workflow.pending_opinion(case)
    if pending is not None and case.state == State.REPORTED:
        # Whoever signs agrees with the proposal or not, but makes no other decision.
        acts.discard("refuse" if pending.verdict == Opinion.Verdict.PASS else "approve")
    placed = (replace(b, url=_page_of(b, case)) for b in BUTTONS if b.act in acts)
    return [button for button in placed if button.url]


def _page_of(button: Button, case: Case) -> str:
    """The address of an act; empty where this desk has no page for it."""
    try:
        return reverse(button.route, args=[case.pk])
    except NoReverseMatch:
        return ""


def hint(case: Case, by: Actor, acts: Iterable[Button], *, unchecked: int) -> str:
    """One sentence beside the buttons: what to do now, or why there is nothing to do."""
    if workflow.statutory_event(case, clock.now()):
        return gettext("期限已过，系统正在依法处理本案，请稍后刷新。")
    open_acts = {button.act for button in acts if not button.rare}
    if workflow.pending_opinion(case) is not None and open_acts & {"countersign", "approve", "refuse"}:
        return gettext("有一份意见等待您复核。")
    if "take_up" in open_acts:
        return gettext("领取后才能办理本案。")
    if unchecked and open_acts & {"accept", "give_opinion"}:
        return gettext("还有 {n} 项没有核对。").format(n=unchecked) + _told_before(case, open_acts)
    if open_acts and by.handles(workflow.holder_of(case)):
        return _in_hand(case, by, open_acts)
    return _nothing_to_do(case, by)


def _in_hand(case: Case, by: Actor, open_acts: set[str]) -> str:
    mine = workflow.holder_of(case) == by.user_id
    said = gettext("本案由您办理。") if mine else gettext("本案由您代为办理。")
    return said + _told_before(case, open_acts)


def _told_before(case: Case, open_acts: set[str]) -> str:
    """Why a reviewer finds no button for a second correction."""
    if "accept" in open_acts and case.corrections:
        return gettext("已告知过一次补正，再次补正须由审核人员作出。")
    return ""


def _nothing_to_do(case: Case, by: Actor) -> str:
    if workflow.in_conflict(case, by):
        try:
            workflow.allow(case, "take_up", by, clock.now())
        except Refusal as no:
            return str(no.message)
    holder = case.officer if case.state == State.REPORTED else case.assignee
    if workflow.pending_opinion(case) is not None:
        return gettext("意见正在等待复核。")
    if holder is not None and holder.pk != by.user_id and case.open:
        return gettext("本案由{name}办理。").format(name=holder.display_name)
    return str(case.status.tag.turn_word)


# --- The dossier -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShownItem:
    """An item of a correction: where, of what kind, what to mend, and what the applicant answered."""

    label: str
    reason: str
    text: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A section of the dossier with the mark that counts for it, and what was asked about it.

    `carried` is the version on which the mark was made, where that is an earlier one.
    """

    section: sections.Section
    verdict: str
    remark: str
    carried: int = 0
    # A section that the new version no longer has is shown, but not checked.
    to_check: bool = True
    asked: Sequence[ShownItem] = ()

    @property
    def settled(self) -> bool:
        """Whether nothing here is new to the reviewer: the section may stay folded."""
        return not self.section.changed and not self.asked and self.verdict == "ok"


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of a dossier up to the one that is read, and that one; without the photos."""

    read: Dossier
    all: Sequence[Dossier]

    @property
    def before(self) -> Dossier | None:
        """The version that it is compared with."""
        return next((d for d in self.all if d.version == self.read.version - 1), None)

    @property
    def contents(self) -> dict[int, dict[str, Any]]:
        return {dossier.version: dossier.content for dossier in self.all}

    @property
    def told(self) -> list[Told]:
        """What the applicant was told of the case; read along with them."""
        return post_office.read(getattr(self.read, "told", None))

    @property
    def ticks(self) -> list[Tick]:
        """The marks made on any of the versions; read along with them."""
        return [Tick(version=d.version, **row) for d in self.all for row in getattr(d, "marked", ())]


def versions_of(case: Case, version: str = "") -> Versions:
    """All versions in one query, and the one asked for, else the present one."""
    wanted = int(version) if version.isdecimal() else case.version
    made = Tick.objects.filter(case=OuterRef("case"), version=OuterRef("version"))
    marked = ArraySubquery(made.values(row=JSONObject(item="item", in_order="in_order", remark="remark")))
    told = post_office.column_of_case(case.pk)
    rows = case.dossiers.defer("photo")
    found = list(rows.annotate(pictured=Q(photo__isnull=False), marked=marked, told=told))
    read = next((dossier for dossier in found if dossier.version == wanted), None)
    if read is None:
        raise Http404
    return Versions(read, found)


def dossier_of(case: Case, version: str = "") -> Dossier:
    """The version asked for, or the present one; a version that does not exist is not found."""
    wanted = int(version) if version.isdecimal() else case.version
    return get_object_or_404(Dossier.objects.filter(case=case), version=wanted)


def content_of(case: Case) -> dict[str, Any]:
    """What the present version of the dossier says, without the photo."""
    found: dict[str, Any] = case.dossiers.values_list("content", flat=True).get(version=case.version)
    return found


def checked_sections(case: Case, versions: Versions, told: Sequence[ShownCorrection]) -> list[Checked]:
    """The sections of one version, against the version before, each with the mark that counts."""
    read, before = versions.read, versions.before
    answered = [shown.correction for shown in told if shown.correction.answered_at]
    counting = marks.counting(read.version, versions.contents, versions.ticks, answered)
    asked = [
        (item["item"].partition(".")[0], shown_item)
        for shown in told
        if shown.correction.answered_by_version == read.version
        for item, shown_item in zip(shown.correction.items, shown.items, strict=True)
    ]
    return [
        _checked(section, counting, [item for key, item in asked if key == section.key], read.version)
        for section in sections.sections_of(read.content, before.content if before else None)
    ]


def _checked(
    section: sections.Section,
    counting: Mapping[str, marks.Mark | None],
    asked: Sequence[ShownItem],
    version: int,
) -> Checked:
    mark = counting.get(section.key)
    return Checked(
        section=section,
        verdict=mark.verdict if mark else "",
        remark=mark.remark if mark else "",
        carried=mark.version if mark and mark.version != version else 0,
        to_check=section.key in counting,
        asked=asked,
    )


@dataclass(frozen=True, slots=True)
class ShownPaper:
    """An uploaded paper as this version of the dossier names it.

    `how`: against the version before it was added, or replaced another file, or (where it is not part of
    this version any more) was removed; empty where nothing changed.
    """

    id: str
    code: str
    label: str
    name: str
    pages: range
    sha256: str
    how: str = ""


def papers_of(versions: Versions) -> list[ShownPaper]:
    """The uploaded papers of one version; none where papers are handed in on paper only."""
    lines, before = versions.read.content.get("papers") or (), versions.before
    if before is None:
        return [_paper(line) for line in lines]
    changes = difference.papers(lines, before.content.get("papers") or ())
    now = [_paper(line, _how(line["id"], changes)) for line in lines]
    return [*now, *(_paper(line, difference.REMOVED) for line in changes.removed)]


def _how(key: str, changes: difference.Papers) -> str:
    if key in changes.replaced:
        return difference.CHANGED
    return difference.ADDED if key in changes.added else ""


def _paper(line: Mapping[str, Any], how: str = "") -> ShownPaper:
    return ShownPaper(
        id=line["id"],
        code=line["code"],
        label=codes.label("paper", line["code"]),
        name=line["name"],
        pages=range(1, line["pages"] + 1),
        sha256=line["sha256"],
        how=how,
    )


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
    "propose_restriction": "amber",
    "withdraw": "amber",
}


def events_of(case: Case) -> list[dict[str, Any]]:
    """The movements as a timeline, latest first."""
    movements = sorted(case.movements.all(), key=lambda movement: -movement.number)
    return [
        {
            "title": movement.word,
            "status": "done",
            "at": movement.at,
            "who": history.who_did(movement),
            "text": "\n".join(history.said_in(movement)),
            "tone": TONES.get(movement.act, ""),
        }
        for movement in movements
    ]


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
class ShownCorrection:
    correction: Correction
    items: list[ShownItem]


def corrections_of(case: Case, contents: Mapping[int, Mapping[str, Any]]) -> list[ShownCorrection]:
    """The corrections, latest first: where, of what kind, what to mend, and the answers."""
    answers: dict[tuple[int | None, str], str] = {
        (version, given["item"]): given["text"]
        for version, content in contents.items()
        for given in content.get("answers") or ()
    }
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
        for correction in case.correction_requests.order_by("-number")
    ]


# --- The page ----------------------------------------------------------------------------------------


def context_of(request: StaffRequest, case: Case) -> dict[str, Any]:
    """Everything the case page shows; stand inside the case's agency, and render there."""
    prefetch_related_objects([case], "opinions")
    by = actor(request)
    versions = versions_of(case, request.GET.get("version", ""))
    dossier = versions.read
    told = corrections_of(case, versions.contents)
    checked = checked_sections(case, versions, told)
    current = dossier.version == case.version
    editable = current and casework.may_check(case, by)
    acts = buttons(case, by)
    unchecked = sum(1 for c in checked if c.to_check and not c.verdict)
    known = bars.bars_for(case.person_id)
    registrations = standing.registrations_of(known.living)
    others = kin.other_cases(case, known.living)
    slips = list(case.paper_slips.all())
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
        "compared": versions.before is not None,
        "any_change": any(c.section.changed for c in checked),
        "papers": papers_of(versions),
        "editable": editable,
        "shows_marks": editable or any(c.verdict for c in checked),
        "buttons": [button for button in acts if not button.rare],
        "rare_buttons": [button for button in acts if button.rare],
        "hint": hint(case, by, acts, unchecked=unchecked if editable else 0),
        "events": events_of(case),
        "turn": case.status.tag.turn_word,
        "told": versions.told,
        "may_resend": bool(by.roles & RESENDERS),
        "opinions": opinions_of(case),
        "corrections": told,
        "registrations": registrations,
        "others": others,
        "warnings": kin.warnings(case, known, others=others, registrations=registrations),
        "slips": [(slip, papers.number_of(case, slip)) for slip in slips],
        "expected": papers.expected(case, dossier.content, slips),
        "standing": _standing(known, registrations),
        "may_see_number": looks.may_see_number(case, by),
    }


def _standing(known: Bars, registrations: Sequence[Registration]) -> Text:
    """The word of the register for this person today."""
    today = clock.today()
    held = Standing(periods=tuple(Period.of(row) for row in registrations), open=known.line)
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
    if looks.may_see_number(case, actor(request)):
        number = looks.see_number(case, by=request.user, reason=gettext("打印申请表"))
    pdf = officer.form_pdf(case, dossier, full_number=number)
    response = HttpResponse(pdf, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{case.reference}-v{dossier.version}.pdf"'
    return private(response)


# What a section at fault is usually sent back for.
PROPOSED_REASON: Final = {"photo": "R06", "registration": "R12", "experience": "R09", "education": "R10"}


def items_at_fault(case: Case) -> list[dict[str, str]]:
    """Faults marked on the page, as the first proposal of a correction."""
    faults = {key: mark.remark for key, mark in marks.now(case).items() if mark and not mark.in_order}
    return [
        {
            "item": f"{sections.PAPERS}.M01" if key == sections.PAPERS else key,
            "code": PROPOSED_REASON.get(key, ""),
            "text": remark,
        }
        for key, remark in faults.items()
    ]
