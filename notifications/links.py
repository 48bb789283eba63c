"""What a letter carries beside its posted values: links that open something, made while it is sent.

Nowhere does a usable link stand: the outbox keeps only for whom one is to be made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.conf import settings
from django.urls import reverse

from notifications.catalogue import KINDS
from tenants import credentials
from tenants.models import Agency, User


def made_for(kind: str, user: User, data: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a kind of letter makes for this account as it is now. Raises KeyError for no letter."""
    return MADE[kind](user, data) if KINDS[kind].made else {}


def may_be_sent(kind: str, user: User) -> bool:
    """Whether this letter may go out: to the account's address, a proof for the password only if verified.

    One that brings its own address may always; a code goes to a number that waits to be confirmed.
    """
    if KINDS[kind].to:
        return True
    if kind == "phone_code":
        return bool(user.phone) and not user.phone_verified
    return bool(user.email) and (user.email_verified or kind not in TO_VERIFIED_ONLY)


def _password_link(user: User, data: Mapping[str, Any]) -> dict[str, Any]:
    proof = credentials.password_proof(user)
    return {"link": _page("password_link", data["person"], proof), "minutes": credentials.password_minutes()}


def _email_link(user: User, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"link": _page("email_confirm", data["person"], credentials.email_proof(user))}


def _phone_code(user: User, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": credentials.phone_code(user), "minutes": credentials.PHONE_MINUTES}


def _staff_invitation(user: User, data: Mapping[str, Any]) -> dict[str, Any]:
    agency = Agency.objects.get(code=data["desk"])
    return {
        "agency": {"zh": agency.name_zh, "en": agency.name_en or agency.name_zh},
        "username": user.username,
        "link": _desk_page(agency, "invitation", user.pk, credentials.invitation_proof(user)),
        "days": credentials.INVITATION_DAYS,
    }


def _desk_page(agency: Agency, name: str, *words: str | int) -> str:
    """The address of a page of a staff desk, for a reader who is anywhere."""
    desk, host = ("authority", settings.AUTHORITY_HOST)
    if not agency.is_authority:
        desk, host = ("agency", f"{agency.code}.{settings.BASE_HOST}")
    path = reverse(name, urlconf=settings.URLCONF_OF_DESK[desk], args=words)
    port = f":{settings.SITE_PORT}" if settings.SITE_PORT else ""
    return f"{settings.SITE_SCHEME}://{host}{port}{path}"


def _page(name: str, *words: str) -> str:
    """The address of a page of the applicant's desk, for a reader who is anywhere."""
    path = reverse(name, urlconf=settings.URLCONF_OF_DESK["applicant"], args=words)
    port = f":{settings.SITE_PORT}" if settings.SITE_PORT else ""
    return f"{settings.SITE_SCHEME}://{settings.APPLICANT_HOSTS[0]}{port}{path}"


MADE: Final[Mapping[str, Callable[[User, Mapping[str, Any]], dict[str, Any]]]] = {
    "password_link": _password_link,
    "email_link": _email_link,
    "phone_code": _phone_code,
    "staff_invitation": _staff_invitation,
}
TO_VERIFIED_ONLY: Final = frozenset({"password_link"})
