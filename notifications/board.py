"""The reading side of the notice board.

Its version is one small key in the cache, so that a page asking again costs one read. The key only
saves work: it expires soon, and without a cache the version is counted in the database.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from typing import Any, Final

from django.core.cache import cache
from django.db.models import Count, Max, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from notifications.models import Notice
from tenants.models import User

logger = logging.getLogger(__name__)

ON_THE_BOARD: Final = 8
# How long a version may outlive a notice that was written while the cache was down.
VERSION_SECONDS: Final = 60


def notices_of(user: User) -> QuerySet[Notice]:
    """A user's notices, newest first."""
    return Notice.objects.filter(user=user)


def page_before(notices: QuerySet[Notice], before: int | None, size: int) -> list[Notice]:
    """One page of notices, newest first: those that follow the notice `before`, or the first ones."""
    last = notices.filter(pk=before).first() if before is not None else None
    if last is not None:
        notices = notices.filter(
            Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk)
        )
    return list(notices[:size])


def on_page(user: User) -> dict[str, Any]:
    """What `components/notice_board.html` needs to show a user's board and to go on asking."""
    etag = etag_of(user.pk)
    return {
        "notices": list(notices_of(user)[:ON_THE_BOARD]),
        "etag": etag,
        "poll_url": reverse("notice_board"),
        "all_url": reverse("notices"),
    }


def etag_of(user_id: int) -> str:
    """The board's version in the reader's language."""
    return f"{version_of(user_id)}-{get_language()}"


def unread_count(user: User) -> int:
    return notices_of(user).filter(read_at=None).count()


def mark_seen(user: User, notice_id: int | None = None) -> int:
    """Mark one of the user's notices as read, or all of them. Answers how many were unread."""
    unread = notices_of(user).filter(read_at=None)
    if notice_id is not None:
        unread = unread.filter(pk=notice_id)
    marked = unread.update(read_at=timezone.now())
    if marked:
        touch([user.pk])
    return marked


def version_of(user_id: int) -> str:
    """The version of the user's board: it changes when a notice arrives or is read.

    Read it before the notices: then what is shown is never older than its version.
    """
    key = _key(user_id)
    try:
        if version := cache.get(key):
            return str(version)
        counted = _count(user_id)
        # A notice may have arrived meanwhile: the deliverer's version stands.
        cache.add(key, counted, VERSION_SECONDS)
        return str(cache.get(key, counted))
    except Exception as error:  # the cache's client has many ways to say that it is down
        logger.warning("The board's version is counted in the database: %s", error)
        return _count(user_id)


def touch(user_ids: Iterable[int]) -> None:
    """Give boards a new version, after the commit that changed them. A cache that is down is no error."""
    versions = {_key(user_id): secrets.token_hex(6) for user_id in user_ids}
    if not versions:
        return
    try:
        cache.set_many(versions, VERSION_SECONDS)
    except Exception as error:
        logger.warning("The boards' versions expire by themselves: %s", error)


def _key(user_id: int) -> str:
    return f"board:{user_id}"


def _count(user_id: int) -> str:
    counted = Notice.objects.filter(user_id=user_id).aggregate(
        last=Max("id"), unread=Count("id", filter=Q(read_at=None))
    )
    return f"{counted['last'] or 0}-{counted['unread']}"
