"""Verification codes: long enough, easy to read, and a slip of the pen is noticed."""

from __future__ import annotations

from itertools import product
from math import log2

import pytest
from django.core.exceptions import ValidationError

from register.certificates import codes


def test_a_code_has_more_than_eighty_random_bits_and_no_two_are_alike() -> None:
    assert codes.RANDOM * log2(len(codes.ALPHABET)) > 80
    drawn = [codes.draw() for _time in range(2000)]
    assert len(set(drawn)) == 2000
    assert set("".join(drawn)) == set(codes.ALPHABET)
    assert {codes.check(code) for code in drawn} == set(drawn)
    assert not set("01ILO") & set(codes.ALPHABET)


def test_every_single_slip_and_every_exchange_of_neighbours_is_noticed() -> None:
    code = codes.draw()
    slips = [
        code[:place] + sign + code[place + 1 :]
        for place, sign in product(range(len(code)), codes.ALPHABET)
        if sign != code[place]
    ]
    slips += [
        code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        for place in range(len(code) - 1)
        if code[place] != code[place + 1]
    ]
    for slip in slips:
        with pytest.raises(ValidationError):
            codes.check(slip)


def test_a_code_is_read_however_it_is_written() -> None:
    code = codes.draw()
    shown = codes.grouped(code)
    assert [len(group) for group in shown.split("-")] == [4, 4, 4, 4, 4]
    for written in (shown, shown.lower(), f"  {code} ", shown.replace("-", " "), shown.replace("-", "－")):
        assert codes.check(written) == code


@pytest.mark.parametrize("text", ["", "A", "A" * 21, "0" * 20, "！" * 20, "𠮷" * 20, "'" * 20])
def test_what_can_be_no_code(text: str) -> None:
    with pytest.raises(ValidationError):
        codes.check(text)
