"""Who may do what on which agency: a role is one object permission of an account on an Agency row.

Nothing else opens anything: neither groups, nor permissions over all agencies, nor a superuser.
"""

from __future__ import annotations

from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from guardian.shortcuts import assign_perm, remove_perm

from tenants.errors import Refusal
from tenants.models import Agency, AgencyUserObjectPermission, RoleGrant, User
from tenants.rolebook import (
    ADMINISTRATOR,
    AGENCY_ROLES,
    AUDITOR,
    AUTHORITY_AUDITOR,
    AUTHORITY_ROLES,
    BY_CODE,
    FINAL_REVIEWER,
    MANAGER,
    REGISTRAR,
    REVIEWER,
    ROLES,
    SIGNING_OFFICER,
    SUPERVISOR,
    Role,
    stay_apart,
)

__all__ = [
    "ADMINISTRATOR",
    "AGENCY_ROLES",
    "AUDITOR",
    "AUTHORITY_AUDITOR",
    "AUTHORITY_ROLES",
    "BY_CODE",
    "FINAL_REVIEWER",
    "MANAGER",
    "REGISTRAR",
    "REVIEWER",
    "ROLES",
    "SIGNING_OFFICER",
    "SUPERVISOR",
    "Role",
    "grant",
    "holders_of",
    "offered_by",
    "revoke",
    "roles_of",
]

DUTIES_MEET: Final = _(
    "同一人不能兼任：管理员不办理案卷，审计员不兼任其他角色（系统管理、业务办理、安全审计三员分立）。"
)


def roles_of(user: User | AnonymousUser, agency: Agency) -> frozenset[str]:
    """Codes of the roles this account holds on this very agency; one query, none for a stranger.

    Empty for applicants and for deactivated accounts.
    """
    if not isinstance(user, User) or not user.is_active or not user.is_staff_member:
        return frozenset()
    held = AgencyUserObjectPermission.objects.filter(user=user, content_object=agency)
    return frozenset(held.values_list("permission__codename", flat=True)) & BY_CODE.keys()


def offered_by(agency: Agency) -> tuple[Role, ...]:
    """The roles one can hold on this agency: those of an agency, or those of the authority."""
    return AUTHORITY_ROLES if agency.is_authority else AGENCY_ROLES


def holders_of(role: str | Role, agency: Agency) -> list[User]:
    """Active accounts holding a role on an agency, by name."""
    held = AgencyUserObjectPermission.objects.filter(content_object=agency, permission__codename=_code(role))
    return list(User.objects.filter(pk__in=held.values("user"), is_active=True).order_by("name", "pk"))


def grant(*, user: User, agency: Agency, role: str | Role, by: User | None) -> None:
    """Give a role on an agency and record who gave it (`by` is None only while the house is set up).

    Raises Refusal for an applicant's account, a deactivated one, a role this agency does not have, or one
    that may not meet with those held (三员分立).
    """
    code = _code(role)
    if not user.is_staff_member or not user.is_active:
        raise Refusal(_("只能向启用的工作人员账号授权。"), "not_staff")
    if code not in {offered.code for offered in offered_by(agency)}:
        raise Refusal(_("该机构没有此角色。"), "role_not_here")
    if not stay_apart({code, *roles_of(user, agency)}):
        raise Refusal(DUTIES_MEET, "duties")
    with transaction.atomic():
        if user.home_id is None:
            # The agency that first takes somebody on keeps the account.
            User.objects.filter(pk=user.pk, home=None).update(home=agency)
            user.home = agency
        assign_perm(code, user, agency)
        RoleGrant.objects.get_or_create(
            user=user, agency=agency, role=code, revoked_at=None, defaults={"granted_by": by}
        )


def revoke(*, user: User, agency: Agency, role: str | Role, by: User | None) -> None:
    """Take a role back and record who did. Taking back what was not held changes nothing."""
    code = _code(role)
    with transaction.atomic():
        remove_perm(code, user, agency)
        RoleGrant.objects.filter(user=user, agency=agency, role=code, revoked_at=None).update(
            revoked_by=by, revoked_at=timezone.now()
        )


def _code(role: str | Role) -> str:
    return role.code if isinstance(role, Role) else role
