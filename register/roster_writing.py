"""The set-based writing of rosters: rows go in columns of thousands to the database, by SQL into the books.

There is no table in between: the desk's role may not make one, and a standing one would keep numbers. Keys
come in the order of time and rows in the order of the indexes: what is written side by side stands side by
side, and a hundred thousand rows touch few pages more than once.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import connection

from register import clock, documents
from register.models import Kind, Registration
from register.resources import PersonRow, QualificationRow, RegistrationRow
from tenants.crypto import encrypt

BATCH: Final = 5_000
# Registrations come one behind the other, and are heavier.
PIECE: Final = 2_000
Heed = Callable[[int], None]


class Outrun(RuntimeError):
    """The register was changed by another act between the comparison and the writing: begin anew."""


# --- People ----------------------------------------------------------------------------------------

PEOPLE: Final = """
    WITH came AS (
        SELECT * FROM unnest(
            %s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::text[]
        ) AS row (person, password, name, sex, birth_date, document_type, mask, digest, cipher)
    ), accounts AS (
        INSERT INTO tenants_user (
            password, is_superuser, kind, username, name, email, email_verified, phone, phone_verified,
            landline, address, postcode, second_factor_mark, employer_code, document_digest, language,
            is_active, date_joined
        )
        SELECT password, false, 'applicant', 'p-' || person, name, '', false, '', false,
            '', '', '', '', '', '', '', true, %s
        FROM came RETURNING id, substr(username, 3)::uuid AS person
    )
    INSERT INTO register_person (
        id, user_id, name, sex, birth_date, document_type, document_mask, document_digest, document_cipher,
        personal, created_at
    )
    SELECT person, accounts.id, name, sex, nullif(birth_date, '')::date, document_type, mask, digest,
        decode(cipher, 'hex'), '{}', %s
    FROM came JOIN accounts USING (person) ORDER BY person
"""


def enrol(newcomers: Mapping[str, PersonRow], heed: Heed) -> dict[str, UUID]:
    """Enter people with their accounts, whose passwords nobody has set yet; their keys by digest."""
    rows = sorted(newcomers.values(), key=lambda row: row.digest)
    keys = _keys(len(rows))
    now = clock.now()
    done = 0
    for came in _ahead(_newcomer(key, row) for key, row in zip(keys, rows, strict=True)):
        _execute(PEOPLE, [*came.columns, now, now])
        heed(done := done + came.rows)
    return {row.digest: key for row, key in zip(rows, keys, strict=True)}


def _newcomer(key: UUID, row: PersonRow) -> tuple[Any, ...]:
    password = UNUSABLE_PASSWORD_PREFIX + secrets.token_hex(20)
    mask = documents.mask(row.document_type, row.number)
    return (
        *(key, password, row.name, row.sex, row.birth_date or ""),
        *(row.document_type, mask, row.digest, encrypt(row.number).hex()),
    )


# --- Qualifications --------------------------------------------------------------------------------

ROWS: Final = """
    unnest(
        %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::smallint[], %s::date[], %s::text[], %s::text[]
    ) AS row (id, person, certificate_number, management_number, exam_year, issued_on, issuer, category)
"""
NEW: Final = f"""
    INSERT INTO register_qualification (
        id, person_id, certificate_number, management_number, exam_year, issued_on, issuer, category, level
    )
    SELECT id, person, certificate_number, management_number, exam_year, issued_on, issuer, category, '2'
    FROM {ROWS}
"""  # noqa: S608 - only words of this file
CHANGED: Final = f"""
    UPDATE register_qualification q
    SET management_number = row.management_number, exam_year = row.exam_year, issued_on = row.issued_on,
        issuer = row.issuer, category = row.category
    FROM {ROWS}, register_person p
    WHERE q.certificate_number = row.certificate_number
        AND p.id = q.person_id AND row.person IN (p.id, p.merged_into_id)
"""  # noqa: S608 - only words of this file


def qualifications(
    new: Sequence[QualificationRow],
    changed: Sequence[QualificationRow],
    known: Mapping[str, UUID],
    heed: Heed,
) -> None:
    """Enter new certificates and bring the changed ones up to date, for people who are all `known`.

    Raises Outrun when one that was to be changed is not its holder's any more.
    """
    done = 0
    for statement, rows in ((NEW, new), (CHANGED, changed)):
        pairs = zip(_keys(len(rows)), rows, strict=True)
        for batch in _ahead(_qualification(key, row, known) for key, row in pairs):
            if _execute(statement, batch.columns) != batch.rows:
                raise Outrun
            heed(done := done + batch.rows)


def _qualification(key: UUID, row: QualificationRow, known: Mapping[str, UUID]) -> tuple[Any, ...]:
    return (
        *(key, known[row.digest], row.certificate_number, row.management_number),
        *(row.exam_year, row.issued_on, row.issuer, row.category),
    )


# --- Registrations granted before ------------------------------------------------------------------


def registrations(
    rows: Sequence[RegistrationRow],
    earlier: Sequence[Registration],
    known: Mapping[str, UUID],
    heed: Heed,
) -> None:
    """Enter old registrations; each supersedes the one before it of its number, in `earlier` or here."""
    chains: dict[str, Registration] = {}
    for stored in sorted(earlier, key=lambda each: (each.granted_on, each.created_at)):
        chains[stored.number] = stored
    done = 0
    coming = iter(sorted(rows, key=lambda row: row.valid_from))
    while piece := [*islice(coming, PIECE)]:
        fresh = []
        for row in piece:
            before = chains.get(row.registration_number)
            chains[row.registration_number] = _registration(row, known[row.digest], before)
            fresh.append(chains[row.registration_number])
        Registration.objects.bulk_create(fresh)
        heed(done := done + len(fresh))


def _registration(row: RegistrationRow, person_id: UUID, before: Registration | None) -> Registration:
    first = row.valid_from == row.first_registered_on
    kind = Kind.RENEWAL if before or not first else Kind.INITIAL
    return Registration(
        person_id=person_id,
        number=row.registration_number,
        kind=kind,
        category=row.category,
        agency_id=row.agency.pk if row.agency else None,
        employer_name=row.employer_name,
        employer_code=row.employer_code,
        first_registered_on=row.first_registered_on,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        ended_how=row.ended_how,
        ended_on=row.ended_on,
        end_reason=row.end_reason,
        granted_on=row.valid_from,
        supersedes=before,
    )


# --- What both need ----------------------------------------------------------------------------------


def _execute(statement: str, given: Sequence[Any]) -> int:
    """Carry a statement out; how many rows it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return int(cursor.rowcount)


def array(values: Iterable[Any]) -> str:
    """Texts, numbers and days as the text of an array: the driver would look at each of them by itself.

    Raises ValueError for a NUL, which no text of the database may hold.
    """
    texts = [*map(str, values)]
    text = "\0".join(texts)
    if not texts:
        return "{}"
    if text.count("\0") >= len(texts):
        raise ValueError("A text of the database holds no NUL.")
    return '{"' + text.replace("\\", r"\\").replace('"', r"\"").replace("\0", '","') + '"}'


class Batch(NamedTuple):
    """So many rows, column by column."""

    rows: int
    columns: list[str]


def _ahead(rows: Iterator[tuple[Any, ...]]) -> Iterator[Batch]:
    """The rows in batches, each made while the database writes the one before."""
    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(_batch, rows)
        while (batch := coming.result()).rows:
            coming = maker.submit(_batch, rows)
            yield batch


def _batch(rows: Iterator[tuple[Any, ...]]) -> Batch:
    taken = [*islice(rows, BATCH)]
    return Batch(len(taken), [array(column) for column in zip(*taken, strict=True)])


def _keys(amount: int) -> list[UUID]:
    """Keys in rising order, each still beyond guessing (UUID version 7, RFC 9562, counter of 32 bits)."""
    head = int(time.time() * 1000) << 80 | 7 << 76 | 2 << 62
    chance = memoryview(secrets.token_bytes(8 * amount)).cast("Q")
    return [
        UUID(int=head | n >> 20 << 64 | (n & 0xFFFFF) << 42 | (random & (1 << 42) - 1))
        for n, random in enumerate(chance)
    ]
