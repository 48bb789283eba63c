"""Nothing typed is lost: a form posted after the session has ended waits for its author and nobody else."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from intake import filing, held
from intake.flows import Section
from intake.models import Application
from tenants.models import Session
from tests.cast import APPLICANTS, PASSWORD, Cast
from tests.intake.desk import (
    DECLARATION,
    EMPLOYER,
    browser,
    captcha,
    filled,
    portrait,
    posted,
    set_password,
    signed_in,
    words,
)
from tests.intake.test_corrections import ITEMS, sent_back
from tests.review.desks import at_desk

pytestmark = pytest.mark.django_db

FOUND = "会话结束前填写的内容已找回，请核对后点击下一步。"
BACKGROUND = {"X-Requested-With": "XMLHttpRequest"}
TYPED = {**posted(Section.EMPLOYER, EMPLOYER), "employer-name": "会话结束时正在填写的单位", "go": "next"}


@pytest.fixture
def draft(cast: Cast) -> Application:
    """Zhang's draft, complete."""
    for person in (cast.zhang, cast.sun):
        set_password(person)
    with cast.at_applicants_desk(cast.zhang):
        return filled(cast.zhang, cast.beijing)


@pytest.fixture
def step(draft: Application) -> str:
    return f"/applications/{draft.pk}/steps/employer/"


def left_open() -> Client:
    """A browser in which somebody was signed in, before the session ended."""
    client = browser()
    client.cookies[held.MARK] = held.mark()
    return client


def sign_in(client: Client, who: str, page: str = "/") -> str:
    """Sign in in this very browser, from the page it was led to; where one lands."""
    given = {"document_type": "01", "number": APPLICANTS[who].number, "password": PASSWORD}
    target = re.search(r"next=([^&]+)", page)
    answer = client.post("/", {**given, **captcha(client, "/"), "next": target[1] if target else ""})
    assert answer.status_code == 302
    return str(answer["Location"])


def name_shown(client: Client, path: str) -> str:
    found = re.search(r'name="employer-name"\s+value="([^"]*)"', client.get(path).content.decode())
    assert found is not None
    return found[1]


# --- The same person ---------------------------------------------------------------------------------


def test_what_was_typed_when_the_session_had_ended_stands_in_the_form_again(step: str) -> None:
    client = left_open()
    asked = client.post(step, TYPED)
    assert asked["Location"] == f"/?next={step}"
    assert "刚才填写的内容已暂存，登录后自动找回。" in words(client.get(asked["Location"]).content)
    assert sign_in(client, "zhang", asked["Location"]) == step
    page = client.get(step)
    assert FOUND in words(page.content)
    assert "会话结束时正在填写的单位" in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_nothing_is_saved_before_its_author_says_so(draft: Application, step: str) -> None:
    client = left_open()
    client.post(step, TYPED)
    sign_in(client, "zhang")
    client.get(step)
    assert Application.objects.get(pk=draft.pk).sections["employer"]["name"] == EMPLOYER["name"]
    client.post(step, TYPED)
    assert Application.objects.get(pk=draft.pk).sections["employer"]["name"] == TYPED["employer-name"]
    assert FOUND not in words(client.get(step).content)


def test_it_stays_until_it_is_posted_however_often_the_page_is_looked_at(step: str) -> None:
    client = left_open()
    client.post(step, TYPED)
    sign_in(client, "zhang")
    client.get("/home/")
    assert [name_shown(client, step) for _look in range(3)] == [TYPED["employer-name"]] * 3


def test_a_session_that_has_just_ended_holds_it_too(
    cast: Cast, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    monkeypatch.setattr("tenants.sessions.seconds_left", lambda request: 0)
    assert client.post(step, TYPED)["Location"] == f"/?next={step}"
    monkeypatch.undo()
    sign_in(client, "zhang")
    assert name_shown(client, step) == TYPED["employer-name"]


def test_what_is_wrong_in_it_is_said_and_nothing_is_claimed_to_be_saved(step: str) -> None:
    client = left_open()
    client.post(step, {**TYPED, "employer-code": "9111"})
    sign_in(client, "zhang")
    page = words(client.get(step).content)
    assert "统一社会信用代码应为 18 位，现为 4 位。" in page
    assert "其他填写正确的内容已经保存" not in page


def test_a_file_is_not_held_and_that_is_said(draft: Application) -> None:
    client = left_open()
    step = f"/applications/{draft.pk}/steps/personal/"
    photo = SimpleUploadedFile("photo.jpg", portrait(), content_type="image/jpeg")
    client.post(step, {"personal-school": "会话大学", "photo-file": photo})
    assert "所选的文件没有暂存，登录后请重新选择。" in words(client.get("/").content)
    sign_in(client, "zhang")
    page = client.get(step)
    assert "当时选择的文件没有保留，请重新选择。" in words(page.content)
    assert "会话大学" in page.content.decode()


def test_every_page_with_something_to_type_gives_it_back(cast: Cast, draft: Application) -> None:
    base = f"/applications/{draft.pk}/"
    row_id = draft.sections["experience"][0]["id"]
    pages: dict[str, tuple[dict[str, Any], str]] = {
        f"{base}steps/experience/": ({"experience-post": "会话岗位"}, "会话岗位"),
        f"{base}rows/experience/{row_id}/": ({"experience-post": "会话岗位"}, "会话岗位"),
        f"{base}steps/preview/": (posted(Section.DECLARATION, {**DECLARATION, "delivery": "2"}), "checked"),
    }
    for path, (typed, shown) in pages.items():
        client = left_open()
        client.post(path, typed)
        assert sign_in(client, "zhang", f"/?next={path}") == path
        page = client.get(path).content.decode()
        assert "会话结束前填写的内容已找回" in page, path
        assert shown in page, path
    kept = Application.objects.get(pk=draft.pk)
    assert (kept.status, kept.agency_id) == (Application.Status.DRAFT, cast.beijing.pk)
    assert kept.sections == draft.sections


def test_of_several_windows_each_gets_its_own_back(draft: Application, step: str) -> None:
    client = left_open()
    other = f"/applications/{draft.pk}/steps/personal/"
    client.post(step, TYPED)
    client.post(other, {"personal-school": "会话大学"})
    sign_in(client, "zhang")
    assert name_shown(client, step) == TYPED["employer-name"]
    assert "会话大学" in client.get(other).content.decode()


def test_the_answers_to_a_correction_are_given_back(cast: Cast) -> None:
    set_password(cast.zhang)
    application = sent_back(cast, ITEMS[-1:])
    path = f"/applications/{application.pk}/correction/"
    client = left_open()
    client.post(path, {"answer-0": "会话结束时写的答复", "go": "resubmit"})
    sign_in(client, "zhang")
    page = client.get(path).content.decode()
    assert "会话结束前填写的内容已找回，请核对后再提交。" in page
    assert "会话结束时写的答复" in page


# --- Somebody else -----------------------------------------------------------------------------------


def test_somebody_else_who_signs_in_never_sees_it_and_it_is_gone(cast: Cast, step: str) -> None:
    client = left_open()
    client.post(step, TYPED)
    landed = sign_in(client, "sun", f"/?next={step}")
    assert client.get(landed).status_code == 404
    assert TYPED["employer-name"] not in client.get("/home/").content.decode()
    assert {held.HELD_KEY, held.FOUND_KEY} & client.session.keys() == set()
    client.post("/signout/")
    sign_in(client, "zhang")
    assert name_shown(client, step) == EMPLOYER["name"]


def test_a_form_of_somebody_elses_application_is_dropped(cast: Cast, step: str) -> None:
    client = signed_in(cast.sun, APPLICANTS["sun"].number)
    assert client.post(step, TYPED).status_code == 404
    assert held.FOUND_KEY not in client.session


def test_signing_out_ends_it(step: str) -> None:
    client = left_open()
    client.post(step, TYPED)
    sign_in(client, "zhang")
    client.post("/signout/")
    sign_in(client, "zhang")
    assert name_shown(client, step) == EMPLOYER["name"]


def test_it_stands_sealed_in_the_session(step: str) -> None:
    client = left_open()
    client.post(step, TYPED)
    stored = json.dumps(client.session[held.HELD_KEY], ensure_ascii=False)
    assert TYPED["employer-name"] not in stored
    assert EMPLOYER["code"] not in stored


def test_the_session_gets_a_new_key_when_somebody_signs_in(step: str) -> None:
    client = left_open()
    client.post(step, TYPED)
    before = client.cookies["sessionid"].value
    sign_in(client, "zhang")
    assert client.cookies["sessionid"].value != before


def test_a_session_copied_from_another_desk_brings_nothing(cast: Cast, step: str) -> None:
    staff = at_desk(cast, "li")
    client = left_open()
    client.cookies["sessionid"] = staff.cookies["sessionid"].value
    assert client.post(step, TYPED)["Location"] == f"/?next={step}"
    sign_in(client, "zhang")
    assert name_shown(client, step) == TYPED["employer-name"]
    assert staff.get("/cases/").status_code == 200


# --- Where nobody was signed in ----------------------------------------------------------------------


@pytest.mark.parametrize("sealed", ["", "1", "1:x:y", "other"])
def test_nothing_is_held_where_nobody_was_signed_in(step: str, sealed: str) -> None:
    client = browser()
    if sealed:
        client.cookies[held.MARK] = f"{held.mark()}0" if sealed == "other" else sealed
    sessions = Session.objects.count()
    asked = client.post(step, TYPED)
    assert asked["Location"] == f"/?next={step}"
    page = words(client.get(asked["Location"]).content)
    assert "登录已结束，请重新登录。" in page
    assert "暂存" not in page
    assert keep(client, step, TYPED).status_code == 401
    assert Session.objects.count() == sessions


def test_the_mark_comes_with_signing_in_and_outlives_the_session(cast: Cast, step: str) -> None:
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    assert client.cookies[held.MARK]["httponly"] is True
    assert held.MARK not in client.get(step).cookies
    client.post("/signout/")
    client.post(step, TYPED)
    assert list(client.session[held.HELD_KEY]) == [step]


def test_an_old_mark_counts_no_longer(cast: Cast, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = left_open()
    monkeypatch.setattr(held, "MARK_SECONDS", -1)
    client.post(step, TYPED)
    assert held.HELD_KEY not in client.session


# --- Too much, elsewhere, nothing --------------------------------------------------------------------


def test_a_megabyte_is_not_held(step: str) -> None:
    client = left_open()
    asked = client.post(step, {**TYPED, "employer-name": "长" * 400_000})
    assert asked["Location"] == f"/?next={step}"
    assert "内容过长，未能暂存" in words(client.get("/").content)
    assert held.HELD_KEY not in client.session


def test_only_the_latest_pages_are_held(draft: Application) -> None:
    client = left_open()
    paths = [f"/applications/{uuid4()}/steps/employer/" for _page in range(6)]
    for path in paths:
        client.post(path, TYPED)
    assert list(client.session[held.HELD_KEY]) == paths[-held.MOST_PAGES :]


@pytest.mark.parametrize(
    "path",
    [
        "/applications/new/initial/",
        "/signout/",
        "/notices/read",
        "/account/",
        "/account/password/",
        "//evil.example/applications/",
        "/applications/not-a-key/steps/employer/",
    ],
)
def test_nothing_is_held_for_any_other_page(cast: Cast, path: str) -> None:
    client = left_open()
    client.post(path, TYPED)
    assert {held.HELD_KEY, held.FOUND_KEY} & client.session.keys() == set()


def test_the_way_back_leads_to_the_page_itself_and_nowhere_else(draft: Application, step: str) -> None:
    asked = left_open().post(f"{step}?next=//evil.example/", TYPED)
    assert asked["Location"] == f"/?next={step}"


@pytest.mark.parametrize(
    ("slug", "given"),
    [("employer", {"go": "next", "employer-name": "  "}), ("channel", {"agency": "mohurd"})],
)
def test_a_form_into_which_nothing_was_typed_only_leads_back(
    draft: Application, slug: str, given: dict[str, str]
) -> None:
    client, step = left_open(), f"/applications/{draft.pk}/steps/{slug}/"
    assert client.post(step, given)["Location"] == f"/?next={step}"
    assert "暂存" not in words(client.get("/").content)
    assert held.HELD_KEY not in client.session


def test_what_cannot_be_unsealed_any_more_is_no_error(cast: Cast, step: str, settings: Any) -> None:
    client = left_open()
    client.post(step, TYPED)
    sign_in(client, "zhang")
    client.get("/home/")
    settings.FIELD_KEYS = ["bmV3IGtleSBvZiAzMiBieXRlcyBmb3IgdGhlIHRlc3Q="]
    assert client.get("/home/").status_code == 200
    assert FOUND not in words(client.get(step).content)


# --- Tokens against forged forms ---------------------------------------------------------------------


def strict() -> Client:
    return Client(enforce_csrf_checks=True, HTTP_HOST="localhost")


def token_of(client: Client, path: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(path).content.decode())
    assert found is not None
    return found[1]


def test_the_token_of_the_page_outlives_the_session(cast: Cast, step: str) -> None:
    client = strict()
    client.cookies = signed_in(cast.zhang, APPLICANTS["zhang"].number).cookies
    token = token_of(client, step)
    del client.cookies["sessionid"]
    assert client.post(step, {**TYPED, "csrfmiddlewaretoken": token})["Location"] == f"/?next={step}"


def test_after_signing_in_in_another_window_the_old_page_may_still_be_sent(cast: Cast, step: str) -> None:
    client = strict()
    client.cookies = signed_in(cast.zhang, APPLICANTS["zhang"].number).cookies
    old = {**TYPED, "csrfmiddlewaretoken": token_of(client, step)}
    client.cookies = signed_in(cast.zhang, APPLICANTS["zhang"].number).cookies
    client.get(step)
    own = {"origin": "http://localhost"}
    assert client.post(step, old, headers=own)["Location"] == step
    assert name_shown(client, step) == TYPED["employer-name"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", ""])
def test_a_form_sent_from_elsewhere_is_refused_and_not_held(cast: Cast, step: str, origin: str) -> None:
    for client in (strict(), strict()):
        client.cookies = signed_in(cast.zhang, APPLICANTS["zhang"].number).cookies
        headers = {"origin": origin} if origin else {}
        assert client.post(step, TYPED, headers=headers).status_code == 403
        assert held.FOUND_KEY not in client.session
        del client.cookies["sessionid"]
        assert client.post(step, TYPED, headers=headers).status_code == 403
        assert client.session.keys() == set()


# --- Saving while one types --------------------------------------------------------------------------


def keep(client: Client, path: str, data: dict[str, Any]) -> Any:
    return client.post(path, {**data, "go": "keep"}, headers=BACKGROUND)


def test_a_page_saves_by_itself_and_is_told_when(cast: Cast, draft: Application, step: str) -> None:
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    answer = keep(client, step, TYPED)
    assert re.fullmatch(r"\d\d:\d\d", answer.json()["saved_at"])
    assert answer.json()["whole"] is True
    kept = Application.objects.get(pk=draft.pk)
    assert (kept.sections["employer"]["name"], kept.step) == (TYPED["employer-name"], draft.step)


def test_of_a_half_filled_page_what_is_right_is_kept_and_the_rest_is_told(
    cast: Cast, draft: Application, step: str
) -> None:
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    assert keep(client, step, {**TYPED, "employer-code": "9111"}).json()["whole"] is False
    assert keep(client, step, {**TYPED, "employer-code": ""}).json()["whole"] is True
    kept = Application.objects.get(pk=draft.pk).sections["employer"]
    assert (kept["name"], kept["code"]) == (TYPED["employer-name"], EMPLOYER["code"])


def test_it_adds_no_row_and_takes_no_photo(cast: Cast, draft: Application) -> None:
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    row = posted(Section.EXPERIENCE, {"since": "2014-07", "until": "2015-07", "employer": "某", "post": "某"})
    answer = keep(client, f"/applications/{draft.pk}/steps/experience/", {**row, "experience-work": "1"})
    assert answer.json()["whole"] is False
    photo = SimpleUploadedFile("photo.jpg", portrait(700, 980), content_type="image/jpeg")
    keep(client, f"/applications/{draft.pk}/steps/personal/", {"photo-file": photo})
    kept = Application.objects.get(pk=draft.pk)
    assert (len(kept.sections["experience"]), kept.photo_id) == (1, draft.photo_id)


def test_it_is_no_lodging(cast: Cast, draft: Application) -> None:
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    declared = posted(Section.DECLARATION, DECLARATION)
    for headers in ({}, BACKGROUND):
        client.post(f"/applications/{draft.pk}/steps/preview/", {**declared, "go": "keep"}, headers=headers)
    assert Application.objects.get(pk=draft.pk).status == Application.Status.DRAFT


def test_when_the_session_has_ended_it_is_held(step: str) -> None:
    client = left_open()
    assert keep(client, step, TYPED).status_code == 401
    sign_in(client, "zhang")
    assert name_shown(client, step) == TYPED["employer-name"]


def test_once_lodged_in_another_window_nothing_is_saved_and_nothing_breaks(
    cast: Cast, draft: Application, step: str
) -> None:
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    with cast.at_applicants_desk(cast.zhang):
        filing.lodge(application=draft)
    assert keep(client, step, TYPED).status_code == 409
    assert keep(client, f"/applications/{draft.pk}/correction/", {"answer-0": "某"}).status_code in (302, 409)
    assert "已经上报" not in words(client.get("/home/").content)


def test_of_two_windows_the_last_one_wins(cast: Cast, draft: Application, step: str) -> None:
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    for name in ("第一个窗口", "第二个窗口", "第一个窗口"):
        assert keep(client, step, {**TYPED, "employer-name": name}).status_code == 200
    assert Application.objects.get(pk=draft.pk).sections["employer"]["name"] == "第一个窗口"


def test_a_discarded_draft_is_not_found(cast: Cast, draft: Application, step: str) -> None:
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    with cast.at_applicants_desk(cast.zhang):
        filing.discard(application=draft)
    assert keep(client, step, TYPED).status_code == 404


def test_sent_by_hand_it_shows_the_page_again_with_everything_on_it(cast: Cast, step: str) -> None:
    client = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    page = client.post(step, {**TYPED, "employer-code": "9111", "go": "keep"})
    assert page.status_code == 200
    assert "9111" in page.content.decode()
