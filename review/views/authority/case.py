"""The authority's case page. Every view here stands, and renders, inside the case's agency."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from register.models import Certificate
from review import looks
from review.models import Case
from review.views import file
from review.views.agency import letters
from review.views.desk import AUTHORITY_READERS, actor, agency_of_case, in_its_agency, private
from tenants.guards import StaffRequest, staff_required
from tenants.roles import FINAL_REVIEWER, REGISTRAR, SIGNING_OFFICER


@staff_required(*AUTHORITY_READERS)
@require_safe
@in_its_agency
def case(request: StaffRequest, case: Case) -> HttpResponse:
    """The case file of one application, at whatever agency."""
    return _page(request, case)


def _page(request: StaffRequest, case: Case, *, number: str = "") -> HttpResponse:
    prefetch_related_objects([case], "movements")
    agency = agency_of_case(request)
    context = {
        **file.context_of(request, case),
        "letters": letters.listed(case, agency, authority=request.agency),
        "certificates": _certificates(case),
        "may_reissue": REGISTRAR.code in request.roles,
        "full_number": number,
        "lead": _("初审机构：{name} {phone}").format(name=agency.name, phone=agency.phone).strip(),
    }
    return private(render(request, "review/authority/case.html", context))


def _certificates(case: Case) -> list[Certificate]:
    """The editions of the certificate that this case brought."""
    if case.registration_id is None:
        return []
    made = Certificate.objects.filter(registration=case.registration_id).select_related("registration")
    return list(made.defer("data").order_by("-edition"))


@staff_required(*AUTHORITY_READERS)
@require_safe
@in_its_agency
def photo(request: StaffRequest, case: Case) -> HttpResponse:
    """The applicant's portrait."""
    return file.photo(request, case)


@staff_required(*AUTHORITY_READERS)
@require_safe
@in_its_agency
def form_pdf(request: StaffRequest, case: Case) -> HttpResponse:
    """The application form with first opinion and final decision, for printing."""
    return file.form_pdf(request, case)


@staff_required(FINAL_REVIEWER, SIGNING_OFFICER)
@require_POST
@in_its_agency
def document_number(request: StaffRequest, case: Case) -> HttpResponse:
    """Show the full document number, once, on this very page; who looked is recorded."""
    if not looks.may_see_number(case, actor(request)):
        messages.error(request, _("请先领取本案，再查看完整证件号码。"))
        return redirect("case", case.pk)
    return _page(request, case, number=looks.see_number(case, by=request.user, reason=_("办理案卷")))
