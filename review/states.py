"""The states of a lodged application: words, whose turn it is, and how a tag of it looks.

A leaf: it imports nothing of the house. *Draft* belongs to intake and is not a state of a case.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    SUBMITTED = "submitted", _("已上报，待受理")
    WITHDRAWN = "withdrawn", _("已撤回")
    CORRECTION = "correction", _("退回补正")
    NOT_ACCEPTED = "not_accepted", _("不予受理")
    ACCEPTED = "accepted", _("已受理，初审中")
    DEEMED_ACCEPTED = "deemed_accepted", _("视为受理，初审中")
    FIRST_PASSED = "first_passed", _("初审通过，待报送")
    FIRST_FAILED = "first_failed", _("初审不通过，待报送")
    REPORTED = "reported", _("已报送，终审中")
    SENT_BACK = "sent_back", _("终审退回初审")
    FINAL_PASSED = "final_passed", _("终审通过（准予注册）")
    FINAL_FAILED = "final_failed", _("终审不通过（不予注册）")
    ANNOUNCED = "announced", _("已公告，制证中")
    ISSUED = "issued", _("已发证")
    LAPSED = "lapsed", _("逾期未补正，已终止")
    HANDED_OVER = "handed_over", _("已转交其他注册机构")
    TERMINATED = "terminated", _("已终止")

    @property
    def tag(self) -> Tag:
        return TAGS[self]

    # What `components/state_tag.html` asks any tag for. A name that an enum does not know makes the template
    # list all its members, which took four times as long as the whole tag takes now.
    @property
    def word(self) -> str | Promise:
        return self.label

    @property
    def tone(self) -> str:
        return self.tag.tone

    @property
    def shape(self) -> str:
        return self.tag.shape

    @property
    def icon(self) -> str:
        return self.tag.icon


@dataclass(frozen=True, slots=True)
class Tag:
    """How a state is shown: tone and shape of its tag, its icon, and whose turn it is."""

    tone: str
    shape: str
    icon: str
    turn: str

    @property
    def turn_word(self) -> Promise:
        return TURNS[self.turn]


TURNS = {
    "applicant": _("等待申请人"),
    "agency": _("等待初审机构"),
    "authority": _("等待终审机构"),
    "nobody": _("已办结"),
}

TAGS = {
    State.SUBMITTED: Tag("blue", "filled", "clock", "agency"),
    State.ACCEPTED: Tag("blue", "filled", "paper", "agency"),
    State.DEEMED_ACCEPTED: Tag("blue", "filled", "paper", "agency"),
    State.SENT_BACK: Tag("blue", "filled", "return", "agency"),
    State.CORRECTION: Tag("amber", "filled", "return", "applicant"),
    State.FIRST_PASSED: Tag("blue", "outline", "check", "agency"),
    State.FIRST_FAILED: Tag("blue", "outline", "cross", "agency"),
    State.REPORTED: Tag("indigo", "filled", "clock", "authority"),
    State.FINAL_PASSED: Tag("green", "outline", "check", "authority"),
    State.ANNOUNCED: Tag("green", "outline", "seal", "authority"),
    State.ISSUED: Tag("green", "filled", "seal", "nobody"),
    State.FINAL_FAILED: Tag("red", "outline", "cross", "nobody"),
    State.NOT_ACCEPTED: Tag("red", "outline", "cross", "nobody"),
    State.WITHDRAWN: Tag("grey", "filled", "return", "nobody"),
    State.LAPSED: Tag("grey", "filled", "clock", "nobody"),
    State.HANDED_OVER: Tag("grey", "filled", "return", "nobody"),
    State.TERMINATED: Tag("grey", "filled", "cross", "nobody"),
}

WORKING = frozenset({State.ACCEPTED, State.DEEMED_ACCEPTED, State.SENT_BACK})
FIRST = frozenset({State.FIRST_PASSED, State.FIRST_FAILED})
# An open application keeps its person from lodging another one.
# In the hands of the agency; while the applicant corrects, it is not.
AT_AGENCY = frozenset({State.SUBMITTED, *WORKING, *FIRST})
OPEN = frozenset({State.SUBMITTED, State.CORRECTION, State.REPORTED}) | WORKING | FIRST
# Granted, with announcement or certificate still to come: the clock of issue runs.
UNISSUED = frozenset({State.FINAL_PASSED, State.ANNOUNCED})
EVERY = frozenset(State)


class Clock(models.TextChoices):
    """The statutory clocks, in working days (Order 11 art. 10; policy values)."""

    ACCEPTANCE = "A", _("受理期限")
    CORRECTION = "C", _("补正期限")
    FIRST_REVIEW = "F", _("初审期限")
    REMAND = "R", _("复核期限")
    FINAL_REVIEW = "N", _("终审期限")
    ISSUE = "I", _("制证期限")
