"""The notice of correction (一次性告知): one row for each fault, and a reason where the law asks for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from register import codes
from review import phrases, sections

MOST_ROWS: Final = 40
NAMES: Final = ("item", "code", "text")
Rows = list[dict[str, str]]


class CorrectionItemForm(forms.Form):
    """One fault: where it is, of what kind, and how to mend it. An empty row is left out."""

    item = forms.ChoiceField(label=_("需要补正的内容"), required=False)
    code = forms.ChoiceField(label=_("原因"), required=False)
    text = forms.CharField(
        label=_("如何修改"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, content: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose = ("", _("请选择"))
        offered: dict[str, list[Any]] = {
            "item": [choose, *sections.correctable(content)],
            "code": [choose, *((reason.code, reason.label) for reason in codes.return_reasons())],
        }
        for name, choices in offered.items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = choices

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = self.cleaned_data
        if not self.is_empty:
            if not given.get("item") and "item" not in self.errors:
                self.add_error("item", _("请选择需要补正的内容。"))
            if not given.get("text") and "text" not in self.errors:
                self.add_error("text", _("请说明如何修改。"))
        return given

    @property
    def is_empty(self) -> bool:
        return not any(str(self.data.get(self.add_prefix(name), "")).strip() for name in self.fields)


def rows_in(data: Mapping[str, Any]) -> int:
    """How many rows a posted correction has."""
    text = str(data.get("rows", ""))
    return min(int(text), MOST_ROWS) if text.isdecimal() and len(text) < 5 else 1


def typed_rows(data: Mapping[str, Any]) -> Rows:
    """The rows of a posted correction as they were typed, to be shown again."""
    return [{name: str(data.get(f"item{n}-{name}", "")) for name in NAMES} for n in range(rows_in(data))]


def rearranged(data: Mapping[str, Any]) -> Rows | None:
    """The typed rows after the button that changes them: one more, one less, or usual phrases filled in.

    None when another button was pressed.
    """
    rows = typed_rows(data)
    if "add" in data:
        return [*rows, {}] if len(rows) < MOST_ROWS else rows
    if "remove" in data:
        return [row for n, row in enumerate(rows) if str(n) != data["remove"]]
    if "fill" in data:
        return [{**row, "text": row["text"] or phrases.first_for(row["code"])} for row in rows]
    return None


class CorrectionForm(forms.Form):
    """The whole notice: several faults, and a reason where the law asks for one."""

    reason = forms.CharField(
        label=_("再次要求补正的理由"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("理由写入流转记录，并在补正通知书中告知申请人。"),
        error_messages={"required": _("再次要求补正须说明理由。")},
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        content: Mapping[str, Any],
        with_reason: bool,
        reason: str = "",
        initial_items: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(data, initial={"reason": reason})
        if with_reason:
            self.fields["reason"].required = True
        else:
            del self.fields["reason"]
        firsts = [dict(first) for first in initial_items] or [{}]
        count = rows_in(data) if data is not None else len(firsts)
        self.rows = [
            CorrectionItemForm(
                data,
                prefix=f"item{n}",
                content=content,
                initial=firsts[n] if n < len(firsts) else {},
            )
            for n in range(count)
        ]
        self.items: Rows = []

    def clean(self) -> dict[str, Any]:
        filled = [row for row in self.rows if not row.is_empty]
        for row in filled:
            row.is_valid()
        self._refuse_the_same_twice(filled)
        if not filled:
            raise ValidationError(_("请至少列出一项需要补正的内容，并逐项说明如何修改。"), code="no_items")
        if any(row.errors for row in filled):
            raise ValidationError(_("有的补正事项没有填写完整，请补充标红的内容。"), code="rows")
        self.items = [{name: str(row.cleaned_data.get(name, "")) for name in NAMES} for row in filled]
        return self.cleaned_data

    def _refuse_the_same_twice(self, filled: Sequence[CorrectionItemForm]) -> None:
        """The applicant answers each item once, so each stands in one row."""
        first: dict[str, int] = {}
        for row in filled:
            item, place = row.cleaned_data.get("item", ""), self.rows.index(row) + 1
            if item and first.setdefault(item, place) != place:
                said = gettext("这项内容已在第 {n} 项列出，请合并为一项。").format(n=first[item])
                row.add_error("item", said)
