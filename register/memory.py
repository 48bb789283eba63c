"""Short memory of public tables: holidays, policies and code lists are read often and change rarely."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_all: list[Remembered[Any]] = []


class Remembered(Generic[T]):
    """A value read from the database, kept by this process for a short while.

    Only for what is public and the same at every desk: nothing kept here may depend on who asks. With `day`
    it is kept no longer than that day lasts.
    """

    def __init__(
        self, load: Callable[[], T], *, seconds: float, day: Callable[[], date] | None = None
    ) -> None:
        self._load = load
        self._seconds = seconds
        self._day = day
        self._kept: tuple[float, date | None, T] | None = None
        _all.append(self)

    def __call__(self) -> T:
        """The value, read again once it is older than its time."""
        kept, day = self._kept, self._day() if self._day else None
        if kept is None or kept[1] != day or time.monotonic() - kept[0] > self._seconds:
            kept = self._kept = (time.monotonic(), day, self._load())
        return kept[2]

    def forget(self) -> None:
        """Read again at the next call."""
        self._kept = None


def forget_all() -> None:
    """Forget everything this process remembers: after an edit, and between tests."""
    for remembered in _all:
        remembered.forget()
