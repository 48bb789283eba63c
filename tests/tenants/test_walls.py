"""What the database itself refuses, whatever the program forgets."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import pytest
from django.db import ProgrammingError, connection, models, transaction
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from pytest_django import Settings

from notifications.models import Notice, Outbox
from register import memory
from register import standing as register_standing
from register.models import (
    Batch,
    BatchLine,
    Certificate,
    DocketEntry,
    Person,
    Policy,
    Registration,
)
from review.models import Case, CaseNote, Dossier, Movement
from review.states import OPEN, WORKING, State
from review.workflow import APPLICANT, REMEMBERED, STATUTORY, TRANSITIONS
from tenants import roles, second_factor, settings_of
from tenants.crossing import Desk, acting_as, atomic, inside, standing
from tenants.models import (
    AccessRecord,
    Agency,
    Authenticator,
    CounterCode,
    PreparedFile,
    SavedView,
    User,
)
from tenants.walls.apply import apply_walls
from tenants.walls.upkeep import mend_walls, wall_faults
from tests import certificates as papers
from tests import factories
from tests.cast import Cast
from tests.tenants import rows

pytestmark = [pytest.mark.django_db, pytest.mark.walls]

ALL_TABLES = [Person, Registration, DocketEntry, User, Outbox, Notice, AccessRecord]


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def denied(act: Callable[[], object]) -> bool:
    try:
        with transaction.atomic():
            act()
    except ProgrammingError as error:
        return "permission denied" in str(error) or "row-level security" in str(error)
    return False


# --- Between agencies --------------------------------------------------------------------------------


def test_another_agencys_schema_answers_permission_denied(beijing: Agency, mohurd: Agency) -> None:
    rows.case(rows.person("张三"), mohurd)
    with standing(Desk.AGENCY, beijing):
        assert denied(lambda: execute('SELECT * FROM "mohurd".review_case'))
        assert denied(lambda: execute('UPDATE "mohurd".review_case SET state = state'))


def test_a_forgotten_filter_counts_only_the_own_agencys_rows(beijing: Agency, mohurd: Agency) -> None:
    ours, theirs, both = rows.person("张三"), rows.person("李四"), rows.person("王五")
    rows.docket_line(ours, beijing)
    rows.docket_line(theirs, mohurd)
    rows.docket_line(both, beijing, open=False)
    rows.docket_line(both, mohurd)
    rows.registration(theirs, mohurd)
    with standing(Desk.AGENCY, beijing):
        assert set(DocketEntry.objects.values_list("person__name", flat=True)) == {"张三", "王五"}
        assert set(Person.objects.values_list("name", flat=True)) == {"张三", "王五"}
        assert Registration.objects.count() == 0
    with standing(Desk.AGENCY, mohurd):
        assert set(Person.objects.values_list("name", flat=True)) == {"李四", "王五"}
        assert Registration.objects.count() == 1
    with standing(Desk.AUTHORITY):
        assert (DocketEntry.objects.count(), Person.objects.count()) == (4, 3)


def test_an_agency_sees_the_person_whose_registration_it_holds_and_their_other_ones(
    beijing: Agency, mohurd: Agency
) -> None:
    holder, moved = rows.person("张三"), rows.person("李四")
    rows.registration(holder, beijing)
    rows.registration(moved, mohurd, number="26002000001")
    rows.docket_line(moved, beijing)
    with standing(Desk.AGENCY, beijing):
        assert set(Person.objects.values_list("name", flat=True)) == {"张三", "李四"}
        assert set(Registration.objects.values_list("number", flat=True)) == {"26001000001", "26002000001"}


def test_a_foreign_id_changes_nothing(beijing: Agency, mohurd: Agency) -> None:
    theirs = rows.docket_line(rows.person("李四"), mohurd)
    with standing(Desk.AGENCY, beijing):
        assert DocketEntry.objects.filter(pk=theirs.pk).update(state="issued") == 0
    with standing(Desk.AUTHORITY):
        assert DocketEntry.objects.get(pk=theirs.pk).state == "submitted"


def test_an_agency_cannot_move_a_docket_line_to_another_one(beijing: Agency, mohurd: Agency) -> None:
    ours = rows.docket_line(rows.person("张三"), beijing)
    with standing(Desk.AGENCY, beijing):
        assert denied(lambda: DocketEntry.objects.filter(pk=ours.pk).update(agency=mohurd))


@pytest.mark.parametrize("name", ["code", "schema_name", "number"])
def test_what_an_agency_is_called_by_is_for_good_at_every_desk(beijing: Agency, name: str) -> None:
    for desk in (Desk.AGENCY, Desk.AUTHORITY):
        with standing(desk, beijing):
            assert denied(partial(Agency.objects.filter(pk=beijing.pk).update, **{name: models.F(name)}))


def test_an_agency_changes_of_its_row_what_is_its_own_to_decide(beijing: Agency) -> None:
    theirs = {"kind", "name_zh", "name_en", "review_clock_applies", "intake_open", "intake_note"}
    row = Agency.objects.filter(pk=beijing.pk)
    for name in theirs | {"merged_into", "merged_at"}:
        with standing(Desk.AGENCY, beijing):
            assert denied(partial(row.update, **{name: models.F(name)})), name
        with standing(Desk.AUTHORITY):
            assert row.update(**{name: models.F(name)}) == 1
    with standing(Desk.AGENCY, beijing):
        assert row.update(**{name: models.F(name) for name in settings_of.EDITABLE}) == 1


def test_staff_accounts_and_records_of_other_agencies_are_not_there(beijing: Agency, mohurd: Agency) -> None:
    ours = User.objects.create_staff(username="wang", name="王审")
    theirs = User.objects.create_staff(username="zhao", name="赵审")
    roles.grant(user=ours, agency=beijing, role=roles.REVIEWER, by=None)
    roles.grant(user=theirs, agency=mohurd, role=roles.REVIEWER, by=None)
    who = rows.person("张三")
    AccessRecord.objects.create(user=theirs, agency=mohurd, person_id=who.pk, reason="核对")
    with standing(Desk.AGENCY, beijing):
        assert list(User.objects.all()) == [ours]
        assert AccessRecord.objects.count() == 0
    with standing(Desk.AUTHORITY):
        assert AccessRecord.objects.count() == 1


def test_the_authority_reaches_nothing_that_only_agencies_keep(beijing: Agency) -> None:
    with standing(Desk.AUTHORITY):
        assert denied(CounterCode.objects.count)
        assert denied(lambda: execute("SELECT public.counter_account(NULL)"))


def test_the_authority_reaches_prepared_files_of_its_own_only(cast: Cast) -> None:
    at = timezone.now()
    theirs, ours = (
        PreparedFile.objects.create(
            agency=agency, user=cast.user(name), kind="export", asked_at=at, expires_at=at + timedelta(days=7)
        )
        for agency, name in ((cast.beijing, "li"), (cast.authority, "zhou"))
    )
    with standing(Desk.AUTHORITY):
        assert list(PreparedFile.objects.all()) == [ours]
        assert PreparedFile.objects.filter(pk=theirs.pk).delete()[0] == 0


def test_the_authority_reaches_views_and_devices_of_its_own_people_only(cast: Cast) -> None:
    feng, li, he = cast.user("feng"), cast.user("li"), cast.user("he")
    roles.grant(user=he, agency=cast.authority, role=roles.FINAL_REVIEWER, by=None)
    for user, agency in ((feng, cast.authority), (li, cast.beijing), (he, cast.authority)):
        SavedView.objects.create(
            user=user, agency=agency, name="急", query="tab=mine", created_at=timezone.now()
        )
        second_factor.new_codes(user)
    with standing(Desk.AUTHORITY):
        assert set(SavedView.objects.values_list("user", flat=True)) == {feng.pk, he.pk}
        devices = set(Authenticator.objects.values_list("user__username", flat=True))
        assert devices == {f"{who}.authority" for who in ("zhao", "qian", "zhou", "feng", "wei")} | {
            he.username
        }
        assert set(StaticDevice.objects.values_list("user", flat=True)) == {feng.pk, he.pk}
        assert StaticToken.objects.count() == 2 * second_factor.CODES
        assert Authenticator.objects.filter(user=li).delete()[0] == 0
        assert denied(lambda: second_factor.new_codes(li))


# --- The applicant -----------------------------------------------------------------------------------


def test_without_a_person_the_applicants_desk_sees_nobodys_rows(beijing: Agency) -> None:
    someone = rows.person("张三")
    rows.docket_line(someone, beijing)
    rows.case(someone, beijing)
    with standing(Desk.APPLICANT):
        assert (Person.objects.count(), DocketEntry.objects.count()) == (0, 0)
        with inside(beijing):
            assert Case.objects.count() == 0


def test_the_applicant_sees_the_own_case_through_every_agency_and_never_the_notes(
    beijing: Agency, mohurd: Agency
) -> None:
    me, other = rows.person("张三"), rows.person("李四")
    mine, _theirs = rows.case(me, beijing), rows.case(other, beijing)
    rows.docket_line(me, beijing)
    rows.docket_line(other, beijing)
    with standing(Desk.APPLICANT), acting_as(me.pk):
        assert list(DocketEntry.objects.values_list("person", flat=True)) == [me.pk]
        with inside(beijing):
            assert list(Case.objects.all()) == [mine]
            assert denied(CaseNote.objects.count)
        with inside(mohurd):
            assert Case.objects.count() == 0


def test_records_merged_into_a_person_stay_that_persons(beijing: Agency) -> None:
    me, twin = rows.person("张三"), rows.person("张叁")
    Person.objects.filter(pk=twin.pk).update(merged_into=me)
    rows.registration(twin, beijing)
    with standing(Desk.APPLICANT), acting_as(me.pk):
        assert Registration.objects.count() == 1
        assert {person.pk for person in Person.objects.all()} == {me.pk, twin.pk}


def test_the_applicant_cannot_lodge_in_another_name(beijing: Agency) -> None:
    me, other = rows.person("张三"), rows.person("李四")
    copy = rows.case(other, beijing)
    copy.pk, copy.reference = uuid.uuid4(), "another"
    with standing(Desk.APPLICANT), acting_as(me.pk), inside(beijing):
        assert denied(lambda: copy.save(force_insert=True))
        copy.person = me
        assert not denied(lambda: copy.save(force_insert=True))


def test_the_applicant_changes_only_the_own_account() -> None:
    me, other = rows.person("张三"), rows.person("李四")
    staff = User.objects.create_staff(username="wang", name="王审")
    with standing(Desk.APPLICANT), acting_as(me.pk):
        assert User.objects.filter(pk=me.user_id).update(phone="13800000000") == 1
        assert User.objects.filter(pk__in=[other.user_id, staff.pk]).update(phone="13800000000") == 0
        assert denied(lambda: User.objects.filter(pk=me.user_id).update(kind=User.Kind.STAFF))


def test_no_other_account_can_be_read_at_the_applicants_desk() -> None:
    me, _other = rows.person("张三"), rows.person("李四")
    User.objects.create_staff(username="wang", name="王审")
    with standing(Desk.APPLICANT):
        assert User.objects.count() == 0
        with acting_as(me.pk):
            assert list(User.objects.values_list("pk", flat=True)) == [me.user_id]


def test_the_applicant_writes_only_states_an_applicants_act_leads_to(beijing: Agency) -> None:
    me = rows.person("张三")
    case, line = rows.case(me, beijing), rows.docket_line(me, beijing)
    with standing(Desk.APPLICANT), acting_as(me.pk), inside(beijing):
        mine, entry = Case.objects.filter(pk=case.pk), DocketEntry.objects.filter(pk=line.pk)
        allowed = {
            state
            for state in State
            if not denied(partial(mine.update, state=state))
            and not denied(partial(entry.update, state=state, open=state in OPEN))
        }
        assert denied(lambda: entry.update(state="submitted", open=False))
        assert denied(lambda: entry.update(state="withdrawn", open=True))
    acts = [row for row in TRANSITIONS if APPLICANT in row.who or row.act in STATUTORY]
    reached = {State(target) for row in acts for target in row.targets if target != REMEMBERED}
    assert allowed == reached | WORKING | {State.SUBMITTED}


def test_what_the_applicant_lodges_begins_as_submitted(beijing: Agency) -> None:
    me = rows.person("张三")
    case, line = rows.case(me, beijing), rows.docket_line(me, beijing, open=False)
    with standing(Desk.APPLICANT), acting_as(me.pk), inside(beijing):
        line.open = True
        for new in (case, line):
            new.pk, new.reference, new.state = uuid.uuid4(), "another", "accepted"
            assert denied(partial(new.save, force_insert=True))
            new.state = "submitted"
            assert not denied(partial(new.save, force_insert=True))


def test_counts_move_only_where_one_has_to_do_with_them(beijing: Agency, mohurd: Agency) -> None:
    who = rows.person("张三")
    rows.docket_line(who, beijing)

    def count(agency: Agency, change: int) -> None:
        execute(
            "INSERT INTO public.register_docketcount (agency_id, state, change)"
            f" VALUES ({agency.pk}, 'accepted', {change})"
        )

    def tried() -> list[bool]:
        ways = ((beijing, 1), (beijing, -1), (mohurd, 1), (mohurd, -1), (beijing, 7))
        return [denied(partial(count, agency, change)) for agency, change in ways]

    with standing(Desk.AGENCY, beijing):
        assert tried() == [False, False, True, True, True]
        assert denied(lambda: execute("SELECT 1 FROM public.register_docketcount"))
    with standing(Desk.APPLICANT), acting_as(who.pk):
        assert tried() == [False, False, True, True, True]
    with standing(Desk.APPLICANT):
        assert tried() == [True] * 5


def test_what_was_published_and_signed_stays_as_it_is(beijing: Agency) -> None:
    who = rows.person("张三")
    row = factories.registration(who, beijing)
    open_, public = (Batch.objects.create(number=f"2026-00{n}", title="公告") for n in (1, 2))
    BatchLine.objects.create(batch=public, registration=row, name="张三", number=row.number, kind=row.kind)
    certificate = papers.certificate(row)
    with standing(Desk.AUTHORITY):
        publish = {"published_on": date(2026, 11, 23)}
        assert [Batch.objects.filter(pk=one.pk).update(**publish) for one in (public, public)] == [1, 0]
        execute("DELETE FROM public.register_batch WHERE published_on IS NOT NULL")
        assert Batch.objects.filter(pk=public.pk).exists()
        assert BatchLine.objects.update(name="李四") == 0
        assert BatchLine.objects.all().delete()[0] == 0
        assert denied(lambda: BatchLine.objects.create(batch=public, registration=row, name="李四"))
        assert Batch.objects.filter(pk=open_.pk).delete()[0] == 1
        assert denied(lambda: Certificate.objects.filter(pk=certificate.pk).update(data=b""))
        assert Certificate.objects.filter(pk=certificate.pk).update(void_at=certificate.issued_at) == 1


def test_notices_belong_to_their_reader(beijing: Agency) -> None:
    me, other = rows.person("张三"), rows.person("李四")
    for number, who in enumerate((me, other)):
        row = Outbox.objects.create(user_id=who.user_id, kind="submitted", cause=str(number))
        Notice.objects.create(
            outbox=row,
            user_id=who.user_id,
            kind="submitted",
            category="status",
            title_zh="已上报",
            body_zh="",
            title_en="",
            body_en="",
            created_at=row.created_at,
        )
    with standing(Desk.APPLICANT), acting_as(me.pk):
        assert list(Notice.objects.values_list("user", flat=True)) == [me.user_id]
    with standing(Desk.AGENCY, beijing):
        assert Notice.objects.count() == 0


# --- Kinds of access ---------------------------------------------------------------------------------


@pytest.mark.parametrize("desk", [Desk.APPLICANT, Desk.AGENCY, Desk.AUTHORITY, Desk.COURIER])
def test_every_desk_posts_and_only_the_clerk_reads_the_outbox(desk: Desk, beijing: Agency) -> None:
    to = rows.person("张三")
    message = Outbox(user_id=to.user_id, kind="submitted", cause="lodged")
    with standing(desk, beijing if desk is Desk.AGENCY else None), atomic():
        Outbox.objects.bulk_create([message], ignore_conflicts=True)
        Outbox.objects.bulk_create([message], ignore_conflicts=True)
        assert denied(Outbox.objects.count)
    with standing(Desk.CLERK):
        assert Outbox.objects.count() == 1


@pytest.mark.parametrize("model", [Movement, Dossier])
@pytest.mark.parametrize("desk", [Desk.APPLICANT, Desk.AGENCY, Desk.AUTHORITY, Desk.CLERK, Desk.COURIER])
def test_what_was_recorded_or_lodged_is_never_changed(
    desk: Desk, model: type[models.Model], beijing: Agency
) -> None:
    table = model._meta.db_table
    with standing(desk, beijing if desk is Desk.AGENCY else None), inside(beijing):
        assert denied(lambda: execute(f"UPDATE {table} SET id = id"))
        assert denied(lambda: execute(f"DELETE FROM {table}"))


def test_looks_at_full_numbers_are_never_changed(beijing: Agency) -> None:
    for desk, agency in ((Desk.AGENCY, beijing), (Desk.AUTHORITY, None)):
        with standing(desk, agency):
            assert denied(lambda: execute("UPDATE tenants_accessrecord SET reason = ''"))
            assert denied(lambda: execute("DELETE FROM tenants_accessrecord"))


def test_the_door_reads_hosts_and_nothing_else() -> None:
    with standing(Desk.DOOR):
        assert Agency.objects.filter(domains__domain="beijing.localhost").count() == 1
        assert [model.__name__ for model in ALL_TABLES if not denied(model._default_manager.count)] == []


# --- Narrow questions across the wall ----------------------------------------------------------------


def test_a_person_is_found_by_digest_and_only_the_key_is_told(beijing: Agency) -> None:
    someone, twin = rows.person("张三"), rows.person("张叁")
    Person.objects.filter(pk=twin.pk).update(merged_into=someone)
    with standing(Desk.AGENCY, beijing), connection.cursor() as cursor:
        asked = [someone.document_digest, twin.document_digest, "unknown"]
        cursor.execute("SELECT public.person_by_digest(d) FROM unnest(%s::text[]) d", [asked])
        assert [key for (key,) in cursor.fetchall()] == [someone.pk, someone.pk, None]
        assert not Person.objects.filter(pk=someone.pk).exists()


def test_bars_are_told_as_yes_or_no(beijing: Agency, mohurd: Agency) -> None:
    someone = rows.person("张三")
    rows.docket_line(someone, mohurd)
    rows.registration(someone, mohurd)
    with standing(Desk.AGENCY, beijing), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM public.bars_for(%s, %s)", [someone.pk, rows.TODAY])
        assert cursor.fetchall() == [(True, True, False)]


def test_bars_count_under_every_merged_record(beijing: Agency, mohurd: Agency) -> None:
    someone, twin, other = rows.person("张三"), rows.person("张叁"), rows.person("李四")
    Person.objects.filter(pk=twin.pk).update(merged_into=someone)
    rows.docket_line(twin, mohurd)
    rows.registration(someone, mohurd)
    with standing(Desk.AGENCY, beijing), connection.cursor() as cursor:
        told = []
        for person in (someone, twin, other):
            cursor.execute("SELECT * FROM public.bars_for(%s, %s)", [person.pk, rows.TODAY])
            told += cursor.fetchall()
    assert told == [(True, True, False), (True, True, False), (False, False, False)]


@pytest.mark.parametrize(
    ("how", "ended_on", "years", "restricted"),
    [
        ("revoked", date(2023, 11, 23), None, True),
        ("revoked", date(2023, 11, 22), None, False),
        ("revoked", date(2022, 1, 1), 5, True),
        ("revoked", date(2026, 11, 20), 0, False),
        ("withdrawn", date(2021, 11, 23), None, True),
        ("withdrawn", date(2021, 11, 22), None, False),
        ("cancelled", date(2026, 11, 20), None, False),
    ],
)
def test_who_was_revoked_is_barred_as_the_register_says(
    beijing: Agency, mohurd: Agency, how: str, ended_on: date, years: int | None, restricted: bool
) -> None:
    someone, twin = rows.person("张三"), rows.person("张叁")
    Person.objects.filter(pk=twin.pk).update(merged_into=someone)
    row = rows.registration(twin, mohurd)
    type(row).objects.filter(pk=row.pk).update(ended_how=how, ended_on=ended_on)
    if years is not None:
        Policy.objects.create(key="reapply_ban_cheating", value=years, valid_from=date(2007, 3, 1), source="")
        memory.forget_all()
    on = date(2026, 11, 23)
    with standing(Desk.AGENCY, beijing), connection.cursor() as cursor:
        cursor.execute("SELECT restricted FROM public.bars_for(%s, %s)", [someone.pk, on])
        assert cursor.fetchone() == (restricted,)
    until = register_standing.standing_of(someone, on).restricted_until
    assert (until is not None and until >= on) is restricted


def test_the_public_look_up_needs_number_and_name(mohurd: Agency) -> None:
    rows.registration(rows.person("张三"), mohurd)
    with standing(Desk.APPLICANT), connection.cursor() as cursor:
        found = []
        for name in ("张三", "李四"):
            cursor.execute(
                "SELECT number, name FROM public.public_registration(%s, %s)", ["26001000001", name]
            )
            found.append(cursor.fetchall())
    assert found == [[("26001000001", "张三")], []]


def test_the_docket_queue_uses_its_index_behind_the_wall(beijing: Agency) -> None:
    with standing(Desk.AGENCY, beijing), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT * FROM register_docketentry WHERE agency_id = %s AND state = 'submitted'"
            " ORDER BY due_on LIMIT 50",
            [beijing.pk],
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "docket_by_agency" in plan
    assert "Seq Scan on register_docketentry" not in plan


# --- The walls themselves ----------------------------------------------------------------------------


def test_the_walls_stand_as_written_after_opening() -> None:
    assert wall_faults() == []


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (
            'REVOKE SELECT ON "beijing".review_case FROM agency_beijing',
            "beijing: SELECT on review_case for agency_beijing is missing",
        ),
        (
            'GRANT DELETE ON "beijing".review_movement TO desk_clerk',
            "beijing: DELETE on review_movement for desk_clerk should not be",
        ),
        (
            "GRANT SELECT ON register_person TO PUBLIC",
            "public: SELECT on register_person for PUBLIC should not be",
        ),
        (
            "GRANT UPDATE (kind) ON tenants_user TO desk_clerk",
            "public: UPDATE on tenants_user.kind for desk_clerk",
        ),
        (
            "REVOKE UPDATE (phone) ON tenants_agency FROM desk_agency",
            "public: UPDATE on tenants_agency.phone for desk_agency is missing",
        ),
        (
            "GRANT UPDATE (merged_into_id) ON tenants_agency TO desk_agency",
            "public: UPDATE on tenants_agency.merged_into_id for desk_agency should not be",
        ),
        (
            "GRANT UPDATE ON tenants_agency TO desk_authority",
            "public: UPDATE on tenants_agency for desk_authority should not be",
        ),
        ("CREATE TABLE public.leaflet (id int)", "public: table leaflet should not be"),
        (
            "ALTER TABLE register_person DISABLE ROW LEVEL SECURITY",
            "public: table register_person with row-level security is missing",
        ),
        (
            "ALTER POLICY desk_agency ON register_docketentry USING (true)",
            "public: policy desk_agency on register_docketentry (altered) should not be",
        ),
        (
            'DROP POLICY desk_applicant ON "mohurd".review_case',
            "mohurd: policy desk_applicant on review_case",
        ),
        ("GRANT agency_mohurd TO agency_beijing", "role agency_mohurd: agency_beijing is its member"),
        ("REVOKE desk_clerk FROM {app}", "role desk_clerk: {app} is not its member as it must be"),
        (
            "CREATE OR REPLACE FUNCTION public.my_account() RETURNS bigint LANGUAGE sql SECURITY DEFINER"
            " AS 'SELECT 1::bigint'",
            "public: function my_account unsafe",
        ),
        ('ALTER TABLE "sinopec".review_tick ADD COLUMN more int', "sinopec: column review_tick"),
    ],
)
def test_a_damaged_wall_is_named(damage: str, fault: str, settings: Settings) -> None:
    app = settings.APP_LOGIN
    execute(damage.format(app=app))
    assert [line for line in wall_faults() if line.startswith(fault.format(app=app))]


def test_mending_writes_only_where_something_differs() -> None:
    execute('GRANT DELETE ON "beijing".review_movement TO desk_clerk')
    assert mend_walls() == ["beijing"]
    assert wall_faults() == []


def test_writing_the_walls_again_changes_nothing() -> None:
    apply_walls(["public", "beijing"])
    assert wall_faults() == []
