"""The second factor of staff: an authenticator app, and recovery codes for when it is lost (GB/T 22239).

Every change of it renews the mark on the account. A session carries the mark it began with, so it is void
from then on, and the guards need no look at the devices.
"""

from __future__ import annotations

import os
import unicodedata
from base64 import b32encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare, get_random_string
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken

from tenants.crypto import keyed_digest
from tenants.errors import Refusal
from tenants.models import Authenticator, SettingChange, User

MARK_KEY: Final = "second_factor"
MARK_LENGTH: Final = 32
KEY_LENGTH: Final = 20
APP_NAME: Final = "authenticator"
CODES_NAME: Final = "recovery"
CODES: Final = 10
CODE_BYTES: Final = 7
CODE_LENGTH: Final = 10
DIGEST_LENGTH: Final = 16
# How long a key that was shown waits for its first code; later another one is shown.
ENROLMENT: Final = timedelta(hours=1)
WRONG_CODE: Final = _("验证码不正确或者已经用过。请等待下一个验证码，核对后重新填写。")


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody has of a second factor: since when, and how many recovery codes are left."""

    since: datetime | None
    used_at: datetime | None
    codes_left: int


def is_set_up(user: User) -> bool:
    """Whether this account has a second factor; nothing is asked of the database."""
    return bool(user.second_factor_mark)


def standing_of(user: User) -> Standing:
    """The second factor of an account, for its owner and for the manager."""
    app = Authenticator.objects.filter(user=user, confirmed=True).first()
    left = StaticToken.objects.filter(device__user=user).count()
    return Standing(app.created_at if app else None, app.last_used_at if app else None, left)


# --- Setting up --------------------------------------------------------------------------------------


def enrol(user: User) -> Authenticator:
    """A new key for this account, which counts once its first code is given (`confirm`).

    Who comes back to the page within the hour is shown the same key again.
    """
    with _locked(user):
        waiting = Authenticator.objects.filter(user=user, confirmed=False)
        waiting.filter(created_at__lt=timezone.now() - ENROLMENT).delete()
        app: Authenticator | None = waiting.first()
        if app is None:
            key = Authenticator.sealed(os.urandom(KEY_LENGTH))
            app = Authenticator.objects.create(user=user, name=APP_NAME, confirmed=False, key=key)
        return app


def confirm(user: User, code: str) -> list[str]:
    """The first code of the new key: from now on it is the second factor, and the one before is void.

    Answers new recovery codes, to be shown once. All sessions of the account end. Raises `Refusal`.
    """
    codes = []
    with _locked(user):
        app = Authenticator.objects.filter(user=user, confirmed=False).first()
        if app is not None and app.verify_token(plain(code)):
            Authenticator.objects.filter(user=user).exclude(pk=app.pk).delete()
            Authenticator.objects.filter(pk=app.pk).update(confirmed=True)
            renew_mark(user)
            codes = _written_codes(user)
    if not codes:
        # What a failure leaves behind shall stay: raised outside of the transaction.
        raise Refusal(WRONG_CODE, "code")
    return codes


def fits(user: User, code: str) -> bool:
    """Whether `confirm` would take this code; nothing is used up by asking."""
    app = Authenticator.objects.filter(user=user, confirmed=False).first()
    return app is not None and app.shows(plain(code))


def new_codes(user: User) -> list[str]:
    """New recovery codes, to be shown once; the ones before are void."""
    with _locked(user):
        return _written_codes(user)


def install(user: User, *, key: bytes) -> None:
    """Give an account a second factor with a known key: demonstrations and tests only. Raises `Refusal`."""
    if not (settings.DEMO or settings.TESTING):
        raise Refusal(_("只有演示系统可以使用公开的密钥。"), "not_demo")
    Authenticator.objects.create(user=user, name=APP_NAME, confirmed=True, key=Authenticator.sealed(key))
    renew_mark(user)


def secret_of(app: Authenticator) -> str:
    """The key as one types it into an app: groups of four letters."""
    letters = b32encode(app.bin_key).decode()
    return " ".join(letters[at : at + 4] for at in range(0, len(letters), 4))


# --- Giving a code -----------------------------------------------------------------------------------


def verify(user: User, code: str) -> bool:
    """Whether this is the present code of the account's app, or a recovery code that is left.

    A code counts once. After a wrong one every further try has to wait twice as long.
    """
    given = plain(code)
    by_app = len(given) == Authenticator._meta.get_field("digits").default and given.isdigit()
    with transaction.atomic():
        return _by_app(user, given) if by_app else _by_recovery(user, given)


def _by_app(user: User, code: str) -> bool:
    app = Authenticator.objects.select_for_update().filter(user=user, confirmed=True).first()
    return app is not None and bool(app.verify_token(code))


def _by_recovery(user: User, code: str) -> bool:
    book = StaticDevice.objects.select_for_update().filter(user=user).first()
    return book is not None and bool(book.verify_token(_digest(user, code)))


def plain(code: str) -> str:
    """A code as typed, without blanks and dashes, wide letters made narrow."""
    narrow = unicodedata.normalize("NFKC", code).lower()
    return "".join(letter for letter in narrow if letter.isascii() and letter.isalnum())


# --- The session's mark ------------------------------------------------------------------------------


def let_in(request: HttpRequest, user: User) -> None:
    """Let the session carry that both factors were given, for this account and its present device."""
    request.session[MARK_KEY] = [user.pk, user.second_factor_mark]


def is_in(request: HttpRequest) -> bool:
    """Whether whoever is signed in has given both factors; nothing is asked of the database."""
    user: User | AnonymousUser | None = getattr(request, "user", None)
    return isinstance(user, User) and opens(request.session, user)


def opens(session: SessionBase | Mapping[str, Any], user: User) -> bool:
    """Whether what a session holds says that both factors were given, for this account and its device."""
    if not user.second_factor_mark:
        return False
    account, mark = session.get(MARK_KEY) or (None, "")
    return account == user.pk and constant_time_compare(mark, user.second_factor_mark)


def renew_mark(user: User) -> None:
    """End all sessions of the account."""
    user.second_factor_mark = get_random_string(MARK_LENGTH)
    User.objects.filter(pk=user.pk).update(second_factor_mark=user.second_factor_mark)


# --- Lost ---------------------------------------------------------------------------------------------


def reset(user: User, by: User) -> None:
    """Take the second factor of somebody away who has lost device and recovery codes; it is recorded.

    All sessions of the account end; at the next sign-in a new one is set up. Nobody does it for themselves,
    and only accounts that an agency keeps have a manager who may. Raises `Refusal`.
    """
    if user.pk == by.pk:
        raise Refusal(_("不能重置自己的第二因素，请由其他管理员办理。"), "own")
    if user.home_id is None or not user.is_staff_member:
        raise Refusal(_("该账号不属于任何机构，不能重置。"), "no_home")
    with _locked(user):
        Authenticator.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        user.second_factor_mark = ""
        User.objects.filter(pk=user.pk).update(second_factor_mark="")
        SettingChange.objects.create(
            agency_id=user.home_id,
            user=by,
            field="second_factor",
            before=user.username,
            after="",
            at=timezone.now(),
        )


@contextmanager
def _locked(user: User) -> Iterator[None]:
    """One change of an account's second factor after the other."""
    with transaction.atomic():
        User.objects.select_for_update(of=("self",)).only("pk").get(pk=user.pk)
        yield


def _written_codes(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    book = StaticDevice.objects.create(user=user, name=CODES_NAME, confirmed=True)
    codes = [_random_code() for _n in range(CODES)]
    # Only digests are kept: they open nothing without the key of the house.
    StaticToken.objects.bulk_create(
        StaticToken(device=book, token=_digest(user, plain(code))) for code in codes
    )
    return codes


def _random_code() -> str:
    letters = b32encode(os.urandom(CODE_BYTES)).decode().lower()[:CODE_LENGTH]
    return f"{letters[: CODE_LENGTH // 2]}-{letters[CODE_LENGTH // 2 :]}"


def _digest(user: User, code: str) -> str:
    return keyed_digest(f"recovery:{user.pk}:{code}")[:DIGEST_LENGTH]
