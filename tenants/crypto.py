"""Digests and encryption of stored fields: one small door, so that another cipher suite can be fitted.

SHA-256, HMAC-SHA256 and AES-256-GCM; keys come from the settings, newest first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from functools import lru_cache
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
    digest = _keyed(settings.DIGEST_KEY).copy()
    digest.update(text.encode())
    return digest.hexdigest()


def encrypt(text: str) -> bytes:
    """AES-256-GCM under the newest of `FIELD_KEYS`: format, key name, nonce, sealed text."""
    return seal(text.encode())


def decrypt(data: bytes | memoryview) -> str:
    """The text sealed by `encrypt`. Raises ValueError if it was altered or its key is not at hand."""
    return unseal(data).decode()


def seal(data: bytes) -> bytes:
    """Bytes of any length, sealed as `encrypt` seals a text."""
    head, cipher = _ciphers(tuple(settings.FIELD_KEYS))[0]
    nonce = os.urandom(NONCE_LENGTH)
    return head + nonce + cipher.encrypt(nonce, data, head)


def unseal(data: bytes | memoryview) -> bytes:
    """The bytes sealed by `seal`. Raises ValueError if they were altered or their key is not at hand."""
    raw = memoryview(data)
    head, rest = bytes(raw[: 1 + KEY_NAME_LENGTH]), raw[1 + KEY_NAME_LENGTH :]
    cipher = dict(_ciphers(tuple(settings.FIELD_KEYS))).get(head)
    if cipher is None:
        raise ValueError("Sealed under a key that is not in FIELD_KEYS.")
    try:
        return cipher.decrypt(rest[:NONCE_LENGTH], rest[NONCE_LENGTH:], head)
    except InvalidTag as error:
        raise ValueError("The sealed text was altered.") from error


@lru_cache(maxsize=8)
def _keyed(key: str) -> hmac.HMAC:
    return hmac.new(key.encode(), digestmod="sha256")


@lru_cache(maxsize=8)
def _ciphers(field_keys: tuple[str, ...]) -> list[tuple[bytes, AESGCM]]:
    """Each key's cipher under the head that names it; a roster seals a hundred thousand numbers in a row."""
    keys = [base64.b64decode(key) for key in field_keys]
    if not keys or any(len(key) != 32 for key in keys):
        raise ImproperlyConfigured("FIELD_KEYS must be base64 of 32 bytes each.")
    return [(FORMAT + _name_of(key), AESGCM(key)) for key in keys]


def _name_of(key: bytes) -> bytes:
    return hashlib.sha256(b"key name" + key).digest()[:KEY_NAME_LENGTH]
