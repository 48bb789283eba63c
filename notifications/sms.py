"""Adapters for short messages. `SMS_ADAPTER` names the one in use.

An adapter raises `Refused` for a message that will never be taken, and anything else when it is worth another
attempt. The key is the same whenever a message is repeated, so that a provider may recognise it.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import os
import re
import secrets
import time
from typing import Final, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

logger = logging.getLogger(__name__)

HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
# Answers of the 4xx kind that say "later", not "never".
LATER: Final = frozenset({http.HTTPStatus.REQUEST_TIMEOUT, http.HTTPStatus.TOO_MANY_REQUESTS})
_CODE = re.compile(r"\d{6,}")


class Refused(Exception):
    """The provider took the message for one that it will never deliver."""


class Unavailable(Exception):
    """The provider did not take the message now."""


class Sms(Protocol):
    """What an adapter offers: it returns when the provider has taken the message."""

    def send(self, *, number: str, text: str, key: str) -> None: ...


class ConsoleSms:
    """Writes the message to the log, number and codes masked: a log is no place for either."""

    def send(self, *, number: str, text: str, key: str) -> None:
        logger.info("SMS %s to %s: %s", key, masked(number), _CODE.sub("******", text))


class FileSms:
    """Appends each message to `SMS_FILE` as a line of JSON: for demonstrations and tests."""

    def send(self, *, number: str, text: str, key: str) -> None:
        line = {"at": timezone.now().isoformat(), "key": key, "number": number, "text": text}
        told = json.dumps(line, ensure_ascii=False) + "\n"
        file = os.open(settings.SMS_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, told.encode())
        finally:
            os.close(file)


class GatewaySms:
    """POSTs the message as JSON to `SMS_GATEWAY_URL`, signed by HMAC-SHA256 with `SMS_GATEWAY_SECRET`.

    Signed are time stamp, nonce and body, a line break between them. 2xx means taken, 4xx never (except 408
    and 429), everything else later. No redirection is followed: the secret signs for one address only.
    """

    def send(self, *, number: str, text: str, key: str) -> None:
        body = json.dumps({"to": number, "text": text}, ensure_ascii=False).encode()
        status = _post(settings.SMS_GATEWAY_URL, body, {**signed(body), "Idempotency-Key": key})
        if 200 <= status < 300:
            return
        if 400 <= status < 500 and status not in LATER:
            raise Refused(f"The SMS gateway answered {status}.")
        raise Unavailable(f"The SMS gateway answered {status}.")


def signed(body: bytes) -> dict[str, str]:
    """The headers by which the gateway knows who sends this body, and that it is not an old one."""
    stamp, nonce = str(int(time.time())), secrets.token_hex(16)
    told = f"{stamp}\n{nonce}\n".encode() + body
    mark = hmac.new(settings.SMS_GATEWAY_SECRET.encode(), told, hashlib.sha256).hexdigest()
    return {
        "X-Key": settings.SMS_GATEWAY_KEY,
        "X-Timestamp": stamp,
        "X-Nonce": nonce,
        "X-Signature": mark,
    }


def masked(number: str) -> str:
    """A mobile number as it may stand in a log."""
    return f"{number[:3]}****{number[-4:]}"


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """The status of the answer. Raises OSError or HTTPException where there is none in time."""
    link, path = _link_to(url)
    try:
        link.connect()
        link.sock.settimeout(settings.SMS_GATEWAY_TIMEOUT)
        link.request("POST", path, body, {"Content-Type": "application/json; charset=utf-8", **headers})
        return link.getresponse().status
    finally:
        link.close()


def _link_to(url: str) -> tuple[http.client.HTTPConnection, str]:
    """A connection to the gateway, not opened yet, and the path. Numbers leave the house encrypted only."""
    at = urlsplit(url)
    host = at.hostname or ""
    if not host or (at.scheme != "https" and (at.scheme != "http" or host not in HERE)):
        raise ImproperlyConfigured("SMS_GATEWAY_URL must be an https address.")
    made = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
    path = f"{at.path or '/'}{f'?{at.query}' if at.query else ''}"
    return made(host, at.port, timeout=settings.SMS_GATEWAY_CONNECT_TIMEOUT), path
