from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.http import Http404, HttpRequest
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils.translation import override

from notifications import board, outbox, tasks, views
from notifications.models import Notice
from notifications.urls import urlpatterns as notice_urls
from tenants import crossing, roles
from tenants.crossing import Desk
from tenants.models import Agency, User
from tenants.rolebook import REVIEWER
from tests import factories
from tests.notifications.conftest import Post

pytestmark = pytest.mark.django_db

Asking = Callable[..., HttpRequest]
CLOSED_PORT = "redis://127.0.0.1:9/1"
urlpatterns = [*notice_urls, path("applications/<uuid:application_id>/", views.board, name="application")]


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
        request.desk = "applicant"  # type: ignore[attr-defined]
        return request

    return made


def test_the_board_shows_the_newest_first(told: User) -> None:
    assert [notice.kind for notice in board.notices_of(told)] == ["issued", "announced"]
    assert board.unread_count(told) == 2


def test_the_poll_answers_with_the_lines_and_then_with_304(told: User, asking: Asking) -> None:
    first = views.board(asking(told))
    assert first.status_code == 200
    assert "第2026-12批" in first.content.decode()  # type: ignore[attr-defined]
    assert set(first["Cache-Control"].split(", ")) == {"no-cache", "private"}
    with CaptureQueriesContext(connection) as queries:
        second = views.board(asking(told, **{"If-None-Match": first["ETag"]}))
    assert (second.status_code, second["ETag"], len(queries)) == (304, first["ETag"], 0)


def test_the_page_shows_the_same_version_that_the_poll_answers(told: User, asking: Asking) -> None:
    shown = board.on_page(told)
    assert views.board(asking(told))["ETag"] == f'"{shown["etag"]}"'
    assert [notice.kind for notice in shown["notices"]] == ["issued", "announced"]


def test_another_language_is_another_version(told: User, asking: Asking) -> None:
    chinese = views.board(asking(told))
    with override("en"):
        english = views.board(asking(told, **{"If-None-Match": chinese["ETag"]}))
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
    assert "2026-12" not in views.board(asking(sun)).content.decode()  # type: ignore[attr-defined]


def test_a_notice_leads_to_its_application(told: User, asking: Asking) -> None:
    case = uuid4()
    Notice.objects.update(case_id=case)
    newest = board.notices_of(told)[0]
    assert newest.url == f"/applications/{case}/"
    answer = views.read(asking(told, "post", f"/notices/{newest.pk}/read"), newest.pk)
    assert (answer.status_code, answer["Location"]) == (302, newest.url)


def test_pages_of_all_notices_follow_one_another(zhang: User, post: Post) -> None:
    for number in range(5):
        post(zhang, cause=str(number))
    tasks.deliver()
    everything = list(board.notices_of(zhang))
    first = board.page_before(board.notices_of(zhang), None, 3)
    assert first == everything[:3]
    assert board.page_before(board.notices_of(zhang), first[-1].pk, 3) == everything[3:]


def test_the_list_of_all_notices_offers_to_mark_them_and_to_go_on(
    told: User, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PER_PAGE", 1)
    first = views.notices(asking(told, to="/notices/")).content.decode()  # type: ignore[attr-defined]
    newest = board.notices_of(told)[0]
    assert "全部标为已读（2）" in first
    assert f"/notices/?before={newest.pk}" in first
    assert "证书编号26001000001" in first
    assert "第2026-12批" not in first
    rest = views.notices(asking(told, to=f"/notices/?before={newest.pk}")).content.decode()  # type: ignore[attr-defined]
    assert "第2026-12批" in rest
    assert "证书编号26001000001" not in rest


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
