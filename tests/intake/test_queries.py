"""How often the whole wizard asks the database, counted as it is in production: BEGIN and COMMIT included.

Sessions are remembered by the cache. What every process remembers for all (the law's numbers, code lists,
holidays) has been read before. Taking a place (`SET ROLE …`) goes along with the first statement of a request
and is no query of its own in this count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from intake.flows import Section
from register import clock, codes, policy
from register.models import DocketEntry
from tests.cast import Cast
from tests.intake.desk import (
    DECLARATION,
    EMPLOYER,
    PERSONAL,
    REGISTRATION,
    browser,
    entered,
    portrait,
    posted,
)

pytestmark = pytest.mark.django_db(transaction=True)

MOST: int = 60
ROW = {
    "experience-since": "2014-07",
    "experience-ongoing": "on",
    "experience-employer": EMPLOYER["name"],
    "experience-post": "安全员",
    "experience-work": "1",
}
NEW = "/applications/new/initial/"


def remembered() -> None:
    """Read what every process remembers for all."""
    policy.current()
    codes.entries("category")
    clock.add_working_days(clock.today(), 5)


def test_the_whole_initial_wizard_asks_at_most_sixty_times(cast: Cast) -> None:
    """The manual's way, signed in, from the first page to lodged; the receipt comes after."""
    client = entered(cast.zhang)
    client.get("/home/")
    remembered()
    asked: dict[str, int] = {}

    def counted(name: str, request: Callable[[], Any]) -> Any:
        with CaptureQueriesContext(connection) as queries:
            answer = request()
        asked[f"{len(asked) + 1:02d} {name}"] = len(queries)
        return answer

    def look(path: str) -> None:
        assert counted(f"GET {path.rpartition('steps/')[2]}", lambda: client.get(path)).status_code == 200

    def send(path: str, data: dict[str, Any]) -> str:
        answer = counted(f"POST {path.rpartition('steps/')[2]}", lambda: client.post(path, data))
        assert answer.status_code == 302, answer.content.decode()
        return str(answer["Location"]).partition("#")[0]

    look(NEW)
    step = send(NEW, {})
    for slug, data in pages():
        assert f"/steps/{slug}/" in step
        look(step)
        step = send(step, data)
    assert DocketEntry.objects.get().person == cast.zhang
    assert sum(asked.values()) <= MOST, asked
    assert step.endswith("/receipt/")
    look(step)


def pages() -> list[tuple[str, dict[str, Any]]]:
    """What is typed on each page, in the manual's order."""
    photo = SimpleUploadedFile("photo.jpg", portrait(), content_type="image/jpeg")
    personal = posted(Section.PERSONAL, PERSONAL) | posted(Section.REGISTRATION, REGISTRATION)
    return [
        ("channel", {"agency": "beijing"}),
        ("personal", {**personal, "photo-file": photo, "go": "next"}),
        ("employer", {**posted(Section.EMPLOYER, EMPLOYER), "go": "next"}),
        ("experience", {**ROW, "go": "add"}),
        ("experience", {"go": "next"}),
        ("preview", {**posted(Section.DECLARATION, DECLARATION), "go": "lodge"}),
    ]


def test_a_session_is_looked_up_in_the_cache_and_goes_on_without_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = entered(cast.zhang)

    def of_sessions() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/home/").status_code == 200
        return sum("tenants_session" in query["sql"] for query in queries)

    assert of_sessions() == 0
    monkeypatch.setattr("tenants.session_store.Patient._ask", lambda *given: None)
    assert of_sessions() == 1


def test_signing_out_ends_the_session_in_table_and_cache(cast: Cast) -> None:
    client, other = entered(cast.zhang), browser()
    client.get("/home/")
    other.cookies["sessionid"] = client.cookies["sessionid"].value
    client.post("/signout/")
    assert other.get("/home/").status_code == 302
