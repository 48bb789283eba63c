"""The heartbeat of the post room: when beat last rang and a worker heard it, told by the cache.

It only says whether somebody is at work; what waits and what was sent stands in the database.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from django.core.cache import cache
from django.utils import timezone

logger = logging.getLogger(__name__)

KEY: Final = "post-room-pulse"
KEPT_SECONDS: Final = 7 * 24 * 3600


def beat() -> None:
    """Note that the sweep has come round. A cache that is down is no error."""
    try:
        cache.set(KEY, timezone.now().timestamp(), KEPT_SECONDS)
    except Exception as error:  # the cache's client has many ways to say that it is down
        logger.warning("The sweep was not noted: %s", error)


def last() -> datetime | None:
    """When the sweep last came round, if that is known."""
    try:
        at = cache.get(KEY)
    except Exception as error:
        logger.warning("The last sweep is not known: %s", error)
        return None
    return None if at is None else datetime.fromtimestamp(float(at), tz=timezone.get_current_timezone())
