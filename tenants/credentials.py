"""Proofs that travel by e-mail: to set a new password, and to show that an address is one's own.

Nothing usable is stored: a proof is made while its letter is sent and checked against the account as it is
when the link is opened.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import signing
from django.utils.crypto import constant_time_compare

from tenants.crypto import keyed_digest
from tenants.models import User

EMAIL_SALT: Final = "tenants.credentials.email"
EMAIL_SECONDS: Final = 3 * 24 * 3600


class _PasswordProofs(PasswordResetTokenGenerator):
    key_salt = "tenants.credentials.password"


_password_proofs: Final = _PasswordProofs()


def password_proof(user: User) -> str:
    """A proof for this account, for `PASSWORD_RESET_TIMEOUT` seconds.

    It is bound to password, address and last sign-in: used once, or overtaken by any of them, it is void.
    """
    return _password_proofs.make_token(user)


def proves_password(user: User, proof: str) -> bool:
    """Whether this proof opens the account's password now."""
    return user.is_active and user.has_usable_password() and _password_proofs.check_token(user, proof)


def password_minutes() -> int:
    """How long a proof for the password holds."""
    return settings.PASSWORD_RESET_TIMEOUT // 60


def email_proof(user: User) -> str:
    """A proof that whoever holds it reads the address which the account has now; it names no address."""
    return signing.TimestampSigner(salt=EMAIL_SALT).sign(f"{user.pk}.{_mark(user)}").partition(".")[2]


def proves_email(user: User, proof: str) -> bool:
    """Whether this proof was sent to the account's present address, not too long ago."""
    try:
        told = signing.TimestampSigner(salt=EMAIL_SALT).unsign(f"{user.pk}.{proof}", max_age=EMAIL_SECONDS)
    except signing.BadSignature:
        return False
    return bool(user.email) and constant_time_compare(told, f"{user.pk}.{_mark(user)}")


def _mark(user: User) -> str:
    return keyed_digest(f"email:{user.email.casefold()}")[:32]
