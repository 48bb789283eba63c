"""The function menu (功能目录), and what the person may do now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from intake import flows
from intake.models import Application
from intake.views.found import Text
from register import policy
from register.eligibility import Answer
from register.models import Kind

ICONS = {Kind.INITIAL: "edit", Kind.CHANGE: "return", Kind.RENEWAL: "clock", Kind.REREGISTRATION: "refresh"}


@dataclass(frozen=True, slots=True)
class Function:
    """One kind of application on the personal page: open, or why not."""

    kind: Kind
    icon: str
    url: str
    text: Text
    reason: Text
    label: str
    # The first day on which it will be open, where that is known.
    opens_on: date | None = None

    def as_menu_item(self) -> dict[str, Any]:
        note = "" if self.url else self.from_when or _("暂不能办理")
        return {"label": self.kind.label, "icon": self.icon, "url": self.url, "note": note}

    @property
    def from_when(self) -> str:
        """From when it may be applied for; empty where no day can be told."""
        if self.url or self.opens_on is None:
            return ""
        return _("自%(day)s起可以办理") % {"day": date_format(self.opens_on)}

    @property
    def why_not(self) -> Text:
        """Why it is not open now and from when it will be; the day is not said twice."""
        day = date_format(self.opens_on) if self.opens_on else ""
        if not day or day in str(self.reason):
            return self.reason
        return _("%(reason)s自%(day)s起可以办理。") % {"reason": self.reason, "day": day}


def all_closed(functions: list[Function]) -> Text:
    """The one reason that keeps a person from every kind of application; empty when some are open."""
    reasons = {str(function.why_not) for function in functions}
    return reasons.pop() if len(reasons) == 1 else ""


def functions_of(answers: Any, draft: Application | None) -> list[Function]:
    return [_function(kind, answer, draft) for kind, answer in answers.items()]


def _function(kind: Kind, answer: Answer, draft: Application | None) -> Function:
    if not answer.allowed:
        return Function(kind, ICONS[kind], "", "", answer.reason, "", answer.opens_on)
    going_on = draft is not None and draft.kind == kind
    label = _("继续填写") if going_on else _("开始%(kind)s") % {"kind": kind.label}
    text: Text = answer.reason or flows.guide_of(kind, policy.current()).condition
    if answer.closes_on and not answer.reason:
        text = _("请在%(day)s前办理。") % {"day": date_format(answer.closes_on)}
    return Function(kind, ICONS[kind], reverse("application_new", args=[kind]), text, "", label)


def menu_of(functions: list[Function], current: str, *, unread: int = 0) -> list[dict[str, Any]]:
    """The lines of the function menu; `unread` are the notices not read yet."""
    return [
        {"label": _("个人主页"), "icon": "home", "url": reverse("home"), "current": current == "home"},
        *(function.as_menu_item() for function in functions),
        {"label": _("我的期限"), "icon": "clock", "url": reverse("dates"), "current": current == "dates"},
        {"label": _("历史记录"), "icon": "list", "url": reverse("history"), "current": current == "history"},
        {
            "label": _("公告信息"),
            "icon": "bell",
            "url": reverse("notices"),
            "count": unread,
            "count_word": _("条未读"),
        },
        {
            "label": _("我的资料"),
            "icon": "person",
            "url": reverse("account"),
            "current": current == "account",
        },
        {"label": _("办事指南"), "icon": "info", "url": reverse("guide", args=[Kind.INITIAL])},
    ]
