"""登录设备: where an account is signed in, for its owner to see and to end (ASVS 7.5.2, GB/T 22239 8.1.4.1).

Of a session only words are kept: browser family, system, and the first parts of the network address. A page
names a session by a digest, never by its key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, ip_address
from typing import Any, Final

from axes.helpers import get_client_ip_address
from django.contrib.auth import HASH_SESSION_KEY
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from tenants import browsers, second_factor, sessions
from tenants.crypto import keyed_digest
from tenants.errors import Refusal
from tenants.models import Session, User
from tenants.session_store import SessionStore

PLACE_KEY: Final = "place"
MARK_LENGTH: Final = 32
GONE: Final = _("这个登录已经结束。")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One session of an account as its owner sees it."""

    mark: str
    here: bool
    # Begun at another desk, where the account has a role as well.
    elsewhere: bool
    since: datetime
    seen: datetime
    browser: str
    address: str


def begin(request: HttpRequest) -> None:
    """Bind a session in which somebody has just signed in, and keep since when, with what and whence."""
    sessions.bind(request)
    browser, system = browsers.names_of(request.META.get("HTTP_USER_AGENT", ""))
    request.session[PLACE_KEY] = {
        "since": request.session[sessions.SEEN_KEY],
        "browser": browser,
        "system": system,
        "address": masked(get_client_ip_address(request) or ""),
    }


def of(request: HttpRequest, user: User) -> list[SignedIn]:
    """Where this account is signed in now: this session first, then the one used last."""
    found = [_shown(row, held, request) for row, held in _live(user)]
    return sorted(found, key=lambda one: (one.here, one.seen), reverse=True)


def end(request: HttpRequest, user: User, mark: str) -> None:
    """End another session of this account, at once. Raises `Refusal` if it has none of this mark.

    A mark of somebody else's session is as unknown as one that never was.
    """
    for row, _held in _live(user):
        if row.session_key != request.session.session_key and constant_time_compare(_mark(row), mark):
            SessionStore().delete(row.session_key)
            return
    raise Refusal(GONE, code="gone")


def end_others(request: HttpRequest, user: User) -> None:
    """End all sessions of this account but this one, at every desk."""
    if user.is_staff_member:
        second_factor.renew_mark(user)
        second_factor.let_in(request, user)
    for row in Session.objects.filter(account=user).exclude(pk=request.session.session_key).only("pk"):
        SessionStore().delete(row.pk)


def masked(address: str) -> str:
    """The first half of an IPv4 address, the first two groups of an IPv6 one: a network, nobody in it."""
    try:
        known = ip_address(address)
    except ValueError:
        return ""
    if isinstance(known, IPv4Address):
        return ".".join([*str(known).split(".")[:2], "*", "*"])
    if known.ipv4_mapped:
        return masked(str(known.ipv4_mapped))
    return ":".join([*known.exploded.split(":")[:2], "*"])


def _live(user: User) -> Iterator[tuple[Session, Mapping[str, Any]]]:
    """The sessions that would still open a page: in time, and begun with the present password and factor."""
    password = user.get_session_auth_hash()
    for row in Session.objects.filter(account=user, expire_date__gt=timezone.now()):
        held: dict[str, Any] = row.get_decoded()
        if not sessions.left_since(held.get(sessions.SEEN_KEY, 0)):
            continue
        if not constant_time_compare(held.get(HASH_SESSION_KEY, ""), password):
            continue
        if user.is_staff_member and not second_factor.opens(held, user):
            continue
        yield row, held


def _shown(row: Session, held: Mapping[str, Any], request: HttpRequest) -> SignedIn:
    place: Mapping[str, Any] = held.get(PLACE_KEY) or {}
    seen: int = held.get(sessions.SEEN_KEY, 0)
    return SignedIn(
        mark=_mark(row),
        here=row.session_key == request.session.session_key,
        elsewhere=row.desk != sessions.desk_key(request),
        since=_moment(place.get("since", seen)),
        seen=_moment(seen),
        browser=browsers.in_words(place.get("browser", ""), place.get("system", "")),
        address=place.get("address", ""),
    )


def _mark(row: Session) -> str:
    return keyed_digest(f"session {row.session_key}")[:MARK_LENGTH]


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
