"""Two sweeps and an officer meet the same overdue case at the same moment: the law acts once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from uuid import UUID

import pytest
from django.db import connection

from notifications.models import Outbox
from register import clock
from review import casework, clockwork, docket
from review.models import Case
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import casefiles
from tests.cast import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("shifted_clock")]


def at(text: str) -> None:
    clock.travel_to(datetime.fromisoformat(text).replace(tzinfo=clock.SHANGHAI))


def test_the_law_acts_once(cast: Cast) -> None:
    at("2026-11-23T10:00")
    people = [cast.zhang, cast.sun, cast.gu]
    keys: list[UUID] = []
    for person in people:
        with cast.at_applicants_desk(person), crossing.inside(cast.beijing):
            keys.append(casefiles.lodge(person, cast.beijing).pk)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for key in keys:
            casework.take_up(case=Case.objects.get(pk=key), by=cast.actor("li"))
    at("2026-12-01T00:00:30")
    gate = Barrier(3)

    def sweep() -> int:
        gate.wait(timeout=10)
        with crossing.standing(Desk.CLERK):
            swept = clockwork.fire_due()
        assert swept.failed == 0
        return swept.deem_accept

    def accept() -> int:
        gate.wait(timeout=10)
        with crossing.standing(Desk.AGENCY, cast.beijing):
            for key in reversed(keys):
                with pytest.raises(Refusal) as refused:
                    casework.accept(case=Case.objects.get(pk=key), by=cast.actor("li"))
                assert refused.value.code == "state"
        return 0

    def closing(work: Callable[[], int]) -> int:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(closing, work) for work in (sweep, sweep, accept)]
        assert sum(answer.result(timeout=30) for answer in waiting) <= len(keys)
    with crossing.standing(Desk.CLERK), crossing.inside(cast.beijing):
        cases = list(Case.objects.filter(pk__in=keys))
        acts = [list(case.movements.values_list("act", flat=True)) for case in cases]
        assert acts == [["lodge", "take_up", "deem_accept"]] * 3
        numbers = {case.acceptance_number for case in cases}
        assert numbers == {f"SL{case.reference[2:]}" for case in cases}
        assert docket.differences(cast.beijing) == []
    with crossing.standing(Desk.CLERK):
        assert Outbox.objects.filter(kind="deemed_accepted", case_id__in=keys).count() == 3
