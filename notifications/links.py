"""What a letter carries beside its posted values: links that open something, made while it is sent.

Nowhere does a usable link stand: the outbox keeps only for whom one is to be made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.conf import settings
from django.urls import reverse

from tenants import credentials
from tenants.models import User


def made_for(kind: str, user: User, data: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a kind of letter makes for this account as it is now. Raises KeyError for no letter."""
    return MADE[kind](user, data)


def may_be_sent(kind: str, user: User) -> bool:
    """Whether this letter may go to the account's address; a proof for the password only if verified."""
    return bool(user.email) and (user.email_verified or kind not in TO_VERIFIED_ONLY)


def _password_link(user: User, data: Mapping[str, Any]) -> dict[str, Any]:
    proof = credentials.password_proof(user)
    return {"link": _page("password_link", data["person"], proof), "minutes": credentials.password_minutes()}


def _email_link(user: User, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"link": _page("email_confirm", data["person"], credentials.email_proof(user))}


def _page(name: str, *words: str) -> str:
    """The address of a page of the applicant's desk, for a reader who is anywhere."""
    path = reverse(name, urlconf=settings.URLCONF_OF_DESK["applicant"], args=words)
    port = f":{settings.SITE_PORT}" if settings.SITE_PORT else ""
    return f"{settings.SITE_SCHEME}://{settings.APPLICANT_HOSTS[0]}{port}{path}"


MADE: Final[Mapping[str, Callable[[User, Mapping[str, Any]], dict[str, Any]]]] = {
    "password_link": _password_link,
    "email_link": _email_link,
}
TO_VERIFIED_ONLY: Final = frozenset({"password_link"})
