"""Oversight of all agencies: each figure is the length of the list behind it, and no schema is entered."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import set_urlconf
from openpyxl.reader.excel import load_workbook

from register import clock
from register.models import DocketEntry
from review import numbers, oversight, prepared, queue
from review.forms.queue import DocketFilterForm
from review.queue import Wish
from review.tasks import prepare
from review.views.authority import oversight as pages
from review.views.figures import Figure, Table
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency, PreparedFile
from tenants.walls.base import DatabaseWrapper
from tenants.walls.place import PUBLIC, Place
from tests import factories
from tests.cast import Cast
from tests.review.desks import at_desk

pytestmark = pytest.mark.django_db

MOST_QUERIES = 12


@pytest.fixture(autouse=True)
def unheard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No bell is heard; addresses are those of the authority's host."""
    monkeypatch.setattr(prepared, "ring", lambda kind, key, code: None)
    set_urlconf(settings.URLCONF_OF_DESK["authority"])
    yield
    set_urlconf(None)


def line(agency: Agency, name: str = "", **fields: Any) -> DocketEntry:
    person = factories.person("测试甲")
    return factories.docket_line(person, agency, **{"applicant_name": name or person.name, **fields})


def ago(days: int) -> date:
    return clock.today() - timedelta(days=days)


@pytest.fixture
def docket(cast: Cast) -> list[DocketEntry]:
    """Open cases of all ages, some overdue, some due soon; decided ones of every fate; one long ago."""
    b, m, s = cast.beijing, cast.mohurd, cast.sinopec
    soon = clock.add_working_days(clock.today(), 3).day
    done: dict[str, Any] = {"state": "announced", "open": False, "clock": "I", "first_verdict": "pass"}
    return [
        line(b, clock="A", due_on=soon),
        line(b, clock="F", state="accepted", lodged_on=ago(20), due_on=ago(1)),
        line(b, clock="N", state="reported", lodged_on=ago(30), reported_on=ago(3), due_on=clock.today()),
        line(b, clock="C", state="correction", corrections=1, lodged_on=ago(9), due_on=soon),
        line(b, **done, final_verdict="pass", decided_on=ago(2), reported_on=ago(8), due_on=ago(1)),
        line(
            m, clock="R", state="sent_back", remands=1, lodged_on=ago(90), reported_on=ago(70), due_on=ago(5)
        ),
        line(
            m, **{**done, "clock": ""}, final_verdict="fail", remands=1, reported_on=ago(9), decided_on=ago(1)
        ),
        line(m, clock="F", state="accepted", lodged_on=ago(200), due_on=ago(100)),
        line(s, state="withdrawn", open=False, lodged_on=ago(800)),
    ]


def counted(url: str) -> int:
    """How many lines the list has to which a figure leads."""
    form = DocketFilterForm(
        dict(parse_qsl(urlsplit(url).query)), agencies=list(Agency.objects.exclude(kind="authority"))
    )
    wishes = form.wishes()
    assert not form.errors, (url, form.errors)
    lines = queue.narrowed(queue.docket(), queue.DOCKET, Wish(**wishes), user_id=0)
    return queue.listed(lines, queue.DOCKET, queue.DOCKET.tab(form.data["tab"]), user_id=0).count()


def looked(channel: str = "") -> list[Table]:
    """The tables as the page shows them, asked at the authority's desk."""
    period = numbers.period("")
    return pages._tables(oversight.overlook(period, channel=channel), period, channel)


def figure(tables: list[Table], key: str, row: str, column: str) -> Figure:
    table = next(table for table in tables if table.key == key)
    place = [str(each.label) for each in table.columns].index(column)
    return next(each for each in table.rows if str(each.label) == row).figures[place]


@pytest.mark.parametrize("channel", ["", "ministry"])
def test_every_number_is_the_length_of_the_list_behind_it(
    cast: Cast, docket: list[DocketEntry], channel: str
) -> None:
    with crossing.standing(Desk.AUTHORITY):
        tables = looked(channel)
        found = oversight.overlook(numbers.period(""), channel=channel)
        headline = [each for _label, each in pages._headline(found, pages.Lists(channel))]
        shown = [each for table in tables for row in table.rows for each in row.figures] + headline
        listed = [each for each in shown if each.url]
        assert [(each.url, each.value) for each in listed] == [
            (each.url, counted(each.url)) for each in listed
        ]
        assert sum(bool(each.value) for each in listed) >= (50 if not channel else 25)
        # Only rates and words lead nowhere.
        assert {str(each.unit) or "text" for each in shown if not each.url} == {"%", "text"}


def test_the_figures_are_those_of_the_docket(cast: Cast, docket: list[DocketEntry]) -> None:
    with crossing.standing(Desk.AUTHORITY):
        tables = looked()
        beijing, mohurd = cast.beijing.name, cast.mohurd.name
        asked = [
            ("age", beijing, "在办"), ("age", beijing, "其中超期"), ("age", mohurd, "超过 40 个工作日"),
            ("breaches", "初审期限", "超期件数"), ("breaches", "制证期限", "超期件数"),
            ("breaches", "合计", "超期件数"), ("throughput", "合计", "终审决定"),
            ("rates", mohurd, "退回率"), ("rates", mohurd, "改变率"), ("rates", "全国合计", "改变意见"),
            ("rates", beijing, "补正过"),
        ]  # fmt: skip
        assert [figure(tables, *each).value for each in asked] == [4, 1, 2, 2, 1, 4, 2, 100, 100, 1, 1]
        assert figure(tables, "breaches", "初审期限", "最早届满日").text == ago(100).isoformat()
        heat = tables[0]
        # The worst first; who has nothing open is folded.
        assert [str(row.label) for row in heat.rows] == ["全国合计", mohurd, beijing]
        assert heat.folded == [cast.sinopec.name]
        assert max(each.heat for row in heat.rows for each in row.figures) == 5
        forecast = next(table for table in tables if table.key == "forecast")
        assert sum(clock.is_working_day(day) for day in oversight.overlook(numbers.period("")).days) in (
            10,
            11,
        )
        assert forecast.rows[-1].figures[-1].value == 3


def test_the_page_asks_little_and_enters_no_schema(
    cast: Cast, docket: list[DocketEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    with crossing.standing(Desk.OWNER):
        Agency.objects.bulk_create(
            Agency(
                code=f"made{n}",
                schema_name=f"made{n}",
                number=600 + n,
                kind="provincial",
                name_zh=f"示例 {n}",
            )
            for n in range(148)
        )
    places: list[str] = []
    stand = DatabaseWrapper.stand

    def noted(self: DatabaseWrapper, place: Place, **given: Any) -> None:
        places.append(place.schema)
        stand(self, place, **given)

    zhao = at_desk(cast, "zhao")
    monkeypatch.setattr(DatabaseWrapper, "stand", noted)
    with CaptureQueriesContext(connection) as asked:
        answer = zhao.get("/oversight/")
    assert answer.status_code == 200
    assert len(asked) <= MOST_QUERIES, [query["sql"][:80] for query in asked]
    assert [schema for schema in places if schema != PUBLIC] == []
    assert [q["sql"] for q in asked if "search_path" in q["sql"] or "review_case" in q["sql"]] == []
    assert "另有 149 个机构没有可列的案卷" in " ".join(answer.content.decode().split())


@pytest.mark.parametrize(
    ("name", "orders"), [("zhao", True), ("qian", True), ("zhou", True), ("feng", False), ("wei", True)]
)
def test_every_role_of_the_authority_reads_it(
    cast: Cast, docket: list[DocketEntry], name: str, orders: bool
) -> None:
    desk = at_desk(cast, name)
    page = desk.page("/oversight/")
    assert ("各机构在办案卷的时间" in page, "生成全国汇总表" in page) == (True, orders)
    assert desk.post("/oversight/summary-list/").status_code == (302 if orders else 404)


def test_an_agency_has_no_such_page(cast: Cast, docket: list[DocketEntry]) -> None:
    assert [at_desk(cast, name).get("/oversight/").status_code for name in ("wang", "xu")] == [404, 404]


def test_a_channel_that_is_none_asks_for_all(cast: Cast, docket: list[DocketEntry]) -> None:
    desk = at_desk(cast, "feng")
    assert cast.mohurd.name in desk.page("/oversight/?channel=nowhere&weeks=1000")
    ministries = desk.page("/oversight/?channel=ministry")
    assert (cast.mohurd.name in ministries, cast.beijing.name in ministries) == (True, False)


def test_an_empty_docket_says_so(cast: Cast) -> None:
    page = at_desk(cast, "wei").page("/oversight/")
    assert [words in page for words in ("没有在办的案卷。", "现在没有超期的案卷。", "没有办理记录")] == [
        True
    ] * 3


def test_the_tables_come_as_a_workbook_and_as_text(cast: Cast, docket: list[DocketEntry]) -> None:
    with crossing.standing(Desk.OWNER):
        Agency.objects.filter(pk=cast.mohurd.pk).update(name_zh="=1+1")
    desk = at_desk(cast, "wei")
    book = load_workbook(io.BytesIO(desk.get("/oversight/oversight.xlsx").content))
    assert len(book.worksheets) == 5
    cell = next(row[0] for row in book.worksheets[0].iter_rows() if row[0].value == "=1+1")
    assert (cell.data_type, cell.quotePrefix) == ("s", True)
    text = desk.get("/oversight/age.csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][:3] == ["注册机构", "在办", "其中超期"]
    assert [row[:3] for row in rows[1:3]] == [["全国合计", "6", "3"], ["'=1+1", "2", "2"]]
    assert desk.get("/oversight/none.csv").status_code == 404


def test_the_national_summary_list_in_one_click(cast: Cast, docket: list[DocketEntry]) -> None:
    line(cast.mohurd, "=某测", state="reported", clock="N", dispatch_number="MOHURD-1", first_verdict="fail")
    desk = at_desk(cast, "zhao")
    assert desk.post("/oversight/summary-list/")["Location"] == "/files/"
    with crossing.standing(Desk.AUTHORITY):
        order = PreparedFile.objects.get()
    assert (order.total, order.agency_id, order.full) == (2, cast.authority.pk, False)
    assert prepare(str(order.pk), "authority")
    answer = desk.get(f"/files/{order.pk}/")
    rows = [
        [cell.value for cell in row]
        for row in load_workbook(io.BytesIO(answer.content)).worksheets[0].iter_rows()
    ]
    assert rows[0][:5] == ["序号", "申请编号", "注册机构", "注册渠道", "姓名"]
    assert [row[0] for row in rows[1:]] == [1, 2]
    assert {row[2]: (row[4], row[13]) for row in rows[1:]} == {
        cast.beijing.name: ("测试甲", None),
        cast.mohurd.name: ("=某测", "不通过"),
    }


def test_without_reported_cases_there_is_no_list(cast: Cast) -> None:
    said = at_desk(cast, "zhao").post("/oversight/summary-list/", follow=True)
    assert "没有可以导出的内容" in said.content.decode()
