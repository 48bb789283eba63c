from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission
from guardian.models import UserObjectPermission
from guardian.shortcuts import assign_perm
from pytest_django import DjangoAssertNumQueries

from tenants.crossing import Desk, standing
from tenants.errors import Refusal
from tenants.models import Agency, AgencyGroupObjectPermission, RoleGrant, User
from tenants.roles import (
    AGENCY_ROLES,
    AUTHORITY_ROLES,
    FINAL_REVIEWER,
    MANAGER,
    REVIEWER,
    ROLES,
    SUPERVISOR,
    grant,
    holders_of,
    revoke,
    roles_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def li() -> User:
    return User.objects.create_staff(username="li", name="李审")


@pytest.fixture
def chief() -> User:
    return User.objects.create_staff(username="chief", name="管理")


@pytest.mark.parametrize("role", AGENCY_ROLES, ids=str)
def test_each_role_of_an_agency_is_held_there_and_only_there(
    role: object, li: User, chief: User, beijing: Agency, mohurd: Agency
) -> None:
    grant(user=li, agency=beijing, role=role, by=chief)  # type: ignore[arg-type]
    assert roles_of(li, beijing) == {role.code}  # type: ignore[attr-defined]
    assert roles_of(li, mohurd) == frozenset()


@pytest.mark.parametrize("role", AUTHORITY_ROLES, ids=str)
def test_each_role_of_the_authority(role: object, li: User, chief: User, authority: Agency) -> None:
    grant(user=li, agency=authority, role=role, by=chief)  # type: ignore[arg-type]
    assert roles_of(li, authority) == {role.code}  # type: ignore[attr-defined]


def test_several_roles_and_every_desk_reads_its_own_in_one_query(
    li: User, chief: User, beijing: Agency, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for role in (REVIEWER, SUPERVISOR):
        grant(user=li, agency=beijing, role=role, by=chief)
    with standing(Desk.AGENCY, beijing), django_assert_num_queries(1):
        assert roles_of(li, beijing) == {"reviewer", "supervisor"}


def test_what_holds_over_all_agencies_opens_nothing(li: User, beijing: Agency) -> None:
    permission = Permission.objects.get(codename="reviewer", content_type__app_label="tenants")
    team = Group.objects.create(name="team")
    li.user_permissions.add(permission)
    li.groups.add(team)
    team.permissions.add(permission)
    AgencyGroupObjectPermission.objects.create(group=team, permission=permission, content_object=beijing)
    assert roles_of(li, beijing) == frozenset()


def test_inactive_applicant_and_anonymous_hold_nothing(li: User, chief: User, beijing: Agency) -> None:
    grant(user=li, agency=beijing, role=REVIEWER, by=chief)
    li.is_active = False
    assert roles_of(li, beijing) == frozenset()
    applicant = User.objects.create_applicant(name="张三")
    assign_perm("reviewer", applicant, beijing)
    assert roles_of(applicant, beijing) == frozenset()
    assert roles_of(AnonymousUser(), beijing) == frozenset()


def test_roles_are_kept_on_the_agency_and_never_in_the_generic_table(
    li: User, chief: User, beijing: Agency
) -> None:
    grant(user=li, agency=beijing, role=REVIEWER, by=chief)
    assert UserObjectPermission.objects.count() == 0


def test_giving_and_taking_back_is_recorded(li: User, chief: User, beijing: Agency) -> None:
    grant(user=li, agency=beijing, role=REVIEWER, by=chief)
    grant(user=li, agency=beijing, role=REVIEWER, by=chief)
    revoke(user=li, agency=beijing, role=REVIEWER, by=chief)
    revoke(user=li, agency=beijing, role=REVIEWER, by=chief)
    assert roles_of(li, beijing) == frozenset()
    (record,) = RoleGrant.objects.all()
    assert (record.user, record.role, record.granted_by, record.revoked_by) == (li, "reviewer", chief, chief)
    assert record.revoked_at is not None


def test_refused_grants(li: User, chief: User, beijing: Agency, authority: Agency) -> None:
    applicant = User.objects.create_applicant(name="张三")
    left = User.objects.create_staff(username="left", name="离职", is_active=False)
    for user, agency, role in (
        (applicant, beijing, REVIEWER),
        (left, beijing, REVIEWER),
        (li, beijing, FINAL_REVIEWER),
        (li, authority, MANAGER),
    ):
        with pytest.raises(Refusal):
            grant(user=user, agency=agency, role=role, by=chief)
    assert RoleGrant.objects.count() == 0


def test_holders_are_active_and_of_this_agency(
    li: User, chief: User, beijing: Agency, mohurd: Agency
) -> None:
    left = User.objects.create_staff(username="left", name="离职")
    for user, agency in ((li, beijing), (left, beijing), (chief, mohurd)):
        grant(user=user, agency=agency, role=REVIEWER, by=None)
    User.objects.filter(pk=left.pk).update(is_active=False)
    assert holders_of(REVIEWER, beijing) == [li]


def test_every_role_says_what_it_may_do() -> None:
    assert len({role.code for role in ROLES}) == 9
    assert all(str(role.label) and str(role.description) for role in ROLES)
