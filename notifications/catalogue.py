"""Every notice the house may send: its category, the values its text needs, and its wording.

The texts stand in `templates/notices/<kind>/board.zh.txt` and `board.en.txt` (of a letter: `letter.zh.txt`,
`letter.en.txt`): the first line is the title, the rest the body. A value that differs by language travels in
both; dates travel as ISO text.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.template import Context, Template
from django.template.loader import get_template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.models import Notice

LANGUAGES: Final = ("zh", "en")
BEIJING: Final = ZoneInfo("Asia/Shanghai")

NOTHING: Final = "—"

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}\S*")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_BETWEEN = {"zh": "；", "en": "; "}


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """One kind of notice: what it is called, under which category it stands, what its text is made of.

    An urgent one is also sent by SMS where a verified number exists. A letter goes by e-mail only and never
    stands on the board: what it carries beside the posted values is `made` while it is sent. `to` names the
    posted value that is its address, where that is not the account's own; it is kept no longer than that.
    """

    code: str
    category: Notice.Category
    label: Promise
    fields: tuple[str, ...] = ()
    urgent: bool = False
    made: tuple[str, ...] = ()
    to: str = ""

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

KINDS: Final[dict[str, NoticeKind]] = {
    kind.code: kind
    for kind in (
        NoticeKind("submitted", _STATUS, _("申请已上报"), ("kind", "reference", "at", "agency", "due")),
        NoticeKind("accepted", _STATUS, _("申请已受理"), ("agency", "number", "due")),
        NoticeKind("deemed_accepted", _STATUS, _("申请视为受理"), ("agency", "since")),
        NoticeKind(
            "not_accepted",
            _STATUS,
            _("申请不予受理"),
            ("agency", "kind", "reason", "days", "months"),
            urgent=True,
        ),
        NoticeKind("correction", _CORRECTION, _("申请需要补正"), ("count", "items", "due"), urgent=True),
        NoticeKind("correction_soon", _CORRECTION, _("补正期限将至"), ("due", "days"), urgent=True),
        NoticeKind("correction_due_moved", _CORRECTION, _("补正期限已延长"), ("due",)),
        NoticeKind("resubmitted", _STATUS, _("补正材料已重新上报"), ("at", "agency", "due")),
        NoticeKind("lapsed", _STATUS, _("逾期未补正，申请已终止"), ("kind", "reference", "due"), urgent=True),
        NoticeKind("withdrawn", _STATUS, _("申请已撤回"), ("kind", "reference", "at")),
        NoticeKind("first_passed", _STATUS, _("初审通过"), ("agency",)),
        NoticeKind("first_failed", _STATUS, _("初审意见为不通过"), ("agency", "reason"), urgent=True),
        NoticeKind("opinion_withdrawn", _STATUS, _("初审意见已撤销"), ("agency", "reason")),
        NoticeKind("reported", _STATUS, _("已报送终审"), ("on", "batch", "due")),
        NoticeKind("sent_back", _STATUS, _("终审退回初审"), ("agency", "reason", "due")),
        NoticeKind("extended", _STATUS, _("审查期限延长"), ("reason", "days", "due")),
        NoticeKind("deadline_moved", _STATUS, _("办理期限调整"), ("clock", "due")),
        NoticeKind("handed_over", _STATUS, _("申请已转交"), ("reference", "from_agency", "to_agency")),
        NoticeKind("agency_merged", _STATUS, _("注册机构合并"), ("reference", "from_agency", "to_agency")),
        NoticeKind(
            "granted",
            _STATUS,
            _("准予注册"),
            ("kind", "category", "valid_from", "valid_to", "due"),
            urgent=True,
        ),
        NoticeKind("refused", _STATUS, _("不予注册"), ("reason", "days", "months"), urgent=True),
        NoticeKind("announced", _STATUS, _("已列入注册公告"), ("batch",)),
        NoticeKind("issued", _STATUS, _("注册证书已制发"), ("number", "delivery")),
        NoticeKind("reissued", _STATUS, _("执业证已补发"), ("number", "edition", "reason")),
        NoticeKind("terminated", _STATUS, _("申请已终止"), ("kind", "reference", "reason"), urgent=True),
        NoticeKind(
            "reinstated",
            _STATUS,
            _("申请恢复审查"),
            ("number", "kind", "reference", "due"),
            urgent=True,
        ),
        NoticeKind("change_pending", _REMINDER, _("变更办理期间不得执业")),
        NoticeKind("draft_idle", _REMINDER, _("您有一份申请尚未上报"), ("kind", "step")),
        NoticeKind("draft_retired", _SYSTEM, _("申请草稿已删除"), ("kind", "reference", "days")),
        NoticeKind("renewal_opens", _REMINDER, _("可以申请延续注册"), ("valid_to", "close_on")),
        NoticeKind("expiry", _REMINDER, _("注册即将到期"), ("valid_to", "days"), urgent=True),
        NoticeKind("thirty_days", _REMINDER, _("距有效期满已不足30日")),
        NoticeKind("expired", _REMINDER, _("注册已到期"), ("valid_to",), urgent=True),
        NoticeKind("deemed_renewed", _STATUS, _("视为准予延续")),
        NoticeKind("photo_missing", _REMINDER, _("请上传照片")),
        NoticeKind("photo_rejected", _CORRECTION, _("照片不符合要求"), ("reason",)),
        NoticeKind("hours_short", _REMINDER, _("继续教育学时不足"), ("hours", "missing")),
        NoticeKind("initial_closing", _REMINDER, _("初始注册期限将至"), ("years", "due")),
        NoticeKind("email_missing", _REMINDER, _("请补充邮箱或手机号")),
        NoticeKind("cancelled", _STATUS, _("注册已注销"), ("on", "reason"), urgent=True),
        NoticeKind(
            "registration_revoked",
            _STATUS,
            _("注册已撤销"),
            ("number", "on", "reason", "until"),
            urgent=True,
        ),
        NoticeKind(
            "registration_withdrawn",
            _STATUS,
            _("执业证已吊销"),
            ("number", "on", "reason", "until"),
            urgent=True,
        ),
        NoticeKind("restricted", _STATUS, _("您处于限制申请期"), ("ground", "reason", "until"), urgent=True),
        NoticeKind("restriction_lifted", _STATUS, _("限制申请期已解除"), ("on", "reason")),
        NoticeKind("entry_corrected", _SYSTEM, _("登记信息已更正"), ("what", "before", "after"), urgent=True),
        NoticeKind("new_device", _SYSTEM, _("账号在新的设备登录"), ("at",), urgent=True),
        NoticeKind("password_changed", _SYSTEM, _("密码已修改"), ("at",), urgent=True),
        NoticeKind("contact_changed", _SYSTEM, _("联系方式已修改"), ("at",)),
        NoticeKind("password_link", _SYSTEM, _("重新设置密码"), ("person",), made=("link", "minutes")),
        NoticeKind("email_link", _SYSTEM, _("确认电子邮箱"), ("person",), made=("link",)),
        NoticeKind("address_replaced", _SYSTEM, _("您的电子邮箱已更换"), ("at",), to="address"),
        NoticeKind("handed_in", _SYSTEM, _("其他机构转来案卷"), ("from_agency", "kind", "reference", "due")),
        NoticeKind(
            "staff_invitation",
            _SYSTEM,
            _("邀请您使用注册管理系统"),
            ("desk",),
            made=("agency", "username", "link", "days"),
        ),
        NoticeKind("staff_due_tomorrow", _REMINDER, _("案卷即将到期"), ("kind", "reference", "clock", "due")),
        NoticeKind("escalation_near", _REMINDER, _("办理期限提醒"), ("near", "week", "over", "limit")),
        NoticeKind("escalation_past", _REMINDER, _("审查超期提醒"), ("agency", "stage", "over", "oldest")),
        NoticeKind("staff_resubmitted", _REMINDER, _("补正材料已回"), ("kind", "reference", "due")),
        NoticeKind("staff_remanded", _REMINDER, _("终审退回案卷"), ("kind", "reference", "reason", "due")),
        NoticeKind("staff_declined", _REMINDER, _("您的意见未获同意"), ("by", "kind", "reference", "reason")),
        NoticeKind("staff_terminated", _REMINDER, _("案卷已终止办理"), ("by", "kind", "reference", "reason")),
        NoticeKind(
            "staff_reinstated", _REMINDER, _("案卷依法恢复审查"), ("number", "kind", "reference", "due")
        ),
        NoticeKind("staff_factor_reset", _SYSTEM, _("您的第二因素已重置"), ("at", "by"), urgent=True),
        NoticeKind("assigned", _SYSTEM, _("有新的案卷分派给您"), ("by", "kind", "reference", "due")),
    )
}


@dataclass(frozen=True, slots=True)
class Wording:
    """A notice as it is read, in both languages."""

    title_zh: str
    body_zh: str
    title_en: str
    body_en: str


def wording(kind: str, data: Mapping[str, Any]) -> Wording:
    """The text of a notice in both languages. An unknown kind raises KeyError."""
    title_zh, body_zh = _text(KINDS[kind], data, "zh")
    title_en, body_en = _text(KINDS[kind], data, "en")
    return Wording(title_zh, body_zh, title_en, body_en)


def _text(kind: NoticeKind, data: Mapping[str, Any], language: str) -> tuple[str, str]:
    values = {field: _said(data[field], language) for field in (*kind.fields, *kind.made)}
    # Notices are plain text; whoever shows them on a page escapes them there.
    text = _template(kind, language).render(Context(values, autoescape=False))
    title, _newline, body = text.strip().partition("\n")
    return title.strip(), body.strip()


def template_name(kind: NoticeKind, language: str) -> str:
    """Where the text of a kind stands."""
    return f"notices/{kind.code}/{'letter' if kind.is_letter else 'board'}.{language}.txt"


def _template(kind: NoticeKind, language: str) -> Template:
    template: Template = get_template(template_name(kind, language)).template  # type: ignore[attr-defined]
    return template


def _said(value: Any, language: str) -> str:
    if value in ("", []):
        return NOTHING
    if isinstance(value, Mapping):
        return str(value[language])
    if isinstance(value, list):
        return _BETWEEN[language].join(_said(one, language) for one in value)
    if isinstance(value, str) and _DAY.fullmatch(value):
        return day_in_words(dt.date.fromisoformat(value), language)
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return _moment_in_words(dt.datetime.fromisoformat(value), language)
    return str(value)


def day_in_words(day: dt.date, language: str) -> str:
    """A date as it is written in that language: 2026年11月23日, 23 November 2026."""
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _moment_in_words(moment: dt.datetime, language: str) -> str:
    at = moment.astimezone(BEIJING)
    between = " " if language == "zh" else ", "
    return f"{day_in_words(at.date(), language)}{between}{at:%H:%M}"
