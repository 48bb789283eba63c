"""The applicant's pages: the manual's way from step to step, bad input answered, nobody else's papers."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from intake import filing, flows
from intake.flows import Section
from intake.models import Application
from register import clock
from register.models import DocketEntry, Kind, Photo
from tests import factories
from tests.cast import APPLICANTS, Cast
from tests.intake.desk import (
    DECLARATION,
    EMPLOYER,
    PERSONAL,
    REGISTRATION,
    browser,
    filled,
    portrait,
    posted,
    signed_in,
    words,
)

pytestmark = pytest.mark.django_db

ROW = {
    "experience-since": "2014-07",
    "experience-ongoing": "on",
    "experience-employer": EMPLOYER["name"],
    "experience-post": "安全员",
    "experience-work": "1",
}


@pytest.fixture
def client(cast: Cast) -> Client:
    """Zhang's browser."""
    return signed_in(cast.zhang, APPLICANTS["zhang"].number)


@pytest.fixture
def ready(cast: Cast) -> Application:
    """Zhang's draft, complete."""
    with cast.at_applicants_desk(cast.zhang):
        return filled(cast.zhang, cast.beijing)


def start(client: Client) -> str:
    """Begin an initial registration; the address of the application."""
    return client.post("/applications/new/initial/")["Location"].removesuffix("steps/channel/")


def photo_file(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("photo.jpg", data, content_type="image/jpeg")


# --- The whole way -----------------------------------------------------------------------------------


def test_the_manuals_way_from_the_channel_to_the_receipt(cast: Cast, client: Client) -> None:
    base = start(client)
    step = f"{base}steps/"

    def go(slug: str, data: dict[str, object]) -> str:
        answer = client.post(f"{step}{slug}/", {"go": "next", **data})
        return answer["Location"] if answer.status_code == 302 else words(answer.content)

    assert go("channel", {"agency": "beijing"}) == f"{step}personal/"
    personal = posted(Section.PERSONAL, PERSONAL) | posted(Section.REGISTRATION, REGISTRATION)
    assert go("personal", {**personal, "photo-file": photo_file(portrait())}) == f"{step}employer/"
    assert go("employer", posted(Section.EMPLOYER, EMPLOYER)) == f"{step}experience/"
    assert go("experience", {**ROW, "go": "add"}) == f"{step}experience/#rows"
    assert go("experience", {}) == f"{step}preview/"
    preview = client.get(f"{step}preview/").content.decode()
    assert "草稿" in preview
    assert go("preview", posted(Section.DECLARATION, DECLARATION)) == f"{base}receipt/"

    receipt = words(client.get(f"{base}receipt/").content)
    entry = DocketEntry.objects.get()
    assert entry.reference in receipt
    assert "北京市应急管理局" in receipt
    assert "还剩 5 个工作日" in receipt
    home = words(client.get("/home/").content)
    assert "已上报，待受理" in home
    assert "现在由北京市应急管理局办理" in home


def test_what_was_typed_into_the_blank_row_is_added_by_the_next_button_too(
    cast: Cast, client: Client
) -> None:
    base = start(client)
    answer = client.post(f"{base}steps/experience/", {**ROW, "go": "next"})
    assert answer["Location"] == f"{base}steps/preview/"
    assert len(Application.objects.get().sections["experience"]) == 1


def test_a_half_filled_step_keeps_what_is_right(cast: Cast, client: Client) -> None:
    base = start(client)
    typed = {**posted(Section.EMPLOYER, EMPLOYER), "employer-code": "9111", "go": "next"}
    page = words(client.post(f"{base}steps/employer/", typed).content)
    assert "统一社会信用代码：统一社会信用代码应为 18 位，现为 4 位。" in page
    kept = Application.objects.get().sections["employer"]
    assert (kept["name"], "code" in kept) == (EMPLOYER["name"], False)


def test_after_a_lost_session_the_draft_goes_on_where_it_was(cast: Cast, client: Client) -> None:
    base = start(client)
    client.post(f"{base}steps/employer/", {**posted(Section.EMPLOYER, EMPLOYER), "go": "next"})
    client.cookies.clear()
    asked = client.get(f"{base}steps/experience/")
    assert asked["Location"] == f"/?next={base}steps/experience/"
    back = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    home = back.get("/home/").content.decode()
    assert f"{base}steps/experience/" in home
    assert EMPLOYER["name"] in back.get(f"{base}steps/employer/").content.decode()


def test_a_row_is_changed_and_deleted_by_its_span(cast: Cast, client: Client, ready: Application) -> None:
    row_id = ready.sections["experience"][0]["id"]
    path = f"/applications/{ready.pk}/rows/experience/{row_id}/"
    assert path in client.get(f"/applications/{ready.pk}/steps/experience/").content.decode()
    changed = client.post(path, {**ROW, "experience-post": "安全主任", "go": "save"})
    assert changed["Location"].endswith("/steps/experience/#rows")
    assert Application.objects.get().sections["experience"][0]["post"] == "安全主任"
    asked = words(client.post(path, {"go": "delete"}).content)
    assert "确定删除这一行吗？" in asked
    assert "2014年7月—至今，北京示例化工有限公司" in asked
    assert len(Application.objects.get().sections["experience"]) == 1
    client.post(path, {"go": "delete", "sure": "1"})
    assert Application.objects.get().sections["experience"] == []


def test_a_row_deleted_in_another_window_is_said_to_be_gone(
    cast: Cast, client: Client, ready: Application
) -> None:
    row_id = ready.sections["experience"][0]["id"]
    path = f"/applications/{ready.pk}/rows/experience/{row_id}/"
    client.post(path, {"go": "delete", "sure": "1"})
    for sent in ({"go": "delete", "sure": "1"}, {**ROW, "go": "save"}):
        answer = client.post(path, sent, follow=True)
        assert answer.redirect_chain == [(f"/applications/{ready.pk}/steps/experience/#rows", 302)]
        assert "这一行已经在别处删除" in words(answer.content)


# --- Bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("upload", "said"),
    [
        (b"no image" * 5000, "这个文件不是可用的照片，或者已经损坏。"),
        (b"tiny", "这个文件不是可用的照片，或者已经损坏。"),
        (portrait(600, 600), "照片比例不对"),
    ],
)
def test_a_photo_that_is_none_is_refused_and_the_rest_is_kept(
    cast: Cast, client: Client, upload: bytes, said: str
) -> None:
    base = start(client)
    typed = posted(Section.PERSONAL, PERSONAL) | posted(Section.REGISTRATION, REGISTRATION)
    answer = client.post(f"{base}steps/personal/", {**typed, "go": "next", "photo-file": photo_file(upload)})
    assert said in words(answer.content)
    held = Application.objects.get()
    assert (held.photo, held.sections["personal"]["school"]) == (None, PERSONAL["school"])


@pytest.mark.parametrize(
    ("sent", "said"),
    [({}, "请选择注册机构。"), ({"agency": "nowhere"}, "没有这个注册机构，请从列表中选择。")],
)
def test_the_agency_must_be_one_of_the_list(
    cast: Cast, client: Client, sent: dict[str, str], said: str
) -> None:
    base = start(client)
    assert said in words(client.post(f"{base}steps/channel/", sent).content)


def test_a_suspended_agency_is_shown_with_the_reason(cast: Cast, client: Client) -> None:
    cast.beijing.intake_open = False
    cast.beijing.save(update_fields=["intake_open"])
    base = start(client)
    assert "暂停接收申请" in words(client.get(f"{base}steps/channel/").content)
    answer = client.post(f"{base}steps/channel/", {"agency": "beijing"})
    assert "北京市应急管理局暂停接收申请，请另选注册机构。" in words(answer.content)


@pytest.mark.parametrize(
    ("query", "names"),
    [("中国石", ["中国石油化工集团有限公司"]), ("sino", ["中国石油化工集团有限公司"]), ("火星", [])],
)
def test_agencies_are_found_by_name_in_all_channels(
    cast: Cast, client: Client, query: str, names: list[str]
) -> None:
    base = start(client)
    page = words(client.get(f"{base}steps/channel/", {"q": query}).content)
    assert [agency.name_zh in page for agency in (cast.sinopec, cast.beijing)] == [bool(names), False]


def test_lodging_twice_answers_with_the_receipt(cast: Cast, client: Client, ready: Application) -> None:
    path = f"/applications/{ready.pk}/steps/preview/"
    sent = {**posted(Section.DECLARATION, DECLARATION), "go": "lodge"}
    assert client.post(path, sent)["Location"] == f"/applications/{ready.pk}/receipt/"
    second = client.post(path, sent, follow=True)
    assert second.redirect_chain == [(f"/applications/{ready.pk}/receipt/", 302)]
    assert "没有重复上报" in words(second.content)
    assert DocketEntry.objects.count() == 1


def test_lodging_with_a_step_missing_names_it_and_leads_there(cast: Cast, client: Client) -> None:
    base = start(client)
    client.post(f"{base}steps/channel/", {"agency": "beijing"})
    sent = {**posted(Section.DECLARATION, DECLARATION), "go": "lodge"}
    answer = client.post(f"{base}steps/preview/", sent, follow=True)
    page = words(answer.content)
    assert "申请尚未填写完整，请按提示补充后再上报。" in page
    assert "聘用单位信息尚未填写。" in page
    assert f"{base}steps/employer/?check=1" in answer.content.decode()
    checked = words(client.get(f"{base}steps/employer/?check=1").content)
    assert "单位名称：请填写。" in checked


def test_lodging_without_the_declaration_asks_for_it(cast: Cast, client: Client, ready: Application) -> None:
    filing_path = f"/applications/{ready.pk}/steps/preview/"
    answer = client.post(filing_path, {"declaration-delivery": "1", "go": "lodge"})
    assert "请阅读并勾选本人承诺。" in words(answer.content)
    assert DocketEntry.objects.count() == 0


def test_an_edit_after_printing_asks_to_print_again(cast: Cast, client: Client, ready: Application) -> None:
    path = f"/applications/{ready.pk}"
    printed = client.get(f"{path}/form.pdf")
    assert (printed["Content-Type"], printed.content[:5]) == ("application/pdf", b"%PDF-")
    assert printed["Cache-Control"].startswith("private, no-store")
    assert "请重新打印" not in words(client.get(f"{path}/steps/preview/").content)
    client.post(
        f"{path}/steps/employer/",
        {**posted(Section.EMPLOYER, EMPLOYER), "employer-city": "天津市", "go": "next"},
    )
    assert "您打印的是旧版本，请重新打印。" in words(client.get(f"{path}/steps/preview/").content)


def test_another_kind_asks_before_the_draft_is_given_up(cast: Cast, client: Client) -> None:
    start(client)
    factories.registration(cast.zhang, cast.beijing)
    asked = client.post("/applications/new/change/")
    assert asked.status_code == 200
    assert "要放弃另一份草稿吗" in words(asked.content)
    assert Application.objects.get().status == Application.Status.DRAFT
    other = client.post("/applications/new/change/", {"discard": str(uuid.uuid4())})
    assert "要放弃另一份草稿吗" in words(other.content)
    named = {"discard": str(Application.objects.get().pk)}
    begun = client.post("/applications/new/change/", named)
    assert begun["Location"].endswith("/steps/personal/")
    kinds = Application.objects.order_by("created_at").values_list("kind", "status")
    assert list(kinds) == [("initial", "discarded"), ("change", "draft")]


def test_the_documents_full_number_stands_on_no_screen(
    cast: Cast, client: Client, ready: Application
) -> None:
    """The form itself carries it on paper, for whoever prints the page; no other page has it at all."""
    number = APPLICANTS["zhang"].number
    steps = [f"/applications/{ready.pk}/steps/{slug}/" for slug in ("personal", "preview")]
    for path in ("/home/", "/history/", f"/applications/{ready.pk}/check/", *steps):
        page = client.get(path).content.decode()
        shown = re.sub(r'<span class="on-paper">.*?</span>', "", page) if path.endswith("preview/") else page
        assert number not in shown, path


# --- Nobody else's -----------------------------------------------------------------------------------

OF_ANOTHER: list[Callable[[Application], str]] = [
    lambda held: f"/applications/{held.pk}/",
    lambda held: f"/applications/{held.pk}/steps/employer/",
    lambda held: f"/applications/{held.pk}/form/",
    lambda held: f"/applications/{held.pk}/form.pdf",
    lambda held: f"/applications/{held.pk}/receipt/",
    lambda held: f"/applications/{held.pk}/discard/",
    lambda held: f"/applications/{held.pk}/withdrawal/",
    lambda held: f"/applications/{held.pk}/correction/",
    lambda held: f"/photos/{held.photo_id}/",
    lambda held: f"/applications/{uuid.uuid4()}/",
]


@pytest.mark.parametrize("address", OF_ANOTHER)
def test_somebody_elses_application_is_not_found(
    cast: Cast, ready: Application, address: Callable[[Application], str]
) -> None:
    with cast.at_applicants_desk(cast.zhang):
        filing.lodge(application=ready)
    sun = signed_in(cast.sun, APPLICANTS["sun"].number)
    assert sun.get(address(ready)).status_code == 404


def test_nothing_of_anothers_can_be_posted(cast: Cast, ready: Application) -> None:
    sun = signed_in(cast.sun, APPLICANTS["sun"].number)
    for path in ("steps/employer/", "steps/preview/", "discard/", "withdrawal/", "copy/"):
        assert sun.post(f"/applications/{ready.pk}/{path}", {"go": "lodge"}).status_code == 404
    assert Application.objects.get().status == Application.Status.DRAFT


def test_the_own_photo_is_shown_and_kept_by_no_cache(cast: Cast, client: Client, ready: Application) -> None:
    answer = client.get(f"/photos/{Photo.objects.get().pk}/")
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (
        200,
        "image/jpeg",
        "private, no-store",
    )


def test_strangers_sign_in_first(cast: Cast, ready: Application) -> None:
    for path in ("/home/", "/history/", f"/applications/{ready.pk}/steps/employer/"):
        assert browser().get(path)["Location"] == f"/?next={path}"


# --- How much a page asks ----------------------------------------------------------------------------

STEPS = [
    (kind, step.slug)
    for kind in Kind
    for step in flows.steps_of(kind, hours_count=kind in (Kind.INITIAL, Kind.RENEWAL))
]


def queries_of(client: Client, path: str) -> list[str]:
    """What a page asks of the database, once what is remembered for all has been read."""
    client.get(path)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(path).status_code == 200
    return [query["sql"][:120] for query in asked]


@pytest.mark.parametrize(("kind", "slug"), STEPS)
def test_a_wizard_page_asks_at_most_ten_times(cast: Cast, client: Client, kind: Kind, slug: str) -> None:
    if kind == Kind.INITIAL:
        # A late one, so that no step is left out.
        cast.qualifications["zhang"].issued_on = clock.add_years(clock.today(), -4)
        cast.qualifications["zhang"].save(update_fields=["issued_on"])
    else:
        begun = {Kind.CHANGE: -1, Kind.RENEWAL: -3, Kind.REREGISTRATION: -5}[kind]
        since = clock.add_years(clock.today(), begun) + timedelta(days=30)
        factories.registration(cast.zhang, cast.beijing, valid_from=since, category="A5")
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing, kind)
    asked = queries_of(client, f"/applications/{draft.pk}/steps/{slug}/")
    assert len(asked) <= 10, asked


@pytest.mark.parametrize("lodged", [False, True])
def test_the_personal_page_asks_at_most_eleven_times(
    cast: Cast, client: Client, ready: Application, lodged: bool
) -> None:
    if lodged:
        with cast.at_applicants_desk(cast.zhang):
            filing.lodge(application=ready)
    asked = queries_of(client, "/home/")
    assert len(asked) <= 11, asked


# --- Public pages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(Kind))
def test_the_guides_tell_conditions_and_limits(cast: Cast, kind: Kind) -> None:
    page = words(browser().get(f"/guides/{kind}/").content)
    assert "受理 5 个、初审 20 个、终审 20 个、制发证书 10 个工作日。" in page


@pytest.mark.parametrize(
    "path", ["/", "/agencies/", "/password/forgotten/", "/privacy/", "/password/set/", "/initial/verify/"]
)
def test_public_pages_are_open_in_both_languages(cast: Cast, path: str) -> None:
    client = browser()
    assert client.get(path).status_code == 200
    client.cookies["language"] = "en"
    assert client.get(path).status_code == 200


def test_unknown_kinds_are_not_found(cast: Cast, client: Client) -> None:
    assert browser().get("/guides/nothing/").status_code == 404
    assert client.get("/applications/new/nothing/").status_code == 404
