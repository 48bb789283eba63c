"""Where sessions stand: the table is the truth, the cache saves a look at it with every request.

Named by the setting SESSION_ENGINE. Without the cache sessions are read from the table and nothing else
changes; a session ends where it is deleted, in both. Beside what it holds, its row says whose it is and at
which desk.
"""

from __future__ import annotations

import logging
from typing import Any, Final, cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import cached_db
from django.contrib.sessions.backends.base import UpdateError
from django.core.cache import BaseCache, caches
from django.db import OperationalError

from tenants.models import Session
from tenants.sessions import DESK_KEY

log = logging.getLogger(__name__)

# A session that was ended while the cache could not be reached stands there no longer than this.
REMEMBERED_SECONDS: Final = 120


class SessionStore(cached_db.SessionStore):
    """Sessions in the table, remembered in the cache for a short while."""

    cache_key_prefix = "session:"

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._cache: Patient = Patient(caches[settings.SESSION_CACHE_ALIAS])

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        row.account_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        row.desk = data.get(DESK_KEY, "")
        return row

    def save(self, must_create: bool = False) -> None:
        """Keep what the session holds. Raises OperationalError when the database went away meanwhile.

        Django takes that for a session that was ended elsewhere, and would blame the person who asked.
        """
        try:
            super().save(must_create)
        except UpdateError as ended:
            if isinstance(ended.__context__, OperationalError):
                raise ended.__context__ from None
            raise


class Patient:
    """A cache that may be down: then it knows nothing and keeps nothing, and that is no error."""

    def __init__(self, cache: BaseCache) -> None:
        self.cache = cache

    def get(self, key: str) -> Any:
        return self._ask("get", key)

    def set(self, key: str, value: Any, timeout: float | None) -> None:
        remembered = REMEMBERED_SECONDS if timeout is None else min(timeout, REMEMBERED_SECONDS)
        self._ask("set", key, value, remembered)

    def delete(self, key: str) -> None:
        self._ask("delete", key)

    def __contains__(self, key: str) -> bool:
        return bool(self._ask("has_key", key))

    def _ask(self, act: str, *given: Any) -> Any:
        try:
            return getattr(self.cache, act)(*given)
        except Exception as error:  # the cache's client has many ways to say that it is down
            log.warning("Sessions are read from their table: %s", type(error).__name__)
            return None
