"""Appeals about the exam record (考试信息申诉): somebody is not found in the roster and asks to look again.

There is no account yet. What was handed in is read by the registrar only; the appellant asks after the
answer with the appeal's number and the document.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _
from stdnum import luhn

from register import clock, documents, names, people
from register.models import Appeal, AppealProof, Qualification
from tenants.crypto import decrypt, encrypt
from tenants.errors import Refusal
from tenants.models import AUTHORITY_CODE, Agency, User
from tenants.roles import REGISTRAR, roles_of

PREFIX: Final = "KS"
MOST_PROOFS: Final = 3
ONE_OPEN: Final = "one_open_appeal_per_claim"
_SHAPE: Final = re.compile(rf"{PREFIX}\d{{12}}", re.ASCII)
_TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A picture or PDF handed in, already re-encoded or sanitised."""

    name: str
    content_type: str
    data: bytes
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an appeal stands, as its appellant may know it."""

    reference: str
    certificate_number: str
    exam_year: int
    lodged_at: datetime
    outcome: str
    answer: str
    answered_at: datetime | None

    @property
    def word(self) -> str:
        """Where it stands, in a word."""
        return str(Appeal.Outcome(self.outcome).label if self.outcome else _("处理中"))


# --- The appellant ---------------------------------------------------------------------------------


def lodge_appeal(
    *,
    name: str,
    document_type: str,
    number: str,
    certificate_number: str,
    exam_year: int,
    phone: str,
    proofs: Sequence[Proof],
    exam_place: str = "",
    email: str = "",
    statement: str = "",
) -> str:
    """Hand an appeal in and get its number.

    Raises ValidationError for a malformed name or document number, Refusal without proof or with too much of
    it, and while an appeal of the same name for the same document and certificate waits for its answer.
    """
    if not 1 <= len(proofs) <= MOST_PROOFS:
        raise Refusal(_("请上传 1 至 3 份证明材料。"), code="proofs")
    number = documents.check(document_type, number)
    appeal = Appeal(
        name=names.check(name),
        document_type=document_type,
        document_mask=documents.mask(document_type, number),
        document_digest=documents.digest(document_type, number),
        document_cipher=encrypt(number),
        certificate_number=certificate_number,
        exam_year=exam_year,
        exam_place=exam_place,
        phone=phone,
        email=email,
        statement=statement,
        lodged_at=clock.now(),
    )
    for _try in range(_TRIES):
        appeal.reference = _draw_reference()
        try:
            _store(appeal, proofs)
        except IntegrityError as error:
            if ONE_OPEN in str(error):
                raise Refusal(
                    _("您的申诉已经提交，正在处理，请凭申诉编号查询进度；补充材料请联系注册机构。"),
                    code="open_appeal",
                ) from error
            continue
        return appeal.reference
    raise RuntimeError("No free number for an appeal was found.")


def _store(appeal: Appeal, proofs: Sequence[Proof]) -> None:
    with transaction.atomic():
        appeal.save(force_insert=True)
        AppealProof.objects.bulk_create(
            AppealProof(
                appeal=appeal,
                name=proof.name,
                content_type=proof.content_type,
                sha256=proof.sha256,
                data=proof.data,
            )
            for proof in proofs
        )


def _draw_reference() -> str:
    """A number that cannot be counted on from another one: year, seven random digits, check digit (Luhn)."""
    digits = f"{clock.today().year:04d}{secrets.randbelow(10**7):07d}"
    return f"{PREFIX}{digits}{luhn.calc_check_digit(digits)}"


def check_reference(text: str) -> str:
    """An appeal's number as somebody typed it, normalised. Raises ValidationError if it cannot be one."""
    number = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()
    if not _SHAPE.fullmatch(number) or not luhn.is_valid(number.removeprefix(PREFIX)):
        raise ValidationError(_("申诉编号不正确，请对照回执核对。"), code="reference")
    return number


def standing_of(*, reference: str, document_type: str, number: str) -> Standing | None:
    """How the appeal stands, for whoever knows its number and the document it names; else None."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reference, certificate_number, exam_year, lodged_at, outcome, answer, answered_at"
            " FROM public.my_appeal(%s, %s)",
            [reference, documents.digest(document_type, number)],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    fields = ("reference", "certificate_number", "exam_year", "lodged_at", "outcome", "answer", "answered_at")
    return Standing(**dict(zip(fields, row, strict=True)))


# --- The registrar ---------------------------------------------------------------------------------


def answer_appeal(*, appeal_id: UUID, outcome: Appeal.Outcome, answer: str, by: User) -> Appeal:
    """Answer an appeal, once, as a registrar of the authority; the appellant reads it with the number.

    It is upheld only when the record has been entered, so that whoever reads the answer gets in. Raises
    Refusal for anybody else, without words, for an answered appeal, and while the record is missing.
    """
    authority = Agency.objects.get(code=AUTHORITY_CODE)
    if REGISTRAR.code not in roles_of(by, authority):
        raise Refusal(_("只有登记人员可以答复申诉。"), code="role")
    words = answer.strip()
    if not words:
        raise Refusal(_("请填写答复内容。"), code="answer")
    with transaction.atomic():
        appeal = Appeal.objects.select_for_update().get(pk=appeal_id)
        if appeal.outcome:
            raise Refusal(_("该申诉已经答复。"), code="answered")
        if outcome == Appeal.Outcome.UPHELD and not _is_recorded(appeal):
            raise Refusal(_("名册中还没有这条考试记录，请先导入后再答复。"), code="not_recorded")
        appeal.outcome, appeal.answer = outcome, words
        appeal.answered_by, appeal.answered_at = by, clock.now()
        appeal.save(update_fields=["outcome", "answer", "answered_by", "answered_at"])
    return appeal


def _is_recorded(appeal: Appeal) -> bool:
    person = people.find(appeal.document_type, decrypt(appeal.document_cipher))
    if person is None:
        return False
    recorded = Qualification.objects.filter(people.rows_of(person), exam_year=appeal.exam_year)
    return recorded.filter(certificate_number=appeal.certificate_number).exists()
