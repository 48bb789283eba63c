"""Every notice the house may send, as data: to whom, through which channels, made of which values.

The texts stand in `templates/notices/<kind>/` and are put together by `notifications.wording`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.models import Delivery, Notice


class Audience(StrEnum):
    """Whom a kind of notice addresses."""

    APPLICANT = "applicant"
    STAFF = "staff"
    BOTH = "both"


_EMAIL = Delivery.Channel.EMAIL
_SMS = Delivery.Channel.SMS


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """One kind of notice: what it is called, under which category it stands, what its text is made of.

    `channels` are those that it may use beside the board; SMS is for what is urgent. Of a `statutory` kind
    nobody may rid himself: what the law says must be told (Administrative Licensing Law art. 32, 37, 38, 42),
    and what concerns the security of the account. A letter goes through its channels only and never stands
    on the board: what it carries beside the posted values is `made` while it is sent. `to` names the posted
    value that is its address, where that is not the account's own; it is kept no longer than that. A letter
    not sent `within` so many minutes is of no use any more. What reminds, by its category or because it is
    told `by_day`, rings no telephone at night.
    """

    code: str
    category: Notice.Category
    label: Promise
    fields: tuple[str, ...] = ()
    audience: Audience = Audience.APPLICANT
    channels: tuple[Delivery.Channel, ...] = (_EMAIL,)
    statutory: bool = False
    made: tuple[str, ...] = ()
    to: str = ""
    within: int = 0
    by_day: bool = False

    @property
    def waits_for_day(self) -> bool:
        return self.by_day or self.category == Notice.Category.REMINDER

    @property
    def urgent(self) -> bool:
        return _SMS in self.channels

    @property
    def is_letter(self) -> bool:
        return bool(self.made or self.to)

    @property
    def posted(self) -> tuple[str, ...]:
        """The values with which it must be posted."""
        return (*self.fields, self.to) if self.to else self.fields


_STATUS = Notice.Category.STATUS
_REMINDER = Notice.Category.REMINDER
_CORRECTION = Notice.Category.CORRECTION
_SYSTEM = Notice.Category.SYSTEM
_STAFF = Audience.STAFF
_EITHER = Audience.BOTH
_BY_SMS_TOO: Final = (_EMAIL, _SMS)

KINDS: Final[dict[str, NoticeKind]] = {
    kind.code: kind
    for kind in (
        NoticeKind("submitted", _STATUS, _("申请已上报"), ("kind", "reference", "at", "agency", "due")),
        NoticeKind("accepted", _STATUS, _("申请已受理"), ("agency", "number", "due"), statutory=True),
        NoticeKind("deemed_accepted", _STATUS, _("申请视为受理"), ("agency", "since"), statutory=True),
        NoticeKind(
            "not_accepted",
            _STATUS,
            _("申请不予受理"),
            ("agency", "kind", "reason", "days", "months"),
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind(
            "correction",
            _CORRECTION,
            _("申请需要补正"),
            ("count", "items", "due"),
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind(
            "correction_soon",
            _CORRECTION,
            _("补正期限将至"),
            ("due", "days"),
            channels=_BY_SMS_TOO,
            by_day=True,
        ),
        NoticeKind("correction_due_moved", _CORRECTION, _("补正期限已延长"), ("due",), statutory=True),
        NoticeKind("resubmitted", _STATUS, _("补正材料已重新上报"), ("at", "agency", "due")),
        NoticeKind(
            "lapsed",
            _STATUS,
            _("逾期未补正，申请已终止"),
            ("kind", "reference", "due"),
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind("withdrawn", _STATUS, _("申请已撤回"), ("kind", "reference", "at")),
        NoticeKind("first_passed", _STATUS, _("初审通过"), ("agency",)),
        NoticeKind(
            "first_failed",
            _STATUS,
            _("初审意见为不通过"),
            ("agency", "reason"),
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind("opinion_withdrawn", _STATUS, _("初审意见已撤销"), ("agency", "reason")),
        NoticeKind("reported", _STATUS, _("已报送终审"), ("on", "batch", "due")),
        NoticeKind("sent_back", _STATUS, _("终审退回初审"), ("agency", "reason", "due")),
        NoticeKind("extended", _STATUS, _("审查期限延长"), ("reason", "days", "due"), statutory=True),
        NoticeKind("deadline_moved", _STATUS, _("办理期限调整"), ("clock", "due"), statutory=True),
        NoticeKind("handed_over", _STATUS, _("申请已转交"), ("reference", "from_agency", "to_agency")),
        NoticeKind("agency_merged", _STATUS, _("注册机构合并"), ("reference", "from_agency", "to_agency")),
        NoticeKind(
            "granted",
            _STATUS,
            _("准予注册"),
            ("kind", "category", "valid_from", "valid_to", "due"),
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind(
            "refused",
            _STATUS,
            _("不予注册"),
            ("reason", "days", "months"),
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind("announced", _STATUS, _("已列入注册公告"), ("batch",)),
        NoticeKind("issued", _STATUS, _("注册证书已制发"), ("number", "delivery"), statutory=True),
        NoticeKind("reissued", _STATUS, _("执业证已补发"), ("number", "edition", "reason"), statutory=True),
        NoticeKind(
            "terminated",
            _STATUS,
            _("申请已终止"),
            ("kind", "reference", "reason"),
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind(
            "reinstated",
            _STATUS,
            _("申请恢复审查"),
            ("number", "kind", "reference", "due"),
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind("change_pending", _REMINDER, _("变更办理期间不得执业"), statutory=True),
        NoticeKind("draft_idle", _REMINDER, _("您有一份申请尚未上报"), ("kind", "step")),
        NoticeKind("draft_retired", _SYSTEM, _("申请草稿已删除"), ("kind", "reference", "days")),
        NoticeKind("renewal_opens", _REMINDER, _("可以申请延续注册"), ("valid_to", "close_on")),
        NoticeKind("expiry", _REMINDER, _("注册即将到期"), ("valid_to", "days"), channels=_BY_SMS_TOO),
        NoticeKind("thirty_days", _REMINDER, _("距有效期满已不足30日")),
        NoticeKind(
            "expired", _REMINDER, _("注册已到期"), ("valid_to",), channels=_BY_SMS_TOO, statutory=True
        ),
        NoticeKind("deemed_renewed", _STATUS, _("视为准予延续"), statutory=True),
        NoticeKind(
            "deemed_renewal_ended",
            _STATUS,
            _("视为准予延续已终止"),
            ("reference", "valid_to", "on"),
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind("photo_missing", _REMINDER, _("请上传照片")),
        NoticeKind("photo_rejected", _CORRECTION, _("照片不符合要求"), ("reason",), statutory=True),
        NoticeKind("hours_short", _REMINDER, _("继续教育学时不足"), ("hours", "missing")),
        NoticeKind("initial_closing", _REMINDER, _("初始注册期限将至"), ("years", "due")),
        NoticeKind("email_missing", _REMINDER, _("请补充邮箱或手机号")),
        NoticeKind(
            "cancelled", _STATUS, _("注册已注销"), ("on", "reason"), channels=_BY_SMS_TOO, statutory=True
        ),
        NoticeKind(
            "registration_revoked",
            _STATUS,
            _("注册已撤销"),
            ("number", "on", "reason", "until"),
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind(
            "registration_withdrawn",
            _STATUS,
            _("执业证已吊销"),
            ("number", "on", "reason", "until"),
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind(
            "restricted",
            _STATUS,
            _("您处于限制申请期"),
            ("ground", "reason", "until"),
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind("restriction_lifted", _STATUS, _("限制申请期已解除"), ("on", "reason"), statutory=True),
        NoticeKind(
            "entry_corrected",
            _SYSTEM,
            _("登记信息已更正"),
            ("what", "before", "after"),
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind(
            "new_device",
            _SYSTEM,
            _("账号在新的设备登录"),
            ("at",),
            audience=_EITHER,
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind(
            "password_changed",
            _SYSTEM,
            _("密码已修改"),
            ("at",),
            audience=_EITHER,
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind(
            "contact_changed", _SYSTEM, _("联系方式已修改"), ("at",), audience=_EITHER, statutory=True
        ),
        NoticeKind(
            "password_link", _SYSTEM, _("重新设置密码"), ("person",), statutory=True, made=("link", "minutes")
        ),
        NoticeKind("email_link", _SYSTEM, _("确认电子邮箱"), ("person",), statutory=True, made=("link",)),
        NoticeKind(
            "address_replaced",
            _SYSTEM,
            _("您的电子邮箱已更换"),
            ("at",),
            audience=_EITHER,
            statutory=True,
            to="address",
        ),
        NoticeKind(
            "phone_code",
            _SYSTEM,
            _("手机验证码"),
            audience=_EITHER,
            channels=(_SMS,),
            statutory=True,
            made=("code", "minutes"),
            within=10,
        ),
        NoticeKind(
            "handed_in",
            _SYSTEM,
            _("其他机构转来案卷"),
            ("from_agency", "kind", "reference", "due"),
            audience=_STAFF,
        ),
        NoticeKind(
            "staff_invitation",
            _SYSTEM,
            _("邀请您使用注册管理系统"),
            ("desk",),
            audience=_STAFF,
            statutory=True,
            made=("agency", "username", "link", "days"),
        ),
        NoticeKind(
            "staff_due_tomorrow",
            _REMINDER,
            _("案卷即将到期"),
            ("kind", "reference", "clock", "due"),
            audience=_STAFF,
        ),
        NoticeKind(
            "escalation_near",
            _REMINDER,
            _("办理期限提醒"),
            ("near", "week", "over", "limit"),
            audience=_STAFF,
        ),
        NoticeKind(
            "escalation_past",
            _REMINDER,
            _("审查超期提醒"),
            ("agency", "stage", "over", "oldest"),
            audience=_STAFF,
        ),
        NoticeKind(
            "staff_resubmitted", _REMINDER, _("补正材料已回"), ("kind", "reference", "due"), audience=_STAFF
        ),
        NoticeKind(
            "staff_remanded",
            _REMINDER,
            _("终审退回案卷"),
            ("kind", "reference", "reason", "due"),
            audience=_STAFF,
        ),
        NoticeKind(
            "staff_declined",
            _REMINDER,
            _("您的意见未获同意"),
            ("by", "kind", "reference", "reason"),
            audience=_STAFF,
        ),
        NoticeKind(
            "staff_terminated",
            _REMINDER,
            _("案卷已终止办理"),
            ("by", "kind", "reference", "reason"),
            audience=_STAFF,
        ),
        NoticeKind(
            "staff_reinstated",
            _REMINDER,
            _("案卷依法恢复审查"),
            ("number", "kind", "reference", "due"),
            audience=_STAFF,
        ),
        NoticeKind(
            "staff_factor_reset",
            _SYSTEM,
            _("您的第二因素已重置"),
            ("at", "by"),
            audience=_STAFF,
            channels=_BY_SMS_TOO,
            statutory=True,
        ),
        NoticeKind(
            "assigned", _SYSTEM, _("有新的案卷分派给您"), ("by", "kind", "reference", "due"), audience=_STAFF
        ),
    )
}
