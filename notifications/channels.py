"""The ways out of the house beside the board: e-mail, and SMS through an adapter of the operator's choice."""

from __future__ import annotations

import logging
from typing import Protocol

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.module_loading import import_string

from notifications.catalogue import KINDS
from notifications.models import Delivery, Notice
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
    """Beside the board: e-mail where the address is verified, SMS for urgent kinds to a verified number."""
    channels = []
    if user.email and user.email_verified:
        channels.append(Delivery.Channel.EMAIL)
    if user.phone and user.phone_verified and KINDS[kind].urgent and settings.SMS_ADAPTER:
        channels.append(Delivery.Channel.SMS)
    return channels


def send(channel: str, *, user: User, notice: Notice) -> None:
    """Send one notice through one channel. Raises whatever the provider's client raises."""
    if channel == Delivery.Channel.EMAIL:
        _send_email(user, notice)
    else:
        adapter: Sms = import_string(settings.SMS_ADAPTER)()
        adapter.send(number=user.phone, text=_in_language_of(user, notice)[1])


def _send_email(user: User, notice: Notice) -> None:
    title, body = _in_language_of(user, notice)
    EmailMessage(subject=title, body=body, to=[user.email]).send()


def _in_language_of(user: User, notice: Notice) -> tuple[str, str]:
    if user.language.startswith("en"):
        return notice.title_en, notice.body_en
    return notice.title_zh, notice.body_zh
