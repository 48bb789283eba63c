"""The book of policy values: what each key means in plain words, its dated values, entered and taken back.

A value counts from a day to come and is never rewritten; one that does not count yet may be taken back.
Running cases keep the values frozen when they were lodged (`register.policy`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from register import clock, memory, policy
from register.models import Policy as Row
from register.policy import SEED, Policy
from tenants.errors import Refusal
from tenants.models import User

Text = str | Promise
SOURCE_LENGTH: Final = 200
# Only one change of the book at a time, so that no two of them contradict each other.
ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtextextended('register_policy', 0))"


class Field(StrEnum):
    """How a value is filled in."""

    NUMBER = "number"
    SHARE = "share"
    YES_NO = "yes_no"
    CHOICE = "choice"
    PATTERN = "pattern"


class Reach(StrEnum):
    """Whom a new value concerns."""

    # Frozen with each application when it is lodged.
    LODGED = "lodged"
    # Who may apply, asked on the day of lodging.
    ELIGIBLE = "eligible"
    # What the registrar does from the day on.
    REGISTER = "register"
    # Whatever is done or shown from the day on.
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One policy value: what it is called, how it is filled in, within which bounds, whom it concerns."""

    key: str
    label: Text
    field: Field = Field.NUMBER
    unit: Text = ""
    low: int = 0
    high: int = 3650
    choices: Mapping[str, Text] | None = None
    # What an empty value is called, where there may be none.
    none: Text = ""
    help: Text = ""
    source: Text = ""
    reach: Reach = Reach.LODGED

    @property
    def seed(self) -> Any:
        return getattr(SEED, self.key)

    def in_words(self, value: Any) -> str:
        """A value as it is read on a page."""
        if value is None:
            return str(self.none)
        if self.field == Field.YES_NO:
            return _("是") if value else _("否")
        if self.field == Field.SHARE:
            return f"{round(value * 100)}%"
        if self.choices:
            return str(self.choices.get(value, value))
        return f"{value} {self.unit}".strip() if self.unit else str(value)


@dataclass(frozen=True, slots=True)
class Group:
    """Keys that belong together on the page."""

    code: str
    label: Text
    keys: tuple[Key, ...]


_YEARS, _MONTHS = gettext_lazy("年"), gettext_lazy("个月")
_DAYS, _WORKING = gettext_lazy("天"), gettext_lazy("个工作日")
_ORDER: Final = "《注册安全工程师管理规定》"


def _art(number: str) -> str:
    return f"{_ORDER}第{number}条"


GROUPS: Final[tuple[Group, ...]] = (
    Group(
        "validity",
        gettext_lazy("有效期和申请窗口"),
        (
            Key(
                key="validity_years",
                label=gettext_lazy("注册有效期"),
                unit=_YEARS,
                low=1,
                high=20,
                source=_art("十三"),
            ),
            Key(
                key="initial_window_years",
                label=gettext_lazy("初始注册期限"),
                unit=_YEARS,
                low=1,
                high=20,
                help=gettext_lazy("自资格证书签发之日起，多少年内可以按初始注册办理。"),
                source=gettext_lazy("系统初始值"),
                reach=Reach.ELIGIBLE,
            ),
            Key(
                key="late_initial_allowed",
                label=gettext_lazy("允许逾期初始注册"),
                field=Field.YES_NO,
                help=gettext_lazy("超过初始注册期限的，提交继续教育证明后可以办理。"),
                source=gettext_lazy("系统初始值"),
                reach=Reach.ELIGIBLE,
            ),
            Key(
                key="renewal_open_months",
                label=gettext_lazy("延续注册提前开放"),
                unit=_MONTHS,
                low=1,
                high=24,
                help=gettext_lazy("有效期满前多少个月起可以申请延续。"),
                source=gettext_lazy("系统初始值"),
                reach=Reach.ELIGIBLE,
            ),
            Key(
                key="renewal_close_days_before",
                label=gettext_lazy("延续注册提前截止"),
                unit=_DAYS,
                high=365,
                help=gettext_lazy("有效期满前多少日截止，0 表示到期满之日。按自然日计算。"),
                source=gettext_lazy("系统初始值"),
                reach=Reach.ELIGIBLE,
            ),
            Key(
                key="deemed_renewal",
                label=gettext_lazy("逾期未决定视为准予延续"),
                field=Field.YES_NO,
                source=_art("十三"),
            ),
            Key(
                key="deemed_renewal_days_before",
                label=gettext_lazy("视为延续的最迟上报"),
                unit=_DAYS,
                high=365,
                help=gettext_lazy("有效期满前至少多少日上报的延续申请，才适用视为准予延续。按自然日计算。"),
                source=_art("十三"),
            ),
            Key(
                key="renewal_same_employer",
                label=gettext_lazy("延续须在原聘用单位"),
                field=Field.YES_NO,
                source=gettext_lazy("系统初始值"),
                reach=Reach.ELIGIBLE,
            ),
            Key(
                key="change_cooldown_months",
                label=gettext_lazy("两次变更的最短间隔"),
                unit=_MONTHS,
                high=36,
                help=gettext_lazy("0 表示不限。"),
                source=gettext_lazy("系统初始值"),
                reach=Reach.ELIGIBLE,
            ),
        ),
    ),
    Group(
        "clocks",
        gettext_lazy("办理时限"),
        (
            Key(
                key="correction_notice_days",
                label=gettext_lazy("受理期限"),
                unit=_WORKING,
                low=1,
                high=60,
                source=_art("十"),
            ),
            Key(
                key="correction_deadline_days",
                label=gettext_lazy("补正期限"),
                unit=_WORKING,
                low=1,
                high=60,
                help=gettext_lazy("申请人补正材料的期限，逾期未补正的申请终止。"),
                source=gettext_lazy("系统初始值"),
            ),
            Key(
                key="first_review_days",
                label=gettext_lazy("初审期限"),
                unit=_WORKING,
                low=1,
                high=60,
                source=_art("十"),
            ),
            Key(
                key="final_review_days",
                label=gettext_lazy("终审期限"),
                unit=_WORKING,
                low=1,
                high=60,
                source=_art("十"),
            ),
            Key(
                key="remand_days",
                label=gettext_lazy("复核期限"),
                unit=_WORKING,
                low=1,
                high=60,
                help=gettext_lazy("终审退回后，初审机构重新审查的期限。"),
                source=gettext_lazy("系统初始值"),
            ),
            Key(
                key="issue_days",
                label=gettext_lazy("制证期限"),
                unit=_WORKING,
                low=1,
                high=60,
                source=_art("十"),
            ),
            Key(
                key="extension_days",
                label=gettext_lazy("延长期限"),
                unit=_WORKING,
                high=60,
                help=gettext_lazy("每个期限可以延长一次的天数，0 表示不允许延长。"),
                source="《中华人民共和国行政许可法》第四十二条",
            ),
            Key(
                key="review_clock_applies",
                label=gettext_lazy("初审期限具有法定效力"),
                field=Field.YES_NO,
                help=gettext_lazy("为“否”时，受理和初审期限只是工作目标，逾期不视为受理。"),
                source=_art("十"),
            ),
            Key(
                key="reconsideration_days",
                label=gettext_lazy("申请行政复议的期限"),
                unit=_DAYS,
                low=1,
                high=365,
                help=gettext_lazy("写入不予受理、不予注册等决定书。按自然日计算。"),
                source=gettext_lazy("系统初始值"),
            ),
            Key(
                key="lawsuit_months",
                label=gettext_lazy("提起行政诉讼的期限"),
                unit=_MONTHS,
                low=1,
                high=24,
                help=gettext_lazy("写入不予受理、不予注册等决定书。"),
                source=gettext_lazy("系统初始值"),
            ),
        ),
    ),
    Group(
        "two",
        gettext_lazy("两人办理"),
        (
            Key(
                key="countersign",
                label=gettext_lazy("初审意见须经复核"),
                field=Field.YES_NO,
                help=gettext_lazy("为“否”时，各机构仍可自行要求复核。"),
                source=gettext_lazy("系统初始值"),
            ),
            Key(
                key="final_sign_off",
                label=gettext_lazy("终审决定须经签批"),
                field=Field.YES_NO,
                source=gettext_lazy("系统初始值"),
            ),
            Key(
                key="counter_reset_two_person",
                label=gettext_lazy("柜台重置密码须两人办理"),
                field=Field.YES_NO,
                source=gettext_lazy("系统初始值"),
                reach=Reach.DAY,
            ),
        ),
    ),
    Group(
        "education",
        gettext_lazy("继续教育"),
        (
            Key(
                key="ce_hours_required",
                label=gettext_lazy("每个注册周期的学时"),
                unit=gettext_lazy("学时"),
                high=1000,
                source=_art("二十三"),
            ),
            Key(
                key="ce_professional_share",
                label=gettext_lazy("其中专业课程的最低比例"),
                field=Field.SHARE,
                high=100,
                source=gettext_lazy("系统初始值"),
            ),
            Key(
                key="reregistration_hours",
                label=gettext_lazy("重新注册须有学时"),
                field=Field.YES_NO,
                source=gettext_lazy("系统初始值"),
            ),
        ),
    ),
    Group(
        "age",
        gettext_lazy("年龄和限制申请"),
        (
            Key(
                key="min_age",
                label=gettext_lazy("最低年龄"),
                unit=gettext_lazy("周岁"),
                low=16,
                high=30,
                source="《中华人民共和国民法典》第十七条",
                reach=Reach.ELIGIBLE,
            ),
            Key(
                key="max_age",
                label=gettext_lazy("最高年龄"),
                unit=gettext_lazy("周岁"),
                low=60,
                high=120,
                none=gettext_lazy("不限"),
                help=gettext_lazy("留空表示不限。"),
                source=gettext_lazy("系统初始值"),
                reach=Reach.ELIGIBLE,
            ),
            Key(
                key="reapply_ban_false_material",
                label=gettext_lazy("提供虚假材料后限制申请"),
                unit=_YEARS,
                high=20,
                source=_art("三十"),
                reach=Reach.REGISTER,
            ),
            Key(
                key="reapply_ban_cheating",
                label=gettext_lazy("注册被撤销后限制申请"),
                unit=_YEARS,
                high=20,
                source=_art("三十一"),
                reach=Reach.REGISTER,
            ),
            Key(
                key="reapply_ban_penalty",
                label=gettext_lazy("注册被吊销后限制申请"),
                unit=_YEARS,
                high=20,
                source=_art("三十二"),
                reach=Reach.REGISTER,
            ),
        ),
    ),
    Group(
        "numbers",
        gettext_lazy("编号、类别和材料"),
        (
            Key(
                key="certificate_number_pattern",
                label=gettext_lazy("执业证编号规则"),
                field=Field.PATTERN,
                help=gettext_lazy(
                    "由 {year:02d}（年份后两位）、{agency:03d}（机构编号）、"
                    "{serial:06d}（流水号）组成，各一次，"
                    "共 11 位数字，顺序可以调整。"
                ),
                source=gettext_lazy("系统初始值"),
            ),
            Key(
                key="categories",
                label=gettext_lazy("注册类别"),
                field=Field.CHOICE,
                choices={
                    "five": gettext_lazy("原五类"),
                    "seven": gettext_lazy("现行七类"),
                },
                source=_art("九"),
            ),
            Key(
                key="materials_mode",
                label=gettext_lazy("材料递交方式"),
                field=Field.CHOICE,
                choices={
                    "paper": gettext_lazy("递交纸质材料"),
                    "upload": gettext_lazy("上传扫描件"),
                    "both": gettext_lazy("上传并递交纸质材料"),
                },
                help=gettext_lazy("各机构在“机构设置”中自行选择，此处供新开通的机构参考。"),
                source=gettext_lazy("系统初始值"),
                reach=Reach.DAY,
            ),
            Key(
                key="photo_background",
                label=gettext_lazy("照片底色"),
                field=Field.CHOICE,
                choices={"white": gettext_lazy("白色"), "any": gettext_lazy("白、蓝、红均可")},
                source=gettext_lazy("系统初始值"),
                reach=Reach.DAY,
            ),
        ),
    ),
    Group(
        "public",
        gettext_lazy("公开和保存"),
        (
            Key(
                key="public_name_mask",
                label=gettext_lazy("公开查询隐去部分姓名"),
                field=Field.YES_NO,
                source=gettext_lazy("系统初始值"),
                reach=Reach.DAY,
            ),
            Key(
                key="draft_retention_days",
                label=gettext_lazy("申请草稿保存"),
                unit=_DAYS,
                low=30,
                help=gettext_lazy("最后一次保存后多少日删除，删除前通知本人。按自然日计算。"),
                source=gettext_lazy("系统初始值"),
                reach=Reach.DAY,
            ),
        ),
    ),
)
BY_KEY: Final[Mapping[str, Key]] = {one.key: one for group in GROUPS for one in group.keys}


# --- Reading -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dated:
    """One entered value: its row, and the value in words."""

    row: Row
    words: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one key stands on a day: its value, since when and by which source, and what is to come.

    `since` is empty where the value is the one that the portal started from.
    """

    key: Key
    value: Any
    since: Row | None
    coming: Sequence[Dated]

    @property
    def words(self) -> str:
        return self.key.in_words(self.value)

    @property
    def source(self) -> Text:
        return self.since.source if self.since else self.key.source


def book(on: date) -> list[tuple[Group, list[Standing]]]:
    """Every key as it stands on a day, in groups: one query."""
    rows: dict[str, list[Row]] = {}
    for row in _counting():
        rows.setdefault(row.key, []).append(row)
    return [(group, [_standing(one, rows.get(one.key, []), on) for one in group.keys]) for group in GROUPS]


def standing(key: Key, on: date) -> Standing:
    """One key as it stands on a day."""
    return _standing(key, [row for row in _counting() if row.key == key.key], on)


def history(key: Key) -> list[Dated]:
    """Every value that was ever entered for this key, the latest day first, taken back ones included."""
    rows = Row.objects.filter(key=key.key).select_related("entered_by", "withdrawn_by")
    return [Dated(row, key.in_words(row.value)) for row in rows.order_by("-valid_from", "-pk")]


def _counting() -> list[Row]:
    rows = Row.objects.filter(withdrawn_at__isnull=True).select_related("entered_by")
    return list(rows.order_by("valid_from", "pk"))


def _standing(key: Key, rows: Sequence[Row], on: date) -> Standing:
    begun = [row for row in rows if row.valid_from <= on]
    since = begun[-1] if begun else None
    coming = [Dated(row, key.in_words(row.value)) for row in rows if row.valid_from > on]
    return Standing(key, since.value if since else key.seed, since, coming)


def rules_of(day: date) -> Policy:
    """The whole policy as it would count on a day by what is entered now."""
    return policy_of(_counting(), day)


# --- Changing ------------------------------------------------------------------------------------------


def check(*, key: Key, value: Any, valid_from: date) -> None:
    """Raise `Refusal` where this value may not count from this day: too early, out of bounds, or at odds."""
    _in_bounds(key, value)
    if valid_from <= clock.today():
        said = _("新值最早从{day}起生效，不能追溯。")
        raise Refusal(said.format(day=_day(clock.today() + clock.ONE_DAY)), "retroactive")
    rows = _counting()
    mine = [row for row in rows if row.key == key.key]
    if any(row.valid_from == valid_from for row in mine):
        raise Refusal(_("这一天已经录入了新值，请先撤回或者另选日期。"), "same_day")
    if _standing(key, mine, valid_from).value == value:
        raise Refusal(_("与此前生效的值相同，不需要录入。"), "unchanged")
    _agree([*rows, Row(key=key.key, value=value, valid_from=valid_from)])


def enter(*, key: Key, value: Any, valid_from: date, source: str, by: User, at: datetime) -> Row:
    """Let a value count from a day to come on; who, when and by which source is kept. Raises `Refusal`."""
    if not source.strip():
        raise Refusal(_("请写明依据。"), "source")
    with transaction.atomic():
        _one_at_a_time()
        check(key=key, value=value, valid_from=valid_from)
        try:
            with transaction.atomic():
                row = Row.objects.create(
                    key=key.key, value=value, valid_from=valid_from, source=source.strip(), entered_by=by
                )
        except IntegrityError as error:
            raise Refusal(_("这一天已经录入了新值，请先撤回或者另选日期。"), "same_day") from error
        Row.objects.filter(pk=row.pk).update(created_at=at)
        transaction.on_commit(memory.forget_all, robust=True)
    return row


def withdraw(*, row: Row, by: User, at: datetime) -> None:
    """Take back a value that does not count yet; it stays in the history. Raises `Refusal`."""
    with transaction.atomic():
        _one_at_a_time()
        if row.valid_from <= clock.day_of(at):
            raise Refusal(_("该值已经生效，不能撤回；需要更改的，请录入新值。"), "in_force")
        _agree([other for other in _counting() if other.pk != row.pk])
        waiting = Row.objects.filter(pk=row.pk, withdrawn_at__isnull=True)
        if not waiting.update(withdrawn_at=at, withdrawn_by=by):
            raise Refusal(_("该值已经撤回。"), "withdrawn")
        transaction.on_commit(memory.forget_all, robust=True)


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)


def _in_bounds(key: Key, value: Any) -> None:
    numeric = key.field == Field.NUMBER and value is not None
    try:
        policy.check_value(key.key, value)
        fits = not numeric or key.low <= value <= key.high
    except ValidationError:
        fits = False
    if not fits:
        said = _("{label}须在 {low} 至 {high} 之间。") if numeric else _("{label}的值不在允许范围内。")
        raise Refusal(said.format(label=key.label, low=key.low, high=key.high), "value")


# --- What must agree -----------------------------------------------------------------------------------


def _agree(rows: Sequence[Row]) -> None:
    """Raise `Refusal` where values contradict each other on a day to come."""
    for day in sorted({row.valid_from for row in rows if row.valid_from > clock.today()}):
        faults = list(contradictions(policy_of(rows, day)))
        if faults:
            raise Refusal(_("{day}起：{fault}").format(day=_day(day), fault=faults[0]), "contradiction")


def policy_of(rows: Sequence[Row], day: date) -> Policy:
    """The policy of a day by these rows."""
    begun = sorted((row for row in rows if row.valid_from <= day), key=lambda row: row.valid_from)
    return replace(SEED, **{row.key: row.value for row in begun})


def contradictions(rules: Policy) -> Iterator[str]:
    """In what values that are each allowed contradict each other."""
    if rules.max_age is not None and rules.max_age <= rules.min_age:
        yield _("最高年龄须大于最低年龄。")
    if rules.renewal_open_months >= 12 * rules.validity_years:
        yield _("延续注册的开放时间不能早于有效期的开始。")
    window = shortest_window(rules.renewal_open_months)
    if rules.renewal_close_days_before >= window:
        said = _("延续注册在开放以前就截止了：开放期最短 {n} 日，提前截止 {m} 日。")
        yield said.format(n=window, m=rules.renewal_close_days_before)
    if rules.deemed_renewal and rules.deemed_renewal_days_before > window:
        said = _("视为延续须在期满前 {m} 日上报，而延续注册最短只提前 {n} 日开放。")
        yield said.format(n=window, m=rules.deemed_renewal_days_before)


@cache
def shortest_window(months: int) -> int:
    """The fewest calendar days that so many months before an expiry may have."""
    days = (date(2027, 1, 1) + timedelta(days=n) for n in range(366 + 365))
    return min((day - clock.add_months(day, -months)).days for day in days)


def _day(day: date) -> str:
    return date_format(day, "DATE_FORMAT")
