"""Letters as files: drawn once, kept with their hash, and served only as they were kept.

A letter that is ordered (`review.letters`) waits as a row of its case. A task draws what waits; whoever asks
for one that is not drawn yet has it drawn at once, by the same way and under the same lock. The file is whole
or not there: it is written beside its place and moved there once it is on the disk. A disk that is full
leaves the row waiting, and it is tried again after growing pauses.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import time
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.translation import gettext as _
from django.utils.translation import override

from register import clock
from review import letters as orders
from review import papers
from review.documents import letters
from review.documents.letters import Signer, Told
from review.models import Case, Dossier, Letter, Movement
from tenants import bells, crossing
from tenants.crossing import Desk
from tenants.crypto import canonical_json, sha256_hex
from tenants.errors import Refusal
from tenants.models import AUTHORITY_CODE, Agency

logger = logging.getLogger(__name__)

TASK: Final = "review.tasks.draw_letters"
FOLDER: Final = "letters"
# A sweep draws for so long, then lets the next one go on.
SLICE: Final = 20.0
AT_A_TIME: Final = 50
# What fails so often one after the other fails for all: a full disk.
MOST_FAILURES: Final = 3
FIRST_PAUSE: Final = 10.0
LONGEST_PAUSE: Final = 1800.0
# Beyond this age a waiting letter is late.
LATE: Final = dt.timedelta(minutes=10)
DIFFERS: Final = "The recorded content does not agree with its digest."


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep has done."""

    drawn: int = 0
    failed: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """How the letters of all agencies stand: for the health page, the metrics and the operator."""

    # Not drawn yet, of those for longer than ten minutes, and tried in vain at least once.
    waiting: int = 0
    late: int = 0
    failing: int = 0
    # Kept, but the file is damaged or gone and cannot be drawn anew.
    damaged: int = 0
    oldest: dt.datetime | None = None


# --- Asking for a letter: any desk ---------------------------------------------------------------------


def pdf_of(case_id: UUID, slug: str, agency: Agency) -> bytes | None:
    """The kept PDF of one letter of a case; None where the case has no letter of that name.

    `slug` is the letter's name with the number of its movement, or the name alone for the latest of them.
    Stand at a desk that may see the case, inside its agency and outside of any transaction. A letter that is
    not kept yet is drawn and kept now. Raises `Refusal` when it cannot be (`not_made`), and when the kept
    file is damaged and cannot be restored (`damaged`).
    """
    name, number = _parts(slug)
    rows = Letter.objects.filter(case_id=case_id, name=name)
    row = (rows.filter(movement__number=number) if number else rows).order_by("-movement__number").first()
    if row is not None and row.made_at and (data := _sound(row)) is not None:
        return data
    key = row.pk if row is not None else None
    if key is None:
        movement = _movement(case_id, name, number)
        key = _order_late(agency, case_id, movement) if movement else None
    return None if key is None else _kept(agency, key)


def _parts(slug: str) -> tuple[str, int | None]:
    name, _dash, number = slug.rpartition("-")
    # No case has so many movements: a longer number is none of ours.
    return (name, int(number)) if name and number.isdecimal() and len(number) < 6 else (slug, None)


def _movement(case_id: UUID, name: str, number: int | None) -> Movement | None:
    """The movement that brought this letter: of cases from before letters were kept."""
    history = Movement.objects.filter(case_id=case_id).order_by("-number")
    found = history.filter(number=number) if number else history
    return next((one for one in found if letters.name_of(one) == name), None)


def _order_late(agency: Agency, case_id: UUID, movement: Movement) -> UUID:
    """Order a letter of an act from before letters were ordered, by what is known today."""
    authority = Agency.objects.get(code=AUTHORITY_CODE)
    with crossing.standing(Desk.CLERK), crossing.inside(agency), crossing.atomic():
        case = Case.objects.get(pk=case_id)
        history = list(Movement.objects.filter(case=case).order_by("number"))
        signer = letters.signers(history, agency)[[one.pk for one in history].index(movement.pk)]
        on_paper = orders.takes_paper(agency)
        values = orders.values_of(case, agency=signer, authority=authority, on_paper=on_paper)
        name = letters.name_of(movement)
        row = orders.letter_row(movement, name, values)
        # Of two that order the same at once one finds the other's.
        Letter.objects.bulk_create([row], ignore_conflicts=True)
        return Letter.objects.values_list("pk", flat=True).get(movement=movement, name=name)


def _kept(agency: Agency, key: UUID) -> bytes:
    """Draw a letter that waits, or restore one whose file is damaged; its bytes as they are kept."""
    try:
        row, data = _make_or_restore(agency, key)
    except DatabaseError:
        raise
    except Exception as error:
        _log_failure(agency.code, key, error)
        _failed(agency, key, error)
        raise Refusal(
            _("这份文书暂时没有生成，系统会自动重试。请过几分钟再来查看。"), code="not_made"
        ) from error
    if data is None:
        logger.error("Letter %s of %s: %s It is not drawn anew.", row.pk, agency.code, row.last_error)
        raise Refusal(
            _("这份文书的存档文件已损坏，不能提供。系统管理员会收到提示，请与注册机构联系。"),
            code="damaged",
        )
    return data


# --- Drawing: the clerk --------------------------------------------------------------------------------


def sweep(*, seconds: float = SLICE) -> Swept:
    """Draw what is due at any agency, the longest waiting first; as the clerk, outside of any agency.

    Rows that somebody else is drawing are passed over. When one after the other fails, the rest wait for the
    next sweep: nobody draws a thousand letters for a disk that is full.
    """
    until = time.monotonic() + seconds
    drawn = failed = in_a_row = 0
    while found := _due():
        before = drawn
        for code, schema, key in found:
            if in_a_row >= MOST_FAILURES:
                return Swept(drawn, failed)
            if time.monotonic() > until:
                return Swept(drawn, failed, more=True)
            try:
                made = _draw(schema, key)
            except Exception as error:
                _log_failure(code, key, error)
                _failed(schema, key, error)
                failed, in_a_row = failed + 1, in_a_row + 1
            else:
                drawn, in_a_row = drawn + made, 0
        if drawn == before:
            # Others are at these.
            break
    return Swept(drawn, failed)


def ring() -> None:
    """Let the next worker go on at once with what is due."""
    bells.ring(TASK)


def _draw(schema: str, key: UUID) -> bool:
    """Draw one letter unless somebody else does or has done; whether it was drawn here."""
    with crossing.inside(schema), crossing.atomic():
        rows = Letter.objects.select_for_update(of=("self",), skip_locked=True)
        row = rows.filter(pk=key, made_at__isnull=True).first()
        if row is None:
            return False
        _make(row)
        return True


def _make_or_restore(agency: Agency, key: UUID) -> tuple[Letter, bytes | None]:
    """The letter under its lock, and its bytes; none where it is damaged for good."""
    with crossing.standing(Desk.CLERK), crossing.inside(agency), crossing.atomic():
        row = Letter.objects.select_for_update(of=("self",)).get(pk=key)
        if not row.made_at:
            return row, _make(row)
        data = _sound(row)
        return row, data if data is not None else _restore(row, agency)


def _make(row: Letter) -> bytes:
    """Draw a locked letter, keep its file and note both. Raises OSError when the file cannot be written."""
    letter = _written(row)
    row.content = _content(letter)
    row.content_digest = sha256_hex(canonical_json(row.content))
    row.number = letter.number
    row.made_at = clock.now()
    return _store(row, letters.letter_pdf(letter))


def _restore(row: Letter, agency: Agency) -> bytes | None:
    """Draw a damaged letter anew from the content that was printed; None where that is not what was kept."""
    if sha256_hex(canonical_json(row.content)) != row.content_digest:
        row.last_error = DIFFERS
        row.save(update_fields=["last_error"])
        return None
    data = _store(row, letters.letter_pdf(_letter(row.content)))
    logger.error("Letter %s of %s was damaged and has been drawn anew, word for word.", row.pk, agency.code)
    return data


def _store(row: Letter, pdf: bytes) -> bytes:
    row.sha256, row.size = sha256_hex(pdf), len(pdf)
    # The name tells of which bytes the file is: another edition never overwrites one that is kept.
    row.path = f"{FOLDER}/{row.ordered_at:%Y/%m}/{row.movement_id}-{row.sha256[:16]}.pdf"
    _write(Path(settings.MEDIA_ROOT) / row.path, pdf)
    row.attempts += 1
    row.last_error = ""
    row.save()
    return pdf


def _written(row: Letter) -> letters.Letter:
    """What the letter says: the history up to its movement, and the values of that moment."""
    history = list(Movement.objects.filter(case_id=row.case_id).order_by("number"))
    place = next(place for place, one in enumerate(history) if one.pk == row.movement_id)
    values: Mapping[str, Any] = row.values
    case = copy(Case.objects.get(pk=row.case_id))
    case.applicant_name, case.document_mask = values["applicant"], values["mask"]
    case.employer_name, case.acceptance_number = values["employer"], values["receipt"]
    told = Told(
        case=case,
        movement=history[place],
        before=history[:place],
        agency=Signer(**values["agency"]),
        final=Signer(**values["authority"]),
        papers=_papers(case) if values["on_paper"] and row.name == "lodged" else (),
    )
    with override("zh-hans"):
        return letters.letter_of(told)


def _papers(case: Case) -> Sequence[str]:
    """What the receipt of lodging asks to be handed in on paper."""
    first = Dossier.objects.filter(case=case).order_by("version").values_list("content", flat=True)[:1].get()
    return [str(paper) for paper in papers.needed_for(case, first)]


def _content(letter: letters.Letter) -> dict[str, Any]:
    plain = {**asdict(letter), "on": letter.on.isoformat()}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}


def _letter(content: Mapping[str, Any]) -> letters.Letter:
    return letters.Letter(**{**content, "on": dt.date.fromisoformat(content["on"])})


# --- Failing -------------------------------------------------------------------------------------------


def _failed(agency: Agency | str, key: UUID, error: Exception) -> None:
    """Note that a letter could not be drawn, and when it is tried again."""
    with crossing.standing(Desk.CLERK), crossing.inside(agency), crossing.atomic():
        row = Letter.objects.select_for_update(of=("self",)).get(pk=key)
        if row.made_at and not row.last_error and _sound(row) is not None:
            return
        row.attempts = min(row.attempts + 1, 30_000)
        row.due_at = clock.now() + dt.timedelta(seconds=pause(row.attempts))
        row.last_error = _said(error)
        row.save(update_fields=["attempts", "due_at", "last_error"])


def pause(attempts: int) -> float:
    """Seconds until a letter is tried again after so many attempts in vain."""
    return min(FIRST_PAUSE * 2.0 ** min(attempts - 1, 20), LONGEST_PAUSE)


def _said(error: Exception) -> str:
    """The error for the operator, without where the files lie."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{type(error).__name__}: {words}"[:300]


def _log_failure(code: str, key: UUID, error: Exception) -> None:
    if isinstance(error, OSError):
        logger.error("Letter %s of %s could not be kept: %s", key, code, _said(error))
    else:
        logger.error("Letter %s of %s could not be drawn.", key, code, exc_info=error)


# --- Files ---------------------------------------------------------------------------------------------


def _sound(row: Letter) -> bytes | None:
    """The kept bytes; None, and a word in the log, where they are gone or not those that were kept."""
    try:
        data = (Path(settings.MEDIA_ROOT) / row.path).read_bytes()
    except OSError as error:
        logger.error("The file of letter %s cannot be read: %s", row.pk, _said(error))
        return None
    if sha256_hex(data) == row.sha256:
        return data
    logger.error("The file of letter %s is not the one that was kept.", row.pk)
    return None


def _write(path: Path, data: bytes) -> None:
    """Write a private file that is whole or not there, whatever happens. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}-{time.monotonic_ns()}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# --- Over all agencies ---------------------------------------------------------------------------------

# Schemas that have the table: one behind with its migrations must not stop the others.
SCHEMAS: Final = """
    SELECT a.code, a.schema_name FROM public.tenants_agency a
    JOIN pg_catalog.pg_namespace n ON n.nspname = a.schema_name
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'review_letter' AND c.relkind = 'r'
    ORDER BY a.id
"""
# A due time beyond the longest pause comes from a clock that was wrong.
DUE: Final = """
    (SELECT {code} AS code, {schema} AS schema, id, due_at FROM {table}
    WHERE made_at IS NULL AND (due_at <= %(now)s OR due_at > %(beyond)s) ORDER BY due_at LIMIT {most})
"""
COUNTED: Final = """
    SELECT count(*) FILTER (WHERE made_at IS NULL),
        count(*) FILTER (WHERE made_at IS NULL AND ordered_at < %(late)s),
        count(*) FILTER (WHERE made_at IS NULL AND last_error <> ''),
        count(*) FILTER (WHERE made_at IS NOT NULL),
        min(ordered_at) FILTER (WHERE made_at IS NULL)
    FROM {table} WHERE made_at IS NULL OR last_error <> ''
"""


def figures() -> Figures:
    """How the letters of all agencies stand: two statements, each agency's part read by its small index.

    As the clerk or at the authority's desk, outside of any agency.
    """
    asked = _over_all(COUNTED)
    if not asked:
        return Figures()
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked), {"late": clock.now() - LATE})
        found = cursor.fetchall()
    waiting, late, failing, damaged = (sum(row[place] for row in found) for place in range(4))
    oldest = min((row[4] for row in found if row[4]), default=None)
    return Figures(waiting, late, failing, damaged, oldest)


def _due() -> list[tuple[str, str, UUID]]:
    """Letters that are due, the longest waiting first, over all agencies: two statements."""
    asked = _over_all(DUE)
    if not asked:
        return []
    now = clock.now()
    beyond = now + dt.timedelta(seconds=2 * LONGEST_PAUSE)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT code, schema, id FROM ({' UNION ALL '.join(asked)}) AS due"  # noqa: S608 - own words only
            f" ORDER BY due_at LIMIT {AT_A_TIME}",
            {"now": now, "beyond": beyond},
        )
        return [(code, schema, key) for code, schema, key in cursor.fetchall()]


def _over_all(asked: str) -> list[str]:
    """One question for each agency: 151 small indexes are read faster than 151 places are entered."""
    with connection.cursor() as cursor:
        cursor.execute(SCHEMAS)
        found = cursor.fetchall()
    name = connection.ops.quote_name
    return [
        asked.format(
            # Codes and schemas are lower-case letters, digits and underscores (`tenants.provisioning`).
            code=f"'{code}'",
            schema=f"'{schema}'",
            table=f"{name(schema)}.review_letter",
            most=AT_A_TIME,
        )
        for code, schema in found
    ]
