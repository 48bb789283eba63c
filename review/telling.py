"""Telling many at once, so that one of whom nothing can be said keeps back no other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from django.db import transaction

from notifications import outbox
from notifications.outbox import Message

log = logging.getLogger(__name__)

Subject = TypeVar("Subject")


def tell(subjects: Sequence[Subject], words: Callable[[Subject], Iterable[Message]]) -> int:
    """Post what is to be said of all of these in one transaction; where that fails, of each in its own.

    Answers of how many nothing could be said; each of them is logged.
    """
    try:
        with transaction.atomic():
            outbox.post_many(message for one in subjects for message in words(one))
    except Exception:
        if len(subjects) > 1:
            return sum(tell([one], words) for one in subjects)
        log.exception("%s could not be told", subjects)
        return 1
    return 0
