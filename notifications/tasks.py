"""The deliverer's tasks. Each may run at any time, twice, or side by side with itself."""

from __future__ import annotations

from typing import Final

from celery import shared_task

from notifications import delivery

# A call to the senders that nobody hears in time is dropped: the sweep calls again.
CALL_EXPIRES: Final = 30.0


@shared_task
def deliver() -> int:
    """Answer the bell: put what waits on the boards, and call the senders if anyone wants a letter."""
    delivered = delivery.deliver_all()
    if delivered:
        _call_senders()
    return delivered


@shared_task
def sweep() -> int:
    """Ring again: whatever a lost bell, a killed worker or a failed attempt left behind."""
    delivered = delivery.deliver_all()
    _call_senders()
    return delivered


@shared_task
def send_out() -> int:
    """Send the waiting e-mails and SMS."""
    return delivery.send_out()


def _call_senders() -> None:
    if delivery.letters_wait():
        send_out.apply_async(expires=CALL_EXPIRES)
