"""What the registrar fills in to bring a roster into the register, or to take a list out of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from register import codes
from register.rosters import What
from register.tables import Form
from review.roster_exports import Today
from tenants.models import Agency

BOOKS = [
    (What.QUALIFICATIONS.value, _("资格证书名册（考试合格人员）")),
    (What.REGISTRATIONS.value, _("历史注册名册（已注册人员）")),
]


class RosterForm(forms.Form):
    """A roster file and which book it belongs to."""

    what = forms.ChoiceField(
        label=_("名册种类"),
        choices=BOOKS,
        initial=What.QUALIFICATIONS.value,
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择名册种类。")},
    )
    file = forms.FileField(
        label=_("名册文件"),
        help_text=_(
            "CSV 或 XLSX，最大 30 MB，第一行为列名，证件号码列须为文本格式。"
            "上传后先检查，您确认之前不会写入。"
        ),
        error_messages={"required": _("请选择文件。"), "empty": _("文件是空的，请重新选择。")},
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
    )


class SkipForm(forms.Form):
    """Whether faulty rows are left out; otherwise a file with faults is not brought in at all."""

    skip_bad_rows = forms.BooleanField(label=_("跳过有错误的行，导入其余各行"), required=False)


class RosterExportForm(forms.Form):
    """Which lines of which book go into a file, and whether with full document numbers."""

    what = forms.ChoiceField(
        label=_("名册种类"),
        choices=[(What.QUALIFICATIONS.value, _("资格证书名册")), (What.REGISTRATIONS.value, _("注册名册"))],
        initial=What.REGISTRATIONS.value,
        widget=forms.RadioSelect,
    )
    exam_year = forms.IntegerField(
        label=_("考试年度"),
        required=False,
        min_value=2002,
        max_value=2100,
        help_text=_("只用于资格证书名册，不填则不限。"),
    )
    category = forms.ChoiceField(label=_("类别"), required=False)
    agency = forms.ChoiceField(label=_("注册初审机构"), required=False, help_text=_("只用于注册名册。"))
    today = forms.ChoiceField(
        label=_("目前状态"),
        required=False,
        choices=[("", _("不限")), *Today.choices],
        help_text=_("只用于注册名册。"),
    )
    valid_from = forms.DateField(
        label=_("有效期止不早于"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("只用于注册名册。"),
    )
    valid_until = forms.DateField(
        label=_("有效期止不晚于"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("只用于注册名册。"),
    )
    form = forms.ChoiceField(
        label=_("文件格式"),
        choices=[(Form.XLSX.value, "XLSX"), (Form.CSV.value, "CSV")],
        initial=Form.XLSX.value,
        widget=forms.RadioSelect,
    )
    full = forms.BooleanField(
        label=_("含完整证件号码"),
        required=False,
        help_text=_("默认遮盖。导出完整证件号码须填写事由，每个人的查看记录都会写明。"),
    )
    reason = forms.CharField(label=_("事由"), max_length=180, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        anything = ("", _("不限"))
        categories = [(each.code, f"{each.code} {each.label}") for each in codes.entries("category")]
        agencies = Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).order_by("number")
        for name, choices in (
            ("category", categories),
            ("agency", [(agency.code, agency.name_zh) for agency in agencies]),
        ):
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = [anything, *choices]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = self.cleaned_data
        if given.get("full") and not given.get("reason", "").strip():
            self.add_error("reason", _("导出完整证件号码须填写事由。"))
        since, until = given.get("valid_from"), given.get("valid_until")
        if since and until and until < since:
            self.add_error("valid_until", _("结束日期早于开始日期。"))
        return given
