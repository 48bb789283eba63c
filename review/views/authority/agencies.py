"""The agencies as the authority sees them: who takes applications, and whom to call."""

from __future__ import annotations

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from review.states import OPEN, State
from tenants.guards import StaffRequest, staff_required
from tenants.models import Agency


@staff_required()
@require_safe
def agencies(request: StaffRequest) -> HttpResponse:
    """All first-review agencies with their state, telephone, and open cases."""
    chosen = request.GET.get("kind", "")
    kinds = [choice for choice in Agency.Kind.choices if choice[0] != Agency.Kind.AUTHORITY]
    everyone = (
        Agency.objects.exclude(kind=Agency.Kind.AUTHORITY)
        .annotate(
            open_cases=Count("docket", filter=Q(docket__state__in=OPEN - {State.REPORTED})),
            reported=Count("docket", filter=Q(docket__state=State.REPORTED)),
        )
        .order_by("number")
    )
    rows = [agency for agency in everyone if not chosen or agency.kind == chosen]
    context = {
        "agencies": rows,
        "kinds": kinds,
        "chosen": chosen,
        "suspended": sum(not agency.intake_open for agency in rows),
    }
    return render(request, "review/authority/agencies.html", context)
