"""The hash-chained record of movements: one chain per case, its genesis the case's id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from review.models import Case, Movement
from review.states import State
from tenants.crypto import canonical_json, sha256_hex

if TYPE_CHECKING:
    from review.workflow import Actor


def record(
    case: Case, *, act: str, by: Actor, role: str, source: State | None, at: datetime, detail: dict[str, Any]
) -> Movement:
    """Append the movement of one act to the case's chain and move the case's head forward.

    The case must be locked; it is not saved here.
    """
    movement = compose(case, act=act, by=by, role=role, source=source, at=at, detail=detail)
    movement.save(force_insert=True)
    return movement


def compose(
    case: Case, *, act: str, by: Actor, role: str, source: State | None, at: datetime, detail: dict[str, Any]
) -> Movement:
    """The next movement of the case's chain, not stored yet; the case's head moves forward with it."""
    movement = Movement(
        case=case,
        number=case.chain_length + 1,
        act=act,
        actor_id=by.user_id,
        actor_name=by.name,
        actor_role=role,
        from_state=source or "",
        to_state=case.state,
        at=at,
        detail=detail,
        previous=case.chain_head or str(case.pk),
    )
    movement.hash = hash_of(movement)
    case.chain_length, case.chain_head = movement.number, movement.hash
    return movement


def hash_of(movement: Movement) -> str:
    """SHA-256 over everything the movement says and the hash of the one before it."""
    return sha256_hex(
        canonical_json(
            {
                "id": str(movement.pk),
                "case": str(movement.case_id),
                "number": movement.number,
                "act": movement.act,
                "actor": movement.actor_id,
                "name": movement.actor_name,
                "role": movement.actor_role,
                "from": movement.from_state,
                "to": movement.to_state,
                "at": movement.at.astimezone(UTC).isoformat(timespec="microseconds"),
                "detail": movement.detail,
                "previous": movement.previous,
            }
        )
    )


@dataclass(frozen=True, slots=True)
class Break:
    """The first row of a case's chain that does not hold."""

    case_id: UUID
    number: int
    what: str


def first_break(case: Case, movements: Iterable[Movement], line: tuple[int, str] | None) -> Break | None:
    """The first row of one case's chain that does not hold; `movements` in their order.

    `line` is what the docket keeps of it: length and head; a case handed over has none.
    """
    walked = (0, str(case.pk))
    for movement in movements:
        if what := _misfit(movement, *walked):
            return Break(case.pk, movement.number, what)
        walked = (movement.number, movement.hash)
    if walked != (case.chain_length, case.chain_head):
        return Break(case.pk, walked[0] + 1, "case head")
    if case.state != State.HANDED_OVER and walked != line:
        return Break(case.pk, walked[0] + 1, "docket head")
    return None


def _misfit(movement: Movement, length: int, head: str) -> str:
    """What of this movement does not fit behind the one before it; nothing where it fits."""
    if movement.number != length + 1:
        return "number"
    if movement.previous != head:
        return "previous"
    return "" if movement.hash == hash_of(movement) else "hash"


def verify(*, docket: dict[UUID, tuple[int, str]] | None = None) -> Iterator[Break]:
    """Walk every chain of the schema one stands in; yield the first broken row of each broken chain.

    `docket` maps case ids to the length and head the docket keeps: then a chain cut at its end, a case that
    is gone and a case without a line show as well.
    """
    kept = list(Case.objects.only("chain_length", "chain_head", "state"))
    heads = {case.pk: (case.chain_length, case.chain_head) for case in kept}
    live = {case.pk for case in kept if case.state != State.HANDED_OVER}
    broken: set[UUID] = set()
    last: dict[UUID, tuple[int, str]] = {}
    for movement in Movement.objects.order_by("case_id", "number").iterator(chunk_size=2000):
        case_id = movement.case_id
        if case_id in broken:
            continue
        what = _misfit(movement, *last.get(case_id, (0, str(case_id))))
        if not what:
            last[case_id] = (movement.number, movement.hash)
            continue
        broken.add(case_id)
        yield Break(case_id, movement.number, what)
    for case_id, head_kept in heads.items():
        walked = last.get(case_id, (0, ""))
        if case_id in broken:
            continue
        if walked != head_kept:
            yield Break(case_id, walked[0] + 1, "case head")
        elif docket is not None and case_id in live and docket.get(case_id) != walked:
            yield Break(case_id, walked[0] + 1, "docket head")
    for case_id in (docket or {}).keys() - heads.keys():
        yield Break(case_id, 1, "case gone")
