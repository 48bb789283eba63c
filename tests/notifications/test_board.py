from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from unittest import mock
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.http import Http404, HttpRequest, QueryDict
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone
from django.utils.translation import override

from notifications import board, outbox, tasks, views
from notifications.board import Place
from notifications.models import Notice
from notifications.urls import urlpatterns as notice_urls
from tenants import crossing, roles, second_factor
from tenants.crossing import Desk
from tenants.models import Agency, User
from tenants.rolebook import REVIEWER
from tests import factories
from tests.notifications.conftest import Post

pytestmark = pytest.mark.django_db

Asking = Callable[..., HttpRequest]
CLOSED_PORT = "redis://127.0.0.1:9/1"
urlpatterns = [
    *notice_urls,
    path("notices/board", views.staff_board, name="notice_board"),
    path("home/", views.notices, name="home"),
    path("applications/<uuid:application_id>/", views.notices, name="application"),
]


@pytest.fixture(autouse=True)
def _urls(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def told(zhang: User, post: Post) -> User:
    """Somebody with two notices on the board."""
    post(zhang, "announced", "1", batch="2026-12")
    post(zhang, "issued", "2", number="26001000001", delivery="初审机构领取")
    tasks.deliver()
    return zhang


@pytest.fixture
def asking(rf: RequestFactory) -> Asking:
    """A request of somebody at the applicant's desk."""

    def made(user: User, method: str = "get", to: str = "/notices/board", **headers: str) -> HttpRequest:
        request: HttpRequest = getattr(rf, method)(to, headers=headers)
        request.user = user
        request.session = {}  # type: ignore[assignment]
        user.second_factor_mark, user.password_set_at = "mark", timezone.now()
        second_factor.let_in(request, user)
        request.desk = "applicant"  # type: ignore[attr-defined]
        # The applicant's poll stands with the first line in intake; the staff's is the board alone.
        request.roles = frozenset({REVIEWER.code})  # type: ignore[attr-defined]
        return request

    return made


def kinds(notices: Iterable[Notice]) -> list[str]:
    return [notice.kind for notice in notices]


def test_the_board_shows_the_unread_first_and_then_the_newest(told: User, post: Post) -> None:
    assert kinds(board.notices_of(told)) == ["issued", "announced"]
    board.mark_seen(told, board.notices_of(told)[0].pk)
    post(told, "thirty_days", "3")
    tasks.deliver()
    assert kinds(board.notices_of(told)) == ["thirty_days", "announced", "issued"]
    shown = board.on_page(told)
    assert (kinds(shown["notices"]), shown["unread"]) == (["thirty_days", "announced", "issued"], 2)


def test_the_poll_answers_with_the_lines_and_then_with_304(told: User, asking: Asking) -> None:
    first = views.staff_board(asking(told))
    assert first.status_code == 200
    assert "第2026-12批" in first.content.decode()  # type: ignore[attr-defined]
    assert set(first["Cache-Control"].split(", ")) == {"no-cache", "private"}
    with CaptureQueriesContext(connection) as queries:
        second = views.staff_board(asking(told, **{"If-None-Match": first["ETag"]}))
    assert (second.status_code, second["ETag"], len(queries)) == (304, first["ETag"], 0)


def test_the_page_shows_the_same_version_that_the_poll_answers(told: User, asking: Asking) -> None:
    shown = board.on_page(told)
    assert views.staff_board(asking(told))["ETag"] == f'"{shown["etag"]}"'
    assert [notice.kind for notice in shown["notices"]] == ["issued", "announced"]


def test_another_language_is_another_version(told: User, asking: Asking) -> None:
    chinese = views.staff_board(asking(told))
    with override("en"):
        english = views.staff_board(asking(told, **{"If-None-Match": chinese["ETag"]}))
    assert english.status_code == 200
    assert "batch 2026-12" in english.content.decode()  # type: ignore[attr-defined]


def test_reading_a_notice_changes_the_version_and_only_once(told: User) -> None:
    before = board.version_of(told.pk)
    newest = board.notices_of(told)[0]
    assert [board.mark_seen(told, newest.pk), board.mark_seen(told, newest.pk)] == [1, 0]
    assert board.version_of(told.pk) != before
    assert board.unread_count(told) == 1
    assert board.mark_seen(told) == 1


def test_nobody_reads_or_marks_somebody_elses_notice(told: User, sun: User, asking: Asking) -> None:
    newest = board.notices_of(told)[0]
    assert board.mark_seen(sun, newest.pk) == 0
    with pytest.raises(Http404):
        views.read(asking(sun, "post", f"/notices/{newest.pk}/read"), newest.pk)
    assert "2026-12" not in views.staff_board(asking(sun)).content.decode()  # type: ignore[attr-defined]


def test_a_notice_leads_to_its_application(told: User, asking: Asking) -> None:
    case = uuid4()
    Notice.objects.update(case_id=case)
    newest = board.notices_of(told)[0]
    assert newest.url == f"/applications/{case}/"
    answer = views.read(asking(told, "post", f"/notices/{newest.pk}/read"), newest.pk)
    assert (answer.status_code, answer["Location"]) == (302, newest.url)


def test_a_notice_read_without_opening_it_leads_back_to_its_list(told: User, asking: Asking) -> None:
    Notice.objects.update(case_id=uuid4())
    newest = board.notices_of(told)[0]
    request = asking(told, "post", f"/notices/{newest.pk}/read")
    request.POST = QueryDict("stay=1&next=/notices/?kind=status")
    answer = views.read(request, newest.pk)
    assert (answer["Location"], board.counts_of(told)[""].unread) == ("/notices/?kind=status", 1)


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_nobody_is_led_to_another_site(told: User, asking: Asking, elsewhere: str) -> None:
    request = asking(told, "post", "/notices/read")
    request.POST = QueryDict(urlencode({"next": elsewhere}))
    request._messages = mock.Mock()  # type: ignore[attr-defined]
    assert views.read_all(request)["Location"] == "/notices/"


# --- All notices -------------------------------------------------------------------------------------


@pytest.fixture
def seven(zhang: User, post: Post) -> User:
    """Somebody with seven notices, of which the second and the fifth newest have been read."""
    for number in range(7):
        post(zhang, "announced" if number % 2 else "thirty_days", str(number), batch=f"{number}")
    tasks.deliver()
    newest = list(board.notices_of(zhang))
    for place in (1, 4):
        board.mark_seen(zhang, newest[place].pk)
    return zhang


def causes(page: board.Page) -> list[str]:
    return [notice.outbox.cause for notice in page.notices]


def test_pages_of_all_notices_follow_one_another_and_lead_back(seven: User) -> None:
    everything = board.notices_of(seven)
    first = board.page_of(everything, 3)
    second = board.page_of(everything, 3, after=Place.parse(first.after))
    last = board.page_of(everything, 3, after=Place.parse(second.after))
    assert [causes(page) for page in (first, second, last)] == [["6", "4", "3"], ["1", "0", "5"], ["2"]]
    assert (first.before, last.after) == ("", "")
    back = board.page_of(everything, 3, before=Place.parse(last.before))
    assert (causes(back), causes(board.page_of(everything, 3, before=Place.parse(back.before)))) == (
        ["1", "0", "5"],
        ["6", "4", "3"],
    )


def test_reading_the_last_notice_of_a_page_does_not_skip_the_next_ones(seven: User) -> None:
    first = board.page_of(board.notices_of(seven), 2)
    board.mark_seen(seven, first.notices[-1].pk)
    rest = board.page_of(board.notices_of(seven), 2, after=Place.parse(first.after))
    assert causes(rest) == ["3", "1"]


def test_a_page_takes_as_many_queries_however_many_notices_there_are(
    zhang: User, post: Post, asking: Asking
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert views.notices(asking(zhang, to="/notices/")).status_code == 200
        return len(queries)

    post(zhang, cause="0")
    tasks.deliver()
    one = asked()
    for number in range(1, 30):
        post(zhang, cause=str(number))
    tasks.deliver()
    # Notices and counts, and how far they came by e-mail and SMS.
    assert (one, asked()) == (3, 3)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("/notices/", ["6", "4", "3", "1", "0", "5", "2"]),
        ("/notices/?kind=status", ["3", "1", "5"]),
        ("/notices/?kind=reminder&unread=1", ["6", "4", "0"]),
        ("/notices/?kind=nothing&after=x7&before=u", ["6", "4", "3", "1", "0", "5", "2"]),
        ("/notices/?after=u99999999999999999999", ["6", "4", "3", "1", "0", "5", "2"]),
        ("/notices/?kind=system", []),
    ],
)
def test_notices_are_chosen_by_kind_and_by_what_is_unread(
    seven: User, asking: Asking, address: str, shown: list[str]
) -> None:
    page = views.notices(asking(seven, to=address)).content.decode()  # type: ignore[attr-defined]
    ids = [int(found) for found in re.findall(r'id="notice-(\d+)"', page)]
    cause_of = dict(Notice.objects.values_list("pk", "outbox__cause"))
    assert [cause_of[pk] for pk in ids] == shown


def test_the_pages_keep_what_was_chosen(seven: User, asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PER_PAGE", 1)
    page = views.notices(asking(seven, to="/notices/?kind=status&unread=1")).content.decode()  # type: ignore[attr-defined]
    third = Notice.objects.get(outbox__cause="3")
    assert f"/notices/?kind=status&amp;unread=1&amp;after=u{third.pk}" in page
    assert "全部标为已读（2）" in page
    assert 'href="/notices/?unread=1"' in page


def test_everything_of_one_kind_is_marked_and_nothing_else(seven: User, asking: Asking) -> None:
    request = asking(seven, "post", "/notices/read")
    request.POST = QueryDict("kind=status&next=/notices/?kind=status")
    request._messages = mock.Mock()  # type: ignore[attr-defined]
    assert views.read_all(request)["Location"] == "/notices/?kind=status"
    counts = board.counts_of(seven)
    assert (counts["status"].unread, counts["reminder"].unread, counts[""].all) == (0, 3, 7)


def test_a_read_notice_says_when_it_was_read(told: User, asking: Asking) -> None:
    board.mark_seen(told)
    page = views.notices(asking(told, to="/notices/")).content.decode()  # type: ignore[attr-defined]
    assert (page.count("已读 "), "没有未读的公告" in page, "标为已读" in page) == (2, True, False)


# --- The version -------------------------------------------------------------------------------------


def test_a_notice_that_arrives_while_the_version_is_counted_is_not_missed(
    told: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = board._count

    def counted_while_delivered(user_id: int) -> str:
        version = count(user_id)
        board.touch([user_id])
        return version

    monkeypatch.setattr(board, "_count", counted_while_delivered)
    version = board.version_of(told.pk)
    assert version != count(told.pk)
    assert board.version_of(told.pk) == version


@pytest.mark.walls
def test_the_applicants_desk_sees_only_the_board_of_its_own_account(post: Post) -> None:
    zhang, sun = factories.person("张测"), factories.person("孙测")
    for person in (zhang, sun):
        post(person.user, cause=str(person.pk))
    tasks.deliver()
    with crossing.standing(Desk.APPLICANT), crossing.acting_as(zhang.pk):
        assert [notice.user for notice in Notice.objects.all()] == [zhang.user]
        assert board.mark_seen(zhang.user) == 1
        assert board.mark_seen(sun.user) == 0


@pytest.mark.walls
def test_staff_see_their_board_at_their_desk() -> None:
    agency = Agency.objects.get(code="beijing")
    li = User.objects.create_staff(username="li.board", name="李初审")
    roles.grant(user=li, agency=agency, role=REVIEWER, by=None)
    data = {"by": "王复核", "kind": "初始注册", "reference": "ZC1", "due": "2026-12-01"}
    with transaction.atomic():
        outbox.post(user_id=li.pk, kind="assigned", cause="m1", data=data)
    tasks.deliver()
    with crossing.standing(Desk.AGENCY, agency):
        assert [notice.kind for notice in board.notices_of(li)] == ["assigned"]


@pytest.mark.fault
def test_without_a_cache_the_version_is_counted_and_still_changes(
    told: User, post: Post, settings: Any
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": CLOSED_PORT,
            "OPTIONS": {"socket_connect_timeout": 0.05, "socket_timeout": 0.2},
        }
    }
    before = board.version_of(told.pk)
    assert board.version_of(told.pk) == before
    board.mark_seen(told)
    read = board.version_of(told.pk)
    post(told, "thirty_days", "3")
    tasks.deliver()
    assert len({before, read, board.version_of(told.pk)}) == 3
