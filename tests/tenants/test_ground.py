"""Accounts, passwords, digests and sealed fields."""

from __future__ import annotations

import base64
import os

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import IntegrityError, transaction
from django.utils import translation
from pytest_django import Settings

from tenants import crypto, roles
from tenants.access import record_look
from tenants.crossing import Desk, standing
from tenants.models import AccessRecord, Agency, User
from tenants.passwords import LengthAndClasses
from tests.tenants import rows

# --- Accounts ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_applicants_account_is_opaque_and_cannot_be_used_before_its_password_is_set() -> None:
    user = User.objects.create_applicant(name="张三")
    assert (user.kind, user.username[:2], len(user.username)) == ("applicant", "p-", 38)
    assert not user.has_usable_password()
    assert user.display_name == "张三"


@pytest.mark.django_db
def test_nobody_is_a_superuser() -> None:
    with pytest.raises(IntegrityError, match="user_no_superuser"), transaction.atomic():
        User.objects.create_staff(username="root", name="超级", is_superuser=True)


@pytest.mark.django_db
def test_an_agencys_name_follows_the_language(beijing: Agency) -> None:
    assert beijing.name == "北京市应急管理局"
    with translation.override("en"):
        assert beijing.name == "Beijing Emergency Management Bureau"
    beijing.name_en = ""
    with translation.override("en"):
        assert beijing.name == "北京市应急管理局"


@pytest.mark.django_db
def test_a_look_at_a_full_number_is_recorded_where_it_happened(beijing: Agency, authority: Agency) -> None:
    li = User.objects.create_staff(username="li", name="李审")
    roles.grant(user=li, agency=beijing, role=roles.REVIEWER, by=None)
    who = rows.person("张三")
    with standing(Desk.AGENCY, beijing):
        record_look(by=li, person_id=who.pk, reason="核对证件")
    with standing(Desk.AUTHORITY, authority):
        record_look(by=li, person_id=who.pk, reason="终审核对")
    assert list(AccessRecord.objects.order_by("at").values_list("agency__code", "reason")) == [
        ("beijing", "核对证件"),
        ("authority", "终审核对"),
    ]


# --- Passwords ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "faults"),
    [
        ("Abcdef12", []),
        ("abcdef1!", []),
        ("ABCDEF密1", []),
        ("Abcde1!", ["password_short"]),
        ("abcdefgh1", ["password_simple"]),
        ("12345678", ["password_simple"]),
        ("", ["password_short", "password_simple"]),
    ],
)
def test_passwords(password: str, faults: list[str]) -> None:
    try:
        LengthAndClasses().validate(password)
    except ValidationError as error:
        assert [fault.code for fault in error.error_list] == faults
    else:
        assert faults == []


# --- Digests and sealed fields -----------------------------------------------------------------------


def test_what_was_sealed_opens_again_and_never_looks_the_same_twice() -> None:
    number = "11010519491231002X"
    once, twice = crypto.encrypt(number), crypto.encrypt(number)
    assert once != twice
    assert number.encode() not in once
    assert (crypto.decrypt(once), crypto.decrypt(memoryview(twice))) == (number, number)


def test_an_altered_seal_is_noticed() -> None:
    sealed = bytearray(crypto.encrypt("11010519491231002X"))
    sealed[-1] ^= 1
    with pytest.raises(ValueError, match="altered"):
        crypto.decrypt(bytes(sealed))


def test_older_keys_still_open_and_unknown_ones_do_not(settings: Settings) -> None:
    old, new = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    settings.FIELD_KEYS = [old]
    sealed = crypto.encrypt("number")
    settings.FIELD_KEYS = [new, old]
    assert crypto.decrypt(sealed) == "number"
    settings.FIELD_KEYS = [new]
    with pytest.raises(ValueError, match="FIELD_KEYS"):
        crypto.decrypt(sealed)
    settings.FIELD_KEYS = [base64.b64encode(b"short").decode()]
    with pytest.raises(ImproperlyConfigured):
        crypto.encrypt("number")


def test_digests(settings: Settings) -> None:
    settings.DIGEST_KEY = "key"
    first = crypto.keyed_digest("11010519491231002X")
    assert (len(first), crypto.keyed_digest("11010519491231002X")) == (64, first)
    settings.DIGEST_KEY = "other"
    assert crypto.keyed_digest("11010519491231002X") != first
    assert crypto.sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_one_value_has_one_canonical_form() -> None:
    assert crypto.canonical_json({"乙": [1, None], "a": "张"}) == '{"a":"张","乙":[1,null]}'.encode()
    assert crypto.canonical_json({"a": 1, "b": 2}) == crypto.canonical_json({"b": 2, "a": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        crypto.canonical_json(float("nan"))
