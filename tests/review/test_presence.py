"""Who has a case open now: by name, within the agency only, and nobody when the cache is down."""

from __future__ import annotations

import time

import pytest
from django.core.cache import cache

from review import presence
from tenants import crossing
from tenants.crossing import Desk
from tests.cast import Cast
from tests.review.desks import at_desk
from tests.review.test_queue import lodge_many

pytestmark = pytest.mark.django_db

# The page asks, nobody clicked.
BY_ITSELF = {"X-Requested-With": "XMLHttpRequest"}


@pytest.fixture(autouse=True)
def _nobody_yet() -> None:
    cache.clear()


def test_colleagues_see_one_another_and_nobody_sees_himself(cast: Cast) -> None:
    (case,) = lodge_many(cast, 1)
    li, liu = cast.user("li"), cast.user("liu")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        assert presence.look(case.pk, li) == []
        assert presence.look(case.pk, liu) == ["李初审"]
        assert presence.look(case.pk, li) == ["刘初审"]
        assert presence.seen_many([case.pk], but=0) == {case.pk: ["刘初审", "李初审"]}
        assert presence.seen_many([case.pk], but=li.pk) == {case.pk: ["刘初审"]}
        assert presence.seen_many([], but=0) == {}


def test_a_look_fades(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    (case,) = lodge_many(cast, 1)
    now = 1_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        presence.look(case.pk, cast.user("li"))
        monkeypatch.setattr(time, "time", lambda: now + presence.SECONDS - 1)
        assert presence.look(case.pk, cast.user("liu")) == ["李初审"]
        monkeypatch.setattr(time, "time", lambda: now + presence.SECONDS + 1)
        assert presence.seen_many([case.pk], but=0) == {case.pk: ["刘初审"]}


def test_another_agency_sees_nobody_even_at_the_same_id(cast: Cast) -> None:
    (case,) = lodge_many(cast, 1)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        presence.look(case.pk, cast.user("li"))
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        assert presence.seen_many([case.pk], but=0) == {}
        assert presence.look(case.pk, cast.user("he")) == []
    with crossing.standing(Desk.AGENCY, cast.beijing):
        assert presence.seen_many([case.pk], but=0) == {case.pk: ["李初审"]}
    assert at_desk(cast, "he").post(f"/cases/{case.pk}/presence/").status_code == 404


def test_without_a_cache_nobody_is_seen_and_nothing_fails(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    (case,) = lodge_many(cast, 1)

    def down(*_given: object, **_named: object) -> object:
        raise ConnectionError

    monkeypatch.setattr(presence, "cache", type("Down", (), dict.fromkeys(("get", "set", "get_many"), down)))
    with crossing.standing(Desk.AGENCY, cast.beijing):
        assert presence.look(case.pk, cast.user("li")) == []
        assert presence.seen_many([case.pk], but=0) == {}


def test_page_and_queue_tell_who_is_looking(cast: Cast) -> None:
    (case,) = lodge_many(cast, 1)
    li, liu = at_desk(cast, "li"), at_desk(cast, "liu")
    assert li.post(f"/cases/{case.pk}/presence/", headers=BY_ITSELF).json() == {"words": ""}
    assert liu.post(f"/cases/{case.pk}/presence/", headers=BY_ITSELF).json() == {"words": "李初审正在查看"}
    assert f'data-presence="/cases/{case.pk}/presence/"' in li.get(f"/cases/{case.pk}/").content.decode()
    assert "刘初审正在查看" in li.page("/")
    assert "李初审正在查看" not in li.page("/")
    assert at_desk(cast, "chen").post(f"/cases/{case.pk}/presence/").status_code == 404
