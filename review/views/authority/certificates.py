"""Certificates at the authority's desk: opening one, and making it anew (补发)."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from register import certificates
from register.models import Certificate
from review.forms.certificates import ReissueForm
from review.views.desk import AUTHORITY_READERS, posted, private
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.roles import REGISTRAR


@staff_required(*AUTHORITY_READERS)
@require_safe
def pdf(request: StaffRequest, certificate_id: UUID) -> HttpResponse:
    """One edition as it was signed. It carries the mask of the document number only: no look is recorded."""
    found = get_object_or_404(Certificate, pk=certificate_id)
    answer = private(HttpResponse(bytes(found.data), content_type="application/pdf"))
    answer["Content-Disposition"] = f'inline; filename="{certificates.file_name(found)}"'
    return answer


@staff_required(REGISTRAR)
@require_http_methods(["GET", "POST"])
def reissue(request: StaffRequest, certificate_id: UUID) -> HttpResponse:
    """补发: ask for the reason once, then draw, sign and store the new edition."""
    rows = Certificate.objects.select_related("registration__person__photo", "registration__agency")
    found = get_object_or_404(rows.defer("data"), pk=certificate_id)
    form = ReissueForm(posted(request))
    try:
        if request.method != "POST":
            certificates.check_open_to_reissue(found, by=request.user)
        elif form.is_valid():
            made = certificates.reissue(
                certificate=found, by=request.user, reason=form.cleaned_data["reason"]
            )
            messages.success(request, _("已补发执业证第 {n} 版，原证作废。").format(n=made.edition))
            return redirect(_address_of(found))
    except Refusal as no:
        if request.method != "POST":
            messages.error(request, str(no.message))
            return redirect(_address_of(found))
        form.add_error(None, str(no.message))
    return private(render(request, "components/confirm.html", _question(found, form)))


def _question(found: Certificate, form: ReissueForm) -> dict[str, object]:
    registration = found.registration
    return {
        "title": _("补发执业证"),
        "lines": [
            _("{name}，执业证编号 {number}，现行第 {n} 版，{day} 制发。").format(
                name=registration.person.name,
                number=registration.number,
                n=found.edition,
                day=found.issued_on.strftime("%Y-%m-%d"),
            ),
            _("新证按登记簿现在的内容制作，使用新的验证码；持证人会收到通知。"),
        ],
        "warning": _("补发后原证立即作废，扫描原证的二维码会显示“已作废”。此操作不能撤销。"),
        "form": form,
        "act_label": _("补发"),
        "cancel_url": _address_of(found),
    }


def _address_of(found: Certificate) -> str:
    """Where one came from: the page of the person, or of the case where the desk has no such page."""
    try:
        return reverse("registrant", args=[found.registration.person_id])
    except NoReverseMatch:
        case = found.registration.case_id
        return reverse("case", args=[case]) if case else reverse("home")
