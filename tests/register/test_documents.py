"""Identity documents: the standard's own examples, the edges, and what each fault is called."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.core.exceptions import ValidationError

from register import documents
from register.models import DocumentType, Sex


@pytest.mark.parametrize(
    ("type", "written", "stored"),
    [
        ("01", "11010519491231002X", "11010519491231002X"),  # example of GB 11643
        ("01", "440524188001010014", "440524188001010014"),  # example of GB 11643
        ("01", "34052419800101001X", "34052419800101001X"),
        ("01", "11010519491231002x", "11010519491231002X"),
        ("01", "１１０１０５１９４９１２３１００２Ｘ", "11010519491231002X"),
        ("01", " 110105 19491231 002X ", "11010519491231002X"),
        ("02", "军字第1234567号", "军字第1234567号"),
        ("03", "E12345678", "E12345678"),
        ("03", "x1234567", "X1234567"),
        ("04", "H12345678", "H12345678"),
        ("04", "m1234567801", "M1234567801"),
        ("05", "12345678", "12345678"),
        ("05", "0123456701", "0123456701"),
        ("05", "0123456701(B)", "0123456701B"),
        ("06", "810000199408230021", "810000199408230021"),
        ("07", "830000199408230025", "830000199408230025"),
        ("08", "911124198108030024", "911124198108030024"),
        ("08", "ABC123456789012", "ABC123456789012"),
        ("99", "A-1", "A-1"),
    ],
)
def test_well_formed_numbers(type: str, written: str, stored: str) -> None:
    assert documents.check(type, written) == stored


@pytest.mark.parametrize(
    ("type", "written", "code"),
    [
        ("01", "", "required"),
        ("01", "110105194912310020", "check_digit"),  # X typed as 0
        ("01", "110105194912310021", "check_digit"),
        ("01", "1101051949123100", "length"),
        ("01", "110105491231002", "old"),
        ("01", "11010519491231002A", "format"),
        ("01", "X1010519491231002X", "format"),
        ("01", "990105194912310023", "region"),
        ("01", "110105194913310021", "birth_date"),
        ("01", "110105202302290022", "birth_date"),
        ("01", "110105209912310029", "birth_date"),  # not born yet
        ("02", "123", "format"),
        ("02", "1234567890123456789012", "format"),
        ("03", "E123", "format"),
        ("03", "E1234567890123456789", "format"),
        ("03", "护照1234567", "format"),
        ("04", "A12345678", "format"),
        ("04", "H123456789", "format"),
        ("05", "1234567", "format"),
        ("06", "830000199408230025", "region"),
        ("06", "810000199408230022", "check_digit"),
        ("07", "810000199408230021", "region"),
        ("08", "811124198108030025", "format"),
        ("08", "911124198108030025", "check_digit"),
        ("99", "=cmd()", "format"),
        ("99", "A", "format"),
        ("", "11010519491231002X", "type"),
        ("42", "11010519491231002X", "type"),
    ],
)
def test_faults_have_a_name(type: str, written: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        documents.check(type, written)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("type", "number", "shown"),
    [
        ("01", "11010519491231002X", "110105********002X"),
        ("08", "ABC123456789012", "ABC123*****9012"),
        ("03", "E12345678", "E12****78"),
        ("04", "H1234567801", "H12******01"),
        ("05", "12345678", "12****78"),
        ("99", "A-1", "***"),
    ],
)
def test_masks(type: str, number: str, shown: str) -> None:
    assert documents.mask(type, number) == shown


@pytest.mark.parametrize(
    ("type", "number", "sex", "born"),
    [
        ("01", "11010519491231002X", Sex.FEMALE, date(1949, 12, 31)),
        ("01", "34052419800101001X", Sex.MALE, date(1980, 1, 1)),
        ("06", "810000199408230021", Sex.FEMALE, date(1994, 8, 23)),
        ("03", "E12345678", Sex.UNKNOWN, None),
        ("08", "911124198108030024", Sex.UNKNOWN, None),
    ],
)
def test_what_a_number_tells(type: str, number: str, sex: Sex, born: date | None) -> None:
    assert documents.facts_of(type, number) == (sex, born)


def test_a_digest_knows_its_person_however_the_number_is_written() -> None:
    digest = documents.digest("01", "11010519491231002X")
    assert documents.digest("01", "１１０１０５ 19491231 002x") == digest
    assert documents.digest("99", "11010519491231002X") != digest
    assert len(digest) == 64


def test_a_renewed_travel_permit_is_the_same_person() -> None:
    assert documents.digest("04", "H1234567801") == documents.digest("04", "H1234567802")
    assert documents.digest("04", "H12345678") == documents.digest("04", "H1234567801")
    assert documents.digest("04", "H12345679") != documents.digest("04", "H12345678")


def test_an_old_number_is_brought_up_to_date() -> None:
    assert documents.upgrade_old("110105491231002") == "11010519491231002X"
    with pytest.raises(ValidationError):
        documents.upgrade_old("11010519491231002X")


@pytest.mark.parametrize("type", documents.FORMATS)
def test_the_example_told_for_each_type_passes_its_own_check(type: str) -> None:
    told = str(documents.FORMATS[type])
    example = re.search(r"如 ([^\s；。]+)", told)
    assert example is None if type == "99" else example and documents.check(type, example[1]) == example[1]


def test_every_type_tells_how_its_number_is_written() -> None:
    assert list(documents.FORMATS) == list(DocumentType)
