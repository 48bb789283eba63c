"""The hand-over of a misrouted case to another agency: the one act over two schemas.

One transaction moves everything: killed at any point, the case is at exactly one agency, with one clock and
one notice. The case keeps its id, its history and all its dates; what stays behind is a tombstone.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Model
from django.utils.translation import gettext as _

from notifications import outbox
from register import clock, policy
from register.models import Kind
from review import docket, workflow
from review.models import Case, Correction, Dossier, Letter, Movement, Opinion, PaperSlip, Tick
from review.states import State
from review.workflow import Actor
from tenants import crossing
from tenants.crossing import Desk, Place
from tenants.errors import Refusal
from tenants.models import Agency, AgencyUserObjectPermission
from tenants.roles import SUPERVISOR

# The application went to an agency that it does not fall to.
MISROUTED: Final = "R11"
# What travels with the case and is never changed where it arrives. Internal notes stay where they were
# written: they were promised to their agency alone.
TRAVELLING: Final[tuple[type[Model], ...]] = (Dossier, Movement, Opinion, PaperSlip)


@dataclass(slots=True)
class Bundle:
    """What the courier carries: the case as it stood, and what belongs to it."""

    case: Case
    movement: Movement
    rows: dict[type[Model], list[Any]]
    corrections: list[Correction]
    ticks: list[Tick]


def hand_over(
    *, case_id: UUID, source: Agency, target: Agency, by: Actor, text: str, merger: UUID | None = None
) -> Movement:
    """Give a misrouted case to the agency it falls to; `text` says why, and the applicant reads it.

    The case keeps its number, versions, history, receipt date, due date and the policy frozen at lodging;
    nobody has it in hand afterwards. Whether opinions are countersigned is a way of working, so that follows
    the agency that works on it from now on. Stand at the desk of `source`.

    `merger` is the order by which the whole agency goes into the target: then the case was not misrouted.

    Raises `Refusal` when the supervisor may not, when an opinion is pending, or when the target takes no
    applications; then nothing has changed.
    """
    _refuse_to_start(case_id, source, target, by, text)
    with crossing.across(source, target) as at, crossing.atomic():
        with at(source):
            told = _told(source, _open_today(target), text.strip(), merger)
            bundle = _leave(case_id, target, by, told)
        with at(target):
            _arrive(bundle, source, target)
    return bundle.movement


def targets(source: Agency) -> list[Agency]:
    """Every other first-review agency, in the order of the list; suspended ones included, merged ones not."""
    others = Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).exclude(pk=source.pk)
    others = others.filter(merged_into__isnull=True)
    return list(others.order_by("number"))


def _refuse_to_start(case_id: UUID, source: Agency, target: Agency, by: Actor, text: str) -> None:
    """At the supervisor's own desk, before the courier is called."""
    if crossing.here() != Place(Desk.AGENCY, source.schema_name):
        raise crossing.WrongPlace("A case is handed over from its own agency's desk.")
    workflow.allow(Case.objects.get(pk=case_id), "hand_over", by, clock.now())
    if target.is_authority or target.pk == source.pk:
        raise Refusal(_("请选择另一个注册机构。"), code="target")
    if not text.strip():
        raise Refusal(_("请说明理由。"), code="no_reason")


def _open_today(target: Agency) -> Agency:
    """The target as it stands now: it may have been suspended since the page was opened."""
    found = Agency.objects.get(pk=target.pk)
    if not found.intake_open:
        raise Refusal(
            _("{agency}暂停接收申请，不能转交。").format(agency=found.name), code="target_suspended"
        )
    return found


# --- Leaving ---------------------------------------------------------------------------------------


def _leave(case_id: UUID, target: Agency, by: Actor, detail: dict[str, Any]) -> Bundle:
    """Close the case here by the ordinary door, and take everything of it along."""
    case = Case(pk=case_id)
    carried: list[Case] = []

    def write(locked: Case, at: datetime) -> None:
        carried.append(copy(locked))
        detail.update(workflow.deadline(locked), clock=locked.clock)

    movement = workflow.move(case=case, act="hand_over", by=by, detail=detail, write=write)
    return Bundle(
        case=_as_it_arrives(carried[0], case, target),
        movement=movement,
        rows={model: list(model._default_manager.filter(case_id=case_id)) for model in TRAVELLING},
        corrections=list(Correction.objects.filter(case_id=case_id)),
        ticks=list(Tick.objects.filter(case_id=case_id)),
    )


def _told(source: Agency, target: Agency, text: str, merger: UUID | None) -> dict[str, Any]:
    return {
        **({"merger": str(merger)} if merger else {}),
        "from": outbox.both(source.name_zh, source.name_en),
        "to": outbox.both(target.name_zh, target.name_en),
        "from_code": source.code,
        "to_code": target.code,
        "codes": [] if merger else [MISROUTED],
        "text": text,
    }


def _as_it_arrives(before: Case, tombstone: Case, target: Agency) -> Case:
    """The case as it stood before it was closed here, its chain going on, in nobody's hands."""
    case = copy(before)
    case.chain_length, case.chain_head = tombstone.chain_length, tombstone.chain_head
    case.assignee_id = case.officer_id = case.dispatch_id = None
    national = policy.current(clock.day_of(case.lodged_at)).countersign
    case.policy = {**case.policy, "countersign": national or target.countersign}
    return case


# --- Arriving --------------------------------------------------------------------------------------


def _arrive(bundle: Bundle, source: Agency, target: Agency) -> None:
    case = bundle.case
    came_back = _tombstone_here(case)
    case.save(force_insert=not came_back, force_update=came_back)
    for model, rows in bundle.rows.items():
        known = _known(model, case) if came_back else set()
        model._default_manager.bulk_create([row for row in rows if row.pk not in known])
    _copy_letters(case, source)
    _copy_corrections(bundle.corrections)
    _copy_ticks(bundle.ticks)
    docket.lead_to(target, case, bundle.movement.at)
    _tell_supervisors(bundle, target)


def _tombstone_here(case: Case) -> bool:
    """Whether the case was here before: what it left behind becomes the case again."""
    found = Case.objects.select_for_update(of=("self",)).filter(pk=case.pk).first()
    if found is not None and found.state != State.HANDED_OVER:
        raise RuntimeError(f"case {case.pk} is already here")
    return found is not None


def _known(model: type[Model], case: Case) -> set[UUID]:
    return set(model._default_manager.filter(case_id=case.pk).values_list("pk", flat=True))


def _copy_letters(case: Case, source: Agency) -> None:
    """In one statement; what is kept here from before stays. The files are the same for both agencies."""
    name = connection.ops.quote_name
    columns = ", ".join(name(str(column.column)) for column in Letter._meta.concrete_fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO review_letter ({columns})"  # noqa: S608 - names of our own tables only
            f" SELECT {columns} FROM {name(source.schema_name)}.review_letter WHERE case_id = %s"
            " ON CONFLICT DO NOTHING",
            [case.pk],
        )


def _copy_corrections(rows: list[Correction]) -> None:
    Correction.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["answered_at", "answered_by_version"],
    )


def _copy_ticks(rows: list[Tick]) -> None:
    """The marks have keys of their own in each schema; where the case was before, the later mark counts."""
    for row in rows:
        row.pk = None
    Tick.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["case", "item", "version"],
        update_fields=["in_order", "remark", "by_id", "at"],
    )


def _tell_supervisors(bundle: Bundle, target: Agency) -> None:
    """Who distributes the work at the target learns that there is more of it."""
    case, movement = bundle.case, bundle.movement
    held = AgencyUserObjectPermission.objects.filter(
        content_object_id=target.pk, permission__codename=SUPERVISOR.code, user__is_active=True
    )
    data = {
        "reference": case.reference,
        "kind": outbox.in_both(Kind(case.kind).label),
        "from_agency": movement.detail["from"],
        "due": outbox.day(case.due_on, provisional=case.due_provisional) if case.due_on else "—",
    }
    outbox.post_many(
        outbox.Message(
            user_id=user_id,
            kind="handed_in",
            cause=str(movement.pk),
            data=data,
            case_id=case.pk,
            at=movement.at,
        )
        for user_id in held.values_list("user_id", flat=True)
    )
