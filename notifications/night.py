"""Night: a reminder by SMS waits until morning; decisions and what concerns an account's security do not.

The clock is the real one, as for everything that this room times (attempts, leases, codes): whoever is woken
sleeps by it, also where a demonstration has shifted the clock of the rules.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from notifications.catalogue import KINDS
from notifications.models import Delivery

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
# From the first to the second, the next day (policy value).
BEGINS: Final = time(21)
ENDS: Final = time(8)


def first_chance(kind: str, channel: str, moment: datetime) -> datetime:
    """When what would go at this moment may go: the moment itself, or the end of the night."""
    if channel != Delivery.Channel.SMS or not KINDS[kind].waits_for_day:
        return moment
    there = moment.astimezone(SHANGHAI)
    if ENDS <= there.time() < BEGINS:
        return moment
    morning = there.date() + timedelta(days=there.time() >= BEGINS)
    return datetime.combine(morning, ENDS, SHANGHAI)
