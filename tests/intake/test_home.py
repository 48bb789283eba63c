"""The personal page, the board with its first line, and the page of one application, in every state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from intake import filing
from intake.models import Application
from intake.views import home
from notifications import board, outbox, tasks
from notifications.models import Notice
from register import clock
from register.models import DocketEntry, Kind, Registration
from review.states import State
from tenants.sessions import SEEN_KEY
from tests import factories
from tests.cast import APPLICANTS, Cast
from tests.intake.desk import browser, filled, signed_in, started, words
from tests.intake.lodged import brought_to, lodged, reported, sent_back

pytestmark = pytest.mark.django_db

ASYNC = {"X-Requested-With": "XMLHttpRequest"}


@pytest.fixture(autouse=True)
def _cache_of_its_own(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@pytest.fixture
def client(cast: Cast) -> Client:
    """Zhang's browser."""
    return signed_in(cast.zhang, APPLICANTS["zhang"].number)


def page_of(client: Client, path: str = "/home/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return words(answer.content)


def told(cast: Cast, number: int, case: Application | None = None) -> None:
    """So many notices on Zhang's board."""
    with transaction.atomic():
        for n in range(number):
            outbox.post(
                user_id=cast.zhang.user_id,
                kind="thirty_days",
                cause=f"told {n}",
                data={},
                case_id=case.pk if case else None,
                at=clock.now() - timedelta(minutes=n),
            )
    tasks.deliver()


def queries_of(client: Client, path: str, headers: dict[str, str] | None = None) -> list[str]:
    """What a page asks of the database, once what is remembered for all has been read."""
    client.get(path)
    with CaptureQueriesContext(connection) as asked:
        client.get(path, headers=headers)
    return [query["sql"][:120] for query in asked]


# --- The first line ----------------------------------------------------------------------------------


def first_line(client: Client) -> str:
    """The first line of the board, as the poll answers it."""
    html = client.get("/notices/board", headers=ASYNC).content.decode()
    return words(html.partition('<ol class="notices"')[0].partition('<p class="board-empty"')[0].encode())


def test_it_tells_of_the_open_application_whose_turn_it_is_and_until_when(cast: Cast, client: Client) -> None:
    lodged(cast)
    line = first_line(client)
    due = clock.add_working_days(clock.today(), 5)
    assert "初始注册 已上报，待受理 轮到北京市应急管理局办理 受理期限 还剩 5 个工作日" in line
    assert f"{due.day.year}年{due.day.month}月{due.day.day}日" in line


def test_in_a_correction_it_is_the_applicants_turn(cast: Cast, client: Client) -> None:
    held = lodged(cast)
    sent_back(cast, held)
    assert "退回补正 轮到您办理：请补正后重新上报 补正期限 还剩 10 个工作日" in first_line(client)
    assert f"/applications/{held.pk}/correction/" in client.get("/home/").content.decode()


def test_without_an_application_it_tells_of_the_draft(cast: Cast, client: Client) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = started(cast.zhang)
    kept = clock.day_of(draft.saved_at) + timedelta(days=180)
    line = first_line(client)
    assert "初始注册 未上报 轮到您办理：填写至“选择注册渠道”，请继续填写并上报" in line
    assert f"草稿保留至{kept.year}年{kept.month}月{kept.day}日" in line


REGISTERED = [
    (-1, 0, "有效", "目前不需要您办理"),
    (-3, 30, "有效（待延续）", "轮到您办理：可以申请延续注册"),
    (-4, 0, "已过期", "需要继续执业的，请您申请重新注册"),
]


@pytest.mark.parametrize(("years", "days", "word", "turn"), REGISTERED)
def test_without_either_it_tells_of_the_registration(
    cast: Cast, client: Client, years: int, days: int, word: str, turn: str
) -> None:
    since = clock.add_years(clock.today(), years) + timedelta(days=days)
    row = factories.registration(cast.zhang, cast.beijing, valid_from=since)
    line = first_line(client)
    assert f"执业证 {row.number} {word} {turn}" in line
    assert f"有效期至{row.valid_to.year}年{row.valid_to.month}月{row.valid_to.day}日" in line


def test_a_cancelled_registration_says_since_when(cast: Cast, client: Client) -> None:
    factories.registration(
        cast.zhang, cast.beijing, ended_how=Registration.End.CANCELLED, ended_on=date(2026, 5, 4)
    )
    line = first_line(client)
    assert ("已注销" in line, "2026年5月4日起失效" in line) == (True, True)


def test_somebody_new_is_told_until_when_to_register(cast: Cast, client: Client) -> None:
    last = clock.add_years(cast.qualifications["zhang"].issued_on, 3)
    line = first_line(client)
    assert "注册 未注册 轮到您办理：可以申请初始注册" in line
    assert f"请在{last.year}年{last.month}月{last.day}日前上报" in line


# --- The poll ----------------------------------------------------------------------------------------


def test_the_page_and_its_poll_have_the_same_version(cast: Cast, client: Client) -> None:
    lodged(cast)
    tasks.deliver()
    page = client.get("/home/").content.decode()
    polled = client.get("/notices/board", headers=ASYNC)
    etag = polled["ETag"].strip('"')
    assert f'data-etag="{etag}"' in page
    again = client.get("/notices/board", headers={**ASYNC, "If-None-Match": polled["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("number", [1, 30])
def test_nothing_new_costs_no_query_but_those_of_the_session(cast: Cast, client: Client, number: int) -> None:
    told(cast, number)
    etag = client.get("/notices/board", headers=ASYNC)["ETag"]
    asked = queries_of(client, "/notices/board", headers={**ASYNC, "If-None-Match": etag})
    session = [sql for sql in asked if '"tenants_session"' in sql or '"tenants_user"' in sql]
    assert (asked, len(asked) <= 2) == (session, True)


def test_the_view_itself_asks_nothing_when_nothing_is_new(cast: Cast, rf: Any) -> None:
    request = rf.get("/notices/board")
    request.user, request.desk = cast.zhang.user, "applicant"
    request.person = cast.zhang
    with cast.at_applicants_desk(cast.zhang):
        first = home.notice_board(request)
        request.META["HTTP_IF_NONE_MATCH"] = first["ETag"]
        with CaptureQueriesContext(connection) as asked:
            second = home.notice_board(request)
    assert (first.status_code, second.status_code, len(asked)) == (200, 304, 0)


def test_a_new_state_comes_with_the_poll(
    cast: Cast, client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    held = lodged(cast)
    tasks.deliver()
    etag = client.get("/notices/board", headers=ASYNC)["ETag"]
    sent_back(cast, held)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.deliver()
    answer = client.get("/notices/board", headers={**ASYNC, "If-None-Match": etag})
    assert (answer.status_code, "轮到您办理" in words(answer.content)) == (200, True)


def test_days_left_change_at_midnight(cast: Cast, client: Client, shifted_clock: None) -> None:
    told(cast, 1)
    etag = client.get("/notices/board", headers=ASYNC)["ETag"]
    clock.shift(timedelta(days=1).total_seconds())
    assert client.get("/notices/board", headers={**ASYNC, "If-None-Match": etag}).status_code == 200


def test_polling_is_no_use_of_the_session(cast: Cast, client: Client) -> None:
    told(cast, 1)
    session = client.session
    session[SEEN_KEY] = session[SEEN_KEY] - 600
    session.save()
    client.get("/notices/board", headers=ASYNC)
    assert client.session[SEEN_KEY] == session[SEEN_KEY]
    client.get("/home/")
    assert client.session[SEEN_KEY] > session[SEEN_KEY]


def test_strangers_and_others_get_no_line(cast: Cast, client: Client) -> None:
    lodged(cast)
    assert browser().get("/notices/board").status_code == 302
    sun = signed_in(cast.sun, APPLICANTS["sun"].number)
    assert "已上报，待受理" not in first_line(sun)


# --- Notices -----------------------------------------------------------------------------------------


def test_opening_a_notice_marks_it_and_leads_to_its_application(cast: Cast, client: Client) -> None:
    held = lodged(cast)
    tasks.deliver()
    notice = Notice.objects.get()
    assert f'action="/notices/{notice.pk}/read"' in client.get("/home/").content.decode()
    opened = client.post(f"/notices/{notice.pk}/read", {"next": "/home/"})
    assert opened["Location"] == f"/applications/{held.pk}/"
    seen = client.get("/home/").content.decode()
    assert (f'href="/applications/{held.pk}/"' in seen, "已读 " in words(seen.encode())) == (True, True)


def test_a_notice_marked_on_the_personal_page_leads_back_there(cast: Cast, client: Client) -> None:
    told(cast, 1)
    notice = Notice.objects.get()
    answer = client.post(f"/notices/{notice.pk}/read", {"next": "/home/", "stay": "1"})
    assert answer["Location"] == "/home/"


def test_thirty_notices_show_the_unread_first_and_count_them(cast: Cast, client: Client) -> None:
    told(cast, 30)
    newest = Notice.objects.order_by("-created_at").first()
    assert newest is not None
    board.mark_seen(cast.zhang.user, newest.pk)
    answer = client.get("/home/").content.decode()
    assert (answer.count('class="notice notice-new"'), "未读 29 条" in words(answer.encode())) == (6, True)


def test_notices_are_read_in_the_readers_language(cast: Cast, client: Client) -> None:
    lodged(cast)
    tasks.deliver()
    client.cookies["language"] = "en"
    page = client.get("/notices/").content.decode()
    assert Notice.objects.get().title_en in page


# --- Every state -------------------------------------------------------------------------------------


def pages(held: Application) -> list[str]:
    return ["/home/", "/history/", *(f"/applications/{held.pk}/{page}" for page in ("", "receipt/"))]


MAY_WITHDRAW = {
    State.SUBMITTED,
    State.CORRECTION,
    State.ACCEPTED,
    State.DEEMED_ACCEPTED,
    State.SENT_BACK,
    State.FIRST_PASSED,
    State.FIRST_FAILED,
}
MAY_COPY = {State.WITHDRAWN, State.LAPSED, State.NOT_ACCEPTED, State.FINAL_FAILED, State.TERMINATED}


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_told_on_every_page_with_the_acts_it_opens(
    cast: Cast, client: Client, state: State
) -> None:
    held = lodged(cast)
    brought_to(state, held, cast.beijing)
    for language in ("zh-hans", "en"):
        client.cookies["language"] = language
        for path in pages(held):
            page = page_of(client, path)
            assert language == "en" or str(state.label) in page, path
            for leftover in ("None", "%(", "{{", "&amp;"):
                assert leftover not in page, (path, leftover)
    client.cookies["language"] = "zh-hans"
    page = page_of(client, f"/applications/{held.pk}/")
    offered = ("撤回申请" in page, "复制为新草稿" in page, "去补正" in page)
    assert offered == (state in MAY_WITHDRAW, state in MAY_COPY, state == State.CORRECTION)


def test_an_application_long_over_leaves_the_personal_page(
    cast: Cast, client: Client, shifted_clock: None
) -> None:
    held = lodged(cast)
    brought_to(State.WITHDRAWN, held, cast.beijing)
    assert "最近的申请" in page_of(client)
    clock.shift(timedelta(days=61).total_seconds())
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    assert "最近的申请" not in page_of(client)


# --- What I can do, and from when --------------------------------------------------------------------


def test_what_is_not_open_says_why_and_from_when_before_any_click(cast: Cast, client: Client) -> None:
    row = factories.registration(cast.zhang, cast.beijing)
    opens = clock.add_months(row.valid_to, -3)
    page = page_of(client)
    assert f"延续注册将于{opens.year}年{opens.month}月{opens.day}日开放。" in page
    assert "开始变更注册" in page
    assert "开始延续注册" not in page


def test_one_reason_for_everything_is_said_once(cast: Cast, client: Client) -> None:
    lodged(cast)
    page = page_of(client)
    assert page.count("您有一件初始注册申请正在办理，办结后才能提出新的申请。") == 1


STANDINGS: list[tuple[Callable[[Cast], Any], str]] = [
    (lambda cast: None, "未注册"),
    (lambda cast: factories.registration(cast.zhang, cast.beijing), "有效"),
    (
        lambda cast: factories.registration(
            cast.zhang, cast.beijing, valid_from=clock.add_years(clock.today(), -3) + timedelta(days=30)
        ),
        "有效（待延续）",
    ),
    (
        lambda cast: (
            factories.registration(cast.zhang, cast.beijing),
            factories.docket_line(cast.zhang, cast.beijing, kind=Kind.CHANGE),
        ),
        "有效（变更中，暂停执业）",
    ),
    (
        lambda cast: (
            factories.registration(
                cast.zhang, cast.beijing, valid_from=clock.add_years(clock.today(), -3) - timedelta(days=5)
            ),
            factories.docket_line(
                cast.zhang,
                cast.beijing,
                kind=Kind.RENEWAL,
                lodged_on=clock.today() - timedelta(days=60),
            ),
        ),
        "有效（视为延续）",
    ),
]


@pytest.mark.parametrize(("before", "word"), STANDINGS)
def test_the_registration_is_told_by_the_registers_word(
    cast: Cast, client: Client, before: Callable[[Cast], Any], word: str
) -> None:
    before(cast)
    assert f"我的注册 {word}" in page_of(client)


def test_a_draft_with_a_suspended_agency_asks_for_another_one(cast: Cast, client: Client) -> None:
    with cast.at_applicants_desk(cast.zhang):
        filing.choose_agency(application=started(cast.zhang), agency=cast.beijing)
    cast.beijing.intake_open = False
    cast.beijing.save(update_fields=["intake_open"])
    assert "北京市应急管理局暂停接收申请，上报前请另选注册机构。" in page_of(client)


def test_a_draft_leads_from_its_address_to_its_step(cast: Cast, client: Client) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = started(cast.zhang)
    assert client.get(f"/applications/{draft.pk}/")["Location"] == f"/applications/{draft.pk}/steps/channel/"
    for page in ("receipt/", "withdrawal/", "correction/"):
        assert client.get(f"/applications/{draft.pk}/{page}").status_code == 404


# --- How much the pages ask --------------------------------------------------------------------------


def nothing(cast: Cast) -> None:
    """Somebody who has only just signed in."""


def with_draft(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang):
        filled(cast.zhang, cast.beijing)


def with_correction(cast: Cast) -> None:
    sent_back(cast, lodged(cast))


def with_everything(cast: Cast) -> None:
    """Registered, an application withdrawn, and a draft."""
    since = clock.add_years(clock.today(), -3) + timedelta(days=30)
    held = lodged(cast)
    brought_to(State.WITHDRAWN, held, cast.beijing)
    factories.registration(cast.zhang, cast.beijing, valid_from=since)
    with cast.at_applicants_desk(cast.zhang):
        started(cast.zhang, Kind.CHANGE)


@pytest.mark.parametrize("before", [nothing, with_draft, lodged, with_correction, with_everything])
@pytest.mark.parametrize("number", [1, 30])
def test_the_personal_page_asks_at_most_ten_times(
    cast: Cast, client: Client, before: Callable[[Cast], Any], number: int
) -> None:
    before(cast)
    told(cast, number)
    asked = queries_of(client, "/home/")
    assert len(asked) <= 10, asked


def test_the_poll_with_news_asks_at_most_eight_times(cast: Cast, client: Client) -> None:
    lodged(cast)
    told(cast, 30)
    asked = queries_of(client, "/notices/board", headers=ASYNC)
    assert len(asked) <= 8, asked


# --- Merged records ----------------------------------------------------------------------------------


def test_what_was_lodged_under_a_merged_record_is_found_by_the_living_one(cast: Cast) -> None:
    held = lodged(cast, cast.sun)
    type(cast.sun).objects.filter(pk=cast.sun.pk).update(merged_into=cast.zhang)
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    assert "已上报，待受理" in page_of(client)
    assert DocketEntry.objects.get().reference in page_of(client, "/history/")
    for page in ("", "receipt/", "withdrawal/"):
        assert client.get(f"/applications/{held.pk}/{page}").status_code == 200
    assert client.post(f"/applications/{held.pk}/withdrawal/").status_code == 302
    assert DocketEntry.objects.get().state == State.WITHDRAWN


def test_reported_applications_wait_for_the_authority(cast: Cast, client: Client) -> None:
    reported(cast, lodged(cast))
    assert "轮到终审机构办理 终审期限 还剩 20 个工作日" in first_line(client)
