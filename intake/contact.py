"""How an account is reached: one set of contact data for notices, recovery and new applications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from django.db import transaction

from intake import recovery
from notifications import outbox
from register import clock
from tenants.models import User

# The fields of the application form, and where the account keeps them.
FIELDS: Final[Mapping[str, str]] = {
    "mobile": "phone",
    "email": "email",
    "phone": "landline",
    "address": "address",
    "postcode": "postcode",
}


def contact_of(user: User) -> dict[str, str]:
    """The account's contact data by the names of the application form; blank ones are left out."""
    known = {name: str(getattr(user, field)) for name, field in FIELDS.items()}
    return {name: value for name, value in known.items() if value}


def change(*, user: User, contact: Mapping[str, str]) -> bool:
    """Write the account's contact data. Whether a letter went out to confirm the address.

    Another mobile number or address counts as not confirmed, and the notice board says that it was changed;
    an address that was confirmed and is replaced gets a letter of its own.
    """
    with transaction.atomic():
        account = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
        new_mobile = account.phone != contact["mobile"]
        new_address = account.email.casefold() != contact["email"].casefold()
        replaced = account.email if new_address and account.email_verified else ""
        for name, field in FIELDS.items():
            setattr(account, field, contact[name])
        account.phone_verified = account.phone_verified and not new_mobile
        account.email_verified = account.email_verified and not new_address
        account.save(update_fields=[*FIELDS.values(), "phone_verified", "email_verified"])
        if new_mobile or new_address:
            _tell(account, replaced)
        if not (new_address and account.email):
            return False
        recovery.send_verification(user=account)
    return True


def _tell(account: User, replaced: str) -> None:
    """Say on the board that something was changed, and to the replaced address that it was; not by which."""
    now, cause = clock.now(), str(uuid4())
    outbox.post(user_id=account.pk, kind="contact_changed", cause=cause, data={"at": now}, at=now)
    if replaced:
        outbox.post(
            user_id=account.pk,
            kind="address_replaced",
            cause=cause,
            data={"at": now, "address": replaced},
            at=now,
        )


def keep(*, user: User, typed: Mapping[str, Any]) -> None:
    """Take over what was typed in an application where the account knows nothing yet.

    What the account knows is changed by its owner only, among the own data; an address that nobody confirmed
    gives way to the one typed last, and is asked to be confirmed.
    """
    missing = {
        field: str(typed[name])
        for name, field in FIELDS.items()
        if name != "email" and typed.get(name) and not getattr(user, field)
    }
    address = str(typed.get("email") or "")
    wants_address = bool(address) and address != user.email and not user.email_verified
    if not (missing or wants_address):
        return
    with transaction.atomic(savepoint=False):
        kept = wants_address and recovery.keep_address(user=user, address=address, more=missing)
        if missing and not kept:
            User.objects.filter(pk=user.pk).update(**missing)
