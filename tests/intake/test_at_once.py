"""Two clicks at the same moment: one application, one case."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from intake import filing
from intake.models import Application
from register.models import DocketEntry, Kind
from review.models import Case
from tenants import crossing
from tests.cast import Cast
from tests.intake.desk import filled

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(cast: Cast, act: Callable[[], Any]) -> list[Any]:
    """What the same act answers to two requests of Zhang that come together."""
    gate = Barrier(2)

    def request() -> Any:
        try:
            with cast.at_applicants_desk(cast.zhang):
                gate.wait(timeout=10)
                return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        return [answer.result(timeout=30) for answer in [threads.submit(request) for _ in range(2)]]


def test_two_starts_begin_one_draft(cast: Cast) -> None:
    drafts = at_once(cast, lambda: filing.start(person=cast.zhang, kind=Kind.INITIAL).pk)
    assert drafts[0] == drafts[1]
    assert Application.objects.count() == 1


def test_two_lodgings_open_one_case(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
    answers = at_once(cast, lambda: filing.lodge(application=draft).again)
    assert sorted(answers) == [False, True]
    assert DocketEntry.objects.count() == 1
    with crossing.inside(cast.beijing):
        assert Case.objects.count() == 1
