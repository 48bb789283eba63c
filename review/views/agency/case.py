"""The agency's case page, and what is read or noted there without moving the case."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from register import clock
from review import casework, checklist, looks
from review.forms.desk import NoteForm
from review.models import Case, CaseNote
from review.states import State
from review.views import file
from review.views.agency import handover, letters
from review.views.desk import AGENCY_READERS, actor, of_this_agency, private, told
from tenants.guards import StaffRequest, staff_required
from tenants.roles import REVIEWER, SUPERVISOR


@staff_required(*AGENCY_READERS)
@require_safe
@of_this_agency
def case(request: StaffRequest, case: Case) -> HttpResponse:
    """The case file of one application."""
    return _page(request, case)


def _page(
    request: StaffRequest, case: Case, *, number: str = "", note: NoteForm | None = None, status: int = 200
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
    content = file.dossier_of(case).content
    kept = told(request, _("核对结果已保存。"), lambda: _keep_marks(request, case, content))
    following = file.BY_ACT.get(request.POST.get("then", ""))
    if kept and following is not None and not following.at_once:
        return redirect(following.route, case.pk)
    return redirect("case", case.pk)


def _keep_marks(request: StaffRequest, case: Case, content: dict[str, object]) -> None:
    for item in checklist.items_of(content):
        verdict = request.POST.get(f"verdict-{item.key}")
        if verdict in {"ok", "fault"}:
            remark = request.POST.get(f"remark-{item.key}", "").replace("\0", "").strip()
            casework.tick(
                case=case, by=actor(request), item=item.key, in_order=verdict == "ok", remark=remark
            )


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
