"""The application's login is weak: it stands at a desk or reads nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import ProgrammingError, connection
from pytest_django import Settings

from tenants.crossing import Desk, Place
from tenants.models import Agency
from tenants.walls.base import DatabaseWrapper
from tenants.walls.roles import DESKS, NEVER_TAKEN

pytestmark = [pytest.mark.django_db, pytest.mark.walls]


@pytest.fixture
def weak(settings: Settings) -> Iterator[DatabaseWrapper]:
    """A connection of the application to the test database."""
    login = environ.Env.db_url_config(os.environ["DATABASE_URL"])
    own = {**connection.settings_dict, "USER": login["USER"], "PASSWORD": login["PASSWORD"]}
    settings.AS_OWNER = False
    wrapper = DatabaseWrapper(own, alias="weak")
    yield wrapper
    wrapper.close()


def test_a_new_connection_of_the_application_stands_at_the_door(
    weak: DatabaseWrapper, settings: Settings
) -> None:
    with weak.cursor() as cursor:
        cursor.execute("SELECT current_user::text, session_user::text")
        assert cursor.fetchone() == ("desk_door", settings.APP_LOGIN)
        cursor.execute("SELECT count(*) FROM tenants_domain")
        with pytest.raises(ProgrammingError, match="permission denied"):
            cursor.execute("SELECT count(*) FROM tenants_user")


def test_without_a_role_it_reads_nothing(weak: DatabaseWrapper) -> None:
    with weak.cursor() as cursor:
        cursor.execute("SET ROLE none")
        for table in ("public.tenants_agency", "public.tenants_domain", "beijing.review_case"):
            with pytest.raises(ProgrammingError, match="permission denied"):
                cursor.execute(f"SELECT 1 FROM {table}")


def test_it_may_take_the_role_of_every_desk_and_agency_and_no_other(
    weak: DatabaseWrapper, beijing: Agency
) -> None:
    taken = []
    for place in [
        *(Place(desk) for desk in Desk if desk not in (Desk.AGENCY, Desk.OWNER)),
        Place(Desk.AGENCY, "beijing"),
    ]:
        weak.stand(place)
        with weak.cursor() as cursor:
            cursor.execute("SELECT current_user::text")
            taken.append(cursor.fetchone()[0])
    assert sorted(taken) == sorted({*DESKS, "agency_beijing"} - NEVER_TAKEN)
    weak.stand(Place(Desk.DOOR))
    with weak.cursor() as cursor:
        for role in ("desk_agency", connection.settings_dict["USER"], "pg_read_all_data"):
            with pytest.raises(ProgrammingError, match="permission denied"):
                cursor.execute(f'SET ROLE "{role}"')


def test_a_superusers_login_is_refused(weak: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    with weak.cursor():
        strong = weak.connection
    monkeypatch.setattr(type(strong.info), "parameter_status", lambda *_: "on")
    with pytest.raises(ImproperlyConfigured, match="superuser"):
        weak._configure_connection(strong)


def test_no_role_is_strong() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), bool_or(rolsuper OR rolbypassrls OR rolcanlogin) FROM pg_roles"
            " WHERE rolname = ANY(%s) OR rolname LIKE 'agency\\_%%'",
            [list(DESKS)],
        )
        many, strong = cursor.fetchone()
    assert many >= len(DESKS) + 3
    assert not strong
