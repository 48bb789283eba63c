"""Names and document numbers corrected on proof, and two records of one person made one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.models import Outbox
from register import announcing, bars, clock, corrections, people, registrars, standing
from register.corrections import Proof
from register.models import FormerNumber, Person, PersonChange
from register.uploads import Sanitised
from tenants import crossing
from tenants.crossing import Desk
from tenants.crypto import sha256_hex
from tenants.errors import Refusal
from tenants.models import User
from tests import factories
from tests.cast import APPLICANTS, Cast

pytestmark = pytest.mark.django_db

BYTES = b"\xff\xd8 a synthetic proof \xff\xd9"
PROOF = Proof("户口簿.jpg", Sanitised("image/jpeg", BYTES, (BYTES,), sha256_hex(BYTES)))
NEW_NUMBER = factories.id_number(date(1989, 5, 6), serial=77)


def renamed(cast: Cast, person: Person, name: str, **changes: Any) -> PersonChange:
    told = {"reason": "身份证姓名用字", "proof": PROOF, "by": cast.user("zhou"), **changes}
    with crossing.standing(Desk.AUTHORITY):
        return corrections.correct_name(person_id=person.pk, name=name, **told)


def renumbered(cast: Cast, person: Person, number: str = NEW_NUMBER, **changes: Any) -> PersonChange:
    told = {
        "document_type": "01",
        "because": "exchanged",
        "reason": "换领新证",
        "proof": PROOF,
        "by": cast.user("zhou"),
        **changes,
    }
    with crossing.standing(Desk.AUTHORITY):
        return corrections.correct_document(person_id=person.pk, number=number, **told)


def merged(cast: Cast, kept: Person, given_up: Person, **changes: Any) -> PersonChange:
    told = {"reason": "同一人两条记录", "proof": PROOF, "by": cast.user("zhou"), **changes}
    with crossing.standing(Desk.AUTHORITY):
        return corrections.merge(kept_id=kept.pk, given_up_id=given_up.pk, **told)


# --- Names -------------------------------------------------------------------------------------------


def test_a_corrected_name_stands_in_entry_and_account_and_on_record(cast: Cast) -> None:
    change = renamed(cast, cast.zhang, "张㐂")
    person = Person.objects.select_related("user").get(pk=cast.zhang.pk)
    assert (person.name, person.user.name) == ("张㐂", "张㐂")
    assert (change.what, change.before, change.after) == ("name", "张测", "张㐂")
    assert (change.by, bytes(change.proof or b""), change.proof_sha256) == (
        cast.user("zhou"),
        BYTES,
        sha256_hex(BYTES),
    )
    (told,) = Outbox.objects.filter(kind="entry_corrected")
    assert (told.user_id, told.data["after"]) == (person.user_id, "张㐂")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "张测"}, "same"),
        ({"reason": "  "}, "no_reason"),
        ({"proof": None}, "no_proof"),
        ({"by": "feng"}, "role"),
        ({"by": "zhao"}, "role"),
    ],
)
def test_a_name_is_not_corrected(cast: Cast, changes: dict[str, Any], code: str) -> None:
    if isinstance(changes.get("by"), str):
        changes = {**changes, "by": cast.user(changes["by"])}
    with pytest.raises(Refusal) as no:
        renamed(cast, cast.zhang, changes.pop("name", "张㐂"), **changes)
    assert no.value.code == code
    assert (Person.objects.get(pk=cast.zhang.pk).name, PersonChange.objects.count()) == ("张测", 0)


def test_nobody_corrects_the_own_entry(cast: Cast) -> None:
    User.objects.filter(pk=cast.user("zhou").pk).update(document_digest=cast.zhang.document_digest)
    with pytest.raises(Refusal) as no:
        renamed(cast, cast.zhang, "张㐂", by=User.objects.get(pk=cast.user("zhou").pk))
    assert no.value.code == "conflict"


@pytest.mark.parametrize("how", ["former", "merged", "living"])
def test_own_affairs_follow_former_numbers_and_merged_records(cast: Cast, how: str) -> None:
    digest = cast.zhang.document_digest
    if how == "former":
        FormerNumber.objects.create(
            person=cast.zhang, document_digest=digest, document_mask="…", until=clock.today()
        )
        Person.objects.filter(pk=cast.zhang.pk).update(document_digest="new")
    elif how == "living":
        Person.objects.filter(pk=cast.zhang.pk).update(merged_into=cast.sun)
    else:
        Person.objects.filter(pk=cast.sun.pk).update(merged_into=cast.zhang)
    own = {"former": cast.zhang, "merged": cast.sun, "living": cast.sun}[how]
    User.objects.filter(pk=cast.user("zhou").pk).update(document_digest=digest)
    zhou = User.objects.get(pk=cast.user("zhou").pk)
    with crossing.standing(Desk.AUTHORITY):
        assert [registrars.is_self(one, zhou) for one in (own, cast.gu)] == [True, False]
        batch = announcing.compose(
            number="2026-801",
            title="公告",
            registrations=[factories.registration(one, cast.beijing) for one in (own, cast.gu)],
        )
        assert [fault.line.registration.person_id for fault in announcing.faults(batch, by=zhou)] == [own.pk]


# --- Numbers -----------------------------------------------------------------------------------------


def test_old_and_new_number_find_the_person(cast: Cast) -> None:
    old = APPLICANTS["zhang"].number
    change = renumbered(cast, cast.zhang)
    person = Person.objects.get(pk=cast.zhang.pk)
    with crossing.standing(Desk.AUTHORITY):
        assert [people.key_of("01", number) for number in (old, NEW_NUMBER)] == [person.pk] * 2
        assert people.number_for_form(person) == NEW_NUMBER
    assert (person.birth_date, change.what) == (date(1989, 5, 6), "document")
    (former,) = FormerNumber.objects.all()
    assert (former.person_id, former.document_digest, former.until) == (
        person.pk,
        cast.zhang.document_digest,
        clock.today(),
    )
    assert old not in f"{change.before}{change.after}"
    assert NEW_NUMBER not in f"{change.before}{change.after}"


def test_a_number_mended_twice_may_be_the_first_one_again(cast: Cast) -> None:
    renumbered(cast, cast.zhang)
    renumbered(cast, cast.zhang, APPLICANTS["zhang"].number)
    with crossing.standing(Desk.AUTHORITY):
        found = {people.key_of("01", n) for n in (APPLICANTS["zhang"].number, NEW_NUMBER)}
    assert found == {cast.zhang.pk}


def test_a_number_entered_by_mistake_is_not_kept_and_free_for_its_owner(cast: Cast) -> None:
    old = APPLICANTS["zhang"].number
    renumbered(cast, cast.zhang)
    change = renumbered(cast, cast.zhang, old, because="mistaken")
    with crossing.standing(Desk.AUTHORITY):
        assert [people.key_of("01", number) for number in (old, NEW_NUMBER)] == [cast.zhang.pk, None]
    assert (change.what, FormerNumber.objects.count()) == ("entry", 0)
    assert NEW_NUMBER[-4:] in change.before
    owner = people.enrol(name="真主测", document_type="01", number=NEW_NUMBER)
    assert people.key_of("01", NEW_NUMBER) == owner.pk


def test_the_owner_of_a_number_entered_by_mistake_keeps_it_among_the_staff(cast: Cast) -> None:
    wrong = cast.zhang.document_digest
    User.objects.filter(pk=cast.user("li").pk).update(document_digest=wrong)
    renumbered(cast, cast.zhang, because="mistaken")
    assert User.objects.get(pk=cast.user("li").pk).document_digest == wrong


def test_a_number_of_somebody_else_is_refused(cast: Cast) -> None:
    for number in (APPLICANTS["sun"].number, APPLICANTS["zhang"].number):
        with pytest.raises(Refusal) as no:
            renumbered(cast, cast.zhang, number)
        assert no.value.code == ("taken" if number == APPLICANTS["sun"].number else "same")
    renumbered(cast, cast.sun)
    with pytest.raises(Refusal) as no:
        renumbered(cast, cast.zhang, APPLICANTS["sun"].number)
    assert no.value.code == "taken"
    with pytest.raises(ValidationError):
        renumbered(cast, cast.zhang, "11010519491231002Y")


def test_a_colleague_who_is_the_same_person_stays_out_under_the_new_number(cast: Cast) -> None:
    User.objects.filter(pk=cast.user("li").pk).update(document_digest=cast.zhang.document_digest)
    renumbered(cast, cast.zhang)
    digest = Person.objects.get(pk=cast.zhang.pk).document_digest
    assert User.objects.get(pk=cast.user("li").pk).document_digest == digest


# --- Mergers -----------------------------------------------------------------------------------------


def test_a_merged_record_leads_to_the_one_kept_and_nothing_is_rewritten(cast: Cast) -> None:
    third = factories.person("孙更早")
    Person.objects.filter(pk=third.pk).update(merged_into=cast.sun)
    row = factories.registration(cast.sun, cast.beijing)
    merged(cast, cast.zhang, cast.sun)
    assert set(Person.objects.filter(merged_into=cast.zhang).values_list("pk", flat=True)) == {
        cast.sun.pk,
        third.pk,
    }
    row.refresh_from_db()
    assert (row.person_id, standing.status_of(cast.zhang)) == (cast.sun.pk, standing.Status.VALID)
    with crossing.standing(Desk.AUTHORITY):
        assert people.key_of("01", APPLICANTS["sun"].number) == cast.zhang.pk
        assert bars.bars_for(cast.sun.pk).registered
    accounts = dict(User.objects.filter(person__in=[cast.zhang, cast.sun]).values_list("pk", "is_active"))
    assert accounts == {cast.zhang.user_id: True, cast.sun.user_id: False}


def test_a_merger_keeps_lodging_out_before_it_locks_a_row(cast: Cast) -> None:
    with CaptureQueriesContext(connection) as asked:
        merged(cast, cast.zhang, cast.sun)
    told = [query["sql"] for query in asked]
    (held,) = [n for n, sql in enumerate(told) if "pg_advisory_xact_lock" in sql]
    assert [str(one.pk) in told[held] for one in (cast.zhang, cast.sun)] == [True, True]
    assert held < next(n for n, sql in enumerate(told) if "FOR UPDATE" in sql)


def test_two_who_are_registered_at_the_same_time_are_not_merged(cast: Cast) -> None:
    ours = factories.registration(cast.zhang, cast.beijing)
    theirs = factories.registration(cast.sun, cast.mohurd)
    with pytest.raises(Refusal) as no:
        merged(cast, cast.zhang, cast.sun)
    assert (no.value.code, ours.number in str(no.value), theirs.number in str(no.value)) == (
        "obstacle",
        True,
        True,
    )


def test_periods_one_after_the_other_are_merged_and_never_overlap(cast: Cast) -> None:
    today = clock.today()
    old = clock.add_years(today, -6)
    factories.registration(cast.zhang, cast.beijing, valid_from=old)
    factories.registration(cast.sun, cast.mohurd, valid_from=clock.add_years(today, -1))
    merged(cast, cast.zhang, cast.sun)
    rows = standing.registrations_of(cast.zhang)
    found = list(standing.spans([standing.Period.of(row) for row in rows]))
    assert [begins for begins, _end in found] == [old, clock.add_years(today, -1)]
    assert found[0][1] < found[1][0]


@pytest.mark.parametrize(
    ("open_of", "kept", "code"),
    [
        (("zhang", "sun"), "zhang", "obstacle"),
        (("sun",), "zhang", "obstacle"),
        (("sun",), "sun", ""),
        ((), "zhang", ""),
    ],
)
def test_open_applications_and_mergers(cast: Cast, open_of: tuple[str, ...], kept: str, code: str) -> None:
    for each in open_of:
        factories.docket_line(cast.people[each], cast.beijing)
    other = "sun" if kept == "zhang" else "zhang"
    refused = ""
    try:
        merged(cast, cast.people[kept], cast.people[other])
    except Refusal as no:
        refused = no.code
    assert refused == code
    assert Person.objects.filter(merged_into=cast.people[kept]).count() == (0 if code else 1)


def test_a_merger_happens_once(cast: Cast) -> None:
    merged(cast, cast.zhang, cast.sun)
    for kept, given_up in ((cast.zhang, cast.sun), (cast.sun, cast.zhang), (cast.gu, cast.sun)):
        with pytest.raises(Refusal):
            merged(cast, kept, given_up)
    with pytest.raises(Refusal):
        renamed(cast, cast.sun, "孙改名")
    assert PersonChange.objects.count() == 1


def test_only_the_password_of_the_closed_account_tells_that_it_is_closed(cast: Cast) -> None:
    User.objects.filter(pk=cast.sun.user_id).update(password=make_password("Closed-pass-1"))
    digest = cast.sun.document_digest
    with crossing.standing(Desk.APPLICANT):
        assert not people.knows_closed_account(digest, "Closed-pass-1")
    merged(cast, cast.zhang, cast.sun)
    with crossing.standing(Desk.APPLICANT):
        assert people.knows_closed_account(digest, "Closed-pass-1")
        assert not people.knows_closed_account(digest, "Another-pass-1")
        assert not people.knows_closed_account(cast.zhang.document_digest, "Closed-pass-1")


def test_the_days_of_a_restriction_follow_the_merged_record(cast: Cast) -> None:
    factories.restriction(cast.sun, until=clock.today() + timedelta(days=9))
    merged(cast, cast.zhang, cast.sun)
    assert standing.standing_of(cast.zhang).restricted_until == clock.today() + timedelta(days=9)
