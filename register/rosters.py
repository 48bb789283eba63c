"""Rosters on their way into the register: preview, then all or nothing, set-based.

An import is an officer's act: it runs at the authority's desk. Nothing is written when a row is wrong,
unless the officer asks to leave the wrong rows out.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext

from register import documents, names, people, roster_writing
from register.clock import ONE_DAY
from register.models import Registration
from register.resources import (
    PersonRow,
    QualificationResource,
    QualificationRow,
    RegistrationResource,
    RegistrationRow,
    RosterResource,
)
from register.sheets import ROSTER_LIMITS, Limits, opened, plain_header
from tenants import crossing
from tenants.models import Agency, User

log = logging.getLogger(__name__)

BATCH: Final = 2_000
NO_WORDS: Final[Mapping[str, Callable[[str], str]]] = {}
SAMPLE: Final = 10
SHOWN: Final = 50
STEP: Final = 1_000
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('register.rosters'))"
QUALIFICATION_FIELDS: Final = (
    "management_number",
    "exam_year",
    "issued_on",
    "issuer",
    "category",
)
REGISTRATION_FIELDS: Final = (
    "category",
    "agency_id",
    "employer_name",
    "employer_code",
    "first_registered_on",
    "valid_from",
    "valid_to",
    "ended_how",
    "ended_on",
)


class What(StrEnum):
    """The two rosters."""

    QUALIFICATIONS = "qualifications"
    REGISTRATIONS = "registrations"


# Told how many rows are done; whoever is told may stop the work by an exception.
Heed = Callable[[int], None]


def unheeded(_done: int) -> None:
    """Nobody watches."""


class LineError(NamedTuple):
    """One fault: the line of the file, the column, and what is wrong with it. Never the value itself."""

    line: int
    column: str
    message: str


class Change(NamedTuple):
    """What a row would change in the register: by column what stands there, and what comes."""

    line: int
    name: str
    number: str
    fields: tuple[tuple[str, str, str], ...]


class Repeated(NamedTuple):
    """A row that says again what an earlier line of the file says."""

    line: int
    earlier: int
    number: str


@dataclass(slots=True)
class Plan:
    """What a file would do to the register. `errors` are in the order of the lines."""

    rows: list[PersonRow] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    known: dict[str, UUID] = field(default_factory=dict)
    new: list[PersonRow] = field(default_factory=list)
    changed: list[PersonRow] = field(default_factory=list)
    unchanged: list[PersonRow] = field(default_factory=list)
    # The first of them, to be shown before the decision.
    changes: list[Change] = field(default_factory=list)
    repeated: list[Repeated] = field(default_factory=list)
    # Of everything that the changed rows would replace.
    replaced: Any = field(default_factory=hashlib.sha256)

    @property
    def bad_lines(self) -> set[int]:
        return {error.line for error in self.errors}

    def fault(self, row: PersonRow, column: str, message: str) -> None:
        self.errors.append(LineError(row.line, column, message))

    def drop_faulty(self) -> None:
        """Keep the rows that stand, for the next check and for an import that leaves the others out."""
        if faulty := self.bad_lines:
            self.rows = [row for row in self.rows if row.line not in faulty]


@dataclass(frozen=True, slots=True)
class Preview:
    """What the officer sees before deciding: counts, faults by line, the first rows with masked numbers."""

    what: What
    rows: int
    new: int
    changed: int
    unchanged: int
    new_people: int
    bad_lines: int
    errors: tuple[LineError, ...]
    ignored_columns: tuple[str, ...]
    columns: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]

    @property
    def ok(self) -> bool:
        return not self.errors


@dataclass(frozen=True, slots=True)
class Result:
    """What an import did. With faults and without leave to skip them, `written` is False and nothing was."""

    what: What
    written: bool
    new: int
    changed: int
    unchanged: int
    new_people: int
    skipped: int
    errors: tuple[LineError, ...]
    seconds: float


# --- The two verbs -------------------------------------------------------------------------------
def preview(data: bytes, name: str, what: What | str) -> Preview:
    """What a file would do, without doing it. Raises UnreadableFile when it cannot be read as a roster."""
    what = What(what)
    plan, total = _planned(data, name, what)
    columns, sample = sample_of(resource_for(what), plan.rows[:SAMPLE])
    return Preview(
        what=what,
        rows=total,
        new=len(plan.new),
        changed=len(plan.changed),
        unchanged=len(plan.unchanged),
        new_people=len(newcomers(plan)),
        bad_lines=len(plan.bad_lines),
        errors=tuple(plan.errors),
        ignored_columns=tuple(plan.ignored),
        columns=columns,
        sample=sample,
    )


def commit(
    data: bytes, name: str, what: What | str, *, skip_bad_rows: bool = False, by: User | None = None
) -> Result:
    """Bring a file into the register in one transaction; one import at a time.

    With faulty rows nothing is written unless `skip_bad_rows`. Raises UnreadableFile like `preview`.
    """
    what, started = What(what), time.monotonic()
    with crossing.atomic():
        with connection.cursor() as cursor:
            cursor.execute(LOCK)
        plan, total = _planned(data, name, what, to_write=True)
        written = not plan.errors or skip_bad_rows
        came = newcomers(plan)
        if written:
            write(plan, what)
    result = Result(
        what=what,
        written=written,
        new=len(plan.new) if written else 0,
        changed=len(plan.changed) if written else 0,
        unchanged=len(plan.unchanged) if written else 0,
        new_people=len(came) if written else 0,
        skipped=len(plan.bad_lines) if written else 0,
        errors=tuple(plan.errors),
        seconds=time.monotonic() - started,
    )
    log.info(
        "roster %s: %d rows, written %s, %d new, %d changed, %d skipped, %.1f s, by %s",
        *(what.value, total, written, result.new, result.changed, result.skipped, result.seconds),
        by.pk if by else "command",
    )
    return result


# --- Reading and comparing -----------------------------------------------------------------------
def _planned(data: bytes, name: str, what: What, *, to_write: bool = False) -> tuple[Plan, int]:
    plan, total = planned(resource_for(what), data, name)
    compare(plan, what, to_write=to_write)
    return plan, total


def planned(
    resource: RosterResource,
    data: bytes,
    name: str,
    limits: Limits = ROSTER_LIMITS,
    heed: Heed = unheeded,
) -> tuple[Plan, int]:
    """The rows of a file that stand each on its own, the faults of the others, and how many lines it has.

    Raises UnreadableFile when it cannot be read as such a list.
    """
    sheet = opened(data, name, resource.columns(), resource.required(), limits)
    plan, total = Plan(ignored=sheet.ignored), 0
    for total, (line, cells) in enumerate(sheet.rows, 1):
        try:
            plan.rows.append(resource.row_of(line, sheet.by_name(cells)))
        except ValidationError as faults:
            for attribute, messages in faults.message_dict.items():
                column = resource.column_of(attribute)
                plan.errors += [LineError(line, column, str(message)) for message in messages]
        if not total % STEP:
            heed(total)
    return plan, total


def compare(plan: Plan, what: What, *, to_write: bool = False) -> None:
    """Set what the rows say against the register: what is new, what changes, what must not be.

    What is compared `to_write` stays true until the transaction ends: nobody of it is granted a registration
    or merged meanwhile.
    """
    _match_people(plan)
    if to_write and what is What.REGISTRATIONS:
        people.lock(plan.known.values())
    _COMPARE[what](plan)
    plan.errors.sort()


def resource_for(what: What) -> RosterResource:
    """How the rows of a roster are read, with the agencies by every word for them."""
    if what is What.QUALIFICATIONS:
        return QualificationResource()
    agencies: dict[str, Agency] = {}
    for agency in Agency.objects.exclude(kind=Agency.Kind.AUTHORITY):
        agencies |= dict.fromkeys(
            map(plain_header, (agency.code, f"{agency.number:03d}", str(agency.number), agency.name_zh)),
            agency,
        )
    return RegistrationResource(agencies)


def _match_people(plan: Plan) -> None:
    """Whom the register knows already; a name that differs, there or within the file, is a fault."""
    known = _people_by_digest({row.digest for row in plan.rows})
    first: dict[str, PersonRow] = {}
    for row in plan.rows:
        person = known.get(row.digest)
        if person and not names.same(person[1], row.name):
            plan.fault(row, "姓名", gettext("与名册中该证件号码的姓名不一致。"))
        elif not names.same(first.setdefault(row.digest, row).name, row.name):
            plan.fault(row, "姓名", gettext("与第 %d 行同一证件号码的姓名不一致。") % first[row.digest].line)
    plan.known = {digest: person[0] for digest, person in known.items()}
    plan.drop_faulty()


# A record merged into another one leads to that one; a former number finds its person as well.
BY_DIGEST: Final = """
    SELECT p.document_digest, coalesce(l.id, p.id), coalesce(l.name, p.name)
    FROM register_person p LEFT JOIN register_person l ON l.id = p.merged_into_id
    WHERE p.document_digest = ANY(%(digests)s::text[])
    UNION ALL
    SELECT f.document_digest, coalesce(l.id, p.id), coalesce(l.name, p.name)
    FROM register_formernumber f JOIN register_person p ON p.id = f.person_id
    LEFT JOIN register_person l ON l.id = p.merged_into_id
    WHERE f.document_digest = ANY(%(digests)s::text[])
      AND NOT EXISTS (SELECT 1 FROM register_person o WHERE o.document_digest = f.document_digest)
"""


def _people_by_digest(digests: Iterable[str]) -> dict[str, tuple[UUID, str]]:
    """Key and name of the living record for each digest of a present or former number."""
    found: dict[str, tuple[UUID, str]] = {}
    with connection.cursor() as cursor:
        for chunk in _chunks(sorted(digests)):
            cursor.execute(BY_DIGEST, {"digests": roster_writing.array(chunk)})
            found |= {digest: (key, name) for digest, key, name in cursor.fetchall()}
    return found


def _compare_qualifications(plan: Plan) -> None:
    rows = cast("list[QualificationRow]", plan.rows)
    there = _qualifications([row.certificate_number for row in rows])
    seen: dict[str, int] = {}
    for row in rows:
        earlier = seen.setdefault(row.certificate_number, row.line)
        stored = there.get(row.certificate_number)
        if earlier != row.line:
            plan.fault(row, "资格证书编号", gettext("与第 %d 行重复。") % earlier)
            plan.repeated.append(Repeated(row.line, earlier, row.certificate_number))
        elif stored is None:
            plan.new.append(row)
        elif stored[0] != plan.known.get(row.digest):
            plan.fault(row, "资格证书编号", gettext("名册中该编号属于另一个人。"))
        elif stored[1:] == (comes := _facts_of(row)):
            plan.unchanged.append(row)
        else:
            plan.changed.append(row)
            plan.replaced.update(repr((row.line, stored[1:])).encode())
            if len(plan.changes) < SHOWN:
                plan.changes.append(_change(row, stored[1:], comes))
    plan.drop_faulty()


def _facts_of(row: QualificationRow) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in QUALIFICATION_FIELDS)


def _change(row: QualificationRow, was: tuple[Any, ...], comes: tuple[Any, ...]) -> Change:
    words = {each.attribute: each.column_name for each in QualificationResource().fields.values()}
    told = zip(QUALIFICATION_FIELDS, was, comes, strict=True)
    fields = tuple((words[name], str(a or ""), str(b or "")) for name, a, b in told if a != b)
    return Change(row.line, row.name, row.certificate_number, fields)


# In the order of QUALIFICATION_FIELDS. What stands with a merged record is the living person's.
BY_CERTIFICATE: Final = """
    SELECT q.certificate_number, coalesce(p.merged_into_id, p.id), q.management_number, q.exam_year,
        q.issued_on, q.issuer, q.category
    FROM register_qualification q JOIN register_person p ON p.id = q.person_id
    WHERE q.certificate_number = ANY(%s::text[])
"""


def _qualifications(numbers: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Living holder and facts of the certificates that the register knows."""
    found: dict[str, tuple[Any, ...]] = {}
    with connection.cursor() as cursor:
        for chunk in _chunks(numbers):
            cursor.execute(BY_CERTIFICATE, [roster_writing.array(chunk)])
            found |= {number: tuple(facts) for number, *facts in cursor.fetchall()}
    return found


def _compare_registrations(plan: Plan) -> None:
    """Old registrations are entered once; periods of one person never overlap, a number has one holder."""
    rows = sorted(cast("list[RegistrationRow]", plan.rows), key=lambda row: (row.valid_from, row.line))
    stored = _registrations(plan.known.values(), [row.registration_number for row in rows])
    same = {(row.number, row.valid_from): row for row in stored}
    holders: dict[str, Any] = {row.number: row.holder for row in stored}
    taken: dict[Any, list[tuple[date, date]]] = {}
    newest: dict[str, date] = {}
    for there in stored:
        taken.setdefault(there.holder, []).append(_span(there))
        newest[there.number] = max(there.valid_from, newest.get(there.number, date.min))
    for row in rows:
        who = plan.known.get(row.digest, row.digest)
        before = same.get((row.registration_number, row.valid_from))
        if holders.setdefault(row.registration_number, who) != who:
            plan.fault(row, "执业证编号", gettext("该编号属于另一个人。"))
        elif before and before.holder == who:
            if _differs(before, row):
                plan.fault(
                    row, "有效期起", gettext("与已登记的注册内容不一致，已登记的注册不能通过导入更改。")
                )
            else:
                plan.unchanged.append(row)
        elif row.valid_from <= newest.get(row.registration_number, date.min):
            plan.fault(row, "有效期起", gettext("早于该编号已登记的注册。"))
        elif any(_overlap(_span(row), other) for other in taken.get(who, ())):
            plan.fault(row, "有效期起", gettext("与同一人的另一段注册有效期重叠。"))
        else:
            taken.setdefault(who, []).append(_span(row))
            plan.new.append(row)
    plan.drop_faulty()


def _registrations(keys: Iterable[UUID], numbers: Sequence[str]) -> list[Any]:
    """Registrations of these people, with whatever record they were entered, or of these numbers.

    Each tells its `holder`: the living record, which alone the rows of a file are matched with.
    """
    found: dict[UUID, Registration] = {}
    for chunk in _chunks(list(keys)):
        # Two questions, each with an index of its own: an OR over two tables has none.
        found |= _held(Registration.objects.filter(person_id__in=chunk))
        found |= _held(Registration.objects.filter(person__merged_into_id__in=chunk))
    for numbered in _chunks(numbers):
        found |= _held(Registration.objects.filter(number__in=numbered))
    return list(found.values())


def _held(rows: QuerySet[Registration]) -> dict[UUID, Registration]:
    return {row.pk: row for row in rows.annotate(holder=Coalesce("person__merged_into_id", "person_id"))}


def _span(row: Registration | RegistrationRow) -> tuple[date, date]:
    return row.valid_from, min(row.valid_to, row.ended_on - ONE_DAY) if row.ended_on else row.valid_to


def _overlap(a: tuple[date, date], b: tuple[date, date]) -> bool:
    return a[0] <= b[1] and b[0] <= a[1]


def _differs(stored: Registration, row: RegistrationRow) -> bool:
    given = {**{name: getattr(row, name, None) for name in REGISTRATION_FIELDS}, "agency_id": _agency_id(row)}
    return any(getattr(stored, name) != value for name, value in given.items())


def _agency_id(row: RegistrationRow) -> int | None:
    return row.agency.pk if row.agency else None


_COMPARE: Final[Mapping[What, Callable[[Plan], None]]] = {
    What.QUALIFICATIONS: _compare_qualifications,
    What.REGISTRATIONS: _compare_registrations,
}


# --- Writing -------------------------------------------------------------------------------------
def newcomers(plan: Plan) -> dict[str, PersonRow]:
    """The first row of everybody the register does not know yet."""
    found: dict[str, PersonRow] = {}
    for row in (*plan.new, *plan.changed):
        if row.digest not in plan.known:
            found.setdefault(row.digest, row)
    return found


def write(plan: Plan, what: What, heed: Heed = unheeded) -> None:
    """Write what a compared plan would do; the caller's transaction holds the lock of the rosters."""
    came = newcomers(plan)
    plan.known |= roster_writing.enrol(came, heed)
    done = len(came)
    if what is What.QUALIFICATIONS:
        new, changed = cast("list[QualificationRow]", plan.new), cast("list[QualificationRow]", plan.changed)
        roster_writing.qualifications(new, changed, plan.known, lambda more: heed(done + more))
    else:
        rows = cast("list[RegistrationRow]", plan.new)
        earlier = _registrations((), [row.registration_number for row in rows])
        roster_writing.registrations(rows, earlier, plan.known, lambda more: heed(done + more))


# --- Shown before the decision -------------------------------------------------------------------
def sample_of(
    resource: RosterResource, rows: Sequence[PersonRow], words: Mapping[str, Callable[[str], str]] = NO_WORDS
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Heads and cells of these rows as they are shown, document numbers masked.

    `words` say a code of an attribute in words.
    """
    shown = [each for each in resource.fields.values() if each.attribute not in ("sex", "birth_date")]
    return (
        tuple(gettext("行") if each.attribute == "line" else each.column_name for each in shown),
        tuple(
            tuple(words.get(each.attribute, str)(_shown(row, each.attribute)) for each in shown)
            for row in rows
        ),
    )


def _shown(row: PersonRow, attribute: str) -> str:
    if attribute == "number":
        return documents.mask(row.document_type, row.number)
    value = getattr(row, attribute)
    return "" if value is None else str(value)


def _chunks(values: Sequence[Any], size: int = 5_000) -> Iterator[Sequence[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))
