"""Where every Celery task begins: at the clerk's place, in no agency, wherever the one before it ended.

Arguments are plain ids and the agency's code; a task that works for an agency enters it by
`crossing.inside` and leaves it. One that stays outside is refused the agency's tables by the database.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import Task, current_app, shared_task
from celery.signals import worker_process_init
from django.conf import settings
from django.db import close_old_connections

from tenants import sessions
from tenants.crossing import Desk, standing

logger = logging.getLogger(__name__)


class PlacedTask(Task):  # type: ignore[type-arg]
    """Runs at the clerk's desk in the public schema; a task enters an agency by itself and leaves it."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if settings.AS_OWNER and not settings.TESTING and self.name not in settings.OWNERS_TASKS:
            raise PermissionError(f"The owner's worker does not do {self.name}.")
        # Celery keeps a connection for a thousand tasks, a broken one too: after a fall of the database a
        # worker would do nothing for a quarter of an hour.
        if not (self.request.called_directly or self.request.is_eager):
            close_old_connections()
        with standing(Desk.CLERK):
            return self.run(*args, **kwargs)


@shared_task
def clear_sessions() -> None:
    """Delete the sessions that have ended and to which nobody came back, with whatever was held in them."""
    sessions.clear_ended()


def warm_producer() -> None:
    """Open the broker connection before the first act needs it: cold, the first publish takes half a second.

    Called in each process after the fork. A broker that is down now is met later, and then fails at once.
    """
    try:
        with current_app.producer_or_acquire() as producer:
            producer.connection.ensure_connection(max_retries=1, interval_start=0, timeout=1)
            producer.maybe_declare(current_app.amqp.queues[current_app.conf.task_default_queue])
    except Exception as error:  # whatever the broker's client raises, the process goes on
        logger.warning("The broker cannot be reached yet: %s", error)


@worker_process_init.connect
def _after_fork(**_signal: Any) -> None:
    warm_producer()
