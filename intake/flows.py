"""The four kinds of application as one table of steps: which section of the form stands on which step.

Labels and button words are those of the applicants' manual.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from register import materials
from register.models import Kind
from register.policy import Policy


class Section(StrEnum):
    """The sections of the form by their names in `Application.sections`."""

    CHANNEL = "channel"
    PERSONAL = "personal"
    REGISTRATION = "registration"
    EMPLOYER = "employer"
    EXPERIENCE = "experience"
    EDUCATION = "education"
    PERFORMANCE = "performance"
    DECLARATION = "declaration"

    @property
    def label(self) -> Promise:
        return SECTION_LABELS[self]


SECTION_LABELS: Final[dict[Section, Promise]] = {
    Section.CHANNEL: _("注册渠道和注册机构"),
    Section.PERSONAL: _("个人基本信息"),
    Section.REGISTRATION: _("注册信息"),
    Section.EMPLOYER: _("聘用单位信息"),
    Section.EXPERIENCE: _("从事安全生产相关业务工作经历"),
    Section.EDUCATION: _("继续教育"),
    Section.PERFORMANCE: _("执业期间履职情况"),
    Section.DECLARATION: _("本人承诺和证书领取方式"),
}
# Sections that hold a list of rows.
ROWS: Final = frozenset({Section.EXPERIENCE, Section.EDUCATION})


NEXT: Final = _("下一步")


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the wizard: its address, its name in the navigator, its sections and its button."""

    slug: str
    label: Promise
    sections: tuple[Section, ...]
    button: Promise = NEXT
    # Shown when the continuing-education hours count for this application only.
    hours_only: bool = False
    # A page beside the numbered steps: reached from the first one.
    aside: bool = False


CHANNEL = Step("channel", _("选择注册渠道"), (Section.CHANNEL,))
EXPERIENCE = Step("experience", _("填写工作经历"), (Section.EXPERIENCE,), button=_("预览"))
# Who has been registered before updates what was filled in then.
EXPERIENCE_UPDATED = Step("experience", _("更新工作经历"), (Section.EXPERIENCE,), button=_("预览"))
HOURS = Step("education", _("填写继续教育信息"), (Section.EDUCATION,), hours_only=True)
PREVIEW = Step("preview", _("预览、打印和上报"), (Section.DECLARATION,), button=_("上报"))

FLOWS: Final[dict[Kind, tuple[Step, ...]]] = {
    Kind.INITIAL: (
        CHANNEL,
        Step("personal", _("填写个人基本信息"), (Section.PERSONAL, Section.REGISTRATION)),
        Step("employer", _("填写聘用单位信息"), (Section.EMPLOYER,)),
        HOURS,
        EXPERIENCE,
        PREVIEW,
    ),
    Kind.CHANGE: (
        Step("personal", _("修改个人基本信息"), (Section.PERSONAL,), button=_("确认更新")),
        Step("registration", _("变更个人注册信息"), (Section.REGISTRATION, Section.EMPLOYER)),
        EXPERIENCE,
        PREVIEW,
    ),
    Kind.RENEWAL: (
        Step("personal", _("更新个人基本信息"), (Section.PERSONAL,), button=_("确认更新")),
        Step("employer", _("更新聘用单位信息"), (Section.EMPLOYER,)),
        Step("education", _("填写继续教育信息"), (Section.EDUCATION, Section.PERFORMANCE)),
        EXPERIENCE_UPDATED,
        PREVIEW,
    ),
    Kind.REREGISTRATION: (
        CHANNEL,
        Step("personal", _("我的资料"), (Section.PERSONAL,), button=_("确认更新"), aside=True),
        Step("employer", _("填写聘用单位信息"), (Section.REGISTRATION, Section.EMPLOYER)),
        HOURS,
        EXPERIENCE_UPDATED,
        PREVIEW,
    ),
}
# Where a change or a renewal is decided by the agency that holds the registration, the choice of another
# one is a side page of every step.
SIDE_CHANNEL = Step("channel", _("更换注册机构"), (Section.CHANNEL,), aside=True)

SLUGS: Final = frozenset(step.slug for steps in FLOWS.values() for step in steps) | {SIDE_CHANNEL.slug}


def steps_of(kind: str, *, hours_count: bool) -> tuple[Step, ...]:
    """The steps of this kind, in order; `hours_count` says whether continuing education is asked for."""
    return tuple(step for step in FLOWS[Kind(kind)] if hours_count or not step.hours_only)


def step_named(kind: str, slug: str, *, hours_count: bool) -> Step | None:
    """The step with this address, side pages included; None when this kind has no such page."""
    pages = (*steps_of(kind, hours_count=hours_count), SIDE_CHANNEL)
    return next((step for step in pages if step.slug == slug), None) if slug else None


def step_of_section(kind: str, section: str, *, hours_count: bool) -> Step | None:
    """The page on which a section is filled in; None when this kind does not ask for it."""
    pages = (*steps_of(kind, hours_count=hours_count), SIDE_CHANNEL)
    return next((step for step in pages if section in step.sections), None)


def numbered(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps that the navigator counts."""
    return tuple(step for step in steps if not step.aside)


def first_of(kind: str) -> Step:
    """The step on which a new application begins."""
    return numbered(FLOWS[Kind(kind)])[0]


def after(steps: tuple[Step, ...], step: Step) -> Step:
    """The step that follows; after the last, and after a side page, the first one that is not a side page."""
    counted = numbered(steps)
    if step not in counted:
        return counted[0]
    return counted[min(counted.index(step) + 1, len(counted) - 1)]


@dataclass(frozen=True, slots=True)
class Guide:
    """What the start page and the first page of a kind tell about it."""

    kind: Kind
    condition: str
    when: str
    # What holds beyond that under the policy of the day.
    terms: tuple[str, ...]
    steps: tuple[Promise, ...]
    papers: tuple[str, ...]


def guide_of(kind: Kind, rules: Policy) -> Guide:
    """Conditions, navigator and papers of a kind, with the law's numbers of the day."""
    numbers = rules.as_dict()
    condition, when = (str(text) % numbers for text in CONDITIONS[kind])
    asked = kind == Kind.REREGISTRATION and rules.reregistration_hours
    return Guide(
        kind=kind,
        condition=condition,
        when=when,
        terms=tuple(str(text) % numbers for holds, text in TERMS if kind in holds(rules)),
        steps=tuple(s.label for s in numbered(steps_of(kind, hours_count=asked))),
        papers=tuple(str(paper) for paper in materials.of_kind(kind)),
    )


CONDITIONS: Final[dict[Kind, tuple[Promise, Promise]]] = {
    Kind.INITIAL: (
        _("取得资格证书、尚未注册，并受聘于一个生产经营单位或者安全生产中介机构。"),
        _("取得资格证书之日起 %(initial_window_years)s 年内"),
    ),
    Kind.CHANGE: (
        _("在注册有效期内变更执业单位或者注册类别。变更办理期间不得执业，注册有效期不变。"),
        _("注册有效期内"),
    ),
    Kind.RENEWAL: (
        _("注册有效期即将届满，需要继续执业。注册有效期为 %(validity_years)s 年。"),
        _("有效期最后 %(renewal_open_months)s 个月内"),
    ),
    Kind.REREGISTRATION: (
        _("未按照规定进行延续注册，或者注册被注销后又符合注册条件。"),
        _("有效期满后，或者重新符合条件后"),
    ),
}


def _for(*kinds: Kind, where: Callable[[Policy], object]) -> Callable[[Policy], frozenset[Kind]]:
    """The kinds for which a term holds where the policy says so."""
    return lambda rules: frozenset(kinds if where(rules) else ())


# Whoever applies: which term holds for which kinds, and its sentence.
TERMS: Final[tuple[tuple[Callable[[Policy], frozenset[Kind]], Promise], ...]] = (
    (
        _for(Kind.INITIAL, where=lambda rules: rules.late_initial_allowed and rules.ce_hours_required),
        _("超过期限的，按逾期初始注册办理，须提交不少于 %(ce_hours_required)s 学时的继续教育证明。"),
    ),
    (
        _for(Kind.INITIAL, where=lambda rules: rules.late_initial_allowed and not rules.ce_hours_required),
        _("超过期限的，按逾期初始注册办理。"),
    ),
    (
        _for(Kind.INITIAL, where=lambda rules: not rules.late_initial_allowed),
        _("超过期限的，不再办理初始注册。"),
    ),
    (
        _for(Kind.INITIAL, Kind.REREGISTRATION, where=lambda rules: True),
        _("准予注册的，注册有效期为 %(validity_years)s 年。"),
    ),
    (
        _for(Kind.CHANGE, where=lambda rules: rules.change_cooldown_months),
        _("两次变更注册须间隔 %(change_cooldown_months)s 个月。"),
    ),
    (
        _for(Kind.RENEWAL, where=lambda rules: rules.renewal_close_days_before),
        _("须在有效期届满 %(renewal_close_days_before)s 日前提出申请。"),
    ),
    (
        _for(Kind.RENEWAL, where=lambda rules: rules.deemed_renewal and not rules.renewal_close_days_before),
        _(
            "有效期届满 %(deemed_renewal_days_before)s 日前提出申请、"
            "届满时审批机关还没有作出决定的，视为准予延续。"
        ),
    ),
    (
        _for(Kind.RENEWAL, where=lambda rules: rules.renewal_same_employer),
        _("须由原聘用单位聘用；已更换单位的，请先办理变更注册。"),
    ),
    (
        _for(Kind.RENEWAL, where=lambda rules: rules.ce_hours_required),
        _("注册有效期内接受继续教育不少于 %(ce_hours_required)s 学时。"),
    ),
    (
        _for(
            Kind.REREGISTRATION,
            where=lambda rules: rules.reregistration_hours and rules.ce_hours_required,
        ),
        _("须提交不少于 %(ce_hours_required)s 学时的继续教育证明。"),
    ),
    (
        _for(Kind.REREGISTRATION, where=lambda rules: rules.reapply_ban_cheating),
        _("以不正当手段取得注册被撤销的，%(reapply_ban_cheating)s 年内不得再次申请。"),
    ),
    (
        _for(Kind.REREGISTRATION, where=lambda rules: rules.reapply_ban_penalty),
        _("注册被吊销的，%(reapply_ban_penalty)s 年内不得再次申请。"),
    ),
    (
        _for(*Kind, where=lambda rules: rules.max_age is not None),
        _("申请时年龄不超过 %(max_age)s 周岁。"),
    ),
)
