"""The ways out of the house beside the board: e-mail, and SMS through an adapter of the operator's choice."""

from __future__ import annotations

import logging
from typing import Protocol

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.module_loading import import_string

from notifications import links
from notifications.catalogue import KINDS, Wording, wording
from notifications.models import Delivery, Outbox
from tenants.models import User

logger = logging.getLogger(__name__)


class Sms(Protocol):
    """What an SMS provider's adapter offers. Named by `SMS_ADAPTER`; raises if the message was not taken."""

    def send(self, *, number: str, text: str) -> None: ...


class ConsoleSms:
    """Writes the message to the log, the number masked: for the demonstration and for tests."""

    def send(self, *, number: str, text: str) -> None:
        logger.info("SMS to %s****%s: %s", number[:3], number[-4:], text)


def channels_for(user: User, kind: str) -> list[Delivery.Channel]:
    """Beside the board: e-mail where the address is verified, SMS for urgent kinds to a verified number.

    A letter goes by e-mail or not at all.
    """
    if KINDS[kind].is_letter:
        return [Delivery.Channel.EMAIL] if links.may_be_sent(kind, user) else []
    channels = []
    if user.email and user.email_verified:
        channels.append(Delivery.Channel.EMAIL)
    if user.phone and user.phone_verified and KINDS[kind].urgent and settings.SMS_ADAPTER:
        channels.append(Delivery.Channel.SMS)
    return channels


def send(channel: str, row: Outbox) -> None:
    """Send what was posted through one channel, in the language of the account.

    A letter that may no longer go to the address the account has now is dropped. Raises whatever the
    provider's client raises.
    """
    user = row.user
    if KINDS[row.kind].is_letter and not links.may_be_sent(row.kind, user):
        return
    title, body = _in_language_of(user, _text_of(row))
    if channel == Delivery.Channel.EMAIL:
        EmailMessage(subject=title, body=body, to=[_address_for(row)]).send()
    else:
        adapter: Sms = import_string(settings.SMS_ADAPTER)()
        adapter.send(number=user.phone, text=body)


def forget_address(row: Outbox) -> None:
    """Once a letter is sent, the address that was posted with it is kept no longer."""
    name = KINDS[row.kind].to
    if name in row.data:
        data = {key: value for key, value in row.data.items() if key != name}
        Outbox.objects.filter(pk=row.pk).update(data=data)


def _address_for(row: Outbox) -> str:
    name = KINDS[row.kind].to
    return str(row.data[name]) if name else row.user.email


def _text_of(row: Outbox) -> Wording:
    """What stands on the board; the text of a letter is made now."""
    if KINDS[row.kind].is_letter:
        return wording(row.kind, {**row.data, **links.made_for(row.kind, row.user, row.data)})
    notice = row.notice
    return Wording(notice.title_zh, notice.body_zh, notice.title_en, notice.body_en)


def _in_language_of(user: User, text: Wording) -> tuple[str, str]:
    if user.language.startswith("en"):
        return text.title_en, text.body_en
    return text.title_zh, text.body_zh
