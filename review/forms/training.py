"""What an officer fills in to bring in class hours."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from register.training import LIMITS

MEGABYTE = 1024 * 1024


class TrainingFileForm(forms.Form):
    """A list of courses, not larger than one import takes."""

    file = forms.FileField(
        label=_("学时登记表"),
        help_text=_("XLSX 或 CSV，不超过 10 MB、5000 行，第一行为列名。上传后先预览，不会立即写入。"),
        error_messages={
            "required": _("请选择文件。"),
            "empty": _("文件是空的，请重新选择。"),
            "max_length": _("文件名过长，请改名后重新选择。"),
        },
        max_length=200,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
    )

    def clean_file(self) -> Any:
        """The size is looked at before anything of the file is read."""
        file = self.cleaned_data["file"]
        if file.size > LIMITS.size:
            raise ValidationError(
                _("文件超过 %(most)d MB，请分成几个文件。"),
                code="too_large",
                params={"most": LIMITS.size // MEGABYTE},
            )
        return file
