"""Passwords of staff: renewed every so many days, and none of the last five again (GB/T 22239).

The day counted is the machine's, not the shifted one of a demonstration: it is no deadline of the law.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.models import FormerPassword, User

# The present password and the four before it.
NOT_AGAIN: Final = 5
USED_BEFORE: Final = _("新密码不能与最近五次使用过的密码相同。")


def too_old(user: User) -> bool:
    """Whether the password must be renewed before anything else; also when somebody else has given it."""
    since = user.password_set_at
    return since is None or timezone.now() - since >= timedelta(days=settings.STAFF_PASSWORD_DAYS)


def renew_on(user: User) -> datetime | None:
    """When the password must be renewed at the latest."""
    since = user.password_set_at
    return since and since + timedelta(days=settings.STAFF_PASSWORD_DAYS)


def check(user: User, password: str) -> None:
    """Whether this may be the next password of the account. Raises ValidationError, a sentence per fault."""
    validate_password(password, user)
    former = FormerPassword.objects.filter(user=user).values_list("hash", flat=True)[: NOT_AGAIN - 1]
    if any(check_password(password, used) for used in (user.password, *former)):
        raise ValidationError(USED_BEFORE, code="password_used")


def change(user: User, password: str) -> None:
    """Give the account another password, one that `check` has found good. All its sessions end."""
    with transaction.atomic():
        _keep(user)
        user.set_password(password)
        user.password_set_at = timezone.now()
        user.save(update_fields=["password", "password_set_at"])


def void(user: User) -> None:
    """Take the password away, so that an invitation opens the account again. All its sessions end."""
    with transaction.atomic():
        _keep(user)
        user.set_unusable_password()
        user.password_set_at = None
        user.save(update_fields=["password", "password_set_at"])


def _keep(user: User) -> None:
    """Remember the password that goes, and forget those that may be used again."""
    if not user.has_usable_password():
        return
    since = user.password_set_at or timezone.now()
    FormerPassword.objects.create(user=user, hash=user.password, set_at=since)
    kept = FormerPassword.objects.filter(user=user).values_list("pk", flat=True)[: NOT_AGAIN - 1]
    FormerPassword.objects.filter(user=user).exclude(pk__in=list(kept)).delete()
