"""Rosters on their way into the register: preview, then all or nothing, set-based.

An import is an officer's act: it runs at the authority's desk. Nothing is written when a row is wrong,
unless the officer asks to leave the wrong rows out.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext

from register import documents, names, people, staging
from register.clock import ONE_DAY
from register.models import FormerNumber, Kind, Person, Qualification, Registration
from register.resources import (
    PersonRow,
    QualificationResource,
    QualificationRow,
    RegistrationResource,
    RegistrationRow,
    RosterResource,
)
from register.sheets import ROSTER_LIMITS, Limits, plain_header, read
from tenants import crossing
from tenants.models import Agency, User

log = logging.getLogger(__name__)

BATCH: Final = 2_000
NO_WORDS: Final[Mapping[str, Callable[[str], str]]] = {}
SAMPLE: Final = 10
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


class LineError(NamedTuple):
    """One fault: the line of the file, the column, and what is wrong with it. Never the value itself."""

    line: int
    column: str
    message: str


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

    def fault(self, row: PersonRow, column: str, message: str) -> None:
        self.errors.append(LineError(row.line, column, message))

    def drop_faulty(self) -> None:
        """Keep the rows that stand, for the next check and for an import that leaves the others out."""
        faulty = {error.line for error in self.errors}
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
    columns, sample = sample_of(_resource_for(what), plan.rows[:SAMPLE])
    return Preview(
        what=what,
        rows=total,
        new=len(plan.new),
        changed=len(plan.changed),
        unchanged=len(plan.unchanged),
        new_people=len(_newcomers(plan)),
        bad_lines=len({error.line for error in plan.errors}),
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
        plan, total = _planned(data, name, what)
        written = not plan.errors or skip_bad_rows
        newcomers = _newcomers(plan)
        if written:
            _enrol(newcomers, plan)
            _WRITE[what](plan)
    result = Result(
        what=what,
        written=written,
        new=len(plan.new) if written else 0,
        changed=len(plan.changed) if written else 0,
        unchanged=len(plan.unchanged) if written else 0,
        new_people=len(newcomers) if written else 0,
        skipped=len({error.line for error in plan.errors}) if written else 0,
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
def _planned(data: bytes, name: str, what: What) -> tuple[Plan, int]:
    plan, total = planned(_resource_for(what), data, name)
    _match_people(plan)
    _COMPARE[what](plan)
    plan.errors.sort()
    return plan, total


def planned(
    resource: RosterResource, data: bytes, name: str, limits: Limits = ROSTER_LIMITS
) -> tuple[Plan, int]:
    """The rows of a file that stand each on its own, the faults of the others, and how many lines it has.

    Raises UnreadableFile when it cannot be read as such a list.
    """
    dataset, ignored = read(data, name, resource.columns(), resource.required(), limits)
    outcome = resource.import_data(dataset, use_transactions=False)  # type: ignore[no-untyped-call]
    for failed in outcome.error_rows:
        raise failed.errors[0].error  # a fault of the program, not of the file
    plan = Plan(rows=resource.rows, ignored=ignored)
    for invalid in outcome.invalid_rows:
        line = dataset[invalid.number - 1][0]
        for attribute, messages in invalid.field_specific_errors.items():
            column = resource.column_of(attribute)
            plan.errors += [LineError(line, column, str(message)) for message in messages]
    return plan, len(dataset)


def _resource_for(what: What) -> RosterResource:
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


def _people_by_digest(digests: Iterable[str]) -> dict[str, tuple[UUID, str]]:
    """Key and name of the living record for each digest of a present or former number."""
    found: dict[str, tuple[UUID, str]] = {}
    wanted = ("pk", "name", "merged_into", "merged_into__name")
    for chunk in _chunks(sorted(digests)):
        former = FormerNumber.objects.filter(document_digest__in=chunk)
        rows = [
            *former.values_list("document_digest", *(f"person__{path}" for path in wanted)),
            *Person.objects.filter(document_digest__in=chunk).values_list("document_digest", *wanted),
        ]
        for digest, key, name, living, living_name in rows:
            found[digest] = (living, living_name) if living else (key, name)
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
        elif stored is None:
            plan.new.append(row)
        elif stored.person_id != plan.known.get(row.digest):
            plan.fault(row, "资格证书编号", gettext("名册中该编号属于另一个人。"))
        elif all(getattr(stored, name) == getattr(row, name) for name in QUALIFICATION_FIELDS):
            plan.unchanged.append(row)
        else:
            plan.changed.append(row)
    plan.drop_faulty()


def _qualifications(numbers: Sequence[str]) -> dict[str, Qualification]:
    return {
        row.certificate_number: row
        for chunk in _chunks(numbers)
        for row in Qualification.objects.filter(certificate_number__in=chunk)
    }


def _compare_registrations(plan: Plan) -> None:
    """Old registrations are entered once; periods of one person never overlap, a number has one holder."""
    rows = sorted(cast("list[RegistrationRow]", plan.rows), key=lambda row: (row.valid_from, row.line))
    stored = _registrations(plan.known.values(), [row.registration_number for row in rows])
    same = {(row.number, row.valid_from): row for row in stored}
    holders: dict[str, Any] = {row.number: row.person_id for row in stored}
    taken: dict[Any, list[tuple[date, date]]] = {}
    newest: dict[str, date] = {}
    for there in stored:
        taken.setdefault(there.person_id, []).append(_span(there))
        newest[there.number] = max(there.valid_from, newest.get(there.number, date.min))
    for row in rows:
        who = plan.known.get(row.digest, row.digest)
        before = same.get((row.registration_number, row.valid_from))
        if holders.setdefault(row.registration_number, who) != who:
            plan.fault(row, "执业证编号", gettext("该编号属于另一个人。"))
        elif before and before.person_id == who:
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


def _registrations(keys: Iterable[UUID], numbers: Sequence[str]) -> list[Registration]:
    found: dict[UUID, Registration] = {}
    for chunk in _chunks(list(keys)):
        found |= {row.pk: row for row in Registration.objects.filter(person_id__in=chunk)}
    for numbered in _chunks(numbers):
        found |= {row.pk: row for row in Registration.objects.filter(number__in=numbered)}
    return list(found.values())


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
def _newcomers(plan: Plan) -> dict[str, PersonRow]:
    """The first row of everybody the register does not know yet."""
    found: dict[str, PersonRow] = {}
    for row in (*plan.new, *plan.changed):
        if row.digest not in plan.known:
            found.setdefault(row.digest, row)
    return found


def _enrol(newcomers: Mapping[str, PersonRow], plan: Plan) -> None:
    """People and their accounts, whose passwords nobody has set yet."""
    drafts = [
        people.draft(
            name=row.name,
            document_type=row.document_type,
            number=row.number,
            sex=row.sex,
            birth_date=row.birth_date,
        )
        for row in newcomers.values()
    ]
    User.objects.bulk_create([person.user for person in drafts], batch_size=BATCH)
    for person in drafts:
        person.user_id = person.user.pk
    Person.objects.bulk_create(drafts, batch_size=BATCH)
    plan.known |= {person.document_digest: person.pk for person in drafts}


def _write_qualifications(plan: Plan) -> None:
    rows = cast("list[QualificationRow]", [*plan.new, *plan.changed])
    Qualification.objects.bulk_create(
        [
            Qualification(
                person_id=plan.known[row.digest],
                certificate_number=row.certificate_number,
                **{name: getattr(row, name) for name in QUALIFICATION_FIELDS},
            )
            for row in rows
        ],
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["certificate_number"],
        update_fields=list(QUALIFICATION_FIELDS),
    )


def _write_registrations(plan: Plan) -> None:
    rows = sorted(cast("list[RegistrationRow]", plan.new), key=lambda row: row.valid_from)
    chains: dict[str, Registration] = {}
    earlier = _registrations((), [row.registration_number for row in rows])
    for stored in sorted(earlier, key=lambda each: (each.granted_on, each.created_at)):
        chains[stored.number] = stored
    fresh = []
    for row in rows:
        before = chains.get(row.registration_number)
        chains[row.registration_number] = _registration(row, plan.known[row.digest], before)
        fresh.append(chains[row.registration_number])
    Registration.objects.bulk_create(fresh, batch_size=BATCH)


def _registration(row: RegistrationRow, person_id: UUID, before: Registration | None) -> Registration:
    first = row.valid_from == row.first_registered_on
    kind = Kind.RENEWAL if before or not first else Kind.INITIAL
    return Registration(
        person_id=person_id,
        number=row.registration_number,
        kind=kind,
        category=row.category,
        agency_id=_agency_id(row),
        employer_name=row.employer_name,
        employer_code=row.employer_code,
        first_registered_on=row.first_registered_on,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        ended_how=row.ended_how,
        ended_on=row.ended_on,
        end_reason=row.end_reason,
        granted_on=row.valid_from,
        supersedes=before,
    )


_WRITE: Final[Mapping[What, Callable[[Plan], None]]] = {
    What.QUALIFICATIONS: _write_qualifications,
    What.REGISTRATIONS: _write_registrations,
}


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


# --- An upload between preview and decision ------------------------------------------------------
class Kept(NamedTuple):
    """An uploaded file that waits for its officer's decision."""

    data: bytes
    name: str
    what: What


def keep(data: bytes, name: str, what: What | str, *, user_id: int) -> str:
    """Put an upload aside for the officer who sent it; returns the token that finds it again."""
    return staging.keep(data, name, What(what).value, user_id=user_id)


def kept(token: str, *, user_id: int) -> Kept:
    """The upload behind a token. Raises Refusal when it is gone, or was sent by somebody else."""
    found = staging.kept(token, user_id=user_id)
    if found.what not in set(What):
        raise staging.gone()
    return Kept(found.data, found.name, What(found.what))


def discard(token: str) -> None:
    """Delete an upload; nothing happens when it is gone already."""
    staging.discard(token)


def _chunks(values: Sequence[Any], size: int = 5_000) -> Iterator[Sequence[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))
