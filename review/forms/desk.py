"""What staff fill in: sign-in, filters of a queue, reasons, corrections, opinions, notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from register import codes
from register.codes import Entry
from register.models import Kind
from register.rosters import What
from review import sections
from review.models import Opinion
from tenants.models import Agency

TEXT_LENGTH: Final = 1000
ROWS_OFFERED: Final = 3
MOST_ROWS: Final = 40


def _long_text(rows: int = 4) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class SignInForm(forms.Form):
    """Login name and password of a staff member."""

    username = forms.CharField(
        label=_("登录名"),
        max_length=60,
        error_messages={"required": _("请填写登录名。")},
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "off", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        label=_("密码"),
        strip=False,
        max_length=128,
        error_messages={"required": _("请填写密码。")},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class FilterForm(forms.Form):
    """The filters above a queue; a value that does not exist asks for nothing."""

    kind = forms.ChoiceField(label=_("注册种类"), required=False)
    category = forms.ChoiceField(label=_("注册类别"), required=False)
    hold = forms.ChoiceField(
        label=_("经办人"),
        required=False,
        choices=[("", _("全部")), ("mine", _("我经办的")), ("free", _("未领取的"))],
    )
    search = forms.CharField(label=_("姓名或申请编号"), required=False, max_length=60)

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data, auto_id="filter-%s")
        every = ("", _("全部"))
        self._offer("kind", [every, *Kind.choices])
        self._offer("category", [every, *codes.choices("category")])

    def _offer(self, name: str, choices: Sequence[tuple[str, str | Promise]]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices

    def wishes(self) -> dict[str, str]:
        """What is asked for, by field; only what is valid and not empty."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class DocketFilterForm(FilterForm):
    """The authority also chooses agency and channel."""

    field_order = ("channel", "agency", "kind", "category", "hold", "search")

    channel = forms.ChoiceField(label=_("注册渠道"), required=False)
    agency = forms.ChoiceField(label=_("注册机构"), required=False)

    def __init__(self, data: Mapping[str, Any], *, agencies: Iterable[Agency]) -> None:
        super().__init__(data)
        every = ("", _("全部"))
        channels = [choice for choice in Agency.Kind.choices if choice[0] != Agency.Kind.AUTHORITY]
        self._offer("channel", [every, *channels])
        self._offer("agency", [every, *((agency.code, agency.name) for agency in agencies)])


# --- Reasons -----------------------------------------------------------------------------------------


class TextForm(forms.Form):
    """A reason in words."""

    text = forms.CharField(
        label=_("理由"),
        max_length=TEXT_LENGTH,
        widget=_long_text(),
        error_messages={"required": _("请说明理由。")},
    )


class ReasonForm(forms.Form):
    """Reason codes and what the officer adds in words; the applicant sees both."""

    codes = forms.MultipleChoiceField(
        label=_("理由"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("请至少选择一项理由。")},
    )
    text = forms.CharField(
        label=_("具体说明"),
        max_length=TEXT_LENGTH,
        widget=_long_text(),
        help_text=_("写明事实和依据，申请人将看到全文。"),
        error_messages={"required": _("请写明具体事实和依据。")},
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, reasons: Iterable[Entry], required: bool = True
    ) -> None:
        super().__init__(data)
        field = self.fields["codes"]
        field.required = required
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = [(reason.code, reason.label) for reason in reasons]


class NoteForm(forms.Form):
    """An internal note of the agency."""

    text = forms.CharField(
        label=_("新备注"),
        max_length=2000,
        widget=_long_text(2),
        error_messages={"required": _("请先写备注内容。")},
    )


class ApprovalForm(forms.Form):
    """The grant needs no reason; a remark is kept with the decision."""

    text = forms.CharField(label=_("审查意见"), max_length=TEXT_LENGTH, required=False, widget=_long_text(3))


class OpinionForm(forms.Form):
    """The opinion of the first review: pass, or fail with reasons."""

    verdict = forms.ChoiceField(
        label=_("初审意见"),
        choices=Opinion.Verdict.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择通过或者不通过。")},
    )
    codes = forms.MultipleChoiceField(
        label=_("不通过的理由"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("意见为“不通过”时必选。"),
    )
    text = forms.CharField(
        label=_("具体说明"),
        max_length=TEXT_LENGTH,
        required=False,
        widget=_long_text(),
        help_text=_("意见为“不通过”时必填，写明事实和依据，申请人将看到全文。"),
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, initial: dict[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=initial)
        field = self.fields["codes"]
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = [(reason.code, reason.label) for reason in codes.refusal_reasons()]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = self.cleaned_data
        failed = given.get("verdict") == Opinion.Verdict.FAIL
        if failed and not given.get("codes"):
            self.add_error("codes", _("请至少选择一项理由。"))
        if failed and not given.get("text"):
            self.add_error("text", _("请写明具体事实和依据。"))
        if given.get("verdict") == Opinion.Verdict.PASS and given.get("codes"):
            self.add_error("codes", _("意见为“通过”时不能选择不通过的理由，请取消勾选或改选“不通过”。"))
        return given


# --- Correction ----------------------------------------------------------------------------------------


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
    return min(int(text), MOST_ROWS) if text.isdecimal() and len(text) < 5 else ROWS_OFFERED


def typed_rows(data: Mapping[str, Any]) -> list[dict[str, str]]:
    """The rows of a posted correction as they were typed, to be shown again."""
    names = ("item", "code", "text")
    return [{name: str(data.get(f"item{n}-{name}", "")) for name in names} for n in range(rows_in(data))]


class CorrectionForm(forms.Form):
    """The whole notice (一次性告知): several faults, and a reason where the law asks for one."""

    reason = forms.CharField(
        label=_("再次要求补正的理由"),
        required=False,
        max_length=TEXT_LENGTH,
        widget=_long_text(3),
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
        count = rows_in(data) if data is not None else max(len(initial_items), ROWS_OFFERED)
        firsts = [*initial_items, *({} for _row in range(count))]
        self.rows = [
            CorrectionItemForm(data, prefix=f"item{n}", content=content, initial=dict(firsts[n]))
            for n in range(count)
        ]
        self.items: list[dict[str, str]] = []

    def clean(self) -> dict[str, Any]:
        filled = [row for row in self.rows if not row.is_empty]
        wrong = [row for row in filled if not row.is_valid()]
        if not filled:
            raise ValidationError(_("请至少列出一项需要补正的内容，并逐项说明如何修改。"), code="no_items")
        if wrong:
            raise ValidationError(_("有的补正事项没有填写完整，请补充标红的内容。"), code="rows")
        self.items += [
            {name: str(row.cleaned_data.get(name, "")) for name in ("item", "code", "text")} for row in filled
        ]
        return self.cleaned_data


# --- Rosters ---------------------------------------------------------------------------------------------


class RosterForm(forms.Form):
    """A roster file and which book it belongs to."""

    what = forms.ChoiceField(
        label=_("名册种类"),
        choices=[
            (What.QUALIFICATIONS.value, _("资格证书名册（考试合格人员）")),
            (What.REGISTRATIONS.value, _("历史注册名册（已注册人员）")),
        ],
        initial=What.QUALIFICATIONS.value,
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择名册种类。")},
    )
    file = forms.FileField(
        label=_("名册文件"),
        help_text=_("CSV 或 XLSX，第一行为列名，证件号码列须为文本格式。上传后先预览，不会立即写入。"),
        error_messages={"required": _("请选择文件。"), "empty": _("文件是空的，请重新选择。")},
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
    )


class SkipForm(forms.Form):
    """Whether faulty rows are left out; otherwise a file with faults is not brought in at all."""

    skip_bad_rows = forms.BooleanField(label=_("跳过有错误的行，导入其余各行"), required=False)
