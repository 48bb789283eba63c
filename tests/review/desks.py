"""The staff desks as a browser sees them: somebody of the cast, signed in at their own host."""

from __future__ import annotations

import re
from html import unescape
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.utils.html import strip_tags

from register.models import DocketEntry
from review.models import Case
from tenants import crossing, signin
from tenants.crossing import Desk
from tenants.models import Agency, Authenticator, User
from tenants.session_store import SessionStore
from tests.cast import PASSWORD, STAFF, Cast

READ: Final = re.compile(r'name="read"\s+value="([0-9a-f-]{36})"')


def host_of(agency: str) -> str:
    return f"{agency}.localhost"


class DeskClient(Client):
    """A browser at one desk."""

    def page(self, path: str, **extra: Any) -> str:
        """The words of a page that is there."""
        answer = self.get(path, **extra)
        assert answer.status_code == 200, (path, answer.status_code)
        return words(answer)

    def sign(self, case: Case | UUID, noun: str, **data: Any) -> str:
        """Read the pending opinion on the page of one noun, and answer that page."""
        return self.act(case, noun, read=self.read(case, noun), **data)

    def read(self, case: Case | UUID, noun: str) -> str:
        """The key of the pending opinion that the page of one noun shows."""
        key = case.pk if isinstance(case, Case) else case
        found = READ.search(self.get(f"/cases/{key}/{noun}/").content.decode())
        assert found is not None, (noun, key)
        return found[1]

    def act(self, case: Case | UUID, noun: str, **data: Any) -> str:
        """Post to one noun of a case and read the page one is led to."""
        key = case.pk if isinstance(case, Case) else case
        answer = self.post(f"/cases/{key}/{noun}/", data, follow=True)
        assert answer.status_code == 200, (noun, answer.status_code)
        return words(answer)


def words(answer: HttpResponse | Any) -> str:
    """The text of an answer, without its tags, its blanks made single."""
    return " ".join(unescape(strip_tags(answer.content.decode())).split())


def at_desk(cast: Cast, name: str, *, agency: str = "") -> DeskClient:
    """A browser in whose session somebody of the staff is signed in already, at their own desk.

    The way through password and code is walked in `test_getting_in`, not before every test.
    """
    home = cast.agencies[agency or STAFF[name].agency]
    client = DeskClient(HTTP_HOST=host_of(home.code))
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = "127.0.0.1"
    request.session = SessionStore()
    desk = Desk.AUTHORITY if home.is_authority else Desk.AGENCY
    request.desk, request.agency = desk.value, home  # type: ignore[attr-defined]
    with crossing.standing(desk, None if home.is_authority else home):
        signin.enter(request, User.objects.get(pk=cast.user(name).pk))
        request.session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(request.session.session_key)
    return client


def sign_in(client: Client, user: User, *, password: str = PASSWORD) -> Any:
    """Password and code of the app; the answer to the code."""
    answer = client.post("/signin/", {"username": user.username, "password": password})
    assert (answer.status_code, answer["Location"]) == (302, "/signin/code/")
    return client.post("/signin/code/", {"code": code_of(user)})


def code_of(user: User) -> str:
    """What the app of this account shows next."""
    with crossing.standing(Desk.OWNER):
        return Authenticator.objects.get(user=user, confirmed=True).next_code()


def case_now(agency: Agency, key: UUID) -> Case:
    """The case as it stands now."""
    with crossing.standing(Desk.CLERK), crossing.inside(agency):
        return Case.objects.prefetch_related("opinions").get(pk=key)


def line_now(key: UUID) -> DocketEntry:
    with crossing.standing(Desk.CLERK):
        return DocketEntry.objects.get(pk=key)
