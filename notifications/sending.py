"""From the queues of the channels to the providers.

A letter is claimed by a lease: its next attempt is set into the future and committed before the provider is
called, so no transaction stays open while one is slow, and another sender takes over what a killed one left.
A crash between sending and marking repeats the letter under the same key.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from notifications import channels, night
from notifications.models import WAITS, Delivery
from notifications.sms import Refused

logger = logging.getLogger(__name__)

# One round of a sender: so many letters, and shorter than the broker's patience with a task.
LETTERS: Final = 50
ROUND: Final = 30.0
# A mail server may use its whole time-out at each step of the conversation; no talk has as many as these.
STEPS: Final = 18
# Pauses of 10 s, 30 s, 90 s … up to six hours: a letter outlives a provider that is down for half a day.
ATTEMPTS: Final = 10
FIRST_PAUSE: Final = dt.timedelta(seconds=10)
LONGEST_PAUSE: Final = dt.timedelta(hours=6)


def send_out(channel: str, limit: int = LETTERS) -> int:
    """Send what waits for this channel. Answers how many letters went out.

    Stops at the first that fails for want of the provider: it would not take the next one either.
    """
    sent, until = 0, time.monotonic() + ROUND
    while sent < limit and time.monotonic() < until:
        delivery = _claim(channel)
        if delivery is None or not _try(delivery):
            break
        sent += 1
    return sent


def waiting() -> list[str]:
    """The channels for which a letter is due."""
    return [channel for channel in Delivery.Channel if waits(channel)]


def waits(channel: str) -> bool:
    """Whether a letter is due for this channel."""
    return _due(channel).exists()


def _due(channel: str) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        WAITS, channel=channel, dropped_at__isnull=True, due_at__lte=timezone.now()
    ).order_by("due_at", "id")


def _claim(channel: str) -> Delivery | None:
    """The oldest due letter, ours until the lease ends. The claim itself counts as an attempt."""
    with transaction.atomic(durable=True):
        delivery = (
            _due(channel)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("outbox__user", "outbox__notice")
            .first()
        )
        if delivery is not None:
            delivery.attempts += 1
            delivery.due_at = timezone.now() + lease()
            delivery.save(update_fields=["attempts", "due_at"])
    return delivery


def lease() -> dt.timedelta:
    """How long a letter belongs to the sender that has claimed it: longer than any provider takes."""
    return STEPS * dt.timedelta(seconds=max(settings.EMAIL_TIMEOUT, settings.SMS_GATEWAY_TIMEOUT))


def _try(delivery: Delivery) -> bool:
    """Send one letter and mark it. False where the provider was not to be had."""
    if delivery.attempts > ATTEMPTS:
        # The senders of all earlier attempts died over it, so nobody else could write this down.
        _mark(delivery, dead_at=timezone.now())
        return True
    try:
        if not channels.may_be_sent(delivery):
            _finish(delivery, dropped_at=timezone.now())
            return True
        if _waits_for_day(delivery):
            return True
        channels.send(delivery)
    except Refused as error:
        _mark(delivery, dead_at=timezone.now(), last_error=_said(error))
        return True
    except Exception as error:  # whatever the mail server or the provider's client raises
        _postpone(delivery, error)
        return False
    _finish(delivery, sent_at=timezone.now())
    return True


def _waits_for_day(delivery: Delivery) -> bool:
    """At night whatever must not ring is put off, however it came to be due now; that is no attempt."""
    now = timezone.now()
    at = night.first_chance(delivery.outbox.kind, delivery.channel, now)
    if at != now:
        _mark(delivery, due_at=at, attempts=delivery.attempts - 1)
    return at != now


def _finish(delivery: Delivery, **marks: dt.datetime) -> None:
    with transaction.atomic(durable=True):
        _mark(delivery, last_error="", **marks)
        channels.forget_address(delivery.outbox)


def _postpone(delivery: Delivery, error: Exception) -> None:
    now = timezone.now()
    pause = min(FIRST_PAUSE * 3 ** (delivery.attempts - 1), LONGEST_PAUSE)
    given_up = delivery.attempts >= ATTEMPTS
    what = "is given up" if given_up else f"waits {pause}"
    logger.error("Delivery %s by %s %s: %s", delivery.pk, delivery.channel, what, _said(error))
    _mark(delivery, due_at=now + pause, last_error=_said(error), dead_at=now if given_up else None)


def _mark(delivery: Delivery, **values: Any) -> None:
    """Only while it is undecided: whoever took over after the lease may have been faster."""
    Delivery.objects.filter(WAITS, pk=delivery.pk, dropped_at__isnull=True).update(**values)


def _said(error: Exception) -> str:
    return repr(error)[:300]
