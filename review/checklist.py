"""What a reviewer checks in a dossier: the sections of its form, one tick each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Item:
    key: str
    label: str | Promise


ITEMS = (
    Item("personal", _("个人基本信息")),
    Item("photo", _("照片")),
    Item("qualification", _("资格证书")),
    Item("registration", _("注册信息")),
    Item("employer", _("聘用单位信息")),
    Item("experience", _("工作经历")),
    Item("education", _("继续教育")),
    Item("performance", _("履职情况")),
    Item("papers", _("签字盖章的申请表及材料")),
)
LABELS = {item.key: item.label for item in ITEMS}
ALWAYS = frozenset({"personal", "photo", "employer", "experience", "papers"})


def items_of(content: dict[str, Any]) -> tuple[Item, ...]:
    """The items to tick in this dossier: those always there and those that this kind has filled in."""
    return tuple(item for item in ITEMS if item.key in ALWAYS or content.get(item.key))
