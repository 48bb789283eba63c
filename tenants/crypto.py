"""Digests and encryption of stored fields: one small door, so that another cipher suite can be fitted.

SHA-256, HMAC-SHA256 and AES-256-GCM; keys come from the settings, newest first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

FORMAT: Final = b"\x01"
KEY_NAME_LENGTH: Final = 4
NONCE_LENGTH: Final = 12


def sha256_hex(data: bytes) -> str:
    """SHA-256 as lower-case hex: the digest shown on forms and beside papers."""
    return hashlib.sha256(data).hexdigest()


def canonical_json(obj: Any) -> bytes:
    """One byte sequence per value: sorted keys, no spaces, UTF-8. Only plain JSON values; NaN raises."""
    text = json.dumps(obj, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def keyed_digest(text: str) -> str:
    """HMAC-SHA256 of a text under `DIGEST_KEY`: finds an encrypted number without decrypting any."""
    return hmac.new(settings.DIGEST_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def encrypt(text: str) -> bytes:
    """AES-256-GCM under the newest of `FIELD_KEYS`: format, key name, nonce, sealed text."""
    key = _keys()[0]
    head = FORMAT + _name_of(key)
    nonce = os.urandom(NONCE_LENGTH)
    return head + nonce + AESGCM(key).encrypt(nonce, text.encode(), head)


def decrypt(data: bytes | memoryview) -> str:
    """The text sealed by `encrypt`. Raises ValueError if it was altered or its key is not at hand."""
    raw = bytes(data)
    head, rest = raw[: 1 + KEY_NAME_LENGTH], raw[1 + KEY_NAME_LENGTH :]
    key = next((key for key in _keys() if FORMAT + _name_of(key) == head), None)
    if key is None:
        raise ValueError("Sealed under a key that is not in FIELD_KEYS.")
    try:
        return AESGCM(key).decrypt(rest[:NONCE_LENGTH], rest[NONCE_LENGTH:], head).decode()
    except InvalidTag as error:
        raise ValueError("The sealed text was altered.") from error


def _keys() -> list[bytes]:
    keys = [base64.b64decode(key) for key in settings.FIELD_KEYS]
    if not keys or any(len(key) != 32 for key in keys):
        raise ImproperlyConfigured("FIELD_KEYS must be base64 of 32 bytes each.")
    return keys


def _name_of(key: bytes) -> bytes:
    return hashlib.sha256(b"key name" + key).digest()[:KEY_NAME_LENGTH]
