"""A sign-in with a browser that the account does not know is told to its owner, once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import uuid4

from django.db import transaction
from django.http import HttpRequest

from notifications import outbox
from tenants import devices
from tenants.models import User


@contextmanager
def noticed(request: HttpRequest, user: User, *, at: datetime) -> Iterator[None]:
    """Let somebody in within this block: if it succeeds, the browser is known from now on.

    If the account did not know it, its owner is told; not at the very first sign-in, before which there was
    none to know. Only after the right password, so that nobody learns anything by it.
    """
    told = user.last_login is not None and not devices.knows(request, user)
    yield
    devices.remember(request, user)
    if told:
        with transaction.atomic():
            outbox.post(user_id=user.pk, kind="new_device", cause=str(uuid4()), data={"at": at}, at=at)
