"""The host decides whose desk a request reaches; nothing else does."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from portal.hosts import bare_host
from tests.cast import Cast
from tests.review.desks import sign_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost:8000", "localhost"),
        ("Beijing.LOCALHOST", "beijing.localhost"),
        ("beijing.localhost.", "beijing.localhost"),
        ("beijing.localhost.:8000", "beijing.localhost"),
        ("[::1]:8000", "[::1]"),
        ("", ""),
    ],
)
def test_a_host_is_compared_bare(header: str, host: str) -> None:
    assert bare_host(header) == host


@pytest.mark.parametrize(
    "host", ["nobody.localhost", "beijing.localhost.evil.example", "evil.example", "public.localhost", ""]
)
def test_unknown_hosts_are_not_found(cast: Cast, host: str) -> None:
    assert Client(headers={"host": host}).get("/").status_code == 404


@pytest.mark.parametrize(
    "forged", [{"x-forwarded-host": "mohurd.localhost"}, {"forwarded": "host=mohurd.localhost"}]
)
def test_a_forged_forwarding_header_changes_nothing(cast: Cast, forged: dict[str, str]) -> None:
    page = Client(headers={"host": "beijing.localhost", **forged}).get("/signin/").content.decode()
    assert cast.beijing.name_zh in page
    assert cast.mohurd.name_zh not in page


def test_a_session_copied_to_another_host_is_nobodys(cast: Cast) -> None:
    beijing = Client(headers={"host": "beijing.localhost"})
    sign_in(beijing, cast.user("li"))
    assert beijing.get("/cases/").status_code == 200
    for host in ("mohurd.localhost", "authority.localhost"):
        thief = Client(headers={"host": host})
        thief.cookies["sessionid"] = beijing.cookies["sessionid"].value
        answer = thief.get("/cases/")
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/signin/")
    applicant = Client(headers={"host": "localhost"})
    applicant.cookies["sessionid"] = beijing.cookies["sessionid"].value
    assert applicant.get("/home/").status_code == 302


def test_health_says_what_works(cast: Cast) -> None:
    client = Client(headers={"host": "localhost"})
    assert client.get("/health/live").content == b"ok"
    assert json.loads(client.get("/health/ready").content)["database"] is True
