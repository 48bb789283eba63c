"""Which dispatches the authority looks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from review.forms.queue import EVERY
from tenants.models import Agency


class DispatchFilterForm(forms.Form):
    """The filters above the dispatches. A value that does not exist asks for nothing."""

    agency = forms.ChoiceField(
        label=_("注册机构"),
        required=False,
        error_messages={"invalid_choice": _("没有这个选项，未按此项筛选。")},
    )
    number = forms.CharField(label=_("批次号（可只填开头）"), required=False, max_length=40)

    def __init__(self, data: Mapping[str, Any], *, agencies: Iterable[Agency]) -> None:
        super().__init__(data, auto_id="filter-%s")
        field = self.fields["agency"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [EVERY, *((agency.code, agency.name) for agency in agencies)]

    def wishes(self) -> dict[str, str]:
        """What is asked for, by field; only what is valid and not empty."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
