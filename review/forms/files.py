"""What an officer chooses when ordering a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class ArchiveForm(forms.Form):
    """Whether the archive carries the full document number and the uploaded papers."""

    full = forms.BooleanField(
        label=_("装入上传材料，并显示完整证件号码"),
        required=False,
        help_text=_("本次查看会记录在案。不选的，证件号码用掩码显示，上传材料只列目录和摘要。"),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, may_see: bool) -> None:
        super().__init__(data)
        if not may_see:
            del self.fields["full"]
