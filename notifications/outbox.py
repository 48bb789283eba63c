"""How a notice is sent: one row in the transaction of the act, and one bell when it commits.

The row is the truth and Celery only the bell: if nobody hears it, a sweep rings again.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import override
from psycopg.types.json import Jsonb

from notifications import tasks
from notifications.catalogue import KINDS
from notifications.models import Outbox
from notifications.wording import day_in_words
from tenants.models import User

logger = logging.getLogger(__name__)

# One text in both languages: {"zh": …, "en": …}.
Both: TypeAlias = dict[str, str]
Plain: TypeAlias = str | int | dt.date | dt.datetime | Promise | Both
Value: TypeAlias = Plain | Sequence[Plain]
Accounts: TypeAlias = QuerySet[User]


@dataclass(frozen=True, slots=True)
class Message:
    """What one user must be told, and why: `cause` is the movement's id or the reminder's own key."""

    user_id: int
    kind: str
    cause: str
    data: Mapping[str, Value] = field(default_factory=dict)
    case_id: UUID | None = None
    # When it happened, as the board shows it; without it, now.
    at: dt.datetime | None = None


def post(
    *,
    user_id: int,
    kind: str,
    cause: str,
    data: Mapping[str, Value] | None = None,
    case_id: UUID | None = None,
    at: dt.datetime | None = None,
) -> None:
    """Tell a user something, once per kind and cause, if the caller's transaction commits.

    Raises ValueError when the kind is unknown or a value of its text is missing.
    """
    post_many([Message(user_id=user_id, kind=kind, cause=cause, data=data or {}, case_id=case_id, at=at)])


def post_many(messages: Iterable[Message]) -> None:
    """Tell several users at once; see `post`."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A notice is posted in the transaction of its act.")
    rows = [_row(message) for message in messages]
    if not rows:
        return
    Outbox.objects.bulk_create(rows, ignore_conflicts=True)
    ring_on_commit()


def post_letter(*, users: Accounts, kind: str, cause: str, data: Mapping[str, Value]) -> None:
    """Write to whichever of these users there are; `users` are an account or none.

    The same statement and the same bell in either case, so that neither the answer nor its time tells
    whether there is one. Raises ValueError as `post` does.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A letter is posted in the transaction of its act.")
    row = _row(Message(user_id=0, kind=kind, cause=cause, data=data))
    columns: dict[str, Any] = {
        "kind": row.kind,
        "cause": row.cause,
        "data": Jsonb(row.data),
        "created_at": row.created_at,
        "due_at": row.due_at,
        "attempts": row.attempts,
        "last_error": row.last_error,
    }
    who, among = users.order_by().values("pk").query.sql_with_params()
    names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Outbox._meta.db_table} (user_id, {names})"  # noqa: S608 - names of our own columns
            f" SELECT account.*, {marks} FROM ({who}) AS account ON CONFLICT DO NOTHING",
            [*columns.values(), *among],
        )
    ring_on_commit()


def ring_on_commit() -> None:
    """Ring the bell when the transaction commits: once, however many rows it holds."""
    if not any(waiting[1] is ring for waiting in connection.run_on_commit):
        transaction.on_commit(ring, robust=True)


def ring() -> None:
    """Wake the deliverer. A bell that cannot be rung is only logged: the sweep finds the rows."""
    try:
        tasks.deliver.delay()
    except Exception as error:  # whatever the broker's client raises, the act stands
        logger.warning("The bell did not ring: %s", error)


def both(zh: str, en: str) -> Both:
    """A value that reads differently in each language; a missing English text falls back to Chinese."""
    return {"zh": zh, "en": en or zh}


def in_both(label: str | Promise) -> Both:
    """A translatable label, in both languages."""
    with override("zh-hans"):
        zh = str(label)
    with override("en"):
        en = str(label)
    return both(zh, en)


def day(on: dt.date, *, provisional: bool = False) -> Both:
    """A date in words, marked provisional while the calendar of its year is not announced."""
    mark_zh, mark_en = ("（暂定）", " (provisional)") if provisional else ("", "")
    return both(day_in_words(on, "zh") + mark_zh, day_in_words(on, "en") + mark_en)


def _row(message: Message) -> Outbox:
    kind = KINDS.get(message.kind)
    if kind is None:
        raise ValueError(f"There is no notice {message.kind!r}.")
    missing = [name for name in kind.posted if message.data.get(name) is None]
    if missing:
        raise ValueError(f"The notice {message.kind!r} lacks {', '.join(missing)}.")
    return Outbox(
        user_id=message.user_id,
        kind=message.kind,
        cause=message.cause,
        data={name: _storable(message.data[name]) for name in message.data},
        case_id=message.case_id,
        created_at=message.at or timezone.now(),
    )


def _storable(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Promise):
        return in_both(value)
    if isinstance(value, list | tuple):
        return [_storable(one) for one in value]
    return value
