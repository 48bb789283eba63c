"""历史记录: everything lodged and granted, by time, and nothing that was given up."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from intake import filing
from intake.models import Application
from register import clock
from register.models import DocketEntry, Kind, Registration
from review.states import State
from tests import factories
from tests.cast import APPLICANTS, Cast
from tests.intake.desk import signed_in, started, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(cast: Cast) -> Client:
    return signed_in(cast.zhang, APPLICANTS["zhang"].number)


def past(cast: Cast, on: date, state: State = State.WITHDRAWN, kind: Kind = Kind.INITIAL) -> Application:
    """An application of an earlier day that ended in this state, as its two public rows tell it."""
    at = datetime(on.year, on.month, on.day, 9, 0, tzinfo=clock.SHANGHAI)
    made = Application.objects.create(
        reference=factories.reference(kind),
        person=cast.zhang,
        kind=kind,
        status=Application.Status.LODGED,
        agency=cast.beijing,
        created_at=at,
        saved_at=at,
        lodged_at=at,
    )
    factories.docket_line(
        cast.zhang,
        cast.beijing,
        case_id=made.pk,
        reference=made.reference,
        kind=kind,
        state=state,
        open=False,
        category="A5",
        lodged_on=on,
    )
    return made


def granted(cast: Cast, case: Application | None, on: date, **fields: object) -> Registration:
    return factories.registration(
        cast.zhang, cast.beijing, case_id=case.pk if case else None, valid_from=on, granted_on=on, **fields
    )


def lines(client: Client, path: str = "/history/") -> list[str]:
    html = client.get(path).content.decode()
    body = html.partition("<tbody>")[2].partition("</tbody>")[0]
    return [words(row.encode()).strip() for row in re.findall(r"<tr>.*?</tr>", body, re.DOTALL)]


def test_it_runs_from_the_oldest_on_and_turns_round_by_its_address(cast: Cast, client: Client) -> None:
    granted(cast, None, date(2021, 3, 1))
    first = past(cast, date(2024, 2, 1), State.ISSUED, Kind.RENEWAL)
    granted(cast, first, date(2024, 3, 10), kind=Kind.RENEWAL)
    past(cast, date(2025, 6, 1), State.FINAL_FAILED, Kind.CHANGE)
    said = lines(client)
    assert [row[:11].strip() for row in said] == ["2021年3月1日 初", "2024年3月10日", "2025年6月1日 变"]
    assert lines(client, "/history/?order=newest") == said[::-1]
    assert lines(client, "/history/?order=nonsense") == said


def test_a_line_tells_what_when_where_and_what_came_of_it(cast: Cast, client: Client) -> None:
    held = past(cast, date(2024, 2, 1), State.ISSUED)
    row = granted(cast, held, date(2024, 3, 10))
    (line,) = lines(client)
    for part in (
        "2024年3月10日",
        "2024年2月1日上报",
        "初始注册",
        held.reference,
        "北京示例化工有限公司",
        "北京市应急管理局",
        "已发证",
        row.number,
        "2024年3月10日 — 2027年3月9日",
    ):
        assert part in line, part
    page = client.get("/history/").content.decode()
    assert f'href="/applications/{held.pk}/form/"' in page
    assert f'href="/applications/{held.pk}/"' in page


def test_a_registration_of_earlier_times_says_so_and_how_it_ended(cast: Cast, client: Client) -> None:
    granted(cast, None, date(2021, 3, 1), ended_how=Registration.End.CANCELLED, ended_on=date(2022, 5, 4))
    (line,) = lines(client)
    assert ("本系统启用前登记" in line, "2022年5月4日 已注销" in line) == (True, True)


def test_drafts_given_up_are_no_part_of_it(cast: Cast, client: Client) -> None:
    with cast.at_applicants_desk(cast.zhang):
        filing.discard(application=started(cast.zhang))
        started(cast.zhang)
    assert "还没有历史记录" in words(client.get("/history/").content)


def test_nobody_sees_anothers_history(cast: Cast, client: Client) -> None:
    past(cast, date(2024, 2, 1))
    sun = signed_in(cast.sun, APPLICANTS["sun"].number)
    assert lines(sun) == []


def test_records_merged_into_mine_are_mine(cast: Cast, client: Client) -> None:
    old = factories.person("张测", merged_into=cast.zhang)
    factories.registration(old, cast.beijing, valid_from=date(2018, 3, 1))
    assert [line[:9] for line in lines(client)] == ["2018年3月1日"]


@pytest.mark.parametrize("number", [1, 30])
def test_it_asks_as_often_for_one_line_as_for_thirty(cast: Cast, client: Client, number: int) -> None:
    for n in range(number):
        on = clock.today() - timedelta(days=30 * (n + 1))
        held = past(cast, on, State.ISSUED)
        granted(cast, held, on)
        factories.registration(cast.zhang, cast.mohurd, valid_from=on - timedelta(days=1))
    client.get("/history/")
    with CaptureQueriesContext(connection) as asked:
        assert len(lines(client)) == 2 * number
    counted = [q["sql"] for q in asked if "tenants_session" not in q["sql"]]
    assert len(counted) == 5, [sql[:90] for sql in counted]


def test_a_line_of_the_docket_without_its_application_is_left_out(cast: Cast, client: Client) -> None:
    factories.docket_line(cast.zhang, cast.beijing)
    assert (lines(client), DocketEntry.objects.count()) == ([], 1)
