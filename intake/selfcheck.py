"""上报前自查: the reviewer's own checklist, gone through for the applicant before lodging.

It answers item by item: in order, missing, or doubtful. What is looked for is the same as in lodging, so
that nobody is refused after a clean check.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from intake import corrections, flows
from intake.circumstances import Circumstances
from intake.completeness import Doubt, Findings, Miss
from intake.flows import Section
from intake.papers import Item as PaperItem
from intake.papers import Part
from register import codes
from register.eligibility import Answer
from register.models import Kind
from review import checklist

Text = str | Promise


class Verdict(StrEnum):
    """How an item stands."""

    OK = "ok"
    MISS = "miss"
    DOUBT = "doubt"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One item of the list; `hints` are the reasons for which officers send it back."""

    key: str
    label: Text
    misses: tuple[Miss, ...] = ()
    papers: tuple[PaperItem, ...] = ()
    # What is missing without a place to mend it.
    told: tuple[Text, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    # What is still to be done after lodging.
    later: tuple[Text, ...] = ()
    hints: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        if self.misses or self.papers or self.told:
            return Verdict.MISS
        if any(not doubt.remark for doubt in self.doubts):
            return Verdict.DOUBT
        return Verdict.LATER if self.later else Verdict.OK

    @property
    def count(self) -> int:
        return len(self.misses) + len(self.papers) + len(self.told)


@dataclass(frozen=True, slots=True)
class Check:
    """The whole list, and what it comes to."""

    lines: tuple[Line, ...]

    @property
    def left(self) -> int:
        """How many things are still to be mended."""
        return sum(line.count for line in self.lines)

    @property
    def doubts(self) -> int:
        return sum(1 for line in self.lines for doubt in line.doubts if not doubt.remark)

    @property
    def clean(self) -> bool:
        return not self.left


CHANNEL: Final = checklist.Item("channel", _("注册渠道和注册机构"), ("R11",))
DECLARATION: Final = checklist.Item("declaration", _("本人承诺和证书领取方式"))


def check(about: Circumstances, findings: Findings, part: Part, answer: Answer | None = None) -> Check:
    """Go through the list; `answer` says whether the person may apply for this kind today."""
    lines = [_eligible(answer)] if answer is not None else []
    items = (CHANNEL, *_items(about, findings), DECLARATION)
    return Check(tuple(lines + [_line(item, about, findings, part) for item in items]))


def _eligible(answer: Answer) -> Line:
    return Line(key="eligible", label=_("申请条件"), told=() if answer.allowed else (answer.reason,))


def _items(about: Circumstances, findings: Findings) -> Iterator[checklist.Item]:
    """The reviewer's items for an application of this kind."""
    sections = {section for step in findings.steps for section in step.sections}
    wanted = checklist.ALWAYS | {"qualification", "registration"} | {str(section) for section in sections}
    yield from (item for item in checklist.ITEMS if item.key in wanted)


def _line(item: checklist.Item, about: Circumstances, findings: Findings, part: Part) -> Line:
    return Line(
        key=item.key,
        label=item.label,
        misses=tuple(miss for miss in findings.misses if _item_of(miss) == item.key),
        doubts=tuple(findings.doubts_in(item.key)),
        told=_without_certificate(about) if item.key == "qualification" else (),
        papers=part.missing if item.key == "papers" else (),
        later=tuple(str(paper) for paper in part.on_paper) if item.key == "papers" else (),
        hints=tuple(codes.label("reason", code) for code in item.reasons),
    )


def _item_of(miss: Miss) -> str:
    """The reviewer's item to which a miss belongs: the photo is one of its own."""
    if miss.section == Section.PERSONAL and miss.field == corrections.PHOTO:
        return str(corrections.PHOTO)
    return str(miss.section)


def _without_certificate(about: Circumstances) -> tuple[Text, ...]:
    if about.qualification is not None or about.kind not in (Kind.INITIAL, Kind.REREGISTRATION):
        return ()
    return (_("名册中没有您的资格证书，请联系注册机构。"),)


def place_of(findings: Findings, key: str) -> flows.Step | None:
    """The step on which an item is filled in, where there is one."""
    section = Section.PERSONAL if key == corrections.PHOTO else key
    return next((step for step in findings.steps if section in step.sections), None)
