"""People of the national register: found by document, enrolled, and their full numbers shown on record."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from django.contrib.auth.hashers import check_password
from django.db import connection, transaction
from django.db.models import Q

from register import documents, names
from register.models import DocumentType, Person, Sex
from tenants import access, crossing
from tenants.crypto import decrypt, encrypt
from tenants.models import User


def key_of(document_type: str, number: str) -> UUID | None:
    """The key of the person who carries, or carried, this document; merged records lead to the living one.

    Tells nothing else, so that every desk may ask.
    """
    return key_by_digest(documents.digest(document_type, number))


def key_by_digest(digest: str) -> UUID | None:
    """The same by the digest of a document."""
    return _asked("SELECT public.person_by_digest(%s)", digest)


def find(document_type: str, number: str) -> Person | None:
    """The person who carries this document; None where this desk may not see that person.

    The applicant's desk gets the account with it, and acts as the person for the length of the look-up:
    whoever calls decides, by name, certificate and password, whether the one at the screen may go on.
    """
    key = key_of(document_type, number)
    if key is None:
        return None
    if crossing.here().desk is not crossing.Desk.APPLICANT:
        return Person.objects.filter(pk=key).first()
    with crossing.acting_as(key):
        return Person.objects.select_related("user").filter(pk=key).first()


def at_counter(document_type: str, number: str, name: str) -> UUID | None:
    """The key of the person whose present document and name these are, for an officer who has both in hand.

    Whoever the agency never had to do with is found as well; nothing else is told.
    """
    digest = documents.digest(document_type, number)
    return _asked("SELECT public.counter_person(%s, %s)", digest, names.normalise(name))


def has_verified_address(person_id: UUID) -> bool:
    """Whether the person's account has a verified e-mail address, and so another way to a new password."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.counter_account(%s)", [person_id])
        return bool(cursor.fetchone()[0])


def keys_by_digest(digests: Sequence[str]) -> dict[str, UUID]:
    """The same for many digests at once, without those that nobody carries; one query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT d, public.person_by_digest(d) FROM unnest(%s::text[]) AS d", [list(digests)])
        return {digest: key for digest, key in cursor.fetchall() if key is not None}


def records_by_digest(digests: Collection[str]) -> dict[str, frozenset[UUID]]:
    """All records of whoever carries, or carried, each of these documents, merged ones included; one query.

    Of merged records those that this desk may see.
    """
    found: dict[str, set[UUID]] = {digest: set() for digest in digests}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT told.d, living.id, merged.id FROM unnest(%s::text[]) AS told(d)"
            " CROSS JOIN LATERAL (SELECT public.person_by_digest(told.d) AS id) AS living"
            " LEFT JOIN public.register_person merged ON merged.merged_into_id = living.id",
            [list(found)],
        )
        for digest, *records in cursor.fetchall():
            found[digest].update(record for record in records if record is not None)
    return {digest: frozenset(records) for digest, records in found.items()}


def own_records(officer: User) -> frozenset[UUID]:
    """An officer's own entries in the register, by the document kept with the account."""
    digest = officer.document_digest
    return records_by_digest([digest])[digest] if digest else frozenset()


def named_by_digest(told: Collection[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    """Of these digests of present documents, each with a name, those that belong together; one query."""
    asked = {(digest, names.normalise(name)): (digest, name) for digest, name in told}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d, n, public.counter_person(d, n) FROM unnest(%s::text[], %s::text[]) AS told(d, n)",
            [[digest for digest, _name in asked], [name for _digest, name in asked]],
        )
        found = {(digest, name): key for digest, name, key in cursor.fetchall() if key is not None}
    return {each: found[pair] for pair, each in asked.items() if pair in found}


def _asked(question: str, *words: str) -> UUID | None:
    """What a function of the walls answers: the key of a person, or nothing."""
    with connection.cursor() as cursor:
        cursor.execute(question, words)
        (key,) = cursor.fetchone()
    return key if key is None or isinstance(key, UUID) else UUID(key)


def knows_closed_account(digest: str, password: str) -> bool:
    """Whether this is the password of an account closed in a merger, whose document has this digest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.merged_account(%s)", [digest])
        (closed,) = cursor.fetchone()
    return closed is not None and check_password(password, closed)


def living(person: Person) -> Person:
    """The record that stands for this person: itself, or the one it was merged into."""
    return person.merged_into or person


def rows_of(*people: Person | UUID) -> Q:
    """Which rows of a table are these people's: of the records themselves and of records merged into them."""
    keys = [one.pk if isinstance(one, Person) else one for one in people]
    records = Person.objects.filter(Q(pk__in=keys) | Q(merged_into__in=keys))
    return Q(person__in=records.values("pk"))


def lock(keys: Collection[UUID]) -> None:
    """Lock these people in the one order that everybody keeps: a grant, a merger and a roster then wait.

    Call it in the transaction that writes, before what is written about them is read.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM public.register_person WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [list(keys)]
        )


def alone_with(*keys: UUID) -> None:
    """Until the transaction ends nobody else lodges an application for one of these people, or merges them.

    No row is locked: the applicant's desk may write none of the register.
    """
    with connection.cursor() as cursor:
        # In the order of the keys, so that two mergers of the same people wait for each other.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(%s::text[]) AS key",
            [sorted(map(str, keys))],
        )


def draft(
    *,
    name: str,
    document_type: str,
    number: str,
    sex: str = Sex.UNKNOWN,
    birth_date: date | None = None,
) -> Person:
    """A person and the account with an unusable password, neither of them stored yet.

    Sex and birth date come from the number where it carries them. Raises ValidationError for a name or
    number that is not well-formed.
    """
    name = names.check(name)
    number = documents.check(document_type, number)
    told = documents.facts_of(document_type, number)
    return Person(
        user=User.objects.new_applicant(name=name),
        name=name,
        sex=sex if told.sex == Sex.UNKNOWN else told.sex,
        birth_date=told.birth_date or birth_date,
        document_type=DocumentType(document_type),
        document_mask=documents.mask(document_type, number),
        document_digest=documents.digest(document_type, number),
        document_cipher=encrypt(number),
    )


def enrol(
    *,
    name: str,
    document_type: str,
    number: str,
    sex: str = Sex.UNKNOWN,
    birth_date: date | None = None,
) -> Person:
    """Enter one person into the register, with the account; rosters enter many at once (`register.rosters`).

    Raises ValidationError for a malformed name or number, IntegrityError where the document is known.
    """
    person = draft(name=name, document_type=document_type, number=number, sex=sex, birth_date=birth_date)
    with transaction.atomic():
        person.user.save(force_insert=True)
        person.user_id = person.user.pk
        person.save(force_insert=True)
    return person


def number_for_form(person: Person) -> str:
    """The full document number, for the person's own form while it is rendered; never stored or listed."""
    return decrypt(person.document_cipher)


def full_number(person: Person, *, by: User, reason: str, case_id: UUID | None = None) -> str:
    """The full document number for an officer. The look is recorded first, with who, when and why."""
    access.record_look(by=by, person_id=person.pk, reason=reason, case_id=case_id)
    return decrypt(person.document_cipher)
