"""Rosters as jobs (名册导入任务): uploaded, looked through, decided on, written, and kept as a record.

The row is the order, the bell only hastens it. Whoever works on a job holds its lock in the database, which
ends with the worker: nobody needs to guess whether it still lives. Writing is one transaction, in which what
the register says is asked anew, so a job is written once, whole, or not at all.
"""

from __future__ import annotations

import gc
import json
import logging
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from datetime import date, datetime, timedelta
from itertools import chain
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from django.core.cache import cache
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from register import clock, roster_writing, rosters, sheets, tables
from register.models import RosterJob
from register.resources import PersonRow, QualificationRow, RegistrationRow
from register.rosters import LineError, Plan, What
from register.tables import Form, Head
from tenants import bells, crossing
from tenants.crypto import seal, sha256_hex, unseal
from tenants.errors import Refusal
from tenants.models import Agency, User

log = logging.getLogger(__name__)
Stage = RosterJob.Stage

KEPT: Final = timedelta(days=7)
# A worker claims before it begins; a job without a lock after so long has nobody.
UNHEARD: Final = timedelta(seconds=15)
# A file by which so many workers were killed would kill the next one as well.
MOST_STARTS: Final = 3
MOST_OPEN: Final = 5
SHOWN_ERRORS: Final = 200
PIECE: Final = 1 << 18
# So many rows are packed and unpacked at a time.
TOGETHER: Final = 500
# A workbook of more lines takes longer than anybody waits for a page.
MOST_IN_WORKBOOK: Final = 5_000
AT_WORK: Final = (Stage.CHECKING, Stage.WRITING)
OPEN: Final = (*AT_WORK, Stage.CHECKED)
TASK: Final = "register.tasks.work_on_roster"
BUSY: Final = "SELECT pg_try_advisory_xact_lock(hashtext('register.rosters'))"
ROWS: Final[dict[What, type[PersonRow]]] = {
    What.QUALIFICATIONS: QualificationRow,
    What.REGISTRATIONS: RegistrationRow,
}


class Stopped(RuntimeError):
    """The officer has cancelled the job, or another worker has begun it anew: this one leaves no trace."""


class Busy(RuntimeError):
    """Another roster is being written: this one comes after it."""


# --- The officer's acts ----------------------------------------------------------------------------


def upload(*, data: bytes, name: str, what: What, by: User) -> RosterJob:
    """Take a file over and have it looked through; the same file twice is the same job while it is open.

    Raises UnreadableFile for what plainly is no roster, `Refusal` while too many jobs of this officer wait.
    """
    _probe(data, name, what)
    digest = sha256_hex(data)
    own = RosterJob.objects.filter(by=by, stage__in=OPEN)
    same = own.filter(sha256=digest, what=what.value).defer("data", "errors").first()
    if same is not None:
        return same
    if own.count() >= MOST_OPEN:
        raise Refusal(
            _("您还有 {n} 份名册没有办完，请先确认或取消其中一份。").format(n=MOST_OPEN), code="busy"
        )
    now = clock.now()
    job = RosterJob.objects.create(
        what=what.value,
        name=name[-150:],
        sha256=digest,
        data=_pack(data, b""),
        by=by,
        asked_at=now,
        expires_at=now + KEPT,
        total=sheets.about(data),
        findings={"language": get_language() or ""},
    )
    _ring_after(job.pk)
    return job


def _probe(data: bytes, name: str, what: What) -> None:
    """Say at once what the first line tells; a long workbook takes too long to open for a page."""
    small = len(data) <= 1024 * 1024
    resource = rosters.resource_for(what)
    if small or not data.startswith(b"PK"):
        sheet = sheets.opened(data, name, resource.columns(), resource.required())
        next(sheet.rows, None)


def decide(job_id: UUID, *, by: User, skip_bad_rows: bool) -> None:
    """Have the checked job written, without its faulty lines if the officer says so.

    Raises `Refusal` when there are faults and none may be skipped, or the job is not waiting any more.
    """
    checked = RosterJob.objects.filter(pk=job_id, by=by, stage=Stage.CHECKED)
    found = checked.values_list("findings", flat=True).first()
    if found is None:
        raise Refusal(_("这份名册已经确认或取消，不需要再次操作。"), code="decided")
    if found["counts"]["faulty"] and not skip_bad_rows:
        raise Refusal(
            _("文件中有错误，没有导入任何一行。请改正文件，或者勾选“跳过有错误的行”。"), code="faulty"
        )
    decided = checked.update(
        stage=Stage.WRITING,
        decided_at=clock.now(),
        skip_bad_rows=skip_bad_rows,
        started_at=None,
        seen_at=None,
        starts=0,
        done=0,
        total=found["counts"]["new"] + found["counts"]["changed"] + found["counts"]["new_people"],
    )
    if not decided:
        raise Refusal(_("这份名册已经确认或取消，不需要再次操作。"), code="decided")
    _ring_after(job_id)


def cancel(job_id: UUID, *, by: User) -> None:
    """Give the job up. While it is being written the worker hears of it and takes everything back.

    Raises `Refusal` when it is over already.
    """
    own = RosterJob.objects.filter(pk=job_id, by=by)
    waiting = Q(stage__in=(Stage.CHECKING, Stage.CHECKED)) | Q(stage=Stage.WRITING, started_at__isnull=True)
    told = {"stage": Stage.CANCELLED, "finished_at": clock.now(), "data": None, "errors": None}
    if own.filter(waiting).update(**told):
        return
    if not own.filter(stage=Stage.WRITING).update(cancel_asked=True):
        raise Refusal(_("这份名册已经办完，不能再取消。"), code="over")


def _ring_after(job_id: UUID) -> None:
    transaction.on_commit(lambda: ring(job_id), robust=True)


def ring(job_id: UUID) -> None:
    """Tell the workers that there is something to do. With the broker down the sweep does it later."""
    bells.ring(TASK, str(job_id))


# --- What a page asks ------------------------------------------------------------------------------


def listed() -> QuerySet[RosterJob]:
    """All jobs, latest first, without what is long."""
    return RosterJob.objects.select_related("by").defer("data", "errors").order_by("-asked_at")


def progress_of(job: RosterJob) -> int:
    """How many rows are done; those of an open transaction are known to the cache only."""
    try:
        return int(cache.get(_key(job.pk)) or job.done)
    except Exception as error:  # the cache's client has many ways to say that it is down
        log.warning("The progress of a roster is not known: %s", type(error).__name__)
        return job.done


def error_file(job_id: UUID, form: Form, *, by: User) -> bytes | None:
    """The faulty lines as they came, with their line numbers and faults, to be mended and sent again.

    Only for who sent the file, for full numbers stand in it; None when there is none any more.
    """
    row = RosterJob.objects.filter(pk=job_id, by=by).values_list("errors", flat=True).first()
    if row is None:
        return None
    lines = _lines(unseal(row))
    header = next(lines)
    heads = [Head(_("行号"), 8), *(Head(each or "—", 18) for each in header), Head(_("问题"), 60)]
    with tables.begin(form, title=_("有错误的行"), heads=heads) as table:
        for line in lines:
            table.add(line)
        return table.data()


def _key(job_id: UUID) -> str:
    return f"roster:{job_id}"


# --- The worker, at the authority's desk -----------------------------------------------------------


def work(job_id: UUID) -> bool:
    """Do what the job waits for, unless somebody else does; whether it came to an end here."""
    with _alone(job_id) as alone:
        if not alone:
            return False
        job = _claimed(job_id)
        if job is None:
            return False
        with override(job.findings.get("language") or None), _unsearched():
            return _worked(job)


def _worked(job: RosterJob) -> bool:
    try:
        if job.stage == Stage.CHECKING:
            _check(job)
        else:
            _write(job)
    except Stopped:
        stopped = RosterJob.objects.filter(pk=job.pk, stage=Stage.WRITING, cancel_asked=True)
        stopped.update(stage=Stage.CANCELLED, finished_at=clock.now(), data=None, errors=None)
        return False
    except Busy:
        _mine(job).update(started_at=None, seen_at=clock.now(), starts=F("starts") - 1)
        return False
    except Refusal as no:
        _mine(job).update(stage=Stage.FAILED, fault=str(no.message)[:300], finished_at=clock.now(), data=None)
        return False
    except (IntegrityError, roster_writing.Outrun):
        # Somebody else entered the same number in the same moment: looked at again, it is a known one.
        log.warning("Roster %s met another act and begins anew.", job.pk)
        return False
    finally:
        _tell(job, 0)
    return True


@contextmanager
def _unsearched() -> Iterator[None]:
    """Keep the collector of cyclic garbage from walking through a hundred thousand rows again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _alone(job_id: UUID) -> Iterator[bool]:
    """Hold the lock of a job for as long as this worker works on it, and lives."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [_key(job_id)])
        (held,) = cursor.fetchone()
    try:
        yield held
    finally:
        # A connection that is lost has taken its locks along.
        with suppress(DatabaseError), connection.cursor() as cursor:
            if held:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [_key(job_id)])


def _claimed(job_id: UUID) -> RosterJob | None:
    now = clock.now()
    waiting = RosterJob.objects.filter(
        pk=job_id, stage__in=AT_WORK, starts__lt=MOST_STARTS, cancel_asked=False
    )
    if not waiting.update(started_at=now, seen_at=now, starts=F("starts") + 1, done=0):
        return None
    return RosterJob.objects.select_related("by").defer("errors").get(pk=job_id)


def _mine(job: RosterJob) -> QuerySet[RosterJob]:
    """The job, unless it was cancelled, or begun anew since."""
    return RosterJob.objects.filter(pk=job.pk, stage=job.stage, started_at=job.started_at)


def _check(job: RosterJob) -> None:
    """Look a file through: what is wrong, what it would change. The rows are kept as they were understood."""
    data, _rows = _unpack(job.data)
    job.data = None
    what = What(job.what)

    def heed(done: int) -> None:
        if not _mine(job).update(done=done, total=max(done, job.total), seen_at=clock.now()):
            raise Stopped

    plan, total = rosters.planned(rosters.resource_for(what), data, job.name, heed=heed)
    heed(total)
    checked = _pack(data, _stored(plan, total))
    rosters.compare(plan, what)
    told = {"stage": Stage.CHECKED, "data": checked, "done": total, "total": total, "started_at": None}
    if not _mine(job).update(**told, **_told_of(job, plan, total, data)):
        raise Stopped


def _write(job: RosterJob) -> None:
    """Bring a decided job into the register in one transaction, in which it is compared once more."""
    begun = time.monotonic()
    data, stored = _unpack(job.data)
    job.data = None
    what = What(job.what)

    def heed(done: int) -> None:
        _tell(job, done)
        if not _mine(job).filter(cancel_asked=False).exists():
            raise Stopped

    with crossing.atomic():
        with connection.cursor() as cursor:
            cursor.execute(BUSY)
            if not cursor.fetchone()[0]:
                raise Busy
        plan, total = _restored(stored, what)
        rosters.compare(plan, what, to_write=True)
        if _mark(plan) != job.findings["mark"]:
            _ask_again(job, plan, total, data)
            return
        del data, stored
        heed(0)
        people = len(rosters.newcomers(plan))
        rosters.write(plan, what, heed)
        result = {**_counts(plan, total, people), "seconds": round(time.monotonic() - begun, 1)}
        told = {"result": result, "done": F("total"), "finished_at": clock.now(), "data": None}
        if not _mine(job).filter(cancel_asked=False).update(stage=Stage.DONE, **told):
            raise Stopped
    log.info("roster %s of %s: %s", job.pk, job.by_id, result)


def _ask_again(job: RosterJob, plan: Plan, total: int, data: bytes) -> None:
    """The file would do other than the officer saw: nothing is written, the officer decides anew."""
    fault = _("您确认之后名册有了变动，这份文件将要写入的内容与您看到的不同。没有写入任何内容，请重新核对。")
    told = {"stage": Stage.CHECKED, "started_at": None, "decided_at": None, "fault": fault}
    if not _mine(job).update(**told, **_told_of(job, plan, total, data)):
        raise Stopped


def _tell(job: RosterJob, done: int) -> None:
    """Say how far an open transaction is, where everybody can read it."""
    try:
        cache.set(_key(job.pk), done, 3600)
    except Exception as error:
        log.warning("The progress of a roster is not told: %s", type(error).__name__)


# --- What is found -----------------------------------------------------------------------------------


def _counts(plan: Plan, total: int, people: int) -> dict[str, int]:
    return {
        "rows": total,
        "new": len(plan.new),
        "changed": len(plan.changed),
        "unchanged": len(plan.unchanged),
        "new_people": people,
        "faulty": len(plan.bad_lines),
    }


def _mark(plan: Plan) -> str:
    """What a plan comes to: which lines are faulty, new, changed, unchanged and bring somebody new, and what
    the changed ones replace. Two plans of one mark do the same to the register.
    """
    kinds = (plan.new, plan.changed, plan.unchanged, rosters.newcomers(plan).values())
    lines = [sorted(plan.bad_lines), *(sorted(row.line for row in rows) for rows in kinds)]
    return sha256_hex(repr((lines, plan.replaced.hexdigest())).encode())


def _told_of(job: RosterJob, plan: Plan, total: int, data: bytes) -> dict[str, Any]:
    """What the officer sees before deciding, and the file of the faulty lines."""
    resource = rosters.resource_for(What(job.what))
    columns, sample = rosters.sample_of(
        resource, [*plan.new, *plan.changed, *plan.unchanged][: rosters.SAMPLE]
    )
    findings = {
        "language": job.findings.get("language", ""),
        "counts": _counts(plan, total, len(rosters.newcomers(plan))),
        "mark": _mark(plan),
        "ignored": plan.ignored,
        "columns": columns,
        "sample": sample,
        "changes": [change._asdict() for change in plan.changes],
        "repeated": [line._asdict() for line in plan.repeated[: rosters.SHOWN]],
        "repeated_count": len(plan.repeated),
        "errors": [error._asdict() for error in plan.errors[:SHOWN_ERRORS]],
        "errors_count": len(plan.errors),
    }
    errors = seal(_faulty_lines(data, job.name, plan.errors)) if plan.errors else None
    return {"findings": findings, "errors": errors}


def _faulty_lines(data: bytes, name: str, errors: Sequence[LineError]) -> bytes:
    """The header and every faulty line of the file, its number before it and what is wrong behind it."""
    told: dict[int, list[str]] = {}
    for error in errors:
        told.setdefault(error.line, []).append(f"{error.column}：{error.message}")
    filled = sheets.filled_lines(data, name)
    _number, header = next(filled)
    words = [str(cell or "").strip() for cell in header]
    packer = _Packer()
    packer.add(words)
    for number, row in filled:
        if number in told:
            cells = [*row, *[""] * len(words)][: len(words)]
            packer.add([number, *map(_as_written, cells), "；".join(told[number])])
    return packer.data()


def _as_written(cell: Any) -> Any:
    return cell if isinstance(cell, int | str) and not isinstance(cell, bool) else str(cell)


# --- The file and its rows, sealed ---------------------------------------------------------------------


class _Packer:
    """Lines of plain values, compressed as they come."""

    def __init__(self) -> None:
        self.squeeze, self.pieces = zlib.compressobj(1), list[bytes]()

    def add(self, line: Any) -> None:
        self.pieces.append(self.squeeze.compress(_JSON.encode(line).encode() + b"\n"))

    def data(self) -> bytes:
        return b"".join((*self.pieces, self.squeeze.flush()))


def _plain(value: Any) -> Any:
    return value.pk if isinstance(value, Agency) else value.isoformat()


_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain)


def _lines(packed: bytes) -> Iterator[Any]:
    loosen, rest = zlib.decompressobj(), b""
    view = memoryview(packed)
    for start in range(0, len(view), PIECE):
        *whole, rest = (rest + loosen.decompress(view[start : start + PIECE])).split(b"\n")
        yield from (json.loads(line.decode()) for line in whole)


def _pack(data: bytes, rows: bytes) -> bytes:
    """The file and, once it was looked through, its rows: sealed together."""
    return seal(len(data).to_bytes(8, "big") + data + rows)


def _unpack(sealed: bytes | memoryview | None) -> tuple[bytes, bytes]:
    if sealed is None:
        raise Stopped
    whole = unseal(sealed)
    end = 8 + int.from_bytes(whole[:8], "big")
    return whole[8:end], whole[end:]


def _stored(plan: Plan, total: int) -> bytes:
    """The rows that stand each on its own, before they are compared with the register."""
    packer = _Packer()
    packer.add([total, plan.ignored, plan.errors])
    if plan.rows:
        values_of = attrgetter(*(each.name for each in fields(plan.rows[0])))
        for start in range(0, len(plan.rows), TOGETHER):
            packer.add([*map(values_of, plan.rows[start : start + TOGETHER])])
    return packer.data()


def _restored(stored: bytes, what: What) -> tuple[Plan, int]:
    lines = _lines(stored)
    total, ignored, errors = next(lines)
    plan = Plan(ignored=ignored, errors=[LineError(*error) for error in errors])
    row_class = ROWS[what]
    names = [each.name for each in fields(row_class)]
    days = _Days()
    dated = [place for place, name in enumerate(names) if name.endswith(("_on", "_date", "_from", "_to"))]
    agencies = Agency.objects.in_bulk()
    place = names.index("agency") if "agency" in names else None
    for values in chain.from_iterable(lines):
        for each in dated:
            values[each] = days[values[each]]
        if place is not None:
            values[place] = agencies.get(values[place])
        plan.rows.append(row_class(*values))
    return plan, total


class _Days(dict[str | None, date | None]):
    """Days by their text; the same few stand in many rows."""

    def __missing__(self, text: str | None) -> date | None:
        self[text] = found = date.fromisoformat(text) if text else None
        return found


# --- Upkeep: the clerk -----------------------------------------------------------------------------------


def ring_waiting() -> None:
    """Call whoever waits for another roster to be written."""
    for key in RosterJob.objects.filter(stage=Stage.WRITING, started_at=None).values_list("pk", flat=True):
        ring(key)


def sweep() -> int:
    """Forget what is old, and ring again for what nobody works on; how many bells were rung."""
    now = clock.now()
    _forget(now)
    rung = 0
    late = Q(seen_at__lt=now - UNHEARD) | Q(seen_at=None, asked_at__lt=now - UNHEARD)
    for job in RosterJob.objects.filter(late, stage__in=AT_WORK).defer("data", "errors", "findings"):
        with _alone(job.pk) as alone:
            if not alone:
                continue
            over = {"finished_at": now, "data": None}
            if job.cancel_asked:
                _mine(job).update(stage=Stage.CANCELLED, errors=None, **over)
                continue
            if job.starts >= MOST_STARTS:
                fault = _(
                    "多次没有办完，已经停止，没有写入任何内容。请重新上传，仍不成功的，请联系系统管理员。"
                )
                _mine(job).update(stage=Stage.FAILED, fault=fault, **over)
                continue
        ring(job.pk)
        rung += 1
    return rung


def _forget(now: datetime) -> None:
    """After a week the file, its faulty lines and everything about people go; the counts stay."""
    old = RosterJob.objects.filter(expires_at__lte=now).exclude(stage__in=AT_WORK)
    old.filter(stage=Stage.CHECKED).update(
        stage=Stage.CANCELLED, finished_at=now, fault=_("7 天内没有确认，已自动取消。")
    )
    for job in old.filter(findings__has_key="sample").defer("data", "errors"):
        job.findings = {key: job.findings[key] for key in ("language", "counts")}
        job.data = job.errors = None
        job.save(update_fields=["findings", "data", "errors"])
