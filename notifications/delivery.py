"""From the outbox to the board, and from there into the queues of the channels.

Rows are claimed with SKIP LOCKED, so any number of deliverers may work side by side; the notice is
written and the row marked in one transaction, so a row is delivered once, whatever is killed or repeated.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, TypeAlias

from django.db import transaction
from django.utils import timezone

from notifications import board, channels, night
from notifications.catalogue import KINDS
from notifications.models import WAITS, Delivery, Mute, Notice, Outbox, Resend
from notifications.wording import wording
from tenants.models import User

logger = logging.getLogger(__name__)

BATCH: Final = 200
# So often a row is tried; then it waits for somebody to look at it.
ATTEMPTS: Final = 12
LONGEST_PAUSE: Final = dt.timedelta(hours=1)

Pair: TypeAlias = tuple[Outbox, Notice | None]


def deliver(limit: int = BATCH) -> int:
    """Put up to `limit` waiting rows on their boards. Answers how many were claimed.

    A row that cannot be worded or written waits longer each time, is given up after many attempts, and
    holds up no other.
    """
    now = timezone.now()
    with transaction.atomic(durable=True):
        rows = list(
            Outbox.objects.select_for_update(skip_locked=True)
            .filter(WAITS, due_at__lte=now)
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


def carry_out_wishes() -> int:
    """What the staff asked to have tried once more begins anew. Answers how many wishes were carried out."""
    with transaction.atomic(durable=True):
        wishes = list(
            Resend.objects.select_for_update(skip_locked=True)
            .filter(done_at__isnull=True)
            .order_by("id")[:BATCH]
        )
        now = timezone.now()
        anew = {"dead_at": None, "attempts": 0, "due_at": now}
        board = [wish.outbox_id for wish in wishes if not wish.channel]
        Outbox.objects.filter(pk__in=board, dead_at__isnull=False).update(**anew)
        for channel in Delivery.Channel:
            asked = [wish.outbox_id for wish in wishes if wish.channel == channel]
            if asked:
                given_up = Delivery.objects.filter(outbox__in=asked, channel=channel, dead_at__isnull=False)
                given_up.update(**anew)
        Resend.objects.filter(pk__in=[wish.pk for wish in wishes]).update(done_at=now)
    return len(wishes)


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
    muted: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for user_id, channel, category in Mute.objects.filter(user__in=users).values_list(
        "user_id", "channel", "category"
    ):
        muted[user_id].add((channel, category))
    Delivery.objects.bulk_create(
        [
            _queued(row, channel)
            for row in rows
            for channel in channels.channels_for(users[row.user_id], row.kind, muted[row.user_id])
        ],
        ignore_conflicts=True,
    )


def _queued(row: Outbox, channel: str) -> Delivery:
    """Queued when it may go first: what waits for the morning is not late, and no figure shall say so."""
    at = night.first_chance(row.kind, channel, timezone.now())
    return Delivery(outbox=row, channel=channel, created_at=at, due_at=at)


def _postpone(row: Outbox, error: Exception) -> None:
    attempts, now = row.attempts + 1, timezone.now()
    pause = min(dt.timedelta(seconds=5 * 2 ** min(attempts, 12)), LONGEST_PAUSE)
    given_up = attempts >= ATTEMPTS
    logger.error("Outbox %s %s: %r", row.pk, "is given up" if given_up else f"waits {pause}", error)
    Outbox.objects.filter(pk=row.pk).update(
        attempts=attempts,
        due_at=now + pause,
        last_error=repr(error)[:300],
        dead_at=now if given_up else None,
    )
