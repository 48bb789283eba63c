"""What an officer fills in for an act on a case, beside the reasons of `review.forms.desk`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from review.colleagues import Colleague
from review.forms.desk import TextForm
from review.models import TerminationGround


class AssignForm(forms.Form):
    """Who gets the case."""

    to = forms.ChoiceField(
        label=_("分派给"),
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择一位经办人员。"), "invalid_choice": _("请选择列表中的人员。")},
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, colleagues: Sequence[Colleague]) -> None:
        super().__init__(data)
        self.colleagues = colleagues
        field = self.fields["to"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(str(one.user.pk), one.user.display_name) for one in colleagues]

    @property
    def chosen(self) -> Colleague:
        """The colleague chosen in a valid form."""
        return next(one for one in self.colleagues if str(one.user.pk) == self.cleaned_data["to"])


class ExplainedForm(TextForm):
    """A reason in words that the applicant will read."""

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.fields["text"].help_text = _("申请人将在通知中看到全文。")


class TerminationForm(ExplainedForm):
    """Why an application ends without a decision."""

    field_order = ("ground", "text")

    ground = forms.ChoiceField(
        label=_("终止事由"),
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择终止的事由。")},
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, grounds: Sequence[TerminationGround]
    ) -> None:
        super().__init__(data)
        field = self.fields["ground"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(ground.value, ground.label) for ground in grounds]
        self.fields["text"].label = _("具体说明")
