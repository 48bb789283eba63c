"""What auditors read at both desks: the books, the verification of chains, exports of the books."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from register.tables import Form
from review import audit, audit_files
from review.audit import BOOKS, Asked, Book
from review.forms.audit import AgencyVerificationForm, AuditExportForm, AuditForm, CaseVerificationForm
from review.views.desk import actor, posted, private
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import Agency
from tenants.roles import AUDITOR, AUTHORITY_AUDITOR

URLS: Final = {
    "movements": "audit",
    "accesses": "audit-accesses",
    "grants": "audit-grants",
    "settings": "audit-settings",
    "policies": "audit-policies",
}


# --- The books -----------------------------------------------------------------------------------------


@staff_required(AUDITOR, AUTHORITY_AUDITOR)
@require_safe
def movements(request: StaffRequest) -> HttpResponse:
    """Every step of every case of one agency."""
    return _book(request, BOOKS["movements"])


@staff_required(AUDITOR, AUTHORITY_AUDITOR)
@require_safe
def accesses(request: StaffRequest) -> HttpResponse:
    """Who looked at whose full document number, why and when."""
    return _book(request, BOOKS["accesses"])


@staff_required(AUDITOR, AUTHORITY_AUDITOR)
@require_safe
def grants(request: StaffRequest) -> HttpResponse:
    """Who gave which role to whom, and took it back."""
    return _book(request, BOOKS["grants"])


@staff_required(AUDITOR, AUTHORITY_AUDITOR)
@require_safe
def setting_changes(request: StaffRequest) -> HttpResponse:
    """Who changed which setting of an agency."""
    return _book(request, BOOKS["settings"])


@staff_required(AUTHORITY_AUDITOR)
@require_safe
def policy_changes(request: StaffRequest) -> HttpResponse:
    """Who entered which value of the law's numbers, and took it back."""
    return _book(request, BOOKS["policies"])


def _book(request: StaffRequest, book: Book) -> HttpResponse:
    form, asked = _asked(request, book, request.GET)
    before = request.GET.get("before", "")
    page = audit.page(book, asked, before=before)
    here, query = reverse(URLS[book.key]), urlencode(asked.as_dict())
    context = {
        "book": book,
        "tabs": _tabs(request, book.key),
        "filters": form,
        "filtered": bool(form.asked().as_dict()),
        "here": here,
        "lines": [
            {"told": list(zip(book.heads, line.cells, strict=True)), "reference": line.reference}
            for line in page.lines
        ],
        "unplaced": book.inside and audit.agency_of(asked) is None,
        "newest_url": f"{here}?{query}" if before else "",
        "older_url": f"{here}?{urlencode({**asked.as_dict(), 'before': page.older})}" if page.older else "",
        "export_url": f"{reverse('audit-export', args=[book.key])}?{query}" if page.lines else "",
    }
    return private(render(request, "review/audit/book.html", context))


def _asked(request: StaffRequest, book: Book, data: Any) -> tuple[AuditForm, Asked]:
    """The filters, and what this desk may ask by them."""
    wide = request.agency.is_authority
    names = [name for name in book.filters if wide or name != "agency"]
    form = AuditForm(data, fields=names, agencies=_choices(book) if wide else ())
    return form, audit.at_desk_of(request.agency, form.asked())


def _choices(book: Book) -> list[Agency]:
    """The agencies; the authority's own row where a book has rows of it."""
    found = Agency.objects.only("code", "name_zh", "name_en", "kind").order_by("number")
    return list(found.exclude(kind=Agency.Kind.AUTHORITY) if book.inside else found)


def _tabs(request: HttpRequest, current: str) -> list[dict[str, Any]]:
    wide = bool(getattr(request, "agency", None)) and request.agency.is_authority  # type: ignore[attr-defined]
    tabs = [
        {"label": book.title, "url": reverse(URLS[key]), "current": key == current}
        for key, book in BOOKS.items()
        if wide or not book.national
    ]
    last = {
        "label": _("校验"),
        "url": reverse("audit-verification"),
        "current": current == "verification",
    }
    return [*tabs, last]


@staff_required(AUDITOR, AUTHORITY_AUDITOR)
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: StaffRequest, book: str) -> HttpResponse:
    """Order the lines that the address names as a file."""
    found = BOOKS.get(book)
    if found is None or (found.national and not request.agency.is_authority):
        raise Http404
    filters, asked = _asked(request, found, request.GET)
    back = f"{reverse(URLS[book])}?{urlencode(asked.as_dict())}"
    if filters.errors:
        messages.error(request, _("筛选条件有误，没有导出。请重新筛选后再导出。"))
        return redirect(back)
    form = AuditExportForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            audit_files.ask_export(
                by=actor(request),
                agency=request.agency,
                user=request.user,
                book=found,
                asked=asked,
                form=Form(form.cleaned_data["format"]),
            )
        except Refusal as no:
            form.add_error(None, str(no.message))
        else:
            messages.success(request, _("记录正在导出，完成后可以在这里下载。"))
            return redirect("prepared-files")
    said = [
        {"label": bound.label, "value": _said(bound)}
        for bound in filters
        if filters.cleaned_data.get(bound.name)
    ]
    context = {
        "book": found,
        "form": form,
        "asked": said,
        "count": min(counted := audit.count(found, asked, most=audit_files.MOST), audit_files.MOST),
        "more": counted > audit_files.MOST,
        "back_url": back,
    }
    return private(render(request, "review/audit/export.html", context))


def _said(bound: Any) -> str:
    value = bound.form.cleaned_data[bound.name]
    return str(dict(getattr(bound.field, "choices", ())).get(value, value))


# --- Verification --------------------------------------------------------------------------------------


@staff_required(AUDITOR, AUTHORITY_AUDITOR)
@require_safe
def verification(request: StaffRequest) -> HttpResponse:
    """Verify one case at once, or all cases of an agency by a task; the results of the latter."""
    first = {"reference": request.GET.get("reference", "")}
    return _verification(request, CaseVerificationForm(initial=first), _agency_form(request, None))


@staff_required(AUDITOR, AUTHORITY_AUDITOR)
@require_POST
def case_verification(request: StaffRequest) -> HttpResponse:
    """Verify the chain of one case now."""
    form, verified = CaseVerificationForm(request.POST), None
    if form.is_valid():
        asked = audit.at_desk_of(request.agency, Asked(reference=form.cleaned_data["reference"]))
        try:
            verified = audit_files.verify_case(asked, by=actor(request))
        except Refusal as no:
            form.add_error("reference", str(no.message))
    return _verification(request, form, _agency_form(request, None), verified)


@staff_required(AUDITOR, AUTHORITY_AUDITOR)
@require_POST
def agency_verification(request: StaffRequest) -> HttpResponse:
    """Order the verification of all chains of an agency."""
    form = _agency_form(request, request.POST)
    if not form.is_valid():
        return _verification(request, CaseVerificationForm(), form)
    try:
        audit_files.ask_verification(
            by=actor(request), at=request.agency, user=request.user, of=form.cleaned_data["agency"]
        )
    except Refusal as no:
        form.add_error(None, str(no.message))
        return _verification(request, CaseVerificationForm(), form)
    messages.success(request, _("正在校验，结果会显示在本页。"))
    return redirect("audit-verification")


def _agency_form(request: StaffRequest, data: Any) -> AgencyVerificationForm:
    if request.agency.is_authority:
        agencies = list(Agency.objects.exclude(kind=Agency.Kind.AUTHORITY).order_by("number"))
    else:
        agencies = [request.agency]
    return AgencyVerificationForm(data, agencies=agencies)


def _verification(
    request: StaffRequest,
    case_form: CaseVerificationForm,
    agency_form: AgencyVerificationForm,
    verified: audit_files.Verified | None = None,
) -> HttpResponse:
    checks = audit_files.newest_checks(request.user, request.agency)
    faulty = bool(case_form.errors or agency_form.errors)
    context = {
        "tabs": _tabs(request, "verification"),
        "case_form": case_form,
        "agency_form": agency_form,
        "verified": verified,
        "checks": checks,
        "waiting": any(check.finished_at is None for check in checks),
        "here": reverse("audit-verification"),
        "wide": request.agency.is_authority,
    }
    answer = render(request, "review/audit/verification.html", context, status=422 if faulty else 200)
    return private(answer)
