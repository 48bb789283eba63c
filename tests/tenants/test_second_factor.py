"""The second factor: set up, given, lost; and what stands of it in the books."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils import timezone
from django_otp.oath import hotp
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from pytest_django import DjangoAssertNumQueries, Settings

from tenants import second_factor
from tenants.crossing import Desk, standing
from tenants.errors import Refusal
from tenants.models import Authenticator, SettingChange, User
from tenants.session_store import SessionStore
from tests.cast import APP_KEY, Cast

pytestmark = pytest.mark.django_db


def app_of(user: User, *, confirmed: bool = True) -> Authenticator:
    return Authenticator.objects.get(user=user, confirmed=confirmed)


def waited(user: User) -> None:
    """As long after the last wrong code as one has to wait."""
    long_ago = timezone.now() - timedelta(days=1)
    for model in (Authenticator, StaticDevice):
        model.objects.filter(user=user).update(throttling_failure_timestamp=long_ago)


def replaced(user: User) -> list[str]:
    """Another app in place of the one before; its recovery codes."""
    second_factor.enrol(user)
    return second_factor.confirm(user, app_of(user, confirmed=False).next_code())


# --- Setting up --------------------------------------------------------------------------------------


def test_a_key_is_stored_sealed_and_fits_its_column(cast: Cast) -> None:
    app = second_factor.enrol(cast.user("li"))
    stored = Authenticator.objects.values_list("key", flat=True).get(pk=app.pk)
    assert len(app.bin_key) == 20
    assert len(stored) <= 80
    assert app.bin_key.hex() not in stored
    assert {app.bin_key for app in Authenticator.objects.exclude(pk=app.pk)} == {APP_KEY}


def test_the_key_shown_stays_the_same_for_an_hour(cast: Cast) -> None:
    li = cast.user("li")
    first = second_factor.enrol(li)
    assert second_factor.enrol(li).bin_key == first.bin_key
    Authenticator.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(minutes=61))
    assert second_factor.enrol(li).bin_key != first.bin_key
    assert Authenticator.objects.filter(user=li, confirmed=False).count() == 1


def test_the_secret_is_shown_in_groups_of_four(cast: Cast) -> None:
    groups = second_factor.secret_of(second_factor.enrol(cast.user("li"))).split(" ")
    assert [len(group) for group in groups] == [4] * 8


def test_the_address_in_the_picture_names_account_and_house(cast: Cast) -> None:
    address = second_factor.enrol(cast.user("li")).config_url
    assert address.startswith("otpauth://totp/")
    assert "li.beijing" in address
    assert "digits=6" in address


def test_an_app_counts_only_once_its_first_code_is_given(cast: Cast) -> None:
    li = cast.user("li")
    before = li.second_factor_mark
    app = second_factor.enrol(li)
    assert not second_factor.fits(li, "000000x")
    with pytest.raises(Refusal, match="验证码不正确"):
        second_factor.confirm(li, wrong(app))
    assert app_of(li).bin_key == APP_KEY
    assert li.second_factor_mark == before
    waited(li)
    code = app_of(li, confirmed=False).next_code()
    assert second_factor.fits(li, code)
    assert len(second_factor.confirm(li, code)) == 10
    assert app_of(li).bin_key == app.bin_key
    li.refresh_from_db()
    assert li.second_factor_mark not in ("", before)


def test_without_a_key_asked_for_nothing_is_confirmed(cast: Cast) -> None:
    with pytest.raises(Refusal):
        second_factor.confirm(cast.user("li"), "123456")


def test_the_first_code_does_not_sign_in_as_well(cast: Cast) -> None:
    li = cast.user("li")
    code = second_factor.enrol(li).next_code()
    second_factor.confirm(li, code)
    assert not second_factor.verify(li, code)


def test_known_keys_are_for_demonstrations_only(cast: Cast, settings: Settings) -> None:
    settings.TESTING = settings.DEMO = False
    with pytest.raises(Refusal):
        second_factor.install(cast.user("li"), key=APP_KEY)


# --- Giving a code -----------------------------------------------------------------------------------


def wrong(app: Authenticator) -> str:
    """Six digits that the app shows neither now nor soon."""
    now = app._app().t()
    shown = {hotp(app.bin_key, now + step) for step in range(-3, 4)}
    return f"{next(number for number in range(1000) if number not in shown):06d}"


@pytest.mark.parametrize(
    ("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)], ids=str
)
def test_a_clock_may_differ_by_one_step(cast: Cast, steps: int, right: bool) -> None:
    li = cast.user("li")
    # A step that has just begun: none ends while the test runs.
    Authenticator.objects.filter(user=li).update(t0=int(time.time()) - 30 * 100, last_t=-1)
    assert second_factor.verify(li, f"{hotp(APP_KEY, 100 + steps):06d}") == right


@pytest.mark.parametrize("shape", ["{}", " {} ", "{0[0]}{0[1]}{0[2]} {0[3]}{0[4]}{0[5]}"])
def test_how_a_code_is_typed_does_not_matter(cast: Cast, shape: str) -> None:
    assert second_factor.verify(cast.user("li"), shape.format(app_of(cast.user("li")).next_code()))


def test_wide_digits_are_digits(cast: Cast) -> None:
    code = app_of(cast.user("li")).next_code().translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    assert second_factor.verify(cast.user("li"), code)


@pytest.mark.parametrize(
    "code", ["", "x", "12345", "1234567", "-12345", "+12345", "١٢٣٤٥٦", "a" * 30, "\0" * 6]
)
def test_what_is_no_code_is_wrong_and_no_error(cast: Cast, code: str) -> None:
    assert not second_factor.verify(cast.user("li"), code)


def test_a_code_counts_once(cast: Cast) -> None:
    li = cast.user("li")
    code = app_of(li).next_code()
    assert second_factor.verify(li, code)
    waited(li)
    assert not second_factor.verify(li, code)
    waited(li)
    assert second_factor.verify(li, app_of(li).next_code())


def test_another_ones_code_is_wrong(cast: Cast) -> None:
    codes = replaced(cast.user("liu"))
    assert not second_factor.verify(cast.user("li"), app_of(cast.user("liu")).next_code())
    assert not second_factor.verify(cast.user("li"), codes[0])


def test_after_each_wrong_code_one_waits_twice_as_long(cast: Cast) -> None:
    li = cast.user("li")
    for failures, pause in ((1, 1), (2, 2), (3, 4)):
        assert not second_factor.verify(li, wrong(app_of(li)))
        app = app_of(li)
        assert app.throttling_failure_count == failures
        app.throttling_failure_timestamp = timezone.now() - timedelta(seconds=pause - 0.5)
        app.save()
        assert not second_factor.verify(li, app.next_code())
        waited(li)
    assert second_factor.verify(li, app_of(li).next_code())
    assert app_of(li).throttling_failure_count == 0


def test_a_key_not_confirmed_opens_nothing(cast: Cast) -> None:
    app = second_factor.enrol(cast.user("li"))
    assert not second_factor.verify(cast.user("li"), app.next_code())


# --- Recovery codes ----------------------------------------------------------------------------------


def test_recovery_codes_are_ten_and_only_their_digests_are_kept(cast: Cast) -> None:
    li = cast.user("li")
    codes = replaced(li)
    assert len(set(codes)) == 10
    assert all(len(code) == 11 and code[5] == "-" for code in codes)
    kept = set(StaticToken.objects.filter(device__user=li).values_list("token", flat=True))
    assert len(kept) == 10
    assert not kept & {second_factor.plain(code) for code in codes}
    assert not any(second_factor.verify(li, digest) for digest in list(kept)[:1])


def test_a_recovery_code_counts_once(cast: Cast) -> None:
    li = cast.user("li")
    first, second, *_rest = replaced(li)
    assert second_factor.verify(li, f" {first.upper()} ")
    assert second_factor.standing_of(li).codes_left == 9
    assert not second_factor.verify(li, first)
    waited(li)
    assert second_factor.verify(li, second.replace("-", ""))


def test_new_codes_make_the_ones_before_void(cast: Cast) -> None:
    li = cast.user("li")
    old = replaced(li)
    new = second_factor.new_codes(li)
    assert not set(old) & set(new)
    assert not second_factor.verify(li, old[0])
    waited(li)
    assert second_factor.verify(li, new[0])


# --- The session's mark ------------------------------------------------------------------------------


def renewed(user: User) -> None:
    second_factor.renew_mark(user)


def other_app(user: User) -> None:
    replaced(user)


def none_left(user: User) -> None:
    second_factor.reset(user, User.objects.get(username="chen.beijing"))


def test_a_session_carries_both_factors_of_its_own_account(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    request = RequestFactory().get("/")
    request.session = SessionStore()
    for who in (AnonymousUser(), cast.user("li")):
        request.user = who
        assert not second_factor.is_in(request)
    second_factor.let_in(request, cast.user("li"))
    with django_assert_num_queries(0):
        assert second_factor.is_in(request)
    for other in (AnonymousUser(), cast.user("liu")):
        request.user = other
        assert not second_factor.is_in(request)


@pytest.mark.parametrize("change", [renewed, other_app, none_left])
def test_every_change_of_the_second_factor_ends_the_sessions(
    cast: Cast, change: Callable[[User], None]
) -> None:
    request = RequestFactory().get("/")
    request.session = SessionStore()
    second_factor.let_in(request, cast.user("li"))
    change(User.objects.get(pk=cast.user("li").pk))
    request.user = User.objects.get(pk=cast.user("li").pk)
    assert not second_factor.is_in(request)


# --- Lost --------------------------------------------------------------------------------------------


def test_a_reset_takes_everything_away_and_is_recorded(cast: Cast) -> None:
    li, chen = cast.user("li"), cast.user("chen")
    codes = replaced(li)
    second_factor.enrol(li)
    with standing(Desk.AGENCY, cast.beijing):
        second_factor.reset(li, chen)
    assert not second_factor.is_set_up(User.objects.get(pk=li.pk))
    assert not Authenticator.objects.filter(user=li).exists()
    assert not second_factor.verify(li, codes[0])
    record = SettingChange.objects.get()
    assert (record.agency, record.user, record.field, record.before) == (
        cast.beijing,
        chen,
        "second_factor",
        "li.beijing",
    )


def test_nobody_resets_the_own(cast: Cast) -> None:
    with pytest.raises(Refusal, match="不能重置自己的"):
        second_factor.reset(cast.user("chen"), cast.user("chen"))
    assert second_factor.is_set_up(User.objects.get(pk=cast.user("chen").pk))


def test_an_account_without_an_agency_is_not_reset(cast: Cast) -> None:
    stray = User.objects.create_staff(username="stray", name="无机构")
    with pytest.raises(Refusal):
        second_factor.reset(stray, cast.user("chen"))


@pytest.mark.walls
def test_an_agency_reaches_the_devices_of_its_own_staff_only(cast: Cast) -> None:
    replaced(cast.user("he"))
    with standing(Desk.AGENCY, cast.beijing):
        seen = set(Authenticator.objects.values_list("user__username", flat=True))
        assert seen == {"li.beijing", "liu.beijing", "wang.beijing", "chen.beijing", "xu.beijing"}
        assert not StaticToken.objects.exists()
        assert Authenticator.objects.filter(user=cast.user("he").pk).delete()[0] == 0
    assert Authenticator.objects.filter(user=cast.user("he")).exists()
