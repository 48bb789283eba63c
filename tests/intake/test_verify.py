"""执业证验证 on the public desk: the state of today for whoever has the code, and nothing to be guessed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from register import clock, documents
from register.certificates import codes, verification
from register.certificates.verification import Use, Verified
from register.models import Certificate, Kind, Policy, Registration
from register.standing import Status
from tenants import crossing
from tenants.crossing import Desk
from tests import certificates as papers
from tests import factories
from tests.cast import APPLICANTS, Cast
from tests.intake.desk import entered, words

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
ZHANG = APPLICANTS["zhang"]
NOTHING = "没有查到这个验证码对应的执业证"


def browser() -> Client:
    return Client(HTTP_HOST="localhost")


def registered(cast: Cast, **fields: Any) -> Registration:
    return factories.registration(cast.zhang, cast.beijing, number="26001000001", **fields)


def verified(certificate: Certificate) -> Verified:
    with crossing.standing(Desk.APPLICANT):
        found = verification.verify(certificate.code)
    assert found is not None
    return found


# --- What is told ------------------------------------------------------------------------------------


def test_the_page_says_what_the_certificate_says_and_no_document_number(cast: Cast) -> None:
    row = registered(cast)
    stored = papers.certificate(row)
    # Somebody else's, which must not show through.
    papers.certificate(factories.registration(cast.sun, cast.mohurd))
    answer = browser().get(f"/verify/{stored.code}/")
    assert answer.status_code == 200
    said = words(answer.content)
    for shown in (
        *("张测", row.number, "其他安全", row.employer_name, cast.beijing.name_zh, "第 1 版"),
        *("现行证书", "这是现行的执业证，注册有效。", codes.grouped(stored.code)),
    ):
        assert shown in said, shown
    assert "孙测" not in said
    for number in (ZHANG.number, documents.mask("01", ZHANG.number), ZHANG.number[-4:]):
        assert number.encode() not in answer.content
    assert answer["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert b'content="noindex' in answer.content
    assert "no-store" in answer["Cache-Control"]


def test_a_name_is_masked_where_the_policy_says_so(cast: Cast) -> None:
    stored = papers.certificate(registered(cast))
    Policy.objects.create(key="public_name_mask", value=True, valid_from=clock.today(), source="policy value")
    assert verified(stored).card.name == "张*"


@pytest.mark.parametrize(
    ("fields", "line", "status", "said"),
    [
        ({}, "", Status.VALID, "注册有效"),
        ({}, Kind.CHANGE, Status.CHANGE_PENDING, "变更办理期间不得执业"),
        ({"valid_from": -1090, "valid_to": -1}, "", Status.EXPIRED, "不能作为执业凭证"),
        ({"valid_from": -1090, "valid_to": -1}, Kind.RENEWAL, Status.DEEMED_RENEWED, "注册有效"),
        ({"ended_how": "cancelled"}, "", Status.CANCELLED, "不能作为执业凭证"),
        ({"ended_how": "revoked"}, "", Status.REVOKED, "不能作为执业凭证"),
        ({"ended_how": "withdrawn"}, "", Status.WITHDRAWN, "不能作为执业凭证"),
    ],
)
def test_the_state_is_that_of_today(
    cast: Cast, fields: dict[str, Any], line: str, status: Status, said: str
) -> None:
    today = clock.today()
    days = {key: today + value * DAY for key, value in fields.items() if isinstance(value, int)}
    ended = {**fields, "ended_on": today} if "ended_how" in fields else {}
    stored = papers.certificate(registered(cast, **days, **ended))
    if line:
        factories.docket_line(cast.zhang, cast.beijing, kind=line, lodged_on=today - 60 * DAY)
    assert verified(stored).card.status is status
    page = words(browser().get(f"/verify/{stored.code}/").content)
    assert said in page
    assert str(status.label) in page


def test_which_edition_it_is(cast: Cast) -> None:
    today = clock.today()
    row = registered(cast, valid_from=today - 900 * DAY, valid_to=today + 100 * DAY)
    first = papers.certificate(row, void_at=clock.now())
    second = papers.certificate(row, edition=2, occasion="reissue")
    renewal = registered(
        cast,
        kind=Kind.RENEWAL,
        supersedes=row,
        valid_from=row.valid_to + DAY,
        valid_to=row.valid_to + 1000 * DAY,
        granted_on=today,
    )
    coming = papers.certificate(renewal)
    assert [verified(one).use for one in (first, second, coming)] == [Use.REPLACED, Use.IN_USE, Use.TO_COME]
    assert [verified(one).counts for one in (first, second, coming)] == [False, True, True]
    assert "本证作废" in words(browser().get(f"/verify/{first.code}/").content)
    Registration.objects.filter(pk=renewal.pk).update(valid_from=today)
    assert [verified(one).use for one in (second, coming)] == [Use.SUPERSEDED, Use.IN_USE]
    assert "请持证人出示新证" in words(browser().get(f"/verify/{second.code}/").content)


def test_a_code_is_typed_as_one_likes_and_leads_to_the_address_of_the_qr_code(cast: Cast) -> None:
    stored = papers.certificate(registered(cast))
    for typed in (stored.code, codes.grouped(stored.code).lower(), f" {codes.grouped(stored.code)} "):
        answer = browser().post("/verify/", {"code": typed})
        assert (answer.status_code, answer["Location"]) == (302, f"/verify/{stored.code}/")
    assert browser().get(f"/verify/{codes.grouped(stored.code).lower()}/").status_code == 200


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "请填写证书验证码"),
        ("A" * 20, "验证码有误"),
        ("123", "20 位"),
        ("9" * 10_000, "60"),
        ("A\0B", ""),
    ],
)
def test_a_slip_of_the_pen_is_told_beside_the_field(cast: Cast, typed: str, said: str) -> None:
    answer = browser().post("/verify/", {"code": typed})
    assert answer.status_code == 200
    assert said in words(answer.content)


@pytest.mark.parametrize("path", ["A" * 20, "x", "%00", "%F0%9F", "' OR 1=1 --", "A" * 3000])
def test_an_address_that_can_be_no_code_is_no_fault(cast: Cast, path: str) -> None:
    assert browser().get(f"/verify/{path}/").status_code in {400, 404}


def test_both_ways_of_checking_lead_to_each_other(cast: Cast) -> None:
    for page, link in (("/", "/verify/"), ("/verify/", "/registrations/"), ("/registrations/", "/verify/")):
        assert f'href="{link}"' in browser().get(page).content.decode()


# --- Guessing ----------------------------------------------------------------------------------------


def test_unknown_codes_get_one_and_the_same_answer(cast: Cast) -> None:
    stored = papers.certificate(registered(cast))
    body, other = stored.code[:-1], codes.draw()
    near = next(
        code
        for place in range(len(body))
        for sign in codes.ALPHABET
        if sign != body[place]
        for code in [_whole(body[:place] + sign + body[place + 1 :])]
    )
    pages, queries = set(), []
    for code in (near, other):
        client = browser()
        with CaptureQueriesContext(connection) as caught:
            answer = client.get(f"/verify/{code}/")
        assert answer.status_code == 404
        pages.add(re.sub(r'value="[^"]*"', "", answer.content.decode()))
        queries.append(sum("certificate_by_code" in query["sql"] for query in caught.captured_queries))
    assert len(pages) == 1 and NOTHING in words(pages.pop().encode())
    assert queries == [1, 1]


def _whole(body: str) -> str:
    return body + codes._check_character(body)


def test_ten_thousand_guesses_find_nothing(cast: Cast) -> None:
    stored = papers.certificate(registered(cast))
    with crossing.standing(Desk.APPLICANT):
        found = [verification.verify(codes.draw()) for _guess in range(10_000)]
        assert verification.verify(stored.code) is not None
    assert found == [None] * 10_000


def test_a_network_that_guesses_has_to_wait_for_any_code(cast: Cast, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 5
    stored = papers.certificate(registered(cast))
    statuses = [browser().get(f"/verify/{codes.draw()}/").status_code for _guess in range(8)]
    assert statuses == [404, 404, 404, 404, 429, 429, 429, 429]
    assert browser().get(f"/verify/{stored.code}/").status_code == 429
    elsewhere = Client(HTTP_HOST="localhost", REMOTE_ADDR="192.0.2.7")
    assert elsewhere.get(f"/verify/{stored.code}/").status_code == 200


def test_slips_of_the_pen_lock_nobody_out(cast: Cast, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    stored = papers.certificate(registered(cast))
    for _time in range(6):
        browser().get(f"/verify/{'A' * 20}/")
        browser().post("/verify/", {"code": "A" * 20})
    assert browser().get(f"/verify/{stored.code}/").status_code == 200


@pytest.mark.parametrize("desk", [Desk.AGENCY, Desk.AUTHORITY, Desk.CLERK])
def test_only_the_public_desk_asks(cast: Cast, desk: Desk) -> None:
    place = crossing.standing(desk, cast.beijing if desk is Desk.AGENCY else None)
    with pytest.raises(Exception, match="permission denied"), place, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM public.certificate_by_code('x')")


# --- The holder's own --------------------------------------------------------------------------------


def test_the_holder_downloads_the_certificate_and_nobody_else(cast: Cast) -> None:
    row = registered(cast)
    stored = papers.certificate(row)
    client = entered(cast.zhang)
    link = f"/certificates/{stored.pk}/"
    for page in ("/home/", "/history/"):
        assert f'href="{link}"' in client.get(page).content.decode(), page
    answer = client.get(link)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer.content == bytes(stored.data)
    assert answer["Content-Disposition"] == 'attachment; filename="registration-certificate-1.pdf"'
    assert "no-store" in answer["Cache-Control"]
    sun = entered(cast.sun)
    assert sun.get(link).status_code == 404
    assert browser().get(link).status_code == 302
