"""The bell: a message by which a worker hears at once of a row that waits for it.

The row is the order, and a sweep rings again for what nobody has begun. So a message is not worth keeping:
where no worker runs, it is gone after a minute and none heap up.
"""

from __future__ import annotations

import logging
from typing import Final

from celery import current_app

logger = logging.getLogger(__name__)

# Seconds; two machines' clocks may differ a little.
EXPIRES: Final = 60.0


def ring(task: str, *args: str) -> None:
    """Call a task by its name. With the broker down this is only logged: what was ordered stands."""
    try:
        current_app.send_task(task, args=args, expires=EXPIRES)
    except Exception as error:  # whatever the broker's client raises
        logger.warning("The bell for %s did not ring: %s", task, error)
