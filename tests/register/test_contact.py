from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError

from register import contact, employer


@pytest.mark.parametrize(
    ("check", "written", "stored"),
    [
        (contact.check_mobile, "13800005678", "13800005678"),
        (contact.check_mobile, "+86 138-0000-5678", "13800005678"),
        (contact.check_mobile, "１３８００００５６７８", "13800005678"),
        (contact.check_phone, "010-12345678", "010-12345678"),
        (contact.check_phone, "(010)12345678", "010-12345678"),
        (contact.check_phone, "0531—8765432－801", "0531-8765432-801"),
        (contact.check_phone, "13800005678", "13800005678"),
        (contact.check_postcode, "100020", "100020"),
        (contact.check_email, " zhang@example.cn ", "zhang@example.cn"),
    ],
)
def test_well_written(check: Callable[[str], str], written: str, stored: str) -> None:
    assert check(written) == stored


@pytest.mark.parametrize(
    ("check", "written"),
    [
        (contact.check_mobile, "12800005678"),
        (contact.check_mobile, "1380000567"),
        (contact.check_mobile, "138٠٠٠٠5678"),
        (contact.check_phone, "12345"),
        (contact.check_phone, "abc"),
        (contact.check_postcode, "10002"),
        (contact.check_postcode, "ABCDEF"),
        (contact.check_email, "zhang"),
        (contact.check_email, f"{'a' * 250}@x.cn"),
    ],
)
def test_badly_written(check: Callable[[str], str], written: str) -> None:
    with pytest.raises(ValidationError):
        check(written)


def test_contacts_are_masked() -> None:
    assert contact.mask_mobile("13800005678") == "138****5678"
    assert contact.mask_email("zhang@x.cn") == "z***@x.cn"


@pytest.mark.parametrize(
    "code",
    [
        "91350100M000100Y43",  # the worked example of GB 32100, with its check character put right
        "91110000MA00000152",
        "91310000MA1ABCDE8U",
        "12100000400000018N",
        "91320000MA1X00017T",
        "91110000100010433L",
        "N2110101MF00000007",  # a rural co-operative: letters may stand first
    ],
)
def test_credit_codes(code: str) -> None:
    if code.startswith("N"):
        code = employer.with_check_character(code[:17])
    assert employer.check_uscc(f" {code[:8].lower()}-{code[8:]} ") == code


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("91350100M000100Y4Z", "format"),  # as printed in the standard: Z is not of its alphabet
        ("91350100M000100Y44", "check"),
        ("91110000MA0000015", "length"),
        ("9111000OMA00000152", "format"),
        ("", "length"),
    ],
)
def test_wrong_credit_codes(code: str, fault: str) -> None:
    with pytest.raises(ValidationError) as refused:
        employer.check_uscc(code)
    assert refused.value.code == fault


def test_an_odd_organisation_code_is_only_a_hint() -> None:
    assert employer.code_warning("91110000100010433L") is None
    assert employer.code_warning("91110000MA00000165") is not None
    assert employer.check_uscc("91110000MA00000165") == "91110000MA00000165"


def test_organs_of_the_state_are_known_by_their_code() -> None:
    assert employer.is_state_organ("11100000000013127D")
    assert not employer.is_state_organ("12100000400000018N")
