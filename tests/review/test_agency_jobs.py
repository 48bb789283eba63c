"""Agencies opened, mended and merged by the owner's worker, killed at every step and begun again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from celery import current_app
from django.core.exceptions import ValidationError
from django.db import connection
from pytest_django import Settings

from notifications.models import Outbox
from register import clock
from register.models import DocketEntry
from review import agency_jobs, casework, docket, handover, log, mergers, staffing, tasks
from review.models import Case
from review.states import State
from tenants import agencies, crossing, health, provisioning
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import Agency, AgencyJob, Domain, SchemaHealth, SettingChange, User
from tenants.roles import ADMINISTRATOR, grant, roles_of
from tenants.walls.upkeep import wall_faults
from tests import casefiles
from tests.cast import Cast

pytestmark = pytest.mark.django_db

WHY = "机构改革，职能划入住房和城乡建设部。"


class Killed(BaseException):
    """As a worker is: nothing of ours catches it."""


def wish(code: str = "newplace", **more: Any) -> dict[str, Any]:
    return {
        "code": code,
        "kind": "ministry",
        "name_zh": f"示例“{code}”㐂部",
        "name_en": "Example O'Hara",
        "phone": "010-00000000",
        "email": "",
        "address": "",
        "hours": "",
        "materials_mode": "both",
        "review_clock_applies": False,
        "manager": {"name": "吴㐂", "username": f"wu.{code}", "email": ""},
        **more,
    }


def asked(cast: Cast, given: dict[str, Any] | None = None, *, key: UUID | None = None) -> AgencyJob:
    with crossing.standing(Desk.AUTHORITY):
        return agency_jobs.ask_opening(key=key or uuid4(), wish=given or wish(), by=cast.user("feng"))


def job_now(job: AgencyJob) -> AgencyJob:
    with crossing.standing(Desk.OWNER):
        return AgencyJob.objects.get(pk=job.pk)


def carried_out(job: AgencyJob) -> bool:
    """The task as the owner's worker gets it."""
    tasks.agency_job(str(job.pk))
    return job_now(job).finished_at is not None and not job_now(job).fault


def schemas() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^[a-z][a-z0-9]+$'")
        return {name for (name,) in cursor.fetchall()}


# --- Opening ------------------------------------------------------------------------------------------


def test_an_agency_is_opened_whole_and_once(cast: Cast) -> None:
    last = max(Agency.objects.values_list("number", flat=True))
    job = asked(cast)
    assert carried_out(job)
    new = Agency.objects.get(code="newplace")
    assert (new.number, new.name_zh, new.materials_mode, new.review_clock_applies, new.intake_open) == (
        last + 1,
        "示例“newplace”㐂部",
        "both",
        False,
        False,
    )
    assert Domain.objects.get(tenant=new).domain == "newplace.localhost"
    assert provisioning.schema_signature(new) == provisioning.schema_signature(cast.beijing)
    assert wall_faults() == []
    manager = User.objects.get(username="wu.newplace")
    assert (roles_of(manager, new), manager.home, manager.has_usable_password()) == (
        frozenset({"manager"}),
        new,
        False,
    )
    health_of = SchemaHealth.objects.get(schema="newplace")
    assert (health_of.agency, health_of.exists, health_of.behind, health_of.faults) == (new, True, 0, [])
    now = job_now(job)
    assert (now.done, now.total, now.starts, now.agency) == (5, 5, 1, new)
    # Who was to be invited is known by the account alone.
    assert now.wish == {**{k: v for k, v in wish().items() if k != "manager"}, "manager_id": manager.pk}
    # Rung for once more, it is not done again.
    tasks.agency_job(str(job.pk))
    assert (job_now(job).starts, User.objects.filter(home__code="newplace").count()) == (1, 1)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("note", [0, 1, 2])
def test_killed_at_any_step_it_leaves_nothing_or_all_and_goes_on(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, note: int, after: bool
) -> None:
    """Killed just before, or just after, a step is noted; `note` counts the steps."""
    job = asked(cast)
    noted, seen = agency_jobs._note, []

    def deadly(job: AgencyJob, done: int) -> None:
        seen.append(done)
        if len(seen) == note + 1:
            if after:
                noted(job, done)
            raise Killed
        noted(job, done)

    with monkeypatch.context() as fatal:
        fatal.setattr(agency_jobs, "_note", deadly)
        with pytest.raises(Killed):
            tasks.agency_job(str(job.pk))
    whole = note > 0
    assert (Agency.objects.filter(code="newplace").exists(), "newplace" in schemas()) == (whole, whole)
    assert carried_out(job)
    assert User.objects.filter(home__code="newplace").count() == 1
    assert not Agency.objects.get(code="newplace").intake_open
    assert wall_faults() == []


def test_one_job_is_done_by_one_worker_only(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    job = asked(cast)
    with agency_jobs.alone(job.pk) as mine:
        assert mine
    # The lock is the session's own, so somebody else's is played.
    monkeypatch.setattr(agency_jobs, "alone", lambda _key: nullcontext(False))
    assert agency_jobs.carry_out(job.pk) is False
    assert job_now(job).starts == 0


def test_only_the_owners_worker_opens(cast: Cast, settings: Settings) -> None:
    job = asked(cast)
    settings.AS_OWNER = False
    with pytest.raises(crossing.WrongPlace):
        tasks.agency_job(str(job.pk))
    settings.AS_OWNER, settings.TESTING = True, False
    with pytest.raises(PermissionError):
        tasks.sweep_files()
    assert "newplace" not in schemas()


def test_the_queue_of_the_owner_carries_exactly_its_tasks(settings: Settings) -> None:
    for name in current_app.tasks:
        queue = current_app.amqp.router.route({}, name).get("queue")
        assert (getattr(queue, "name", "default") == "opening") == (name in settings.OWNERS_TASKS)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"code": "beijing"}, "taken"),
        ({"code": "guardian_"}, "code"),
        ({"code": "pg_catalog"}, "code"),
        ({"code": "authority"}, "reserved"),
        ({"code": "www"}, "reserved"),
        ({"name_zh": "北京市应急管理局"}, "name"),
        ({"manager": {"name": "李", "username": "li.beijing", "email": ""}}, "username"),
    ],
)
def test_what_is_taken_or_reserved_is_refused(cast: Cast, given: dict[str, Any], code: str) -> None:
    with pytest.raises((Refusal, ValidationError)) as no:
        asked(cast, wish(**{"code": "newplace", **given}))
    assert getattr(no.value, "code", "") == code
    assert not AgencyJob.objects.exists()


def test_a_schema_of_that_name_is_never_taken_over(cast: Cast) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA stray")
    with pytest.raises(Refusal) as no:
        asked(cast, wish("stray"))
    assert no.value.code == "schema"
    # Nor when it appears after the order.
    job = asked(cast)
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA newplace")
    assert not carried_out(job)
    assert "数据架构" in job_now(job).fault
    health.check(at=clock.now())
    assert set(SchemaHealth.objects.filter(agency=None).values_list("schema", flat=True)) == {
        "stray",
        "newplace",
    }
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA newplace")
    with crossing.standing(Desk.AUTHORITY):
        agency_jobs.ask_again(job=job, by=cast.user("feng"))
    assert carried_out(job)


def test_a_second_click_and_a_second_administrator_order_nothing_more(cast: Cast) -> None:
    key = uuid4()
    first = asked(cast, key=key)
    assert asked(cast, key=key) == first
    with pytest.raises(Refusal) as no:
        asked(cast)
    assert no.value.code == "under_way"
    assert AgencyJob.objects.count() == 1


@pytest.mark.parametrize("who", ["zhou", "wei", "zhao", "chen"])
def test_only_an_administrator_may_order(cast: Cast, who: str) -> None:
    with crossing.standing(Desk.AUTHORITY), pytest.raises(Refusal) as no:
        agency_jobs.ask_opening(key=uuid4(), wish=wish(), by=cast.user(who))
    assert no.value.code == "role"


def test_a_login_taken_meanwhile_is_told_and_nobody_lodges_before_somebody_is_there(cast: Cast) -> None:
    job = asked(cast)
    User.objects.create_staff(username="wu.newplace", name="别人", home=cast.beijing)
    assert not carried_out(job)
    now = job_now(job)
    assert (now.step, now.done, "wu.newplace" in now.fault) == ("manager", 4, True)
    new, feng = Agency.objects.get(code="newplace"), cast.user("feng")
    with crossing.standing(Desk.AUTHORITY):
        assert not_resumed(new, feng) == "failed"
        # Another manager is invited from the agency's page; the job has nothing left to do.
        manager = staffing.invite(
            agency=new, name="吴二", username="wu2.newplace", email="", roles=["manager"], by=feng
        )
        agency_jobs.ask_again(job=now, by=feng)
    assert carried_out(job)
    with crossing.standing(Desk.AUTHORITY):
        assert not agency_jobs.may_show_link(job_now(job))
        assert not_resumed(new, feng) == "nobody"
    manager.set_password("Synthetic-pass-2")
    manager.save()
    with crossing.standing(Desk.AUTHORITY):
        agencies.resume(agency=new, by=feng, at=clock.now())
    assert Agency.objects.get(code="newplace").intake_open


def not_resumed(agency: Agency, by: User) -> str:
    """With which code it is refused that the agency takes applications."""
    with pytest.raises(Refusal) as no:
        agencies.resume(agency=agency, by=by, at=clock.now())
    return no.value.code


@pytest.mark.parametrize(
    ("mend", "ended", "fault", "code", "word"),
    [
        (True, False, "", "under_way", "正在修复"),
        (False, False, "", "under_way", "正在开通"),
        (True, True, "自检发现 1 处问题", "failed", "没有修复成功"),
        (False, True, "自检发现 1 处问题", "failed", "开通没有完成"),
    ],
)
def test_what_is_not_ready_takes_no_applications(
    cast: Cast, mend: bool, ended: bool, fault: str, code: str, word: str
) -> None:
    by, at = cast.user("feng"), clock.now()
    Agency.objects.filter(pk=cast.mohurd.pk).update(intake_open=False)
    old = AgencyJob.objects.create(
        kind="opening", agency=cast.mohurd, asked_by=by, asked_at=at, finished_at=at
    )
    last = AgencyJob.objects.create(
        kind="opening",
        wish={"mend": mend},
        agency=cast.mohurd,
        asked_by=by,
        asked_at=at + timedelta(seconds=1),
        fault=fault,
        finished_at=at if ended else None,
    )
    with crossing.standing(Desk.AUTHORITY):
        with pytest.raises(Refusal, match=word) as no:
            agencies.resume(agency=cast.mohurd, by=by, at=at)
        assert no.value.code == code
        # Mended, it may; what failed before that does not count.
        AgencyJob.objects.filter(pk=old.pk).update(fault="自检发现 1 处问题")
        AgencyJob.objects.filter(pk=last.pk).update(fault="", finished_at=at)
        agencies.resume(agency=cast.mohurd, by=by, at=at)


def test_the_letter_goes_to_the_address_and_the_link_is_shown_once(cast: Cast) -> None:
    manager = {"name": "吴一", "username": "wu.withmail", "email": "wu@example.invalid"}
    mailed = asked(cast, wish("withmail", manager=manager))
    plain = asked(cast, wish("nomail"))
    assert carried_out(mailed)
    assert carried_out(plain)
    with crossing.standing(Desk.OWNER):
        user = User.objects.get(username="wu.withmail")
        assert list(Outbox.objects.filter(kind="staff_invitation").values_list("user_id", flat=True)) == [
            user.pk
        ]
    with crossing.standing(Desk.AUTHORITY):
        assert (agency_jobs.may_show_link(job_now(mailed)), agency_jobs.may_show_link(job_now(plain))) == (
            False,
            True,
        )
        assert agency_jobs.take_link(job=plain, by=cast.user("feng")).username == "wu.nomail"
        with pytest.raises(Refusal):
            agency_jobs.take_link(job=plain, by=cast.user("feng"))


def test_the_sweep_rings_for_what_nobody_has_begun(
    cast: Cast, shifted_clock: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = asked(cast)
    rung: list[UUID] = []
    monkeypatch.setattr(agency_jobs, "ring", rung.append)
    assert tasks.sweep_agency_jobs() == 0
    clock.shift(60)
    assert tasks.sweep_agency_jobs() == 1
    assert rung == [job.pk]
    with crossing.standing(Desk.AUTHORITY):
        assert agency_jobs.is_waiting_for_a_worker(job_now(job))


def test_a_job_that_kills_its_workers_is_given_up(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    job = asked(cast)

    def deadly(_job: AgencyJob) -> None:
        raise Killed

    with monkeypatch.context() as fatal:
        fatal.setitem(agency_jobs.DO, "schema", deadly)
        for _time in range(agency_jobs.MOST_STARTS):
            with pytest.raises(Killed):
                tasks.agency_job(str(job.pk))
    assert not carried_out(job)
    assert "多次中断" in job_now(job).fault


# --- Mending and health -------------------------------------------------------------------------------


def mended(cast: Cast, agency: Agency) -> bool:
    with crossing.standing(Desk.AUTHORITY):
        job = agency_jobs.ask_mending(agency=agency, by=cast.user("feng"))
    return carried_out(job)


def lost_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA sinopec CASCADE")


def lost_walls() -> None:
    with connection.cursor() as cursor:
        cursor.execute("REVOKE SELECT ON sinopec.review_case FROM agency_sinopec")


def lost_host() -> None:
    Domain.objects.filter(tenant__code="sinopec").delete()


@pytest.mark.parametrize("harm", [lost_schema, lost_walls, lost_host])
def test_an_ill_agency_is_mended_by_a_job(cast: Cast, harm: Callable[[], None]) -> None:
    harm()
    assert mended(cast, cast.sinopec)
    assert wall_faults() == []
    assert provisioning.schema_signature(cast.sinopec) == provisioning.schema_signature(cast.beijing)
    assert Domain.objects.get(tenant=cast.sinopec).domain == "sinopec.localhost"
    assert SettingChange.objects.filter(agency=cast.sinopec, field="schema").count() == 1


def test_health_tells_what_is_missing(cast: Cast) -> None:
    lost_schema()
    with connection.cursor() as cursor:
        cursor.execute("REVOKE SELECT ON mohurd.review_case FROM agency_mohurd")
        cursor.execute("DELETE FROM beijing.django_migrations WHERE app = 'review' AND name LIKE '0001%'")
    tasks.check_schemas()
    rows = {row.schema: row for row in SchemaHealth.objects.all()}
    assert set(rows) == {"beijing", "mohurd", "sinopec"}
    assert (rows["beijing"].behind, rows["beijing"].faults) == (1, [])
    assert rows["mohurd"].faults == ["mohurd: SELECT on review_case for agency_mohurd is missing"]
    assert (rows["sinopec"].exists, rows["sinopec"].agency) == (False, cast.sinopec)


def test_docket_and_files_are_compared(cast: Cast) -> None:
    tasks.check_schemas()
    case = lodged(cast)
    DocketEntry.objects.filter(pk=case.pk).update(applicant_name="另一人")
    assert tasks.compare_books() == 1
    assert SchemaHealth.objects.get(schema="beijing").differences == 1


# --- Mergers ------------------------------------------------------------------------------------------


def lodged(cast: Cast, who: str = "zhang", to: State = State.SUBMITTED) -> Case:
    person = cast.people[who]
    with cast.at_applicants_desk(person), crossing.inside(cast.beijing):
        case = casefiles.lodge(person, cast.beijing)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        if to != State.SUBMITTED:
            casefiles.walk(case, cast.actor("li"), to)
        return Case.objects.get(pk=case.pk)


def merged(cast: Cast) -> AgencyJob:
    with crossing.standing(Desk.AUTHORITY):
        return mergers.announce(agency=cast.beijing, target=cast.mohurd, by=cast.user("feng"), reason=WHY)


def beijing_now() -> Agency:
    return Agency.objects.select_related("merged_into").get(code="beijing")


def where_is(case: Case) -> str:
    with crossing.standing(Desk.OWNER):
        return DocketEntry.objects.get(pk=case.pk).agency.code


def all_is_well(cast: Cast) -> None:
    for agency in (cast.beijing, cast.mohurd):
        with crossing.standing(Desk.OWNER), crossing.inside(agency):
            assert docket.differences(agency) == []
            heads = DocketEntry.objects.filter(agency=agency).values_list(
                "case_id", "chain_length", "chain_head"
            )
            assert list(log.verify(docket={key: (length, head) for key, length, head in heads})) == []


def test_what_can_travel_is_handed_over_and_the_rest_is_finished_where_it_is(cast: Cast) -> None:
    waiting, working = lodged(cast, "zhang"), lodged(cast, "sun", State.ACCEPTED)
    passed = lodged(cast, "gu", State.FIRST_PASSED)
    job = merged(cast)
    tasks.agency_job(str(job.pk))
    assert [where_is(each) for each in (waiting, working, passed)] == ["mohurd", "mohurd", "beijing"]
    now, here = job_now(job), beijing_now()
    assert (now.done, now.total, now.finished_at, here.merged_into, here.merged_at, here.intake_open) == (
        2,
        2,
        None,
        cast.mohurd,
        None,
        False,
    )
    with crossing.standing(Desk.OWNER):
        told = Outbox.objects.filter(kind="agency_merged").values_list("user_id", flat=True)
        assert sorted(told) == sorted([cast.zhang.user_id, cast.sun.user_id])
    # The last one is decided, from here on by the authority in the schema of the agency that was.
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.refer(cases=[Case.objects.get(pk=passed.pk)], by=cast.actor("li"))
    with crossing.standing(Desk.AUTHORITY):
        entry = DocketEntry.objects.select_related("agency").get(pk=passed.pk)
        with docket.opened(entry) as case:
            casework.take_up(case=case, by=cast.actor("zhao"))
            casework.approve(case=case, by=cast.actor("zhao"))
    tasks.agency_job(str(job.pk))
    assert (beijing_now().is_closed, job_now(job).finished_at is not None) == (True, True)
    all_is_well(cast)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_killed_at_any_case_the_merger_goes_on(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, nth: int, after: bool
) -> None:
    cases = [lodged(cast, who) for who in ("zhang", "sun", "gu")]
    job = merged(cast)
    real, calls = handover.hand_over, []

    def deadly(**given: Any) -> Any:
        calls.append(given["case_id"])
        if len(calls) == nth and not after:
            raise Killed
        real(**given)
        if len(calls) == nth:
            raise Killed

    with monkeypatch.context() as fatal:
        fatal.setattr(handover, "hand_over", deadly)
        with pytest.raises(Killed):
            tasks.agency_job(str(job.pk))
    gone = nth if after else nth - 1
    assert sorted(where_is(case) for case in cases) == sorted(["mohurd"] * gone + ["beijing"] * (3 - gone))
    assert job_now(job).starts == 1
    tasks.agency_job(str(job.pk))
    assert [where_is(case) for case in cases] == ["mohurd"] * 3
    now = job_now(job)
    assert (now.done, now.total, now.finished_at is not None) == (3, 3, True)
    assert Outbox.objects.filter(kind="agency_merged").count() == 3
    all_is_well(cast)


def test_a_case_taken_up_again_opens_the_merged_agency_until_it_is_done(
    cast: Cast, shifted_clock: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = lodged(cast)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(case, cast.actor("li"), State.REPORTED)
    job = merged(cast)
    with crossing.standing(Desk.OWNER):
        DocketEntry.objects.filter(pk=case.pk).update(state="final_failed", open=False)
    tasks.agency_job(str(job.pk))
    assert beijing_now().is_closed
    with crossing.standing(Desk.OWNER):
        DocketEntry.objects.filter(pk=case.pk).update(state="reported", open=True)
    rung: list[UUID] = []
    monkeypatch.setattr(agency_jobs, "ring", rung.append)
    tasks.sweep_agency_jobs()
    assert rung == [job.pk]
    tasks.agency_job(str(job.pk))
    assert (beijing_now().is_closed, job_now(job).finished_at) == (False, None)


def test_a_case_from_which_the_administrator_stands_aside_is_told_and_taken_over(cast: Cast) -> None:
    case, other = lodged(cast), lodged(cast, "sun")
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        Case.objects.filter(pk=case.pk).update(employer_code="91110000100000000X")
    User.objects.filter(pk=cast.user("feng").pk).update(employer_code="91110000100000000X")
    job = merged(cast)
    tasks.agency_job(str(job.pk))
    assert [where_is(each) for each in (case, other)] == ["beijing", "mohurd"]
    now = job_now(job)
    assert (now.finished_at, "1 件" in now.fault, "回避" in now.fault) == (None, True, True)
    with crossing.standing(Desk.AUTHORITY):
        for who in ("feng", "zhou"):
            with pytest.raises(Refusal):
                mergers.take_over(job=now, by=cast.user(who))
        deng = User.objects.create_staff(username="deng.authority", name="邓管理", home=cast.authority)
        grant(user=deng, agency=cast.authority, role=ADMINISTRATOR, by=None)
        mergers.take_over(job=now, by=deng)
    tasks.agency_job(str(job.pk))
    now = job_now(job)
    assert (where_is(case), now.fault, now.done, beijing_now().is_closed) == ("mohurd", "", 2, True)
    change = SettingChange.objects.get(agency=cast.beijing, field="merger_hand")
    assert (change.before, change.after, change.user) == ("冯管理", "邓管理", deng)
    with crossing.standing(Desk.AUTHORITY), pytest.raises(Refusal):
        mergers.take_over(job=now, by=cast.user("feng"))


def test_a_merger_that_waits_counts_no_movements(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    going, staying = lodged(cast), lodged(cast, "gu", State.FIRST_PASSED)
    monkeypatch.setattr(mergers, "_handed_over", None)
    job = merged(cast)
    for _bell in range(agency_jobs.MOST_STARTS + 1):
        tasks.agency_job(str(job.pk))
    now = job_now(job)
    assert [where_is(each) for each in (going, staying)] == ["mohurd", "beijing"]
    assert (now.done, now.total, now.starts, now.fault, now.finished_at) == (1, 1, 0, "", None)


def test_a_long_merger_is_done_in_slices(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [lodged(cast, who) for who in ("zhang", "sun", "gu")]
    job = merged(cast)
    rung: list[UUID] = []
    monkeypatch.setattr(agency_jobs, "ring", rung.append)
    monkeypatch.setattr(mergers, "SLICE", 2)
    tasks.agency_job(str(job.pk))
    now = job_now(job)
    assert (now.done, now.total, now.finished_at, rung) == (2, 3, None, [job.pk])
    tasks.agency_job(str(job.pk))
    assert [where_is(case) for case in cases] == ["mohurd"] * 3
    now = job_now(job)
    assert (now.done, now.total, now.finished_at is not None, rung) == (3, 3, True, [job.pk])


def test_a_case_that_kills_its_workers_is_not_rung_for_ever(
    cast: Cast, shifted_clock: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = lodged(cast)
    job = merged(cast)

    def deadly(**_given: Any) -> None:
        raise Killed

    with monkeypatch.context() as fatal:
        fatal.setattr(handover, "hand_over", deadly)
        for _time in range(agency_jobs.MOST_STARTS):
            with pytest.raises(Killed):
                tasks.agency_job(str(job.pk))
        for _bell in range(2):
            tasks.agency_job(str(job.pk))
    now = job_now(job)
    assert (now.finished_at is not None, "多次中断" in now.fault, where_is(case)) == (True, True, "beijing")
    clock.shift(3600)
    assert tasks.sweep_agency_jobs() == 0
    with crossing.standing(Desk.AUTHORITY):
        agency_jobs.ask_again(job=job, by=cast.user("feng"))
    tasks.agency_job(str(job.pk))
    assert (where_is(case), job_now(job).fault, beijing_now().is_closed) == ("mohurd", "", True)


def test_nothing_is_decided_about_a_merged_agency_any_more(cast: Cast) -> None:
    job = merged(cast)
    tasks.agency_job(str(job.pk))
    gone, by = beijing_now(), cast.user("feng")
    with crossing.standing(Desk.AUTHORITY):
        for act in (
            lambda: agency_jobs.ask_mending(agency=gone, by=by),
            lambda: agencies.change(agency=gone, by=by, at=clock.now(), seen={"phone": ""}, phone="010-1"),
        ):
            with pytest.raises(Refusal) as no:
                act()
            assert no.value.code == "closed"


def test_who_goes_where(cast: Cast) -> None:
    merged(cast)
    with crossing.standing(Desk.AUTHORITY):
        for source, target, code in (
            (cast.beijing, cast.sinopec, "merged"),
            (cast.sinopec, cast.beijing, "target_suspended"),
            (cast.sinopec, cast.sinopec, "target"),
            (cast.sinopec, cast.authority, "target"),
        ):
            with pytest.raises(Refusal) as no:
                mergers.announce(agency=source, target=target, by=cast.user("feng"), reason=WHY)
            assert no.value.code == code
        # Who went into one that goes on into another goes along.
        mergers.announce(agency=cast.mohurd, target=cast.sinopec, by=cast.user("feng"), reason=WHY)
    assert beijing_now().living == cast.sinopec
    with pytest.raises(Refusal), crossing.standing(Desk.AUTHORITY):
        agencies.resume(agency=cast.beijing, by=cast.user("feng"), at=clock.now())


def test_a_target_that_is_suspended_lets_the_merger_wait(cast: Cast) -> None:
    case = lodged(cast)
    job = merged(cast)
    with crossing.standing(Desk.AUTHORITY):
        agencies.suspend(agency=cast.mohurd, by=cast.user("feng"), at=clock.now(), reason="搬迁")
    tasks.agency_job(str(job.pk))
    assert (where_is(case), "暂停接收申请" in job_now(job).fault, job_now(job).finished_at) == (
        "beijing",
        True,
        None,
    )
    with crossing.standing(Desk.AUTHORITY):
        agencies.resume(agency=cast.mohurd, by=cast.user("feng"), at=clock.now())
    tasks.agency_job(str(job.pk))
    assert (where_is(case), job_now(job).fault) == ("mohurd", "")


def test_an_administrator_hands_over_only_in_a_merger(cast: Cast) -> None:
    case = lodged(cast)
    by = cast.actor("feng")
    with crossing.standing(Desk.AGENCY, cast.beijing), pytest.raises(Refusal) as no:
        handover.hand_over(case_id=case.pk, source=cast.beijing, target=cast.mohurd, by=by, text=WHY)
    assert no.value.code == "not_merged"
