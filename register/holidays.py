"""The calendar of working days as people keep it: the holiday table, a year's announcement, who changed what.

The State Council announces the next year's holidays and make-up days each November. The calendar that comes
with the program knows the announced years of its day; the table adds later years and mends single days.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

import chinese_calendar
from django.db import transaction
from django.db.models import Min
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from register import clock, sheets
from register.models import Holiday
from tenants.errors import Refusal
from tenants.models import Agency, SettingChange, User

# How the record of changes names a day of the calendar.
FIELD: Final = "holiday "
EARLIEST: Final = 2020
YEARS_AHEAD: Final = 3
MOST_DAYS: Final = 200
NAME_LENGTH: Final = 60
MAKE_UP: Final = "调休上班"

_DAY: Final = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_UNTIL: Final = re.compile(r"\s*(?:~|～|至|到|–|—|--)\s*")
_OFF: Final = frozenset({"off", "holiday", "休", "休息", "放假", "放假调休", "0"})
_WORK: Final = frozenset({"work", "working", "班", "上班", "调休上班", "补班", "1"})
_HEADERS: Final = frozenset({"日期", "date", "day"})
_NAMES: Final[dict[str, str]] = {
    holiday.value: getattr(holiday, "chinese", "") for holiday in chinese_calendar.Holiday
}
_FIXED: Final = {1: "元旦", 4: "清明节", 5: "劳动节", 10: "国庆节"}


class Source(StrEnum):
    """Whence it is known whether a day is worked."""

    TABLE = "table"
    ANNOUNCED = "announced"
    RULE = "rule"


class Mark(StrEnum):
    """How a day is shown: an ordinary working day or weekend, a holiday, or a make-up working day."""

    WORK = "work"
    WEEKEND = "weekend"
    OFF = "off"
    MAKE_UP = "makeup"

    @property
    def label(self) -> str | Promise:
        return _LABELS[self]


_LABELS: Final[dict[Mark, str | Promise]] = {
    Mark.WORK: gettext_lazy("工作日"),
    Mark.WEEKEND: gettext_lazy("周末"),
    Mark.OFF: gettext_lazy("放假"),
    Mark.MAKE_UP: gettext_lazy("调休上班"),
}


# --- Looking at a year -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the calendar as it counts now."""

    day: date
    mark: Mark
    name: str
    source: Source

    @property
    def is_today(self) -> bool:
        return self.day == clock.today()

    @property
    def in_table(self) -> bool:
        return self.source is Source.TABLE


@dataclass(frozen=True, slots=True)
class Year:
    """A year of working days: months of weeks of days, None outside of the month."""

    number: int
    announced: bool
    known_to_the_program: bool
    months: Sequence[Sequence[Sequence[Day | None]]]
    working_days: int
    table: Sequence[Holiday]


def year(number: int) -> Year:
    """How every day of this year counts, and whence it is known."""
    rows = list(Holiday.objects.filter(day__year=number).order_by("day"))
    ruled = {row.day: row for row in rows}
    weeks = calendar.Calendar()
    months = [
        [
            [_day(day, ruled.get(day)) if day.month == month else None for day in week]
            for week in weeks.monthdatescalendar(number, month)
        ]
        for month in range(1, 13)
    ]
    shown = [day for month in months for week in month for day in week if day]
    return Year(
        number,
        announced=clock.is_announced(number),
        known_to_the_program=number in clock.KNOWN_YEARS,
        months=months,
        working_days=sum(day.mark in {Mark.WORK, Mark.MAKE_UP} for day in shown),
        table=rows,
    )


def is_possible(number: int) -> bool:
    """Whether this year's calendar may be looked at and edited."""
    return EARLIEST <= number <= clock.today().year + YEARS_AHEAD


def _day(day: date, row: Holiday | None) -> Day:
    if row is not None:
        return Day(day, _mark(day, working=row.working, named=True), row.name, Source.TABLE)
    working = clock.is_working_day(day)
    if day.year in clock.KNOWN_YEARS:
        _off, english = chinese_calendar.get_holiday_detail(day)
        name = _NAMES.get(english or "", "")
        return Day(day, _mark(day, working=working, named=bool(name)), name, Source.ANNOUNCED)
    is_fixed = (day.month, day.day) in clock.fixed_holidays(day.year)
    name = _FIXED[day.month] if is_fixed else ""
    return Day(day, _mark(day, working=working, named=bool(name)), name, Source.RULE)


def _mark(day: date, *, working: bool, named: bool) -> Mark:
    weekend = day.weekday() >= 5
    if working:
        return Mark.MAKE_UP if weekend else Mark.WORK
    return Mark.WEEKEND if weekend and not named else Mark.OFF


# --- Changing it -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to stand in the table about one day."""

    day: date
    working: bool
    name: str

    def as_line(self) -> str:
        return f"{self.day},{'work' if self.working else 'off'},{self.name}"


def enter(entries: Iterable[Entry], *, by: User, at: datetime) -> int:
    """Put days into the table, new or changed, each with a record of who did it; how many were changed.

    Raises `Refusal` for a year out of reach.
    """
    wanted = {entry.day: entry for entry in entries}
    if not all(is_possible(day.year) for day in wanted):
        raise Refusal(_("日期超出了可以维护的年份。"), "year")
    with transaction.atomic():
        before = Holiday.objects.select_for_update().in_bulk(wanted)
        changed = [entry for entry in wanted.values() if not _stands(entry, before.get(entry.day))]
        Holiday.objects.bulk_create(
            [Holiday(day=entry.day, working=entry.working, name=entry.name) for entry in changed],
            update_conflicts=True,
            unique_fields=["day"],
            update_fields=["working", "name"],
        )
        _record([(e.day, _said(before.get(e.day)), _said(e)) for e in changed], by=by, at=at)
    transaction.on_commit(clock.forget_calendar)
    clock.forget_calendar()
    return len(changed)


def remove(day: date, *, by: User, at: datetime) -> None:
    """Take a day out of the table; then it counts as the announced calendar or the rule says.

    Raises `Refusal` when the table does not name it.
    """
    with transaction.atomic():
        row = Holiday.objects.select_for_update().filter(day=day).first()
        if row is None:
            raise Refusal(_("表中没有这一天，可能已被他人删除。"), "no_such_day")
        row.delete()
        _record([(day, _said(row), "")], by=by, at=at)
    transaction.on_commit(clock.forget_calendar)
    clock.forget_calendar()


def _stands(entry: Entry, row: Holiday | None) -> bool:
    return row is not None and (row.working, row.name) == (entry.working, entry.name)


def _said(day: Entry | Holiday | None) -> str:
    return "" if day is None else f"{'work' if day.working else 'off'} {day.name}"


def _record(changes: Iterable[tuple[date, str, str]], *, by: User, at: datetime) -> None:
    authority = Agency.objects.get(kind=Agency.Kind.AUTHORITY)
    SettingChange.objects.bulk_create(
        SettingChange(agency=authority, user=by, field=f"{FIELD}{day}", before=before, after=after, at=at)
        for day, before, after in changes
    )


# --- What was changed ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the table, as it is told."""

    at: datetime
    by: str
    day: date
    before: str
    after: str


def changes(limit: int = 20) -> list[Change]:
    """The latest changes of the table: who, when, which day, from what to what."""
    rows = SettingChange.objects.filter(field__startswith=FIELD).select_related("user")[:limit]
    return [
        Change(row.at, row.user.display_name, _day_of(row.field), _in_words(row.before), _in_words(row.after))
        for row in rows
    ]


def earliest_change(*, since: datetime) -> date | None:
    """The earliest day whose standing was changed since then; None if none was."""
    recent = SettingChange.objects.filter(field__startswith=FIELD, at__gte=since).order_by()
    first: str | None = recent.aggregate(first=Min("field"))["first"]
    return _day_of(first) if first else None


def _day_of(field: str) -> date:
    return date.fromisoformat(field.removeprefix(FIELD))


def _in_words(standing: str) -> str:
    what, _space, name = standing.partition(" ")
    if not what:
        return ""
    label = _("上班") if what == "work" else _("放假")
    return f"{label} {name}".strip()


# --- A year's announcement, pasted or as a file ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that cannot be read, and why."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Planned:
    """One day of an announcement beside what the table says now."""

    entry: Entry
    before: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What an announcement would change."""

    days: Sequence[Planned]
    faults: Sequence[Fault]
    # Years that count as announced once it is written, and those that still do not.
    announces: Sequence[int]
    incomplete: Sequence[int]

    @property
    def text(self) -> str:
        return "\n".join(planned.entry.as_line() for planned in self.days)

    @property
    def changed(self) -> list[Planned]:
        return [planned for planned in self.days if planned.changed]

    @property
    def first(self) -> date | None:
        return min((planned.entry.day for planned in self.changed), default=None)


def read(text: str) -> Plan:
    """What the pasted lines would change. Raises `sheets.UnreadableFile`."""
    return read_file(text.replace("，", ",").encode(), "")


def read_file(data: bytes, name: str) -> Plan:
    """What a CSV or XLSX file (day or period, off or work, name) would change.

    Raises `sheets.UnreadableFile`, also for a file without any day.
    """
    found: dict[date, Entry] = {}
    faults: list[Fault] = []
    for number, row in sheets.filled_lines(data, name):
        cells = [str(cell or "").strip() for cell in [*row, "", "", ""][:3]]
        if not found and not faults and sheets.plain_header(cells[0]) in _HEADERS:
            continue
        try:
            for entry in _entries(*cells):
                if found.setdefault(entry.day, entry) != entry:
                    raise Refusal(_("{day} 前面已有不同的安排。").format(day=entry.day), "twice")
        except Refusal as no:
            faults.append(Fault(number, str(no.message)))
        if len(found) > MOST_DAYS:
            raise sheets.UnreadableFile(_("一次最多导入 {n} 天。").format(n=MOST_DAYS), "too_many")
    if not found and not faults:
        raise sheets.UnreadableFile(_("没有找到日期。"), "empty")
    return _plan(found, faults)


def _entries(days: str, what: str, name: str) -> Iterator[Entry]:
    word = what.casefold()
    if word not in _OFF | _WORK:
        raise Refusal(_("第二列应为 off（放假）或者 work（上班）。"), "what")
    working = word in _WORK
    named = name or (MAKE_UP if working else "")
    if not named or len(named) > NAME_LENGTH:
        raise Refusal(_("第三列应为节日名称，最多 {n} 个字。").format(n=NAME_LENGTH), "name")
    for day in _days(days):
        if not is_possible(day.year):
            raise Refusal(_("日期超出了可以维护的年份。"), "year")
        yield Entry(day, working, named)


def _days(text: str) -> Iterator[date]:
    """One day, or every day of a period."""
    ends = [_one_day(part) for part in _UNTIL.split(text, maxsplit=1)]
    first, last = ends[0], ends[-1]
    if not timedelta(0) <= last - first < timedelta(days=31):
        raise Refusal(_("起止日期的顺序有误，或者超过一个月。"), "period")
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _one_day(text: str) -> date:
    found = _DAY.fullmatch(text.strip())
    try:
        if found is not None:
            return date(*map(int, found.groups()))
    except ValueError:
        pass
    raise Refusal(_("“{text}”不是有效的日期，请写成 2027-02-05 的形式。").format(text=text[:20]), "day")


def _plan(found: dict[date, Entry], faults: list[Fault]) -> Plan:
    rows = Holiday.objects.in_bulk(found)
    days = [
        Planned(found[day], _in_words(_said(rows.get(day))), changed=not _stands(found[day], rows.get(day)))
        for day in sorted(found)
    ]
    years = sorted({day.year for day in found})
    table = set(Holiday.objects.filter(day__year__in=years).values_list("day", flat=True)) | found.keys()
    complete = [y for y in years if y in clock.KNOWN_YEARS or clock.names_whole_year(y, table)]
    return Plan(
        days,
        faults,
        announces=[y for y in complete if not clock.is_announced(y)],
        incomplete=[y for y in years if y not in complete],
    )
