"""Nothing is lost: movements, notices, docket and register are held against one another, and mended.

Each book is compared by statements over a slice of case files, never row by row. What belongs together is
written in one transaction, so one statement sees either both or neither: people may be at work meanwhile.
Which kinds of notice an act must have stands in `EXPECTED`; only for the few movements that lack one the
teller itself is asked (`announcements.messages`), on the case as the movement left it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Min, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from notifications import delivery, outbox
from notifications.catalogue import KINDS
from notifications.models import Outbox
from register import clock
from register.models import DocketEntry
from review import announcements, docket, replay, workflow
from review.models import Case, Movement
from review.states import OPEN, State
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency, SchemaHealth

log = logging.getLogger(__name__)

# So many case files are compared by one statement.
SLICE: Final = 20_000
# A notice that stands on no board after this long is told; a healthy post room needs seconds.
WAITS_LONG: Final = timedelta(hours=1)
LOWEST: Final = UUID(int=0)
HIGHEST: Final = UUID(int=2**128 - 1)
HANDED_OVER: Final = State.HANDED_OVER.value


@dataclass(frozen=True, slots=True)
class Expected:
    """A kind of notice that an act has: always, where it led to a state, or for a kind of case."""

    act: str
    kind: str
    to_state: str = ""
    of_kind: str = ""


# An answered correction reaches a colleague only where somebody had the case in hand at that moment, which no
# record tells afterwards: `staff_resubmitted` is not expected. Nor is `photo_rejected`, which follows from
# the items of a correction: the list of that correction says the same.
EXPECTED: Final = (
    Expected("lodge", "submitted"),
    Expected("lodge", "change_pending", of_kind="change"),
    Expected("assign", "assigned"),
    Expected("accept", "accepted"),
    Expected("deem_accept", "deemed_accepted"),
    Expected("not_accept", "not_accepted"),
    Expected("send_back", "correction"),
    Expected("resubmit", "resubmitted"),
    Expected("lapse", "lapsed"),
    Expected("withdraw", "withdrawn"),
    Expected("give_opinion", "first_passed", "first_passed"),
    Expected("give_opinion", "first_failed", "first_failed"),
    Expected("countersign", "first_passed", "first_passed"),
    Expected("countersign", "first_failed", "first_failed"),
    Expected("decline", "staff_declined"),
    Expected("reopen", "opinion_withdrawn"),
    Expected("refer", "reported"),
    Expected("remand", "sent_back"),
    Expected("remand", "staff_remanded"),
    Expected("approve", "granted", "final_passed"),
    Expected("refuse", "refused", "final_failed"),
    Expected("extend", "extended"),
    Expected("extend_correction", "correction_due_moved"),
    Expected("hand_over", "handed_over"),
    Expected("hand_over", "agency_merged"),
    Expected("announce", "announced"),
    Expected("issue", "issued"),
    Expected("recompute", "deadline_moved"),
    Expected("terminate", "terminated"),
    Expected("terminate", "staff_terminated"),
    Expected("reinstate", "reinstated"),
    Expected("reinstate", "staff_reinstated"),
    Expected("reinstate", "change_pending", of_kind="change"),
)
TO_STAFF: Final = announcements.TO_THE_STAFF | announcements.TO_COLLEAGUES
# Only movements have notices of these kinds, one for the applicant.
OF_MOVEMENTS: Final = sorted({one.kind for one in EXPECTED} - TO_STAFF - {"change_pending"})
LETTERS: Final = sorted(kind.code for kind in KINDS.values() if kind.is_letter)


# --- What is said -----------------------------------------------------------------------------------

SENTENCES: Final[Mapping[str, str]] = {
    "no_notice": gettext_noop(
        "%(agency)s %(reference)s：第%(number)s条流转记录（%(act)s）缺少通知“%(kind)s”。"
    ),
    "unworded": gettext_noop(
        "%(agency)s %(reference)s：第%(number)s条流转记录（%(act)s）缺少通知“%(kind)s”，其内容已不足以补发。"
    ),
    "two_notices": gettext_noop("%(agency)s %(reference)s：通知“%(kind)s”就同一条流转记录发给了多人。"),
    "no_movement": gettext_noop("%(agency)s %(reference)s：通知%(row)s（“%(kind)s”）没有对应的流转记录。"),
    "not_on_board": gettext_noop(
        "%(agency)s %(reference)s：通知%(row)s（“%(kind)s”）标为已送达，公告栏上却没有。"
    ),
    "odd_notice": gettext_noop("%(agency)s %(reference)s：公告栏上的第%(row)s条与其发件记录不符。"),
    "undelivered": gettext_noop(
        "%(agency)s %(reference)s：通知%(row)s（“%(kind)s”）自%(since)s起一直没有送达。"
    ),
    "given_up": gettext_noop("%(agency)s %(reference)s：通知%(row)s（“%(kind)s”）多次失败，已停止发送。"),
    "no_line": gettext_noop("%(agency)s %(reference)s：案卷在登记簿中没有记录。"),
    "no_case": gettext_noop("%(agency)s %(reference)s：登记簿有记录，机构却没有这份案卷。"),
    "other_line": gettext_noop("%(agency)s %(reference)s：登记簿与案卷不一致（%(columns)s）。"),
    "line_elsewhere": gettext_noop("%(agency)s %(reference)s：案卷在此，登记簿却指向%(other)s。"),
    "nowhere": gettext_noop("%(agency)s %(reference)s：案卷已转交，登记簿中却没有接收机构的记录。"),
    "miscounted": gettext_noop("%(agency)s：状态“%(state)s”的计数是%(told)s，登记簿中有%(lines)s条。"),
    "other_chain": gettext_noop("%(agency)s %(reference)s：案卷与其流转记录不一致（%(columns)s）。"),
    "no_registration": gettext_noop("%(agency)s %(reference)s：已准予注册，注册簿中却没有这项注册。"),
    "not_granted": gettext_noop(
        "%(agency)s %(reference)s：注册簿中有注册%(row)s，案卷却没有准予注册的记录。"
    ),
    "not_listed": gettext_noop("%(agency)s %(reference)s：已有公告记录，却没有列入任何已发布的公告批次。"),
    "no_certificate": gettext_noop("%(agency)s %(reference)s：已有发证记录，却没有执业证。"),
    "too_early": gettext_noop("%(agency)s %(reference)s：执业证已签发，案卷却没有公告记录。"),
    "no_application": gettext_noop("%(agency)s：注册%(row)s所指的申请在登记簿中不存在。"),
    "not_compared": gettext_noop("%(agency)s：未能比对（%(why)s）。"),
}
# What no machine can mend, and whom to ask.
ASK: Final[Mapping[str, str]] = {
    "unworded": gettext_noop("请审计员运行 verify_log 查明流转记录是否被改动。"),
    "two_notices": gettext_noop("已发出的通知不能收回，请初审机构向申请人说明。"),
    "no_movement": gettext_noop("请审计员运行 verify_log 查明流转记录是否被删除。"),
    "odd_notice": gettext_noop("请审计员查明数据库中何人改动了通知。"),
    "given_up": gettext_noop("请系统管理员查明原因后，在通知管理页面重新发送。"),
    "line_elsewhere": gettext_noop("两个机构都有这份案卷，请系统管理员与两个机构核对。"),
    "nowhere": gettext_noop("请系统管理员与接收机构核对，必要时从备份恢复案卷。"),
    "other_chain": gettext_noop("请审计员运行 verify_log，并与备份核对。"),
    "no_registration": gettext_noop("请注册登记员与签批人核对决定；注册只能由决定产生，不能补写。"),
    "not_granted": gettext_noop("请注册登记员核对决定；没有决定的注册须依法撤销。"),
    "not_listed": gettext_noop("请注册登记员核对公告批次。"),
    "no_certificate": gettext_noop("请注册登记员核对，必要时从备份恢复执业证。"),
    "too_early": gettext_noop("请注册登记员核对公告批次与执业证。"),
    "no_application": gettext_noop("请注册登记员核对，必要时从备份恢复案卷。"),
    "not_compared": gettext_noop("请运维人员运行 check_walls 和迁移后再比对。"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two books disagree: which rule, where, and what to name. Nothing personal."""

    what: str
    agency: str
    reference: str = ""
    case_id: UUID | None = None
    # The row that is meant: of a movement, an outbox row, a registration.
    row: str = ""
    more: tuple[tuple[str, str], ...] = ()

    @property
    def said(self) -> str:
        """One plain sentence in the language of the moment."""
        return _(SENTENCES[self.what]) % self._values()

    @property
    def ask(self) -> str:
        """Whom to ask where a machine cannot mend it; empty where it can."""
        return _(ASK[self.what]) if self.what in ASK else ""

    def as_dict(self) -> dict[str, Any]:
        case = str(self.case_id) if self.case_id else ""
        return {
            **{"what": self.what, "agency": self.agency, "reference": self.reference, "case": case},
            **{"row": self.row, "said": self.said, "ask": self.ask, **dict(self.more)},
        }

    def _values(self) -> dict[str, str]:
        values = {"agency": self.agency, "reference": self.reference, "row": self.row, **dict(self.more)}
        if "kind" in values and values["kind"] in KINDS:
            values["kind"] = str(KINDS[values["kind"]].label)
        if "act" in values:
            values["act"] = str(Movement(act=values["act"]).word)
        if "state" in values and values["state"] in State.values:
            values["state"] = str(State(values["state"]).label)
        return values


@dataclass(slots=True)
class Found:
    """What a comparison looked at and found, and what was mended."""

    agencies: int = 0
    cases: int = 0
    movements: int = 0
    notices: int = 0
    mended: int = 0
    differences: list[Difference] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            **{"agencies": self.agencies, "cases": self.cases, "movements": self.movements},
            **{"notices": self.notices, "mended": self.mended, "left": len(self.differences)},
            "by_kind": dict(Counter(one.what for one in self.differences)),
            "differences": [one.as_dict() for one in self.differences],
        }


# --- The whole ----------------------------------------------------------------------------------------


def run(agencies: Sequence[Agency], *, whole: bool = True, fix: bool = False) -> Found:
    """Compare the books of these agencies; with `fix` mend what a machine can, and compare what is left.

    `whole` says that these are all of them: then notices of no case are looked at as well. Stand as the
    clerk, outside of every agency. An agency that fails is told as a difference and stops no other.
    """
    found = _compared(agencies, whole=whole)
    if not fix or not found.differences:
        return found
    mend(found.differences)
    left = _compared(agencies, whole=whole)
    before, after = (Counter(one.what for one in each.differences) for each in (found, left))
    left.mended = (before - after).total()
    return left


def _compared(agencies: Sequence[Agency], *, whole: bool) -> Found:
    found = Found()
    for agency in agencies:
        try:
            found.differences += compare(agency, found)
        except Exception as error:
            log.exception("The books of %s could not be compared.", agency.code)
            why = type(error).__name__
            found.differences.append(Difference("not_compared", agency.code, more=(("why", why),)))
        found.agencies += 1
    found.differences += _counters(agencies)
    found.differences += _posts({agency.pk: agency.code for agency in agencies}, found, whole=whole)
    found.differences += _orphans({agency.pk: agency.code for agency in agencies})
    return found


def compare(agency: Agency, found: Found | None = None) -> list[Difference]:
    """Where case files, notices, docket and register of one agency disagree. Stand as the clerk."""
    said: list[Difference] = []
    found = Found() if found is None else found
    with crossing.inside(agency):
        slices = list(_slices(agency))
        for between in slices:
            cases, movements = _rows(SIZES, {**between})[0]
            found.cases += cases
            found.movements += movements
            said += _of_docket(agency, between)
            said += _of_chains(agency, between)
            said += _of_notices(agency, between)
    # Certificates are the authority's to read.
    with crossing.standing(Desk.AUTHORITY), crossing.inside(agency):
        for between in slices:
            said += _of_register(agency, between)
    return said


def _slices(agency: Agency) -> Iterator[dict[str, Any]]:
    """Ranges of keys with so many case files each; docket lines without a file fall into them too."""
    marks = [key for (key,) in _rows(MARKS, {"slice": SLICE})]
    for low, high in zip((LOWEST, *marks), (*marks, HIGHEST), strict=True):
        yield {"low": low, "high": high, "agency": agency.pk, "open": [*OPEN], "gone": HANDED_OVER}


MARKS: Final = """
    SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM review_case) AS placed
    WHERE place %% %(slice)s = 0 ORDER BY id
"""
SIZES: Final = """
    SELECT (SELECT count(*) FROM review_case WHERE id > %(low)s AND id <= %(high)s AND state <> %(gone)s),
           (SELECT count(*) FROM review_movement WHERE case_id > %(low)s AND case_id <= %(high)s)
"""


def _rows(sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


# --- Docket -------------------------------------------------------------------------------------------

# The columns that stand in both alike.
ALIKE: Final = (
    *("reference", "person_id", "kind", "category", "applicant_name", "employer_name", "state", "due_on"),
    *("due_provisional", "clock", "officer_id", "reported_on", "decided_on", "first_verdict"),
    *("final_verdict", "corrections", "remands", "false_material", "awaits_signature"),
    *("chain_length", "chain_head"),
)
COUNTED: Final = {
    "open": "c.state = ANY(%(open)s)",
    "lodged_on": "(c.lodged_at AT TIME ZONE 'Asia/Shanghai')::date",
    "dispatch_number": "coalesce(p.number, '')",
}
PAIRS: Final = ", ".join(
    f"CASE WHEN d.{name} IS DISTINCT FROM {value} THEN '{name}' END"
    for name, value in {**{name: f"c.{name}" for name in ALIKE}, **COUNTED}.items()
)
# What differs is asked only of the pairs that do: comparing whole rows first costs a fifth.
OF_DOCKET: Final = f"""
    SELECT * FROM (
        SELECT coalesce(c.id, d.case_id) AS key, coalesce(c.reference, d.reference), c.state, elsewhere.code,
            c.id IS NOT NULL AS filed, d.case_id IS NOT NULL AS lined,
            CASE WHEN c.id IS NOT NULL AND d.case_id IS NOT NULL
                THEN array_remove(ARRAY[{PAIRS}], NULL) END AS odd
        FROM (SELECT * FROM review_case WHERE id > %(low)s AND id <= %(high)s) AS c
        LEFT JOIN review_dispatch p ON p.id = c.dispatch_id
        FULL JOIN (
            SELECT * FROM public.register_docketentry
            WHERE agency_id = %(agency)s AND case_id > %(low)s AND case_id <= %(high)s
        ) AS d ON d.case_id = c.id
        LEFT JOIN public.register_docketentry other ON d.case_id IS NULL AND other.case_id = c.id
        LEFT JOIN public.tenants_agency elsewhere ON elsewhere.id = other.agency_id
    ) AS pairs
    WHERE NOT filed OR (NOT lined AND (state <> %(gone)s OR code IS NULL)) OR odd <> ARRAY[]::text[]
    ORDER BY 2
"""  # noqa: S608 - nothing but our own words


def _of_docket(agency: Agency, between: Mapping[str, Any]) -> Iterator[Difference]:
    for key, reference, state, elsewhere, filed, lined, odd in _rows(OF_DOCKET, between):
        if not filed or (state == HANDED_OVER and lined):
            yield Difference("no_case", agency.code, reference, key)
        elif state == HANDED_OVER:
            yield Difference("nowhere", agency.code, reference, key)
        elif lined:
            yield Difference("other_line", agency.code, reference, key, more=(("columns", "、".join(odd)),))
        elif elsewhere:
            yield Difference("line_elsewhere", agency.code, reference, key, more=(("other", elsewhere),))
        else:
            yield Difference("no_line", agency.code, reference, key)


# A case that came from elsewhere was closed there by its last movement, and stands as it stood before.
OF_CHAINS: Final = """
    SELECT c.id, c.reference, array_remove(ARRAY[
        CASE WHEN last.number IS DISTINCT FROM c.chain_length OR walked.number IS DISTINCT FROM c.chain_length
            THEN 'chain_length' END,
        CASE WHEN last.hash IS DISTINCT FROM c.chain_head THEN 'chain_head' END,
        CASE WHEN last.to_state <> c.state AND last.act <> 'hand_over' THEN 'state' END,
        CASE WHEN papers.version IS DISTINCT FROM c.version THEN 'version' END
    ], NULL) AS odd
    FROM review_case c
    LEFT JOIN LATERAL (
        SELECT number, hash, to_state, act FROM review_movement m WHERE m.case_id = c.id
        ORDER BY number DESC LIMIT 1
    ) AS last ON true
    LEFT JOIN (
        SELECT case_id, count(*) AS number FROM review_movement
        WHERE case_id > %(low)s AND case_id <= %(high)s GROUP BY case_id
    ) AS walked ON walked.case_id = c.id
    LEFT JOIN (
        SELECT case_id, max(version) AS version FROM review_dossier
        WHERE case_id > %(low)s AND case_id <= %(high)s GROUP BY case_id
    ) AS papers ON papers.case_id = c.id
    WHERE c.id > %(low)s AND c.id <= %(high)s
        AND (last.number, last.hash, walked.number, papers.version) IS DISTINCT FROM
            (c.chain_length, c.chain_head, c.chain_length::bigint, c.version)
        OR c.id > %(low)s AND c.id <= %(high)s AND last.to_state <> c.state AND last.act <> 'hand_over'
    ORDER BY c.reference
"""


def _of_chains(agency: Agency, between: Mapping[str, Any]) -> Iterator[Difference]:
    for key, reference, odd in _rows(OF_CHAINS, between):
        yield Difference("other_chain", agency.code, reference, key, more=(("columns", "、".join(odd)),))


MISCOUNTED: Final = f"SELECT agency_id, state, lines, told FROM ({docket.MISCOUNTED}) AS wrong"  # noqa: S608


def _counters(agencies: Sequence[Agency]) -> Iterator[Difference]:
    codes = {agency.pk: agency.code for agency in agencies}
    for agency, state, lines, told in _rows(MISCOUNTED, {}):
        if agency in codes:
            said = (("state", state), ("lines", str(lines)), ("told", str(told)))
            yield Difference("miscounted", codes[agency], more=said)


# --- Notices ------------------------------------------------------------------------------------------

RULES: Final = ", ".join(
    f"('{one.act}', '{one.kind}', '{one.to_state}', '{one.of_kind}')" for one in EXPECTED
)
# What a handed-over case left behind is its tombstone's; the case itself is looked at where it is now.
OF_MOVEMENTS_SQL: Final = f"""
    WITH posted AS MATERIALIZED (
        SELECT cause, kind, count(*) AS readers FROM public.notifications_outbox
        WHERE case_id > %(low)s AND case_id <= %(high)s GROUP BY cause, kind
    )
    SELECT c.id, c.reference, m.id, m.number, m.act, rule.kind, coalesce(posted.readers, 0)
    FROM review_movement m
    JOIN review_case c ON c.id = m.case_id AND c.state <> %(gone)s
    JOIN (VALUES {RULES}) AS rule (act, kind, to_state, of_kind)
        ON rule.act = m.act AND rule.to_state IN ('', m.to_state) AND rule.of_kind IN ('', c.kind)
    LEFT JOIN posted ON posted.cause = m.id::text AND posted.kind = rule.kind
    WHERE m.case_id > %(low)s AND m.case_id <= %(high)s
        AND (posted.readers IS NULL OR posted.readers > 1 AND rule.kind <> ALL(%(staff)s))
        AND (rule.kind <> 'deadline_moved' OR m.detail->>'old_due_on' IS DISTINCT FROM m.detail->>'due_on')
        AND (rule.kind <> 'handed_over' OR NOT m.detail ? 'merger')
        AND (rule.kind <> 'agency_merged' OR m.detail ? 'merger')
    ORDER BY c.reference, m.number
"""  # noqa: S608 - nothing but our own words
WITHOUT_MOVEMENT: Final = """
    SELECT c.id, c.reference, o.id, o.kind
    FROM public.notifications_outbox o
    JOIN review_case c ON c.id = o.case_id AND c.state <> %(gone)s
    WHERE o.case_id > %(low)s AND o.case_id <= %(high)s AND o.kind = ANY(%(kinds)s)
        AND o.cause ~ '^[0-9a-f]{8}-[0-9a-f-]{27}$'
        AND NOT EXISTS (SELECT 1 FROM review_movement m WHERE m.case_id = o.case_id AND m.id::text = o.cause)
    ORDER BY c.reference, o.id
"""


def _of_notices(agency: Agency, between: Mapping[str, Any]) -> Iterator[Difference]:
    rows = _rows(OF_MOVEMENTS_SQL, {**between, "staff": sorted(TO_STAFF)})
    lacking = [(key, movement, kind) for key, _ref, movement, _n, _act, kind, readers in rows if not readers]
    # Who is on duty is for the desks to ask.
    with crossing.standing(Desk.AUTHORITY), crossing.inside(agency):
        messages, unworded = _due_messages(agency, lacking)
    due = {(message.cause, message.kind) for message in messages}
    for key, reference, movement, number, act, kind, readers in rows:
        said = (("number", str(number)), ("act", act), ("kind", kind))
        if readers:
            yield Difference("two_notices", agency.code, reference, key, str(movement), said)
        elif (str(movement), kind) in due:
            yield Difference("no_notice", agency.code, reference, key, str(movement), said)
        elif str(movement) in unworded:
            yield Difference("unworded", agency.code, reference, key, str(movement), said)
    for key, reference, row, kind in _rows(WITHOUT_MOVEMENT, {**between, "kinds": OF_MOVEMENTS}):
        yield Difference("no_movement", agency.code, reference, key, str(row), (("kind", kind),))


Lacking = tuple[UUID, UUID, str]


def _due_messages(
    agency: Agency, lacking: Collection[Lacking]
) -> tuple[list[outbox.Message], Collection[str]]:
    """The messages that these movements should have posted, each on the case as the movement left it.

    And the movements of which nothing can be told any more.
    """
    if not lacking:
        return [], ()
    wanted = {(str(movement), kind) for _case, movement, kind in lacking}
    keys = {case for case, _movement, _kind in lacking}
    cases = Case.objects.select_related("person__merged_into").in_bulk(keys)
    every = Movement.objects.filter(case_id__in=keys).order_by("case_id", "number")
    known = {each.code: each for each in Agency.objects.all()}
    found: list[outbox.Message] = []
    unworded: set[str] = set()
    for key, group in groupby(every, key=lambda movement: movement.case_id):
        way = list(group)
        for place, movement in enumerate(way):
            if any((str(movement.pk), one.kind) in wanted for one in EXPECTED if one.act == movement.act):
                case = _as_it_stood(cases[key], way[: place + 1])
                then = known.get(_agency_then(way[place:]), agency)
                entry = DocketEntry(case_id=key, agency=then, person=case.person)
                try:
                    found += announcements.messages(movement, case, entry)
                except (KeyError, ValueError, TypeError) as error:
                    # A record that was changed by force; the chain of it tells so as well.
                    log.warning("Movement %s cannot be told: %r", movement.pk, error)
                    unworded.add(str(movement.pk))
    return [message for message in found if (message.cause, message.kind) in wanted], unworded


def _agency_then(rest: Sequence[Movement]) -> str:
    """Where the case was at the first of these movements: where it was handed over from next, else here."""
    return next((one.detail["from_code"] for one in rest if one.act == "hand_over"), "")


def _as_it_stood(case: Case, way: Sequence[Movement]) -> Case:
    """The case after these movements of it, as far as a notice speaks of it."""
    last, then, told = way[-1], replay.replayed(way), copy(case)
    told.state, told.clock = last.to_state, then.clock
    told.due_on, told.due_provisional = then.due_on, then.due_provisional
    told.acceptance_number = case.acceptance_number or workflow.receipt_number(case)
    # Deemed acceptance counts from the receipt, or from the last resubmission.
    begun = [one for one in way if one.to_state == State.SUBMITTED and one.from_state != State.SUBMITTED]
    told.clock_from = clock.day_of(begun[-1].at) if begun else None
    return told


NOT_ON_BOARD: Final = """
    SELECT 'not_on_board', o.id, o.kind, o.created_at, o.case_id, d.reference, d.agency_id
    FROM public.notifications_outbox o LEFT JOIN public.register_docketentry d ON d.case_id = o.case_id
    WHERE o.sent_at IS NOT NULL AND o.kind <> ALL(%(letters)s)
        AND NOT EXISTS (SELECT 1 FROM public.notifications_notice n WHERE n.outbox_id = o.id)
    UNION ALL
    SELECT 'odd_notice', n.id, n.kind, n.created_at, n.case_id, d.reference, d.agency_id
    FROM public.notifications_notice n LEFT JOIN public.notifications_outbox o ON o.id = n.outbox_id
    LEFT JOIN public.register_docketentry d ON d.case_id = n.case_id
    WHERE o.id IS NULL OR (o.user_id, o.kind) <> (n.user_id, n.kind)
    UNION ALL
    SELECT CASE WHEN o.dead_at IS NULL THEN 'undelivered' ELSE 'given_up' END,
        o.id, o.kind, o.created_at, o.case_id, d.reference, d.agency_id
    FROM public.notifications_outbox o LEFT JOIN public.register_docketentry d ON d.case_id = o.case_id
    WHERE o.sent_at IS NULL AND (o.dead_at IS NOT NULL OR o.created_at < %(before)s)
    ORDER BY 2
"""
POSTED: Final = """
    SELECT count(*) FROM public.notifications_outbox o
    LEFT JOIN public.register_docketentry d ON d.case_id = o.case_id
    WHERE %(whole)s OR d.agency_id = ANY(%(agencies)s)
"""


def _posts(codes: Mapping[int, str], found: Found, *, whole: bool) -> Iterator[Difference]:
    """Outbox against boards, over all agencies at once; those of no case only where all are looked at."""
    found.notices += _rows(POSTED, {"whole": whole, "agencies": [*codes]})[0][0]
    values = {"letters": LETTERS, "before": clock.now() - WAITS_LONG}
    for what, row, kind, since, case_id, reference, agency in _rows(NOT_ON_BOARD, values):
        if agency in codes or (agency is None and whole):
            moment = timezone.localtime(since).strftime("%Y-%m-%d %H:%M")
            more = (("kind", kind), ("since", moment))
            yield Difference(what, codes.get(agency, "—"), reference or "—", case_id, str(row), more)


# --- Register -----------------------------------------------------------------------------------------

OF_REGISTER: Final = """
    WITH done AS (
        SELECT m.case_id, bool_or(m.act = 'approve' AND m.to_state = 'final_passed') AS granted,
            bool_or(m.act = 'announce') AS announced, bool_or(m.act = 'issue') AS issued
        FROM review_movement m
        WHERE m.case_id > %(low)s AND m.case_id <= %(high)s AND m.act IN ('approve', 'announce', 'issue')
        GROUP BY m.case_id
    ), books AS (
        SELECT c.id, c.reference, r.id AS registration, coalesce(done.granted, false) AS granted,
            coalesce(done.announced, false) AS announced, coalesce(done.issued, false) AS issued,
            EXISTS (
                SELECT 1 FROM public.register_batchline l JOIN public.register_batch b ON b.id = l.batch_id
                WHERE l.registration_id = r.id AND b.published_on IS NOT NULL
            ) AS listed,
            EXISTS (
                SELECT 1 FROM public.register_certificate k WHERE k.registration_id = r.id
            ) AS certified
        FROM review_case c
        LEFT JOIN done ON done.case_id = c.id
        LEFT JOIN public.register_registration r ON r.case_id = c.id
        WHERE c.id > %(low)s AND c.id <= %(high)s AND c.state <> %(gone)s
            AND (done.case_id IS NOT NULL OR r.id IS NOT NULL)
    ), odd AS (
        SELECT id, reference, registration, unnest(array_remove(ARRAY[
            CASE WHEN granted AND registration IS NULL THEN 'no_registration' END,
            CASE WHEN NOT granted AND registration IS NOT NULL THEN 'not_granted' END,
            CASE WHEN announced AND registration IS NOT NULL AND NOT listed THEN 'not_listed' END,
            CASE WHEN issued AND registration IS NOT NULL AND NOT certified THEN 'no_certificate' END,
            CASE WHEN certified AND NOT announced THEN 'too_early' END
        ], NULL)) AS what FROM books
    )
    SELECT what, id, reference, registration FROM odd ORDER BY reference
"""
ORPHANS: Final = """
    SELECT r.id, r.agency_id FROM public.register_registration r
    WHERE r.case_id IS NOT NULL AND r.agency_id = ANY(%(agencies)s)
        AND NOT EXISTS (SELECT 1 FROM public.register_docketentry d WHERE d.case_id = r.case_id)
    ORDER BY r.id
"""


def _of_register(agency: Agency, between: Mapping[str, Any]) -> Iterator[Difference]:
    for what, key, reference, registration in _rows(OF_REGISTER, between):
        yield Difference(what, agency.code, reference, key, str(registration or ""))


def _orphans(codes: Mapping[int, str]) -> Iterator[Difference]:
    for row, agency in _rows(ORPHANS, {"agencies": [*codes]}):
        yield Difference("no_application", codes[agency], row=str(row))


# --- Mending ------------------------------------------------------------------------------------------


def mend(differences: Sequence[Difference]) -> None:
    """Mend what a machine can: post what was not posted, write docket lines and counters, deliver.

    Safe to repeat and to do twice at once: notices keep their key, lines are written under the lock of their
    case. Stand as the clerk, outside of every agency.
    """
    agencies = {agency.code: agency for agency in Agency.objects.all()}
    for agency, ours in _by_agency(
        differences, agencies, "no_line", "no_case", "other_line", "line_elsewhere"
    ):
        _safely(_mend_lines, agency, ours, agencies)
    # Lines that were written past their counters are counted now as well.
    docket.count_anew()
    for agency, ours in _by_agency(differences, agencies, "no_notice"):
        _safely(_mend_notices, agency, ours, agencies)
    _mend_boards(differences)


Agencies = Mapping[str, Agency]
Mend = Callable[[Agency, Sequence[Difference], Agencies], None]


def _safely(work: Mend, agency: Agency, ours: Sequence[Difference], agencies: Agencies) -> None:
    try:
        work(agency, ours, agencies)
    except Exception:
        log.exception("Differences of %s could not be mended.", agency.code)


def _by_agency(
    differences: Sequence[Difference], agencies: Agencies, *whats: str
) -> Iterator[tuple[Agency, list[Difference]]]:
    chosen = [one for one in differences if one.what in whats]
    for code in sorted({one.agency for one in chosen}):
        yield agencies[code], [one for one in chosen if one.agency == code]


def _mend_lines(agency: Agency, ours: Sequence[Difference], agencies: Agencies) -> None:
    keys = [one.case_id for one in ours if one.case_id and not _lives_elsewhere(one, agencies)]
    with crossing.inside(agency):
        for key in keys:
            _write_line(agency, key)


def _lives_elsewhere(one: Difference, agencies: Agencies) -> bool:
    """Whether the agency to which the line leads has the case too: then only people can tell where it is."""
    if one.what != "line_elsewhere":
        return False
    with crossing.inside(agencies[dict(one.more)["other"]]):
        return Case.objects.filter(reference=one.reference).exclude(state=State.HANDED_OVER).exists()


def _write_line(agency: Agency, key: UUID) -> None:
    with crossing.atomic():
        live = Case.objects.exclude(state=State.HANDED_OVER).select_related("dispatch")
        case = live.select_for_update(of=("self",)).filter(pk=key).first()
        if case is None:
            DocketEntry.objects.filter(pk=key, agency=agency).delete()
            return
        DocketEntry.objects.update_or_create(
            case_id=key, defaults={"agency": agency, "updated_at": clock.now(), **docket.line_of(case)}
        )


def _mend_notices(agency: Agency, ours: Sequence[Difference], agencies: Agencies) -> None:
    lacking = [(one.case_id, UUID(one.row), dict(one.more)["kind"]) for one in ours if one.case_id]
    with crossing.standing(Desk.AUTHORITY), crossing.inside(agency):
        due, _unworded = _due_messages(agency, lacking)
        with crossing.atomic():
            outbox.post_many(due)


def _mend_boards(differences: Sequence[Difference]) -> None:
    """Let what stands on no board be delivered again, at once; its letters keep their own marks."""
    rows = [int(one.row) for one in differences if one.what in {"not_on_board", "undelivered"}]
    again = {"sent_at": None, "due_at": timezone.now()}
    Outbox.objects.filter(pk__in=rows, notice=None, dead_at=None).update(**again)
    delivery.deliver_all()


# --- Every night --------------------------------------------------------------------------------------


def by_night(agencies: Sequence[Agency]) -> Found:
    """Compare all books and note how much was found of each agency; nothing is mended."""
    found = run(agencies)
    counted = Counter(one.agency for one in found.differences)
    failed = {one.agency for one in found.differences if one.what == "not_compared"}
    for agency in agencies:
        if agency.code not in failed:
            SchemaHealth.objects.filter(agency=agency).update(
                differences=counted[agency.code], compared_at=clock.now()
            )
    return found


def last_night() -> dict[str, Any]:
    """How many differences were found last, over all agencies, and when the oldest look was."""
    rows = SchemaHealth.objects.exclude(agency=None)
    return rows.aggregate(found=Sum("differences"), compared_at=Min("compared_at"))
