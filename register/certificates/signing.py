"""The electronic signature of certificates: PAdES baseline B-B (ETSI EN 319 142-1), by pyhanko.

Key and certificate stand in one PKCS #12 file. No time-stamping authority is asked: the time in the
signature is that of the portal's own machine. Nothing may be changed or added after signing.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenants.errors import Refusal

if TYPE_CHECKING:
    from pyhanko.sign.signers import SimpleSigner

FIELD: Final = "Signature"
REASON: Final = "注册安全工程师执业证签发"
# Bytes of a signature without its certificates, with plenty to spare.
BESIDE_CERTIFICATES: Final = 4096


def check_key() -> None:
    """Raise the `Refusal` with which `sign` would answer now, before anything is drawn in vain."""
    _signer()


def sign(pdf: bytes) -> bytes:
    """The same PDF with its signature.

    Raises `Refusal` (`no_key`) where no usable key is configured: certificates wait then, nothing else does.
    """
    signer = _signer()
    pyhanko = _library()
    meta = pyhanko.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        reason=REASON,
        subfilter=_fields().SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=_fields().MDPPerm.NO_CHANGES,
    )
    writer = _writer().IncrementalPdfFileWriter(BytesIO(pdf))
    signed = pyhanko.sign_pdf(writer, meta, signer=signer, bytes_reserved=_room(signer))
    return bytes(signed.getvalue())


def _room(signer: SimpleSigner) -> int:
    """Hexadecimal digits kept free for the signature: unsaid, each PDF is signed twice to learn them."""
    own: Any = signer.signing_cert
    certificates = {own.dump(), *(one.dump() for one in signer.cert_registry)}
    return 2 * (BESIDE_CERTIFICATES + sum(map(len, certificates)))


def _signer() -> SimpleSigner:
    path = Path(settings.CERTIFICATE_SIGNER_P12) if settings.CERTIFICATE_SIGNER_P12 else None
    if path is None or not path.is_file():
        raise Refusal(_("还没有配置执业证的签名密钥，请联系系统管理员。"), "no_key")
    signer = _loaded(path, path.stat().st_mtime_ns, settings.CERTIFICATE_SIGNER_PASSPHRASE)
    if signer is None:
        raise Refusal(_("执业证的签名密钥无法打开，请联系系统管理员。"), "no_key")
    certificate: Any = signer.signing_cert
    validity = certificate["tbs_certificate"]["validity"]
    begins, ends = validity["not_before"].native, validity["not_after"].native
    if not begins <= dt.datetime.now(dt.UTC) <= ends:
        raise Refusal(_("执业证的签名证书不在有效期内，请联系系统管理员更换。"), "no_key")
    return signer


@lru_cache(maxsize=2)
def _loaded(path: Path, _written: int, passphrase: str) -> SimpleSigner | None:
    """Key, certificate and chain of the file; a file that was replaced is read anew."""
    signer: SimpleSigner | None = _library().SimpleSigner.load_pkcs12(
        str(path), passphrase=passphrase.encode() if passphrase else None
    )
    return signer


# Loaded by the first certificate: they cost every process that never signs some 0.3 s.


def _library() -> Any:
    return import_module("pyhanko.sign.signers")


def _fields() -> Any:
    return import_module("pyhanko.sign.fields")


def _writer() -> Any:
    return import_module("pyhanko.pdf_utils.incremental_writer")
