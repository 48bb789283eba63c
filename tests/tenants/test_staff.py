"""The people of an agency: who may change whom, which roles may meet, who may be away; and other agencies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from tenants import roles, second_factor, staff, staff_passwords
from tenants.crossing import Desk, standing
from tenants.errors import Refusal
from tenants.models import Absence, Agency, RoleGrant, SettingChange, User
from tenants.rolebook import AGENCY_ROLES, AUTHORITY_ROLES, stay_apart
from tenants.staff import Particulars
from tests.cast import PASSWORD, Cast

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 23)
NOW = timezone.now()


def day(number: int) -> date:
    return TODAY + timedelta(days=number)


def refused(act: Callable[[], Any]) -> str:
    """The code with which an act is refused."""
    with pytest.raises(Refusal) as no:
        act()
    return no.value.code


def at(agency: Agency) -> Any:
    """Stand at an agency's desk, where its walls are on."""
    return standing(Desk.AUTHORITY if agency.is_authority else Desk.AGENCY, agency)


def taken_on(cast: Cast, username: str, *codes: str, name: str = "新经办") -> User:
    with at(cast.beijing):
        return staff.invite(
            agency=cast.beijing, name=name, username=username, email="", roles=codes, by=cast.user("chen")
        )


# --- Which roles may meet ----------------------------------------------------------------------------

WORK, HOUSE, AUDIT = ("reviewer", "supervisor"), ("manager",), ("auditor",)


@pytest.mark.parametrize(
    ("codes", "may"),
    [
        *(((role.code,), True) for role in (*AGENCY_ROLES, *AUTHORITY_ROLES)),
        ((), True),
        (("reviewer", "supervisor"), True),
        (("final_reviewer", "signing_officer", "registrar"), True),
        (("manager", "reviewer"), False),
        (("manager", "supervisor"), False),
        (("manager", "auditor"), False),
        (("auditor", "reviewer"), False),
        (("auditor", "supervisor"), False),
        (("administrator", "registrar"), False),
        (("administrator", "final_reviewer"), False),
        (("authority_auditor", "signing_officer"), False),
        (("authority_auditor", "administrator"), False),
        (("reviewer", "supervisor", "manager", "auditor"), False),
    ],
)
def test_three_duties_stay_apart(codes: tuple[str, ...], may: bool) -> None:
    assert stay_apart(codes) is may


def test_duties_meet_by_no_way(cast: Cast) -> None:
    """Not at once, not one after the other, not by granting directly."""
    chen, beijing, li = cast.user("chen"), cast.beijing, cast.user("li")
    with at(beijing):
        assert (
            refused(lambda: staff.set_roles(user=li, agency=beijing, wanted=["reviewer", "manager"], by=chen))
            == "duties"
        )
        assert refused(lambda: roles.grant(user=li, agency=beijing, role="auditor", by=chen)) == "duties"
        assert roles.roles_of(li, beijing) == {"reviewer"}
        staff.set_roles(user=li, agency=beijing, wanted=["auditor"], by=chen)
        assert roles.roles_of(li, beijing) == {"auditor"}


# --- Invitations ---------------------------------------------------------------------------------------


def test_an_invited_colleague_belongs_to_the_agency_and_has_no_password(cast: Cast) -> None:
    user = taken_on(cast, "Zheng.Beijing", "reviewer", "supervisor")
    assert (user.username, user.home, user.has_usable_password()) == ("zheng.beijing", cast.beijing, False)
    with at(cast.beijing):
        assert roles.roles_of(user, cast.beijing) == {"reviewer", "supervisor"}
        grants = [(g.role, g.granted_by) for g in staff.grants_of(user, cast.beijing).order_by("role")]
    assert grants == [("reviewer", cast.user("chen")), ("supervisor", cast.user("chen"))]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"roles": []}, "no_role"),
        ({"roles": ["final_reviewer"]}, "role_not_here"),
        ({"roles": ["nonsense"]}, "role_not_here"),
        ({"roles": ["reviewer", "auditor"]}, "duties"),
        ({"username": "li.beijing"}, "username"),
        # The name of an account that this agency does not even see.
        ({"username": "he.mohurd"}, "username"),
    ],
)
def test_refused_invitations_leave_nothing(cast: Cast, changes: dict[str, Any], code: str) -> None:
    wish: dict[str, Any] = {"name": "新", "username": "new.beijing", "email": "", "roles": ["reviewer"]}
    before = User.objects.count(), RoleGrant.objects.count()
    with at(cast.beijing):
        wish = {**wish, **changes}
        assert refused(lambda: staff.invite(agency=cast.beijing, by=cast.user("chen"), **wish)) == code
    assert (User.objects.count(), RoleGrant.objects.count()) == before


@pytest.mark.parametrize("who", ["li", "wang", "xu", "he"])
def test_only_a_manager_of_the_agency_acts(cast: Cast, who: str) -> None:
    by, li, beijing = cast.user(who), cast.user("liu"), cast.beijing
    acts: list[Callable[[], Any]] = [
        lambda: staff.invite(agency=beijing, name="新", username="x1", email="", roles=["reviewer"], by=by),
        lambda: staff.change(user=li, agency=beijing, particulars=Particulars(name="刘"), by=by),
        lambda: staff.deactivate(user=li, agency=beijing, by=by, at=NOW),
        lambda: staff.set_roles(user=li, agency=beijing, wanted=[], by=by),
        lambda: staff.void_password(user=li, agency=beijing, by=by),
        lambda: staff.renew_invitation(user=li, agency=beijing, by=by),
        lambda: staff.to_be_freed(user=li, agency=beijing, by=by),
    ]
    with at(beijing):
        assert [refused(act) for act in acts] == ["role"] * len(acts)


# --- The other agency ----------------------------------------------------------------------------------


def test_the_other_agencys_people_are_neither_seen_nor_changed(cast: Cast) -> None:
    chen, he, beijing = cast.user("chen"), cast.user("he"), cast.beijing
    with at(beijing):
        seen = {user.username for user in staff.members(beijing)}
        assert seen == {f"{key}.beijing" for key in ("li", "liu", "wang", "chen", "xu")}
        assert set(staff.held_on(beijing)) == {cast.user(k).pk for k in ("li", "liu", "wang", "chen", "xu")}
        acts: list[Callable[[], Any]] = [
            lambda: staff.change(user=he, agency=beijing, particulars=Particulars(name="改"), by=chen),
            lambda: staff.deactivate(user=he, agency=beijing, by=chen, at=NOW),
            lambda: staff.set_roles(user=he, agency=beijing, wanted=["reviewer"], by=chen),
            lambda: staff.void_password(user=he, agency=beijing, by=chen),
            lambda: staff.to_be_freed(user=he, agency=beijing, by=chen),
        ]
        assert [refused(act) for act in acts] == [staff.NOT_OURS] * len(acts)
        # Naming the other agency does not help either.
        for agency in (cast.mohurd, cast.authority):
            with pytest.raises((Refusal, Agency.DoesNotExist)):
                staff.deactivate(user=he, agency=agency, by=chen, at=NOW)
    he.refresh_from_db()
    assert (he.name, he.is_active, he.has_usable_password()) == ("何初审", True, True)


def test_without_walls_the_questions_themselves_keep_agencies_apart(cast: Cast) -> None:
    """At the authority's desk no rows are hidden; its people are still only its own."""
    with at(cast.authority):
        seen = {user.username for user in staff.members(cast.authority)}
        assert seen == {f"{key}.authority" for key in ("zhao", "qian", "zhou", "feng", "wei")}
        assert refused(
            lambda: staff.deactivate(
                user=cast.user("li"), agency=cast.authority, by=cast.user("feng"), at=NOW
            )
        ) == (staff.NOT_OURS)


def test_a_guests_account_is_its_homes_business_but_roles_here_are_ours(cast: Cast) -> None:
    he, chen, beijing = cast.user("he"), cast.user("chen"), cast.beijing
    with standing(Desk.AUTHORITY, cast.authority):
        roles.grant(user=he, agency=beijing, role="reviewer", by=None)
    with at(beijing):
        assert he in staff.members(beijing)
        assert refused(lambda: staff.deactivate(user=he, agency=beijing, by=chen, at=NOW)) == staff.NOT_OURS
        staff.set_roles(user=he, agency=beijing, wanted=[], by=chen)
    assert roles.roles_of(he, beijing) == frozenset()
    assert roles.roles_of(he, cast.mohurd) == {"reviewer"}


def test_a_deactivated_guests_roles_are_taken_back(cast: Cast) -> None:
    he, beijing = cast.user("he"), cast.beijing
    with standing(Desk.AUTHORITY, cast.authority):
        roles.grant(user=he, agency=beijing, role="reviewer", by=None)
    User.objects.filter(pk=he.pk).update(is_active=False)
    with at(beijing):
        staff.set_roles(user=he, agency=beijing, wanted=[], by=cast.user("chen"))
        assert he.pk not in staff.held_on(beijing)
        assert [grant.revoked_by for grant in staff.grants_of(he, beijing)] == [cast.user("chen")]


# --- Roles, letting go ---------------------------------------------------------------------------------


def test_nobody_changes_oneself(cast: Cast) -> None:
    chen, beijing = cast.user("chen"), cast.beijing
    with at(beijing):
        acts: list[Callable[[], Any]] = [
            lambda: staff.set_roles(user=chen, agency=beijing, wanted=[], by=chen),
            lambda: staff.deactivate(user=chen, agency=beijing, by=chen, at=NOW),
            lambda: staff.void_password(user=chen, agency=beijing, by=chen),
            lambda: staff.to_be_freed(user=chen, agency=beijing, by=chen),
        ]
        assert [refused(act) for act in acts] == ["oneself"] * 4


def test_the_last_manager_who_can_sign_in_stays(cast: Cast) -> None:
    """The administrator of the authority cannot take the last one away either; an invited one is none yet."""
    chen, feng, beijing = cast.user("chen"), cast.user("feng"), cast.beijing
    second = taken_on(cast, "second.beijing", "manager")
    with standing(Desk.AUTHORITY, cast.authority):
        assert (
            refused(lambda: staff.set_roles(user=chen, agency=beijing, wanted=[], by=feng)) == "last_manager"
        )
        assert refused(lambda: staff.deactivate(user=chen, agency=beijing, by=feng, at=NOW)) == "last_manager"
        second.set_password("Synthetic-pass-1")
        second.save()
        staff.deactivate(user=chen, agency=beijing, by=feng, at=NOW)
    chen.refresh_from_db()
    assert not chen.is_active


def test_who_is_let_go_holds_nothing_and_comes_back_with_nothing(cast: Cast) -> None:
    chen, li, beijing = cast.user("chen"), cast.user("li"), cast.beijing
    with at(beijing):
        staff.deactivate(user=li, agency=beijing, by=chen, at=NOW)
        li.refresh_from_db()
        assert (li.is_active, li.has_usable_password(), staff.held_on(beijing).get(li.pk)) == (
            False,
            False,
            None,
        )
        assert refused(lambda: staff.deactivate(user=li, agency=beijing, by=chen, at=NOW)) == "inactive"
        assert (
            refused(lambda: staff.set_roles(user=li, agency=beijing, wanted=["reviewer"], by=chen))
            == "not_staff"
        )
        staff.reactivate(user=li, agency=beijing, by=chen)
        li.refresh_from_db()
        assert (li.is_active, li.has_usable_password(), roles.roles_of(li, beijing)) == (
            True,
            False,
            frozenset(),
        )
        told = [(change.field, change.user) for change in staff.changes_of(li, beijing)]
        with pytest.raises(ValidationError):
            staff_passwords.check(li, PASSWORD)
    assert told == [("staff_reactivated", chen), ("staff_deactivated", chen)]


def test_every_grant_stands_in_the_record_with_both_authors(cast: Cast) -> None:
    chen, liu, beijing = cast.user("chen"), cast.user("liu"), cast.beijing
    with at(beijing):
        for wanted in (["reviewer", "supervisor"], ["supervisor"], ["reviewer"]):
            staff.set_roles(user=liu, agency=beijing, wanted=wanted, by=chen)
        record = [(g.role, g.granted_by, g.revoked_by) for g in staff.grants_of(liu, beijing).order_by("id")]
    # The reviewer's role of the cast was given when the house was set up, without a record.
    assert record == [("supervisor", chen, chen), ("reviewer", chen, None)]


def test_another_address_is_not_verified_and_the_document_is_a_digest_only(cast: Cast) -> None:
    chen, li, beijing = cast.user("chen"), cast.user("li"), cast.beijing
    User.objects.filter(pk=li.pk).update(email="old@example.cn", email_verified=True)
    with at(beijing):
        given = Particulars(name="李改名", email="new@example.cn", document_digest="d" * 64)
        staff.change(user=li, agency=beijing, particulars=given, by=chen)
        kept = Particulars(name="李改名", email="new@example.cn")
        staff.change(user=li, agency=beijing, particulars=kept, by=chen)
    li.refresh_from_db()
    assert (li.name, li.email, li.email_verified, li.document_digest) == (
        "李改名",
        "new@example.cn",
        False,
        "d" * 64,
    )


def test_every_changed_particular_is_recorded_with_both_values(cast: Cast) -> None:
    chen, li, liu, beijing = cast.user("chen"), cast.user("li"), cast.user("liu"), cast.beijing
    with at(beijing):
        for given in (
            Particulars(name="李初审", email="li@example.cn", document_digest="d" * 64),
            Particulars(name="李初审", email="li@example.cn"),
            Particulars(name="李改名", email="", document_digest=""),
        ):
            staff.change(user=li, agency=beijing, particulars=given, by=chen)
        staff.change(user=liu, agency=beijing, particulars=Particulars(name="刘改名"), by=chen)
        told = [staff.words_of(change) for change in staff.changes_of(li, beijing)]
    assert sorted(told) == [
        "更改姓名（李初审 → 李改名）",
        "更改本人证件（已登记 → 无）",
        "更改本人证件（无 → 已登记）",
        "更改电子邮箱（li@example.cn → 无）",
        "更改电子邮箱（无 → li@example.cn）",
    ]
    assert "d" * 64 not in str(list(SettingChange.objects.values()))


# --- Two ways in, two managers -----------------------------------------------------------------------------


def void(cast: Cast, li: User, by: User) -> None:
    staff.void_password(user=li, agency=cast.beijing, by=by)


def another_address(cast: Cast, li: User, by: User) -> None:
    given = Particulars(name=li.name, email=f"by-{by.username}@example.cn")
    staff.change(user=li, agency=cast.beijing, particulars=given, by=by)


def come_back(cast: Cast, li: User, by: User) -> None:
    staff.deactivate(user=li, agency=cast.beijing, by=by, at=NOW)
    staff.reactivate(user=li, agency=cast.beijing, by=by)


def other_name(cast: Cast, li: User, by: User) -> None:
    particulars = Particulars(name="李改名", email=li.email, document_digest="e" * 64)
    staff.change(user=li, agency=cast.beijing, particulars=particulars, by=by)


def second_manager(cast: Cast) -> User:
    return taken_on(cast, "second.beijing", "manager")


@pytest.mark.parametrize("act", [void, another_address, come_back])
def test_who_opened_the_password_does_not_reset_the_second_factor(
    cast: Cast, act: Callable[[Cast, User, User], None]
) -> None:
    chen, li, second, beijing = cast.user("chen"), cast.user("li"), second_manager(cast), cast.beijing
    with at(beijing):
        # Of another account, and of this one something else: neither counts.
        act(cast, cast.user("liu"), chen)
        other_name(cast, li, chen)
        assert staff.to_be_freed(user=li, agency=beijing, by=chen) == li
        act(cast, li, chen)
        assert refused(lambda: staff.to_be_freed(user=li, agency=beijing, by=chen)) == "same_hand"
        assert staff.to_be_freed(user=li, agency=beijing, by=second) == li
    SettingChange.objects.update(at=timezone.now() - staff.APART - timedelta(minutes=1))
    with at(beijing):
        assert staff.to_be_freed(user=li, agency=beijing, by=chen) == li


def test_who_reset_the_second_factor_does_not_open_the_password(cast: Cast) -> None:
    chen, li, second, beijing = cast.user("chen"), cast.user("li"), second_manager(cast), cast.beijing
    with at(beijing):
        second_factor.reset(staff.to_be_freed(user=li, agency=beijing, by=chen), chen)
        assert refused(lambda: another_address(cast, li, chen)) == "same_hand"
        other_name(cast, li, chen)
        void(cast, li, chen)
        assert refused(lambda: staff.renew_invitation(user=li, agency=beijing, by=chen)) == "same_hand"
        assert staff.renew_invitation(user=li, agency=beijing, by=second) == li
        # Once the owner has set up another one, it is no way in any more.
        User.objects.filter(pk=li.pk).update(second_factor_mark="another app")
        assert staff.renew_invitation(user=li, agency=beijing, by=chen) == li


# --- Leave and deputies ----------------------------------------------------------------------------------


def leave(cast: Cast, who: str, deputy: str, since: int, until: int, *, by: str = "") -> Absence:
    with at(cast.beijing):
        return staff.enter_leave(
            user=cast.user(who),
            deputy=cast.user(deputy),
            agency=cast.beijing,
            since=day(since),
            until=day(until),
            by=cast.user(by or who),
            at=NOW,
            today=TODAY,
        )


@pytest.fixture
def sun_too(cast: Cast) -> Cast:
    """A third reviewer in Beijing."""
    cast.users["third"] = taken_on(cast, "third.beijing", "reviewer")
    return cast


@pytest.mark.parametrize(("on", "covers"), [(-1, False), (0, True), (4, True), (5, False)])
def test_a_deputy_covers_from_the_first_to_the_last_day(cast: Cast, on: int, covers: bool) -> None:
    leave(cast, "li", "liu", 0, 4)
    with at(cast.beijing):
        found = staff.deputyships(cast.user("liu"), cast.beijing, day(on))
        assert found == ({cast.user("li").pk} if covers else frozenset())
        assert staff.deputyships(cast.user("li"), cast.beijing, day(on)) == frozenset()


def test_a_leave_counts_at_its_own_agency_only(cast: Cast) -> None:
    leave(cast, "li", "liu", 0, 4)
    with at(cast.mohurd):
        assert staff.deputyships(cast.user("liu"), cast.mohurd, TODAY) == frozenset()
        assert Absence.objects.count() == 0


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (("li", "liu", 3, 2), "period"),
        (("li", "liu", -1, 2), "past"),
        (("li", "li", 0, 2), "same"),
        (("li", "wang", 0, 2), "no_reviewer"),
        (("wang", "li", 0, 2, "chen"), "no_reviewer"),
        (("li", "he", 0, 2), staff.NOT_OURS),
        (("he", "li", 0, 2, "chen"), staff.NOT_OURS),
        (("li", "liu", 0, 2, "liu"), "role"),
        (("li", "liu", 0, 2, "wang"), "role"),
    ],
)
def test_refused_leaves(cast: Cast, wish: tuple[Any, ...], code: str) -> None:
    who, deputy, since, until, *by = wish
    assert refused(lambda: leave(cast, who, deputy, since, until, by=by[0] if by else "")) == code
    assert Absence.objects.count() == 0


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (("li", "third", 5, 9), "overlap"),
        (("li", "third", 1, 2), "overlap"),
        (("third", "li", 4, 4), "deputy_away"),
        # The circle: whoever stands in cannot go away meanwhile, with whatever deputy.
        (("liu", "li", 5, 9), "deputy_away"),
        (("liu", "third", 0, 0), "is_deputy"),
        (("li", "third", 6, 9), None),
        (("liu", "li", 6, 9), None),
        (("third", "liu", 0, 5), None),
    ],
)
def test_leaves_do_not_overlap_and_make_no_circle(
    sun_too: Cast, wish: tuple[str, str, int, int], code: str | None
) -> None:
    leave(sun_too, "li", "liu", 0, 5, by="chen")
    if code is None:
        assert leave(sun_too, *wish).pk
    else:
        assert refused(lambda: leave(sun_too, *wish)) == code


def test_a_leave_ends_early_once_by_oneself_or_the_manager(cast: Cast) -> None:
    first = leave(cast, "li", "liu", 0, 4)
    beijing = cast.beijing
    with at(beijing):
        assert (
            refused(lambda: staff.end_leave(absence=first, agency=beijing, by=cast.user("liu"), at=NOW))
            == "role"
        )
        staff.end_leave(absence=first, agency=beijing, by=cast.user("li"), at=NOW)
        assert (
            refused(lambda: staff.end_leave(absence=first, agency=beijing, by=cast.user("chen"), at=NOW))
            == "ended"
        )
        assert staff.deputyships(cast.user("liu"), beijing, TODAY) == frozenset()
    assert leave(cast, "li", "liu", 0, 4).pk


def test_letting_a_deputy_go_ends_the_deputyship(cast: Cast) -> None:
    leave(cast, "li", "liu", 0, 4)
    with at(cast.beijing):
        staff.deactivate(user=cast.user("liu"), agency=cast.beijing, by=cast.user("chen"), at=NOW)
    assert Absence.objects.get().ended_at == NOW
