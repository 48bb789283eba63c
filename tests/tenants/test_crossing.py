from __future__ import annotations

import uuid
from typing import cast

import pytest
from django.db import DataError, InternalError, ProgrammingError, connection, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from review.models import Case, Dispatch
from tenants.crossing import Desk, Place, WrongPlace, across, acting_as, atomic, here, inside, standing
from tenants.models import Agency
from tenants.walls.base import DatabaseWrapper
from tests.tenants import rows

pytestmark = [pytest.mark.django_db, pytest.mark.walls]

START = Place(Desk.OWNER)


def as_the_server_sees_it() -> tuple[str, str, str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user::text, current_setting('search_path'), current_setting('app.agency'),"
            " current_setting('app.person')"
        )
        return cursor.fetchone()


def test_each_desk_has_its_role_and_the_agency_stands_in_its_schema(
    beijing: Agency, authority: Agency
) -> None:
    seen = {}
    with standing(Desk.AGENCY, beijing):
        seen["agency"] = as_the_server_sees_it()
    with standing(Desk.AUTHORITY, authority):
        seen["authority"] = as_the_server_sees_it()
    with standing(Desk.APPLICANT):
        seen["applicant"] = as_the_server_sees_it()
    with standing(Desk.CLERK), inside(beijing):
        seen["clerk inside"] = as_the_server_sees_it()
    with standing(Desk.DOOR):
        seen["door"] = as_the_server_sees_it()
    assert seen == {
        "agency": ("agency_beijing", "beijing, public", "beijing", ""),
        "authority": ("desk_authority", "public", "", ""),
        "applicant": ("desk_applicant", "public", "", ""),
        "clerk inside": ("desk_clerk", "beijing, public", "", ""),
        "door": ("desk_door", "public", "", ""),
    }


def test_leaving_restores_the_place_also_after_an_error(beijing: Agency) -> None:
    with pytest.raises(LookupError), standing(Desk.AUTHORITY), inside(beijing):
        raise LookupError
    assert here() == START
    with standing(Desk.AUTHORITY):
        with inside(beijing) as place:
            assert here() == place == Place(Desk.AUTHORITY, "beijing")
        assert here() == Place(Desk.AUTHORITY)


def test_the_person_comes_along_into_an_agency_and_stays_behind_at_the_desk(beijing: Agency) -> None:
    me = uuid.uuid4()
    with standing(Desk.APPLICANT):
        with acting_as(me), inside("beijing"):
            assert as_the_server_sees_it() == ("desk_applicant", "beijing, public", "", str(me))
        assert here() == Place(Desk.APPLICANT)
        acting_as(me)
        assert here() == Place(Desk.APPLICANT, person=me)
    assert here() == START


def test_inside_refuses_in_an_open_transaction(beijing: Agency) -> None:
    with standing(Desk.CLERK), transaction.atomic():
        with pytest.raises(WrongPlace, match="Cross first"), inside(beijing):
            pytest.fail("crossed in an open transaction")
        with pytest.raises(WrongPlace, match="Cross first"), standing(Desk.AUTHORITY):
            pytest.fail("crossed in an open transaction")
        assert here() == Place(Desk.CLERK)


def test_staying_where_one_stands_is_no_crossing(beijing: Agency) -> None:
    with standing(Desk.AGENCY, beijing), atomic(), inside(beijing) as place:
        assert place == Place(Desk.AGENCY, "beijing")


def test_a_transaction_is_opened_after_crossing_and_only_once(beijing: Agency) -> None:
    with standing(Desk.CLERK), inside(beijing), atomic(), pytest.raises(RuntimeError), atomic():
        pytest.fail("a second durable transaction")


@pytest.mark.parametrize("desk", [Desk.APPLICANT, Desk.AUTHORITY, Desk.CLERK, Desk.OWNER])
def test_nobody_goes_from_one_agency_into_another(desk: Desk, beijing: Agency, mohurd: Agency) -> None:
    with standing(desk), inside(beijing), pytest.raises(WrongPlace, match="leave it before"), inside(mohurd):
        pytest.fail("went on into another agency")


def test_an_agency_enters_only_its_own_schema(beijing: Agency, mohurd: Agency) -> None:
    with standing(Desk.AGENCY, beijing), pytest.raises(WrongPlace), inside(mohurd):
        pytest.fail("went into another agency")


def test_the_door_leads_nowhere_and_nobody_enters_the_public_schema_as_an_agency(
    beijing: Agency, authority: Agency
) -> None:
    with standing(Desk.DOOR), pytest.raises(WrongPlace), inside(beijing):
        pytest.fail("entered from the door")
    with standing(Desk.CLERK), pytest.raises(WrongPlace), inside(authority):
        pytest.fail("the authority has no schema")
    with pytest.raises(WrongPlace), standing(Desk.AGENCY, authority):
        pytest.fail("the authority is no agency")
    with pytest.raises(WrongPlace), standing(Desk.AGENCY):
        pytest.fail("which agency?")


def test_only_the_owners_login_stands_as_the_owner(settings: Settings) -> None:
    settings.AS_OWNER = False
    with pytest.raises(WrongPlace), standing(Desk.OWNER):
        pytest.fail("stood as the owner")


def test_the_courier_turns_between_two_agencies_in_one_transaction(
    beijing: Agency, mohurd: Agency, sinopec: Agency
) -> None:
    with across(beijing, mohurd) as at, atomic():
        with at(beijing):
            assert as_the_server_sees_it()[:2] == ("courier", "beijing, public")
        with at(mohurd):
            assert as_the_server_sees_it()[:2] == ("courier", "mohurd, public")
        with pytest.raises(WrongPlace), at(sinopec):
            pytest.fail("a third agency")
    assert here() == START
    with pytest.raises(WrongPlace), across(beijing, beijing):
        pytest.fail("there is no way from an agency to itself")


def test_a_queryset_evaluated_after_leaving_finds_no_agencys_table(beijing: Agency) -> None:
    with standing(Desk.CLERK):
        with inside(beijing):
            cases = Case.objects.all()
        with pytest.raises(ProgrammingError, match="does not exist"), atomic():
            list(cases)


def test_a_cursor_kept_over_a_crossing_works_where_one_stands_now(beijing: Agency, mohurd: Agency) -> None:
    with connection.cursor() as cursor:
        for agency in (beijing, mohurd):
            with standing(Desk.CLERK), inside(agency):
                cursor.execute("SELECT current_setting('search_path')")
                assert cursor.fetchone() == (f"{agency.code}, public",)


@pytest.mark.django_db(transaction=True)
def test_a_missing_database_role_raises_instead_of_running_as_somebody_else() -> None:
    beijing, ghost = Agency.objects.get(code="beijing"), Agency(code="ghost", schema_name="ghost")
    with standing(Desk.AGENCY, beijing):
        assert Dispatch.objects.count() == 0
    with standing(Desk.AGENCY, ghost):
        for _attempt in range(2):
            with pytest.raises(DataError, match="agency_ghost"):
                Dispatch.objects.count()
        with pytest.raises(DataError, match="agency_ghost"), atomic():
            Dispatch.objects.count()
    with standing(Desk.AGENCY, ghost), pytest.raises(InternalError), atomic():
        with pytest.raises(DataError, match="agency_ghost"):
            Dispatch.objects.count()
        Dispatch.objects.count()
    with standing(Desk.AGENCY, beijing):
        assert as_the_server_sees_it()[0] == "agency_beijing"


def test_a_missing_schema_shows_nobody_elses_tables(beijing: Agency) -> None:
    with standing(Desk.CLERK), inside(beijing):
        assert Dispatch.objects.count() == 0
    with (
        standing(Desk.CLERK),
        inside("ghost"),
        pytest.raises(ProgrammingError, match="does not exist"),
        atomic(),
    ):
        Dispatch.objects.count()


def test_rolling_back_to_a_savepoint_takes_the_place_again(beijing: Agency) -> None:
    with standing(Desk.AGENCY, beijing), atomic():
        with pytest.raises(LookupError), transaction.atomic():
            rows.dispatch(beijing, 1).save(force_insert=True)
            raise LookupError
        assert as_the_server_sees_it()[0] == "agency_beijing"
        assert Dispatch.objects.count() == 0


def test_what_a_savepoint_took_back_is_set_again() -> None:
    me = str(uuid.uuid4())
    with standing(Desk.APPLICANT), atomic():
        with pytest.raises(LookupError), transaction.atomic():
            acting_as(uuid.UUID(me))
            assert as_the_server_sees_it()[3] == me
            raise LookupError
        assert as_the_server_sees_it()[3] == me


@pytest.mark.django_db(transaction=True)
def test_committing_a_broken_transaction_does_not_leave_one_where_the_last_one_stood() -> None:
    """PostgreSQL turns the commit into a rollback without an error, and the place set in it is gone."""
    beijing, mohurd = (Agency.objects.get(code=code) for code in ("beijing", "mohurd"))
    with standing(Desk.AGENCY, beijing):
        assert as_the_server_sees_it()[0] == "agency_beijing"
    with standing(Desk.AGENCY, mohurd):
        with atomic(), pytest.raises(ProgrammingError), connection.cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")
        assert as_the_server_sees_it()[0] == "agency_mohurd"


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_takes_the_place_one_stands_at() -> None:
    beijing = Agency.objects.get(code="beijing")
    with standing(Desk.AGENCY, beijing):
        assert as_the_server_sees_it()[0] == "agency_beijing"
        connection.close()
        assert as_the_server_sees_it()[:2] == ("agency_beijing", "beijing, public")


def test_the_ways_of_django_tenants_stay_open_to_the_owner_only(beijing: Agency) -> None:
    walls = cast(DatabaseWrapper, connection)
    walls.set_schema("beijing")
    assert as_the_server_sees_it()[1] == "beijing, public"
    walls.set_schema("beijing", include_public=False)
    assert as_the_server_sees_it()[1] == "beijing"
    walls.set_schema_to_public()
    assert here() == START
    with standing(Desk.CLERK), pytest.raises(Exception, match=r"tenants\.crossing"):
        walls.set_schema("beijing")


def test_setting_the_place_costs_no_query_that_a_page_would_count(
    beijing: Agency, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        with standing(Desk.AGENCY, beijing):
            Dispatch.objects.count()
        with standing(Desk.CLERK), inside(beijing):
            Dispatch.objects.count()
