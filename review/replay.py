"""How a case stands by its movements alone: state, clock and how it fared, restored from the record.

The movements are the truth that nobody can change unseen; the columns of the case say the same for whoever
asks quickly. `differences` tells where they do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Final

from register import clock as calendar
from review.casework import VERDICT_OF
from review.models import Case, Movement, Opinion
from review.states import Clock, State
from tenants import crossing

# The clock that begins with an act that changes the state.
BEGINS: Final = {
    "lodge": Clock.ACCEPTANCE,
    "accept": Clock.FIRST_REVIEW,
    "deem_accept": Clock.FIRST_REVIEW,
    "send_back": Clock.CORRECTION,
    "resubmit": Clock.ACCEPTANCE,
    "refer": Clock.FINAL_REVIEW,
    "remand": Clock.REMAND,
    "approve": Clock.ISSUE,
}
# These move the deadline of the clock that runs and leave everything else.
DEADLINE_ONLY: Final = frozenset({"extend", "extend_correction", "recompute"})
# A correction out of a running review pauses these.
PAUSABLE: Final = frozenset({Clock.FIRST_REVIEW, Clock.REMAND})
RUNS_ON: Final = frozenset({"give_opinion", "countersign", "reopen", "announce"})
VERDICTS: Final = {
    State.FINAL_PASSED: Opinion.Verdict.PASS,
    State.FINAL_FAILED: Opinion.Verdict.FAIL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the columns of a case say of it that follows from its movements."""

    state: str = ""
    clock: str = ""
    due_on: date | None = None
    due_provisional: bool = False
    corrections: int = 0
    reported_on: date | None = None
    decided_on: date | None = None
    first_verdict: str = ""
    final_verdict: str = ""
    remands: int = 0


def standing_of(case: Case) -> Standing:
    """What the case says of itself."""
    return Standing(**{name: getattr(case, name) for name in Standing.__dataclass_fields__})


def replayed(movements: Iterable[Movement]) -> Standing:
    """Where all movements of a case, in their order, lead at the agency in whose schema one stands.

    A hand-over closes the case only where it left last: at the agency that has it now it stands as it stood.
    """
    now, paused, way = Standing(), "", list(movements)
    here = crossing.here().schema
    for movement in way:
        if movement.act == "hand_over" and (movement is not way[-1] or movement.detail["to_code"] == here):
            continue
        if movement.act == "send_back":
            paused = now.clock if now.clock in PAUSABLE else ""
        now = _after(now, movement, paused)
        if movement.act == "resubmit":
            paused = ""
    return now


def differences(case: Case, movements: Iterable[Movement]) -> dict[str, tuple[Any, Any]]:
    """Where the case says something else than its movements: column → (case, movements)."""
    said, moved = asdict(standing_of(case)), asdict(replayed(movements))
    return {name: (said[name], moved[name]) for name in said if said[name] != moved[name]}


def _after(now: Standing, movement: Movement, paused: str) -> Standing:
    act, on, detail = movement.act, calendar.day_of(movement.at), movement.detail
    if movement.to_state == movement.from_state:
        return _with_deadline(now, detail) if act in DEADLINE_ONLY else now
    now = replace(now, state=movement.to_state, clock=_clock_after(now, movement, paused))
    now = _with_deadline(now, detail if now.clock else {})
    fared: dict[str, Any] = {}
    if act == "send_back":
        fared = {"corrections": now.corrections + 1}
    elif act == "refer":
        fared = {"reported_on": on, "first_verdict": VERDICT_OF[State(movement.from_state)]}
    elif act == "remand":
        fared = {"remands": now.remands + 1}
    elif act in {"approve", "refuse"}:
        fared = {"decided_on": on, "final_verdict": VERDICTS[State(movement.to_state)].value}
    elif act == "reinstate":
        fared = {"decided_on": None, "final_verdict": ""}
    return replace(now, **fared)


def _clock_after(now: Standing, movement: Movement, paused: str) -> str:
    act = movement.act
    if act in RUNS_ON:
        return now.clock
    if act == "resubmit" and paused:
        return paused
    if act == "reinstate":
        back = movement.to_state == State.REPORTED
        return (Clock.FINAL_REVIEW if back else Clock.ACCEPTANCE).value
    begun = BEGINS.get(act)
    return begun.value if begun else ""


def _with_deadline(now: Standing, detail: dict[str, Any]) -> Standing:
    due = detail.get("due_on")
    return replace(
        now,
        due_on=date.fromisoformat(due) if due else None,
        due_provisional=bool(due) and bool(detail.get("due_provisional")),
    )
