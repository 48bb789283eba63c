"""Certificates: what stands on the sheet, what the signature is worth, and that there are never two."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from pyhanko.pdf_utils.generic import NumberObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext
from pytest_django import Settings

from notifications.models import Outbox
from register import certificates, clock
from register.certificates import codes, making, sheet, signing
from register.models import Certificate, Kind, Person, Registration
from tenants import crossing
from tenants.crossing import Desk
from tenants.crypto import sha256_hex
from tenants.errors import Refusal
from tenants.models import User
from tests import certificates as papers
from tests import factories
from tests.cast import Cast
from tests.intake import files

pytestmark = pytest.mark.django_db

NAME = "㐂𠮷测试"
DAY = timedelta(days=1)


def registered(cast: Cast, **fields: object) -> Registration:
    return factories.registration(cast.zhang, cast.beijing, **fields)


def issued(cast: Cast, registration: Registration) -> Certificate:
    with crossing.standing(Desk.AUTHORITY):
        return certificates.issue(registration=registration, by=cast.user("zhou"))


def reissued(cast: Cast, certificate: Certificate, reason: str = "原证遗失") -> Certificate:
    with crossing.standing(Desk.AUTHORITY):
        return certificates.reissue(certificate=certificate, by=cast.user("zhou"), reason=reason)


def checked(pdf: bytes) -> PdfSignatureStatus:
    """The signature of a file as pyhanko's own validation finds it."""
    (signature,) = PdfFileReader(BytesIO(pdf)).embedded_signatures
    return validate_pdf_signature(signature, ValidationContext(trust_roots=[signature.signer_cert]))


def pdfsig(pdf: bytes, folder: Path) -> str:
    """What the reader's own tool (poppler) says of the signature."""
    file = folder / "certificate.pdf"
    file.write_bytes(pdf)
    words = ["pdfsig", "-nocert", file.name]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False).stdout


# --- The real sheet, signed --------------------------------------------------------------------------


def test_the_certificate_is_drawn_signed_and_says_what_the_register_says(
    cast: Cast, tmp_path: Path, settings: Settings
) -> None:
    papers.key()
    settings.SITE_PORT = "8443"
    photo = factories.photo(cast.zhang, files.saved(files.head(295, 413)))
    type(cast.zhang).objects.filter(pk=cast.zhang.pk).update(name=NAME, photo=photo)
    row = registered(cast, number="26001000001")
    row.refresh_from_db()
    made = issued(cast, row)
    pdf = bytes(made.data)

    assert (made.edition, made.occasion, made.sha256) == (1, "grant", sha256_hex(pdf))
    text = papers.words(pdf)
    for said in (
        *(NAME, "26001000001", "其他安全", row.employer_name, cast.beijing.name_zh, "第1版（首次制发）"),
        *(sheet.TITLE, codes.grouped(made.code), "localhost:8443/verify", cast.authority.name_zh),
        cast.zhang.document_mask,
    ):
        assert said.replace(" ", "") in text, said
    assert papers.links(pdf) == {f"http://localhost:8443/verify/{made.code}/"}
    number = cast.zhang.document_mask[:6]
    assert "11000019900101003X" not in text and number in text
    assert b"11000019900101003X" not in pdf
    assert sheet.MADE_FOR_A_DEMONSTRATION not in text

    status = checked(pdf)
    assert (status.intact, status.valid, status.trusted, status.bottom_line) == (True, True, True, True)
    told = pdfsig(pdf, tmp_path)
    assert "Signature is Valid" in told and "Total document signed" in told, told

    # One byte of the sheet changed; something added behind the signature.
    changed, added = _flipped(pdf, pdf.index(b"stream") + 40), _added_to(pdf)
    assert "Digest Mismatch" in pdfsig(changed, tmp_path)
    assert "Not total document signed" in pdfsig(added, tmp_path)
    assert [checked(other).bottom_line for other in (changed, added)] == [False, False]


def _added_to(pdf: bytes) -> bytes:
    """The file with one more revision, in which its first page is turned."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Rotate"] = NumberObject(180)
    writer.update_container(page)
    changed = BytesIO()
    writer.write(changed)
    return changed.getvalue()


def _flipped(pdf: bytes, place: int) -> bytes:
    return pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]


def test_a_demonstration_marks_what_it_prints(cast: Cast, settings: Settings) -> None:
    settings.DEMO = True
    edition = sheet.Edition(
        number=1, occasion=Certificate.Occasion.GRANT, code=codes.draw(), on=clock.today()
    )
    assert sheet.html_of(registered(cast), edition).count(sheet.MADE_FOR_A_DEMONSTRATION) == 2


@pytest.mark.parametrize("value", ["", "/nowhere/signer.p12"])
def test_without_a_key_certificates_wait(cast: Cast, settings: Settings, value: str) -> None:
    settings.CERTIFICATE_SIGNER_P12 = value
    with pytest.raises(Refusal) as no:
        issued(cast, registered(cast))
    assert no.value.code == "no_key"
    assert Certificate.objects.count() == 0


def test_a_key_that_cannot_be_opened_is_refused(tmp_path: Path, settings: Settings) -> None:
    broken = tmp_path / "signer.p12"
    broken.write_bytes(b"not a key")
    settings.CERTIFICATE_SIGNER_P12 = str(broken)
    with pytest.raises(Refusal) as no:
        signing.sign(b"")
    assert no.value.code == "no_key"


def test_a_trial_key_is_never_made_in_production(settings: Settings, tmp_path: Path) -> None:
    settings.TESTING = settings.DEMO = False
    settings.CERTIFICATE_SIGNER_P12 = str(tmp_path / "signer.p12")
    with pytest.raises(CommandError):
        call_command("demo_certificate_key")
    assert not list(tmp_path.iterdir())


def test_the_reader_s_tool_is_installed() -> None:
    assert shutil.which("pdfsig"), "apt-get install poppler-utils"


# --- Editions ----------------------------------------------------------------------------------------


def test_issuing_twice_makes_one(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = papers.undrawn(monkeypatch)
    row = registered(cast)
    first = issued(cast, row)
    assert issued(cast, row).pk == first.pk
    assert drawn == [1]
    assert (first.issued_by, first.void_at, first.issued_on) == (cast.user("zhou"), None, clock.today())


def test_who_drew_the_same_edition_meanwhile_was_first(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    papers.undrawn(monkeypatch)
    row = registered(cast)
    others: list[Certificate] = []

    def slowly(pdf: bytes) -> bytes:
        others.append(papers.certificate(row))
        return pdf

    monkeypatch.setattr(signing, "sign", slowly)
    assert issued(cast, row).pk == others[0].pk
    assert Certificate.objects.count() == 1


def test_a_renewal_and_a_change_bring_their_own(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    papers.undrawn(monkeypatch)
    first = registered(cast)
    renewal = registered(
        cast, kind=Kind.RENEWAL, number=first.number, supersedes=first, valid_from=first.valid_to + DAY
    )
    made = [issued(cast, row) for row in (first, renewal)]
    assert [one.edition for one in made] == [1, 1]
    assert {one.void_at for one in made} == {None}


def test_a_reissue_voids_the_edition_before_and_tells_its_holder(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers.undrawn(monkeypatch)
    first = issued(cast, registered(cast))
    second = reissued(cast, first)
    first.refresh_from_db()
    assert (second.edition, second.occasion, second.reason, second.void_at) == (
        2,
        "reissue",
        "原证遗失",
        None,
    )
    assert first.void_at == second.issued_at and first.code != second.code
    notice = Outbox.objects.get(kind="reissued")
    assert (notice.user_id, notice.data["edition"], notice.data["reason"]) == (
        cast.zhang.user_id,
        2,
        "原证遗失",
    )
    with pytest.raises(Refusal) as no:
        reissued(cast, first)
    assert no.value.code == "void"
    with crossing.standing(Desk.AUTHORITY):
        assert [one.edition for one in certificates.of_person(cast.zhang)] == [2, 1]


def test_of_two_who_reissue_at_once_the_second_is_told(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    papers.undrawn(monkeypatch)
    first = issued(cast, registered(cast))
    before = Certificate.objects.get(pk=first.pk)
    second = reissued(cast, first)
    with monkeypatch.context() as patch, pytest.raises(Refusal) as no:
        patch.setattr(making, "check_open_to_reissue", lambda _one, **_by: None)
        reissued(cast, before, "姓名更正")
    assert (no.value.code, Certificate.objects.count()) == ("reissued_already", 2)
    assert Outbox.objects.get(kind="reissued").cause == str(second.pk)


@pytest.mark.parametrize("name", ["更名测试", "张测"])
def test_what_was_corrected_while_it_was_drawn_is_drawn_once_more(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    first = papers.certificate(registered(cast))
    drawn = papers.undrawn(monkeypatch)

    def slowly(pdf: bytes) -> bytes:
        type(cast.zhang).objects.filter(pk=cast.zhang.pk).update(name=name)
        return pdf

    monkeypatch.setattr(signing, "sign", slowly)
    reissued(cast, first)
    assert drawn == [2] * (1 if name == cast.zhang.name else 2)


def test_superseded_while_it_was_drawn(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    papers.undrawn(monkeypatch)
    first = papers.certificate(registered(cast))

    def slowly(pdf: bytes) -> bytes:
        Registration.objects.update(ended_how="cancelled", ended_on=clock.today())
        return pdf

    monkeypatch.setattr(signing, "sign", slowly)
    with pytest.raises(Refusal) as no:
        reissued(cast, first)
    assert (no.value.code, Certificate.objects.count()) == ("registration_ended", 1)


@pytest.mark.parametrize(
    ("fields", "made"),
    [
        ({"ended_how": "cancelled", "ended_on": clock.today()}, 0),
        # Whose period has run out meanwhile gets what was announced, and no further edition.
        ({"valid_from": clock.today() - 900 * DAY, "valid_to": clock.today() - DAY}, 1),
    ],
)
def test_what_has_ended_gets_none(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, fields: dict[str, object], made: int
) -> None:
    drawn = papers.undrawn(monkeypatch)
    row = registered(cast, **fields)
    if made:
        certificate = issued(cast, row)
    else:
        with pytest.raises(Refusal) as no:
            issued(cast, row)
        assert no.value.code == "registration_ended"
        certificate = papers.certificate(row)
    with pytest.raises(Refusal) as no:
        reissued(cast, certificate)
    assert (no.value.code, len(drawn)) == ("registration_ended", made)


def test_ended_while_it_was_drawn(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    papers.undrawn(monkeypatch)
    row = registered(cast)

    def slowly(pdf: bytes) -> bytes:
        Registration.objects.filter(pk=row.pk).update(ended_how="cancelled", ended_on=clock.today())
        return pdf

    monkeypatch.setattr(signing, "sign", slowly)
    with pytest.raises(Refusal) as no:
        issued(cast, row)
    assert (no.value.code, Certificate.objects.count()) == ("registration_ended", 0)


def test_what_a_change_superseded_is_not_reissued(cast: Cast) -> None:
    today = clock.today()
    row = registered(cast, valid_from=today - 100 * DAY, valid_to=today + 900 * DAY)
    stored = papers.certificate(row)
    registered(
        cast, kind=Kind.CHANGE, number=row.number, supersedes=row, valid_from=today, valid_to=row.valid_to
    )
    with pytest.raises(Refusal) as no:
        reissued(cast, stored)
    assert no.value.code == "superseded"


def test_nobody_makes_the_own_certificate_anew(cast: Cast) -> None:
    row = factories.registration(cast.zhang, cast.beijing)
    stored = papers.certificate(row)
    Person.objects.filter(pk=cast.zhang.pk).update(merged_into=cast.sun)
    User.objects.filter(pk=cast.user("zhou").pk).update(document_digest=cast.sun.document_digest)
    cast.users["zhou"].refresh_from_db()
    with pytest.raises(Refusal) as no:
        reissued(cast, stored)
    assert no.value.code == "conflict"
    cast.users["zhou"] = cast.user("feng")
    with pytest.raises(Refusal) as no:
        reissued(cast, stored)
    assert no.value.code == "role"


def test_no_reissue_without_a_reason(cast: Cast) -> None:
    stored = papers.certificate(registered(cast))
    with pytest.raises(Refusal) as no:
        reissued(cast, stored, reason="  ")
    assert no.value.code == "no_reason"


def test_the_database_holds_the_two_rules(cast: Cast) -> None:
    row = registered(cast)
    papers.certificate(row)
    for second in ({"edition": 1, "void_at": clock.now()}, {"edition": 2}):
        with pytest.raises(IntegrityError), transaction.atomic():
            papers.certificate(row, **second)


def test_the_holder_sees_only_own_rows_and_writes_none(cast: Cast) -> None:
    mine, other = registered(cast), factories.registration(cast.sun, cast.beijing)
    certificate, _others = papers.certificate(mine), papers.certificate(other)
    with cast.at_applicants_desk(cast.zhang):
        assert list(Certificate.objects.values_list("pk", flat=True)) == [certificate.pk]
    with crossing.standing(Desk.AUTHORITY):
        assert Certificate.objects.count() == 2
    assert certificates.file_name(certificate) == "registration-certificate-1.pdf"
