"""What the demonstration's driver reads from the portal's own stores, as a person reads it from a picture."""

from __future__ import annotations

import os


def captcha(key: str) -> str:
    """The digits of the captcha with this key."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    from captcha.models import CaptchaStore

    from tenants import crossing

    with crossing.standing(crossing.Desk.APPLICANT):
        return str(CaptchaStore.objects.get(hashkey=key).response)
