"""The people of an agency: taken on, changed, given roles, sent on leave, let go. Every change has an author.

A manager sees and changes the accounts which the own agency keeps (`User.home`), and the roles on the own
agency; the database's walls say the same. An invitation is sent by whoever calls (`review.staffing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import roles, staff_passwords
from tenants.errors import Refusal
from tenants.models import (
    AUTHORITY_CODE,
    Absence,
    Agency,
    AgencyUserObjectPermission,
    RoleGrant,
    SettingChange,
    User,
)
from tenants.rolebook import ADMINISTRATOR, BY_CODE, HOLDS_CASES, KEEPS_HOUSE, MANAGER, Role, stay_apart

NOT_OURS: Final = "not_ours"
# What happens to an account beside its roles, as the agency's record of changes names it.
RECORDED: Final[dict[str, str | Promise]] = {
    "staff_password": gettext_lazy("作废密码"),
    "staff_deactivated": gettext_lazy("停用账号"),
    "staff_reactivated": gettext_lazy("重新启用账号"),
    "second_factor": gettext_lazy("重置第二因素"),
}
# What is changed of the particulars: a row of the record each, its field followed by the account's key.
PARTICULARS: Final[dict[str, str | Promise]] = {
    "name": gettext_lazy("姓名"),
    "email": gettext_lazy("电子邮箱"),
    "phone": gettext_lazy("手机号码"),
    "employer_code": gettext_lazy("任职单位代码"),
    "document_digest": gettext_lazy("本人证件"),
}
REGISTERED: Final = "已登记"
# Nobody opens both ways into an account, password and second factor, within so long.
APART: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """What the agency keeps of one of its people. `document_digest` None: as it was; empty: none."""

    name: str
    email: str = ""
    phone: str = ""
    employer_code: str = ""
    document_digest: str | None = None


# --- Who is there ----------------------------------------------------------------------------------


def members(agency: Agency) -> QuerySet[User]:
    """The accounts this agency keeps, active or not, and those of others that hold a role on it."""
    held = AgencyUserObjectPermission.objects.filter(content_object=agency)
    ours = Q(home=agency) | Q(pk__in=held.values("user"))
    return User.objects.filter(ours, kind=User.Kind.STAFF).order_by("name", "pk")


def held_on(agency: Agency) -> dict[int, frozenset[str]]:
    """The roles of everybody on this agency: one query."""
    rows = AgencyUserObjectPermission.objects.filter(content_object=agency)
    found: dict[int, frozenset[str]] = {}
    for user_id, code in rows.values_list("user_id", "permission__codename"):
        found[user_id] = found.get(user_id, frozenset()) | ({code} & BY_CODE.keys())
    return found


def grants_of(user: User, agency: Agency) -> QuerySet[RoleGrant]:
    """The record of roles given to and taken from somebody on this agency, latest first."""
    record = RoleGrant.objects.filter(user=user, agency=agency).select_related("granted_by", "revoked_by")
    return record.order_by("-granted_at", "-id")


def changes_of(user: User, agency: Agency) -> QuerySet[SettingChange]:
    """What managers did to an account beside its roles, latest first."""
    fields = [_field(name, user) for name in PARTICULARS]
    about = Q(field__in=RECORDED, before=user.username) | Q(field__in=fields)
    done = SettingChange.objects.filter(about, agency=agency)
    return done.select_related("user").order_by("-at", "-id")


def words_of(change: SettingChange) -> str:
    """What a row of `changes_of` says."""
    if change.field in RECORDED:
        return str(RECORDED[change.field])
    what = PARTICULARS[change.field.partition(":")[0].removeprefix("staff_")]
    said = {"": _("无"), REGISTERED: _("已登记")}
    return _("更改{what}（{before} → {after}）").format(
        what=what,
        before=said.get(change.before, change.before),
        after=said.get(change.after, change.after),
    )


def _field(name: str, user: User) -> str:
    return f"staff_{name}:{user.pk}"


def is_kept_by(user: User, agency: Agency) -> bool:
    """Whether the account belongs to this agency, and does not only hold a role here."""
    return user.home_id == agency.pk


def has_accepted(user: User) -> bool:
    """Whether an invited colleague has set a password."""
    return user.has_usable_password()


# --- Taking on and letting go --------------------------------------------------------------------


def invite(
    *, agency: Agency, name: str, username: str, email: str, roles: Iterable[str], by: User, phone: str = ""
) -> User:
    """Open an account without a password, kept by this agency, with these roles on it.

    Raises `Refusal` when the login name is taken, no role is chosen, or the roles must not meet.
    """
    wanted = _choice(agency, roles)
    if not wanted:
        raise Refusal(_("请至少选择一个角色。"), "no_role")
    with transaction.atomic():
        _for_change(agency, by)
        user = _new_account(username.strip().lower(), name=name, email=email, phone=phone, home=agency)
        _give(user, agency, wanted, by)
    return user


def _new_account(username: str, **fields: object) -> User:
    try:
        with transaction.atomic():
            return User.objects.create_staff(username=username, **fields)  # type: ignore[arg-type]
    except IntegrityError as error:
        said = _("登录名“{name}”已被使用，请换一个。").format(name=username)
        raise Refusal(said, "username") from error


def change(*, user: User, agency: Agency, particulars: Particulars, by: User) -> str:
    """Change name, contact, and what counts as a conflict of interest. Another address is unverified.

    Everything that changes is recorded, of a document only whether there is one. Answers the address that
    was replaced, empty where none was. Raises `Refusal` for another address by whoever reset the second
    factor a short while ago.
    """
    with transaction.atomic():
        _for_change(agency, by)
        account = _kept(user, agency)
        wanted = {name: getattr(particulars, name) for name in PARTICULARS}
        before: dict[str, str] = {
            name: getattr(account, name)
            for name, value in wanted.items()
            if value is not None and value != getattr(account, name)
        }
        if "email" in before:
            _not_after_a_reset(account, agency, by)
            account.email_verified = False
        if "phone" in before:
            account.phone_verified = False
        for name in before:
            setattr(account, name, wanted[name])
        account.save(update_fields=[*before, "email_verified", "phone_verified"])
        _record_particulars(account, agency, by, before)
    return before.get("email", "")


def _record_particulars(account: User, agency: Agency, by: User, before: Mapping[str, str]) -> None:
    def said(name: str, value: str) -> str:
        return REGISTERED if value and name == "document_digest" else value

    SettingChange.objects.bulk_create(
        SettingChange(
            agency=agency,
            user=by,
            field=_field(name, account),
            before=said(name, old),
            after=said(name, getattr(account, name)),
            at=timezone.now(),
        )
        for name, old in before.items()
    )


def deactivate(*, user: User, agency: Agency, by: User, at: datetime) -> None:
    """Let somebody go: roles here taken back, password void, sessions over, leave and deputyships ended.

    Who comes back is invited again and gets roles anew. Raises `Refusal` for oneself and the last manager.
    """
    with transaction.atomic():
        _for_change(agency, by)
        account = _kept(user, agency)
        _not_oneself(account, by, _("不能停用自己的账号，请由其他管理员办理。"))
        if not account.is_active:
            raise Refusal(_("该账号已经停用。"), "inactive")
        held = roles.roles_of(account, agency)
        _not_the_last_keeper(account, agency, leaving=held)
        for code in sorted(held):
            roles.revoke(user=account, agency=agency, role=code, by=by)
        account.is_active = False
        # Sessions are bound to the password: should the account be opened again, none of them comes back.
        staff_passwords.void(account)
        account.save(update_fields=["is_active"])
        _record("staff_deactivated", account, agency, by)
        _open_absences(agency).filter(Q(user=account) | Q(deputy=account)).update(ended_at=at)


def reactivate(*, user: User, agency: Agency, by: User) -> None:
    """Open the account of somebody who comes back: without password and roles, to be invited again."""
    with transaction.atomic():
        _for_change(agency, by)
        account = _kept(user, agency)
        if account.is_active:
            raise Refusal(_("该账号没有停用。"), "active")
        account.is_active = True
        account.save(update_fields=["is_active"])
        _record("staff_reactivated", account, agency, by)


def renew_invitation(*, user: User, agency: Agency, by: User) -> User:
    """The account as it may be invited once more; links of earlier invitations are void from now on.

    Raises `Refusal` unless it is kept here, active and without a password, and for whoever reset its second
    factor a short while ago.
    """
    with transaction.atomic():
        _for_change(agency, by)
        account = _kept(user, agency)
        if not account.is_active:
            raise Refusal(_("该账号已经停用。"), "inactive")
        if has_accepted(account):
            raise Refusal(_("该人员已经设置密码，不需要邀请。"), "accepted")
        _not_after_a_reset(account, agency, by)
        account.set_unusable_password()
        account.save(update_fields=["password"])
    return account


def void_password(*, user: User, agency: Agency, by: User) -> None:
    """Make a forgotten or exposed password void; all sessions end, and an invitation leads back in."""
    with transaction.atomic():
        _for_change(agency, by)
        account = _kept(user, agency)
        _not_oneself(account, by, _("请在“我的账号”中修改自己的密码。"))
        if not account.is_active:
            raise Refusal(_("该账号已经停用。"), "inactive")
        staff_passwords.void(account)
        _record("staff_password", account, agency, by)


def to_be_freed(*, user: User, agency: Agency, by: User) -> User:
    """The account whose second factor a manager may reset, in the caller's transaction.

    A colleague's of this agency, never the own. Raises `Refusal` also for whoever opened the other way in a
    short while ago: made the password void, changed the address or let the account come back.
    """
    _for_change(agency, by)
    account = _kept(user, agency)
    _not_oneself(account, by, _("不能重置自己的第二因素，请由其他管理员办理。"))
    if _did(by, account, agency, "staff_password", "staff_reactivated", _field("email", account)):
        said = _(
            "您在 24 小时内作废过该账号的密码、更改过其邮箱或者重新启用过该账号，"
            "第二因素须由另一位管理员重置。"
        )
        raise Refusal(said, "same_hand")
    return account


def manager_to_be_freed(*, user: User, agency: Agency, by: User) -> User:
    """An agency's manager whose second factor the authority's administrator may reset.

    Only where no other manager of the agency can do it, and never at the authority itself. Raises `Refusal`.
    """
    administers = AgencyUserObjectPermission.objects.filter(
        user=by, content_object__code=AUTHORITY_CODE, permission__codename=ADMINISTRATOR.code
    )
    if agency.is_authority or not by.is_active or not administers.exists():
        raise Refusal(_("您没有办理此事项的权限。"), "role")
    account = _kept(user, agency)
    if not account.is_active or MANAGER.code not in roles.roles_of(account, agency):
        raise Refusal(_("该人员不是这家机构的管理员。"), "no_manager")
    if not account.second_factor_mark:
        raise Refusal(_("该账号没有第二因素，本人下次登录时即可设置。"), "no_factor")
    others = [one for one in roles.holders_of(MANAGER, agency) if one.pk != account.pk]
    if any(has_accepted(one) and one.second_factor_mark for one in others):
        raise Refusal(_("这家机构另有能够登录的管理员，请由其重置。"), "another_manager")
    return account


def _not_after_a_reset(account: User, agency: Agency, by: User) -> None:
    if not account.second_factor_mark and _did(by, account, agency, "second_factor"):
        said = _(
            "您在 24 小时内重置过该账号的第二因素，本人还没有重新设置；"
            "更改邮箱和发送设置密码的链接须由另一位管理员办理。"
        )
        raise Refusal(said, "same_hand")


def _did(by: User, account: User, agency: Agency, *fields: str) -> bool:
    lately = changes_of(account, agency).filter(user=by, at__gte=timezone.now() - APART)
    return lately.filter(field__in=fields).exists()


# --- Roles -----------------------------------------------------------------------------------------


def set_roles(*, user: User, agency: Agency, wanted: Iterable[str], by: User) -> None:
    """Let somebody hold exactly these roles on this agency; what changes is recorded with its author.

    Raises `Refusal` for one's own roles, for roles of different duties, and when no manager would be left.
    """
    chosen = _choice(agency, wanted)
    with transaction.atomic():
        _for_change(agency, by)
        account = _member(user, agency)
        _not_oneself(account, by, _("不能更改自己的角色，请由其他管理员办理。"))
        # Also of a deactivated account, whose roles count for nothing until it is opened again.
        held = held_on(agency).get(account.pk, frozenset())
        _not_the_last_keeper(account, agency, leaving=held - chosen)
        for code in sorted(held - chosen):
            roles.revoke(user=account, agency=agency, role=code, by=by)
        _give(account, agency, chosen - held, by)


def _give(user: User, agency: Agency, codes: frozenset[str], by: User) -> None:
    for code in sorted(codes):
        roles.grant(user=user, agency=agency, role=code, by=by)


def _choice(agency: Agency, codes: Iterable[str]) -> frozenset[str]:
    """The roles asked for, all of them on offer here and fit for one person."""
    chosen = frozenset(codes)
    if not chosen <= {role.code for role in roles.offered_by(agency)}:
        raise Refusal(_("该机构没有此角色。"), "role_not_here")
    if not stay_apart(chosen):
        raise Refusal(roles.DUTIES_MEET, "duties")
    return chosen


def keeper_role(agency: Agency) -> Role:
    """The role that administers the accounts of this agency."""
    return ADMINISTRATOR if agency.is_authority else MANAGER


def _not_the_last_keeper(user: User, agency: Agency, *, leaving: frozenset[str]) -> None:
    keeper = keeper_role(agency)
    if keeper.code not in leaving:
        return
    # Somebody who was only invited cannot sign in yet.
    able = [o for o in roles.holders_of(keeper, agency) if o.pk != user.pk and has_accepted(o)]
    if not able:
        said = _("这是唯一能够登录的{role}，请先邀请另一位并等其设置密码。").format(role=keeper.label)
        raise Refusal(said, "last_manager")


# --- Leave and deputies ------------------------------------------------------------------------------


def deputyships(user: User, agency: Agency, on: date) -> frozenset[int]:
    """Of which absent colleagues the user is deputy on a day: one query."""
    return frozenset(away(on, agency).filter(deputy=user).values_list("user_id", flat=True))


def away(on: date, agency: Agency | None = None) -> QuerySet[Absence]:
    """The leaves that run on a day, first the earliest, at one agency or at all that one may see."""
    everywhere = Absence.objects.filter(ended_at__isnull=True)
    running = everywhere if agency is None else _open_absences(agency)
    found = running.filter(since__lte=on, until__gte=on)
    return found.select_related("user", "deputy").order_by("since", "id")


def on_duty(holder: int | None, agency: Agency, on: date) -> list[int]:
    """The accounts that see to a holder's cases on a day: the holder and, during leave, the deputy.

    Where the holder's account is closed, or there is none, the supervisors of the agency. Asked across the
    walls by `on_duty`, since an applicant's act tells the staff as well.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.on_duty(%s, %s, %s)", [holder, agency.pk, on])
        return sorted(account for (account,) in cursor.fetchall())


def absences(agency: Agency, *, on: date) -> QuerySet[Absence]:
    """The leaves of this agency that are running or to come, first the nearest."""
    running = _open_absences(agency).filter(until__gte=on)
    return running.select_related("user", "deputy").order_by("since", "id")


def absences_of(user: User, agency: Agency) -> QuerySet[Absence]:
    """All leaves of somebody at this agency, latest first, ended ones too."""
    record = Absence.objects.filter(agency=agency, user=user)
    return record.select_related("user", "deputy", "entered_by")


def enter_leave(
    *, user: User, deputy: User, agency: Agency, since: date, until: date, by: User, at: datetime, today: date
) -> Absence:
    """Somebody is away from `since` to `until`, and `deputy` handles the cases meanwhile.

    Entered by the absent one or a manager. Both handle cases here. Raises `Refusal` when either is away or
    already stands in for somebody in these days: nobody's cases are left alone, and there is no circle.
    """
    if until < since:
        raise Refusal(_("结束日期不能早于开始日期。"), "period")
    if since < today:
        raise Refusal(_("开始日期不能早于今天。"), "past")
    if user.pk == deputy.pk:
        raise Refusal(_("代理人须是另一位工作人员。"), "same")
    with transaction.atomic():
        _for_change(agency, by, or_is=user)
        for who in (user, deputy):
            if not roles.roles_of(_member(who, agency), agency) & HOLDS_CASES:
                said = _("{name}在本机构没有经办案卷的角色。").format(name=who.display_name)
                raise Refusal(said, "no_reviewer")
        _free_in(agency, user, deputy, since, until)
        return Absence.objects.create(
            agency=agency,
            user=user,
            deputy=deputy,
            since=since,
            until=until,
            entered_by=by,
            entered_at=at,
        )


def _free_in(agency: Agency, user: User, deputy: User, since: date, until: date) -> None:
    then = _open_absences(agency).filter(since__lte=until, until__gte=since).select_related("user")
    for other in then.filter(Q(user__in=[user, deputy]) | Q(deputy=user)):
        if other.user_id == user.pk:
            raise Refusal(_("此期间已有一次请假，请先结束它或者另选日期。"), "overlap")
        if other.user_id == deputy.pk:
            said = _("{name}在此期间也请假，请另选代理人。").format(name=deputy.display_name)
            raise Refusal(said, "deputy_away")
        said = _("{name}在此期间代理{other}，请先为{other}另选代理人。").format(
            name=user.display_name, other=other.user.display_name
        )
        raise Refusal(said, "is_deputy")


def end_leave(*, absence: Absence, agency: Agency, by: User, at: datetime) -> None:
    """The absent one is back before the day, or the leave is called off; by oneself or a manager."""
    with transaction.atomic():
        _for_change(agency, by, or_is=absence.user)
        if not _open_absences(agency).filter(pk=absence.pk).update(ended_at=at):
            raise Refusal(_("这次请假已经结束。"), "ended")


def _open_absences(agency: Agency) -> QuerySet[Absence]:
    return Absence.objects.filter(agency=agency, ended_at__isnull=True)


# --- Shared --------------------------------------------------------------------------------------------


def _for_change(agency: Agency, by: User, *, or_is: User | None = None) -> None:
    """One change of people at a time in an agency, so that two managers do not remove each other."""
    Agency.objects.select_for_update(of=("self",)).get(pk=agency.pk)
    if or_is is None or by.pk != or_is.pk:
        _require_keeper(by, agency)


def _require_keeper(by: User, agency: Agency) -> None:
    """Only a manager of this agency, or an administrator of the authority, which opens agencies."""
    held = AgencyUserObjectPermission.objects.filter(user=by, permission__codename__in=KEEPS_HOUSE)
    here = Q(content_object=agency) | Q(content_object__code=AUTHORITY_CODE)
    if not by.is_active or not held.filter(here).exists():
        raise Refusal(_("您没有办理此事项的权限。"), "role")


def _member(user: User, agency: Agency) -> User:
    account = members(agency).filter(pk=user.pk).first()
    if account is None:
        raise Refusal(_("该人员不是本机构的工作人员。"), NOT_OURS)
    return account


def _kept(user: User, agency: Agency) -> User:
    account = _member(user, agency)
    if not is_kept_by(account, agency):
        raise Refusal(_("该账号由其他机构管理，本机构只能更改其在本机构的角色。"), NOT_OURS)
    return account


def _not_oneself(user: User, by: User, said: str | Promise) -> None:
    if user.pk == by.pk:
        raise Refusal(said, "oneself")


def _record(field: str, user: User, agency: Agency, by: User) -> None:
    SettingChange.objects.create(agency=agency, user=by, field=field, before=user.username, at=timezone.now())
