"""通知方式: what an account wants by e-mail and SMS beside the board, which always has everything.

Statutory notices are sent whatever is chosen here (decisions are served,
Administrative Licensing Law art. 44).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django import forms
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications import phone
from notifications.models import Delivery, Mute, Notice
from tenants.models import User

Text = str | Promise
Choice = tuple[str, str]

HINTS: Final[dict[str, Text]] = {
    Notice.Category.STATUS: _("申请到了哪一步、作出了什么决定"),
    Notice.Category.REMINDER: _("期限将至、材料待补充等提示"),
    Notice.Category.CORRECTION: _("需要补正的事项和期限"),
    Notice.Category.SYSTEM: _("账号安全和系统通知"),
}
# To staff the same categories tell of other things.
STAFF_HINTS: Final[dict[str, Text]] = {
    Notice.Category.STATUS: _("案卷状态变化"),
    Notice.Category.REMINDER: _("到期、补正已回、终审退回等提示"),
    Notice.Category.CORRECTION: _("补正有关的提示"),
    Notice.Category.SYSTEM: _("分派、转交和账号安全"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One box: whether notices of a category come by a channel."""

    value: str
    label: Text
    wanted: bool


@dataclass(frozen=True, slots=True)
class Line:
    category: Text
    hint: Text
    cells: tuple[Cell, ...]


def channels() -> tuple[Delivery.Channel, ...]:
    """The channels beside the board that this installation has."""
    if phone.is_offered():
        return (Delivery.Channel.EMAIL, Delivery.Channel.SMS)
    return (Delivery.Channel.EMAIL,)


def lines_of(user: User) -> list[Line]:
    """The table of boxes as it stands for an account: one query."""
    muted = set(Mute.objects.filter(user=user).values_list("channel", "category"))
    hints = STAFF_HINTS if user.is_staff_member else HINTS
    return [
        Line(
            category.label,
            hints[category],
            tuple(
                Cell(f"{channel}:{category}", channel.label, (channel.value, category.value) not in muted)
                for channel in channels()
            ),
        )
        for category in Notice.Category
    ]


def reaches(user: User) -> bool:
    """Whether anything reaches an account beside the board: to a confirmed address or number only."""
    by_sms = phone.is_offered() and bool(user.phone) and user.phone_verified
    return by_sms or (bool(user.email) and user.email_verified)


class WantedForm(forms.Form):
    """The boxes that are ticked."""

    def __init__(self, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        boxes = [f"{channel}:{category}" for channel in channels() for category in Notice.Category]
        self.fields["wanted"] = forms.MultipleChoiceField(
            required=False, choices=[(box, box) for box in boxes]
        )

    def chosen(self) -> set[Choice]:
        return {(value.partition(":")[0], value.partition(":")[2]) for value in self.cleaned_data["wanted"]}


def keep(*, user: User, wanted: Collection[Choice]) -> None:
    """Write what an account wants; of a channel that is not offered here, nothing changes."""
    offered = {(channel.value, category.value) for channel in channels() for category in Notice.Category}
    unwanted = offered - set(wanted)
    with transaction.atomic():
        for channel in channels():
            again = [category for way, category in offered - unwanted if way == channel]
            Mute.objects.filter(user=user, channel=channel, category__in=again).delete()
        Mute.objects.bulk_create(
            [Mute(user=user, channel=channel, category=category) for channel, category in sorted(unwanted)],
            ignore_conflicts=True,
        )
