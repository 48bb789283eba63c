"""Two clicks at the same moment: one application, one case."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import connection

from intake import filing, papers
from intake.flows import Section
from intake.models import Application
from register.models import DocketEntry, Kind
from review import casework
from review.models import Case
from tenants import crossing
from tenants.errors import Refusal
from tenants.models import AccessRecord
from tests.cast import Cast
from tests.intake.desk import filled
from tests.intake.test_corrections import sent_back
from tests.intake.test_papers import UPLOAD, mode, with_all
from tests.review.desks import at_desk

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(cast: Cast, act: Callable[[], Any]) -> list[Any]:
    """What the same act answers to two requests of Zhang that come together."""
    return side_by_side(cast, act, act)


def side_by_side(cast: Cast, *acts: Callable[[], Any]) -> list[Any]:
    """What these acts of Zhang answer when they begin together, each in a request of its own."""
    gate = Barrier(len(acts))

    def request(act: Callable[[], Any]) -> Any:
        try:
            with cast.at_applicants_desk(cast.zhang):
                gate.wait(timeout=10)
                return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [answer.result(timeout=30) for answer in [threads.submit(request, act) for act in acts]]


def test_two_starts_begin_one_draft(cast: Cast) -> None:
    drafts = at_once(cast, lambda: filing.start(person=cast.zhang, kind=Kind.INITIAL).pk)
    assert drafts[0] == drafts[1]
    assert Application.objects.count() == 1


def test_a_save_that_meets_the_answer_to_a_correction_is_refused_and_not_lost(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = sent_back(cast, [{"item": "employer", "code": "R08", "text": "单位地址与营业执照不一致"}])
    with cast.at_applicants_desk(cast.zhang):
        filing.answer(application=held, number=1, answers=["已核对"])
    frozen, resubmit = Event(), casework.resubmit

    def resubmit_while_somebody_saves(**given: Any) -> Any:
        frozen.set()
        # Time for the other window to come as far as the lock.
        time.sleep(0.5)
        return resubmit(**given)

    monkeypatch.setattr(casework, "resubmit", resubmit_while_somebody_saves)

    def answer() -> None:
        filing.resubmit(application=held)

    def save() -> str:
        frozen.wait(timeout=10)
        try:
            filing.save_step(application=held, section=Section.EMPLOYER, data={"address": "示例路9号"})
        except Refusal as no:
            return no.code
        return "saved"

    assert side_by_side(cast, answer, save) == [None, "lodged"]
    with crossing.inside(cast.beijing):
        lodged = Case.objects.get(pk=held.pk).dossiers.get(version=2).content["employer"]["address"]
    assert lodged == Application.objects.get(pk=held.pk).sections["employer"]["address"]


def test_two_lodgings_open_one_case(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
    answers = at_once(cast, lambda: filing.lodge(application=draft).again)
    assert sorted(answers) == [False, True]
    assert DocketEntry.objects.count() == 1
    with crossing.inside(cast.beijing):
        assert Case.objects.count() == 1


def test_pages_of_a_paper_asked_for_together_are_one_look(cast: Cast) -> None:
    agency = mode(cast.mohurd, UPLOAD)
    with cast.at_applicants_desk(cast.zhang):
        draft = with_all(cast, agency)
        filing.lodge(application=draft)
        (paper,) = papers.files_of(draft)["M03"]
    browsers, gate = [at_desk(cast, "lin") for _window in range(3)], Barrier(3)

    def look(number: int) -> int:
        try:
            gate.wait(timeout=10)
            address = f"/cases/{draft.pk}/papers/{paper.pk}/pages/1/"
            return int(browsers[number].get(address).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(look, range(3))) == [200] * 3
    assert AccessRecord.objects.filter(person_id=cast.zhang.pk).count() == 1
