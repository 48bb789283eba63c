"""Who has a case open at this moment (某某正在查看): a courtesy among colleagues, never a lock.

It stands in the cache only, under the agency's schema, and fades by itself. Without a cache nobody is seen
and nothing else changes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.core.cache import cache
from django.utils.translation import gettext as _

from tenants import crossing
from tenants.models import User

logger = logging.getLogger(__name__)

# A page says every 20 seconds that it is still open; two misses, and it is not.
SECONDS: Final = 45
# Account → name and until when (seconds of the epoch).
Lookers = dict[int, tuple[str, float]]


def look(case_id: UUID, user: User) -> list[str]:
    """Note that somebody has this case open, and tell the names of the others who have."""
    key, now = _key(case_id), time.time()
    try:
        lookers: Lookers = _still(cache.get(key), now)
        cache.set(key, {**lookers, user.pk: (user.display_name, now + SECONDS)}, SECONDS)
    except Exception as error:  # the cache's client has many ways to say that it is down
        logger.warning("Nobody is seen at a case: %s", type(error).__name__)
        return []
    return _others(lookers, user.pk)


def seen_many(case_ids: Iterable[UUID], *, but: int) -> Mapping[UUID, list[str]]:
    """Who else than the account `but` has which of these cases open; one look into the cache for all."""
    keys = {_key(case_id): case_id for case_id in case_ids}
    if not keys:
        return {}
    try:
        found = cache.get_many(keys)
    except Exception as error:
        logger.warning("Nobody is seen at a case: %s", type(error).__name__)
        return {}
    now = time.time()
    seen = {keys[key]: _others(_still(lookers, now), but) for key, lookers in found.items()}
    return {case_id: others for case_id, others in seen.items() if others}


def names(lookers: Iterable[str]) -> str:
    """One sentence about who is looking; nothing about nobody."""
    told = "、".join(lookers)
    return _("{names}正在查看").format(names=told) if told else ""


def _others(lookers: Lookers, user_id: int) -> list[str]:
    return sorted(name for account, (name, _until) in lookers.items() if account != user_id)


def _still(lookers: Any, now: float) -> Lookers:
    return {account: mark for account, mark in (lookers or {}).items() if mark[1] > now}


def _key(case_id: UUID) -> str:
    return f"presence:{crossing.here().schema}:{case_id}"
