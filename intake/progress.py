"""How a lodged application stands, for its applicant: what has happened, whose turn it is, what comes next.

Officers' own steps (taking a case in hand, passing it on) and their names stay inside the agency.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from intake import road
from notifications.post_office import Told
from register import clock, codes
from register.clock import DueDate
from register.models import DocketEntry
from register.policy import Policy
from review.models import Case, Movement
from review.states import State
from review.workflow import APPLICANT, CLOCK, FINAL_REVIEWER, REGISTRAR, SIGNING_OFFICER
from tenants import crossing

Text = str | Promise

CLOCK_WORDS: Final[dict[str, Text]] = {
    "A": _("受理期限"),
    "C": _("补正期限"),
    "F": _("初审期限"),
    "R": _("初审期限"),
    "N": _("终审期限"),
    "I": _("制证期限"),
}
# Where the agency's clocks are targets only, these three are (Order 11 art. 10 names no days for them).
AGENCY_CLOCKS: Final = frozenset("AFR")
AUTHORITY_ROLES: Final = frozenset({FINAL_REVIEWER, SIGNING_OFFICER, REGISTRAR})

# Granted, but certificate and announcement still to come: no longer open, not yet over.
BEING_ISSUED: Final = frozenset({State.FINAL_PASSED, State.ANNOUNCED})
# An application that ended without a registration may be copied into a new draft (复制为新草稿).
COPYABLE: Final = frozenset(
    {State.WITHDRAWN, State.LAPSED, State.NOT_ACCEPTED, State.FINAL_FAILED, State.TERMINATED}
)
# For so many calendar days the personal page still shows an application that has ended: as long as a
# decision may be challenged (Administrative Licensing Law art. 38; policy `reconsideration_days`).
SHOWN_AFTER_THE_END: Final = 60

# So many events that have happened stand on the personal page.
LATEST: Final = 3

MEANS: Final[dict[State, Text]] = {
    State.SUBMITTED: _(
        "注册机构决定是否受理；材料不齐全或者不符合要求的，会一次性告知需要补正的全部内容。"
        "逾期没有告知的，自收到材料之日起即为受理。"
    ),
    State.CORRECTION: _("请只修改列出的事项，重新上报后审查继续。逾期没有重新上报的，本次申请终止。"),
    State.ACCEPTED: _("注册机构正在审查申请材料，初审意见将随全部材料报送终审机构。"),
    State.DEEMED_ACCEPTED: _(
        "注册机构没有在期限内告知需要补正，依法自收到材料之日起视为受理，与受理效力相同，您不需要再做什么。"
    ),
    State.SENT_BACK: _("终审机构请注册机构补充审查，办妥后再次报送。需要您补充材料时会另行通知。"),
    State.FIRST_PASSED: _("初审已经通过，注册机构将把申请材料报送终审机构。"),
    State.FIRST_FAILED: _(
        "这是初审意见，不是最终决定。意见将随材料报送终审机构作出决定；报送前您可以撤回申请。"
    ),
    State.REPORTED: _("终审机构正在审查，将作出准予注册或者不予注册的书面决定。报送后不能撤回。"),
    State.FINAL_PASSED: _("已准予注册，接下来公告并制作执业证。"),
    State.ANNOUNCED: _("已列入公告，执业证正在制作，制成后按您选择的方式领取。"),
    State.ISSUED: _("执业证已制发，本次申请办结。"),
    State.FINAL_FAILED: _(
        "终审机构决定不予注册。不服决定的，可以按决定书写明的期限申请行政复议或者提起行政诉讼。"
    ),
    State.NOT_ACCEPTED: _(
        "注册机构决定不予受理。不服决定的，可以按通知书写明的期限申请行政复议或者提起行政诉讼。"
    ),
    State.WITHDRAWN: _("您已撤回这份申请，审查结束。"),
    State.LAPSED: _("补正期限内没有重新上报，本次申请终止。符合条件的可以重新申请。"),
    State.TERMINATED: _("本次申请已经终止，不再审查。"),
    State.HANDED_OVER: _("申请已转交其他注册机构继续办理，各项期限不变。"),
}
TONES: Final[dict[str, str]] = {
    State.CORRECTION: "amber",
    State.SENT_BACK: "amber",
    State.HANDED_OVER: "amber",
    State.FIRST_FAILED: "red",
    State.FINAL_FAILED: "red",
    State.NOT_ACCEPTED: "red",
    State.LAPSED: "red",
    State.TERMINATED: "red",
    State.WITHDRAWN: "amber",
}
# Acts that keep the state, or lead back to one already told, and are told by their own name.
NAMED_BY_ACT: Final[dict[str, Text]] = {
    "extend": _("审查期限延长"),
    "extend_correction": _("补正期限延长"),
    "recompute": _("办理期限调整"),
    "resubmit": _("补正材料已重新上报"),
    "reopen": _("初审意见已撤销，继续初审"),
    "reinstate": _("申请恢复审查"),
}
KEEPS_THE_STATE: Final = frozenset({"extend", "extend_correction", "recompute"})


# --- What the pages show ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline, as `components/timeline.html` shows it."""

    title: Text
    status: str
    at: datetime | None = None
    who: Text = ""
    text: Text = ""
    tone: str = ""
    # The notices about it, and how far each came.
    told: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class Display:
    """A state as `components/state_tag.html` shows it."""

    word: Text
    tone: str
    shape: str
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Everything the applicant's pages say about where an application is."""

    entry: DocketEntry
    state: State
    display: Display
    events: tuple[Event, ...]
    turn: str
    due_left: int | None
    target: bool
    acceptance_number: str = ""
    # The law's numbers as frozen with the case.
    rules: Policy | None = None

    @property
    def due_on(self) -> date | None:
        return self.entry.due_on

    @property
    def in_correction(self) -> bool:
        return self.state == State.CORRECTION

    @property
    def withdrawable(self) -> bool:
        """Open and not yet referred to the authority."""
        return is_withdrawable(self.entry)

    @property
    def going_on(self) -> bool:
        """Somebody still has something to do with it."""
        return is_going_on(self.entry)

    @property
    def copyable(self) -> bool:
        """Over without a registration: its content may begin a new application."""
        return self.state in COPYABLE

    @property
    def latest(self) -> tuple[Event, ...]:
        """The end of the timeline: what has happened lately, and all that is to come."""
        return self.events[self.earlier :]

    @property
    def earlier(self) -> int:
        """How many events are too long ago for the personal page."""
        happened = sum(event.status != "next" for event in self.events)
        return max(happened - LATEST, 0)

    @property
    def clock_word(self) -> Text:
        return CLOCK_WORDS.get(self.entry.clock, _("办理期限"))

    @property
    def means(self) -> Text:
        """What the state means for the applicant, in plain words."""
        return MEANS[self.state]


def progress_of(entry: DocketEntry, told: Mapping[str, tuple[Told, ...]] | None = None) -> Progress:
    """The progress of an application, read inside its agency: one query.

    `told` are its notices by their cause, where the page shows how far they came.
    """
    state = State(entry.state)
    with crossing.inside(entry.agency):
        found = Movement.objects.filter(case_id=entry.case_id).select_related("case")
        movements = list(found.order_by("number"))
    case = movements[0].case if movements else None
    return Progress(
        entry=entry,
        state=state,
        display=display_of(state),
        events=tuple(_events(entry, state, movements, case, told or {})),
        turn=turn_of(entry),
        due_left=days_left(entry),
        target=is_target(entry),
        acceptance_number=case.acceptance_number if case else "",
        rules=Policy.from_dict(case.policy) if case else None,
    )


def display_of(state: State) -> Display:
    """The tag of a state."""
    tag = state.tag
    return Display(word=state.label, tone=tag.tone, shape=tag.shape, icon=tag.icon)


def is_going_on(entry: DocketEntry) -> bool:
    """Open, or granted with the certificate still to come."""
    return entry.open or entry.state in BEING_ISSUED


def is_withdrawable(entry: DocketEntry) -> bool:
    """Open and not yet referred to the authority."""
    return entry.open and entry.state != State.REPORTED


def days_left(entry: DocketEntry) -> int | None:
    """Working days left of the running clock; None where none runs."""
    return clock.working_days_left(entry.due_on) if entry.due_on else None


def is_target(entry: DocketEntry) -> bool:
    """Whether the running clock is only a target of this agency."""
    return entry.clock in AGENCY_CLOCKS and not entry.agency.review_clock_applies


# --- Whose turn it is ------------------------------------------------------------------------------


def holder_of(entry: DocketEntry) -> Text:
    """Which office has to act now; nobody when it is the applicant's turn or all is over."""
    turn = State(entry.state).tag.turn
    if turn == "agency":
        return entry.agency.name
    return _("终审机构") if turn == "authority" else ""


def turn_of(entry: DocketEntry) -> str:
    """One sentence on whose turn it is, and what to do when a deadline has been missed."""
    state = State(entry.state)
    if state == State.CORRECTION:
        return _your_turn(entry)
    holder = holder_of(entry)
    if not holder:
        return ""
    if (days_left(entry) or 0) < 0:
        return _late(entry, holder)
    return gettext("现在由%(holder)s办理，您暂时不需要做什么。") % {"holder": holder}


def _your_turn(entry: DocketEntry) -> str:
    day = road.day_of(DueDate(entry.due_on, provisional=entry.due_provisional)) if entry.due_on else ""
    if (days_left(entry) or 0) < 0:
        return gettext("补正期限%(day)s已过，本次申请即将终止。") % {"day": day}
    return gettext("现在需要您处理：请在%(day)s前修改并重新上报，逾期申请将终止。") % {"day": day}


def _late(entry: DocketEntry, holder: Text) -> str:
    if entry.state == State.SUBMITTED and entry.agency.review_clock_applies:
        return gettext("受理期限已过，依法视为受理，状态即将更新，您不需要做什么。")
    if entry.agency.phone and State(entry.state).tag.turn == "agency":
        words = gettext("现在由%(holder)s办理，已超过期限。您可以致电 %(phone)s 询问。")
        return words % {"holder": holder, "phone": entry.agency.phone}
    return gettext("现在由%(holder)s办理，已超过期限。办理结果会及时通知您。") % {"holder": holder}


# --- What has happened -----------------------------------------------------------------------------


def _events(
    entry: DocketEntry,
    state: State,
    movements: list[Movement],
    case: Case | None,
    notices: Mapping[str, tuple[Told, ...]],
) -> Iterator[Event]:
    told = [m for m in movements if m.to_state != m.from_state or m.act in KEEPS_THE_STATE]
    agencies = _agencies_of(told, entry)
    for movement, agency in zip(told, agencies, strict=True):
        is_last = movement is told[-1]
        yield Event(
            title=_title(movement),
            status="now" if is_last and is_going_on(entry) else "done",
            at=movement.at,
            who=_who(movement, agency),
            text=_text(movement, entry),
            tone=TONES.get(movement.to_state, "") if movement.act not in NAMED_BY_ACT else "",
            told=notices.get(str(movement.pk), ()),
        )
    if case is not None and is_going_on(entry):
        for stage in road.ahead(entry, state, case):
            yield Event(title=stage.title, status="next", text=stage.text)


def _agencies_of(told: list[Movement], entry: DocketEntry) -> list[Text]:
    """Under which agency each movement happened: a hand-over brings its history along."""
    names: list[Text] = []
    name: Text = entry.agency.name
    for movement in reversed(told):
        if movement.act == "hand_over":
            name = _said(movement.detail.get("from")) or name
        names.append(name)
    return names[::-1]


def _title(movement: Movement) -> Text:
    """The state reached; an act that leads to a state already told is named itself."""
    if movement.act == "hand_over" and movement.detail.get("to"):
        return gettext("已转交%(agency)s") % {"agency": _said(movement.detail["to"])}
    return NAMED_BY_ACT.get(movement.act) or State(movement.to_state).label


def _who(movement: Movement, agency: Text) -> Text:
    if movement.actor_role == APPLICANT:
        return _("本人")
    if movement.actor_role in AUTHORITY_ROLES:
        return _("终审机构")
    return _("系统按期限办理") if movement.actor_role == CLOCK else agency


def _text(movement: Movement, entry: DocketEntry) -> str:
    """What the act itself says and the applicant may read: numbers, results, reasons item by item."""
    tell = DETAILS.get(movement.act)
    detail: Mapping[str, Any] = movement.detail
    # A detail that lacks what its act tells is shown without it.
    told = tell(detail) if tell else ""
    reasons = [codes.label("reason", code) for code in detail.get("codes", ())]
    reason = "；".join(filter(None, [*reasons, _said(detail.get("text"))]))
    return "\n".join(filter(None, [told, reason]))


def _accepted(detail: Mapping[str, Any]) -> str:
    number = detail.get("number")
    return gettext("受理凭证编号 %(number)s") % {"number": number} if number else ""


def _deemed(detail: Mapping[str, Any]) -> str:
    day = parse_date(str(detail.get("due", "")))
    if day is None:
        return ""
    return gettext("受理期限%(day)s届满，注册机构没有告知补正，依法视为受理。") % {"day": date_format(day)}


def _items(detail: Mapping[str, Any]) -> str:
    lines = [f"{n}. {item['text']}" for n, item in enumerate(detail.get("items", ()), 1)]
    until = _until(detail, gettext("补正期限至%(day)s"))
    return "\n".join([*lines, *filter(None, [detail.get("reason", ""), until])])


def _extended(detail: Mapping[str, Any]) -> str:
    return _until(detail, gettext("延长至%(day)s"))


def _until(detail: Mapping[str, Any], words: str) -> str:
    """The deadline that the act set, where the movement keeps it."""
    day = parse_date(str(detail.get("due_on", "")))
    if day is None:
        return ""
    return words % {"day": road.day_of(DueDate(day, provisional=bool(detail.get("due_provisional"))))}


def _version(detail: Mapping[str, Any]) -> str:
    number = detail.get("version")
    return gettext("申请材料第 %(n)s 版") % {"n": number} if number else ""


def _lapsed(detail: Mapping[str, Any]) -> str:
    day = parse_date(str(detail.get("due", "")))
    return gettext("补正期限%(day)s届满") % {"day": date_format(day)} if day else ""


def _dispatch(detail: Mapping[str, Any]) -> str:
    number = detail.get("dispatch")
    return gettext("报送批次 %(number)s") % {"number": number} if number else ""


def _granted(detail: Mapping[str, Any]) -> str:
    first, last = (parse_date(str(detail.get(name, ""))) for name in ("valid_from", "valid_to"))
    if first is None or last is None:
        return ""
    return gettext("执业证编号 %(number)s，注册类别：%(category)s，有效期%(first)s至%(last)s") % {
        "number": detail.get("number", ""),
        "category": codes.label("category", detail.get("category", "")),
        "first": date_format(first),
        "last": date_format(last),
    }


def _announced(detail: Mapping[str, Any]) -> str:
    batch = detail.get("batch")
    return gettext("第%(batch)s批注册公告") % {"batch": batch} if batch else ""


def _issued(detail: Mapping[str, Any]) -> str:
    delivery = codes.label("delivery", str(detail["delivery"])) if detail.get("delivery") else ""
    return gettext("领取方式：%(delivery)s") % {"delivery": delivery} if delivery else ""


def _judged(detail: Mapping[str, Any]) -> str:
    number = " ".join(filter(None, [_said(detail.get("decided_by")), detail.get("judgment")]))
    return gettext("依据：%(number)s") % {"number": number} if number else ""


DETAILS: Final = {
    "accept": _accepted,
    "deem_accept": _deemed,
    "send_back": _items,
    "extend": _extended,
    "extend_correction": _extended,
    "resubmit": _version,
    "lapse": _lapsed,
    "refer": _dispatch,
    "approve": _granted,
    "announce": _announced,
    "issue": _issued,
    "reinstate": _judged,
}


def _said(value: Any) -> str:
    """A detail as the reader reads it: one text for all, or one for each language."""
    if isinstance(value, Mapping):
        english = (get_language() or "").startswith("en")
        return str(value.get("en" if english else "zh") or "")
    return str(value or "")
