"""What a process remembers: for some seconds, and never longer than the day for which it was read."""

from __future__ import annotations

from datetime import date

from register.memory import Remembered


def test_it_is_read_once_until_it_is_forgotten_or_the_day_is_over() -> None:
    days = [date(2026, 11, 23)]
    read = list[date]()

    def load() -> int:
        read.append(days[-1])
        return len(read)

    remembered = Remembered(load, seconds=3600, day=lambda: days[-1])
    assert (remembered(), remembered()) == (1, 1)
    remembered.forget()
    assert (remembered(), remembered()) == (2, 2)
    days.append(date(2026, 11, 24))
    assert (remembered(), remembered()) == (3, 3)
    assert read == [days[0], days[0], days[1]]


def test_it_is_read_again_once_it_is_too_old() -> None:
    read = list[None]()
    remembered = Remembered(lambda: read.append(None), seconds=-1)
    remembered()
    remembered()
    assert len(read) == 2
