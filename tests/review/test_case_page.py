"""The case page: what it warns of, the applicant's other cases here, and what it costs."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from register import clock
from register.models import Kind, Person, Registration
from review import casework, kin, log, papers
from review.models import Case, CaseNote
from review.papers import Line
from review.states import State
from review.workflow import Actor
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency
from tests import casefiles, factories
from tests.cast import Cast
from tests.review.desks import at_desk

pytestmark = pytest.mark.django_db

# Whole requests, BEGIN, savepoints and COMMIT with them; a session that was looked at lately.
CASE_PAGE: Final = 14
OPEN, REGISTERED = str(kin.OPEN_ELSEWHERE)[:14], str(kin.REGISTERED_ELSEWHERE)[:15]


def lodged(cast: Cast, person: Person, agency: Agency, **changes: Any) -> Case:
    with cast.at_applicants_desk(person), crossing.inside(agency):
        return casefiles.lodge(person, agency, **changes)


def withdrawn(cast: Cast, person: Person, agency: Agency) -> Case:
    case = lodged(cast, person, agency)
    applicant = Actor.applicant(user_id=person.user_id, person_id=person.pk, name=person.name)
    with cast.at_applicants_desk(person), crossing.inside(agency):
        casework.withdraw(case=Case.objects.get(pk=case.pk), by=applicant)
    return case


def registered(person: Person, agency: Agency, employer: str, *, ended: bool = False) -> Registration:
    today = clock.today()
    return factories.registration(
        person,
        agency,
        employer_name="别处示例公司",
        employer_code=employer,
        valid_from=today - timedelta(days=100),
        valid_to=today + timedelta(days=900),
        **({"ended_how": Registration.End.CANCELLED, "ended_on": today} if ended else {}),
    )


# --- Warnings --------------------------------------------------------------------------------------------


def test_nothing_is_warned_of_where_nothing_stands_elsewhere(cast: Cast) -> None:
    case = lodged(cast, cast.zhang, cast.beijing)
    lodged(cast, cast.sun, cast.mohurd)
    page = at_desk(cast, "li").page(f"/cases/{case.pk}/")
    assert (OPEN in page, REGISTERED in page) == (False, False)


def test_an_open_application_elsewhere_is_told_without_a_word_of_it(cast: Cast) -> None:
    case = withdrawn(cast, cast.zhang, cast.beijing)
    there = lodged(
        cast, cast.zhang, cast.mohurd, employer={"name": "别处建设公司", "code": "91110000MA00000999"}
    )
    answer = at_desk(cast, "li").get(f"/cases/{case.pk}/").content.decode()
    assert OPEN in answer
    leaks = ("别处建设公司", there.reference, cast.mohurd.name_zh, "91110000MA00000999", str(there.pk))
    assert [word for word in leaks if word in answer] == []


def test_ones_own_open_case_is_no_news(cast: Cast) -> None:
    earlier = withdrawn(cast, cast.zhang, cast.beijing)
    lodged(cast, cast.zhang, cast.beijing)
    assert OPEN not in at_desk(cast, "li").page(f"/cases/{earlier.pk}/")


@pytest.mark.parametrize(
    ("kind", "employer", "ended", "warned"),
    [
        (Kind.INITIAL, "91110000MA00000999", False, True),
        (Kind.INITIAL, "91110000MA00000152", False, False),
        (Kind.INITIAL, "91110000MA00000999", True, False),
        (Kind.CHANGE, "91110000MA00000999", False, False),
        (Kind.REREGISTRATION, "91110000MA00000999", False, True),
    ],
)
def test_a_registration_with_another_employer_is_warned_of(
    cast: Cast, kind: Kind, employer: str, ended: bool, warned: bool
) -> None:
    case = lodged(cast, cast.zhang, cast.beijing, kind=kind)
    registered(cast.zhang, cast.mohurd, employer, ended=ended)
    assert (REGISTERED in at_desk(cast, "li").page(f"/cases/{case.pk}/")) is warned


# --- Other cases of this agency --------------------------------------------------------------------------


def test_other_cases_of_the_same_person_at_this_agency_only(cast: Cast) -> None:
    earlier = withdrawn(cast, cast.zhang, cast.beijing)
    elsewhere = withdrawn(cast, cast.zhang, cast.mohurd)
    somebody = lodged(cast, cast.sun, cast.beijing)
    case = lodged(cast, cast.zhang, cast.beijing)
    li = at_desk(cast, "li")
    page = li.page(f"/cases/{case.pk}/")
    assert "申请人在本机构的其他案卷" in page
    found = [one.reference in page for one in (earlier, elsewhere, somebody)]
    assert found == [True, False, False]
    assert "已撤回" in page
    assert "申请人在本机构的其他案卷" not in li.page(f"/cases/{somebody.pk}/")


# --- What it costs ---------------------------------------------------------------------------------------


def crowd(cast: Cast, case: Case, rows: int) -> None:
    """So many movements, notes, slips, rows and other cases."""
    li = cast.actor("li")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for number in range(rows):
            CaseNote.objects.create(
                case=case, text=f"备注{number}", author_id=li.account, author_name=li.name, at=clock.now()
            )
            lines = [Line("M01", 1)]
            papers.receive(case=case, by=li, lines=lines, handed_by="张测", number=number + 1)
            with crossing.atomic():
                locked = Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
                made = log.record(
                    locked,
                    act="take_up" if number % 2 else "release",
                    by=li,
                    role="reviewer",
                    source=State(locked.state),
                    at=clock.now(),
                    detail={},
                )
                locked.save(update_fields=["chain_length", "chain_head"])
                assert made.number == locked.chain_length


def experience(rows: int) -> list[dict[str, str]]:
    return [{"from": f"20{n:02}-01", "to": f"20{n:02}-12", "employer": f"公司{n}"} for n in range(rows)]


@pytest.mark.parametrize("rows", [1, 50])
def test_the_page_costs_the_same_however_much_there_is(cast: Cast, rows: int) -> None:
    lines = [
        {
            "id": str(uuid.uuid4()),
            "code": "M03",
            "name": f"{n}.pdf",
            "content_type": "application/pdf",
            "pages": 3,
            "sha256": "0" * 64,
        }
        for n in range(rows)
    ]
    withdrawn(cast, cast.zhang, cast.beijing)
    case = lodged(cast, cast.zhang, cast.beijing, experience=experience(rows), papers=lines)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.take_up(case=Case.objects.get(pk=case.pk), by=cast.actor("li"))
    crowd(cast, case, rows)
    registered(cast.zhang, cast.beijing, "91110000MA00000152")
    li = at_desk(cast, "li")
    li.page(f"/cases/{case.pk}/")
    with CaptureQueriesContext(connection) as asked:
        page = li.page(f"/cases/{case.pk}/")
    assert page.count("查看 3 页") == rows
    assert len(asked) <= CASE_PAGE, "\n".join(f"{n} {q['sql'][:150]}" for n, q in enumerate(asked, 1))
