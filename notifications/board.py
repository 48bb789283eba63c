"""The reading side of the notice board.

Its version is one small key in the cache, so that a page asking again costs one read. The key only
saves work: it expires soon, and without a cache the version is counted in the database.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self
from urllib.parse import urlencode

from django.core.cache import cache
from django.db.models import BooleanField, Count, ExpressionWrapper, Max, Q, QuerySet, Window
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from notifications.models import Notice
from tenants.models import User

logger = logging.getLogger(__name__)

ON_THE_BOARD: Final = 6
# How long a version may outlive a notice that was written while the cache was down.
VERSION_SECONDS: Final = 60

UNREAD: Final = Q(read_at__isnull=True)
UNREAD_FIRST: Final = ("seen", "-created_at", "-id")


# --- Which notices ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader wants to see: one category or all, everything or only what is unread."""

    category: str = ""
    unread: bool = False

    @classmethod
    def of(cls, query: QueryDict) -> Self:
        """As it stands in an address; an unknown category means all."""
        category = query.get("kind", "")
        return cls(category if category in Notice.Category else "", query.get("unread") == "1")

    def but(self, **parts: Any) -> Self:
        """This choice with some parts of it changed."""
        return replace(self, **parts)

    def address(self, **place: str) -> str:
        """The page of all notices with this choice; `place` says where in the list."""
        chosen = {"kind": self.category, "unread": "1" if self.unread else "", **place}
        query = urlencode({name: value for name, value in chosen.items() if value})
        return f"{reverse('notices')}?{query}" if query else reverse("notices")

    def among(self, notices: QuerySet[Notice]) -> QuerySet[Notice]:
        """The notices that are chosen."""
        if self.category:
            notices = notices.filter(category=self.category)
        return notices.filter(UNREAD) if self.unread else notices


@dataclass(frozen=True, slots=True)
class Place:
    """A notice's place in the list. It keeps whether that was unread: reading it does not move the page."""

    unread: bool
    pk: int

    @classmethod
    def of(cls, notice: Notice) -> Self:
        return cls(notice.read_at is None, notice.pk)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """As it stands in an address: `u17`, `r4`. None for anything else."""
        mark, key = text[:1], text[1:]
        if mark not in ("u", "r") or not (key.isascii() and key.isdecimal()) or len(key) > 18:
            return None
        return cls(mark == "u", int(key))

    def __str__(self) -> str:
        return f"{'u' if self.unread else 'r'}{self.pk}"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of notices, and from where the pages beside it are asked for; empty where there is none."""

    notices: list[Notice]
    before: str = ""
    after: str = ""


def notices_of(user: User) -> QuerySet[Notice]:
    """A user's notices: the unread ones first, then the newest."""
    seen = ExpressionWrapper(Q(read_at__isnull=False), output_field=BooleanField())
    return Notice.objects.filter(user=user).annotate(seen=seen).order_by(*UNREAD_FIRST)


def page_of(
    notices: QuerySet[Notice], size: int, *, after: Place | None = None, before: Place | None = None
) -> Page:
    """One page of notices: those that follow a place, those in front of one, or the first ones."""
    beside = after or before
    known = notices.filter(pk=beside.pk).first() if beside else None
    if beside is None or known is None:
        return _forward(notices, size, begun=False)
    older = Q(created_at__lt=known.created_at) | Q(created_at=known.created_at, pk__lt=known.pk)
    newer = Q(created_at__gt=known.created_at) | Q(created_at=known.created_at, pk__gt=known.pk)
    if after:
        rest = (UNREAD & older) | ~UNREAD if beside.unread else ~UNREAD & older
        return _forward(notices.filter(rest), size, begun=True)
    rest = UNREAD & newer if beside.unread else (~UNREAD & newer) | UNREAD
    return _backward(notices.filter(rest), size) or _forward(notices, size, begun=False)


def _forward(notices: QuerySet[Notice], size: int, *, begun: bool) -> Page:
    found = list(notices[: size + 1])
    shown = found[:size]
    return Page(
        shown,
        before=str(Place.of(shown[0])) if begun and shown else "",
        after=str(Place.of(shown[-1])) if len(found) > size else "",
    )


def _backward(notices: QuerySet[Notice], size: int) -> Page | None:
    found = list(notices.reverse()[: size + 1])
    shown = found[:size][::-1]
    if not shown:
        return None
    before = str(Place.of(shown[0])) if len(found) > size else ""
    return Page(shown, before=before, after=str(Place.of(shown[-1])))


@dataclass(frozen=True, slots=True)
class Amount:
    """How many notices there are of a category, and how many of them are unread."""

    all: int = 0
    unread: int = 0


def counts_of(user: User) -> Mapping[str, Amount]:
    """How many notices of each category, from one query; under the empty name all of them."""
    rows = Notice.objects.filter(user=user).order_by().values("category")
    found = {
        row["category"]: Amount(row["all"], row["unread"])
        for row in rows.annotate(all=Count("pk"), unread=Count("pk", filter=UNREAD))
    }
    total = Amount(sum(c.all for c in found.values()), sum(c.unread for c in found.values()))
    return {**dict.fromkeys(Notice.Category.values, Amount()), **found, "": total}


def unread_count(user: User) -> int:
    return Notice.objects.filter(user=user).filter(UNREAD).count()


# --- The board on a page ---------------------------------------------------------------------------


def on_page(user: User, *also: str) -> dict[str, Any]:
    """What `components/notice_board.html` needs to show a user's board and to go on asking: one query.

    `also` is what else the board shows: see `etag_of`.
    """
    etag = etag_of(user.pk, *also)
    count = Window(Count("pk", filter=UNREAD))
    notices = list(notices_of(user).annotate(unread_in_all=count)[:ON_THE_BOARD])
    return {
        "notices": notices,
        "unread": notices[0].unread_in_all if notices else 0,
        "etag": etag,
        "poll_url": reverse("notice_board"),
        "all_url": reverse("notices"),
        "board_page": reverse("home"),
    }


def etag_of(user_id: int, *also: str) -> str:
    """The board's version in the reader's language, joined with the version of what else stands on it."""
    return "-".join((version_of(user_id), get_language() or "", *also))


def mark_seen(user: User, notice_id: int | None = None, *, category: str = "") -> int:
    """Mark one of the user's notices as read, or all of them, or all of a category.

    Answers how many were unread.
    """
    unread = Notice.objects.filter(user=user).filter(UNREAD)
    if notice_id is not None:
        unread = unread.filter(pk=notice_id)
    if category:
        unread = unread.filter(category=category)
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
