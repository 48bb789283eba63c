"""The four kinds of application as one table of steps: which section of the form stands on which step.

Labels and button words are those of the applicants' manual.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from register import codes
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
        EXPERIENCE,
        PREVIEW,
    ),
    Kind.REREGISTRATION: (
        CHANNEL,
        Step("personal", _("我的资料"), (Section.PERSONAL,), button=_("确认更新"), aside=True),
        Step("employer", _("填写聘用单位信息"), (Section.REGISTRATION, Section.EMPLOYER)),
        HOURS,
        EXPERIENCE,
        PREVIEW,
    ),
}
# Where a change or a renewal is decided by the agency that holds the registration, the choice of another
# one is a side page of every step.
SIDE_CHANNEL = Step("channel", _("更换注册机构"), (Section.CHANNEL,), aside=True)


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


def after(steps: tuple[Step, ...], step: Step) -> Step:
    """The step that follows; after the last, and after a side page, the first one that is not a side page."""
    counted = numbered(steps)
    if step not in counted:
        return counted[0]
    return counted[min(counted.index(step) + 1, len(counted) - 1)]


# The papers of each kind in the paper channel (Order 11 arts 11, 13, 14), by code.
PAPERS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.INITIAL: ("M01", "M02", "M03", "M04"),
    Kind.CHANGE: ("M01", "M03", "M06", "M10"),
    Kind.RENEWAL: ("M01", "M03", "M08", "M09", "M10"),
    Kind.REREGISTRATION: ("M01", "M02", "M03", "M04"),
}


@dataclass(frozen=True, slots=True)
class Guide:
    """What the start page and the first page of a kind tell about it."""

    kind: Kind
    condition: str
    when: str
    steps: tuple[Promise, ...]
    papers: tuple[str, ...]


def guide_of(kind: Kind, rules: Policy) -> Guide:
    """Conditions, navigator and papers of a kind, with the law's numbers of the day."""
    numbers = rules.as_dict()
    condition, when = (str(text) % numbers for text in CONDITIONS[kind])
    return Guide(
        kind=kind,
        condition=condition,
        when=when,
        steps=tuple(s.label for s in numbered(steps_of(kind, hours_count=False))),
        papers=tuple(codes.label("paper", code) for code in PAPERS[kind]),
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
