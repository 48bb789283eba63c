"""What staff ask of a queue: its filters, the one search box, and the name under which a view is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import flatatt
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from register import codes
from register.models import Kind
from review.queue import Due, Fared, Holder, numbers_in
from review.states import Clock, State
from tenants.models import Agency

EVERY: Final = ("", _("全部"))
DIGESTS: Final = re.compile(r"[0-9a-f]{64}(\.[0-9a-f]{64})*", re.ASCII)


class DayField(forms.DateField):
    """A day of the calendar that a filter may name; it comes as it stands in the address: 2026-11-23."""

    def __init__(self, *, label: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(
            label=label,
            required=False,
            input_formats=["%Y-%m-%d"],
            widget=widget,
            error_messages={"invalid": _("日期无效，未按此项筛选。")},
        )

    def clean(self, value: Any) -> str:
        day = super().clean(value)
        return day.isoformat() if day else ""


class PlainSelect(forms.Select):
    """A choice written in one go: with all agencies of the country the options are the dearest of a page."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        chosen = {str(one) for one in self.format_value(value)}
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            (
                (key, mark_safe(" selected") if str(key) in chosen else "", label)
                for key, label in self.choices
            ),
        )
        own = flatatt({**self.build_attrs(self.attrs, attrs), "name": name})
        return format_html("<select{}>{}</select>", own, options)


class FilterForm(forms.Form):
    """The filters above a queue. A value that does not exist asks for nothing, and the field says so."""

    state = forms.ChoiceField(label=_("状态"), required=False)
    kind = forms.ChoiceField(label=_("注册种类"), required=False)
    category = forms.ChoiceField(label=_("注册类别"), required=False)
    due = forms.ChoiceField(label=_("办理期限"), required=False)
    hold = forms.ChoiceField(label=_("经办人"), required=False)
    employer = forms.CharField(label=_("聘用单位"), required=False, max_length=60)
    batch = forms.CharField(label=_("报送批次"), required=False, max_length=40)
    search = forms.CharField(
        label=_("姓名、申请编号、证件号码或单位"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    # The digest of a document number that was searched for; several where it may be of several documents.
    document = forms.CharField(required=False, max_length=600, widget=forms.HiddenInput)

    def __init__(
        self, data: Mapping[str, Any], *, holders: Iterable[Holder] = (), states: Iterable[State] = State
    ) -> None:
        super().__init__(data, auto_id="filter-%s")
        self._offer("state", [EVERY, *((state.value, state.label) for state in states)])
        self._offer("kind", [EVERY, *Kind.choices])
        self._offer("category", [EVERY, *codes.choices("category")])
        self._offer("due", [EVERY, *Due.choices])
        named = [(str(holder.id), holder.name) for holder in holders]
        self._offer("hold", [EVERY, ("mine", _("我经办的")), ("free", _("未领取的")), *named])

    def _offer(self, name: str, choices: Sequence[tuple[str, str | Promise]]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.widget = PlainSelect()
            field.choices = choices
            field.error_messages["invalid_choice"] = _("没有这个选项，未按此项筛选。")

    # Which filters stand in sight; the others unfold.
    first: Sequence[str] = ("search", "due", "hold", "state")

    @property
    def in_sight(self) -> list[forms.BoundField]:
        return [self[name] for name in self.first]

    @property
    def folded(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if field.name not in self.first]

    @property
    def unfolded(self) -> bool:
        """Whether one of the folded filters asks for something, or has a fault."""
        return any(field.value() or field.errors for field in self.folded)

    def clean_search(self) -> str:
        """The text to look for. A document number that came in an address is not searched, nor shown."""
        text: str = " ".join(self.cleaned_data["search"].split())
        self.numbers = numbers_in(text)
        return "" if self.numbers else text

    numbers: Sequence[tuple[str, str]] = ()

    def clean_document(self) -> str:
        """The digest, or nothing where the address names none."""
        text: str = self.cleaned_data["document"]
        if text and not DIGESTS.fullmatch(text):
            raise ValidationError(_("地址中的证件号码标记无效，请重新查询。"), code="document")
        return text

    def wishes(self) -> dict[str, str]:
        """What is asked for, by field; only what is valid and not empty."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class DocketFilterForm(FilterForm):
    """The authority also chooses agency and channel."""

    first = ("search", "channel", "agency", "due", "hold")

    channel = forms.ChoiceField(label=_("注册渠道"), required=False)
    agency = forms.ChoiceField(label=_("注册机构"), required=False)
    # The lists behind the figures of oversight.
    open = forms.ChoiceField(label=_("是否在办"), required=False)
    clock = forms.ChoiceField(label=_("期限种类"), required=False)
    fared = forms.ChoiceField(label=_("办理情况"), required=False)
    due_since = DayField(label=_("期限届满日自"))
    due_until = DayField(label=_("期限届满日至"))
    lodged_since = DayField(label=_("上报日期自"))
    lodged_until = DayField(label=_("上报日期至"))
    reported_since = DayField(label=_("报送日期自"))
    reported_until = DayField(label=_("报送日期至"))
    decided_since = DayField(label=_("决定日期自"))
    decided_until = DayField(label=_("决定日期至"))

    def __init__(
        self, data: Mapping[str, Any], *, agencies: Iterable[Agency], holders: Iterable[Holder] = ()
    ) -> None:
        super().__init__(data, holders=holders)
        channels = [choice for choice in Agency.Kind.choices if choice[0] != Agency.Kind.AUTHORITY]
        self._offer("channel", [EVERY, *channels])
        self._offer("agency", [EVERY, *((agency.code, agency.name) for agency in agencies)])
        self._offer("open", [EVERY, ("1", _("在办"))])
        self._offer("clock", [EVERY, *Clock.choices])
        self._offer("fared", [EVERY, *Fared.choices])


class ViewForm(forms.Form):
    """The name of a saved view, and whether colleagues see it."""

    name = forms.CharField(
        label=_("名称"), max_length=40, error_messages={"required": _("请给这个视图起一个名称。")}
    )
    shared = forms.BooleanField(label=_("与本机构同事共用"), required=False)
