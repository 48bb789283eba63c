"""Short memory of public tables: holidays, policies and code lists are read often and change rarely."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_all: list[Remembered[Any]] = []


class Remembered(Generic[T]):
    """A value read from the database, kept by this process for a short while.

    Only for what is public and the same at every desk: nothing kept here may depend on who asks.
    """

    def __init__(self, load: Callable[[], T], *, seconds: float) -> None:
        self._load = load
        self._seconds = seconds
        self._kept: tuple[float, T] | None = None
        _all.append(self)

    def __call__(self) -> T:
        """The value, read again once it is older than its time."""
        kept = self._kept
        if kept is None or time.monotonic() - kept[0] > self._seconds:
            kept = self._kept = (time.monotonic(), self._load())
        return kept[1]

    def forget(self) -> None:
        """Read again at the next call."""
        self._kept = None


def forget_all() -> None:
    """Forget everything this process remembers: after an edit, and between tests."""
    for remembered in _all:
        remembered.forget()
