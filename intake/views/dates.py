"""我的期限: the days that matter, on a page and as a calendar file."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from intake import affairs, signin
from intake import dates as days
from intake.views.found import private
from intake.views.now import days_left
from tenants.guards import ApplicantRequest, applicant_required


@applicant_required
@require_safe
def dates(request: ApplicantRequest) -> HttpResponse:
    """Until when what is to be done, in order; what is over stands below."""
    stands = affairs.affairs_of(signin.person_of(request))
    shown = days.dates_of(stands)
    context = {
        "dates": shown,
        "to_come": [(day, days_left(day.on, shown.today)) for day in shown.to_come],
        "stands": stands,
    }
    return private(render(request, "intake/dates.html", context))


@applicant_required
@require_safe
def calendar(request: ApplicantRequest) -> HttpResponse:
    """The days to come, to be taken into a calendar of one's own."""
    shown = days.dates_of(affairs.affairs_of(signin.person_of(request)))
    page = request.build_absolute_uri(reverse("dates"))
    host = request.get_host().partition(":")[0]
    answer = HttpResponse(days.calendar_of(shown, home=page, host=host), content_type="text/calendar")
    answer["Content-Disposition"] = 'attachment; filename="dates.ics"'
    return private(answer)
