"""Certificates follow a published batch: each stored once, each case closed by it, whatever happens."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from notifications.models import Outbox
from register import certificates as national
from register import clock
from register.certificates import making, signing
from register.models import Batch, BatchLine, Certificate, Person, Registration
from review import casework, certificates, tasks
from review.batch_runs import Run
from review.models import Case, Movement
from review.states import State
from tenants import bells, crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import casefiles, factories
from tests import certificates as papers
from tests.cast import Cast
from tests.review.desks import at_desk, case_now, line_now

pytestmark = pytest.mark.django_db


def announced(cast: Cast, person: Person, agency: str = "beijing") -> Case:
    """A case whose grant stands in the register and in an announcement, its certificate not made yet."""
    there = cast.agencies[agency]
    with cast.at_applicants_desk(person), crossing.inside(there):
        case = casefiles.lodge(person, there)
    row = factories.registration(person, there, case_id=case.pk, valid_from=clock.today())
    with crossing.standing(Desk.OWNER), crossing.inside(there):
        Case.objects.filter(pk=case.pk).update(state=State.FINAL_PASSED, registration_id=row.pk)
        case.refresh_from_db()
    type(line_now(case.pk)).objects.filter(pk=case.pk).update(state=State.FINAL_PASSED, open=False)
    with crossing.standing(Desk.AUTHORITY), crossing.inside(there):
        casework.announce(case=case, by=cast.actor("zhou"), batch="2026-001", published_on=clock.today())
    return case


def batch_of(cast: Cast, *cases: Case, by: str = "zhou") -> Batch:
    batch = Batch.objects.create(
        number="2026-001", title="示例公告", published_on=clock.today(), published_by=cast.user(by)
    )
    for row in Registration.objects.filter(case_id__in=[case.pk for case in cases]):
        BatchLine.objects.create(
            batch=batch, registration=row, name="某", number=row.number, kind=row.kind, agency=row.agency
        )
    return batch


def issued(batch: Batch, **how: Any) -> Run:
    with crossing.standing(Desk.AUTHORITY):
        return certificates.issue_batch(Batch.objects.select_related("published_by").get(pk=batch.pk), **how)


def test_every_announced_case_of_the_batch_gets_its_certificate(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers.undrawn(monkeypatch)
    zhang, sun = announced(cast, cast.zhang), announced(cast, cast.sun, "mohurd")
    other = announced(cast, cast.gu)
    batch = batch_of(cast, zhang, sun)
    # A registration from before this system stands in the batch as well, without a case.
    old = factories.registration(factories.person(), cast.beijing)
    BatchLine.objects.create(batch=batch, registration=old, name="某", number=old.number, kind=old.kind)

    assert tasks.issue_certificates(str(batch.pk)) == 2
    for case, agency in ((zhang, cast.beijing), (sun, cast.mohurd)):
        assert (case_now(agency, case.pk).state, line_now(case.pk).state) == (State.ISSUED, State.ISSUED)
        stored = Certificate.objects.get(registration__case_id=case.pk)
        with crossing.standing(Desk.CLERK), crossing.inside(agency):
            movement = Movement.objects.get(case_id=case.pk, act="issue")
        assert (movement.actor_id, movement.actor_role) == (cast.user("zhou").pk, "registrar")
        assert (movement.detail["sha256"], movement.detail["edition"]) == (stored.sha256, 1)
        # Whoever reads the file learns no code by which the public page opens.
        assert stored.code not in str(movement.detail)
        notice = Outbox.objects.get(kind="issued", case_id=case.pk)
        assert (notice.user_id, notice.data["number"]) == (
            stored.person.user_id,
            stored.registration.number,
        )
    assert case_now(cast.beijing, other.pk).state == State.ANNOUNCED
    assert Certificate.objects.count() == 2


def test_a_second_run_finds_nothing_to_do(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = papers.undrawn(monkeypatch)
    batch = batch_of(cast, announced(cast, cast.zhang))
    assert [issued(batch).done, issued(batch).done] == [1, 0]
    assert (drawn, tasks.sweep_certificates()) == ([1], 0)


def test_killed_between_storing_and_closing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = papers.undrawn(monkeypatch)
    case = announced(cast, cast.zhang)
    batch = batch_of(cast, case)
    row = Registration.objects.get(case_id=case.pk)
    with crossing.standing(Desk.AUTHORITY):
        stored = national.issue(registration=row, by=cast.user("zhou"))
    rung: list[str] = []
    monkeypatch.setattr(bells, "ring", lambda _task, key: rung.append(key))
    assert (tasks.sweep_certificates(), rung) == (1, [str(batch.pk)])
    assert (issued(batch).done, drawn) == (1, [1])
    assert case_now(cast.beijing, case.pk).state == State.ISSUED
    assert Certificate.objects.get().pk == stored.pk


def test_what_fails_keeps_nobody_else_waiting(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    papers.undrawn(monkeypatch)
    cases = sorted([announced(cast, cast.zhang), announced(cast, cast.sun)], key=lambda case: case.pk)
    batch = batch_of(cast, *cases)
    broken = Registration.objects.get(case_id=cases[0].pk).pk
    whole = making._make

    def make(registration: Registration, number: int, **how: Any) -> Certificate:
        if registration.pk == broken:
            raise OSError("no space left")
        return whole(registration, number, **how)

    monkeypatch.setattr(making, "_make", make)
    run = issued(batch)
    assert (run.done, run.failed, run.after) == (1, 1, None)
    assert [case_now(cast.beijing, case.pk).state for case in cases] == [State.ANNOUNCED, State.ISSUED]
    monkeypatch.setattr(making, "_make", whole)
    assert issued(batch).done == 1


def test_without_a_key_the_cases_wait(cast: Cast, settings: Settings) -> None:
    settings.CERTIFICATE_SIGNER_P12 = ""
    case = announced(cast, cast.zhang)
    run = issued(batch_of(cast, case))
    assert (run.done, run.failed, Certificate.objects.count()) == (0, 1, 0)
    assert case_now(cast.beijing, case.pk).state == State.ANNOUNCED


def test_a_long_batch_is_done_in_slices(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    papers.undrawn(monkeypatch)
    cases = sorted(announced(cast, who).pk for who in (cast.zhang, cast.sun, cast.gu))
    batch = batch_of(cast, *[Case(pk=key) for key in cases])
    first = issued(batch, seconds=-1)
    assert (first.done, first.after) == (1, cases[0])
    monkeypatch.setattr(bells, "ring", lambda *_call: None)
    assert tasks.issue_certificates(str(batch.pk), str(first.after)) == 2
    assert Certificate.objects.count() == 3


def test_a_registration_that_was_ended_gets_no_certificate(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = papers.undrawn(monkeypatch)
    case = announced(cast, cast.zhang)
    batch = batch_of(cast, case)
    ended = {"ended_how": "cancelled", "ended_on": clock.today()}
    Registration.objects.filter(case_id=case.pk).update(**ended)
    assert (issued(batch), drawn, tasks.sweep_certificates()) == (Run(), [], 0)


def test_a_case_is_not_closed_before_its_certificate_is_stored(cast: Cast) -> None:
    case = announced(cast, cast.zhang)
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing), pytest.raises(Refusal) as no:
        casework.issue(case=case, by=cast.actor("zhou"))
    assert no.value.code == "no_certificate"


# --- The authority's pages ---------------------------------------------------------------------------


def test_a_certificate_is_opened_by_readers_and_made_anew_by_the_registrar(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers.undrawn(monkeypatch)
    case = announced(cast, cast.zhang)
    issued(batch_of(cast, case))
    stored = Certificate.objects.get()
    zhou = at_desk(cast, "zhou")
    page = zhou.get(f"/cases/{case.pk}/").content.decode()
    pdf, anew = f"/certificates/{stored.pk}.pdf", f"/certificates/{stored.pk}/reissue/"
    assert f'href="{pdf}"' in page and f'href="{anew}"' in page
    answer = zhou.get(pdf)
    assert (answer.content, answer["Content-Type"]) == (bytes(stored.data), "application/pdf")
    assert "registration-certificate-1.pdf" in answer["Content-Disposition"]

    assert "原证立即作废" in zhou.page(anew)
    assert zhou.post(anew, {"reason": " "}).status_code == 200
    assert Certificate.objects.count() == 1
    answer = zhou.post(anew, {"reason": "原证遗失"})
    assert answer.status_code == 302
    assert "已补发执业证第 2 版" in zhou.page(answer["Location"])
    assert list(Certificate.objects.values_list("edition", "reason")) == [(1, ""), (2, "原证遗失")]
    # The page of the first edition is stale now: it says so and makes nothing.
    assert "已经作废" in " ".join(str(m) for m in zhou.get(anew, follow=True).context["messages"])
    assert zhou.post(anew, {"reason": "再补"}).status_code == 200
    assert Certificate.objects.count() == 2

    for name, opens, makes in (("zhao", 200, 404), ("wei", 200, 404), ("feng", 404, 404)):
        reader = at_desk(cast, name)
        assert (reader.get(pdf).status_code, reader.get(anew).status_code) == (opens, makes), name
    assert at_desk(cast, "li").get(pdf).status_code == 404


def test_a_reissue_without_a_key_says_so_and_keeps_what_was_typed(cast: Cast, settings: Settings) -> None:
    settings.CERTIFICATE_SIGNER_P12 = ""
    stored = papers.certificate(factories.registration(cast.zhang, cast.beijing))
    answer = at_desk(cast, "zhou").post(f"/certificates/{stored.pk}/reissue/", {"reason": "原证遗失"})
    assert answer.status_code == 200
    assert "还没有配置执业证的签名密钥" in answer.content.decode()
    assert "原证遗失" in answer.content.decode()
    assert signing.FIELD and Certificate.objects.count() == 1
