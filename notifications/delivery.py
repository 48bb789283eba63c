"""From the outbox to the board, and from there to the channels.

Rows are claimed with SKIP LOCKED, so any number of deliverers may work side by side; the notice is
written and the row marked in one transaction, so a row is delivered once, whatever is killed or repeated.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Final, TypeAlias

from django.db import transaction
from django.utils import timezone

from notifications import board, channels
from notifications.catalogue import KINDS, wording
from notifications.models import Delivery, Notice, Outbox
from tenants.models import User

logger = logging.getLogger(__name__)

BATCH: Final = 200
LETTERS: Final = 50
LONGEST_PAUSE: Final = dt.timedelta(hours=1)

Pair: TypeAlias = tuple[Outbox, Notice | None]


def deliver(limit: int = BATCH) -> int:
    """Put up to `limit` waiting rows on their boards. Answers how many were claimed.

    A row that cannot be worded or written waits longer each time and holds up no other.
    """
    now = timezone.now()
    with transaction.atomic(durable=True):
        rows = list(
            Outbox.objects.select_for_update(skip_locked=True)
            .filter(sent_at__isnull=True, due_at__lte=now)
            .order_by("due_at", "id")[:limit]
        )
        delivered = _write(_worded(rows))
        Outbox.objects.filter(pk__in=[row.pk for row in delivered]).update(sent_at=now, last_error="")
        users = {row.user_id for row in delivered}
        transaction.on_commit(lambda: board.touch(users), robust=True)
    return len(rows)


def deliver_all(*, batches: int = 50) -> int:
    """Deliver batch after batch until nothing is due. Bounded, so that no task runs for ever."""
    total = 0
    for _round in range(batches):
        claimed = deliver()
        total += claimed
        if claimed < BATCH:
            break
    return total


def send_out(limit: int = LETTERS) -> int:
    """Send the waiting e-mails and SMS, each in a transaction of its own. Answers how many went out.

    Stops at the first that fails: a slow or dead mail server must not keep the worker from the boards.
    """
    sent = 0
    while sent < limit and _send_next():
        sent += 1
    return sent


def letters_wait() -> bool:
    """Whether an e-mail or SMS is due."""
    return Delivery.objects.filter(sent_at__isnull=True, due_at__lte=timezone.now()).exists()


def _worded(rows: Sequence[Outbox]) -> list[Pair]:
    """Each row with its notice; a letter has none."""
    pairs: list[Pair] = []
    for row in rows:
        try:
            pairs.append((row, None if KINDS[row.kind].is_letter else _notice(row)))
        except Exception as error:  # one row's broken text must not hold up the others
            _postpone(row, error)
    return pairs


def _notice(row: Outbox) -> Notice:
    text = wording(row.kind, row.data)
    return Notice(
        outbox=row,
        user_id=row.user_id,
        kind=row.kind,
        category=KINDS[row.kind].category,
        title_zh=text.title_zh,
        body_zh=text.body_zh,
        title_en=text.title_en,
        body_en=text.body_en,
        case_id=row.case_id,
        link=row.data.get("link", ""),
        created_at=row.created_at,
    )


def _write(pairs: Sequence[Pair]) -> list[Outbox]:
    """Notices and letters together; if one row is at fault, each for itself."""
    try:
        _put(pairs)
    except Exception:  # the database's refusal, or whatever choosing the channels raises
        return [row for row, notice in pairs if _write_one(row, notice)]
    return [row for row, _notice in pairs]


def _write_one(row: Outbox, notice: Notice | None) -> bool:
    try:
        _put([(row, notice)])
    except Exception as error:  # one row's fault must not hold up the others
        _postpone(row, error)
        return False
    return True


def _put(pairs: Sequence[Pair]) -> None:
    """The notices on their boards and the letters into their queue: all of them, or none."""
    with transaction.atomic():
        notices = [notice for _row, notice in pairs if notice is not None]
        Notice.objects.bulk_create(notices, ignore_conflicts=True)
        _queue_channels([row for row, _notice in pairs])


def _queue_channels(rows: Sequence[Outbox]) -> None:
    users = User.objects.in_bulk({row.user_id for row in rows})
    Delivery.objects.bulk_create(
        [
            Delivery(outbox=row, channel=channel)
            for row in rows
            for channel in channels.channels_for(users[row.user_id], row.kind)
        ],
        ignore_conflicts=True,
    )


def _send_next() -> bool:
    """Send the oldest due letter. False when there is none, or when it could not be sent."""
    with transaction.atomic(durable=True):
        delivery = (
            Delivery.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("outbox__user", "outbox__notice")
            .filter(sent_at__isnull=True, due_at__lte=timezone.now())
            .order_by("due_at", "id")
            .first()
        )
        if delivery is None:
            return False
        try:
            channels.send(delivery.channel, delivery.outbox)
        except Exception as error:  # whatever the mail server or the provider's client raises
            _postpone(delivery, error)
            return False
        Delivery.objects.filter(pk=delivery.pk).update(sent_at=timezone.now(), last_error="")
        channels.forget_address(delivery.outbox)
    return True


def _postpone(row: Outbox | Delivery, error: Exception) -> None:
    attempts = row.attempts + 1
    pause = min(dt.timedelta(seconds=5 * 2 ** min(attempts, 12)), LONGEST_PAUSE)
    logger.error("%s %s waits %s: %r", type(row).__name__, row.pk, pause, error)
    type(row)._default_manager.filter(pk=row.pk).update(
        attempts=attempts, due_at=timezone.now() + pause, last_error=repr(error)[:300]
    )
