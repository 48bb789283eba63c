"""Continuing education as an agency holds it (继续教育学时): brought in from a list, preview first.

People are found by document and name. Whom the agency never had to do with is found as well, and nothing is
told of them but that: the same sentence says that there is nobody, or somebody of another name. What stands
in the register already is never changed by a list.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Final, cast
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext
from import_export import fields

from register import clock, codes, names, people, staging
from register.models import DocumentType, Person, TrainingHours
from register.resources import (
    EARLIEST_CERTIFICATE,
    Cell,
    Coded,
    Day,
    Fault,
    LongNumber,
    PersonRow,
    RosterResource,
)
from register.rosters import BATCH, SAMPLE, LineError, Plan, planned, sample_of
from register.sheets import LINE, Limits
from register.staging import Kept
from register.tables import Form, Head, begin
from tenants import crossing
from tenants.models import Agency, User

log = logging.getLogger(__name__)

LIMITS: Final = Limits(size=10 * 1024 * 1024, rows=5_000)
# Rows of the empty list that a spreadsheet takes for text from the start.
SPARE: Final = 500
MOST_HOURS: Final = Decimal(200)
STEP: Final = Decimal("0.5")
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('register.training'), %s)"
# Codes in words, for the preview.
WORDS: Final[Mapping[str, Callable[[str], str]]] = {
    "document_type": lambda code: str(DocumentType(code).label),
    "course_class": lambda code: codes.label("education_class", code),
}
FACTS: Final = ("course", "course_class", "begun_on", "ended_on", "hours")
_HOURS: Final = re.compile(r"\d{1,4}(\.\d{1,4})?", re.ASCII)


def same_certificate(number: str) -> str:
    """A certificate number as it is compared: width, case, blanks and dashes do not count."""
    return re.sub(r"[\s\-‐‑–—]", "", unicodedata.normalize("NFKC", number).strip()).upper()


# --- The columns -----------------------------------------------------------------------------------------


class Hours(Cell):
    """Class hours in halves, at most 200 for one course."""

    def parse(self, text: str) -> Decimal:
        plain = unicodedata.normalize("NFKC", text).removesuffix("学时").strip()
        try:
            hours = Decimal(plain) if _HOURS.fullmatch(plain) else None
        except InvalidOperation:
            hours = None
        if hours is None:
            raise ValueError(gettext("学时应为数字，如 16 或 16.5。"))
        if not 0 < hours <= MOST_HOURS:
            raise ValueError(gettext("学时应大于 0，每项培训最多 %d 学时。") % MOST_HOURS)
        if hours % STEP:
            raise ValueError(gettext("学时以 0.5 为单位。"))
        return hours


class Certificate(LongNumber):
    """The number of a training certificate. As a quantity it may have lost its leading zeros."""

    def text_of(self, value: Any) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise ValueError(
                gettext("单元格是数字格式，编号开头的 0 可能已经丢失。请把该列设为文本格式后重新填写。")
            )
        return super().text_of(value)

    def parse(self, text: str) -> str:
        return " ".join(unicodedata.normalize("NFKC", text).split())


@dataclass(slots=True)
class HoursRow(PersonRow):
    """One course of one person."""

    institution: str = ""
    course: str = ""
    course_class: str = ""
    begun_on: date = date.max
    ended_on: date = date.max
    hours: Decimal = Decimal(0)
    certificate_number: str = ""

    def __str__(self) -> str:
        return f"line {self.line}"


class TrainingResource(RosterResource):
    """The list of courses (继续教育学时登记表)."""

    row_class = HoursRow
    aliases: ClassVar[Mapping[str, str]] = {
        "机构": "培训机构", "培训单位": "培训机构", "课程": "培训内容", "课程名称": "培训内容",
        "培训课程": "培训内容", "类别": "课程类别", "开始时间": "开始日期", "培训开始日期": "开始日期",
        "结束时间": "结束日期", "培训结束日期": "结束日期", "课时": "学时", "学时数": "学时",
        "培训证书编号": "证书编号", "证书号": "证书编号", "合格证编号": "证书编号",
    }  # fmt: skip

    institution = fields.Field("institution", "培训机构", Cell(required=True))
    course = fields.Field("course", "培训内容", Cell())
    course_class = fields.Field("course_class", "课程类别")
    begun_on = fields.Field("begun_on", "开始日期", Day(required=True))
    ended_on = fields.Field("ended_on", "结束日期", Day(required=True))
    hours = fields.Field("hours", "学时", Hours(required=True))
    certificate_number = fields.Field("certificate_number", "证书编号", Certificate(required=True, limit=60))

    def __init__(self) -> None:
        super().__init__()
        # What the number does not tell of a person is no matter here.
        del self.fields["sex"], self.fields["birth_date"]
        classes = codes.entries("education_class")
        words = {word: one.code for one in classes for word in (one.code, one.label_zh, one.label_en)}
        self.fields["course_class"].widget = Coded(words)

    def check_row(self, row: HoursRow, faults: Mapping[str, Any]) -> Iterator[Fault]:
        today = clock.today()
        if "begun_on" not in faults and not EARLIEST_CERTIFICATE <= row.begun_on <= today:
            yield "begun_on", gettext("应在 2002 年 9 月至今天之间。")
        if "ended_on" in faults:
            return
        if row.ended_on > today:
            yield "ended_on", gettext("培训须已结束：结束日期不能晚于今天。")
        elif "begun_on" not in faults and row.ended_on < row.begun_on:
            yield "ended_on", gettext("结束日期不能早于开始日期。")

    def headers(self) -> list[str]:
        """The columns in their order, as the empty list names them."""
        return [each.column_name for each in self.fields.values() if each.column_name != LINE]


def template(form: Form) -> bytes:
    """The empty list; its cells are text, so that a spreadsheet keeps leading zeros and long numbers."""
    heads = [
        Head(name, 24 if name in {"证件号码", "培训机构", "证书编号"} else 14)
        for name in TrainingResource().headers()
    ]
    with begin(form, title=gettext("继续教育学时"), heads=heads, spare=SPARE) as table:
        return table.data()


# --- What a list would do, and doing it --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Preview:
    """What the officer sees before deciding: counts, faults by line, the first new rows, numbers masked."""

    lines: int
    new: int
    people: int
    hours: Decimal
    unchanged: int
    errors: tuple[LineError, ...]
    ignored_columns: tuple[str, ...]
    columns: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]

    @property
    def bad_lines(self) -> int:
        return len({error.line for error in self.errors})


@dataclass(frozen=True, slots=True)
class Result:
    """What an import did. With faults and without leave to skip them, `written` is False and nothing was."""

    written: bool
    new: int
    unchanged: int
    skipped: int
    errors: tuple[LineError, ...]


@dataclass(slots=True)
class _Held:
    """What this agency holds already: by person and certificate, and who has which certificate."""

    rows: dict[tuple[UUID, str], TrainingHours] = field(default_factory=dict)
    holders: dict[tuple[str, str], UUID] = field(default_factory=dict)


def preview(data: bytes, name: str, *, agency: Agency, by: User) -> Preview:
    """What a list would do, without doing it. Raises UnreadableFile when it cannot be read as such a list."""
    plan, total = _planned(data, name, agency, by)
    columns, sample = sample_of(TrainingResource(), plan.new[:SAMPLE], WORDS)
    new = cast("list[HoursRow]", plan.new)
    return Preview(
        lines=total,
        new=len(new),
        people=len({row.digest for row in new}),
        hours=sum((row.hours for row in new), Decimal(0)),
        unchanged=len(plan.unchanged),
        errors=tuple(plan.errors),
        ignored_columns=tuple(plan.ignored),
        columns=columns,
        sample=sample,
    )


def commit(data: bytes, name: str, *, agency: Agency, by: User, skip_bad_rows: bool = False) -> Result:
    """Bring a list into the register in one transaction; one import of an agency at a time.

    With faulty rows nothing is written unless `skip_bad_rows`. Raises UnreadableFile like `preview`.
    """
    with crossing.atomic():
        with connection.cursor() as cursor:
            cursor.execute(LOCK, [agency.pk])
        plan, total = _planned(data, name, agency, by)
        written = not plan.errors or skip_bad_rows
        if written:
            _write(plan, agency, by)
    log.info("training hours of %s: %d lines, %d new, by %s", agency.code, total, len(plan.new), by.pk)
    bad = len({error.line for error in plan.errors})
    return Result(
        written=written,
        new=len(plan.new) if written else 0,
        unchanged=len(plan.unchanged) if written else 0,
        skipped=bad if written else 0,
        errors=tuple(plan.errors),
    )


def _planned(data: bytes, name: str, agency: Agency, by: User) -> tuple[Plan, int]:
    plan, total = planned(TrainingResource(), data, name, LIMITS)
    _match(plan, by)
    _compare(plan, agency)
    plan.errors.sort()
    return plan, total


def _match(plan: Plan, by: User) -> None:
    """Find everybody by document and name."""
    keys = people.keys_by_digest(sorted({row.digest for row in plan.rows}))
    seen = dict(Person.objects.filter(pk__in=set(keys.values())).values_list("pk", "name"))
    unseen = {(row.digest, row.name) for row in plan.rows if keys.get(row.digest) not in seen}
    named = people.named_by_digest(unseen)
    own = people.own_records(by)
    for row in plan.rows:
        key = keys.get(row.digest)
        if key in own:
            plan.fault(row, "证件号码", gettext("本人的学时请由其他同事导入。"))
        elif key in seen:
            if not names.same(seen[key], row.name):
                plan.fault(row, "姓名", gettext("与名册中该证件号码的姓名不一致。"))
        elif key is None or named.get((row.digest, row.name)) != key:
            sentence = gettext(
                "名册中没有此姓名和证件号码的人员。请核对两项；换领过证件的，请填写现在的号码。"
            )
            plan.fault(row, "证件号码", sentence)
    plan.known = keys
    plan.drop_faulty()


def _compare(plan: Plan, agency: Agency) -> None:
    """What is new, what stands there already, and what would change something: that is refused."""
    held = _held(plan, agency)
    lines: dict[tuple[UUID, str], int] = {}
    for row in cast("list[HoursRow]", plan.rows):
        person, certificate = plan.known[row.digest], same_certificate(row.certificate_number)
        stored, earlier = held.rows.get((person, certificate)), lines.get((person, certificate))
        holder = held.holders.get((row.institution, certificate), person)
        if earlier is not None:
            sentence = gettext("与第 %d 行重复，请删去其中一行。") % earlier
        elif stored is not None and not _same(stored, row):
            sentence = gettext(
                "该证书已登记，内容与本行不一致。已登记的学时不能通过导入更改，请核对后删去本行。"
            )
        elif stored is None and holder != person:
            sentence = gettext("同一培训机构的这个编号属于另一个人，请核对。")
        else:
            lines[person, certificate] = row.line
            held.holders[row.institution, certificate] = person
            (plan.new if stored is None else plan.unchanged).append(row)
            continue
        plan.fault(row, "证书编号", sentence)
    plan.drop_faulty()


def _held(plan: Plan, agency: Agency) -> _Held:
    rows = cast("list[HoursRow]", plan.rows)
    numbers = {row.certificate_number for row in rows}
    asked = Q(person__in=set(plan.known.values())) | Q(certificate_number__in=numbers)
    stored = list(TrainingHours.objects.filter(asked, agency=agency))
    merged = Person.objects.filter(pk__in={one.person_id for one in stored}, merged_into__isnull=False)
    living = dict(merged.values_list("pk", "merged_into_id"))
    held = _Held()
    for one in stored:
        person = living.get(one.person_id) or one.person_id
        certificate = same_certificate(one.certificate_number)
        held.rows[person, certificate] = one
        held.holders[one.institution, certificate] = person
    return held


def _same(stored: TrainingHours, row: HoursRow) -> bool:
    return stored.institution == row.institution and all(
        getattr(stored, name) == getattr(row, name) for name in FACTS
    )


def _write(plan: Plan, agency: Agency, by: User) -> None:
    TrainingHours.objects.bulk_create(
        [
            TrainingHours(
                person_id=plan.known[row.digest],
                agency=agency,
                imported_by=by,
                institution=row.institution,
                certificate_number=row.certificate_number,
                **{name: getattr(row, name) for name in FACTS},
            )
            for row in cast("list[HoursRow]", plan.new)
        ],
        batch_size=BATCH,
    )


# --- An upload between preview and decision ----------------------------------------------------------------


def keep(data: bytes, name: str, *, agency: Agency, by: User) -> str:
    """Put a list aside for the officer who sent it, at this desk; returns the token that finds it again."""
    return staging.keep(data, name, _book(agency), user_id=by.pk)


def kept(token: str, *, agency: Agency, by: User) -> Kept:
    """The list behind a token. Raises Refusal when it is gone, or was sent by somebody else or elsewhere."""
    found = staging.kept(token, user_id=by.pk)
    if found.what != _book(agency):
        raise staging.gone()
    return found


def discard(token: str) -> None:
    """Delete a list that was decided on."""
    staging.discard(token)


def _book(agency: Agency) -> str:
    return f"training:{agency.code}"
