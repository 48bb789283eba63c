from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from django.db import transaction

from notifications import night, outbox
from tenants.models import User

Post = Callable[..., None]


@pytest.fixture(autouse=True)
def _cache_of_its_own(settings: Any) -> None:
    """A cache that no other process shares and no earlier run has filled."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@pytest.fixture(autouse=True)
def _by_day(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No night, whenever the tests run; those of the night itself ask for `real_night`."""
    if "real_night" not in request.fixturenames:
        monkeypatch.setattr(night, "BEGINS", time.max)
        monkeypatch.setattr(night, "ENDS", time.min)


@pytest.fixture
def real_night() -> None:
    """The hours of the night as they are."""


@pytest.fixture
def zhang(db: None) -> User:
    return User.objects.create_applicant(name="张测")


@pytest.fixture
def sun(db: None) -> User:
    return User.objects.create_applicant(name="孙测")


@pytest.fixture
def post() -> Post:
    """Post a notice in a transaction of its own."""

    def posted(user: User, kind: str = "thirty_days", cause: str = "1", **data: Any) -> None:
        with transaction.atomic():
            outbox.post(user_id=user.pk, kind=kind, cause=cause, data=data)

    return posted
