"""What a reviewer checks in a dossier: the sections of its form, one tick each.

The applicant goes through the same list before lodging (上报前自查).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Item:
    """One section to look through; `reasons` are those for which it is sent back, by code."""

    key: str
    label: str | Promise
    reasons: tuple[str, ...] = ()


ITEMS = (
    Item("personal", _("个人基本信息"), ("R07",)),
    Item("photo", _("照片"), ("R06",)),
    Item("qualification", _("资格证书"), ("R07",)),
    Item("registration", _("注册信息"), ("R12",)),
    Item("employer", _("聘用单位信息"), ("R08", "R05")),
    Item("experience", _("工作经历"), ("R09",)),
    Item("education", _("继续教育"), ("R10",)),
    Item("performance", _("履职情况")),
    Item("papers", _("签字盖章的申请表及材料"), ("R01", "R02", "R03", "R04")),
)
LABELS = {item.key: item.label for item in ITEMS}
ALWAYS = frozenset({"personal", "photo", "employer", "experience", "papers"})


def items_of(content: dict[str, Any]) -> tuple[Item, ...]:
    """The items to tick in this dossier: those always there and those that this kind has filled in."""
    return tuple(item for item in ITEMS if item.key in ALWAYS or content.get(item.key))
