"""The holiday table: reading an announcement, changing days, who changed what, a year as it counts."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta

import pytest
from openpyxl.workbook.workbook import Workbook

from register import clock, holidays, sheets
from register.holidays import Entry, Mark, Source
from register.models import Holiday
from tenants.errors import Refusal
from tenants.models import SettingChange
from tests import clocktable
from tests.cast import Cast

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=clock.SHANGHAI)


@pytest.fixture(autouse=True)
def _only_2026_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "KNOWN_YEARS", clocktable.ANNOUNCED)


@pytest.mark.parametrize(
    "line",
    [
        "2027-02-05,off,春节",
        "2027年2月5日，放假，春节",
        "2027/2/5\t休\t春节",
        "2027.02.05; OFF ;春节",
        "日期,安排,名称\n2027-02-05,off,春节",
    ],
)
def test_a_day_may_be_written_in_several_ways(line: str) -> None:
    plan = holidays.read(line)
    assert ([planned.entry for planned in plan.days], plan.faults) == (
        [Entry(date(2027, 2, 5), False, "春节")],
        [],
    )


def test_a_period_stands_for_its_days_and_a_make_up_day_needs_no_name() -> None:
    plan = holidays.read("2027-02-05至2027-02-07,off,春节\n2027-02-13,work")
    assert plan.text.splitlines() == [
        "2027-02-05,off,春节",
        "2027-02-06,off,春节",
        "2027-02-07,off,春节",
        "2027-02-13,work,调休上班",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2027-13-01,off,春节", "“2027-13-01”不是有效的日期"),
        ("春节,off,春节", "“春节”不是有效的日期"),
        ("2027-02-05,maybe,春节", "第二列应为 off"),
        ("2027-02-05,off,", "第三列应为节日名称"),
        ("2027-02-05,off," + "节" * 61, "第三列应为节日名称"),
        ("2027-02-11至2027-02-05,off,春节", "起止日期的顺序有误"),
        ("2027-02-05至2027-04-05,off,春节", "起止日期的顺序有误"),
        ("1999-01-01,off,元旦", "日期超出了可以维护的年份"),
        ("2099-01-01,off,元旦", "日期超出了可以维护的年份"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_with_its_number(line: str, said: str) -> None:
    plan = holidays.read(f"2027-01-01,off,元旦\n{line}")
    assert [(fault.line, said in fault.text) for fault in plan.faults] == [(2, True)]


def test_two_words_about_one_day_are_a_fault() -> None:
    plan = holidays.read("2027-01-01,off,元旦\n2027-01-01,off,元旦\n2027-01-01,work,调休上班")
    assert [fault.line for fault in plan.faults] == [3]


def test_a_workbook_is_read_like_the_lines() -> None:
    book = Workbook()
    assert book.active is not None
    for row in (
        ["日期", "安排", "名称"],
        [date(2027, 1, 1), "off", "元旦"],
        ["2027-10-01", "放假", "国庆节"],
    ):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    plan = holidays.read_file(file.getvalue(), "2027.xlsx")
    assert [planned.entry.as_line() for planned in plan.days] == [
        "2027-01-01,off,元旦",
        "2027-10-01,off,国庆节",
    ]
    assert (plan.announces, plan.incomplete) == ([2027], [])


@pytest.mark.parametrize("text", ["", "\n\n", "日期,安排,名称\n", "2027-01-01,off,a\0b"])
def test_a_file_without_days_is_refused(text: str) -> None:
    with pytest.raises(sheets.UnreadableFile):
        holidays.read(text)


def test_a_very_long_file_is_refused() -> None:
    lines = "\n".join(f"{date(2026, 1, 1) + timedelta(days=n)},off,放假" for n in range(201))
    with pytest.raises(sheets.UnreadableFile):
        holidays.read(lines)


def test_a_plan_says_what_changes_and_whether_the_year_is_complete(cast: Cast) -> None:
    holidays.enter([Entry(date(2027, 1, 1), False, "元旦")], by=cast.user("feng"), at=NOW)
    plan = holidays.read("2027-01-01,off,元旦\n2027-01-02,off,元旦")
    assert [(p.changed, p.before) for p in plan.days] == [(False, "放假 元旦"), (True, "")]
    assert (plan.announces, plan.incomplete, plan.first) == ([], [2027], date(2027, 1, 2))
    assert holidays.read("2027-10-01,off,国庆节").announces == [2027]
    assert holidays.read("2026-11-28,work").announces == []


def test_changes_are_kept_with_their_author(cast: Cast) -> None:
    feng, day = cast.user("feng"), date(2026, 11, 28)
    assert holidays.enter([Entry(day, True, "调休上班")], by=feng, at=NOW) == 1
    assert clock.is_working_day(day)
    assert holidays.enter([Entry(day, True, "调休上班")], by=feng, at=NOW) == 0
    assert holidays.enter([Entry(day, False, "台风停工")], by=feng, at=NOW + timedelta(hours=1)) == 1
    assert not clock.is_working_day(day)
    holidays.remove(day, by=feng, at=NOW + timedelta(hours=2))
    with pytest.raises(Refusal):
        holidays.remove(day, by=feng, at=NOW)
    assert [(c.day, c.by, c.before, c.after) for c in holidays.changes()] == [
        (day, "冯管理", "放假 台风停工", ""),
        (day, "冯管理", "上班 调休上班", "放假 台风停工"),
        (day, "冯管理", "", "上班 调休上班"),
    ]
    assert {row.agency for row in SettingChange.objects.all()} == {cast.authority}
    assert holidays.earliest_change(since=NOW) == day
    assert holidays.earliest_change(since=NOW + timedelta(hours=3)) is None


def test_other_settings_of_the_authority_are_no_changes_of_the_calendar(cast: Cast) -> None:
    SettingChange.objects.create(
        agency=cast.authority, user=cast.user("feng"), field="phone", before="", after="1", at=NOW
    )
    assert (holidays.changes(), holidays.earliest_change(since=NOW)) == ([], None)


def test_a_year_out_of_reach_is_refused(cast: Cast) -> None:
    with pytest.raises(Refusal):
        holidays.enter([Entry(date(2099, 1, 1), False, "元旦")], by=cast.user("feng"), at=NOW)
    assert Holiday.objects.count() == 0


@pytest.mark.parametrize(
    ("day", "mark", "name", "source"),
    [
        (date(2026, 11, 23), Mark.WORK, "", Source.ANNOUNCED),
        (date(2026, 11, 28), Mark.WEEKEND, "", Source.ANNOUNCED),
        (date(2026, 2, 14), Mark.MAKE_UP, "春节", Source.ANNOUNCED),
        (date(2026, 2, 15), Mark.OFF, "春节", Source.ANNOUNCED),
        (date(2026, 6, 19), Mark.OFF, "端午", Source.ANNOUNCED),
        (date(2027, 1, 1), Mark.OFF, "元旦", Source.RULE),
        (date(2027, 4, 5), Mark.OFF, "清明节", Source.RULE),
        (date(2027, 2, 8), Mark.WORK, "", Source.RULE),
        (date(2027, 2, 6), Mark.WEEKEND, "", Source.RULE),
        (date(2027, 2, 5), Mark.OFF, "春节", Source.TABLE),
        (date(2027, 2, 13), Mark.MAKE_UP, "调休上班", Source.TABLE),
    ],
)
def test_every_day_says_how_it_counts_and_whence(day: date, mark: Mark, name: str, source: Source) -> None:
    if source is Source.TABLE:
        Holiday.objects.create(day=day, working=mark is Mark.MAKE_UP, name=name)
        clock.forget_calendar()
    year = holidays.year(day.year)
    found = [d for month in year.months for week in month for d in week if d and d.day == day]
    assert [(d.mark, d.name, d.source) for d in found] == [(mark, name, source)]


@pytest.mark.parametrize(("year", "days", "working"), [(2025, 365, 248), (2026, 365, 248), (2028, 366, 255)])
def test_a_year_has_all_its_days(year: int, days: int, working: int) -> None:
    found = holidays.year(year)
    assert sum(day is not None for month in found.months for week in month for day in week) == days
    assert (found.working_days, found.announced) == (working, year < 2027)
