"""Proofs that travel by e-mail: whose they are, how long they hold, and what makes them void."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import signing
from django.utils import timezone

from tenants import credentials
from tenants.models import User

pytestmark = pytest.mark.django_db

PASSWORD = "Synthetic-pass-1"


def account(email: str = "zhang@example.cn") -> User:
    user = User.objects.create_applicant(name="张测", email=email, email_verified=True)
    user.set_password(PASSWORD)
    user.save()
    return user


def test_a_proof_for_the_password_opens_its_own_account_only() -> None:
    zhang, sun = account(), account()
    proof = credentials.password_proof(zhang)
    assert credentials.proves_password(zhang, proof)
    assert not credentials.proves_password(sun, proof)
    assert not credentials.proves_password(zhang, proof[:-1] + ("a" if proof[-1] != "a" else "b"))
    assert not credentials.proves_password(zhang, "")


@pytest.mark.parametrize(
    "change",
    [
        {"password": "another hash"},
        {"email": "other@example.cn"},
        {"last_login": timezone.now()},
        {"is_active": False},
        {"password": "!unset"},
    ],
)
def test_whatever_overtakes_it_makes_a_proof_for_the_password_void(change: dict[str, object]) -> None:
    user = account()
    proof = credentials.password_proof(user)
    for name, value in change.items():
        setattr(user, name, value)
    assert not credentials.proves_password(user, proof)


@pytest.mark.parametrize(("minutes", "holds"), [(29, True), (30, True), (31, False)])
def test_a_proof_for_the_password_holds_half_an_hour(
    monkeypatch: pytest.MonkeyPatch, minutes: int, holds: bool
) -> None:
    user = account()
    proof = credentials.password_proof(user)
    later = datetime.now() + timedelta(minutes=minutes)  # noqa: DTZ005 - as Django reads it
    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: later)
    assert credentials.proves_password(user, proof) is holds


def test_a_proof_of_an_address_holds_for_that_address_and_account() -> None:
    zhang, sun = account(), account()
    proof = credentials.email_proof(zhang)
    assert credentials.proves_email(zhang, proof)
    assert not credentials.proves_email(sun, proof)
    zhang.email = "other@example.cn"
    assert not credentials.proves_email(zhang, proof)
    zhang.email = ""
    assert not credentials.proves_email(zhang, proof)


def test_a_proof_of_an_address_names_none() -> None:
    assert "zhang" not in credentials.email_proof(account())


def test_a_proof_of_an_address_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    user = account()
    proof = credentials.email_proof(user)
    monkeypatch.setattr(credentials, "EMAIL_SECONDS", -1)
    assert not credentials.proves_email(user, proof)


@pytest.mark.parametrize("forged", ["", "x", "a:b:c", "\0", "长" * 5000])
def test_nonsense_proves_nothing(forged: str) -> None:
    user = account()
    assert not credentials.proves_email(user, forged)
    assert not credentials.proves_password(user, forged)
    mark = credentials.email_proof(user).split(":")[0]
    made_by_hand = signing.TimestampSigner(salt="another").sign(f"{user.pk}.{mark}").partition(".")[2]
    assert not credentials.proves_email(user, made_by_hand)
