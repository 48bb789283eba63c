"""Announcement batches at the registrar's desk: gathered, checked, published, and every case follows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.models import Outbox
from register import announcing, clock, issuing
from register.models import Batch, BatchLine, DocketEntry, Registration
from review import batch_runs, batches, casework, tasks
from review.batch_runs import Run
from review.batches import Scope, Standing
from review.models import Case
from review.states import State
from tenants import bells, crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import Agency
from tests import casefiles, factories
from tests.cast import Cast
from tests.review.desks import at_desk, case_now, line_now, words

pytestmark = pytest.mark.django_db


def granted(cast: Cast, name: str, agency: Agency, reviewer: str) -> Case:
    """An application of somebody new, decided in favour by 赵终审."""
    person = factories.person(name)
    with crossing.standing(Desk.APPLICANT), crossing.acting_as(person.pk), crossing.inside(agency):
        case = casefiles.lodge(person, agency)
    with crossing.standing(Desk.OWNER), crossing.inside(agency):
        return casefiles.put(
            case, State.FINAL_PASSED, assignee=cast.user(reviewer), officer=cast.user("zhao")
        )


@pytest.fixture
def three(cast: Cast) -> list[Case]:
    """Two granted at Beijing, one at the construction ministry."""
    return [
        granted(cast, "甲测", cast.beijing, "li"),
        granted(cast, "乙㐂测", cast.beijing, "li"),
        granted(cast, "丙测", cast.mohurd, "he"),
    ]


def names_of(batch: Batch) -> list[str]:
    return sorted(batch.lines.values_list("name", flat=True))


def test_who_was_granted_waits_until_a_batch_lists_them(cast: Cast, three: list[Case]) -> None:
    with crossing.standing(Desk.AUTHORITY):
        everyone = {row.person.name for row in batches.waiting()}
        at_mohurd = {row.person.name for row in batches.waiting(Scope(agency="mohurd"))}
        provincial = {row.person.name for row in batches.waiting(Scope(channel="provincial"))}
        yesterday = batches.waiting(Scope(until=clock.today() - timedelta(days=1))).count()
        announcing.compose(
            number="2026-001", title="公告", registrations=batches.waiting(Scope(agency="mohurd"))
        )
        left = {row.person.name for row in batches.waiting()}
    assert (everyone, at_mohurd, provincial, yesterday, left) == (
        {"甲测", "乙㐂测", "丙测"},
        {"丙测"},
        {"甲测", "乙㐂测"},
        0,
        {"甲测", "乙㐂测"},
    )


def test_nobody_stands_in_two_batches(cast: Cast, three: list[Case]) -> None:
    with crossing.standing(Desk.AUTHORITY):
        rows = list(batches.waiting())
        announcing.compose(number="2026-001", title="公告", registrations=rows)
        with pytest.raises(Refusal) as no:
            announcing.compose(number="2026-002", title="公告", registrations=rows[:1])
        with pytest.raises(Refusal) as same:
            announcing.compose(number="2026-001", title="公告", registrations=[])
    assert (no.value.code, same.value.code) == ("listed", "number")
    assert list(Batch.objects.values_list("number", flat=True)) == ["2026-001"]


def test_numbers_follow_one_another_within_the_year(cast: Cast) -> None:
    year = clock.today().year
    assert batches.next_number() == f"{year}-001"
    for number in (f"{year}-009", f"{year - 1}-044", f"{year}-A"):
        Batch.objects.create(number=number, title="公告")
    assert batches.next_number() == f"{year}-010"


def test_a_published_batch_says_what_the_register_says_that_day_and_every_case_follows(
    cast: Cast, three: list[Case]
) -> None:
    with crossing.standing(Desk.AUTHORITY):
        batch = announcing.compose(
            number="2026-001", title="公告", registrations=batches.waiting(), by=cast.user("zhou")
        )
        Registration.objects.filter(case_id=three[0].pk).update(employer_name="更名后的单位")
        batches.publish(batch=batch, by=cast.user("zhou"))
        assert batches.standings([batch]) == {batch.pk: Standing(people=3, granted=3)}
        assert list(batch_runs.batches_with(State.FINAL_PASSED)) == [batch]
        assert (batches.announce(batch).done, batches.announce(batch).done) == (3, 0)
        assert batches.standings([batch]) == {batch.pk: Standing(people=3, announced=3)}
        assert list(batch_runs.batches_with(State.FINAL_PASSED)) == []
    line = BatchLine.objects.get(registration__case_id=three[0].pk)
    assert (line.employer_name, batch.published_on) == ("更名后的单位", clock.today())
    told = Outbox.objects.filter(kind="announced").values_list("case_id", "data__batch")
    assert sorted(told) == sorted((case.pk, "2026-001") for case in three)
    for case, agency in zip(three, (cast.beijing, cast.beijing, cast.mohurd), strict=True):
        last = case_now(agency, case.pk)
        assert (last.state, line_now(case.pk).state) == (State.ANNOUNCED, State.ANNOUNCED)
        with crossing.standing(Desk.CLERK), crossing.inside(agency):
            movement = last.movements.order_by("-number").first()
            assert movement is not None
            assert (movement.act, movement.actor_name, movement.actor_role, movement.detail["batch"]) == (
                "announce",
                "周登记",
                "registrar",
                "2026-001",
            )


def test_a_registration_that_ended_keeps_its_batch_from_publication(cast: Cast, three: list[Case]) -> None:
    with crossing.standing(Desk.AUTHORITY):
        batch = announcing.compose(number="2026-001", title="公告", registrations=batches.waiting())
        ended = Registration.objects.get(case_id=three[1].pk)
        issuing.end(registration=ended, how=Registration.End.CANCELLED, on=clock.today(), reason="本人死亡")
        with pytest.raises(Refusal) as no:
            batches.publish(batch=batch, by=cast.user("zhou"))
        wrong = announcing.faults(batch)
        assert (no.value.code, [fault.line.name for fault in wrong]) == ("faults", ["乙㐂测"])
        assert announcing.take_out(batch=batch, lines=[fault.line.pk for fault in wrong]) == 1
        batches.publish(batch=batch, by=cast.user("zhou"))
    assert names_of(batch) == ["丙测", "甲测"]


def test_nobody_publishes_what_concerns_themselves(cast: Cast, three: list[Case]) -> None:
    zhou = cast.user("zhou")
    zhou.document_digest = Registration.objects.get(case_id=three[0].pk).person.document_digest
    zhou.save()
    with crossing.standing(Desk.AUTHORITY):
        batch = announcing.compose(number="2026-001", title="公告", registrations=batches.waiting())
        assert [fault.line.name for fault in announcing.faults(batch, by=zhou)] == ["甲测"]
        with pytest.raises(Refusal):
            batches.publish(batch=batch, by=zhou)
    assert Batch.objects.get().published_on is None


def test_what_is_public_never_changes(cast: Cast, three: list[Case]) -> None:
    with crossing.standing(Desk.AUTHORITY):
        batch = announcing.compose(
            number="2026-001", title="公告", registrations=batches.waiting(Scope(agency="beijing"))
        )
        batches.publish(batch=batch, by=cast.user("zhou"))
        more = list(batches.waiting())
        lines = list(batch.lines.values_list("pk", flat=True))
        refused = []
        for attempt in (
            lambda: announcing.add(batch=batch, registrations=more),
            lambda: announcing.take_out(batch=batch, lines=lines),
            lambda: announcing.drop(batch=batch),
            lambda: batches.publish(batch=batch, by=cast.user("zhou")),
        ):
            with pytest.raises(Refusal) as no:
                attempt()
            refused.append(no.value.code)
    assert (refused, names_of(batch)) == (["published"] * 4, ["乙㐂测", "甲测"])


def test_a_case_that_was_terminated_meanwhile_does_not_stop_the_others(cast: Cast, three: list[Case]) -> None:
    with crossing.standing(Desk.AUTHORITY):
        batch = announcing.compose(number="2026-001", title="公告", registrations=batches.waiting())
        batches.publish(batch=batch, by=cast.user("zhou"))
        ended = Registration.objects.get(case_id=three[0].pk)
        issuing.end(registration=ended, how=Registration.End.CANCELLED, on=clock.today(), reason="死亡")
        assert batches.announce(batch) == Run(done=2)
        # Nothing follows for who ended, so the batch comes to its end without them.
        assert list(batch_runs.batches_with(State.FINAL_PASSED)) == []
        far = batches.standings([batch])[batch.pk]
        assert (far, far.running) == (Standing(people=3, announced=2, ended=1), True)
        DocketEntry.objects.filter(state=State.ANNOUNCED).update(state=State.ISSUED)
        far = batches.standings([batch])[batch.pk]
        assert (far, far.running) == (Standing(people=3, issued=2, ended=1), False)
        DocketEntry.objects.filter(state=State.ISSUED).update(state=State.ANNOUNCED)
    states = dict(DocketEntry.objects.values_list("applicant_name", "state"))
    assert states == {"甲测": "final_passed", "乙㐂测": "announced", "丙测": "announced"}


def test_a_case_that_fails_keeps_no_other_waiting(
    cast: Cast, three: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, *_others = sorted(case.pk for case in three)
    announce = casework.announce

    def act(*, case: Case, **how: Any) -> object:
        if case.pk == broken:
            raise OSError("this file cannot be read")
        return announce(case=case, **how)

    monkeypatch.setattr(casework, "announce", act)
    with crossing.standing(Desk.AUTHORITY):
        batch = announcing.compose(number="2026-001", title="公告", registrations=batches.waiting())
        batches.publish(batch=batch, by=cast.user("zhou"))
        # A long batch is done in slices; each one goes on behind the one before.
        assert batches.announce(batch, seconds=-1) == Run(failed=1, after=broken)
        assert batches.announce(batch, after=broken) == Run(done=2)
        monkeypatch.setattr(casework, "announce", announce)
        assert batches.announce(batch) == Run(done=1)


def test_the_tasks_hand_on_to_one_another(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    key, last = str(uuid4()), uuid4()
    Batch.objects.create(pk=key, number="2026-001", title="公告")
    rung: list[tuple[str, ...]] = []
    runs = iter([Run(done=2, after=last), Run(done=1)])
    monkeypatch.setattr(bells, "ring", lambda *call: rung.append(call))
    monkeypatch.setattr(batches, "announce", lambda *_args, **_more: next(runs))
    assert (tasks.announce_batch(key), tasks.announce_batch(key, str(last))) == (2, 1)
    assert rung == [(batches.ANNOUNCE, key, str(last)), (batches.ISSUE, key)]


def test_publication_holds_the_registrations(cast: Cast, three: list[Case]) -> None:
    with crossing.standing(Desk.AUTHORITY):
        batch = announcing.compose(number="2026-001", title="公告", registrations=batches.waiting())
        with CaptureQueriesContext(connection) as asked:
            batches.publish(batch=batch, by=cast.user("zhou"))
    assert sum('FOR UPDATE OF "register_registration"' in query["sql"] for query in asked) == 1


# --- The pages -----------------------------------------------------------------------------------------


def test_the_registrar_gathers_checks_and_publishes(cast: Cast, three: list[Case]) -> None:
    zhou = at_desk(cast, "zhou")
    assert "3 人已准予注册，尚未列入公告批次。" in zhou.page("/batches/")
    gathered = zhou.page("/batches/new/?agency=beijing")
    assert ("以上 2 人列入新批次" in gathered, "丙测" in gathered) == (True, False)
    year = clock.today().year
    made = zhou.post(
        "/batches/new/",
        {
            "number": f"{year}-001",
            "title": "第一批",
            "agency": "beijing",
            "until": "",
            "kind": "",
            "channel": "",
        },
        follow=True,
    )
    assert ("公告批次已建立" in words(made), names_of(Batch.objects.get())) == (True, ["乙㐂测", "甲测"])
    assert "另有 1 人已准予注册" in words(made)
    there = f"/batches/{year}-001/"
    assert "已补充 1 人" in words(zhou.post(f"{there}additions/", follow=True))
    line = BatchLine.objects.get(name="甲测")
    assert "已移出 1 人" in words(zhou.post(f"{there}removals/", {"line": [line.pk, 999_999]}, follow=True))
    # A second click takes out nobody, and says so.
    assert "已移出 0 人" in words(zhou.post(f"{there}removals/", {"line": line.pk}, follow=True))
    asked = zhou.page(f"{there}publication/")
    assert "公告后不能撤回" in asked
    assert "批次已公告" in words(zhou.post(f"{there}publication/", follow=True))
    assert "这个批次已经公告" in words(zhou.post(f"{there}publication/", follow=True))
    batch = Batch.objects.get()
    assert (batch.published_on, batch.published_by, names_of(batch)) == (
        clock.today(),
        cast.user("zhou"),
        ["丙测", "乙㐂测"],
    )


def test_who_would_be_added_is_shown_within_a_scope_first(cast: Cast, three: list[Case]) -> None:
    with crossing.standing(Desk.AUTHORITY):
        announcing.compose(number="2026-001", title="公告", registrations=[])
    zhou, there = at_desk(cast, "zhou"), "/batches/2026-001/additions/"
    asked = zhou.page(f"{there}?agency=mohurd")
    assert ("补充以上 1 人" in asked, "丙测" in asked, "甲测" in asked) == (True, True, False)
    # What cannot be understood finds nobody, here and where a batch is gathered.
    for page in (there, "/batches/new/"):
        wrong = zhou.page(f"{page}?until=2026-13-40")
        assert ("日期无效" in wrong, "没有待公告的人员" in wrong, "甲测" in wrong) == (True, True, False)
    assert zhou.post(there, {"until": "2026-13-40"}).status_code == 200
    assert names_of(Batch.objects.get()) == []
    assert "已补充 1 人" in words(zhou.post(there, {"agency": "mohurd"}, follow=True))
    assert names_of(Batch.objects.get()) == ["丙测"]


def test_a_batch_that_was_given_up_sets_its_people_free(cast: Cast, three: list[Case]) -> None:
    with crossing.standing(Desk.AUTHORITY):
        announcing.compose(number="2026-001", title="公告", registrations=batches.waiting())
    zhou = at_desk(cast, "zhou")
    assert "批次已撤销" in words(zhou.post("/batches/2026-001/withdrawal/", follow=True))
    with crossing.standing(Desk.AUTHORITY):
        assert (Batch.objects.count(), batches.waiting().count()) == (0, 3)


def test_what_is_typed_wrongly_is_said_beside_the_field(cast: Cast) -> None:
    zhou = at_desk(cast, "zhou")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"number": "", "title": "公告"}, "请填写批次号。"),
        ({"number": "new", "title": "公告"}, "批次号只能使用字母、数字和短横线"),
        ({"number": "2026/1", "title": "公告"}, "批次号只能使用字母、数字和短横线"),
        ({"number": "2026-1", "title": ""}, "请填写标题。"),
        ({"number": "2026-1", "title": "公告", "until": "2026-13-40"}, "日期无效"),
    ]
    for data, said in wrong:
        answer = zhou.post("/batches/new/", data)
        assert (answer.status_code, said in words(answer), Batch.objects.count()) == (200, True, 0), data


def test_others_of_the_authority_read_and_change_nothing(cast: Cast, three: list[Case]) -> None:
    with crossing.standing(Desk.AUTHORITY):
        announcing.compose(number="2026-001", title="公告", registrations=batches.waiting())
    for name in ("zhao", "qian", "wei"):
        desk = at_desk(cast, name)
        assert "2026-001" in desk.page("/batches/")
        page = desk.page("/batches/2026-001/")
        assert ("甲测" in page, "撤销批次" in page) == (True, False), name
        for noun in ("additions", "removals", "publication", "withdrawal"):
            assert desk.post(f"/batches/2026-001/{noun}/").status_code == 404, (name, noun)
        assert desk.get("/batches/new/").status_code == 404
    assert Batch.objects.get().published_on is None


def test_the_public_page_names_no_document(cast: Cast, three: list[Case], client: Any) -> None:
    with crossing.standing(Desk.AUTHORITY):
        batch = announcing.compose(number="2026-001", title="公告", registrations=batches.waiting())
        hidden = client.get("/announcements/2026-001/", HTTP_HOST="localhost").status_code
        batches.publish(batch=batch, by=cast.user("zhou"))
    answer = client.get("/announcements/2026-001/", HTTP_HOST="localhost")
    page = answer.content.decode()
    numbers = [row.person for row in Registration.objects.select_related("person")]
    assert (hidden, answer.status_code, "乙㐂测" in page) == (404, 200, True)
    for person in numbers:
        assert person.document_mask not in page
        assert person.document_digest not in page


def test_day_of_publication_is_that_of_the_portals_clock(
    cast: Cast, three: list[Case], shifted_clock: None
) -> None:
    clock.shift(40 * 86_400)
    with crossing.standing(Desk.AUTHORITY):
        batch = announcing.compose(number="2026-001", title="公告", registrations=batches.waiting())
        batches.publish(batch=batch, by=cast.user("zhou"))
    assert batch.published_on == clock.today()
    assert batch.published_on > date.today()  # noqa: DTZ011 - the machine's own calendar is the measure
