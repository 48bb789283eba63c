"""The agency's settings: its managers change them, its auditors read them, both see who changed what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from register import clock, policy
from review.forms.settings import LABELS, SettingsForm, in_words
from review.views.desk import Text, posted, private
from tenants import settings_of
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import SettingChange
from tenants.roles import AUDITOR, MANAGER
from tenants.settings_of import EDITABLE, Overtaken


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the record as it is shown."""

    row: SettingChange
    label: Text
    before: str
    after: str


@staff_required(MANAGER, AUDITOR)
@require_http_methods(["GET", "POST"])
def page(request: StaffRequest) -> HttpResponse:
    """The settings, and the record of their changes."""
    changes_them = MANAGER.code in request.roles
    if request.method == "POST" and not changes_them:
        raise Http404
    form = SettingsForm(posted(request), agency=request.agency)
    if request.method == "POST" and form.is_valid() and _saved(request, form):
        return redirect("settings")
    return private(render(request, "review/agency/settings.html", _context(request, form, changes_them)))


def _saved(request: StaffRequest, form: SettingsForm) -> bool:
    """Write what was changed; what stands against it is said on the form."""
    try:
        changes = settings_of.change_settings(
            agency=request.agency,
            by=request.user,
            at=clock.now(),
            seen=form.cleaned_data["seen"],
            **form.changed,
        )
    except Overtaken as overtaken:
        form.take_over(overtaken)
        form.add_error(None, str(overtaken.message))
        return False
    except Refusal as no:
        form.add_error(None, str(no.message))
        return False
    if changes:
        names = "、".join(str(LABELS[change.field]) for change in changes)
        messages.success(request, _("已保存：{names}。").format(names=names))
    else:
        messages.info(request, _("没有改动。"))
    return True


def _context(request: StaffRequest, form: SettingsForm, changes_them: bool) -> dict[str, Any]:
    older_than = request.GET.get("before", "")
    record = settings_of.record(request.agency, older_than=older_than)
    here, agency = reverse("settings"), request.agency
    return {
        "form": form,
        "changes_them": changes_them,
        "groups": [
            (_("联系方式"), [form[name] for name in ("phone", "email", "address", "hours")]),
            (_("办理方式"), [form["materials_mode"], form["countersign"]]),
            (_("文书和案卷"), [form["letter_head"], form["retention_years"]]),
        ],
        "rows": [
            {"label": LABELS[name], "value": in_words(name, getattr(agency, name))} for name in EDITABLE
        ],
        "always_two": policy.current().countersign,
        "changes": [_change(row) for row in record.rows],
        "newest_url": here if older_than else "",
        "older_url": f"{here}?before={record.older}" if record.older else "",
    }


def _change(row: SettingChange) -> Change:
    return Change(row, LABELS[row.field], in_words(row.field, row.before), in_words(row.field, row.after))
