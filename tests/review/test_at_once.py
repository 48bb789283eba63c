"""Two people at the same case at the same moment: one effect, and the other is told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from review import casework, docket
from review.models import Case
from review.workflow import Actor
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import casefiles
from tests.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)

Act = Callable[[Case, Actor], object]


def take_up(case: Case, by: Actor) -> object:
    return casework.take_up(case=case, by=by)


def accept(case: Case, by: Actor) -> object:
    return casework.accept(case=case, by=by)


def not_accept(case: Case, by: Actor) -> object:
    return casework.not_accept(case=case, by=by, codes=["N05"], text="资格证书无效")


@pytest.mark.parametrize(
    ("first", "second", "held", "effects"),
    [
        (("li", take_up), ("liu", take_up), False, {"take_up"}),
        (("li", accept), ("li", not_accept), True, {"accept", "not_accept"}),
        (("li", accept), ("li", accept), True, {"accept"}),
    ],
)
def test_of_two_acts_at_once_one_takes_effect(
    cast: Cast, first: tuple[str, Act], second: tuple[str, Act], held: bool, effects: set[str]
) -> None:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case_id = casefiles.lodge(cast.zhang, cast.beijing).pk
    if held:
        with crossing.standing(Desk.AGENCY, cast.beijing):
            casework.take_up(case=Case.objects.get(pk=case_id), by=cast.actor("li"))
    actors = [cast.actor(name) for name, _act in (first, second)]
    gate = Barrier(2)

    def request(act: Act, by: Actor) -> str:
        try:
            with crossing.standing(Desk.AGENCY, cast.beijing):
                case = Case.objects.get(pk=case_id)
                gate.wait(timeout=10)
                act(case, by)
                return "done"
        except Refusal as no:
            return no.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        waiting = [
            threads.submit(request, act, by) for (_, act), by in zip((first, second), actors, strict=True)
        ]
        answers = sorted(answer.result(timeout=30) for answer in waiting)
    assert answers in (["done", "state"], ["done", "taken"])
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        done = Case.objects.get(pk=case_id).movements.values_list("act", flat=True)
        assert len(effects & set(done)) == len([act for act in done if act in effects]) == 1
        assert docket.differences(cast.beijing) == []
