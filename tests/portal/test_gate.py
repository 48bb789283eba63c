"""What no honest browser sends gets a page, never a failure."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import translation

from tests.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("/agencies/?q=%00", "localhost"),
        ("/password/forgotten/?q=a%00b", "localhost"),
        ("/signin/?next=%00", "beijing.localhost"),
        ("/invitations/1/a%00b/", "beijing.localhost"),
    ],
)
def test_nul_in_the_address_is_a_bad_request(cast: Cast, address: str, host: str) -> None:
    answer = Client(headers={"host": host}).get(address)
    assert answer.status_code == 400
    assert "提交的内容无法处理" in answer.content.decode()


def test_a_cookie_with_nul_is_no_cookie(cast: Cast) -> None:
    browser = Client(headers={"host": "localhost", "cookie": 'sessionid="\\000aaaaaaaaaaaa"'})
    assert browser.get("/").status_code == 200


def test_more_than_a_form_holds_is_a_bad_request_in_both_languages(cast: Cast) -> None:
    browser = Client(headers={"host": "localhost"})
    kind = "application/x-www-form-urlencoded"
    sent = "name=" + "x" * 6_000_000
    with translation.override("zh-hans"):
        answers = [
            browser.post("/password/set/", sent, kind, headers={"accept-language": asked})
            for asked in ("zh-CN", "en")
        ]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert "提交的内容无法处理" in answers[0].content.decode()
    assert "cannot be processed" in answers[1].content.decode()
