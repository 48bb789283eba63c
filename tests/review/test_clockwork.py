"""What the law does when a deadline is over, swept up by the clock."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from pytest_django import Settings

from notifications.models import Outbox
from register import clock
from review import workflow
from review.models import Case, Movement
from review.states import State
from review.tasks import fire_due
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import Agency
from tests import casefiles
from tests.cast import Cast
from tests.review.desks import case_now, line_now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shifted_clock")]


def lodge(cast: Cast, who: str, agency: str) -> Case:
    person = cast.people[who]
    with cast.at_applicants_desk(person), crossing.inside(cast.agencies[agency]):
        return casefiles.lodge(person, cast.agencies[agency])


def the_day_after(case: Case) -> None:
    due: date | None = line_now(case.pk).due_on
    assert due is not None
    clock.travel_to(datetime.combine(due + timedelta(days=1), time(1), clock.SHANGHAI))


def sweep() -> dict[str, int]:
    return fire_due.apply().get()


def test_over_due_acceptances_of_all_agencies_are_deemed_accepted(cast: Cast) -> None:
    cases = [lodge(cast, "zhang", "beijing"), lodge(cast, "sun", "mohurd")]
    assert sweep() == {"looked_at": 0, "deem_accept": 0, "lapse": 0, "failed": 0}
    the_day_after(cases[0])
    assert sweep() == {"looked_at": 2, "deem_accept": 2, "lapse": 0, "failed": 0}
    assert {line_now(case.pk).state for case in cases} == {State.DEEMED_ACCEPTED}
    with crossing.standing(Desk.CLERK):
        told = Outbox.objects.filter(kind="deemed_accepted").values_list("case_id", flat=True)
        assert set(told) == {case.pk for case in cases}


def test_sweeping_again_changes_nothing(cast: Cast) -> None:
    case = lodge(cast, "zhang", "beijing")
    the_day_after(case)
    sweep()
    length = case_now(cast.beijing, case.pk).chain_length
    assert sweep() == {"looked_at": 0, "deem_accept": 0, "lapse": 0, "failed": 0}
    assert case_now(cast.beijing, case.pk).chain_length == length


def test_an_unanswered_correction_lapses(cast: Cast) -> None:
    case = lodge(cast, "zhang", "beijing")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(Case.objects.get(pk=case.pk), cast.actor("li"), State.CORRECTION)
    the_day_after(case)
    assert sweep() == {"looked_at": 1, "deem_accept": 0, "lapse": 1, "failed": 0}
    assert line_now(case.pk).state == State.LAPSED
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        movement = Movement.objects.filter(case_id=case.pk).latest("number")
    assert (movement.act, movement.actor_role, movement.actor_name) == ("lapse", "clock", "")


def test_where_the_clock_is_a_target_nothing_happens(cast: Cast) -> None:
    Agency.objects.filter(code="sinopec").update(review_clock_applies=False)
    cast.sinopec.refresh_from_db()
    case = lodge(cast, "zhang", "sinopec")
    the_day_after(case)
    assert sweep() == {"looked_at": 0, "deem_accept": 0, "lapse": 0, "failed": 0}
    assert line_now(case.pk).state == State.SUBMITTED


def test_a_review_over_time_escalates_but_never_moves(cast: Cast) -> None:
    case = lodge(cast, "zhang", "beijing")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(Case.objects.get(pk=case.pk), cast.actor("li"), State.ACCEPTED)
    the_day_after(case)
    assert sweep() == {"looked_at": 0, "deem_accept": 0, "lapse": 0, "failed": 0}
    assert line_now(case.pk).state == State.ACCEPTED


def test_one_case_that_fails_does_not_stop_the_others(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [lodge(cast, "zhang", "beijing"), lodge(cast, "sun", "beijing"), lodge(cast, "gu", "mohurd")]
    the_day_after(cases[0])
    move = workflow.move

    def stumbling(**given: object) -> object:
        if given["case"] == cases[0]:
            raise RuntimeError("a fault of the program")
        return move(**given)  # type: ignore[arg-type]

    monkeypatch.setattr(workflow, "move", stumbling)
    assert sweep() == {"looked_at": 3, "deem_accept": 2, "lapse": 0, "failed": 1}
    monkeypatch.undo()
    assert [line_now(case.pk).state for case in cases[1:]] == [State.DEEMED_ACCEPTED] * 2


def test_somebody_faster_is_no_failure(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    case = lodge(cast, "zhang", "beijing")
    the_day_after(case)

    def too_late(**given: object) -> object:
        raise Refusal("已由他人办理", code="state")

    monkeypatch.setattr(workflow, "move", too_late)
    assert sweep() == {"looked_at": 1, "deem_accept": 0, "lapse": 0, "failed": 0}


def test_the_beat_knows_the_sweep(settings: Settings) -> None:
    assert fire_due.name == settings.CELERY_BEAT_SCHEDULE["statutory-clock"]["task"]
