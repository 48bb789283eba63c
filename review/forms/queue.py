"""What staff ask of a queue: its filters, the one search box, and the name under which a view is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from register import codes
from register.models import Kind
from review.queue import Due, Holder, numbers_in
from review.states import State
from tenants.models import Agency

EVERY: Final = ("", _("全部"))
DIGESTS: Final = re.compile(r"[0-9a-f]{64}(\.[0-9a-f]{64})*", re.ASCII)


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

    def __init__(self, data: Mapping[str, Any], *, agencies: Iterable[Agency]) -> None:
        super().__init__(data)
        channels = [choice for choice in Agency.Kind.choices if choice[0] != Agency.Kind.AUTHORITY]
        self._offer("channel", [EVERY, *channels])
        self._offer("agency", [EVERY, *((agency.code, agency.name) for agency in agencies)])


class ViewForm(forms.Form):
    """The name of a saved view, and whether colleagues see it."""

    name = forms.CharField(
        label=_("名称"), max_length=40, error_messages={"required": _("请给这个视图起一个名称。")}
    )
    shared = forms.BooleanField(label=_("与本机构同事共用"), required=False)
