"""Settings under which the broker gets every message five times, as long as a file asks for it.

It is the same message with the same number each time.
"""

from __future__ import annotations

from typing import Any, Final

from kombu.transport import redis

from portal.settings import *  # noqa: F403
from portal.settings import VAR_DIR

TIMES: Final = 5
ASKED: Final = VAR_DIR / "fivefold"
_put_once = redis.Channel._put


def _put(self: redis.Channel, queue: str, message: Any, **more: Any) -> None:
    for _time in range(TIMES if ASKED.exists() else 1):
        _put_once(self, queue, message, **more)


redis.Channel._put = _put  # type: ignore[method-assign, assignment]
