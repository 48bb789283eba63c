"""Giving up: discard a draft, withdraw a lodged application, copy one that has ended."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from intake import affairs, filing, progress, signin
from intake.filing import AnotherDraft
from intake.models import Application
from intake.views.found import entry_or_404, own_application
from register.models import DocketEntry, Kind
from review.states import State
from tenants.errors import Refusal
from tenants.guards import ApplicantRequest, applicant_required

# The door refuses in the words of an officer's desk, with the name of whoever was faster: those stay there.
WORDED_FOR_STAFF: Final = "state"


# --- A draft ---------------------------------------------------------------------------------------


@applicant_required
@never_cache
@require_http_methods(["GET", "POST"])
def discard(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """Give a draft up; asks once. One lodged meanwhile is shown where it stands."""
    application = own_application(request, application_id)
    if application.status == Application.Status.LODGED:
        messages.error(request, _("这份申请已经上报，不能放弃；不再办理的，可以撤回申请。"))
        return redirect("application", application.pk)
    if request.method == "POST":
        filing.discard(application=application)
        messages.success(request, _("草稿已放弃。"))
        return redirect("home")
    context = {
        "title": gettext("确定放弃这份%(kind)s草稿吗？") % {"kind": application.get_kind_display()},
        "lines": [gettext("申请编号 %(reference)s。") % {"reference": application.reference}],
        "warning": _("放弃后，草稿中填写的内容不能恢复。"),
        "act_label": _("放弃草稿"),
        "tone": "danger",
        "cancel_url": reverse("home"),
        "cancel_label": _("不放弃"),
    }
    return render(request, "components/confirm.html", context)


# --- A lodged application --------------------------------------------------------------------------


@applicant_required
@never_cache
@require_http_methods(["GET", "POST"])
def withdrawal(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """撤回: take a lodged application back; asks once, possible until it is referred to the authority."""
    application = own_application(request, application_id)
    entry = entry_or_404(application)
    if request.method == "POST":
        _withdraw(request, application)
        return redirect("application", application.pk)
    if not progress.is_withdrawable(entry):
        messages.error(request, _why_not(entry))
        return redirect("application", application.pk)
    context = {
        "title": _("确定撤回这份申请吗？"),
        "lines": [
            gettext("%(kind)s申请 %(reference)s，由%(agency)s办理。")
            % {
                "kind": application.get_kind_display(),
                "reference": application.reference,
                "agency": entry.agency.name,
            },
            _("撤回后本次审查结束，已交的纸质材料请与注册机构联系取回。"),
            _("撤回不影响您以后再次申请：可以把这份申请复制为新草稿，修改后重新上报，各项期限重新计算。"),
        ],
        "warning": _("撤回不能恢复。"),
        "act_label": _("撤回申请"),
        "tone": "danger",
        "cancel_url": reverse("application", args=[application.pk]),
        "cancel_label": _("不撤回"),
    }
    return render(request, "components/confirm.html", context)


def _withdraw(request: HttpRequest, application: Application) -> None:
    try:
        filing.withdraw(application=application)
    except Refusal as no:
        entry = entry_or_404(application)
        worded_here = no.code == WORDED_FOR_STAFF
        messages.error(request, _why_not(entry) if worded_here else str(no.message))
    else:
        messages.success(request, _("申请已撤回。"))


def _why_not(entry: DocketEntry) -> str:
    """Why an application cannot be withdrawn any more, without the names of those who act on it."""
    if entry.state == State.WITHDRAWN:
        return gettext("这份申请已经撤回，不需要再次撤回。")
    if entry.state == State.REPORTED:
        return gettext("申请已报送终审机构，不能再撤回。")
    return gettext("这份申请目前的状态是“%(state)s”，不能撤回。") % {"state": State(entry.state).label}


@applicant_required
@never_cache
@require_POST
def copy(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """复制为新草稿: begin again with the content of an application that has ended without a registration.

    A draft in the way is named, with the question whether to give it up.
    """
    application = own_application(request, application_id)
    if State(entry_or_404(application).state) not in progress.COPYABLE:
        messages.error(request, _("这份申请没有终止，不能复制为新草稿。"))
        return redirect("application", application.pk)
    try:
        draft = _copied(request, application)
    except AnotherDraft as other:
        return _ask_to_discard(request, application, other.draft)
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect("application", application.pk)
    messages.success(request, _("已复制为新草稿，请核对后上报。"))
    return redirect("step", draft.pk, affairs.reached(draft).step.slug)


def _copied(request: HttpRequest, application: Application) -> Application:
    """The new draft. The draft that the person has agreed to give up is given up first, no other one."""
    return started(request, Kind(application.kind), copy_of=application)


def started(request: HttpRequest, kind: Kind, copy_of: Application | None = None) -> Application:
    """A new draft; one in the way is given up first where the person has agreed to give up this very one."""
    person = signin.person_of(request)
    try:
        return filing.start(person=person, kind=kind, copy_of=copy_of)
    except AnotherDraft as other:
        if request.POST.get("discard") != str(other.draft.pk):
            raise
        filing.discard(application=other.draft)
        return filing.start(person=person, kind=kind, copy_of=copy_of)


def _ask_to_discard(request: HttpRequest, application: Application, draft: Application) -> HttpResponse:
    words = {"kind": draft.get_kind_display(), "reference": draft.reference}
    context = {
        "title": _("复制前，要放弃现有的草稿吗？"),
        "lines": [gettext("您有一份未上报的%(kind)s申请（%(reference)s），每人同时只能有一份草稿。") % words],
        "warning": _("放弃后，草稿中填写的内容不能恢复。"),
        "hidden": [("discard", draft.pk)],
        "act_label": _("放弃草稿，复制这份申请"),
        "tone": "danger",
        "cancel_url": reverse("application", args=[application.pk]),
        "cancel_label": _("保留草稿，不复制"),
    }
    return render(request, "components/confirm.html", context)
