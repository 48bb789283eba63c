"""What the applicant's pages share: the own application, or 404; private answers."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils.functional import Promise

from intake import filing, signin
from intake.models import Application
from register.models import DocketEntry
from tenants.sessions import in_background

Text = str | Promise


def own_application(request: HttpRequest, application_id: UUID, *, to_print: bool = False) -> Application:
    """The application of the person at the screen; anybody else's id is not found.

    Raises `Refusal` for one that its author has given up, in another window or some time ago.
    """
    person = signin.person_of(request)
    application = filing.application_of(person, application_id, to_print=to_print)
    if application is None:
        raise Http404
    if application.status == Application.Status.DISCARDED:
        if in_background(request):
            raise Http404
        raise filing.given_up()
    return application


def private(response: HttpResponse) -> HttpResponse:
    """An answer with somebody's personal data: no cache keeps it."""
    response["Cache-Control"] = "private, no-store"
    return response


def posted(request: HttpRequest) -> QueryDict | None:
    """What was posted, also when that is nothing at all; None where nothing was asked."""
    return request.POST if request.method == "POST" else None


def entry_or_404(application: Application) -> DocketEntry:
    """The docket line of a lodged application; a draft has none."""
    entry = filing.entry_of(application)
    if entry is None:
        raise Http404
    return entry
