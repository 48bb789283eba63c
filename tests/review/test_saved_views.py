"""Saved views: tab and filters under a name, one's own or shared at the desk, never a document number."""

from __future__ import annotations

import pytest

from review import saved
from tenants.models import SavedView
from tests.cast import Cast
from tests.review.desks import DeskClient, at_desk, words
from tests.review.test_queue import lodge_many

pytestmark = pytest.mark.django_db

QUERY = "tab=submitted&due=over&kind=initial"


def keep(client: DeskClient, name: str, **more: str) -> int:
    given = {"name": name, "query": QUERY, "here": "/cases/?tab=submitted", **more}
    return client.post("/views/", given).status_code


def names_on(client: DeskClient) -> list[str]:
    return [view.name for view in client.get("/cases/").context["saved_views"]]


def test_a_view_is_kept_shared_renamed_and_deleted(cast: Cast) -> None:
    lodge_many(cast, 1)
    li, liu, he = at_desk(cast, "li"), at_desk(cast, "liu"), at_desk(cast, "he")
    assert (keep(li, "超期初始"), keep(li, "大家的", shared="on"), keep(he, "部里的", shared="on")) == (
        302,
    ) * 3
    assert (names_on(li), names_on(liu), names_on(he)) == (["大家的", "超期初始"], ["大家的"], ["部里的"])
    view = SavedView.objects.get(name="大家的")
    assert view.query == "tab=submitted&kind=initial&due=over"
    shown = li.get(f"/cases/?{view.query}")
    assert [one.current for one in shown.context["saved_views"]] == [True, True]
    assert liu.post(f"/views/{view.pk}/", {"name": "别人的"}).status_code == 404
    assert liu.post(f"/views/{view.pk}/deletion/").status_code == 404
    li.post(f"/views/{view.pk}/", {"name": "我的"})
    assert (names_on(li), names_on(liu)) == (["我的", "超期初始"], [])
    assert "确定删除视图“我的”吗" in li.page(f"/views/{view.pk}/deletion/")
    assert SavedView.objects.filter(pk=view.pk).exists()
    li.post(f"/views/{view.pk}/deletion/")
    assert names_on(li) == ["超期初始"]


def test_a_name_is_given_once_and_nothing_typed_is_lost(cast: Cast) -> None:
    li = at_desk(cast, "li")
    assert keep(li, "超期") == 302
    again = li.post("/views/", {"name": "超期", "query": QUERY, "shared": "on"})
    page = again.content.decode()
    assert again.status_code == 422
    assert "您已经有一个同名的视图" in words(again)
    assert 'value="超期"' in page
    assert "tab=submitted" in page
    assert li.post("/views/", {"name": " ", "query": QUERY}).status_code == 422
    assert keep(at_desk(cast, "liu"), "超期") == 302


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("tab=all&after=2026-01-01~x&document=" + "a" * 64, "tab=all"),
        ("search=11000019900101003X&kind=renewal", "kind=renewal"),
        ("search=110000199001010031", ""),
        ("search=赵&unknown=1&hold=mine", "hold=mine&search=%E8%B5%B5"),
    ],
)
def test_what_of_an_address_is_kept(query: str, kept: str) -> None:
    assert saved.kept_of(query) == kept


def test_an_auditor_keeps_views_too_and_the_authority_has_its_own(cast: Cast) -> None:
    xu, zhao = at_desk(cast, "xu"), at_desk(cast, "zhao")
    assert (keep(xu, "审计用", shared="on"), keep(zhao, "终审用", shared="on")) == (302, 302)
    assert (names_on(xu), names_on(zhao)) == (["审计用"], ["终审用"])
