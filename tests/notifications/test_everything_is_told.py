"""Every movement, timer and act of the register has its notice or a reason why not; none is an orphan."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings
from django.template.loader import get_template

from notifications.catalogue import KINDS, Audience
from notifications.models import Delivery
from notifications.wording import template_name
from review import announcements, workflow

ROOT = Path(settings.BASE_DIR)

SILENT_ACTS: Final = {
    "take_up": "staff take a case in hand: nothing anybody waits for",
    "release": "staff lay a case down: it waits in the queue",
    "propose_restriction": "the registrar decides; the person hears of the restriction",
    "drop_restriction": "nobody was told of the proposal",
}
# What the law's clock and the calendar say, and by which notices.
TIMERS: Final = {
    "draft idle": {"draft_idle"},
    "draft retired": {"draft_retired"},
    "acceptance overdue": {"deemed_accepted"},
    "correction due in three days": {"correction_soon"},
    "correction overdue": {"lapsed"},
    "calendar imported": {"deadline_moved"},
    "review near its end, or past it": {"staff_due_tomorrow", "escalation_near", "escalation_past"},
    "renewal window opens": {"renewal_opens"},
    "60, 45, 30, 15, 7 and 1 days": {"expiry"},
    "30-day mark": {"thirty_days"},
    "expired": {"expired", "deemed_renewed"},
    "initial window closing": {"initial_closing"},
    "something missing": {"photo_missing", "email_missing", "hours_short"},
    "change under way": {"change_pending"},
}
REGISTER: Final = {
    "cancel": {"cancelled"},
    "revoke": {"registration_revoked"},
    "withdraw": {"registration_withdrawn"},
    "restrict": {"restricted"},
    "lift a restriction": {"restriction_lifted"},
    "correct an entry, merge two": {"entry_corrected"},
    "reissue": {"reissued"},
}
# What a notice may be made of: no field for a document number, nor for anything that would hold one.
FIELDS: Final = frozenset(
    {
        "address",
        "after",
        "agency",
        "at",
        "batch",
        "before",
        "by",
        "category",
        "clock",
        "close_on",
        "code",
        "count",
        "days",
        "delivery",
        "desk",
        "due",
        "edition",
        "from_agency",
        "ground",
        "hours",
        "items",
        "kind",
        "limit",
        "link",
        "minutes",
        "missing",
        "months",
        "near",
        "number",
        "oldest",
        "on",
        "over",
        "person",
        "reason",
        "reference",
        "since",
        "stage",
        "step",
        "to_agency",
        "until",
        "username",
        "valid_from",
        "valid_to",
        "week",
        "what",
        "years",
    }
)
# The law's wording of the notices, with the names of our fields.
WORDING: Final = {
    "draft_idle": "您有一份{kind}申请尚未上报，已填写至“{step}”。请继续填写，未上报的申请不会进入审查。",
    "submitted": "您的{kind}申请（{reference}）已于{at}上报至{agency}，等待受理。受理期限至{due}。",
    "accepted": "{agency}已受理您的申请，受理凭证编号{number}，预计{due}前完成初审。",
    "deemed_accepted": "{agency}未在规定期限内告知补正，您的申请自{since}起视为受理。",
    "correction": "您的申请需要补正，共{count}项：{items}。请于{due}前修改并重新上报，逾期申请将终止。",
    "correction_soon": "补正截止日期为{due}，还剩{days}天，请尽快完成。",
    "first_passed": "您的申请已通过{agency}初审，将报送终审。",
    "first_failed": "{agency}初审意见为不通过，理由：{reason}。该意见将随申请材料报送终审机构作出决定。",
    "reported": "您的申请材料已于{on}报送终审，批次{batch}，预计{due}前作出决定。",
    "extended": "因{reason}，审查期限延长{days}个工作日，至{due}。",
    "granted": "准予{kind}。注册类别：{category}，有效期{valid_from}至{valid_to}。证书将于{due}前制发。",
    "refused": "不予注册。理由：{reason}。如不服本决定，可在{days}日内申请行政复议，"
    "或在{months}个月内提起行政诉讼。",
    "announced": "您已列入第{batch}批注册公告。",
    "issued": "注册证书已制发，证书编号{number}。领取方式：{delivery}。",
    "change_pending": "变更注册办理期间不得以注册安全工程师名义执业。",
    "renewal_opens": "您的注册有效期至{valid_to}，自今日起可以申请延续注册，请在{close_on}前办理。",
    "expiry": "您的注册将于{valid_to}到期，还剩{days}天。尚未申请延续注册，请尽快办理。",
    "thirty_days": "距有效期满已不足30日，此后提出的延续申请可能无法在期满前办结。",
    "expired": "您的注册已于{valid_to}到期。如需继续执业，请申请重新注册。",
    "deemed_renewed": "注册审批机关未在有效期满前作出决定，您的注册视为准予延续，正式决定作出后另行通知。",
    "photo_missing": "您还没有上传照片，请在个人信息中上传，否则不能上报。",
    "photo_rejected": "照片不符合要求：{reason}。",
    "hours_short": "本注册周期继续教育已登记{hours}学时，还差{missing}学时。",
    "initial_closing": "取得资格证书后{years}年内应完成初始注册，您的期限为{due}。",
    "email_missing": "您没有填写邮箱或手机号，忘记密码时将无法自助找回。",
    "cancelled": "您的注册已于{on}注销，原因：{reason}。",
    "new_device": "您的账号于{at}在新的设备登录。如非本人操作，请修改密码。",
}


def test_every_row_of_the_law_has_its_notice_or_a_reason() -> None:
    assert {*announcements.TELLS, *announcements.SILENT} == set(workflow.ACTS) | {"lodge"}
    assert set(announcements.SILENT) == set(SILENT_ACTS)


@pytest.mark.parametrize("table", [TIMERS, REGISTER])
def test_every_timer_and_every_act_of_the_register_has_its_notice(table: dict[str, set[str]]) -> None:
    assert {kind for kinds in table.values() for kind in kinds} - set(KINDS) == set()


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_is_an_orphan(kind: str) -> None:
    named = re.compile(rf'"{kind}"')
    rooms = [
        path for room in ("intake", "review", "register", "tenants") for path in (ROOT / room).rglob("*.py")
    ]
    rooms += [ROOT / "notifications" / "phone.py", ROOT / "notifications" / "arrivals.py"]
    posted = any(named.search(path.read_text(encoding="utf-8")) for path in rooms)
    assert posted


def test_what_staff_are_told_of_a_movement_is_for_staff() -> None:
    to_staff = announcements.TO_THE_STAFF | announcements.TO_COLLEAGUES
    assert {KINDS[kind].audience for kind in to_staff} == {Audience.STAFF}


@pytest.mark.parametrize("kind", WORDING)
def test_the_chinese_text_is_the_one_agreed_on(kind: str) -> None:
    source = get_template(template_name(KINDS[kind], "zh")).template.source  # type: ignore[attr-defined]
    body = source.partition("\n")[2].strip()
    assert re.sub(r"\{\{ (\w+) \}\}", r"{\1}", body) == WORDING[kind]


def test_no_notice_can_hold_a_document_number() -> None:
    assert {name for kind in KINDS.values() for name in (*kind.posted, *kind.made)} - FIELDS == set()


def test_of_letters_and_of_what_the_law_requires_nobody_may_rid_himself() -> None:
    free = {code for code, kind in KINDS.items() if not kind.statutory}
    assert not {code for code, kind in KINDS.items() if kind.is_letter} & free
    assert (
        not {
            *{
                "accepted",
                "not_accepted",
                "correction",
                "granted",
                "refused",
                "extended",
                "terminated",
                "lapsed",
            },
            *{"cancelled", "registration_revoked", "registration_withdrawn", "restricted", "reinstated"},
            *{"password_changed", "contact_changed", "new_device", "staff_factor_reset"},
        }
        & free
    )


def test_only_what_is_urgent_goes_by_sms() -> None:
    assert {kind.code for kind in KINDS.values() if kind.urgent} == {
        kind.code for kind in KINDS.values() if Delivery.Channel.SMS in kind.channels
    }
