"""A key for demonstrations and tests: made on the spot, signed by itself, trusted by nobody."""

from __future__ import annotations

import datetime as dt
import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

BITS: Final = 3072
YEARS: Final = 10


def provide(path: Path) -> bool:
    """Make the key where there is none yet; whether one was made. Two who do so at once agree on one.

    Raises ImproperlyConfigured outside of demonstrations and tests.
    """
    if not (settings.DEMO or settings.TESTING):
        raise ImproperlyConfigured("A trial key is for demonstrations and tests only.")
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(_pkcs12())
    with suppress(FileExistsError):
        os.link(file.name, path)
    Path(file.name).unlink()
    return True


def _pkcs12() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "演示系统"),
            x509.NameAttribute(NameOID.COMMON_NAME, "演示签名证书（不作任何凭证）"),
        ]
    )
    # The moment itself, whatever the shifted clock of a demonstration says: readers of the PDF compare it.
    now = dt.datetime.now(dt.UTC)
    signs = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=366 * YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(signs, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return pkcs12.serialize_key_and_certificates(b"demo", key, certificate, None, NoEncryption())
