"""The confirmed mobile number: a code is sent to it by SMS, and whoever types it has shown to hold it.

The code is made while its message is sent (`tenants.credentials`); nothing of it is kept.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications import outbox
from tenants import attempts, credentials
from tenants.crypto import keyed_digest
from tenants.errors import Refusal
from tenants.models import User

# At most one message to a number in so many seconds, however often it is asked for.
PAUSE_SECONDS: Final = 60


def is_offered() -> bool:
    """Whether this installation sends SMS at all: without a provider's adapter it does not."""
    return bool(settings.SMS_ADAPTER)


def send_code(request: HttpRequest, *, user: User) -> None:
    """Send the account's number a code that confirms it.

    Each request counts. Raises `Refusal` where no SMS is sent, for a number that is missing or confirmed
    already, and after too many requests.
    """
    _check(user)
    counted = attempts.named("phone-code", str(user.pk))
    attempts.check(request, counted)
    slot = int(timezone.now().timestamp()) // PAUSE_SECONDS
    cause = f"{slot}:{keyed_digest(user.phone)[:24]}"
    with transaction.atomic():
        attempts.failed(request, counted)
        outbox.post(user_id=user.pk, kind="phone_code", cause=cause, data=_for(user))


def confirm(request: HttpRequest, *, user: User, code: str) -> None:
    """Mark the account's number as confirmed, if this is a present code of it.

    Raises `Refusal` for another code, which counts, and for a number that changed meanwhile.
    """
    _check(user)
    counted = attempts.named("phone-confirm", str(user.pk))
    attempts.check(request, counted)
    if not credentials.check_phone_code(user, code):
        attempts.failed(request, counted)
        raise Refusal(_("验证码不正确或者已经过期。请核对短信，或者重新获取验证码。"), "code")
    if not User.objects.filter(pk=user.pk, phone=user.phone).update(phone_verified=True):
        raise Refusal(_("手机号码刚刚更换，请重新获取验证码。"), "changed")
    attempts.forgive(counted)
    attempts.forgive(attempts.named("phone-code", str(user.pk)))


def change_number(*, user: User, number: str) -> bool:
    """Write another number of the own account; it is not confirmed yet. Whether it was another one."""
    with transaction.atomic():
        account = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
        if account.phone == number:
            return False
        account.phone, account.phone_verified = number, False
        account.save(update_fields=["phone", "phone_verified"])
        now = timezone.now()
        outbox.post(user_id=user.pk, kind="contact_changed", cause=str(uuid4()), data={"at": now}, at=now)
    user.phone, user.phone_verified = number, False
    return True


def _check(user: User) -> None:
    if not is_offered():
        raise Refusal(_("本系统没有开通短信服务。"), "no_sms")
    if not user.phone:
        raise Refusal(_("请先填写手机号码。"), "no_phone")
    if user.phone_verified:
        raise Refusal(_("该手机号码已经验证。"), "verified")


def _for(user: User) -> dict[str, Any]:
    """Behind the walls an applicant's account is found by its person only."""
    return {"person": str(user.person.pk)} if user.is_applicant else {}
