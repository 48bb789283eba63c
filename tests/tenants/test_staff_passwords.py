"""Passwords of staff: how old they may become, and which may not come again."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from pytest_django import Settings

from tenants import credentials, staff_passwords
from tenants.crossing import Desk, standing
from tenants.models import FormerPassword, User
from tests.cast import PASSWORD, Cast

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def refused(user: User, password: str) -> list[str]:
    try:
        staff_passwords.check(user, password)
    except ValidationError as faults:
        return [str(message) for message in faults.messages]
    return []


@pytest.mark.parametrize(
    ("age", "too_old"),
    [(timedelta(0), False), (89 * DAY, False), (90 * DAY - timedelta(minutes=1), False), (90 * DAY, True)],
    ids=str,
)
def test_a_password_grows_too_old(cast: Cast, age: timedelta, too_old: bool) -> None:
    li = cast.user("li")
    li.password_set_at = timezone.now() - age
    assert staff_passwords.too_old(li) == too_old


def test_a_password_given_by_somebody_else_is_too_old_at_once(cast: Cast) -> None:
    assert staff_passwords.too_old(User.objects.create_staff(username="x", name="某", password=PASSWORD))


def test_the_days_are_a_setting(cast: Cast, settings: Settings) -> None:
    li = cast.user("li")
    li.password_set_at = timezone.now() - 31 * DAY
    settings.STAFF_PASSWORD_DAYS = 30
    assert staff_passwords.too_old(li)


@pytest.mark.parametrize(
    ("password", "right"),
    [
        ("Short-1", False),
        ("longenough", False),
        ("Longenough", False),
        ("Longenough1", True),
        ("longenough-1", True),
        ("汉字密码Abc1", True),
        ("Li.beijing1", False),
    ],
)
def test_eight_letters_of_three_classes(cast: Cast, password: str, right: bool) -> None:
    assert (refused(cast.user("li"), password) == []) == right


def test_none_of_the_last_five_again(cast: Cast) -> None:
    li = cast.user("li")
    used = [PASSWORD, *(f"Another-pass-{n}" for n in range(2, 7))]
    for password in used[1:]:
        assert refused(li, password) == []
        staff_passwords.change(li, password)
    assert [refused(li, password) for password in used[1:]] == [
        ["新密码不能与最近五次使用过的密码相同。"]
    ] * 5
    assert refused(li, PASSWORD) == []
    assert FormerPassword.objects.filter(user=li).count() == 4


def test_a_new_password_is_dated_and_stored_as_a_hash(cast: Cast) -> None:
    li = cast.user("li")
    User.objects.filter(pk=li.pk).update(password_set_at=None)
    before = timezone.now()
    staff_passwords.change(li, "Another-pass-2")
    li = User.objects.get(pk=li.pk)
    assert li.check_password("Another-pass-2")
    assert li.password_set_at is not None
    assert li.password_set_at >= before
    assert not FormerPassword.objects.filter(hash__contains=PASSWORD).exists()


def test_a_void_password_opens_nothing_and_does_not_come_again(cast: Cast) -> None:
    li = cast.user("li")
    staff_passwords.void(li)
    li = User.objects.get(pk=li.pk)
    assert not li.has_usable_password()
    assert refused(li, PASSWORD) == ["新密码不能与最近五次使用过的密码相同。"]
    staff_passwords.void(li)
    assert FormerPassword.objects.filter(user=li).count() == 1


@pytest.mark.walls
def test_former_passwords_of_another_agency_are_out_of_reach(cast: Cast) -> None:
    staff_passwords.change(cast.user("he"), "Another-pass-2")
    with standing(Desk.AGENCY, cast.beijing):
        assert not FormerPassword.objects.exists()


# --- Invitations -------------------------------------------------------------------------------------


@pytest.fixture
def invited(cast: Cast) -> User:
    return User.objects.create_staff(username="new.beijing", name="新人", home=cast.beijing)


def test_an_invitation_opens_its_own_account_until_there_is_a_password(cast: Cast, invited: User) -> None:
    proof = credentials.invitation_proof(invited)
    assert credentials.accepts_invitation(invited, proof)
    other = User.objects.create_staff(username="other.beijing", name="旁人", home=cast.beijing)
    assert not credentials.accepts_invitation(other, proof)
    staff_passwords.change(invited, PASSWORD)
    assert not credentials.accepts_invitation(invited, proof)
    # Void again, invited again: the link of the first time stays void.
    staff_passwords.void(invited)
    assert not credentials.accepts_invitation(invited, proof)
    assert credentials.accepts_invitation(invited, credentials.invitation_proof(invited))


@pytest.mark.parametrize(("days", "open_"), [(0, True), (6.99, True), (7.01, False)])
def test_an_invitation_holds_for_seven_days(
    invited: User, days: float, open_: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = credentials.invitation_proof(invited)
    sent = time.time()
    monkeypatch.setattr("django.core.signing.time.time", lambda: sent + days * 86400)
    assert credentials.accepts_invitation(invited, proof) == open_


@pytest.mark.parametrize("proof", ["", "x", "a:b:c", "a.b:c:d", "\0"])
def test_what_is_no_proof_opens_nothing(invited: User, proof: str) -> None:
    assert not credentials.accepts_invitation(invited, proof)


def test_who_is_deactivated_or_no_staff_is_not_invited(cast: Cast, invited: User) -> None:
    proof = credentials.invitation_proof(invited)
    invited.is_active = False
    assert not credentials.accepts_invitation(invited, proof)
    applicant = cast.zhang.user
    assert not credentials.accepts_invitation(applicant, credentials.invitation_proof(applicant))
