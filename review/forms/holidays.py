"""What the administrator fills in about the calendar of working days: one day, or a year's announcement."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from register import holidays, sheets
from register.holidays import Entry, Plan

OFF: Final = "off"
WORK: Final = "work"
MOST_BYTES: Final = 1024 * 1024


class DayForm(forms.Form):
    """One day that departs from the known calendar."""

    day = forms.DateField(
        label=gettext_lazy("日期"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": gettext_lazy("请填写日期。"),
            "invalid": gettext_lazy("日期无效，请写成 2027-02-05 的形式。"),
        },
    )
    what = forms.ChoiceField(
        label=gettext_lazy("安排"),
        choices=[(OFF, gettext_lazy("放假")), (WORK, gettext_lazy("上班（调休）"))],
        widget=forms.RadioSelect,
        initial=OFF,
        error_messages={
            "required": gettext_lazy("请选择放假或者上班。"),
            "invalid_choice": gettext_lazy("请选择放假或者上班。"),
        },
    )
    name = forms.CharField(
        label=gettext_lazy("名称"),
        max_length=holidays.NAME_LENGTH,
        help_text=gettext_lazy("例如：春节、调休上班、台风停工。"),
        error_messages={"required": gettext_lazy("请填写名称。")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if not holidays.is_possible(day.year):
            raise ValidationError(_("日期超出了可以维护的年份。"), code="year")
        return day

    def entry(self) -> Entry:
        """The day as it is to stand in the table."""
        given = self.cleaned_data
        return Entry(given["day"], given["what"] == WORK, given["name"])


class AnnouncementForm(forms.Form):
    """A year's announcement, pasted line by line or as a file."""

    lines = forms.CharField(
        label=gettext_lazy("放假安排"),
        required=False,
        max_length=20_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "每行一天或者一段：日期,off 或 work,名称。例如：2027-02-05至2027-02-11,off,春节。"
        ),
    )
    file = forms.FileField(
        label=gettext_lazy("或者上传文件"),
        required=False,
        help_text=gettext_lazy("CSV 或 XLSX，三列：日期、off 或 work、名称。"),
        error_messages={"empty": gettext_lazy("文件是空的，请重新选择。")},
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
    )

    plan: Plan

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        lines, file = given.get("lines", ""), given.get("file")
        if bool(lines.strip()) == bool(file):
            raise ValidationError(_("请粘贴放假安排，或者上传一个文件，二者选一。"), code="one_of_two")
        if file and file.size > MOST_BYTES:
            self.add_error("file", _("文件超过 1 MB，请检查是否选错了文件。"))
            return given
        try:
            self.plan = holidays.read_file(file.read(), file.name) if file else holidays.read(lines)
        except sheets.UnreadableFile as no:
            self.add_error("file" if file else "lines", str(no.message))
        return given
