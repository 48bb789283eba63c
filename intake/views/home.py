"""The personal page: function menu, what I can do now, current application, notice board; and the history."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from intake import circumstances, completeness, filing, flows, progress, signin
from intake.models import Application
from intake.views.found import own_application, private
from intake.views.menu import functions_of, menu_of
from notifications import board
from register import clock, codes, policy, standing
from register.eligibility import answers_for
from register.models import DocketEntry, Person, Photo, Registration
from register.standing import Standing
from review.states import State
from tenants.guards import ApplicantRequest, applicant_required


@applicant_required
@require_safe
def home(request: ApplicantRequest) -> HttpResponse:
    """个人信息页面 with the function menu (功能目录) and the notice board (公告信息)."""
    person = signin.person_of(request)
    today = clock.today()
    registrations = standing.registrations_of(person)
    stands = standing.standing_of(person, today, registrations=registrations)
    draft = filing.draft_of(person)
    entry = _latest_entry(person)
    functions = functions_of(answers_for(stands, today), draft)
    context = {
        "person": person,
        "lead": _lead(person, stands, registrations),
        "functions": functions,
        "menu": menu_of(functions, "home"),
        "draft": draft,
        "draft_step": _step_of(draft) if draft else None,
        "progress": progress.progress_of(entry) if entry else None,
        **board.on_page(request.user),
    }
    return private(render(request, "intake/home.html", context))


def _latest_entry(person: Person) -> DocketEntry | None:
    lines = DocketEntry.objects.filter(person_id=person.pk).select_related("agency")
    return lines.order_by("-open", "-lodged_on", "-updated_at").first()


def _lead(person: Person, stands: Standing, registrations: list[Registration]) -> str:
    """Certificate and registration in one sentence."""
    today = clock.today()
    status = stands.status(today, policy.current().renewal_open_months)
    if not registrations:
        held = circumstances.qualification_of(person)
        if held is None:
            return _("名册中没有您的资格证书。")
        return _("资格证书 %(number)s，%(status)s。") % {
            "number": held.certificate_number,
            "status": status.label,
        }
    last = registrations[-1]
    return _("执业证 %(number)s（%(category)s），%(status)s，有效期至%(day)s。") % {
        "number": last.number,
        "category": codes.label("category", last.category),
        "status": status.label,
        "day": date_format(last.valid_to),
    }


def _step_of(draft: Application) -> flows.Step:
    """The step on which the draft's author stopped, or the first on which something is missing."""
    about = circumstances.of(draft)
    step = flows.step_named(draft.kind, draft.step, hours_count=about.hours_count)
    return step or completeness.check(draft, about).first_open


@applicant_required
@require_safe
def photo(request: ApplicantRequest, photo_id: UUID) -> HttpResponse:
    """A portrait of the person at the screen; anybody else's is not found."""
    found = Photo.objects.filter(pk=photo_id, person_id=signin.person_of(request).pk).first()
    if found is None:
        raise Http404
    return private(HttpResponse(bytes(found.data), content_type="image/jpeg"))


@applicant_required
@require_safe
def application(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """One lodged application: where it stands and what can be done with it."""
    held = own_application(request, application_id)
    entry = filing.entry_of(held)
    if entry is None:
        raise Http404
    shown = progress.progress_of(entry)
    context = {"application": held, "progress": shown, "copyable": shown.state == State.WITHDRAWN}
    return private(render(request, "intake/application.html", context))
