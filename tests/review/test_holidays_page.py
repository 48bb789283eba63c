"""The page of the calendar: who reads, who changes, what is shown before it is written, who is warned."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from register import clock
from register.models import Holiday
from review import tasks
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import SettingChange
from tests import clocktable, factories
from tests.cast import Cast
from tests.review.desks import at_desk

pytestmark = pytest.mark.django_db

WHOLE = "2027-01-01至2027-01-03,off,元旦\n2027-10-01至2027-10-07,off,国庆节"
WARNING = "2027 年的放假安排尚未导入"


@pytest.fixture(autouse=True)
def rung(shifted_clock: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A November day with 2027 not announced; how often counting anew was asked for."""
    monkeypatch.setattr(clock, "KNOWN_YEARS", clocktable.ANNOUNCED)
    clock.travel_to(datetime(2026, 11, 23, 10, 0, tzinfo=clock.SHANGHAI))
    bells: list[str] = []
    monkeypatch.setattr(tasks.recompute, "delay", lambda: bells.append("ring"))
    return bells


def table() -> dict[date, bool]:
    with crossing.standing(Desk.CLERK):
        return dict(Holiday.objects.values_list("day", "working"))


@pytest.mark.parametrize("who", ["zhao", "qian", "zhou", "wei"])
def test_the_others_at_the_authority_read_it_only(cast: Cast, who: str) -> None:
    desk = at_desk(cast, who)
    page = desk.page("/holidays/?year=2026")
    assert ("2026 年工作日历" in page, "导入放假安排" in page, "添加或修改一天" in page) == (
        True,
        False,
        False,
    )
    for path in ("/holidays/day/", "/holidays/announcement/", "/holidays/2026-01-01/removal/"):
        assert (desk.get(path).status_code, desk.post(path, {}).status_code) == (404, 404)


def test_it_stands_on_the_authoritys_host_only(cast: Cast) -> None:
    assert at_desk(cast, "chen").get("/holidays/").status_code == 404


def test_a_day_is_added_changed_and_removed(
    cast: Cast,
    rung: list[str],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    feng = at_desk(cast, "feng")
    with django_capture_on_commit_callbacks(execute=True):
        answer = feng.post("/holidays/day/", {"day": "2026-11-28", "what": "work", "name": "调休上班"})
    assert (answer["Location"], table(), rung) == (
        "/holidays/?year=2026",
        {date(2026, 11, 28): True},
        ["ring"],
    )
    page = feng.page("/holidays/?year=2026")
    assert "2026年11月28日 星期六 上班 调休上班" in page
    assert "冯管理 2026年11月28日 — 上班 调休上班" in page
    assert "2026年11月28日（调休上班）" in feng.page("/holidays/2026-11-28/removal/")
    assert table() == {date(2026, 11, 28): True}
    with django_capture_on_commit_callbacks(execute=True):
        feng.post("/holidays/2026-11-28/removal/")
    assert (table(), rung) == ({}, ["ring", "ring"])
    assert feng.get("/holidays/2026-11-28/removal/").status_code == 404
    assert feng.get("/holidays/nonsense/removal/").status_code == 404


def test_what_is_the_case_already_rings_no_bell(
    cast: Cast,
    rung: list[str],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    feng = at_desk(cast, "feng")
    for _again in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            feng.post("/holidays/day/", {"day": "2026-11-28", "what": "work", "name": "调休上班"})
    assert (rung, SettingChange.objects.count()) == (["ring"], 1)


@pytest.mark.parametrize(
    ("posted", "said"),
    [
        ({"day": "", "what": "off", "name": "春节"}, "请填写日期。"),
        ({"day": "2027-02-30", "what": "off", "name": "春节"}, "日期无效"),
        ({"day": "2099-01-01", "what": "off", "name": "元旦"}, "日期超出了可以维护的年份。"),
        ({"day": "2027-02-05", "what": "maybe", "name": "春节"}, "请选择放假或者上班。"),
        ({"day": "2027-02-05", "what": "off", "name": ""}, "请填写名称。"),
    ],
)
def test_a_faulty_day_is_told_beside_its_field(cast: Cast, posted: dict[str, str], said: str) -> None:
    answer = at_desk(cast, "feng").post("/holidays/day/", posted)
    assert (answer.status_code, said in answer.content.decode(), table()) == (200, True, {})


def test_an_announcement_is_shown_first_and_written_when_confirmed(
    cast: Cast,
    rung: list[str],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    factories.docket_line(
        factories.person(),
        cast.beijing,
        state="submitted",
        clock="A",
        due_on=date(2027, 1, 5),
        due_provisional=True,
    )
    feng = at_desk(cast, "feng")
    assert "现有 1 件在办案卷的期限为暂定" in feng.page("/holidays/?year=2027")
    answer = feng.post("/holidays/announcement/", {"lines": WHOLE})
    page = answer.content.decode()
    assert (
        "2027 年视为已公布" in page,
        "有 1 件在办案卷的期限可能受影响" in page,
        table(),
        rung,
    ) == (True, True, {}, [])
    lines = answer.context["plan"].text
    with django_capture_on_commit_callbacks(execute=True):
        written = feng.post("/holidays/announcement/", {"lines": lines, "confirmed": "1"})
    assert (written["Location"], len(table()), rung) == ("/holidays/?year=2027", 10, ["ring"])
    assert WARNING not in feng.page("/holidays/?year=2027")
    assert SettingChange.objects.filter(agency=cast.authority, user=cast.user("feng")).count() == 10


def test_a_file_is_taken_as_well(cast: Cast) -> None:
    file = SimpleUploadedFile("2027.csv", ("﻿日期,安排,名称\n" + WHOLE).encode())
    answer = at_desk(cast, "feng").post("/holidays/announcement/", {"file": file})
    assert len(answer.context["plan"].days) == 10


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "请粘贴放假安排，或者上传一个文件，二者选一。"),
        ("2027-13-01,off,元旦", "第 1 行：“2027-13-01”不是有效的日期"),
        ("日期,安排,名称", "没有找到日期。"),
        ("2027-02-05,off,春节", "写入后该年仍为暂定"),
    ],
)
def test_what_cannot_be_written_is_told_and_kept(cast: Cast, lines: str, said: str) -> None:
    answer = at_desk(cast, "feng").post("/holidays/announcement/", {"lines": lines, "confirmed_not": "1"})
    page = answer.content.decode()
    assert (answer.status_code, said in page, lines in page, table()) == (200, True, True, {})


def test_a_confirmation_with_a_fault_writes_nothing(cast: Cast) -> None:
    lines = f"{WHOLE}\n2027-13-01,off,错"
    answer = at_desk(cast, "feng").post("/holidays/announcement/", {"lines": lines, "confirmed": "1"})
    assert (answer.status_code, table()) == (200, {})


@pytest.mark.parametrize("year", ["", "abcd", "1800", "9999", "20260", "²⁰²⁶"])
def test_a_year_that_is_none_shows_this_year(cast: Cast, year: str) -> None:
    assert "2026 年工作日历" in at_desk(cast, "wei").page(f"/holidays/?year={year}")


@pytest.mark.parametrize(
    ("who", "warned"), [("feng", True), ("chen", True), ("li", False), ("wang", False), ("zhao", False)]
)
def test_administrators_and_managers_are_warned_on_every_page(cast: Cast, who: str, warned: bool) -> None:
    desk = at_desk(cast, who)
    pages = [desk.page(path) for path in ("/cases/", "/notices/")]
    assert [WARNING in page for page in pages] == [warned, warned]


def test_health_is_yellow_until_the_year_is_announced() -> None:
    def colour() -> tuple[str, bool]:
        found = Client(HTTP_HOST="localhost").get("/health/ready").json()
        return found["health"], found["calendar"]

    assert colour() == ("yellow", False)
    Holiday.objects.bulk_create(
        Holiday(day=day, working=False, name="放假") for day in (date(2027, 1, 1), date(2027, 10, 1))
    )
    clock.forget_calendar()
    assert colour() == ("green", True)
    # Before November nobody needs next year's calendar.
    Holiday.objects.all().delete()
    clock.travel_to(datetime(2026, 10, 31, 10, 0, tzinfo=clock.SHANGHAI))
    clock.forget_calendar()
    assert colour() == ("green", True)
