"""Papers handed in over the counter: which an application needs, which were received, and the slip for them.

Order 11 arts 11, 13, 14 name the papers; Administrative Licensing Law art. 32 asks for a written receipt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from register import clock, codes, materials
from register.materials import Facts, Needed
from register.models import Kind
from register.policy import Policy
from review.models import Case, PaperSlip
from review.states import WORKING, State
from review.workflow import REVIEWER, SUPERVISOR, Actor, in_conflict
from tenants.errors import Refusal

Content = Mapping[str, Any]
# While the agency has the case, or waits for its correction, papers may come over the counter.
RECEIVABLE: Final = frozenset({State.SUBMITTED, State.CORRECTION, *WORKING})
MOST_COPIES: Final = 99
REMARK_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class Line:
    """One paper on a slip: which, how many copies, and a remark."""

    code: str
    copies: int
    remark: str = ""

    @property
    def label(self) -> str:
        return codes.label("paper", self.code)

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "copies": self.copies, "remark": self.remark}


@dataclass(frozen=True, slots=True)
class Expected:
    """A paper that this application needs, how many copies were received, and whether it was uploaded."""

    needed: Needed
    copies: int
    uploaded: bool

    @property
    def missing(self) -> bool:
        return self.needed.must and not (self.copies or self.uploaded)


def needed_for(case: Case, content: Content) -> tuple[Needed, ...]:
    """The papers of this application, by its kind and what it says."""
    said: Mapping[str, Any] = content.get("registration") or {}
    exam: Mapping[str, Any] = content.get("qualification") or {}
    category = said.get("category", "")
    kind = Kind(case.kind)
    rules = Policy.from_dict(case.policy)
    return materials.needed(
        Facts(
            kind=kind,
            hours_count=materials.hours_count(kind, late=case.late, rules=rules),
            changes=frozenset(said.get("change_items") or ()) if kind == Kind.CHANGE else None,
            other_category=bool(category) and not codes.category_agrees(category, exam.get("category", "")),
        )
    )


def expected(case: Case, content: Content, slips: Iterable[PaperSlip]) -> list[Expected]:
    """The needed papers with what has come in, by file or over the counter, and whatever came besides."""
    received = copies_of(slips)
    uploaded = {line["code"] for line in content.get("papers") or ()}
    needed = needed_for(case, content)
    besides = sorted({*received, *uploaded} - {one.code for one in needed})
    extra = (Needed(code, _("另行提交")) for code in besides)
    return [Expected(one, received.get(one.code, 0), one.code in uploaded) for one in (*needed, *extra)]


def copies_of(slips: Iterable[PaperSlip]) -> dict[str, int]:
    """How many copies of each paper were received, over all slips."""
    found: dict[str, int] = {}
    for slip in slips:
        for line in lines_of(slip):
            found[line.code] = found.get(line.code, 0) + line.copies
    return found


def lines_of(slip: PaperSlip) -> list[Line]:
    """The papers of a slip."""
    return [Line(line["code"], line["copies"], line.get("remark", "")) for line in slip.lines]


def may_receive(case: Case, by: Actor) -> bool:
    """Whether this person may take papers over the counter: whoever reviews here, without a conflict."""
    return bool({REVIEWER, SUPERVISOR} & by.roles) and case.state in RECEIVABLE and not in_conflict(case, by)


def receive(*, case: Case, by: Actor, lines: Sequence[Line], handed_by: str, number: int) -> PaperSlip:
    """Receive papers over the counter and write a slip for them, numbered within the case.

    The officer at the counter need not be the one who holds the case. `number` is the one that the officer
    saw announced, so that the same papers are not entered twice. Raises `Refusal` where nothing is handed in,
    a paper is unknown, or the case is not at this agency any more. A slip is never changed: what was
    forgotten goes on another one.
    """
    _check(lines, handed_by)
    with transaction.atomic():
        locked = Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
        if not may_receive(locked, by):
            raise Refusal(_("本案目前不能签收材料，没有登记。"), code="not_receivable")
        if number != locked.paper_slips.count() + 1:
            raise Refusal(
                _("刚才已经登记了一张签收单，请先核对，再决定是否继续登记。"), code="already_received"
            )
        return PaperSlip.objects.create(
            case=locked,
            number=number,
            lines=[line.as_dict() for line in lines],
            handed_by=handed_by.strip()[:100],
            received_by_id=by.account,
            received_by_name=by.name,
            received_at=clock.now(),
        )


def _check(lines: Sequence[Line], handed_by: str) -> None:
    if not lines or not all(0 < line.copies <= MOST_COPIES for line in lines):
        raise Refusal(_("请至少登记一种材料，并写明份数（1 至 99）。"), code="no_papers")
    if not all(codes.holds("paper", line.code) for line in lines):
        raise Refusal(_("没有这种材料。"), code="paper")
    if not handed_by.strip():
        raise Refusal(_("请填写递交人。"), code="no_name")


def number_of(case: Case, slip: PaperSlip) -> str:
    """The number on the slip."""
    return f"{case.reference}-签{slip.number}"
