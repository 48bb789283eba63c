"""历史记录: every application lodged and every registration granted."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from intake import filing, progress, signin
from intake.models import Application
from intake.views.found import private
from register import codes, standing
from register.models import DocketEntry
from review.states import State
from tenants.guards import ApplicantRequest, applicant_required


@dataclass(frozen=True, slots=True)
class Past:
    """A lodged application in the list."""

    application: Application
    entry: DocketEntry | None

    @property
    def display(self) -> progress.Display | None:
        return progress.display_of(State(self.entry.state)) if self.entry else None


@applicant_required
@require_safe
def history(request: ApplicantRequest) -> HttpResponse:
    """历史记录: every application lodged and every registration granted, by time."""
    person = signin.person_of(request)
    applications = filing.applications_of(person).filter(status=Application.Status.LODGED)
    lodged = list(applications.order_by("lodged_at"))
    lines = DocketEntry.objects.select_related("agency").in_bulk([one.pk for one in lodged])
    context = {
        "past": [Past(one, lines.get(one.pk)) for one in lodged],
        "registrations": [
            (one, codes.label("category", one.category)) for one in standing.registrations_of(person)
        ],
    }
    return private(render(request, "intake/history.html", context))
