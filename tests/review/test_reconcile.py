"""Nothing is lost: every book tampered with, found, mended where a machine can, and clean the second time."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any, Final

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils.translation import gettext

from notifications import delivery
from notifications.models import Notice, Outbox
from review import announcements, casework, handover, reconcile
from review.models import Case, Movement
from review.states import State
from review.tasks import compare_books
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import SchemaHealth
from tests import casefiles
from tests.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cases(cast: Cast) -> list[Case]:
    """One reported, one out for correction, one handed over; every notice stands on its board."""
    lodged = []
    for person, agency in ((cast.zhang, cast.beijing), (cast.sun, cast.beijing), (cast.gu, cast.beijing)):
        with cast.at_applicants_desk(person), crossing.inside(agency):
            lodged.append(casefiles.lodge(person, agency))
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(Case.objects.get(pk=lodged[0].pk), cast.actor("li"), State.REPORTED)
        casefiles.walk(Case.objects.get(pk=lodged[1].pk), cast.actor("li"), State.CORRECTION)
        handover.hand_over(
            case_id=lodged[2].pk, source=cast.beijing, target=cast.mohurd, by=cast.actor("wang"), text="误投"
        )
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        first = Case.objects.get(pk=lodged[0].pk)
        casework.take_up(case=first, by=cast.actor("zhao"))
        casework.remand(case=first, by=cast.actor("zhao"), codes=["N05"], text="请核对")
    with crossing.standing(Desk.CLERK):
        delivery.deliver_all()
    return lodged


def run(*given: str) -> tuple[int, dict[str, Any]]:
    """Exit code and what was found."""
    said = StringIO()
    try:
        call_command("reconcile", "--json", *given, stdout=said, no_color=True)
    except CommandError as error:
        return error.returncode, json.loads(said.getvalue())
    return 0, json.loads(said.getvalue())


def words(*given: str) -> str:
    said = StringIO()
    with pytest.raises(CommandError):
        call_command("reconcile", *given, stdout=said, no_color=True)
    return said.getvalue()


def tamper(schema: str, sql: str, *values: Any) -> None:
    """Change rows behind everybody's back, as only the owner of the database can."""
    with crossing.standing(Desk.OWNER), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL search_path TO {schema}, public")
        cursor.execute(sql, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def kinds() -> list[tuple[str, int, str, Any]]:
    """All that was ever told, by whom it concerns: what mending must bring back word for word."""
    with crossing.standing(Desk.CLERK):
        rows = Outbox.objects.values_list("kind", "user_id", "cause", "data")
        return sorted(rows, key=lambda row: row[:3])


def test_books_that_agree_stay_untouched(cast: Cast, cases: list[Case]) -> None:
    before = kinds()
    code, found = run("--fix")
    assert (code, found["left"], found["mended"], found["differences"]) == (0, 0, 0, [])
    # The case handed over counts once, with the agency that has it.
    assert (found["agencies"], found["cases"], found["notices"]) == (3, 3, len(before))
    assert kinds() == before


NO_NOTICE: Final = """
    WITH gone AS (SELECT id FROM notifications_outbox WHERE kind = '{kind}' AND case_id = %s),
    boards AS (DELETE FROM notifications_notice WHERE outbox_id IN (SELECT id FROM gone)),
    letters AS (DELETE FROM notifications_delivery WHERE outbox_id IN (SELECT id FROM gone))
    DELETE FROM notifications_outbox WHERE id IN (SELECT id FROM gone)
"""
LINE: Final = "UPDATE register_docketentry SET {change} WHERE case_id = %s"


@pytest.mark.parametrize(
    ("what", "sql"),
    [
        *(
            ("no_notice", NO_NOTICE.format(kind=kind))
            for kind in ("submitted", "accepted", "first_passed", "reported", "sent_back", "staff_remanded")
        ),
        ("not_on_board", "DELETE FROM notifications_notice WHERE kind = 'accepted' AND case_id = %s"),
        ("other_line", LINE.format(change="state = 'accepted'")),
        ("other_line", LINE.format(change="due_on = '2026-01-01'")),
        ("other_line", LINE.format(change="chain_head = 'x', chain_length = 99")),
        (
            "line_elsewhere",
            LINE.format(change="agency_id = (SELECT id FROM tenants_agency WHERE code='mohurd')"),
        ),
        ("no_line", "DELETE FROM register_docketentry WHERE case_id = %s"),
        (
            "miscounted",
            "INSERT INTO register_docketcount (agency_id, state, change) "
            "SELECT agency_id, state, 3 FROM register_docketentry WHERE case_id = %s",
        ),
    ],
)
def test_what_is_tampered_with_is_found_and_mended(
    cast: Cast, cases: list[Case], what: str, sql: str
) -> None:
    before = kinds()
    tamper("public", sql, cases[0].pk)
    code, found = run()
    assert (code, what in found["by_kind"]) == (1, True)
    code, found = run("--fix")
    assert (code, found["left"], found["mended"] > 0) == (0, 0, True)
    assert kinds() == before
    assert run("--fix")[1]["mended"] == 0
    with crossing.standing(Desk.CLERK):
        assert Notice.objects.count() == Outbox.objects.filter(sent_at__isnull=False).count() == len(before)


def test_one_agency_is_mended_and_the_others_stay(cast: Cast, cases: list[Case]) -> None:
    tamper("public", NO_NOTICE.format(kind="correction"), cases[1].pk)
    assert run("--agency", "mohurd", "--fix")[0] == 0
    assert run("--agency", "beijing")[1]["by_kind"] == {"no_notice": 1}
    said = words("--agency", "beijing")
    assert f"beijing {cases[1].reference}：第3条流转记录（退回补正）缺少通知“申请需要补正”。" in said
    assert "孙测" not in said


CASE: Final = "UPDATE review_case SET {change} WHERE id = %s"


@pytest.mark.parametrize(
    ("what", "schema", "sql"),
    [
        ("other_chain", "beijing", CASE.format(change="version = 7")),
        ("other_chain", "beijing", "DELETE FROM review_movement WHERE act = 'remand' AND case_id = %s"),
        ("no_movement", "beijing", "DELETE FROM review_movement WHERE act = 'remand' AND case_id = %s"),
        (
            "two_notices",
            "public",
            "INSERT INTO notifications_outbox (user_id, kind, cause, data, case_id, created_at, due_at, "
            "attempts, last_error) SELECT (SELECT max(id) FROM tenants_user), kind, cause, data, case_id,"
            " created_at, due_at, 0, '' FROM notifications_outbox WHERE kind = 'accepted' AND case_id = %s",
        ),
        (
            "given_up",
            "public",
            "UPDATE notifications_outbox SET sent_at = NULL, dead_at = now()"
            " WHERE kind = 'accepted' AND case_id = %s",
        ),
        (
            "no_registration",
            "beijing",
            "UPDATE review_movement SET act = 'approve', to_state = 'final_passed'"
            " WHERE act = 'remand' AND case_id = %s",
        ),
        (
            "not_granted",
            "public",
            "INSERT INTO register_registration (id, person_id, number, kind, category, employer_name,"
            " employer_code, first_registered_on, valid_from, valid_to, ended_how, end_reason, end_ground,"
            " granted_on, created_at, case_id) SELECT gen_random_uuid(), person_id, 'T', kind, 'A5', '', '',"
            " '2026-01-01', '2026-01-01', '2029-01-01', '', '', '', '2026-01-01', now(), case_id"
            " FROM register_docketentry WHERE case_id = %s",
        ),
    ],
)
def test_what_no_machine_can_mend_stays_and_says_whom_to_ask(
    cast: Cast, cases: list[Case], what: str, schema: str, sql: str
) -> None:
    tamper(schema, sql, cases[0].pk)
    code, found = run("--fix")
    assert (code, what in found["by_kind"]) == (1, True)
    left = {one["what"]: one for one in found["differences"]}
    assert left[what]["ask"] == gettext(reconcile.ASK[what])
    assert left[what]["said"].startswith(f"beijing {cases[0].reference}：")


def test_a_case_that_two_agencies_have_is_for_people(cast: Cast, cases: list[Case]) -> None:
    tamper("beijing", CASE.format(change="state = 'submitted'"), cases[2].pk)
    code, found = run("--fix")
    assert (code, found["by_kind"]["line_elsewhere"]) == (1, 1)
    with crossing.standing(Desk.CLERK), crossing.inside(cast.mohurd):
        assert Case.objects.filter(pk=cases[2].pk).exists()


def test_a_tombstone_without_its_case_is_told(cast: Cast, cases: list[Case]) -> None:
    tamper("public", "DELETE FROM register_docketentry WHERE case_id = %s", cases[2].pk)
    assert run()[1]["by_kind"] == {"no_line": 1, "nowhere": 1, "miscounted": 1}
    assert run("--fix")[0] == 0


def test_long_undelivered_ones_are_delivered(cast: Cast, cases: list[Case]) -> None:
    tamper(
        "public",
        "UPDATE notifications_outbox SET sent_at = NULL, created_at = created_at - interval '2 hours',"
        " due_at = now() + interval '1 hour' WHERE kind = 'submitted' AND case_id = %s",
        cases[0].pk,
    )
    tamper(
        "public", "DELETE FROM notifications_notice WHERE kind = 'submitted' AND case_id = %s", cases[0].pk
    )
    assert run()[1]["by_kind"] == {"undelivered": 1}
    assert (run("--fix")[0], run("--fix")[1]["mended"]) == (0, 0)


def test_every_act_that_tells_has_its_rule() -> None:
    assert {one.act for one in reconcile.EXPECTED} == set(announcements.TELLS)
    unnamed = {"staff_resubmitted"}
    assert {one.kind for one in reconcile.EXPECTED} >= announcements.TO_THE_STAFF - unnamed
    assert {one.kind for one in reconcile.EXPECTED} >= announcements.TO_COLLEAGUES


def test_every_sentence_is_whole() -> None:
    more = dict.fromkeys(
        ("number", "act", "kind", "since", "columns", "other", "state", "told", "lines", "why"), "x"
    )
    for what in reconcile.SENTENCES:
        one = reconcile.Difference(what, "beijing", "R", None, "1", tuple(more.items()))
        assert one.said.startswith("beijing")
    assert set(reconcile.ASK) < set(reconcile.SENTENCES)


def test_the_nightly_look_notes_and_mends_nothing(
    cast: Cast, cases: list[Case], caplog: pytest.LogCaptureFixture
) -> None:
    with crossing.standing(Desk.OWNER):
        for agency in (cast.beijing, cast.mohurd, cast.sinopec):
            SchemaHealth.objects.get_or_create(
                schema=agency.schema_name, defaults={"agency": agency, "checked_at": cases[0].lodged_at}
            )
    tamper("public", NO_NOTICE.format(kind="accepted"), cases[0].pk)
    for _again in range(2):
        with crossing.standing(Desk.CLERK):
            assert compare_books() == 1
    with crossing.standing(Desk.CLERK):
        assert reconcile.last_night()["found"] == 1
    assert cases[0].reference in caplog.text
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        assert Movement.objects.filter(case_id=cases[0].pk, act="accept").count() == 1
