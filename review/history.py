"""A movement in words: who did it, and what its detail says. For the timeline and for the archive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from register import codes
from review import sections
from review.models import Movement, Opinion, RulingKind, TerminationGround
from review.workflow import APPLICANT, CLOCK
from tenants.roles import BY_CODE

Text = str | Promise
WHO: Final[dict[str, Text]] = {APPLICANT: _("申请人"), CLOCK: _("系统（法定时限）")}


def who_did(movement: Movement) -> str:
    """Who did an act, and in which role."""
    role = BY_CODE.get(movement.actor_role)
    word = str(role.label) if role else str(WHO.get(movement.actor_role, ""))
    return f"{movement.actor_name}（{word}）" if movement.actor_name else word


def in_reading(value: Mapping[str, str]) -> str:
    """A name kept in both languages, in the reader's."""
    english = (get_language() or "").startswith("en")
    return value.get("en" if english else "zh", "")


def said_in(movement: Movement) -> list[str]:
    """What a movement's detail says, a line each."""
    detail = movement.detail
    lines = []
    if movement.act == "hand_over" and detail.get("to"):
        source, target = in_reading(detail.get("from", {})), in_reading(detail["to"])
        lines.append(gettext("由{source}转交{target}").format(source=source, target=target))
    if verdict := detail.get("verdict"):
        lines.append(str(Opinion.Verdict(verdict).label))
    lines += [codes.label("reason", code) for code in detail.get("codes", ())]
    if ground := detail.get("ground"):
        lines.append(str(TerminationGround(ground).label))
    if basis := detail.get("basis"):
        lines.append(
            gettext("{basis}：{by}，{number}，{day}").format(
                basis=RulingKind(basis).label,
                by=detail.get("decided_by", ""),
                number=detail.get("judgment", ""),
                day=sections.as_day(detail.get("decided_on")),
            )
        )
    lines += [f"{sections.item_label(item['item'])}：{item['text']}" for item in detail.get("items", ())]
    lines += [str(detail[key]) for key in ("text", "reason", "name") if detail.get(key)]
    if movement.act in {"lodge", "resubmit"}:
        lines.append(gettext("第 {n} 版材料").format(n=detail.get("version", 1)))
    if number := detail.get("number"):
        lines.append(gettext("编号 {number}").format(number=number))
    if dispatch := detail.get("dispatch"):
        lines.append(gettext("报送批次 {number}").format(number=dispatch))
    if until := detail.get("valid_to"):
        since = sections.as_day(detail.get("valid_from"))
        lines.append(gettext("有效期 {since} 至 {until}").format(since=since, until=sections.as_day(until)))
    if due := detail.get("due"):
        lines.append(gettext("期限 {day}").format(day=sections.as_day(due)))
    if movement.act in {"extend", "extend_correction"} and (until := detail.get("due_on")):
        lines.append(gettext("延长至 {day}").format(day=sections.as_day(until)))
    return lines
