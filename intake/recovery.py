"""忘了密码?: a link by e-mail for those who left an address, and the confirmation of that address.

Whoever asks gets the same answer in the same time, known or unknown: one letter is posted to whichever
account there is, and the link is made by the worker while it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from intake import signin
from notifications import outbox
from register import clock, documents
from register.models import Person
from tenants import attempts, credentials, crossing
from tenants.crypto import keyed_digest
from tenants.errors import Refusal
from tenants.models import User

LINK_KEY: Final = "password_link"
LINK_SALT: Final = "intake.recovery.link"
# At most one letter to an account in so many minutes, however often it is asked for.
LETTER_MINUTES: Final = 5

STALE: Final = _("链接已失效：链接只在有限时间内有效，且只能使用一次。请重新申请。")


# --- The password ----------------------------------------------------------------------------------


def ask_for_link(request: HttpRequest, *, document_type: str, number: str) -> None:
    """Send a link for a new password, if the account of this document left a verified e-mail address.

    Tells nothing of whether it did. Each request counts; raises `Refusal` after too many of them.
    """
    counted = attempts.named("recovery", documents.digest(document_type, number))
    attempts.check(request, counted)
    holder = signin.holder_of(document_type, number)
    with crossing.acting_as(holder), crossing.atomic():
        attempts.failed(request, counted)
        outbox.post_letter(
            users=_reachable(holder), kind="password_link", cause=_slot(), data={"person": str(holder)}
        )


def _reachable(holder: UUID) -> outbox.Accounts:
    opened = User.objects.filter(person=holder, kind=User.Kind.APPLICANT, is_active=True)
    unset = Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return opened.filter(email_verified=True).exclude(Q(email="") | unset)


def _slot() -> str:
    """The same word for some minutes: a second letter within them would be the same one."""
    return f"{int(clock.now().timestamp()) // (LETTER_MINUTES * 60)}"


def open_link(request: HttpRequest, *, person_id: UUID, proof: str) -> None:
    """Take the proof out of the address into the session, so that it stands in no history and no log twice.

    Raises `Refusal` when it opens nothing (any more). Nothing is used up yet: scanners open links too.
    """
    _prove(person_id, proof)
    request.session.cycle_key()
    request.session[LINK_KEY] = signing.dumps([str(person_id), proof], salt=LINK_SALT)


def link_of(request: HttpRequest) -> tuple[UUID, str]:
    """Person and proof of the link that was opened in this session. Raises `Refusal`."""
    try:
        person_id, proof = signing.loads(request.session.get(LINK_KEY, ""), salt=LINK_SALT)
    except signing.BadSignature as error:
        raise Refusal(STALE, code="stale") from error
    return UUID(person_id), proof


def account_of(person_id: UUID, proof: str) -> User:
    """The account for which this proof opens the page of a new password. Raises `Refusal`."""
    return _prove(person_id, proof)


def _prove(person_id: UUID, proof: str) -> User:
    with crossing.acting_as(person_id):
        user = User.objects.filter(person=person_id, kind=User.Kind.APPLICANT).first()
    if user is None or not credentials.proves_password(user, proof):
        raise Refusal(STALE, code="stale")
    return user


def renew_password(*, person_id: UUID, proof: str, password: str) -> None:
    """Set a new password by a proof that came by e-mail; it is used up, and all sessions of the account end.

    Raises `Refusal` when the proof is too old, used, or overtaken by another password or address.
    """
    with crossing.acting_as(person_id):
        with crossing.atomic():
            accounts = User.objects.select_for_update(of=("self",))
            user = accounts.filter(person=person_id, kind=User.Kind.APPLICANT).first()
            if user is None or not credentials.proves_password(user, proof):
                raise Refusal(STALE, code="stale")
            change_password(user=user, password=password)
        person = Person.objects.only("document_digest").get(pk=person_id)
    # Failures before the new password are no reason to wait any longer.
    attempts.forgive(person.document_digest)


def change_password(*, user: User, password: str) -> None:
    """Write another password and say so on the notice board; in the caller's transaction."""
    signin.write_password(user, password)
    now: datetime = clock.now()
    outbox.post(user_id=user.pk, kind="password_changed", cause=str(uuid4()), data={"at": now}, at=now)


# --- The address -----------------------------------------------------------------------------------


def send_verification(*, user: User) -> None:
    """Send the account's address a link that confirms it; at most one letter in some minutes.

    Raises `Refusal` when there is no address, or it is confirmed already.
    """
    if not user.email:
        raise Refusal(_("请先填写电子邮箱。"), code="no_email")
    if user.email_verified:
        raise Refusal(_("该电子邮箱已经确认。"), code="verified")
    # One letter per address and some minutes: whoever mends a typing error need not wait.
    cause = f"{_slot()}:{keyed_digest(user.email)[:24]}"
    with transaction.atomic(savepoint=False):
        outbox.post(user_id=user.pk, kind="email_link", cause=cause, data={"person": str(user.person.pk)})


def keep_address(*, user: User, address: str, more: Mapping[str, str] | None = None) -> bool:
    """Take the address typed in a form as the account's, until one is confirmed, and ask to confirm it.

    Whether it was new; `more` of the account is written with it then. A confirmed address is changed by its
    owner only, among the own data. In the caller's transaction.
    """
    if not address:
        return False
    unconfirmed = User.objects.filter(pk=user.pk, email_verified=False).exclude(email=address)
    if not unconfirmed.update(email=address, **(more or {})):
        return False
    user.email = address
    send_verification(user=user)
    return True


def address_to_confirm(*, person_id: UUID, proof: str) -> User:
    """The account whose present address this proof was sent to. Raises `Refusal`."""
    with crossing.acting_as(person_id):
        user = User.objects.filter(person=person_id, kind=User.Kind.APPLICANT, is_active=True).first()
    if user is None or not credentials.proves_email(user, proof):
        raise Refusal(_("确认链接已失效：链接过期，或者电子邮箱已经更换。请登录后重新发送。"), code="stale")
    return user


def confirm_address(*, person_id: UUID, proof: str) -> None:
    """Mark the present address as the account's own, if the proof was sent to it. Raises `Refusal`."""
    user = address_to_confirm(person_id=person_id, proof=proof)
    with crossing.acting_as(person_id):
        User.objects.filter(pk=user.pk, email=user.email).update(email_verified=True)
