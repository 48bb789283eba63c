"""How a lodged application stands, for its applicant: what has happened, whose turn it is, what comes next.

Officers' own steps (taking a case in hand, passing it on) and their names stay inside the agency.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from register import clock, codes
from register.models import DocketEntry
from review.models import Movement
from review.states import State
from tenants import crossing

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline, as `components/timeline.html` shows it."""

    title: Text
    status: str
    at: datetime | None = None
    who: Text = ""
    text: Text = ""
    tone: str = ""


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

    @property
    def due_on(self) -> date | None:
        return self.entry.due_on

    @property
    def in_correction(self) -> bool:
        return self.state == State.CORRECTION

    @property
    def withdrawable(self) -> bool:
        """Open and not yet referred to the authority."""
        return self.entry.open and self.state != State.REPORTED

    @property
    def clock_word(self) -> Text:
        return CLOCK_WORDS.get(self.entry.clock, _("办理期限"))


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
# What still comes, from each state on.
ROAD: Final = (_("受理"), _("初审"), _("终审"), _("公告和制证"))
STAGES_DONE: Final[dict[State, int]] = {
    State.SUBMITTED: 0,
    State.CORRECTION: 0,
    State.ACCEPTED: 1,
    State.DEEMED_ACCEPTED: 1,
    State.SENT_BACK: 1,
    State.FIRST_PASSED: 2,
    State.FIRST_FAILED: 2,
    State.REPORTED: 2,
    State.FINAL_PASSED: 3,
    State.ANNOUNCED: 3,
}
TONES: Final[dict[str, str]] = {
    State.CORRECTION: "amber",
    State.SENT_BACK: "amber",
    State.FINAL_FAILED: "red",
    State.NOT_ACCEPTED: "red",
    State.LAPSED: "red",
    State.TERMINATED: "red",
}
NAMED_BY_ACT: Final = frozenset({"extend", "resubmit"})
BY_APPLICANT: Final = frozenset({"lodge", "resubmit", "withdraw"})
BY_AUTHORITY: Final = frozenset({"remand", "approve", "refuse", "announce", "issue", "reinstate"})


def progress_of(entry: DocketEntry) -> Progress:
    """The progress of an application, read inside its agency: two queries at most."""
    state = State(entry.state)
    with crossing.inside(entry.agency):
        movements = list(Movement.objects.filter(case_id=entry.case_id).order_by("number"))
    return Progress(
        entry=entry,
        state=state,
        display=display_of(state),
        events=tuple(_events(entry, state, movements)),
        turn=_turn(entry, state),
        due_left=clock.working_days_left(entry.due_on) if entry.due_on else None,
        target=entry.clock in AGENCY_CLOCKS and not entry.agency.review_clock_applies,
    )


def display_of(state: State) -> Display:
    """The tag of a state."""
    tag = state.tag
    return Display(word=state.label, tone=tag.tone, shape=tag.shape, icon=tag.icon)


def _events(entry: DocketEntry, state: State, movements: list[Movement]) -> Iterator[Event]:
    told = [m for m in movements if m.to_state != m.from_state or m.act == "extend"]
    for movement in told:
        is_last = movement is told[-1]
        yield Event(
            title=_title(movement),
            status="now" if is_last and entry.open else "done",
            at=movement.at,
            who=_who(movement, entry),
            text=_text(movement),
            tone=TONES.get(movement.to_state, ""),
        )
    if state in STAGES_DONE:
        yield from (Event(title=word, status="next") for word in ROAD[STAGES_DONE[state] :])


def _title(movement: Movement) -> Text:
    """The state reached; an act that leads to a state already told is named itself."""
    return movement.word if movement.act in NAMED_BY_ACT else State(movement.to_state).label


def _who(movement: Movement, entry: DocketEntry) -> Text:
    if movement.act in BY_APPLICANT:
        return _("本人")
    if movement.act in BY_AUTHORITY:
        return _("终审机构")
    return entry.agency.name if movement.actor_id else _("系统按期限办理")


def _text(movement: Movement) -> str:
    """Reasons the applicant may read: those of the act itself, item by item."""
    detail: dict[str, Any] = movement.detail
    if movement.act == "send_back":
        return "\n".join(f"{n}. {item['text']}" for n, item in enumerate(detail["items"], 1))
    reasons = [codes.label("reason", code) for code in detail.get("codes", ())]
    return "；".join(filter(None, [*reasons, detail.get("text", "")]))


def _turn(entry: DocketEntry, state: State) -> str:
    if state == State.CORRECTION:
        day = date_format(entry.due_on) if entry.due_on else ""
        return gettext("现在需要您处理：请在%(day)s前修改并重新上报，逾期申请将终止。") % {"day": day}
    if state.tag.turn == "agency":
        return gettext("现在由%(agency)s办理，您暂时不需要做什么。") % {"agency": entry.agency.name}
    if state.tag.turn == "authority":
        return gettext("现在由终审机构办理，您暂时不需要做什么。")
    return ""
