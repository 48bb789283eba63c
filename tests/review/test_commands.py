"""The commands that prove the records: `rebuild_docket` and `verify_log`."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from register.models import DocketEntry
from review.models import Case
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tests import casefiles
from tests.cast import Cast
from tests.review.desks import line_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def cases(cast: Cast) -> list[Case]:
    """A case at each of two agencies, one of them under review."""
    lodged = []
    for person, agency in ((cast.zhang, cast.beijing), (cast.sun, cast.mohurd)):
        with cast.at_applicants_desk(person), crossing.inside(agency):
            lodged.append(casefiles.lodge(person, agency))
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(Case.objects.get(pk=lodged[0].pk), cast.actor("li"), State.ACCEPTED)
    return lodged


def run(name: str, *given: str) -> tuple[int, str]:
    """Exit code and what was said."""
    said = StringIO()
    try:
        call_command(name, *given, stdout=said, no_color=True)
    except CommandError as error:
        return error.returncode, f"{said.getvalue()}{error}"
    return 0, said.getvalue()


def tamper(schema: str, sql: str, *values: Any) -> None:
    """Change a row behind everybody's back, as only the owner of the database can."""
    with crossing.standing(Desk.OWNER), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL search_path TO {schema}, public")
        cursor.execute(sql, values)


@pytest.fixture
def without_letters(cast: Cast, cases: list[Case]) -> None:
    """A kept letter holds on to the movement that it tells."""
    tamper("beijing", "DELETE FROM review_letter")


def test_records_that_hold(cast: Cast, cases: list[Case]) -> None:
    assert run("verify_log") == (0, "All chains of 2 cases in 3 agencies hold.\n")
    assert run("rebuild_docket", "--check") == (0, "Docket and case files agree in 3 agencies.\n")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            'UPDATE review_movement SET detail = \'{"text": "x"}\' WHERE number = 2 AND case_id = %s',
            "movement 2: its content was changed after it was written",
        ),
        (
            "UPDATE review_movement SET actor_name = '别人' WHERE number = 3 AND case_id = %s",
            "movement 3: its content was changed after it was written",
        ),
        (
            "DELETE FROM review_movement WHERE number = 2 AND case_id = %s",
            "movement 3: the numbers of the movements have a gap",
        ),
        (
            "DELETE FROM review_movement WHERE number = 3 AND case_id = %s",
            "movement 3: the case remembers another end of the chain",
        ),
    ],
)
@pytest.mark.usefixtures("without_letters")
def test_a_tampered_movement_is_named(cast: Cast, cases: list[Case], sql: str, said: str) -> None:
    case = cases[0]
    tamper("beijing", sql, case.pk)
    code, words = run("verify_log")
    assert (code, f"beijing {case.reference}: {said}" in words) == (1, True)
    assert "1 broken chains among 2 cases of 3 agencies." in words
    assert run("verify_log", "--agency", "mohurd")[0] == 0


@pytest.mark.usefixtures("without_letters")
def test_a_chain_cut_in_the_case_as_well_is_told_by_the_docket(cast: Cast, cases: list[Case]) -> None:
    case = cases[0]
    tamper("beijing", "DELETE FROM review_movement WHERE number = 3 AND case_id = %s", case.pk)
    tamper(
        "beijing",
        "UPDATE review_case SET chain_length = 2, chain_head = (SELECT hash FROM review_movement m "
        "WHERE m.case_id = review_case.id AND m.number = 2) WHERE id = %s",
        case.pk,
    )
    code, words = run("verify_log", "--agency", "beijing")
    assert (code, "the docket remembers another end of the chain" in words) == (1, True)


def test_check_tells_every_difference_and_rebuild_mends_them(cast: Cast, cases: list[Case]) -> None:
    with crossing.standing(Desk.OWNER):
        DocketEntry.objects.filter(pk=cases[0].pk).update(state=State.SUBMITTED, officer=cast.user("zhao"))
        DocketEntry.objects.filter(pk=cases[1].pk).delete()
    code, words = run("rebuild_docket", "--check")
    assert code == 1
    assert f"beijing {cases[0].reference}: state is 'submitted', case says 'accepted'" in words
    assert f"mohurd {cases[1].reference}: no docket line" in words
    assert "beijing submitted: 0 counted, 1 lines" in words
    assert "6 differences in 3 agencies." in words
    assert run("rebuild_docket") == (0, "2 docket lines written for 3 agencies.\n")
    assert run("rebuild_docket", "--check")[0] == 0
    assert line_now(cases[0].pk).state == State.ACCEPTED


def test_a_line_without_a_case_is_told_and_dropped(cast: Cast, cases: list[Case]) -> None:
    tamper(
        "public",
        "UPDATE register_docketentry SET agency_id = %s WHERE case_id = %s",
        cast.sinopec.pk,
        cases[1].pk,
    )
    code, words = run("rebuild_docket", "--check", "--agency", "sinopec")
    assert (code, f"sinopec {cases[1].reference}: docket line without a case" in words) == (1, True)
    run("rebuild_docket", "--agency", "sinopec")
    run("rebuild_docket", "--agency", "mohurd")
    assert run("rebuild_docket", "--check")[0] == 0


@pytest.mark.parametrize("name", ["rebuild_docket", "verify_log"])
def test_an_agency_that_does_not_exist(cast: Cast, name: str) -> None:
    assert run(name, "--agency", "atlantis") == (2, "There is no agency called atlantis.")
