"""柜台重置: a code made at the counter opens the page of a password once, and tells strangers nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from intake import counter as intake_counter
from notifications import delivery
from notifications.models import Notice
from register import clock, documents, policy
from register.models import Person
from review import counter as desk_counter
from tenants import counter, credentials, crossing
from tenants.counter import Standing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import CounterCode, User
from tests.cast import APPLICANTS, PASSWORD, Cast
from tests.intake.desk import browser, captcha, set_password, signed_in, words
from tests.intake.test_recovery import NEW, STRANGER, can_sign_in

pytestmark = pytest.mark.django_db

ZHANG, SUN = APPLICANTS["zhang"], APPLICANTS["sun"]
PATH = "/password/counter/"
WRONG = "AAAA-AAAA"


@pytest.fixture(autouse=True)
def _cache_of_its_own(settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


def issued(cast: Cast, who: Any = ZHANG, *, agency: str = "beijing", by: str = "li") -> str:
    """A code from the counter, as it is written on the slip."""
    home = cast.agencies[agency]
    with crossing.standing(Desk.AGENCY, home):
        _row, letters = desk_counter.issue(
            agency=home,
            name=who.name,
            document_type="01",
            number=who.number,
            reason="本人到柜台",
            by=cast.user(by),
        )
    return credentials.counter_code_shown(letters)


def give(code: str, *, client: Client | None = None, who: Any = ZHANG, **changes: str) -> Any:
    """Give a code at the applicant's desk; where that leads."""
    client = client or browser()
    given = {"name": who.name, "document_type": "01", "number": who.number, "code": code, **changes}
    return client.post(PATH, {**given, **captcha(client, PATH)})


def renew(client: Client, password: str = NEW) -> Any:
    return client.post(f"{PATH}new/", {"password": password, "again": password})


def told(answer: Any) -> str:
    return words(answer.content)


def opens(answer: Any) -> bool:
    return bool(answer.status_code == 302 and answer["Location"] == f"{PATH}new/")


# --- The way back --------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [True, False], ids=["forgotten", "never set"])
def test_a_code_sets_a_password_the_first_or_another(cast: Cast, before: bool) -> None:
    if before:
        set_password(cast.zhang)
    code, client = issued(cast), browser()
    assert opens(give(code, client=client))
    assert renew(client)["Location"] == "/"
    assert can_sign_in(ZHANG.number, NEW)
    assert not can_sign_in(ZHANG.number, PASSWORD)
    with crossing.standing(Desk.CLERK):
        delivery.deliver_all()
    assert [notice.title_zh for notice in Notice.objects.filter(user=cast.zhang.user_id)] == ["密码已修改"]


@pytest.mark.parametrize(
    "spelling", [str.lower, lambda code: code.replace("-", " "), lambda code: f" {code[:4]}{code[5:]} "]
)
def test_a_code_is_read_however_it_is_typed(cast: Cast, spelling: Any) -> None:
    assert opens(give(spelling(issued(cast))))


def test_all_other_sessions_of_the_account_end(cast: Cast) -> None:
    elsewhere, client = signed_in(cast.zhang, ZHANG.number), browser()
    give(issued(cast), client=client)
    renew(client)
    assert elsewhere.get("/home/")["Location"] == "/?next=/home/"


def test_a_code_is_used_once(cast: Cast) -> None:
    code, first, second = issued(cast), browser(), browser()
    assert opens(give(code, client=first))
    assert opens(give(code, client=second))
    renew(first)
    answer = second.post(f"{PATH}new/", {"password": "Third-pass-3", "again": "Third-pass-3"}, follow=True)
    assert "重置码已过期或者已使用" in told(answer)
    assert not opens(give(code))
    assert can_sign_in(ZHANG.number, NEW)


def test_a_new_code_makes_the_one_before_void(cast: Cast) -> None:
    first, second = issued(cast), issued(cast)
    assert [opens(give(first)), opens(give(second))] == [False, True]


def test_a_code_holds_half_an_hour(cast: Cast, shifted_clock: None) -> None:
    clock.travel_to(datetime.fromisoformat("2026-11-23T10:00:00+08:00"))
    code, client = issued(cast), browser()
    clock.travel_to(datetime.fromisoformat("2026-11-23T10:29:00+08:00"))
    assert opens(give(code, client=client))
    clock.travel_to(datetime.fromisoformat("2026-11-23T10:31:00+08:00"))
    assert not opens(give(code))
    assert "重置码已过期" in told(client.post(f"{PATH}new/", {"password": NEW, "again": NEW}, follow=True))


def test_a_weak_password_uses_nothing_up(cast: Cast) -> None:
    client = browser()
    give(issued(cast), client=client)
    assert "密码至少需要 8 个字符。" in told(renew(client, "short1A"))
    assert renew(client).status_code == 302


def test_without_a_code_there_is_no_page(cast: Cast) -> None:
    for answer in (browser().get(f"{PATH}new/"), renew(browser())):
        assert answer["Location"] == PATH


def test_a_claim_cannot_be_put_into_a_session_by_hand(cast: Cast) -> None:
    issued(cast)
    row, client = CounterCode.objects.get(), browser()
    session = client.session
    session["desk"], session[intake_counter.CODE_KEY] = "applicant:", f'["{cast.zhang.pk}", "{row.pk}"]'
    session.save()
    client.cookies["sessionid"] = session.session_key or ""
    assert renew(client)["Location"] == PATH


# --- One answer for everybody --------------------------------------------------------------------------


def test_whatever_is_wrong_the_answer_is_the_same(cast: Cast) -> None:
    code = issued(cast)
    spent = issued(cast, SUN)
    User.objects.filter(person=cast.gu).update(is_active=False)
    closed = issued(cast, APPLICANTS["gu"])
    asked = {
        "wrong code": give(WRONG),
        "wrong name": give(code, name="李四"),
        "unknown person": give(code, number=STRANGER),
        "another one's code": give(spent),
        "without a code": give(WRONG, who=SUN),
        "closed": give(closed, who=APPLICANTS["gu"]),
    }
    pages = {
        re.sub(r"value=\"[^\"]*\"|/captcha/\S+|\w{40,}", "", answer.content.decode())
        for answer in asked.values()
    }
    assert {answer.status_code for answer in asked.values()} == {200}
    assert len(pages) == 1
    assert str(intake_counter.NO_MATCH) in told(asked["wrong code"])


def test_the_database_is_asked_the_same_known_or_unknown(cast: Cast) -> None:
    issued(cast)
    asked = {}
    for who, number in {"coded": ZHANG.number, "without a code": SUN.number, "unknown": STRANGER}.items():
        client = browser()
        given = {
            "name": "某某",
            "document_type": "01",
            "number": number,
            "code": WRONG,
            **captcha(client, PATH),
        }
        with CaptureQueriesContext(connection) as queries:
            client.post(PATH, given)
        asked[who] = [re.sub(r"'[^']*'|\d+", "…", query["sql"]) for query in queries]
    assert asked["coded"] == asked["without a code"] == asked["unknown"]


def test_five_tries_and_a_code_is_spent(cast: Cast, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 50
    code = issued(cast)
    for _try in range(5):
        assert not opens(give(WRONG))
    assert not opens(give(code))
    assert counter.standing_of(CounterCode.objects.get(), clock.now()) is Standing.SPENT


@pytest.mark.parametrize("number", [ZHANG.number, STRANGER])
def test_too_many_tries_have_to_wait_known_or_not(cast: Cast, number: str, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    assert [give(WRONG, number=number).status_code for _ in range(4)] == [200, 200, 429, 429]


def test_nothing_readable_is_kept(cast: Cast) -> None:
    code = issued(cast)
    give(code, number=STRANGER)
    kept = str(list(CounterCode.objects.values())) + str(list(AccessAttempt.objects.values()))
    for secret in (code, code.replace("-", ""), ZHANG.number, STRANGER):
        assert secret not in kept


def test_a_wrong_captcha_tries_nothing(cast: Cast) -> None:
    code = issued(cast)
    given = {"name": ZHANG.name, "document_type": "01", "number": ZHANG.number, "code": code}
    answer = browser().post(PATH, {**given, "captcha_0": "x", "captcha_1": "0000"})
    assert "验证码不正确或已过期" in told(answer)
    assert CounterCode.objects.get().attempts == 0


def test_the_recovery_page_leads_to_the_code(cast: Cast) -> None:
    assert f'href="{PATH}"' in browser().get("/password/forgotten/").content.decode()


# --- At the counter ------------------------------------------------------------------------------------


def standings(person: Person) -> list[Standing]:
    rows = CounterCode.objects.filter(person_id=person.pk).order_by("issued_at")
    return [counter.standing_of(row, clock.now()) for row in rows]


@pytest.mark.parametrize(("name", "number"), [("李四", ZHANG.number), (ZHANG.name, STRANGER)])
def test_who_is_not_in_the_register_is_plainly_not_found(cast: Cast, name: str, number: str) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing), pytest.raises(Refusal) as no:
        desk_counter.issue(
            agency=cast.beijing, name=name, document_type="01", number=number, reason="", by=cast.user("li")
        )
    assert no.value.code == "unknown"
    assert CounterCode.objects.count() == 0


def test_who_has_a_verified_address_gets_no_code(cast: Cast) -> None:
    account = User.objects.filter(person=cast.zhang)
    account.update(email="zhang@example.cn", email_verified=True)
    with pytest.raises(Refusal, match="请用邮箱找回"):
        issued(cast)
    assert CounterCode.objects.count() == 0
    account.update(email_verified=False)
    assert opens(give(issued(cast)))


def test_a_former_number_is_oneself_too(cast: Cast) -> None:
    old = documents.digest("01", STRANGER)
    cast.zhang.former_numbers.create(
        document_digest=old, document_mask="110000********0000", until="2020-01-01"
    )
    cast.user("li").document_digest = old
    with pytest.raises(Refusal) as no:
        issued(cast)
    assert no.value.code == "oneself"
    assert issued(cast, SUN)


def test_a_used_code_makes_every_other_one_void(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    used, others = browser(), issued(cast, SUN)
    issued(cast, agency="mohurd", by="he")
    assert opens(give(issued(cast), client=used))
    two_persons(monkeypatch)
    issued(cast, agency="sinopec", by="ma")
    renew(used)
    assert standings(cast.zhang) == [Standing.CANCELLED, Standing.USED, Standing.CANCELLED]
    assert opens(give(others, who=SUN))


def test_a_spent_code_brings_no_earlier_one_back(cast: Cast) -> None:
    earlier = issued(cast, agency="mohurd", by="he")
    latest = issued(cast)
    CounterCode.objects.filter(agency=cast.beijing).update(attempts=credentials.COUNTER_ATTEMPTS)
    assert [opens(give(earlier)), opens(give(latest))] == [False, False]
    assert list(CounterCode.objects.order_by("issued_at").values_list("attempts", flat=True)) == [0, 5]


def test_nobody_issues_or_approves_a_code_for_oneself(cast: Cast) -> None:
    digest = documents.digest("01", ZHANG.number)
    User.objects.filter(username="li.beijing").update(document_digest=digest)
    cast.user("li").refresh_from_db()
    with pytest.raises(Refusal) as no:
        issued(cast)
    assert no.value.code == "oneself"


def two_persons(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = replace(policy.SEED, counter_reset_two_person=True)
    monkeypatch.setattr(policy, "current", lambda on=None: rules)


def test_two_persons_where_the_policy_asks_for_them(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    two_persons(monkeypatch)
    li, liu, beijing = cast.user("li"), cast.user("liu"), cast.beijing
    assert issued(cast) == "-"
    row = CounterCode.objects.get()
    codes: list[str] = []
    with crossing.standing(Desk.AGENCY, beijing):

        def refused(act: Any) -> str:
            with pytest.raises(Refusal) as no:
                act()
            return no.value.code

        assert refused(lambda: counter.reveal(code=row, by=li, at=clock.now())) == "standing"
        assert refused(lambda: desk_counter.approve(code=row, by=li)) == "oneself"
        desk_counter.approve(code=row, by=liu)
        assert refused(lambda: desk_counter.approve(code=row, by=cast.user("wang"))) == "standing"
        assert refused(lambda: counter.reveal(code=row, by=liu, at=clock.now())) == "not_issuer"
        codes.append(counter.reveal(code=row, by=li, at=clock.now()))
        assert refused(lambda: counter.reveal(code=row, by=li, at=clock.now())) == "standing"
    assert opens(give(codes[0]))


def test_a_request_nobody_approves_lapses_and_a_code_can_be_cancelled(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = issued(cast)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        counter.cancel(code=CounterCode.objects.get(), at=clock.now())
    assert not opens(give(code))
    two_persons(monkeypatch)
    issued(cast, SUN)
    row = CounterCode.objects.get(person_id=cast.sun.pk)
    later = row.issued_at + timedelta(hours=counter.REQUEST_HOURS)
    assert (standings(cast.zhang), standings(cast.sun)) == ([Standing.CANCELLED], [Standing.WAITING])
    assert counter.standing_of(row, later) is Standing.EXPIRED


def test_codes_of_the_other_agency_are_neither_seen_nor_touched(cast: Cast) -> None:
    """Both agencies issue to the same person: each sees its own, and makes no other one void."""
    ours, theirs = issued(cast), issued(cast, agency="mohurd", by="he")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        assert [row.issued_by_id for row in CounterCode.objects.all()] == [cast.user("li").pk]
        assert [row.issued_by_id for row in desk_counter.of_today(cast.beijing)] == [cast.user("li").pk]
    assert standings(cast.zhang) == [Standing.LIVE, Standing.LIVE]
    # The latest one counts.
    assert [opens(give(ours)), opens(give(theirs))] == [False, True]
