"""Proofs that travel by e-mail or SMS: to set a new password, to show that an address or a number is one's
own, to join a desk.

Nothing usable is stored: a proof is made while its letter is sent and checked against the account as it is
when the link is opened.
"""

from __future__ import annotations

import secrets
from typing import Final

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import signing
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from tenants.crypto import keyed_digest
from tenants.models import User

EMAIL_SALT: Final = "tenants.credentials.email"
EMAIL_SECONDS: Final = 3 * 24 * 3600
INVITATION_SALT: Final = "tenants.credentials.invitation"
INVITATION_DAYS: Final = 7


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


def invitation_proof(user: User) -> str:
    """A proof with which a staff member sets the first password, for `INVITATION_DAYS` days.

    It is bound to there being no password: used once, or overtaken by another invitation, it is void.
    """
    told = f"{user.pk}.{_no_password(user)}"
    return signing.TimestampSigner(salt=INVITATION_SALT).sign(told).partition(".")[2]


def accepts_invitation(user: User, proof: str) -> bool:
    """Whether this proof opens the account now: it waits for its first password, and the proof is its own."""
    try:
        told = signing.TimestampSigner(salt=INVITATION_SALT).unsign(
            f"{user.pk}.{proof}", max_age=INVITATION_DAYS * 24 * 3600
        )
    except signing.BadSignature:
        return False
    waits = user.is_staff_member and user.is_active and not user.has_usable_password()
    return waits and constant_time_compare(told, f"{user.pk}.{_no_password(user)}")


def _no_password(user: User) -> str:
    return keyed_digest(f"invitation:{user.password}")[:32]


def _mark(user: User) -> str:
    return keyed_digest(f"email:{user.email.casefold()}")[:32]


# --- Codes by SMS (短信验证码) --------------------------------------------------------------------------

PHONE_MINUTES: Final = 10
PHONE_DIGITS: Final = 6
# A code names the slice of time in which it was made; it counts for ten minutes more.
PHONE_SLICE_SECONDS: Final = 60


def phone_code(user: User) -> str:
    """Six digits with which whoever reads the account's number shows so, for ten minutes.

    Made of account, number and time: it is void once the number changes, and no other account's.
    """
    return _phone_code(user, _phone_slice())


def check_phone_code(user: User, typed: str) -> bool:
    """Whether this was sent to the account's present number in the last ten minutes."""
    given = "".join(letter for letter in typed if letter.isdecimal())
    if not user.phone or not given.isascii():
        return False
    now = _phone_slice()
    slices = range(now - PHONE_MINUTES * 60 // PHONE_SLICE_SECONDS, now + 1)
    # Every slice is compared, so that the time taken tells nothing.
    return sum(constant_time_compare(given, _phone_code(user, each)) for each in slices) > 0


def _phone_slice() -> int:
    return int(timezone.now().timestamp()) // PHONE_SLICE_SECONDS


def _phone_code(user: User, time_slice: int) -> str:
    told = keyed_digest(f"phone:{user.pk}:{user.phone}:{time_slice}")
    return f"{int(told, 16) % 10**PHONE_DIGITS:0{PHONE_DIGITS}d}"


# --- One-time codes of the counter (柜台重置码) --------------------------------------------------------

# Without 0 O, 1 I L, 2 Z, 5 S, 6 G, 8 B, U V: they are read from paper and typed.
COUNTER_LETTERS: Final = "ACDEFHJKMNPQRTWXY3479"
COUNTER_LENGTH: Final = 8
COUNTER_MINUTES: Final = 30
COUNTER_ATTEMPTS: Final = 5


def counter_code() -> str:
    """A new one-time code."""
    return "".join(secrets.choice(COUNTER_LETTERS) for _letter in range(COUNTER_LENGTH))


def counter_code_shown(code: str) -> str:
    """A code as it is written down: two groups."""
    return f"{code[:4]}-{code[4:]}"


def counter_hash(code: str) -> str:
    """What is kept of a code."""
    return make_password(_plain_code(code))


def is_counter_code(typed: str, kept: str) -> bool:
    """Whether what was typed is the code; where there is none (`kept` empty) it takes as long to say no."""
    if not kept:
        make_password(_plain_code(typed))
        return False
    return check_password(_plain_code(typed), kept)


def _plain_code(typed: str) -> str:
    return "".join(letter for letter in typed.upper() if letter.isalnum())
