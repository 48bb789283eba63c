from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from notifications import outbox
from tenants.models import User

Post = Callable[..., None]


@pytest.fixture(autouse=True)
def _cache_of_its_own(settings: Any) -> None:
    """A cache that no other process shares and no earlier run has filled."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


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
