"""What the authority decides about an agency: its names, how it is reached, whether it takes applications.

Its code and number are for good. Every change has an author and stands in the agency's record of changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from tenants.errors import Refusal
from tenants.models import (
    AUTHORITY_CODE,
    Agency,
    AgencyJob,
    AgencyUserObjectPermission,
    Domain,
    SettingChange,
    User,
    check_code,
)
from tenants.rolebook import ADMINISTRATOR
from tenants.settings_of import NO, YES, Overtaken

NAMES: Final = ("name_zh", "name_en")
CONTACT: Final = ("phone", "email", "address", "hours")
PRACTICE: Final = ("materials_mode", "review_clock_applies")
# In the order of the page.
EDITABLE: Final = (*NAMES, *CONTACT, *PRACTICE)
INTAKE: Final = ("intake_open", "intake_note")
MERGER: Final = ("merged_into", "merged_at", "merger_hand")
# What befell the schema; written when the owner's worker has mended it.
SCHEMA: Final = ("schema",)
# What applicants read of an agency that is not ready yet.
OPENING_NOTE: Final = "正在开通，尚未接收申请。"
LOOKS_LIKE_OURS: Final = "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = %s)"


# --- May this code be opened -------------------------------------------------------------------------


def check_new_code(code: str) -> None:
    """Whether an agency may be opened under this code: its schema and its host are free.

    Raises ValidationError where it cannot be a name at all, `Refusal` where somebody has it already.
    """
    check_code(code)
    if Agency.objects.filter(code=code).exists():
        raise Refusal(_("机构代码“{code}”已经被使用。").format(code=code), code="taken")
    waiting = AgencyJob.objects.filter(
        kind=AgencyJob.Kind.OPENING, agency__isnull=True, wish__code=code, finished_at__isnull=True
    )
    if waiting.exists():
        raise Refusal(_("已有人正在用代码“{code}”开通机构。").format(code=code), code="under_way")
    if schema_exists(code):
        raise Refusal(
            _("数据库中已有名为“{code}”的数据架构，不能再用这个代码，请联系运维人员。").format(code=code),
            code="schema",
        )
    host = host_of(code)
    ours = host in (*settings.APPLICANT_HOSTS, settings.AUTHORITY_HOST)
    if ours or Domain.objects.filter(domain=host).exists():
        raise Refusal(_("网址“{host}”已经被使用，请换一个代码。").format(host=host), code="host")


def schema_exists(name: str) -> bool:
    """Whether the database has a schema of this name, whoever's it is."""
    with connection.cursor() as cursor:
        cursor.execute(LOOKS_LIKE_OURS, [name])
        return bool(cursor.fetchone()[0])


def check_new_name(name_zh: str) -> None:
    """No two agencies are called the same. Raises `Refusal`."""
    if Agency.objects.filter(name_zh=name_zh).exists():
        raise Refusal(_("已有同名的机构。"), code="name")


def next_number() -> int:
    """The number which the next agency gets, unless another one is opened first."""
    return int(Agency.objects.aggregate(last=Max("number"))["last"] or 0) + 1


def host_of(code: str) -> str:
    return f"{code}.{settings.BASE_HOST}"


def desk_url(agency: Agency) -> str:
    """The address of an agency's own desk."""
    port = f":{settings.SITE_PORT}" if settings.SITE_PORT else ""
    return f"{settings.SITE_SCHEME}://{host_of(agency.code)}{port}/"


# --- Changes -------------------------------------------------------------------------------------------


def change(
    *, agency: Agency, by: User, at: datetime, seen: Mapping[str, Any], **changes: Any
) -> list[SettingChange]:
    """Change names, contact data or manner of work, with a record of each; code and number never.

    `seen` is what the administrator had before the eyes. Raises `Overtaken`, and changes nothing, where one
    of these has become something else since; `Refusal` for a name that another agency has, and where the
    agency was merged into another one and is closed.
    """
    if unknown := changes.keys() - set(EDITABLE):
        raise ValueError(f"Not to be changed here: {sorted(unknown)}")
    with transaction.atomic():
        row = _locked(agency, by)
        require_not_closed(row)
        stands = {name: getattr(row, name) for name in EDITABLE}
        wanted = {name: value for name, value in changes.items() if stands[name] != value}
        if any(stands[name] != seen.get(name) for name in wanted):
            raise Overtaken(stands, list(changes_of(agency).filter(field__in=wanted)[:1]))
        if "name_zh" in wanted and Agency.objects.filter(name_zh=wanted["name_zh"]).exists():
            raise Refusal(_("已有同名的机构。"), code="name")
        return _write(row, by, at, wanted)


def suspend(*, agency: Agency, by: User, at: datetime, reason: str) -> None:
    """Let the agency take no new applications; what is lodged goes on. Applicants read the reason.

    Raises `Refusal` without a reason, and where it takes none already.
    """
    if not reason.strip():
        raise Refusal(_("请写明暂停的原因，申请人将看到。"), code="no_reason")
    with transaction.atomic():
        row = _locked(agency, by)
        if not row.intake_open:
            raise Refusal(_("该机构已经暂停接收申请。"), code="suspended")
        _write(row, by, at, {"intake_open": False, "intake_note": reason.strip()})


def resume(*, agency: Agency, by: User, at: datetime) -> None:
    """Let the agency take applications, for the first time or again.

    Raises `Refusal` where it does, is merged into another one, is not ready (opening or mending it has not
    ended well), or where nobody is there yet to work on them.
    """
    with transaction.atomic():
        row = _locked(agency, by)
        if row.merged_into_id is not None:
            raise Refusal(_("该机构已并入其他机构，不能恢复接收申请。"), code="merged")
        if row.intake_open:
            raise Refusal(_("该机构正在接收申请。"), code="open")
        _require_ready(row)
        if not _is_manned(row):
            raise Refusal(
                _("该机构还没有人设置账号，不能接收申请。请先请管理员按邀请链接设置账号。"), code="nobody"
            )
        _write(row, by, at, {"intake_open": True, "intake_note": ""})


def _require_ready(agency: Agency) -> None:
    """Raises `Refusal` while it is being opened or mended, and where that has failed last time."""
    jobs = AgencyJob.objects.filter(agency=agency, kind=AgencyJob.Kind.OPENING)
    last = jobs.order_by("-asked_at").first()
    if last is None or (last.finished_at is not None and not last.fault):
        return
    mending = bool(last.wish.get("mend"))
    if last.finished_at is None:
        said = (
            _("该机构的数据架构正在修复，完成后才能接收申请。")
            if mending
            else _("该机构正在开通，完成后才能接收申请。")
        )
        raise Refusal(said, code="under_way")
    said = (
        _("该机构的数据架构没有修复成功，修复后才能接收申请。")
        if mending
        else _("该机构的开通没有完成，请在开通任务中再试一次。")
    )
    raise Refusal(said, code="failed")


def _is_manned(agency: Agency) -> bool:
    """Whether anybody who holds a role there can sign in."""
    held = AgencyUserObjectPermission.objects.filter(content_object=agency, user__is_active=True)
    return any(user.has_usable_password() for user in User.objects.filter(pk__in=held.values("user")))


def announce_merger(*, agency: Agency, target: Agency, by: User, at: datetime, reason: str) -> None:
    """From now on the agency takes nothing new, and what it does is the target's. In a transaction.

    Whoever was merged into it before follows along, so that one step always leads to the living agency.
    Raises `Refusal` where one of the two cannot.
    """
    for each in sorted((agency, target), key=lambda one: one.pk):
        _locked(each, by)
    source, into = Agency.objects.get(pk=agency.pk), Agency.objects.get(pk=target.pk)
    if source.is_authority or into.is_authority or source.pk == into.pk:
        raise Refusal(_("请选择另一个注册机构。"), code="target")
    if source.merged_into_id is not None:
        raise Refusal(_("该机构已经并入其他机构。"), code="merged")
    if into.merged_into_id is not None or not into.intake_open:
        raise Refusal(
            _("{agency}现在不接收申请，不能并入。").format(agency=into.name_zh), code="target_suspended"
        )
    note = _("已并入{agency}。").format(agency=into.name_zh)
    wanted = {"merged_into": into, "intake_open": False, "intake_note": note}
    _write(source, by, at, {name: v for name, v in wanted.items() if getattr(source, name) != v})
    for former in Agency.objects.select_for_update(of=("self",)).filter(merged_into=source):
        _write(former, by, at, {"merged_into": into, "intake_note": note})


def record_new_hand(*, agency: Agency, before: User, by: User, at: datetime) -> None:
    """Write down that somebody else carries the agency's merger out. In a transaction."""
    SettingChange.objects.create(
        agency=agency, user=by, field="merger_hand", before=before.name, after=by.name, at=at
    )


def conclude_merger(*, agency: Agency, by: User, at: datetime, over: bool) -> bool:
    """Its last open case is done, or one was taken up again; whether that changes anything.

    In a transaction.
    """
    row = Agency.objects.select_for_update(of=("self",)).get(pk=agency.pk)
    if row.merged_into_id is None or over == row.is_closed:
        return False
    _write(row, by, at, {"merged_at": at if over else None})
    return True


def _locked(agency: Agency, by: User) -> Agency:
    """The agency's row under lock, for an administrator of the authority only."""
    require_administrator(by)
    return Agency.objects.select_for_update(of=("self",)).get(pk=agency.pk)


def require_not_closed(agency: Agency) -> None:
    """Raises `Refusal` for an agency that was merged into another one and has no open case left."""
    if agency.is_closed:
        raise Refusal(_("该机构已并入其他机构，案卷已全部办结，不能再更改。"), code="closed")


def require_administrator(by: User) -> None:
    """Raises `Refusal` for whoever does not administer the authority."""
    held = AgencyUserObjectPermission.objects.filter(
        user=by, content_object__code=AUTHORITY_CODE, permission__codename=ADMINISTRATOR.code
    )
    if not by.is_active or not held.exists():
        raise Refusal(_("您没有办理此事项的权限。"), "role")


def _write(row: Agency, by: User, at: datetime, wanted: Mapping[str, Any]) -> list[SettingChange]:
    if not wanted:
        return []
    before = {name: _stored(getattr(row, name)) for name in wanted}
    Agency.objects.filter(pk=row.pk).update(**wanted)
    return SettingChange.objects.bulk_create(
        SettingChange(agency=row, user=by, field=name, before=before[name], after=_stored(value), at=at)
        for name, value in wanted.items()
    )


def _stored(value: Any) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)


# --- The record ----------------------------------------------------------------------------------------


def changes_of(agency: Agency) -> QuerySet[SettingChange]:
    """Every change of this agency, by itself or by the authority, the latest first."""
    fields = (*EDITABLE, *INTAKE, *MERGER, *SCHEMA, "countersign", "letter_head", "retention_years")
    rows = SettingChange.objects.filter(agency=agency, field__in=fields)
    return rows.select_related("user").order_by("-at", "-id")
