"""What an officer enters when papers are handed in over the counter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from register import codes
from review.papers import MOST_COPIES, REMARK_LENGTH, Expected, Line


@dataclass(frozen=True, slots=True)
class Row:
    """A paper with its two fields; `expected` where this application needs it, or some came in."""

    code: str
    label: str
    copies: BoundField
    remark: BoundField
    expected: Expected | None


class SlipForm(forms.Form):
    """How many copies of which papers, from whom."""

    handed_by = forms.CharField(
        label=_("递交人"),
        max_length=100,
        help_text=_("本人递交写申请人姓名；他人代交或者邮寄的，写明代交人或者寄件人。"),
        error_messages={"required": _("请填写递交人。")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    number = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        expected: Iterable[Expected],
        number: int,
        handed_by: str,
    ) -> None:
        super().__init__(data, initial={"number": number, "handed_by": handed_by})
        self.expected = {one.needed.code: one for one in expected}
        for code, label in codes.choices("paper"):
            self.fields[f"copies-{code}"] = forms.IntegerField(
                label=_("%(paper)s：份数") % {"paper": label},
                required=False,
                min_value=0,
                max_value=MOST_COPIES,
                error_messages={
                    "invalid": _("请填写数字。"),
                    "min_value": _("份数不能小于 0。"),
                    "max_value": _("份数不能超过 99。"),
                },
                widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
            )
            self.fields[f"remark-{code}"] = forms.CharField(
                label=_("%(paper)s：备注") % {"paper": label},
                required=False,
                max_length=REMARK_LENGTH,
                widget=forms.TextInput(attrs={"autocomplete": "off"}),
            )

    @property
    def rows(self) -> list[Row]:
        """The papers that this application needs, or of which some came in, in the order of the list."""
        return [row for row in self._rows() if row.expected]

    @property
    def other_rows(self) -> list[Row]:
        """Every other paper."""
        return [row for row in self._rows() if not row.expected]

    @property
    def other_open(self) -> bool:
        """Whether something was entered among the other papers, which are folded away otherwise."""
        return any(row.copies.value() or row.remark.value() for row in self.other_rows)

    def _rows(self) -> list[Row]:
        return [
            Row(code, label, self[f"copies-{code}"], self[f"remark-{code}"], self.expected.get(code))
            for code, label in codes.choices("paper")
        ]

    def lines(self) -> list[Line]:
        """What is handed in: the papers with a number of copies."""
        given = self.cleaned_data
        return [
            Line(code, given[f"copies-{code}"], given[f"remark-{code}"])
            for code, _label in codes.choices("paper")
            if given.get(f"copies-{code}")
        ]
