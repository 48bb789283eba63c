"""Appeals about the exam record: handed in by anybody, read by the registrar, answered once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from register import appeals, clock, documents
from register.appeals import Proof
from register.models import Appeal, AppealProof, FormerNumber
from tenants import crossing
from tenants.crossing import Desk
from tenants.crypto import decrypt, sha256_hex
from tenants.errors import Refusal
from tenants.models import User
from tests import factories
from tests.cast import APPLICANTS, Cast

pytestmark = pytest.mark.django_db

ZHANG = APPLICANTS["zhang"]
STRANGER = factories.id_number(serial=450)
PICTURE = b"\xff\xd8 a synthetic proof \xff\xd9"
PROOF = Proof(name="证书.jpg", content_type="image/jpeg", data=PICTURE, sha256=sha256_hex(PICTURE))
FACTS: dict[str, Any] = {
    "name": "钱测",
    "document_type": "01",
    "number": STRANGER,
    "certificate_number": "CS00000777",
    "exam_year": 2024,
    "exam_place": "北京市",
    "phone": "13800005678",
    "email": "",
    "statement": "曾用名",
    "proofs": [PROOF],
}


def lodged(**changes: Any) -> str:
    with crossing.standing(Desk.APPLICANT):
        return appeals.lodge_appeal(**{**FACTS, **changes})


def standing(reference: str, number: str = STRANGER) -> appeals.Progress | None:
    with crossing.standing(Desk.APPLICANT):
        return appeals.standing_of(reference=reference, document_type="01", number=number)


def answered(cast: Cast, reference: str, **changes: Any) -> Appeal:
    appeal = Appeal.objects.get(reference=reference)
    told = {
        "outcome": Appeal.Outcome.DISMISSED,
        "answer": "证书编号不存在。",
        "by": cast.user("zhou"),
        **changes,
    }
    with crossing.standing(Desk.AUTHORITY):
        return appeals.answer_appeal(appeal_id=appeal.pk, **told)


def test_an_appeal_keeps_what_was_handed_in_and_the_number_encrypted(cast: Cast) -> None:
    reference = lodged()
    appeal = Appeal.objects.get(reference=reference)
    assert appeals.check_reference(reference.lower()) == reference
    assert (appeal.name, appeal.document_mask) == ("钱测", f"{STRANGER[:6]}********{STRANGER[-4:]}")
    assert decrypt(appeal.document_cipher) == STRANGER
    assert (appeal.outcome, appeal.answered_at) == ("", None)
    (proof,) = AppealProof.objects.filter(appeal=appeal)
    assert (proof.name, proof.content_type, bytes(proof.data)) == ("证书.jpg", "image/jpeg", PICTURE)


def test_two_appeals_in_a_row_do_not_tell_each_others_number(cast: Cast) -> None:
    first, second = lodged(), lodged(number=factories.id_number(serial=451))
    assert abs(int(first[6:13]) - int(second[6:13])) > 1 or first[:6] != second[:6]


def test_the_same_person_appeals_once_for_a_certificate(cast: Cast) -> None:
    lodged()
    with pytest.raises(Refusal, match="您的申诉已经提交，正在处理"):
        lodged(phone="13900005678", statement="再问一次")
    assert Appeal.objects.count() == 1


@pytest.mark.parametrize("told", [{"name": "猜测者"}, {"certificate_number": "CS00000778"}])
def test_whoever_guesses_a_document_keeps_its_owner_from_nothing(cast: Cast, told: dict[str, str]) -> None:
    lodged(**told)
    assert standing(lodged()) is not None


def test_after_the_answer_one_may_appeal_again(cast: Cast) -> None:
    answered(cast, lodged())
    assert standing(lodged()) is not None


@pytest.mark.parametrize("count", [0, 4])
def test_one_to_three_proofs(cast: Cast, count: int) -> None:
    with pytest.raises(Refusal, match="1 至 3 份"):
        lodged(proofs=[PROOF] * count)


@pytest.mark.parametrize("wrong", [{"number": STRANGER[:-1] + "A"}, {"name": "<b>"}])
def test_what_is_no_document_or_name_is_refused(cast: Cast, wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        lodged(**wrong)


def test_a_number_drawn_before_is_drawn_again(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    first = lodged()
    drawn = iter([first, first, "KS202600000026"])
    monkeypatch.setattr(appeals, "_draw_reference", lambda: next(drawn))
    assert lodged(number=factories.id_number(serial=452)) == "KS202600000026"


def test_the_appellant_asks_with_number_and_document(cast: Cast) -> None:
    reference = lodged()
    found = standing(reference)
    assert found is not None
    assert (found.reference, found.certificate_number, found.exam_year, found.word) == (
        reference,
        "CS00000777",
        2024,
        "处理中",
    )
    assert standing(reference, ZHANG.number) is None
    assert standing("KS202600000000") is None


def test_the_applicants_desk_reads_no_appeal_and_answers_none(cast: Cast) -> None:
    reference = lodged()
    with crossing.standing(Desk.APPLICANT):
        for sql in (
            "SELECT * FROM register_appeal",
            "SELECT * FROM register_appealproof",
            "UPDATE register_appeal SET outcome = 'upheld'",
        ):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)
    assert Appeal.objects.get(reference=reference).outcome == ""


# --- The registrar -----------------------------------------------------------------------------------


def test_the_registrar_dismisses_with_words(cast: Cast) -> None:
    reference = lodged()
    answered(cast, reference)
    found = standing(reference)
    assert found is not None
    assert (found.outcome, found.word, found.answer) == ("dismissed", "未予采纳", "证书编号不存在。")
    assert found.answered_at is not None
    assert Appeal.objects.get(reference=reference).answered_by == cast.user("zhou")


def test_an_appeal_is_upheld_once_the_record_is_there(cast: Cast) -> None:
    reference = lodged()
    with pytest.raises(Refusal, match="名册中还没有这条考试记录"):
        answered(cast, reference, outcome=Appeal.Outcome.UPHELD, answer="已补录。")
    person = factories.person("钱测", STRANGER)
    factories.qualification(person, certificate_number="CS00000777", exam_year=2024)
    answered(cast, reference, outcome=Appeal.Outcome.UPHELD, answer="已补录。")
    found = standing(reference)
    assert found is not None
    assert found.word == "已补录"


def test_an_appeal_is_answered_once(cast: Cast) -> None:
    reference = lodged()
    answered(cast, reference)
    with pytest.raises(Refusal, match="已经答复"):
        answered(cast, reference, answer="又一次")


RECORD = appeals.ExamRecord(
    certificate_number="CS00000777", exam_year=2024, issued_on=date(2025, 2, 10), issuer="示例考试中心"
)


def upheld(cast: Cast, reference: str, by: User | None = None, **changes: Any) -> appeals.Entered:
    appeal = Appeal.objects.get(reference=reference)
    with crossing.standing(Desk.AUTHORITY):
        return appeals.uphold_appeal(
            appeal_id=appeal.pk,
            record=replace(RECORD, **changes),
            answer="已核实。",
            by=by or cast.user("zhou"),
        )


def test_a_record_that_stands_there_with_other_data_is_mended_by_the_proof(cast: Cast) -> None:
    person = factories.person("钱测", STRANGER)
    row = factories.qualification(
        person, certificate_number="CS00000777", exam_year=2023, management_number="GL0001"
    )
    assert upheld(cast, lodged()) == "mended"
    row.refresh_from_db()
    assert (row.exam_year, row.issued_on, row.management_number) == (2024, date(2025, 2, 10), "GL0001")
    assert upheld(cast, lodged()) == "unchanged"


@pytest.mark.parametrize("former", [False, True])
def test_nobody_answers_the_own_appeal(cast: Cast, former: bool) -> None:
    """Under the very number, or under the one carried now where the appeal names a former one."""
    digest = documents.digest("01", STRANGER)
    if former:
        person = factories.person("钱测")
        FormerNumber.objects.create(
            person=person, document_digest=digest, document_mask="…", until=clock.today()
        )
        digest = person.document_digest
    User.objects.filter(pk=cast.user("zhou").pk).update(document_digest=digest)
    zhou = User.objects.get(pk=cast.user("zhou").pk)
    reference = lodged()
    for act in (upheld, answered):
        with pytest.raises(Refusal) as no:
            act(cast, reference, by=zhou)
        assert no.value.code == "conflict"
    assert Appeal.objects.get(reference=reference).outcome == ""


@pytest.mark.parametrize("name", ["zhao", "feng", "li"])
def test_nobody_but_a_registrar_answers(cast: Cast, name: str) -> None:
    reference = lodged()
    with pytest.raises(Refusal, match="只有登记人员"):
        answered(cast, reference, by=cast.user(name))


def test_an_answer_has_words(cast: Cast) -> None:
    reference = lodged()
    with pytest.raises(Refusal, match="请填写答复内容"):
        answered(cast, reference, answer="  ")


@pytest.mark.parametrize("written", ["ks 2026-0000 0000", "KS20260000000"])
def test_what_is_no_number_of_an_appeal(written: str) -> None:
    with pytest.raises(ValidationError):
        appeals.check_reference(written + "x")
