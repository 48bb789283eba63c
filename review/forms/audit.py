"""What auditors ask of a book: agency, case, officer, act, period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from review.audit import Asked
from review.forms.queue import DayField
from review.models import ACT_WORDS
from tenants.models import Agency

EVERY: Final = ("", _("全部"))


class AuditForm(forms.Form):
    """The filters above a book. A value that does not exist asks for nothing, and the field says so."""

    agency = forms.ChoiceField(
        label=_("注册机构"),
        required=False,
        error_messages={"invalid_choice": _("没有这个机构，未按此项筛选。")},
    )
    reference = forms.CharField(label=_("申请编号"), required=False, max_length=20)
    officer = forms.CharField(label=_("工作人员姓名"), required=False, max_length=60)
    act = forms.ChoiceField(
        label=_("事项"), required=False, error_messages={"invalid_choice": _("没有这个选项，未按此项筛选。")}
    )
    since = DayField(label=_("日期自"))
    until = DayField(label=_("日期至"))

    def __init__(
        self, data: Mapping[str, Any], *, fields: Sequence[str], agencies: Iterable[Agency] = ()
    ) -> None:
        super().__init__(data, auto_id="filter-%s")
        for name in [name for name in self.fields if name not in fields]:
            del self.fields[name]
        self._offer("agency", [EVERY, *((agency.code, agency.name) for agency in agencies)])
        self._offer("act", [EVERY, *ACT_WORDS.items()])

    def _offer(self, name: str, choices: Sequence[Any]) -> None:
        field = self.fields.get(name)
        if isinstance(field, forms.ChoiceField):
            field.choices = choices

    def clean_reference(self) -> str:
        """The number of an application as it is kept."""
        return "".join(str(self.cleaned_data["reference"]).split()).upper()

    def asked(self) -> Asked:
        """What is asked for; only what is valid."""
        self.is_valid()
        return Asked(**{name: value for name, value in self.cleaned_data.items() if value})


class AuditExportForm(forms.Form):
    """The kind of file."""

    format = forms.ChoiceField(
        label=_("文件格式"),
        choices=[("xlsx", _("XLSX（Excel、WPS 表格）")), ("csv", _("CSV（文本，UTF-8）"))],
        initial="xlsx",
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择文件格式。"), "invalid_choice": _("请选择文件格式。")},
    )


class CaseVerificationForm(forms.Form):
    """Which case to verify."""

    reference = forms.CharField(
        label=_("申请编号"), max_length=20, error_messages={"required": _("请填写申请编号。")}
    )

    def clean_reference(self) -> str:
        """The number of an application as it is kept."""
        return "".join(str(self.cleaned_data["reference"]).split()).upper()


class AgencyVerificationForm(forms.Form):
    """Whose chains to verify: at an agency's desk there is no choice."""

    agency = forms.ChoiceField(
        label=_("注册机构"),
        error_messages={"required": _("请选择注册机构。"), "invalid_choice": _("请选择注册机构。")},
    )

    def __init__(self, data: Mapping[str, Any] | None, *, agencies: Sequence[Agency]) -> None:
        super().__init__(data)
        self.agencies = {agency.code: agency for agency in agencies}
        field = self.fields["agency"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", _("请选择")), *((agency.code, agency.name) for agency in agencies)]

    def clean_agency(self) -> Agency:
        """The agency itself."""
        code: str = self.cleaned_data["agency"]
        if code not in self.agencies:
            raise ValidationError(_("请选择注册机构。"))
        return self.agencies[code]
