"""The deliverer's tasks. Each may run at any time, twice, or side by side with itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from celery import shared_task

from notifications import delivery, pulse, sending
from notifications.models import Delivery

# A call to the senders that nobody hears in time is dropped: the sweep calls again.
CALL_EXPIRES: Final = 30.0
# Each channel has a queue and senders of its own, so that a slow one delays neither the boards nor the other.
QUEUES: Final[Mapping[str, str]] = {Delivery.Channel.EMAIL: "mail", Delivery.Channel.SMS: "sms"}


@shared_task
def deliver() -> int:
    """Answer the bell: put what waits on the boards, and call the senders if anyone wants a letter."""
    wishes = delivery.carry_out_wishes()
    delivered = delivery.deliver_all()
    if delivered or wishes:
        _call_senders()
    return delivered


@shared_task
def sweep() -> int:
    """Ring again: whatever a lost bell, a killed worker or a failed attempt left behind."""
    pulse.beat()
    delivery.carry_out_wishes()
    delivered = delivery.deliver_all()
    _call_senders()
    return delivered


@shared_task
def send_out(channel: str) -> int:
    """Send what waits for one channel, a round at a time."""
    sent = sending.send_out(channel)
    if sent and sending.waits(channel):
        _call(channel)
    return sent


def _call_senders() -> None:
    for channel in sending.waiting():
        _call(channel)


def _call(channel: str) -> None:
    send_out.apply_async(args=(channel,), queue=QUEUES[channel], expires=CALL_EXPIRES)
