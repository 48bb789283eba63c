"""Files that a task writes for an officer: exports, many prints, archives (生成的文件).

The row is the order, the bell only hastens it: a sweep rings again for what nobody has begun. A file stands
sealed in the database behind the wall of its desk, only its orderer opens it, and it goes after a week.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from register import clock
from tenants import bells, crypto
from tenants.errors import Refusal
from tenants.models import AccessRecord, Agency, PreparedFile, User

logger = logging.getLogger(__name__)

KEPT: Final = timedelta(days=7)
# Whoever has begun and given no sign of life for so long was killed: another one may begin again.
GIVEN_UP: Final = timedelta(minutes=3)
UNHEARD: Final = timedelta(seconds=30)
# An order in which so many workers were killed would kill the next one as well.
MOST_STARTS: Final = 3
# So many orders of one officer wait at a time.
MOST_WAITING: Final = 5
PDF: Final = "application/pdf"

# Which task writes which kind; an archive holds uploaded papers, which this room does not know.
TASKS: Final[dict[str, str]] = {
    PreparedFile.Kind.EXPORT: "review.tasks.prepare",
    PreparedFile.Kind.PRINTS: "review.tasks.prepare",
    PreparedFile.Kind.CHECK: "review.tasks.prepare",
    PreparedFile.Kind.ARCHIVE: "intake.tasks.prepare_archive",
}


@dataclass(frozen=True, slots=True)
class Product:
    """What a writer has made: the file's name, its type and its bytes."""

    name: str
    content_type: str
    data: bytes
    # Whose full numbers stand in it: on record in the very moment from which it can be fetched.
    looks: Sequence[AccessRecord] = ()


Progress = Callable[[int], None]
Writer = Callable[[PreparedFile, Progress], Product]


class Overtaken(RuntimeError):
    """Somebody else has begun to write the same file meanwhile: this one stops."""


# --- Ordering: the officer's desk ----------------------------------------------------------------------


def ask(
    *,
    agency: Agency,
    user: User,
    kind: str,
    wish: dict[str, Any],
    total: int,
    full: bool = False,
    reason: str = "",
) -> PreparedFile:
    """Order a file: `wish` says in plain values what goes into it, `total` how many steps it takes.

    `full`: with full document numbers, for a `reason`. Raises `Refusal` while too many orders wait.
    """
    _wait_for_others(user, agency)
    now = clock.now()
    order = PreparedFile.objects.create(
        agency=agency,
        user=user,
        kind=kind,
        wish=wish,
        total=total,
        full=full,
        reason=reason,
        asked_at=now,
        expires_at=now + KEPT,
    )
    key, code = order.pk, agency.code
    transaction.on_commit(lambda: ring(kind, key, code), robust=True)
    return order


def ask_again(file_id: UUID, *, agency: Agency, user: User) -> None:
    """Order one's own file once more after it failed. Raises `Refusal` where there is no such file."""
    _wait_for_others(user, agency)
    now = clock.now()
    failed = of_officer(user, agency).filter(pk=file_id).exclude(fault="")
    kind = failed.values_list("kind", flat=True).first()
    if kind is None or not failed.update(
        fault="", asked_at=now, started_at=None, finished_at=None, starts=0, done=0, expires_at=now + KEPT
    ):
        raise Refusal(_("这个文件已经在重新生成。"), code="not_failed")
    code = agency.code
    transaction.on_commit(lambda: ring(kind, file_id, code), robust=True)


def _wait_for_others(user: User, agency: Agency) -> None:
    waiting = PreparedFile.objects.filter(agency=agency, user=user, finished_at__isnull=True)
    if waiting.filter(expires_at__gt=clock.now()).count() >= MOST_WAITING:
        raise Refusal(
            _("您还有 {n} 个文件正在生成，请等其中一个完成后再试。").format(n=MOST_WAITING), code="busy"
        )


def ring(kind: str, file_id: UUID, agency_code: str) -> None:
    """Tell the workers that a file was ordered. With the broker down the sweep does it later."""
    bells.ring(TASKS[kind], str(file_id), agency_code)


def of_officer(user: User, agency: Agency) -> QuerySet[PreparedFile]:
    """The files of one officer that have not gone yet, latest first, without their bytes."""
    own = PreparedFile.objects.filter(agency=agency, user=user, expires_at__gt=clock.now())
    return own.defer("data").order_by("-asked_at")


def content_of(file: PreparedFile) -> bytes:
    """The bytes of a written file. Raises `Refusal` where they cannot be unsealed (any more)."""
    try:
        return crypto.unseal(file.data or b"")
    except ValueError as error:
        logger.warning("The file %s cannot be unsealed: %s", file.pk, error)
        raise Refusal(_("这个文件已不能打开，请重新生成。"), code="sealed") from error


# --- Writing: the task, at the desk of the order ----------------------------------------------------------


def write(file_id: UUID | str, writer: Writer) -> bool:
    """Write an ordered file, unless somebody else does or has done; whether it was written here.

    The writer may say in `order` what it found: the total, whether full numbers are in it, and of whom. What
    the rules refuse, and what goes wrong, is told to the orderer in words.
    """
    now = clock.now()
    free = Q(started_at__isnull=True) | Q(started_at__lt=now - GIVEN_UP)
    orders = PreparedFile.objects.filter(pk=file_id)
    open_to = orders.filter(free, finished_at__isnull=True, starts__lt=MOST_STARTS)
    if not open_to.update(started_at=now, starts=F("starts") + 1, done=0):
        return False
    order = orders.select_related("agency", "user").defer("data").get()
    try:
        product = writer(order, lambda done: _progress(order, done))
    except Overtaken:
        return False
    except Refusal as no:
        return _finish(order, fault=str(no.message)[:300])
    except Exception:
        logger.exception("A file of kind %s could not be written.", order.kind)
        return _finish(order, fault=_("文件没有生成。请再试一次，仍不成功的，请联系系统管理员。"))
    return _finish(
        order,
        done=order.total,
        name=product.name[:150],
        content_type=product.content_type,
        data=crypto.seal(product.data),
        full=order.full,
        wish=order.wish,
        looks=product.looks,
    )


def _mine(order: PreparedFile) -> QuerySet[PreparedFile]:
    """The order, unless somebody else has begun it anew since this one last gave a sign of life."""
    return PreparedFile.objects.filter(pk=order.pk, started_at=order.started_at, finished_at__isnull=True)


def _progress(order: PreparedFile, done: int) -> None:
    """Say how far the file is, which is the sign of life as well."""
    now = clock.now()
    if not _mine(order).update(done=done, total=order.total, started_at=now):
        raise Overtaken
    order.started_at = now


def _finish(order: PreparedFile, *, looks: Sequence[AccessRecord] = (), **told: Any) -> bool:
    with transaction.atomic():
        if not _mine(order).update(finished_at=clock.now(), total=order.total, **told):
            return False
        AccessRecord.objects.bulk_create(looks, batch_size=5_000)
    return not told.get("fault")


# --- Upkeep: the clerk ---------------------------------------------------------------------------------


def sweep() -> int:
    """Delete what is out of date and ring again for what nobody has begun; how many bells were rung.

    What was begun too often without an end is given up, and its orderer told.
    """
    now = clock.now()
    PreparedFile.objects.filter(expires_at__lte=now).only("pk").delete()
    stuck = Q(started_at__isnull=True, asked_at__lt=now - UNHEARD) | Q(started_at__lt=now - GIVEN_UP)
    waiting = PreparedFile.objects.filter(stuck, finished_at__isnull=True)
    fault = _("文件多次没有生成完，已经停止。请减少内容后重新操作，仍不成功的，请联系系统管理员。")
    waiting.filter(starts__gte=MOST_STARTS).update(finished_at=now, fault=fault)
    rows = list(waiting.values_list("kind", "pk", "agency__code"))
    for kind, key, code in rows:
        ring(kind, key, code)
    return len(rows)
