"""Which papers an application needs, and what is looked for in each (Order 11 arts 11, 13, 14).

One table for guide, preview, receipt and the check before lodging. The papers of an application follow
from its kind and from what it says; a guide, which knows the kind only, names the condition instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from register import codes, policy
from register.models import Kind
from register.policy import Policy

# Entries of the list of changes (变更事项).
CHANGE_EMPLOYER, CHANGE_CATEGORY, CHANGE_NAME = "1", "2", "3"
FORM: Final = "M01"
OTHER: Final = "M99"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What of an application decides about its papers.

    `changes` are the codes of 变更事项, None while nothing is chosen. `other_category`: the category is not
    the one of the exam. `guide`: nothing is known but the kind.
    """

    kind: Kind
    hours_count: bool = False
    changes: frozenset[str] | None = None
    other_category: bool = False
    guide: bool = False


@dataclass(frozen=True, slots=True)
class Needed:
    """A paper of an application. `when` is the condition, where it is not known yet whether it holds."""

    code: str
    when: str | Promise = ""

    @property
    def label(self) -> str:
        return codes.label("paper", self.code)

    @property
    def checked(self) -> str | Promise:
        """What is looked for in it."""
        return CHECKED.get(self.code, "")

    @property
    def must(self) -> bool:
        return not self.when

    def __str__(self) -> str:
        if not self.when:
            return self.label
        return gettext("%(paper)s（%(when)s）") % {"paper": self.label, "when": self.when}


Holds = Callable[[Facts], bool | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A paper of one kind: always, or under a condition that may not be known yet (None)."""

    code: str
    when: str | Promise = ""
    holds: Holds = lambda facts: True


def _changes(code: str) -> Holds:
    def holds(facts: Facts) -> bool | None:
        return None if facts.changes is None else code in facts.changes

    return holds


def _hours_count(facts: Facts) -> bool | None:
    return None if facts.guide else facts.hours_count


def _other_category(facts: Facts) -> bool | None:
    return None if facts.guide else facts.other_category


_CATEGORY: Final = Rule("M11", _("注册类别与资格证书的专业类别不一致的"), _other_category)

RULES: Final[dict[Kind, tuple[Rule, ...]]] = {
    Kind.INITIAL: (
        Rule("M01"),
        Rule("M02"),
        Rule("M03"),
        Rule("M04"),
        Rule("M09", _("逾期初始注册的"), _hours_count),
        _CATEGORY,
    ),
    Kind.CHANGE: (
        Rule("M01"),
        Rule("M03", _("变更聘用单位的"), _changes(CHANGE_EMPLOYER)),
        Rule("M06", _("变更聘用单位的"), _changes(CHANGE_EMPLOYER)),
        Rule("M07", _("聘用单位更名的"), _changes(CHANGE_NAME)),
        Rule("M10"),
        Rule("M11", _("变更注册类别的"), _changes(CHANGE_CATEGORY)),
    ),
    Kind.RENEWAL: (
        Rule("M01"),
        Rule("M03"),
        Rule("M08"),
        Rule("M09"),
        Rule("M10"),
    ),
    Kind.REREGISTRATION: (
        Rule("M01"),
        Rule("M02"),
        Rule("M03"),
        Rule("M04"),
        Rule("M09", _("须提交继续教育证明的"), _hours_count),
        _CATEGORY,
    ),
}


def hours_count(kind: str, *, late: bool, rules: Policy | None = None) -> bool:
    """Whether continuing-education hours are asked for in an application of this kind (Order 11 art. 23).

    Always for a renewal and a late initial registration, for a re-registration where the policy says so:
    `rules`, or that of the day.
    """
    if kind == Kind.REREGISTRATION:
        return (rules or policy.current()).reregistration_hours
    return kind == Kind.RENEWAL or (kind == Kind.INITIAL and late)


def needed(facts: Facts) -> tuple[Needed, ...]:
    """The papers of an application with these facts, in the order of the form's own list."""
    found = ((rule, rule.holds(facts)) for rule in RULES[facts.kind])
    return tuple(
        Needed(rule.code, rule.when if holds is None else "") for rule, holds in found if holds is not False
    )


def of_kind(kind: Kind) -> tuple[Needed, ...]:
    """Every paper that an application of this kind may need, with its condition."""
    return needed(Facts(kind=kind, guide=True))


CHECKED: Final[dict[str, Promise]] = {
    "M01": _("A4 纸双面打印，须有本人签名、单位意见和公章（法人公章或人事部门章），校验码与上报内容一致。"),
    "M02": _("须显示姓名、证书编号、专业类别和发证日期。"),
    "M03": _("须显示单位名称、岗位、期限、签订日期及双方签章页；岗位应与安全生产工作相符。"),
    "M04": _("身份证须有正反两面，在有效期内，字迹清楚。"),
    "M05": _("本人手持身份证件的近照，面部和证件上的文字清楚。"),
    "M06": _("须显示原聘用单位名称、合同终止或者解聘的日期，并有原单位签章。"),
    "M07": _("登记机关出具的名称变更证明，须显示原名称、新名称和变更日期。"),
    "M08": _("由聘用单位出具并盖章，说明注册有效期内履行职责的情况。"),
    "M09": _("须显示培训机构、起止时间、内容和学时，学时合计符合要求。"),
    "M10": _("须显示姓名、执业证编号和有效期。"),
    "M11": _("须显示姓名、考试年度和与所申请的注册类别一致的专业类别。"),
    "M12": _("公安机关等出具的证明，须显示变更前后的姓名或者证件号码。"),
    "M99": _("如说明聘用岗位与安全生产工作有关的材料。"),
}
