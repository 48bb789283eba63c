"""Files that a task writes for an officer: exports, many prints, archives (生成的文件).

The row is the order, the bell only hastens it: a sweep rings again for what nobody has begun. A file stands
in the database behind the agency's wall, only its orderer opens it, and it goes after a week.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from register import clock
from tenants.errors import Refusal
from tenants.models import Agency, PreparedFile, User

logger = logging.getLogger(__name__)

KEPT: Final = timedelta(days=7)
# Whoever has begun and not finished for so long was killed: another one may begin again.
GIVEN_UP: Final = timedelta(minutes=15)
UNHEARD: Final = timedelta(seconds=30)
# So many orders of one officer wait at a time.
MOST_WAITING: Final = 5
PDF: Final = "application/pdf"

# Which task writes which kind; an archive holds uploaded papers, which this room does not know.
TASKS: Final[dict[str, str]] = {
    PreparedFile.Kind.EXPORT: "review.tasks.prepare",
    PreparedFile.Kind.PRINTS: "review.tasks.prepare",
    PreparedFile.Kind.ARCHIVE: "intake.tasks.prepare_archive",
}


@dataclass(frozen=True, slots=True)
class Product:
    """What a writer has made: the file's name, its type and its bytes."""

    name: str
    content_type: str
    data: bytes


Progress = Callable[[int], None]
Writer = Callable[[PreparedFile, Progress], Product]


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
    waiting = PreparedFile.objects.filter(agency=agency, user=user, finished_at__isnull=True)
    if waiting.filter(expires_at__gt=clock.now()).count() >= MOST_WAITING:
        raise Refusal(
            _("您还有 {n} 个文件正在生成，请等其中一个完成后再试。").format(n=MOST_WAITING), code="busy"
        )
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


def ring(kind: str, file_id: UUID, agency_code: str) -> None:
    """Tell the workers that a file was ordered. With the broker down the sweep does it later."""
    try:
        current_app.send_task(TASKS[kind], args=[str(file_id), agency_code])
    except Exception as error:  # whatever the broker's client raises, the order stands
        logger.warning("The order of a file is not heard yet: %s", error)


def of_officer(user: User, agency: Agency) -> QuerySet[PreparedFile]:
    """The files of one officer that have not gone yet, latest first, without their bytes."""
    own = PreparedFile.objects.filter(agency=agency, user=user, expires_at__gt=clock.now())
    return own.defer("data").order_by("-asked_at")


# --- Writing: the task, at the agency's desk -----------------------------------------------------------


def write(file_id: UUID | str, writer: Writer) -> bool:
    """Write an ordered file, unless somebody else does or has done; whether it was written here.

    What the rules refuse, and what goes wrong, is told to the orderer in words.
    """
    now = clock.now()
    free = Q(started_at__isnull=True) | Q(started_at__lt=now - GIVEN_UP)
    orders = PreparedFile.objects.filter(pk=file_id)
    if not orders.filter(free, finished_at__isnull=True).update(started_at=now, done=0):
        return False
    order = orders.select_related("agency", "user").defer("data").get()
    try:
        product = writer(order, lambda done: _progress(order, done))
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
        data=product.data,
    )


def _progress(order: PreparedFile, done: int) -> None:
    PreparedFile.objects.filter(pk=order.pk).update(done=done)


def _finish(order: PreparedFile, **told: Any) -> bool:
    PreparedFile.objects.filter(pk=order.pk).update(finished_at=clock.now(), **told)
    return not told.get("fault")


# --- Upkeep: the clerk ---------------------------------------------------------------------------------


def sweep() -> int:
    """Delete what is out of date and ring again for what nobody has begun; how many bells were rung."""
    now = clock.now()
    PreparedFile.objects.filter(expires_at__lte=now).only("pk").delete()
    stuck = Q(started_at__isnull=True, asked_at__lt=now - UNHEARD) | Q(started_at__lt=now - GIVEN_UP)
    waiting = PreparedFile.objects.filter(stuck, finished_at__isnull=True)
    rows = list(waiting.values_list("kind", "pk", "agency__code"))
    for kind, key, code in rows:
        ring(kind, key, code)
    return len(rows)
