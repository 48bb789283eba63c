"""The challenge of the sign-in pages: a few digits, easy to type on any keyboard."""

from __future__ import annotations

import secrets

from django.conf import settings


def digits() -> tuple[str, str]:
    """A random number as picture text and as the answer expected for it."""
    number = "".join(secrets.choice("0123456789") for _ in range(settings.CAPTCHA_LENGTH))
    return number, number
