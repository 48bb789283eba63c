from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tenants import roles, second_factor
from tenants.crossing import Desk, standing
from tenants.guards import applicant_required, public, roles_held, staff_required
from tenants.models import Agency, Session, User
from tenants.session_store import SessionStore
from tenants.sessions import DESK_KEY, SessionDeskMiddleware, bind
from tenants.signin import StaffBackend, enter, entering, prove_password

pytestmark = pytest.mark.django_db

PASSWORD = "Synthetic-2026"


def request_at(desk: str, agency: Agency | None = None, session: str | None = None) -> HttpRequest:
    request = RequestFactory().post("/somewhere")
    request.desk, request.agency = desk, agency  # type: ignore[attr-defined]
    request.user = AnonymousUser()
    request.session = SessionStore(session)
    return request


def passed(request: HttpRequest, then: Callable[[HttpRequest], None] = lambda request: None) -> HttpRequest:
    """The request as the views behind the middleware see it."""

    def view(request: HttpRequest) -> HttpResponse:
        then(request)
        return HttpResponse()

    SessionDeskMiddleware(view)(request)
    return request


def staff(username: str, name: str) -> User:
    """Somebody of the staff with both factors."""
    return User.objects.create_staff(
        username=username,
        name=name,
        password=PASSWORD,
        password_set_at=timezone.now(),
        second_factor_mark=f"app of {username}",
    )


@pytest.fixture
def li(beijing: Agency) -> User:
    user = staff("li", "李审")
    roles.grant(user=user, agency=beijing, role=roles.REVIEWER, by=None)
    return user


# --- Signing in --------------------------------------------------------------------------------------


def test_staff_sign_in_at_their_agency_and_the_session_is_bound(li: User, beijing: Agency) -> None:
    request = request_at("agency", beijing)
    with standing(Desk.AGENCY, beijing):
        assert prove_password(request, username=" LI ", password=PASSWORD) == li
        assert SESSION_KEY not in request.session
        assert entering(request) == li
        assert enter(request, li) == "home"
    assert request.session[SESSION_KEY] == str(li.pk)
    assert request.session[DESK_KEY] == "agency:beijing"


def test_nobody_signs_in_without_role_password_or_account(
    li: User, beijing: Agency, mohurd: Agency, authority: Agency
) -> None:
    applicant = User.objects.create_applicant(name="张三")
    applicant.set_password(PASSWORD)
    applicant.save()
    unset = User.objects.create_staff(username="unset", name="未设")
    roles.grant(user=unset, agency=beijing, role=roles.REVIEWER, by=None)
    backend = StaffBackend()
    tries = {
        "another agency": (mohurd, "li", PASSWORD),
        "the authority": (authority, "li", PASSWORD),
        "no agency": (None, "li", PASSWORD),
        "wrong password": (beijing, "li", "wrong"),
        "unknown": (beijing, "nobody", PASSWORD),
        "applicant": (beijing, applicant.username, PASSWORD),
        "no password yet": (beijing, "unset", PASSWORD),
    }
    results = {
        name: backend.authenticate(request_at("agency", agency), username=username, password=password)
        for name, (agency, username, password) in tries.items()
    }
    assert results == dict.fromkeys(tries)
    User.objects.filter(pk=li.pk).update(is_active=False)
    assert backend.authenticate(request_at("agency", beijing), username="li", password=PASSWORD) is None
    assert backend.get_user(li.pk) is None


# --- Sessions ----------------------------------------------------------------------------------------


def test_a_session_copied_to_another_host_is_refused_and_left_alone(
    li: User, beijing: Agency, mohurd: Agency
) -> None:
    begun = request_at("agency", beijing)
    prove_password(begun, username="li", password=PASSWORD)
    begun.session.save()
    key = begun.session.session_key
    for other in (
        request_at("agency", mohurd, key),
        request_at("authority", None, key),
        request_at("applicant", None, key),
    ):
        assert passed(other).session.is_empty()
        assert other.session.session_key is None
    assert Session.objects.get(pk=key).get_decoded()[DESK_KEY] == "agency:beijing"
    assert passed(request_at("agency", beijing, key)).session.session_key == key


def test_a_session_that_begins_is_bound_to_its_desk(beijing: Agency) -> None:
    def remembers(request: HttpRequest) -> None:
        request.session["step"] = 1

    request = passed(request_at("applicant"), remembers)
    assert request.session[DESK_KEY] == "applicant:"
    assert passed(request_at("agency", beijing)).session.is_empty()


def test_a_session_without_a_desk_belongs_to_nobody() -> None:
    stray = SessionStore()
    stray["step"] = 1
    stray.save()
    assert passed(request_at("applicant", None, stray.session_key)).session.is_empty()


def test_binding_names_audience_and_agency(beijing: Agency) -> None:
    request = request_at("agency", beijing)
    bind(request)
    assert request.session[DESK_KEY] == "agency:beijing"


# --- Guards ------------------------------------------------------------------------------------------


@public
def open_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open")


@applicant_required
def my_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("mine")


@staff_required(roles.REVIEWER, roles.SUPERVISOR)
def queue(request: HttpRequest) -> HttpResponse:
    return HttpResponse(",".join(sorted(request.roles)))  # type: ignore[attr-defined]


@staff_required()
def board(request: HttpRequest) -> HttpResponse:
    return HttpResponse("board")


def outcome(
    view: Callable[[HttpRequest], HttpResponseBase], user: User | None, desk: str, agency: Agency | None
) -> str:
    request = request_at(desk, agency)
    request.user = user or AnonymousUser()
    if user is not None:
        second_factor.let_in(request, user)
    request.urlconf = "tests.tenants.urls"
    try:
        response = view(request)
    except Http404:
        return "404"
    return "sign in" if response.status_code == 302 else getattr(response, "content", b"").decode()


@pytest.fixture
def _urls(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.tenants.urls"


@pytest.mark.usefixtures("_urls")
def test_who_passes_which_guard(li: User, beijing: Agency, mohurd: Agency) -> None:
    zhang = User.objects.create_applicant(name="张三")
    auditor = staff("he", "何审")
    roles.grant(user=auditor, agency=beijing, role=roles.AUDITOR, by=None)
    views = {"public": open_page, "applicant": my_page, "queue": queue, "board": board}
    asked = {
        ("stranger", "applicant"): (None, "applicant", None),
        ("applicant", "applicant"): (zhang, "applicant", None),
        ("staff", "applicant"): (li, "applicant", None),
        ("stranger", "beijing"): (None, "agency", beijing),
        ("applicant", "beijing"): (zhang, "agency", beijing),
        ("reviewer", "beijing"): (li, "agency", beijing),
        ("auditor", "beijing"): (auditor, "agency", beijing),
        ("reviewer of beijing", "mohurd"): (li, "agency", mohurd),
    }
    assert {who: [outcome(view, *at) for view in views.values()] for who, at in asked.items()} == {
        ("stranger", "applicant"): ["open", "sign in", "sign in", "sign in"],
        ("applicant", "applicant"): ["open", "mine", "404", "404"],
        ("staff", "applicant"): ["open", "404", "404", "404"],
        ("stranger", "beijing"): ["open", "sign in", "sign in", "sign in"],
        ("applicant", "beijing"): ["open", "404", "404", "404"],
        ("reviewer", "beijing"): ["open", "404", "reviewer", "board"],
        ("auditor", "beijing"): ["open", "404", "404", "board"],
        ("reviewer of beijing", "mohurd"): ["open", "404", "404", "404"],
    }


def test_every_guard_is_named_on_its_view() -> None:
    assert [view.guard for view in (open_page, my_page, queue, board)] == [  # type: ignore[attr-defined]
        "public",
        "applicant",
        "staff: reviewer, supervisor",
        "staff: any role",
    ]


def test_roles_are_asked_for_once_per_request(
    li: User, beijing: Agency, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    request = request_at("agency", beijing)
    request.user = li
    with django_assert_num_queries(1):
        assert roles_held(request) == roles_held(request) == {"reviewer"}


@pytest.mark.usefixtures("_urls")
def test_a_stranger_comes_back_to_the_page_asked_for() -> None:
    request = RequestFactory().get("/cases/?page=2")
    request.user, request.COOKIES = AnonymousUser(), SimpleCookie()  # type: ignore[assignment]
    response = my_page(request)
    assert response.headers["Location"] == "/signin/?next=/cases/%3Fpage%3D2"
