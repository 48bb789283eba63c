"""What still comes for a lodged application: the stages ahead, and the latest day of each.

The days are those of the policy frozen with the case (Order 11 art. 10).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from register import clock
from register.clock import DueDate
from register.models import DocketEntry
from register.policy import Policy
from review.models import Case
from review.states import State

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Ahead:
    """One stage that is still to come, and by when."""

    title: Text
    text: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the way ahead: its name, the policy's days for it, and from when they count."""

    title: Text
    days: str
    rule: Text
    by_agency: bool = False


ACCEPTANCE: Final = Stage(
    _("受理决定"), "correction_notice_days", _("收到材料之日起 %(days)s 个工作日内"), by_agency=True
)
FIRST_REVIEW: Final = Stage(
    _("初审并报送"), "first_review_days", _("受理之日起 %(days)s 个工作日内"), by_agency=True
)
REFERRAL: Final = Stage(
    _("报送终审"), "first_review_days", _("受理之日起 %(days)s 个工作日内"), by_agency=True
)
REMAND: Final = Stage(
    _("补充审查并再次报送"), "remand_days", _("退回之日起 %(days)s 个工作日内"), by_agency=True
)
FINAL_REVIEW: Final = Stage(_("终审决定"), "final_review_days", _("收到材料之日起 %(days)s 个工作日内"))
ISSUE: Final = Stage(_("公告和制发执业证"), "issue_days", _("作出决定之日起 %(days)s 个工作日内"))
CERTIFICATE: Final = Stage(_("制发执业证"), "issue_days", _("作出决定之日起 %(days)s 个工作日内"))

# What still comes, from each state on; the first stage is the one that runs.
ROAD: Final[dict[State, tuple[Stage, ...]]] = {
    State.SUBMITTED: (ACCEPTANCE, FIRST_REVIEW, FINAL_REVIEW, ISSUE),
    State.CORRECTION: (ACCEPTANCE, FIRST_REVIEW, FINAL_REVIEW, ISSUE),
    State.ACCEPTED: (FIRST_REVIEW, FINAL_REVIEW, ISSUE),
    State.DEEMED_ACCEPTED: (FIRST_REVIEW, FINAL_REVIEW, ISSUE),
    State.SENT_BACK: (REMAND, FINAL_REVIEW, ISSUE),
    State.FIRST_PASSED: (REFERRAL, FINAL_REVIEW, ISSUE),
    State.FIRST_FAILED: (REFERRAL, FINAL_REVIEW),
    State.REPORTED: (FINAL_REVIEW, ISSUE),
    State.FINAL_PASSED: (ISSUE,),
    State.ANNOUNCED: (CERTIFICATE,),
}


def ahead(entry: DocketEntry, state: State, case: Case) -> Iterator[Ahead]:
    """The stages ahead, each with the latest day on which it should be over.

    The first ends with the clock that runs; each later one is reckoned from the end of the one before it.
    While the applicant has a correction in hand no day can be told, only the rule.
    """
    rules = Policy.from_dict(case.policy)
    if state == State.CORRECTION:
        yield Ahead(_("您重新上报"), _by(entry))
        for stage in _after_correction(case):
            yield Ahead(stage.title, _rule(stage, rules))
    elif state in ROAD:
        running, *later = ROAD[state]
        yield Ahead(running.title, _running(entry, running, rules))
        yield from _later(entry, later, rules)


def _after_correction(case: Case) -> tuple[Stage, ...]:
    """Acceptance begins anew; a review that was interrupted goes on with the days it had left."""
    if not case.paused_clock or case.paused_days is None:
        return ROAD[State.CORRECTION]
    left = gettext("重新上报后继续计算，还剩 %(n)s 个工作日") % {"n": case.paused_days}
    goes_on = Stage(_("继续初审并报送"), "first_review_days", left, by_agency=True)
    return (goes_on, FINAL_REVIEW, ISSUE)


def _running(entry: DocketEntry, stage: Stage, rules: Policy) -> str:
    words = _by(entry)
    if entry.due_on and clock.is_past(entry.due_on):
        words = gettext("应于%(day)s前办结，已超过期限") % {"day": date_format(entry.due_on)}
    return _as_target(words, stage, rules) if words else ""


def _later(entry: DocketEntry, stages: Iterable[Stage], rules: Policy) -> Iterator[Ahead]:
    # What is overdue already cannot end before today.
    day = max(entry.due_on or clock.today(), clock.today())
    provisional = entry.due_provisional
    for stage in stages:
        due = clock.add_working_days(day, _days(stage, rules))
        day, provisional = due.day, provisional or due.provisional
        words = gettext("最迟%(day)s（%(rule)s）") % {
            "day": day_of(DueDate(day, provisional=provisional)),
            "rule": _rule(stage, rules),
        }
        yield Ahead(stage.title, words)


def _rule(stage: Stage, rules: Policy) -> str:
    return _as_target(str(stage.rule) % {"days": _days(stage, rules)}, stage, rules)


def _as_target(words: str, stage: Stage, rules: Policy) -> str:
    if stage.by_agency and not rules.review_clock_applies:
        return gettext("%(rule)s，为该机构的内部目标") % {"rule": words}
    return words


def _days(stage: Stage, rules: Policy) -> int:
    return int(rules.as_dict()[stage.days])


def _by(entry: DocketEntry) -> str:
    if entry.due_on is None:
        return ""
    day = day_of(DueDate(entry.due_on, provisional=entry.due_provisional))
    return gettext("最迟%(day)s") % {"day": day}


def day_of(due: DueDate) -> str:
    """A due date in words; provisional while that year's holidays are not announced."""
    words = date_format(due.day)
    return gettext("%(day)s（暂定）") % {"day": words} if due.provisional else words
