"""Which movement tells whom what. Every act of the table stands here, or among the silent ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from notifications import outbox
from register import clock, codes, people
from register.memory import Remembered
from register.models import DocketEntry, Kind
from review.models import Case, Movement, TerminationGround
from review.states import Clock, State
from tenants import crossing, staff
from tenants.models import AUTHORITY_CODE, PUBLIC_SCHEMA, Agency

Told = list[tuple[str, dict[str, Any]]]


def announce(movement: Movement, case: Case, entry: DocketEntry | None = None) -> None:
    """Post the notices of one movement, in its transaction. The cause is the movement's id.

    `entry` is the docket line with its agency and person, where the caller has it at hand.
    """
    if movement.act in TELLS:
        outbox.post_many(messages(movement, case, entry or _line_of(case)))


def messages(movement: Movement, case: Case, entry: DocketEntry) -> list[outbox.Message]:
    """What one movement tells, one message for each reader; the case is as the movement left it."""
    tell = TELLS.get(movement.act)
    if tell is None:
        return []
    return [
        outbox.Message(
            user_id=user_id,
            kind=kind,
            cause=str(movement.pk),
            data=data,
            case_id=case.pk,
            at=movement.at,
        )
        for kind, data in tell(movement, case, entry)
        for user_id in _addressees(kind, movement, case, entry)
    ]


# By their schemas.
agencies: Remembered[Mapping[str, Agency]] = Remembered(
    lambda: {agency.schema_name: agency for agency in Agency.objects.all()}, seconds=30
)


def _line_of(case: Case) -> DocketEntry:
    """Agency and person of the case's docket line; those at hand are not asked for again."""
    here = agencies().get(crossing.here().schema)
    if here is None or "person" not in case._state.fields_cache:
        return DocketEntry.objects.select_related("agency", "person").get(case_id=case.pk)
    return DocketEntry(case_id=case.pk, agency=here, person=case.person)


# The item of a correction that names the portrait: it has a notice of its own beside the list.
PHOTO: Final = "photo"
# Notices to whoever has the case in hand, to the deputy of the day, or to the supervisors where that account
# is closed. An answered correction of a case that lies in nobody's hands waits in the queue like a new one.
TO_THE_STAFF: Final = frozenset({"assigned", "staff_resubmitted", "staff_remanded"})
# Notices to colleagues about what somebody else did with a case of theirs; never to whoever did it.
TO_COLLEAGUES: Final = frozenset({"staff_reinstated", "staff_terminated", "staff_declined"})


def _addressees(kind: str, movement: Movement, case: Case, entry: DocketEntry) -> list[int]:
    if kind in TO_COLLEAGUES:
        return _colleagues(kind, movement, case, entry)
    if kind not in TO_THE_STAFF:
        return [people.living(entry.person).user_id]
    if kind == "staff_resubmitted" and case.assignee_id is None:
        return []
    holder = int(movement.detail["assignee"]) if kind == "assigned" else case.assignee_id
    here = _authority() if case.state == State.REPORTED else entry.agency
    return staff.on_duty(holder, here, clock.day_of(movement.at))


def _colleagues(kind: str, movement: Movement, case: Case, entry: DocketEntry) -> list[int]:
    """Who had or will have the case in hand, at the agency and at the authority, during leave the deputy.

    A reinstated case concerns the agency in any case: where nobody has it, its supervisors hear of it.
    """
    at_authority = State.REPORTED in {movement.from_state, movement.to_state}
    holder = movement.detail.get("author" if kind == "staff_declined" else "holder")
    if kind == "staff_reinstated":
        asked = [(case.assignee_id, entry.agency)]
        if at_authority and case.officer_id:
            asked.append((case.officer_id, _authority()))
    elif holder is None:
        return []
    else:
        asked = [(int(holder), _authority() if at_authority else entry.agency)]
    day = clock.day_of(movement.at)
    told = {account for one, agency in asked for account in staff.on_duty(one, agency, day)}
    return sorted(told - {movement.actor_id})


def _authority() -> Agency:
    return agencies().get(PUBLIC_SCHEMA) or Agency.objects.get(code=AUTHORITY_CODE)


def reasons(detail: dict[str, Any]) -> list[Any]:
    """Reason codes in words, then the officer's own text."""
    words = [outbox.both(*codes.in_both("reason", code)) for code in detail.get("codes", ())]
    return [*words, *([bare(detail["text"])] if detail.get("text") else [])]


def bare(text: str) -> str:
    """An officer's words without their last stop: they stand within a sentence of the notice."""
    return text.strip().rstrip("。；;.，, ") or text


def _remedies(case: Case) -> dict[str, Any]:
    """The periods printed with a refusal: days for reconsideration, months for a lawsuit."""
    return {"days": case.policy["reconsideration_days"], "months": case.policy["lawsuit_months"]}


def _agency(entry: DocketEntry) -> Any:
    return outbox.both(entry.agency.name_zh, entry.agency.name_en)


def _kind(case: Case) -> Any:
    return outbox.in_both(Kind(case.kind).label)


def _due(case: Case) -> Any:
    """The running deadline; a case without one shows none."""
    return outbox.day(case.due_on, provisional=case.due_provisional) if case.due_on else "—"


def _submitted(m: Movement, case: Case, entry: DocketEntry) -> Told:
    told: Told = [
        (
            "submitted",
            {
                "kind": _kind(case),
                "reference": case.reference,
                "at": m.at,
                "agency": _agency(entry),
                "due": _due(case),
            },
        )
    ]
    return told + ([("change_pending", {})] if case.kind == Kind.CHANGE else [])


def _accepted(m: Movement, case: Case, entry: DocketEntry) -> Told:
    data = {"agency": _agency(entry), "number": case.acceptance_number, "due": _due(case)}
    return [("accepted", data)]


def _deemed_accepted(m: Movement, case: Case, entry: DocketEntry) -> Told:
    since = case.clock_from or clock.day_of(case.lodged_at)
    return [("deemed_accepted", {"agency": _agency(entry), "since": since})]


def _not_accepted(m: Movement, case: Case, entry: DocketEntry) -> Told:
    data = {"agency": _agency(entry), "kind": _kind(case), "reason": reasons(m.detail), **_remedies(case)}
    return [("not_accepted", data)]


def _correction(m: Movement, case: Case, entry: DocketEntry) -> Told:
    items = [bare(item["text"]) for item in m.detail["items"]]
    told: Told = [("correction", {"count": len(items), "items": items, "due": _due(case)})]
    photo = [bare(item["text"]) for item in m.detail["items"] if item["item"] == PHOTO]
    return [*told, ("photo_rejected", {"reason": "；".join(photo)})] if photo else told


def _resubmitted(m: Movement, case: Case, entry: DocketEntry) -> Told:
    case_in_hand = {"kind": _kind(case), "reference": case.reference, "due": _due(case)}
    return [
        ("resubmitted", {"at": m.at, "agency": _agency(entry), "due": _due(case)}),
        ("staff_resubmitted", case_in_hand),
    ]


def _ended_by_applicant(kind: str) -> Callable[[Movement, Case, DocketEntry], Told]:
    def tell(m: Movement, case: Case, entry: DocketEntry) -> Told:
        return [(kind, {"kind": _kind(case), "reference": case.reference, "at": m.at})]

    return tell


def _lapsed(m: Movement, case: Case, entry: DocketEntry) -> Told:
    due = m.detail.get("due", "—")
    return [("lapsed", {"kind": _kind(case), "reference": case.reference, "due": due})]


def _opinion(m: Movement, case: Case, entry: DocketEntry) -> Told:
    if case.state == State.FIRST_PASSED:
        return [("first_passed", {"agency": _agency(entry)})]
    if case.state == State.FIRST_FAILED:
        return [("first_failed", {"agency": _agency(entry), "reason": reasons(m.detail)})]
    return []


def _opinion_withdrawn(m: Movement, case: Case, entry: DocketEntry) -> Told:
    return [("opinion_withdrawn", {"agency": _agency(entry), "reason": m.detail["text"]})]


def _reported(m: Movement, case: Case, entry: DocketEntry) -> Told:
    on = clock.day_of(m.at)
    return [("reported", {"on": on, "batch": m.detail["dispatch"], "due": _due(case)})]


def _sent_back(m: Movement, case: Case, entry: DocketEntry) -> Told:
    said = {"reason": reasons(m.detail), "due": _due(case)}
    return [
        ("sent_back", {"agency": _agency(entry), **said}),
        ("staff_remanded", {"kind": _kind(case), "reference": case.reference, **said}),
    ]


def _granted(m: Movement, case: Case, entry: DocketEntry) -> Told:
    if case.state != State.FINAL_PASSED:
        return []
    data = {
        "kind": _kind(case),
        "category": outbox.both(*codes.in_both("category", m.detail["category"])),
        "valid_from": m.detail["valid_from"],
        "valid_to": m.detail["valid_to"],
        "due": _due(case),
    }
    return [("granted", data)]


def _refused(m: Movement, case: Case, entry: DocketEntry) -> Told:
    if case.state != State.FINAL_FAILED:
        return []
    return [("refused", {"reason": reasons(m.detail), **_remedies(case)})]


def _extended(m: Movement, case: Case, entry: DocketEntry) -> Told:
    data = {"reason": bare(m.detail["text"]), "days": case.policy["extension_days"], "due": _due(case)}
    return [("extended", data)]


def _correction_due_moved(m: Movement, case: Case, entry: DocketEntry) -> Told:
    return [("correction_due_moved", {"due": _due(case)})]


def _handed_over(m: Movement, case: Case, entry: DocketEntry) -> Told:
    data = {"reference": case.reference, "from_agency": m.detail["from"], "to_agency": m.detail["to"]}
    return [("agency_merged" if m.detail.get("merger") else "handed_over", data)]


def _announced(m: Movement, case: Case, entry: DocketEntry) -> Told:
    return [("announced", {"batch": m.detail["batch"]})]


def _issued(m: Movement, case: Case, entry: DocketEntry) -> Told:
    delivery = outbox.both(*codes.in_both("delivery", m.detail["delivery"]))
    return [("issued", {"number": m.detail["number"], "delivery": delivery})]


def _deadline_moved(m: Movement, case: Case, entry: DocketEntry) -> Told:
    if m.detail.get("old_due_on") == m.detail.get("due_on"):
        # The date that was told as provisional is certain now: nothing has moved.
        return []
    return [("deadline_moved", {"clock": outbox.in_both(Clock(case.clock).label), "due": _due(case)})]


def _terminated(m: Movement, case: Case, entry: DocketEntry) -> Told:
    ground = m.detail.get("ground")
    said = [outbox.in_both(TerminationGround(ground).label)] if ground else []
    data = {"kind": _kind(case), "reference": case.reference, "reason": [*said, *reasons(m.detail)]}
    return [("terminated", data), ("staff_terminated", {**data, "by": m.actor_name})]


def _reinstated(m: Movement, case: Case, entry: DocketEntry) -> Told:
    data = {
        "kind": _kind(case),
        "reference": case.reference,
        "number": m.detail["judgment"],
        "due": _due(case),
    }
    told: Told = [("reinstated", data), ("staff_reinstated", data)]
    return told + ([("change_pending", {})] if case.kind == Kind.CHANGE else [])


def _declined(m: Movement, case: Case, entry: DocketEntry) -> Told:
    data = {"kind": _kind(case), "reference": case.reference, "by": m.actor_name, "reason": reasons(m.detail)}
    return [("staff_declined", data)]


def _assigned(m: Movement, case: Case, entry: DocketEntry) -> Told:
    data = {"reference": case.reference, "kind": _kind(case), "by": m.actor_name, "due": _due(case)}
    return [("assigned", data)]


TELLS: dict[str, Callable[[Movement, Case, DocketEntry], Told]] = {
    "lodge": _submitted,
    "assign": _assigned,
    "accept": _accepted,
    "deem_accept": _deemed_accepted,
    "not_accept": _not_accepted,
    "send_back": _correction,
    "resubmit": _resubmitted,
    "lapse": _lapsed,
    "withdraw": _ended_by_applicant("withdrawn"),
    "give_opinion": _opinion,
    "countersign": _opinion,
    "decline": _declined,
    "reopen": _opinion_withdrawn,
    "refer": _reported,
    "remand": _sent_back,
    "approve": _granted,
    "refuse": _refused,
    "extend": _extended,
    "extend_correction": _correction_due_moved,
    "hand_over": _handed_over,
    "announce": _announced,
    "issue": _issued,
    "recompute": _deadline_moved,
    "terminate": _terminated,
    "reinstate": _reinstated,
}
# What only a colleague hears of: staff disagree among themselves.
AMONG_STAFF: Final = frozenset({"decline"})
# Staff take a case in hand, lay it down, or propose a restriction that the registrar decides on: nothing
# anybody waits for.
SILENT: Sequence[str] = ("take_up", "release", "propose_restriction", "drop_restriction")
