"""The ways out of the house beside the board: e-mail, and SMS through an adapter of the operator's choice."""

from __future__ import annotations

import datetime as dt
import smtplib
from collections.abc import Collection
from typing import Final, TypeAlias

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone
from django.utils.module_loading import import_string

from notifications import links
from notifications.catalogue import KINDS, NoticeKind
from notifications.models import Delivery, Mute, Outbox
from notifications.sms import Refused, Sms
from notifications.wording import Wording, wording
from tenants.models import User

# What an account does not want: channel and category.
Muted: TypeAlias = Collection[tuple[str, str]]

FOR_GOOD: Final = range(500, 600)


def channels_for(user: User, kind: str, muted: Muted = ()) -> list[Delivery.Channel]:
    """Beside the board: e-mail where the address is verified, SMS for urgent kinds to a verified number.

    Preferences count for what is not statutory. A letter goes through its own channel or not at all.
    """
    return [
        channel
        for channel in KINDS[kind].channels
        if (channel != Delivery.Channel.SMS or settings.SMS_ADAPTER) and _open_to(user, kind, channel, muted)
    ]


def may_be_sent(delivery: Delivery) -> bool:
    """Whether it may still go out: the account may have changed, or its owner's mind, since it was told."""
    row = delivery.outbox
    kind = KINDS[row.kind]
    if kind.within and timezone.now() - delivery.created_at > dt.timedelta(minutes=kind.within):
        return False
    muted = () if kind.statutory else Mute.objects.filter(user=row.user).values_list("channel", "category")
    return _open_to(row.user, row.kind, delivery.channel, muted)


def send(delivery: Delivery) -> None:
    """Send what was posted through one channel, in the language of the account.

    Raises `Refused` where the provider will never take it, and whatever its client raises where it may later.
    """
    row = delivery.outbox
    title, body = _in_language_of(row.user, _text_of(row))
    if delivery.channel == Delivery.Channel.EMAIL:
        _mail(title, body, _address_for(row), f"<{key_of(delivery)}>")
    else:
        adapter: Sms = import_string(settings.SMS_ADAPTER)()
        adapter.send(number=row.user.phone, text=body, key=key_of(delivery))


def key_of(delivery: Delivery) -> str:
    """The same for every attempt: a repeat after a crash is the same letter, not a second one."""
    return f"notice-{delivery.pk}-{delivery.created_at:%Y%m%d%H%M%S}@{settings.BASE_HOST}"


def forget_address(row: Outbox) -> None:
    """Once a letter is sent, the address that was posted with it is kept no longer."""
    name = KINDS[row.kind].to
    if name in row.data:
        data = {key: value for key, value in row.data.items() if key != name}
        Outbox.objects.filter(pk=row.pk).update(data=data)


def _open_to(user: User, code: str, channel: str, muted: Muted) -> bool:
    kind = KINDS[code]
    if kind.is_letter:
        return links.may_be_sent(code, user)
    return _reachable(user, channel) and not _silenced(kind, channel, muted)


def _reachable(user: User, channel: str) -> bool:
    if channel == Delivery.Channel.EMAIL:
        return bool(user.email) and user.email_verified
    return bool(user.phone) and user.phone_verified


def _silenced(kind: NoticeKind, channel: str, muted: Muted) -> bool:
    return not kind.statutory and (channel, kind.category) in muted


def _mail(title: str, body: str, address: str, mark: str) -> None:
    headers = {"Message-ID": mark, "Auto-Submitted": "auto-generated"}
    try:
        EmailMessage(subject=title, body=body, to=[address], headers=headers).send()
    except smtplib.SMTPRecipientsRefused as error:
        if all(code in FOR_GOOD for code, _said in error.recipients.values()):
            raise Refused("The mail server knows no such address.") from error
        raise


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
