"""Two windows at the same moment after lodging: one version, one withdrawal, no error."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from intake.models import Application
from register.models import DocketEntry
from review import casework
from review.models import Case, Dossier
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tests.cast import APPLICANTS, Cast
from tests.intake.desk import browser, signed_in, words
from tests.intake.lodged import ITEMS, lodged, sent_back

pytestmark = pytest.mark.django_db(transaction=True)


def posted_at_once(cast: Cast, path: str, data: dict[str, str]) -> list[tuple[int, str]]:
    """Status and place of what two windows of Zhang are answered that post the same form together."""
    one, other = signed_in(cast.zhang, APPLICANTS["zhang"].number), browser()
    other.cookies = one.cookies
    gate = Barrier(2)

    def post(window: Client) -> tuple[int, str]:
        try:
            gate.wait(timeout=10)
            answer: Any = window.post(path, data)
            return answer.status_code, answer.get("Location", "")
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        return sorted(
            done.result(timeout=60) for done in [threads.submit(post, window) for window in (one, other)]
        )


def state_of(application: Application) -> str:
    return DocketEntry.objects.get(case_id=application.pk).state


def test_two_answers_make_one_version(cast: Cast) -> None:
    held = lodged(cast)
    sent_back(cast, held, items=ITEMS[1:])
    answers = posted_at_once(
        cast,
        f"/applications/{held.pk}/correction/",
        {"go": "resubmit", "number": "1", "answer-0": "已补签"},
    )
    here = f"/applications/{held.pk}/"
    assert answers == [(302, here), (302, f"{here}receipt/")]
    with crossing.standing(Desk.AGENCY, cast.beijing):
        assert Dossier.objects.filter(case_id=held.pk).count() == 2
    assert state_of(held) == State.SUBMITTED


def test_two_withdrawals_are_one(cast: Cast) -> None:
    held = lodged(cast)
    answers = posted_at_once(cast, f"/applications/{held.pk}/withdrawal/", {})
    assert answers == [(302, f"/applications/{held.pk}/")] * 2
    with crossing.standing(Desk.AGENCY, cast.beijing):
        acts = list(Case.objects.get(pk=held.pk).movements.values_list("act", flat=True))
    assert (acts, state_of(held)) == (["lodge", "withdraw"], State.WITHDRAWN)


def test_who_withdraws_while_an_officer_acts_sees_where_it_stands(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = lodged(cast)
    zhang = signed_in(cast.zhang, APPLICANTS["zhang"].number)
    withdraw = casework.withdraw

    def after_the_officer(**given: Any) -> Any:
        # The officer was faster by the time between page and click.
        with ThreadPoolExecutor(1) as another:
            another.submit(_not_accepted, cast, held).result(timeout=30)
        return withdraw(**given)

    monkeypatch.setattr(casework, "withdraw", after_the_officer)
    page = words(zhang.post(f"/applications/{held.pk}/withdrawal/", follow=True).content)
    assert ("这份申请目前的状态是“不予受理”，不能撤回。" in page, "李初审" in page) == (True, False)


def _not_accepted(cast: Cast, held: Application) -> None:
    try:
        with crossing.standing(Desk.AGENCY, cast.beijing):
            case = Case.objects.get(pk=held.pk)
            casework.take_up(case=case, by=cast.actor("li"))
            casework.not_accept(case=case, by=cast.actor("li"), codes=["N05"], text="不属于本机构")
    finally:
        connection.close()
