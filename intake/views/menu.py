"""The function menu (功能目录), and what the person may do now."""

from __future__ import annotations

from dataclasses import dataclass
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

    def as_menu_item(self) -> dict[str, Any]:
        note = "" if self.url else _("暂不能办理")
        return {"label": self.kind.label, "icon": self.icon, "url": self.url, "note": note}


def functions_of(answers: Any, draft: Application | None) -> list[Function]:
    return [_function(kind, answer, draft) for kind, answer in answers.items()]


def _function(kind: Kind, answer: Answer, draft: Application | None) -> Function:
    if not answer.allowed:
        return Function(kind, ICONS[kind], "", "", answer.reason, "")
    going_on = draft is not None and draft.kind == kind
    label = _("继续填写") if going_on else _("开始%(kind)s") % {"kind": kind.label}
    text: Text = answer.reason or flows.guide_of(kind, policy.current()).condition
    if answer.closes_on and not answer.late:
        text = _("请在%(day)s前办理。") % {"day": date_format(answer.closes_on)}
    return Function(kind, ICONS[kind], reverse("application_new", args=[kind]), text, "", label)


def menu_of(functions: list[Function], current: str) -> list[dict[str, Any]]:
    return [
        {"label": _("个人主页"), "icon": "home", "url": reverse("home"), "current": current == "home"},
        *(function.as_menu_item() for function in functions),
        {"label": _("历史记录"), "icon": "list", "url": reverse("history"), "current": current == "history"},
        {"label": _("公告信息"), "icon": "bell", "url": reverse("notices")},
        {"label": _("办事指南"), "icon": "info", "url": reverse("guide", args=[Kind.INITIAL])},
    ]
