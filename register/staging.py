"""An uploaded file between its preview and the officer's decision: put aside, encrypted, for an hour."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import secrets
import time
from pathlib import Path
from typing import Final, NamedTuple

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenants.crypto import decrypt, encrypt
from tenants.errors import Refusal

KEPT_SECONDS: Final = 3600


class Kept(NamedTuple):
    """A file that waits; `what` says for which book, and at which desk."""

    data: bytes
    name: str
    what: str


def keep(data: bytes, name: str, what: str, *, user_id: int) -> str:
    """Put an upload aside for the officer who sent it, encrypted; returns the token that finds it again.

    What nobody decided within the hour is deleted here.
    """
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.iterdir():
        # Another process clears away at the same time.
        with contextlib.suppress(FileNotFoundError):
            if _is_late(old):
                old.unlink()
    token = secrets.token_urlsafe(24)
    content = {"user": user_id, "name": name, "what": what, "data": base64.b64encode(data).decode()}
    path = _path_of(token)
    path.touch(mode=0o600)
    path.write_bytes(encrypt(json.dumps(content)))
    return token


def kept(token: str, *, user_id: int) -> Kept:
    """The upload behind a token. Raises Refusal when it is gone or too old, or was sent by somebody else."""
    path = _path_of(token)
    try:
        if _is_late(path):
            raise gone()
        content = json.loads(decrypt(path.read_bytes()))
    except (FileNotFoundError, ValueError):
        raise gone() from None
    if content["user"] != user_id:
        raise gone()
    return Kept(base64.b64decode(content["data"]), content["name"], content["what"])


def discard(token: str) -> None:
    """Delete an upload; nothing happens when it is gone already."""
    _path_of(token).unlink(missing_ok=True)


def gone() -> Refusal:
    """What is said when there is no such upload for this officer."""
    return Refusal(_("上传的文件已过期，请重新上传。"), "upload_gone")


def _is_late(path: Path) -> bool:
    return path.stat().st_mtime < time.time() - KEPT_SECONDS


def _folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "imports"


def _path_of(token: str) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9_-]{32}", token):
        raise gone()
    return _folder() / token
