"""To which agency a misrouted case is handed over, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tenants import directory
from tenants.models import Agency

TEXT_LENGTH: Final = 1000
# So many of the agencies found are shown; whoever means another one types more of its name.
MOST_OFFERED: Final = 8


class HandOverForm(forms.Form):
    """The agency that the application falls to, found by name, and the reason in words."""

    q = forms.CharField(
        label=_("查找注册机构"),
        required=False,
        max_length=directory.LONGEST_QUERY,
        help_text=_("可输入名称、简称、拼音或首字母，如：北京、beijing、bj。"),
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    agency = forms.CharField(
        label=_("转交给"),
        error_messages={"required": _("请查找并选择接收案卷的注册机构。")},
    )
    text = forms.CharField(
        label=_("转交的理由"),
        max_length=TEXT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("写明为什么不属于本机构的办理范围，申请人将看到全文。"),
        error_messages={"required": _("请说明理由。")},
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        agencies: Sequence[Agency],
        typed: Mapping[str, Any] | None = None,
    ) -> None:
        """`typed` is shown again without being judged: somebody is still looking for the agency."""
        shown = typed or {}
        super().__init__(data, initial={name: shown.get(name, "") for name in ("q", "agency", "text")})
        self.agencies = agencies
        self.known = {agency.code: agency for agency in agencies}

    def clean_agency(self) -> Agency:
        agency = self.known.get(self.cleaned_data["agency"])
        if agency is None:
            raise forms.ValidationError(_("请查找并选择接收案卷的注册机构。"), code="agency")
        if not agency.intake_open:
            raise forms.ValidationError(
                gettext("{agency}暂停接收申请，不能转交。").format(agency=agency.name), code="suspended"
            )
        return agency

    @property
    def query(self) -> str:
        return str(self["q"].value() or "").strip()

    @property
    def chosen(self) -> str:
        return str(self["agency"].value() or "")

    @property
    def found(self) -> list[Agency]:
        """The agencies that fit what was typed; the one chosen stays in sight."""
        fitting = directory.find(self.query, self.agencies)[:MOST_OFFERED] if self.query else []
        chosen = self.known.get(self.chosen)
        return fitting if chosen is None or chosen in fitting else [chosen, *fitting]
