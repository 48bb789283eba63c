"""What the registrar fills in about an announcement batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from register import clock
from register.models import Kind
from review.batches import Scope
from tenants.models import Agency

NUMBER: Final = r"^(?=.*\d)[0-9A-Za-z][0-9A-Za-z-]{1,19}$"
ALL: Final = ("", _("全部"))


class ScopeForm(forms.Form):
    """Whom a batch gathers."""

    until = forms.DateField(
        label=_("准予注册日期不晚于"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("日期无效，请写成 2027-02-05 的形式。")},
    )
    channel = forms.ChoiceField(label=_("注册渠道"), required=False)
    agency = forms.ChoiceField(label=_("注册机构"), required=False)
    kind = forms.ChoiceField(label=_("注册种类"), required=False, choices=[ALL, *Kind.choices])

    def __init__(self, data: Mapping[str, Any] | None, *, agencies: Sequence[Agency]) -> None:
        super().__init__(data)
        channels = [each for each in Agency.Kind.choices if each[0] != Agency.Kind.AUTHORITY]
        self.fields["channel"].choices = [ALL, *channels]  # type: ignore[attr-defined]
        self.fields["agency"].choices = [  # type: ignore[attr-defined]
            ALL,
            *((agency.code, agency.name) for agency in agencies),
        ]

    @property
    def scope(self) -> Scope:
        """What was chosen in a valid form."""
        return Scope(**{key: value for key, value in self.cleaned_data.items() if value})


class BatchForm(forms.Form):
    """Number and title of a batch as everybody will read them."""

    number = forms.CharField(
        label=_("批次号"),
        max_length=20,
        validators=[RegexValidator(NUMBER, _("批次号只能使用字母、数字和短横线，2 至 20 位。"))],
        help_text=_("公告网址中会出现，例如 2026-012。"),
        error_messages={"required": _("请填写批次号。")},
    )
    title = forms.CharField(
        label=_("标题"),
        max_length=200,
        help_text=_("公告页面的标题，申请人和公众都会看到。"),
        error_messages={"required": _("请填写标题。")},
    )

    @staticmethod
    def suggested(number: str) -> dict[str, str]:
        """What stands in the form before anybody has typed."""
        serial = number.rpartition("-")[2].lstrip("0") or "1"
        title = _("注册安全工程师注册公告（{year}年第{serial}批）")
        return {"number": number, "title": str(title).format(year=clock.today().year, serial=serial)}
