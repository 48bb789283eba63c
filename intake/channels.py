"""Which channel and agency an application belongs to: three questions, in this order.

1. Is the business in the charge of a ministry of the list (construction, road transport)?
2. Does the employer belong to a central enterprise of the list?
3. Is the employer an institution directly under 应急管理部?

Otherwise it is the province of the employer; for coal mines its mine-safety bureau where that is open.
Document 8 of 2019 on the qualification system; guidance of the national online system. An agency that is
not in the list is not asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from intake.circumstances import CHANNEL_OF
from tenants import directory
from tenants.models import Agency

# The categories whose first review is a ministry's; of the old five only construction tells it.
MINISTRY_OF_CATEGORY: Final[Mapping[str, str]] = {"A3": "mohurd", "B5": "mohurd", "B6": "mot"}
SPECIAL: Final = frozenset(MINISTRY_OF_CATEGORY.values())
COAL_CATEGORIES: Final = frozenset({"A1", "B1"})
DIRECT: Final = "mem"
# The agency of each province (GB/T 2260). A mine-safety bureau has the same code after two letters.
AGENCY_OF_PROVINCE: Final[Mapping[str, str]] = {
    "11": "beijing",
    "12": "tianjin",
    "13": "hebei",
    "14": "shanxi",
    "15": "neimenggu",
    "21": "liaoning",
    "22": "jilin",
    "23": "heilongjiang",
    "31": "shanghai",
    "32": "jiangsu",
    "33": "zhejiang",
    "34": "anhui",
    "35": "fujian",
    "36": "jiangxi",
    "37": "shandong",
    "41": "henan",
    "42": "hubei",
    "43": "hunan",
    "44": "guangdong",
    "45": "guangxi",
    "46": "hainan",
    "50": "chongqing",
    "51": "sichuan",
    "52": "guizhou",
    "53": "yunnan",
    "54": "xizang",
    "61": "shaanxi",
    "62": "gansu",
    "63": "qinghai",
    "64": "ningxia",
    "65": "xinjiang",
    "66": "bingtuan",
}
MINE_SAFETY: Final = "ks"

YES: Final = "yes"
NO: Final = "no"


class Question(StrEnum):
    """What is asked, in this order; the name of the answer in the page's address."""

    MINISTRY = "ministry"
    GROUP = "group"
    DIRECT = "direct"
    PROVINCE = "province"
    COAL = "coal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What is known so far: the code of an agency or province, yes or no; empty where nothing is."""

    ministry: str = ""
    group: str = ""
    direct: str = ""
    province: str = ""
    coal: str = ""

    def of(self, question: Question) -> str:
        return str(getattr(self, question))


@dataclass(frozen=True, slots=True)
class Advice:
    """Where the questions lead: the agency (none where the province has none yet), and why."""

    agency: Agency | None
    why: str

    @property
    def channel(self) -> str:
        return CHANNEL_OF.get(self.agency.kind, "") if self.agency else ""


Listed: TypeAlias = Mapping[str, Agency]

# The third question is about one agency, so it is answered by yes.
YES_MEANS: Final = {(Question.DIRECT, YES): DIRECT}

WHY: Final[Mapping[Question, Promise]] = {
    Question.MINISTRY: _("单位从事的业务由%(agency)s主管，由该部门初审。"),
    Question.GROUP: _("聘用单位属于%(agency)s，由该集团初审并统一报送。"),
    Question.DIRECT: _("聘用单位是应急管理部的直属单位，由应急管理部初审。"),
    Question.PROVINCE: _(
        "不由其他部委主管，也不属于中央企业和应急管理部直属单位的，由单位所在地的%(agency)s初审。"
    ),
    Question.COAL: _("煤矿安全类别由单位所在地的%(agency)s初审。"),
}
NOT_OPEN: Final = _("单位所在地的注册机构尚未开通，请在列表中另选机构，或者电话咨询。")
HINT: Final = _("建筑施工和道路运输类别一般由住房和城乡建设、交通运输主管部门初审，请确认注册机构。")


def listed(agencies: Iterable[Agency]) -> Listed:
    """The agencies by their codes, as the questions need them."""
    return {agency.code: agency for agency in agencies}


def known(*, category: str, employer: Mapping[str, str], agencies: Listed) -> Answers:
    """What the application tells already: category, and the employer's group and province where filled in."""
    ministry = MINISTRY_OF_CATEGORY.get(category, "")
    # A group is typed freely: it counts where it can mean one enterprise only.
    named = directory.find(employer.get("group", ""), groups(agencies)) if employer.get("group") else []
    return Answers(
        ministry=ministry if ministry in agencies else "",
        group=named[0].code if len(named) == 1 else "",
        province=employer.get("province", ""),
        coal=(YES if category in COAL_CATEGORIES else NO) if category else "",
    )


def consult(answers: Answers, agencies: Listed) -> Question | Advice:
    """The next question, or the advice once the answers lead somewhere."""
    for question in (Question.MINISTRY, Question.GROUP, Question.DIRECT):
        choices = choices_of(question, agencies)
        answer = YES_MEANS.get((question, answers.of(question)), answers.of(question))
        chosen = next((agency for agency in choices if agency.code == answer), None)
        if chosen is not None:
            return _advice(question, chosen)
        if choices and answer != NO:
            return question
    return _by_province(answers, agencies)


def _by_province(answers: Answers, agencies: Listed) -> Question | Advice:
    code = AGENCY_OF_PROVINCE.get(answers.province)
    if code is None:
        return Question.PROVINCE
    bureau = agencies.get(f"{MINE_SAFETY}{code}")
    if bureau is not None and answers.coal == YES:
        return _advice(Question.COAL, bureau)
    if bureau is not None and answers.coal != NO:
        return Question.COAL
    agency = agencies.get(code)
    return _advice(Question.PROVINCE, agency) if agency else Advice(None, str(NOT_OPEN))


def _advice(question: Question, agency: Agency) -> Advice:
    doing = agency.living
    return Advice(doing, str(WHY[question]) % {"agency": doing.name})


def choices_of(question: Question, agencies: Listed) -> list[Agency]:
    """The agencies of the list that a question is about."""
    if question is Question.MINISTRY:
        return ministries(agencies)
    if question is Question.GROUP:
        return groups(agencies)
    return [agencies[DIRECT]] if question is Question.DIRECT and DIRECT in agencies else []


def ministries(agencies: Listed) -> list[Agency]:
    """The ministries of the first question, those of the special categories first."""
    found = [one for one in agencies.values() if one.kind == Agency.Kind.MINISTRY and one.code != DIRECT]
    return sorted(found, key=lambda one: one.code not in SPECIAL)


def groups(agencies: Listed) -> list[Agency]:
    """The central enterprises of the second question."""
    return [agency for agency in agencies.values() if agency.kind == Agency.Kind.ENTERPRISE]


def hint(*, category: str, channel: str) -> Promise | None:
    """A word of warning where a category of the special ministries meets a provincial agency: no bar."""
    provincial = channel == CHANNEL_OF[Agency.Kind.PROVINCIAL]
    return HINT if provincial and category in MINISTRY_OF_CATEGORY else None
