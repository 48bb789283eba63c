"""Papers over the counter (材料签收): what is needed, what came in, and the slip for what is handed in."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from review import papers
from review.documents import slips
from review.forms.papers import SlipForm
from review.models import Case, PaperSlip
from review.views import file
from review.views.desk import AGENCY_READERS, actor, of_this_agency, posted, private
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required


@staff_required(*AGENCY_READERS)
@require_http_methods(["GET", "POST"])
@of_this_agency
def paper_slips(request: StaffRequest, case: Case) -> HttpResponse:
    """The slips of a case; whoever reviews here enters what is handed in and gets the next slip."""
    given = list(case.paper_slips.all())
    expected = papers.expected(case, file.content_of(case), given)
    open_to_me = papers.may_receive(case, actor(request))
    form = SlipForm(posted(request), expected=expected, number=len(given) + 1, handed_by=case.applicant_name)
    if request.method == "POST" and form.is_valid():
        try:
            slip = papers.receive(
                case=case,
                by=actor(request),
                lines=form.lines(),
                handed_by=form.cleaned_data["handed_by"],
                number=form.cleaned_data["number"],
            )
        except Refusal as no:
            if not open_to_me:
                messages.error(request, str(no.message))
                return redirect("case", case.pk)
            form.add_error(None, str(no.message))
        else:
            number = papers.number_of(case, slip)
            messages.success(request, _("已签收，签收单编号 {number}。请打印并签字。").format(number=number))
            return redirect("paper-slips", case.pk)
    context = {
        "case": case,
        "form": form if open_to_me else None,
        "expected": expected,
        "slips": [(slip, papers.number_of(case, slip), papers.lines_of(slip)) for slip in reversed(given)],
    }
    status = 422 if form.errors else 200
    return private(render(request, "review/agency/paper_slips.html", context, status=status))


@staff_required(*AGENCY_READERS)
@require_safe
@of_this_agency
def paper_slip(request: StaffRequest, case: Case, slip_id: UUID) -> HttpResponse:
    """One slip as PDF, two copies on a sheet."""
    slip = get_object_or_404(PaperSlip, case=case, pk=slip_id)
    answer = HttpResponse(slips.slip_pdf(case, slip, agency=request.agency), content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{case.reference}-slip{slip.number}.pdf"'
    return private(answer)
