"""下载执业证: the signed certificates of the person at the screen."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from intake import signin
from intake.views.found import private
from register import certificates, people
from register.models import Certificate
from tenants.guards import ApplicantRequest, applicant_required


@applicant_required
@never_cache
@require_safe
def certificate(request: ApplicantRequest, certificate_id: UUID) -> HttpResponse:
    """One edition as it was signed, byte by byte; anybody else's is not found."""
    mine = people.rows_of(signin.person_of(request))
    found = get_object_or_404(Certificate.objects.filter(mine), pk=certificate_id)
    answer = private(HttpResponse(bytes(found.data), content_type="application/pdf"))
    answer["Content-Disposition"] = f'attachment; filename="{certificates.file_name(found)}"'
    return answer
