"""The figures of the desk against a small hand-made set: literal numbers, nothing of another agency."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl.reader.excel import load_workbook

from register import clock, policy
from review import numbers
from review.models import Case, Correction, Movement, Opinion
from review.numbers import Finals, Load, Period
from review.states import OPEN, State
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency
from tests import factories
from tests.cast import Cast
from tests.review.desks import at_desk

pytestmark = pytest.mark.django_db

# A Monday; the calendar of these weeks has no holidays.
TODAY = date(2026, 11, 23)
MOST_QUERIES = 14


@pytest.fixture(autouse=True)
def monday(shifted_clock: None) -> None:
    clock.travel_to(at(TODAY, 10))


def at(day: date, hour: int = 9) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=clock.SHANGHAI)


def november(day: int) -> date:
    return date(2026, 11, day)


Step = tuple[str, str, date, int | None]


def filed(
    state: str,
    lodged: date,
    *,
    steps: Sequence[Step] = (),
    holder: int | None = None,
    due: date | None = None,
    verdict: str = "",
) -> Case:
    """A case as it would lie there, with its movements: act, state after it, day, who."""
    person = factories.person()
    case = Case.objects.create(
        id=uuid.uuid4(),
        reference=factories.reference(),
        kind="initial",
        state=state,
        state_since=at(lodged),
        person_id=person.pk,
        applicant_name="测试",
        document_mask="1***1",
        document_digest="0" * 64,
        employer_name="示例单位",
        employer_code="",
        policy=policy.current().as_dict(),
        lodged_at=at(lodged),
        assignee_id=holder,
        due_on=due,
        corrections=sum(step[0] == "send_back" for step in steps),
    )
    source = ""
    for number, (act, target, day, who) in enumerate([("lodge", "submitted", lodged, 1), *steps], 1):
        Movement.objects.create(
            case=case,
            number=number,
            act=act,
            actor_id=who,
            actor_name="",
            actor_role="",
            from_state=source,
            to_state=target,
            at=at(day),
            previous="",
            hash="",
        )
        source = target
    if verdict:
        Opinion.objects.create(
            case=case,
            level="first",
            verdict=verdict,
            standing="given",
            author_id=1,
            author_name="",
            given_at=at(lodged),
        )
    return case


def told(case: Case, day: date, *codes: str) -> None:
    items = [{"item": "employer", "text": "…", **({"code": code} if code else {})} for code in codes]
    Correction.objects.create(
        case=case, number=1, items=items, told_by_id=1, told_by_name="", told_at=at(day)
    )


def at_home(cast: Cast, agency: Agency | None = None) -> Any:
    return crossing.standing(Desk.AGENCY, agency or cast.beijing)


@pytest.fixture
def filled(cast: Cast) -> Cast:
    """Seven cases of Beijing, one that it handed over, and two of another agency."""
    li, liu = cast.user("li").pk, cast.user("liu").pk
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        # In hand: fresh and free; accepted and overdue; accepted after a correction; one out for correction.
        filed("submitted", november(20), due=november(27))
        filed(
            "accepted",
            november(9),
            holder=li,
            due=november(20),
            steps=[("accept", "accepted", november(11), li)],
        )
        answered = filed(
            "accepted",
            date(2026, 10, 12),
            holder=li,
            due=november(30),
            steps=[
                ("send_back", "correction", date(2026, 10, 14), li),
                ("resubmit", "submitted", november(2), None),
                ("accept", "accepted", november(6), li),
            ],
        )
        out = filed(
            "correction",
            date(2026, 8, 3),
            holder=liu,
            due=november(25),
            steps=[("send_back", "correction", november(19), liu)],
        )
        told(answered, date(2026, 10, 14), "R08", "R05")
        told(out, november(19), "R08", "")
        # Referred and decided: once as proposed, once otherwise; one sent back.
        way: list[Step] = [
            ("accept", "accepted", november(3), liu),
            ("give_opinion", "first_passed", november(10), liu),
            ("refer", "reported", november(11), liu),
        ]
        filed(
            "final_passed",
            november(2),
            steps=[*way, ("approve", "final_passed", november(20), None)],
            verdict="pass",
        )
        filed(
            "final_failed",
            november(2),
            steps=[*way, ("refuse", "final_failed", november(23), None)],
            verdict="pass",
        )
        filed(
            "sent_back",
            november(2),
            holder=liu,
            due=november(27),
            steps=[*way, ("remand", "sent_back", november(18), None)],
        )
        # Too old for the usual period, and one that is another agency's now.
        filed("issued", date(2026, 5, 4), steps=[("accept", "accepted", date(2026, 5, 6), li)])
        filed(
            "handed_over",
            november(16),
            steps=[
                ("accept", "accepted", november(17), li),
                ("hand_over", "handed_over", november(18), None),
            ],
        )
    with crossing.standing(Desk.OWNER), crossing.inside(cast.mohurd):
        stranger = filed(
            "accepted",
            november(9),
            holder=li,
            due=november(10),
            steps=[("accept", "accepted", november(12), li)],
        )
        told(stranger, november(10), "R01")
    return cast


def counted(cast: Cast, weeks: int = 12) -> numbers.Numbers:
    with at_home(cast):
        return numbers.numbers(Period(weeks))


def test_load_is_told_by_holder(filled: Cast) -> None:
    li, liu = filled.user("li").pk, filled.user("liu").pk
    assert {load.holder: load for load in counted(filled).loads} == {
        None: Load(holder=None, in_hand=1),
        li: Load(holder=li, in_hand=2, overdue=1, accepted=2),
        liu: Load(holder=liu, in_hand=1, at_applicant=1, accepted=3, returned=1, opinions=3),
    }


def test_age_is_told_in_working_days_by_place(filled: Cast) -> None:
    assert counted(filled).ages == {
        "submitted": [1, 0, 0, 0, 0],
        "correction": [0, 0, 0, 0, 1],
        # 9 November: 10 working days; 2 November: 15; 12 October: 30.
        "working": [0, 1, 1, 1, 0],
        "passed": [0, 0, 0, 0, 0],
        "reported": [0, 0, 0, 0, 0],
    }


@pytest.mark.parametrize(
    ("days", "earliest"),
    [(0, date(2026, 11, 23)), (1, date(2026, 11, 20)), (5, date(2026, 11, 16)), (6, date(2026, 11, 13))],
)
def test_a_band_ends_at_its_working_day(days: int, earliest: date) -> None:
    day = numbers.earliest_day(days)
    assert day == earliest
    assert clock.working_days_between(day, TODAY) == days
    assert clock.working_days_between(day - timedelta(days=1), TODAY) in {days, days + 1}


def test_throughput_is_told_by_week(filled: Cast) -> None:
    assert [(monday, list(steps.values())) for monday, steps in counted(filled, 4).throughput] == [
        (november(2), [3, 4, 0, 0, 0]),
        (november(9), [1, 1, 3, 3, 0]),
        (november(16), [1, 0, 0, 0, 1]),
        (november(23), [0, 0, 0, 0, 1]),
    ]


def test_pace_is_counted_from_receipt_in_working_days(filled: Cast) -> None:
    found = counted(filled)
    # Acceptance after 1, 1, 1, 2 days, and 4 after the answer to the correction; opinions after 6 days.
    assert dict(found.pace.to_acceptance.tally) == {1: 3, 2: 1, 4: 1}
    assert dict(found.pace.to_opinion.tally) == {6: 3}
    assert (found.pace.to_acceptance.median, found.pace.to_opinion.median) == (1, 6)
    weeks = {monday: pace for monday, pace in found.paces if pace.to_acceptance.count}
    assert {monday: pace.to_acceptance.median for monday, pace in weeks.items()} == {
        november(2): 1,
        november(9): 2,
    }


def test_return_reasons_are_counted_by_code(filled: Cast) -> None:
    found = counted(filled).returned
    assert (found.corrections, list(found.reasons)) == (2, [("R08", 2), ("", 1), ("R05", 1)])
    assert list(counted(filled, 4).returned.reasons) == [("", 1), ("R08", 1)]


def test_what_final_review_changed(filled: Cast) -> None:
    found = counted(filled).finals
    assert found == Finals(passed_granted=1, passed_refused=1, remanded=1)
    assert (found.decided, found.overturned) == (3, 2)


def test_an_opinion_counts_when_it_takes_effect(cast: Cast) -> None:
    li, wang = cast.user("li").pk, cast.user("wang").pk
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        filed(
            "first_failed",
            november(2),
            steps=[
                ("accept", "accepted", november(3), li),
                ("give_opinion", "accepted", november(6), li),
                ("countersign", "first_failed", november(9), wang),
            ],
        )
    found = counted(cast, 4)
    assert [(monday, steps["opinions"]) for monday, steps in found.throughput] == [
        (november(2), 0),
        (november(9), 1),
        (november(16), 0),
        (november(23), 0),
    ]
    assert dict(found.pace.to_opinion.tally) == {5: 1}


def test_an_opinion_after_a_remand_tells_nothing_of_the_pace(cast: Cast) -> None:
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        filed(
            "first_passed",
            november(2),
            steps=[
                ("remand", "sent_back", november(9), None),
                ("give_opinion", "first_passed", november(10), 1),
            ],
        )
    found = counted(cast, 4)
    assert (sum(s["opinions"] for _m, s in found.throughput), found.pace.to_opinion.count) == (1, 0)


# --- The page ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "names"),
    [
        ("wang", {"李初审", "刘初审", "未领取"}),
        ("chen", {"李初审", "刘初审", "未领取"}),
        ("li", {"李初审"}),
        ("xu", set()),
    ],
)
def test_who_sees_whose_load(filled: Cast, who: str, names: set[str]) -> None:
    table = at_desk(filled, who).get("/numbers/").context["tables"][0]
    assert {row.label for row in table.rows if not row.total} == names
    assert [figure.value for figure in table.rows[-1].figures] == [4, 1, 1, 5, 1, 3]


def test_a_figure_leads_to_the_list_behind_it(filled: Cast) -> None:
    wang = at_desk(filled, "wang")
    answer = wang.get("/numbers/")
    linked = [
        figure
        for table in answer.context["tables"]
        for row in table.rows
        for figure in row.figures
        if figure.url and figure.value
    ]
    linked += [figure for _label, figure in answer.context["headline"] if figure.url]
    assert len(linked) >= 10
    for figure in linked:
        assert len(wang.get(figure.url).context["rows"]) == figure.value, figure.url


@pytest.mark.parametrize(
    ("weeks", "rows"), [("4", 4), ("12", 12), ("52", 52), ("", 12), ("²", 12), ("-1", 12)]
)
def test_the_period_stands_in_the_address(filled: Cast, weeks: str, rows: int) -> None:
    throughput = at_desk(filled, "xu").get(f"/numbers/?weeks={weeks}").context["tables"][2]
    assert len(throughput.rows) == rows + 1


def test_a_new_agency_is_told_what_will_stand_here(cast: Cast) -> None:
    page = at_desk(cast, "he").page("/numbers/")
    assert "还没有可以统计的案卷" in page


def test_the_page_carries_no_name_of_an_applicant_and_no_script_of_its_own(filled: Cast) -> None:
    answer = at_desk(filled, "wang").get("/numbers/")
    page = answer.content.decode()
    assert ("测试" in page, "ZC2026" in page, "<canvas" in page) == (False, False, False)
    assert page.count("data-plot=") == 6


def test_the_workbook_holds_the_same_tables(filled: Cast) -> None:
    filled.user("li").__class__.objects.filter(pk=filled.user("li").pk).update(name="=1+1")
    answer = at_desk(filled, "wang").get("/numbers/numbers.xlsx?weeks=4")
    book = load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == [
        "经办人工作量",
        "在办案卷的时间",
        "每周办理量",
        "办理时间",
        "补正原因",
        "终审结果与初审意见",
    ]
    rows = {row[0].value: row for row in book["经办人工作量"].iter_rows()}
    assert (rows["=1+1"][0].data_type, rows["=1+1"][1].value) == ("s", 2)


@pytest.mark.parametrize("copies", [1, 12])
def test_it_keeps_to_its_budget(filled: Cast, copies: int) -> None:
    with crossing.standing(Desk.OWNER), crossing.inside(filled.beijing):
        for _n in range(copies):
            filed("submitted", november(20), holder=filled.user("li").pk)
    wang = at_desk(filled, "wang")
    with CaptureQueriesContext(connection) as asked:
        assert wang.get("/numbers/").status_code == 200
    assert len(asked) <= MOST_QUERIES, [query["sql"] for query in asked]


def test_the_way_in_is_for_staff_only(cast: Cast) -> None:
    assert at_desk(cast, "li").get("/numbers/").status_code == 200
    assert at_desk(cast, "zhao").get("/numbers/").status_code == 404


def test_places_cover_every_open_state() -> None:
    assert frozenset().union(*numbers.PLACES.values()) == OPEN
    assert State.HANDED_OVER not in numbers.CLOSED
