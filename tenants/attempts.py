"""Counting attempts at what a stranger might guess: too many from one address have to wait, whoever it is.

django-axes keeps the count and answers through its middleware once it is full. What is guessed at is named
by a keyed digest, so that no number, name or certificate stands in its tables.
"""

from __future__ import annotations

from typing import Final

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants.crypto import keyed_digest
from tenants.errors import Refusal

TOO_MANY: Final = _("尝试次数过多，请稍后再试。")


def named(what: str, guessed: str) -> str:
    """The name under which attempts at something are counted, apart from those at anything else."""
    return f"{what}:{keyed_digest(f'{what}:{guessed}')}"


def check(request: HttpRequest, name: str) -> None:
    """Let the request go on while its count is not full. Raises `Refusal`; the middleware answers it."""
    if not AxesProxyHandler.is_allowed(request, {"username": name}):
        request.axes_locked_out = True  # type: ignore[attr-defined]
        raise Refusal(TOO_MANY, code="locked")


def failed(request: HttpRequest, name: str) -> None:
    """Count one more attempt; the one that fills the count gets the same answer as those after it."""
    user_login_failed.send(sender=__name__, credentials={"username": name}, request=request)


def forgive(name: str) -> None:
    """Forget what was counted: whoever it was has shown to be the right one."""
    AxesProxyHandler.reset_attempts(username=name)
