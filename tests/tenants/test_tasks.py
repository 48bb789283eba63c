from __future__ import annotations

import pytest
from celery import current_app, shared_task
from django.db import ProgrammingError, transaction

from review.models import Case
from tenants import crossing
from tenants.crossing import Desk, Place
from tenants.models import Agency
from tenants.tasks import PlacedTask

pytestmark = [pytest.mark.django_db, pytest.mark.walls]


@shared_task
def where() -> Place:
    return crossing.here()


@shared_task
def count_cases(code: str = "") -> int:
    if not code:
        with transaction.atomic():
            return Case.objects.count()
    with crossing.inside(code):
        return Case.objects.count()


@shared_task
def fail_inside(code: str) -> None:
    with crossing.inside(code):
        raise LookupError


def test_every_task_begins_at_the_clerks_place_wherever_the_process_stood() -> None:
    with crossing.standing(Desk.AGENCY, Agency.objects.get(code="beijing")):
        assert where() == Place(Desk.CLERK)
        assert crossing.here() == Place(Desk.AGENCY, "beijing")
    assert where.apply().get() == Place(Desk.CLERK)


def test_a_task_that_failed_inside_an_agency_leaves_nobody_there() -> None:
    for _again in range(2):
        with pytest.raises(LookupError):
            fail_inside("beijing")
        assert where() == Place(Desk.CLERK)


def test_a_task_enters_the_agency_it_names_and_is_refused_without_one() -> None:
    assert count_cases("beijing") == 0
    with pytest.raises(ProgrammingError):
        count_cases()


def test_every_registered_task_is_placed() -> None:
    current_app.loader.import_default_modules()
    ours = {name: task for name, task in current_app.tasks.items() if not name.startswith("celery.")}
    assert {"notifications.tasks.deliver", "notifications.tasks.sweep"} <= set(ours)
    assert all(isinstance(task, PlacedTask) for task in ours.values())
