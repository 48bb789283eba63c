"""The agency's case page, and what is read or noted there without moving the case."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from register import clock
from review import casework, checklist, looks
from review.casework import Found
from review.forms.desk import NoteForm
from review.models import Case, CaseNote
from review.states import State
from review.views import file
from review.views.agency import handover, letters
from review.views.desk import AGENCY_READERS, actor, of_this_agency, private
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.roles import REVIEWER, SUPERVISOR


@staff_required(*AGENCY_READERS)
@require_safe
@of_this_agency
def case(request: StaffRequest, case: Case) -> HttpResponse:
    """The case file of one application."""
    return _page(request, case)


def _page(
    request: StaffRequest,
    case: Case,
    *,
    number: str = "",
    note: NoteForm | None = None,
    unsaved: Mapping[str, Found] | None = None,
    status: int = 200,
) -> HttpResponse:
    prefetch_related_objects([case], "movements")
    if case.state == State.HANDED_OVER:
        return private(render(request, "review/agency/handed_over.html", handover.context_of(request, case)))
    context = {
        **file.context_of(request, case),
        "letters": letters.listed(case, request.agency),
        "full_number": number,
        "notes": case.notes.order_by("-at"),
        "note_form": note or NoteForm(),
        "unsaved": _in_words(unsaved or {}),
        "may_note": bool({REVIEWER.code, SUPERVISOR.code} & request.roles),
    }
    return private(render(request, "review/agency/case.html", context, status=status))


@staff_required(*AGENCY_READERS)
@require_safe
@of_this_agency
def photo(request: StaffRequest, case: Case) -> HttpResponse:
    """The applicant's portrait."""
    return file.photo(request, case)


@staff_required(*AGENCY_READERS)
@require_safe
@of_this_agency
def form_pdf(request: StaffRequest, case: Case) -> HttpResponse:
    """The application form with the opinions so far, for printing."""
    return file.form_pdf(request, case)


@staff_required(REVIEWER, SUPERVISOR)
@require_POST
@of_this_agency
def document_number(request: StaffRequest, case: Case) -> HttpResponse:
    """Show the full document number, once, on this very page; who looked is recorded."""
    if not looks.may_see_number(case, actor(request)):
        messages.error(request, _("请先领取本案，再查看完整证件号码。"))
        return redirect("case", case.pk)
    return _page(request, case, number=looks.see_number(case, by=request.user, reason=_("办理案卷")))


@staff_required(REVIEWER)
@require_POST
@of_this_agency
def checks(request: StaffRequest, case: Case) -> HttpResponse:
    """Keep the marks on the sections, then go on to the act that was asked for, or stay."""
    typed, read = _marks_in(request), request.POST.get("version", "")
    version = int(read) if read.isdecimal() else 0
    shown = {item.key for item in checklist.items_of(file.content_of(case))}
    marks = {key: found for key, found in typed.items() if key in shown}
    try:
        casework.tick_all(case=case, by=actor(request), version=version, marks=marks)
    except Refusal as no:
        messages.error(request, str(no.message))
        present = Case.objects.select_related("assignee", "officer", "dispatch").get(pk=case.pk)
        return _page(request, present, unsaved=typed, status=409)
    messages.success(request, _("核对结果已保存。"))
    following = file.BY_ACT.get(request.POST.get("then", ""))
    if following is not None and not following.at_once:
        return redirect(following.route, case.pk)
    return redirect("case", case.pk)


def _marks_in(request: StaffRequest) -> dict[str, Found]:
    found = {}
    for key in checklist.LABELS:
        verdict = request.POST.get(f"verdict-{key}")
        if verdict in {"ok", "fault"}:
            remark = request.POST.get(f"remark-{key}", "").replace("\0", "").strip()
            found[key] = (verdict == "ok", remark)
    return found


def _in_words(found: Mapping[str, Found]) -> list[tuple[str | Promise, str]]:
    """The remarks that were typed in vain, each with its section."""
    return [(checklist.LABELS[key], remark) for key, (_in_order, remark) in found.items() if remark]


@staff_required(REVIEWER, SUPERVISOR)
@require_POST
@of_this_agency
def notes(request: StaffRequest, case: Case) -> HttpResponse:
    """Add an internal note; neither applicant nor authority sees it."""
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _page(request, case, note=form, status=422)
    CaseNote.objects.create(
        case=case,
        text=form.cleaned_data["text"],
        author_id=request.user.pk,
        author_name=request.user.display_name,
        at=clock.now(),
    )
    messages.success(request, _("备注已添加。"))
    return redirect(f"{reverse('case', args=[case.pk])}#notes")
