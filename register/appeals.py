"""Appeals about the exam record (考试信息申诉): somebody is not found in the roster and asks to look again.

There is no account yet. What was handed in is read by the registrar only; the appellant asks after the
answer with the appeal's number and the document.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Q, Value
from django.db.models.functions import Collate, Upper
from django.utils.translation import gettext_lazy as _
from stdnum import luhn

from register import clock, documents, names, people, registrars
from register.models import Appeal, AppealProof, Person, Qualification
from tenants.crypto import decrypt, encrypt
from tenants.errors import Refusal
from tenants.models import User

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
class Progress:
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


def standing_of(*, reference: str, document_type: str, number: str) -> Progress | None:
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
    return Progress(**dict(zip(fields, row, strict=True)))


# --- The registrar ---------------------------------------------------------------------------------


def answer_appeal(*, appeal_id: UUID, outcome: Appeal.Outcome, answer: str, by: User) -> Appeal:
    """Answer an appeal, once, as a registrar of the authority; the appellant reads it with the number.

    It is upheld only when the record has been entered, so that whoever reads the answer gets in. Raises
    Refusal for anybody else, on own affairs, without words, for an answered appeal, and while the record is
    missing.
    """
    with transaction.atomic():
        appeal = _open(appeal_id, by, answer)
        if outcome == Appeal.Outcome.UPHELD:
            _require_recorded(appeal, appeal.certificate_number, appeal.exam_year)
        return _answered(appeal, outcome, answer.strip(), by)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamRecord:
    """An exam result as the proof has it, to be entered in the roster."""

    certificate_number: str
    exam_year: int
    issued_on: date
    issuer: str = ""
    category: str = ""
    management_number: str = ""


class Entered(StrEnum):
    """What became of the roster when an appeal was upheld."""

    NEW = "new"
    MENDED = "mended"
    UNCHANGED = "unchanged"


def uphold_appeal(*, appeal_id: UUID, record: ExamRecord, answer: str, by: User) -> Entered:
    """Enter the exam record as the proof has it, and answer the appeal by that, once, as a registrar.

    Whoever is not in the register yet is entered with the name and document of the appeal; a record that
    stands there with other data is mended by the proof. Answers which of these it was. Raises Refusal as
    `answer_appeal` does; where the document is known under another name (that is corrected first); and
    where the certificate is somebody else's.
    """
    with transaction.atomic():
        appeal = _open(appeal_id, by, answer)
        number = decrypt(appeal.document_cipher)
        key = people.key_of(appeal.document_type, number)
        person = Person.objects.filter(pk=key).first() if key else None
        if person is None:
            person = people.enrol(name=appeal.name, document_type=appeal.document_type, number=number)
        elif not names.same(person.name, appeal.name):
            raise Refusal(
                _("该证件号码登记的姓名是“{name}”，与申诉不一致。请先更正姓名，或者不予采纳。").format(
                    name=person.name
                ),
                code="other_name",
            )
        entered = _enter_record(person, record)
        _require_recorded(appeal, record.certificate_number, record.exam_year)
        _answered(appeal, Appeal.Outcome.UPHELD, answer.strip(), by)
        return entered


def _enter_record(person: Person, record: ExamRecord) -> Entered:
    known = Qualification.objects.select_for_update(of=("self",))
    known = known.filter(certificate_number=record.certificate_number)
    found = known.select_related("person__merged_into").first()
    if found is None:
        Qualification.objects.create(person=person, **asdict(record))
        return Entered.NEW
    if people.living(found.person).pk != person.pk:
        raise Refusal(
            _("资格证书 {number} 已登记在{name}（{mask}）名下，请先核实。").format(
                number=found.certificate_number,
                name=found.person.name,
                mask=found.person.document_mask,
            ),
            code="other_holder",
        )
    # What the proof does not show stays as it was.
    shown = {name: value for name, value in asdict(record).items() if value != ""}
    changed = [name for name, value in shown.items() if getattr(found, name) != value]
    for name in changed:
        setattr(found, name, shown[name])
    if changed:
        found.save(update_fields=changed)
    return Entered.MENDED if changed else Entered.UNCHANGED


def is_own(appeal: Appeal, by: User) -> bool:
    """Whether this is the officer's own appeal, under a present or a former document number."""
    if not by.document_digest:
        return False
    same = by.document_digest == appeal.document_digest
    return same or people.key_by_digest(appeal.document_digest) in people.own_records(by)


def _open(appeal_id: UUID, by: User, answer: str) -> Appeal:
    """The appeal under lock, as long as it waits for an answer."""
    registrars.require(by)
    if not answer.strip():
        raise Refusal(_("请填写答复内容。"), code="answer")
    appeal = Appeal.objects.select_for_update().get(pk=appeal_id)
    if appeal.outcome:
        raise Refusal(_("该申诉已经答复。"), code="answered")
    if is_own(appeal, by):
        raise Refusal(_("这是您本人的申诉，须回避，请由其他登记人员答复。"), code="conflict")
    return appeal


def _answered(appeal: Appeal, outcome: Appeal.Outcome, words: str, by: User) -> Appeal:
    appeal.outcome, appeal.answer = outcome, words
    appeal.answered_by, appeal.answered_at = by, clock.now()
    appeal.save(update_fields=["outcome", "answer", "answered_by", "answered_at"])
    return appeal


def _require_recorded(appeal: Appeal, certificate_number: str, exam_year: int) -> None:
    """Raise Refusal unless the roster has this record under the document of the appeal."""
    key = people.key_by_digest(appeal.document_digest)
    recorded = Qualification.objects.filter(certificate_number=certificate_number, exam_year=exam_year)
    if key is None or not recorded.filter(people.rows_of(key)).exists():
        raise Refusal(_("名册中还没有这条考试记录，请先导入后再答复。"), code="not_recorded")


# --- Who it may be ---------------------------------------------------------------------------------

MOST_CANDIDATES: Final = 20
# A wrong character so far in is looked for; before that, too many certificates begin alike.
FIRST_SURE: Final = 4


@dataclass(frozen=True, slots=True)
class Candidate:
    """An exam record that nearly says what the appeal says, and in what it agrees."""

    record: Qualification
    name: bool
    document: bool
    certificate: bool
    year: bool


def candidates(appeal: Appeal) -> list[Candidate]:
    """Exam records of the same name or document, or whose certificate number differs in one character."""
    number = appeal.certificate_number
    near = Q(certificate_number=number)
    for place in range(FIRST_SURE, len(number)):
        near |= Q(
            certificate_number__startswith=number[:place],
            certificate_number__regex=_but_one(number, place),
        )
    key = people.key_by_digest(appeal.document_digest)
    who = Q(person__in=_namesakes(appeal.name))
    if key:
        who |= Q(person=key) | Q(person__merged_into=key)
    rows = Qualification.objects.select_related("person__merged_into")
    found = {row.pk: row for wanted in (near, who) for row in rows.filter(wanted)[:MOST_CANDIDATES]}
    compared = [_compared(row, appeal, key) for row in found.values()]
    return sorted(compared, key=_likeness, reverse=True)[:MOST_CANDIDATES]


def _but_one(number: str, place: int) -> str:
    """A pattern of the number with any character at this place."""
    return f"^{re.escape(number[:place])}.{re.escape(number[place + 1 :])}$"


def _namesakes(name: str) -> list[UUID]:
    """People of the very name, by the index of names."""
    alike = Person.objects.alias(key=Collate(Upper("name"), "C"))
    found = alike.filter(key=Collate(Upper(Value(names.normalise(name))), "C"))
    return list(found.values_list("pk", flat=True)[:MOST_CANDIDATES])


def _compared(row: Qualification, appeal: Appeal, key: UUID | None) -> Candidate:
    return Candidate(
        record=row,
        name=names.same(row.person.name, appeal.name),
        document=key is not None and people.living(row.person).pk == key,
        certificate=row.certificate_number == appeal.certificate_number,
        year=row.exam_year == appeal.exam_year,
    )


def _likeness(one: Candidate) -> tuple[int, bool]:
    return one.document + one.certificate + one.name, one.year
