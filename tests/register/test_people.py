from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from register import documents, people
from register.models import FormerNumber, Sex
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import AccessRecord
from tests import factories
from tests.cast import APPLICANTS, Cast

pytestmark = pytest.mark.django_db

NUMBER = APPLICANTS["zhang"].number


def test_a_person_is_enrolled_with_an_account_nobody_can_sign_in_with() -> None:
    person = people.enrol(name="王•测试", document_type="01", number="11010519491231002x")
    assert (person.name, person.sex, person.birth_date) == ("王·测试", Sex.FEMALE, date(1949, 12, 31))
    assert person.document_mask == "110105********002X"
    assert b"1949" not in bytes(person.document_cipher)
    assert (person.user.kind, person.user.has_usable_password()) == ("applicant", False)
    assert people.number_for_form(person) == "11010519491231002X"


def test_the_same_document_is_enrolled_once(cast: Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        people.enrol(name="张测", document_type="01", number=NUMBER)


@pytest.mark.parametrize("written", [NUMBER, NUMBER.lower(), f" {NUMBER[:6]} {NUMBER[6:]} "])
def test_the_applicants_desk_finds_a_person_by_document(cast: Cast, written: str) -> None:
    with crossing.standing(Desk.APPLICANT):
        found = people.find("01", written)
        assert found == cast.zhang
        assert crossing.here().person is None


def test_nobody_is_found_by_another_type_or_number(cast: Cast) -> None:
    with crossing.standing(Desk.APPLICANT):
        assert people.find("99", NUMBER) is None
        assert people.find("01", "11010519491231002X") is None


def test_former_numbers_and_merged_records_lead_to_the_living_person(cast: Cast) -> None:
    former = documents.digest("03", "E12345678")
    FormerNumber.objects.create(
        person=cast.zhang, document_digest=former, document_mask="E12****78", until=date(2025, 1, 1)
    )
    old = factories.person("张测", factories.id_number(date(1970, 1, 1)), merged_into=cast.zhang)
    number = people.number_for_form(old)
    with crossing.standing(Desk.APPLICANT):
        assert people.find("03", "E12345678") == cast.zhang
        assert people.find("01", number) == cast.zhang


def test_an_agency_finds_only_people_it_has_to_do_with(cast: Cast) -> None:
    factories.docket_line(cast.sun, cast.beijing)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        assert people.find("01", NUMBER) is None
        assert people.key_of("01", NUMBER) == cast.zhang.pk
        assert people.find("01", APPLICANTS["sun"].number) == cast.sun


def test_a_full_number_is_shown_on_record(cast: Cast) -> None:
    factories.docket_line(cast.zhang, cast.beijing)
    li = cast.user("li")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        assert people.full_number(cast.zhang, by=li, reason="核对身份证明") == NUMBER
    record = AccessRecord.objects.get()
    assert (record.user, record.agency, record.person_id) == (li, cast.beijing, cast.zhang.pk)
    assert record.reason == "核对身份证明"
