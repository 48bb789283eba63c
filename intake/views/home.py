"""The personal page: function menu, what I can do now, current application, notice board; and the history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from intake import circumstances, completeness, filing, flows, progress, signin
from intake.models import Application
from intake.views.found import Text, own_application, private
from notifications import board
from register import clock, codes, policy, standing
from register.eligibility import Answer, answers_for
from register.models import DocketEntry, Kind, Person, Photo, Registration
from register.standing import Standing
from review.states import State
from tenants.guards import ApplicantRequest, applicant_required

ICONS = {Kind.INITIAL: "edit", Kind.CHANGE: "return", Kind.RENEWAL: "clock", Kind.REREGISTRATION: "refresh"}


@dataclass(frozen=True, slots=True)
class Function:
    """One kind of application on the personal page: open, or why not."""

    kind: Kind
    icon: str
    url: str
    text: Text
    reason: Text
    label: str

    def as_menu_item(self) -> dict[str, Any]:
        note = "" if self.url else _("暂不能办理")
        return {"label": self.kind.label, "icon": self.icon, "url": self.url, "note": note}


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
    functions = _functions(answers_for(stands, today), draft)
    context = {
        "person": person,
        "lead": _lead(person, stands, registrations),
        "functions": functions,
        "menu": _menu(functions, "home"),
        "draft": draft,
        "draft_step": _step_of(draft) if draft else None,
        "progress": progress.progress_of(entry) if entry else None,
        **board.on_page(request.user),
    }
    return private(render(request, "intake/home.html", context))


def _latest_entry(person: Person) -> DocketEntry | None:
    lines = DocketEntry.objects.filter(person_id=person.pk).select_related("agency")
    return lines.order_by("-open", "-lodged_on", "-updated_at").first()


def _functions(answers: Any, draft: Application | None) -> list[Function]:
    return [_function(kind, answer, draft) for kind, answer in answers.items()]


def _function(kind: Kind, answer: Answer, draft: Application | None) -> Function:
    if not answer.allowed:
        return Function(kind, ICONS[kind], "", "", answer.reason, "")
    going_on = draft is not None and draft.kind == kind
    label = _("继续填写") if going_on else _("开始%(kind)s") % {"kind": kind.label}
    text: Text = answer.reason or flows.guide_of(kind, policy.current()).condition
    if answer.closes_on and not answer.late:
        text = _("请在%(day)s前办理。") % {"day": date_format(answer.closes_on)}
    return Function(kind, ICONS[kind], reverse("application_new", args=[kind]), text, "", label)


def _menu(functions: list[Function], current: str) -> list[dict[str, Any]]:
    return [
        {"label": _("个人主页"), "icon": "home", "url": reverse("home"), "current": current == "home"},
        *(function.as_menu_item() for function in functions),
        {"label": _("历史记录"), "icon": "list", "url": reverse("history"), "current": current == "history"},
        {"label": _("公告信息"), "icon": "bell", "url": reverse("notices")},
        {"label": _("办事指南"), "icon": "info", "url": reverse("guide", args=[Kind.INITIAL])},
    ]


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


# --- 历史记录 ----------------------------------------------------------------------------------------


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
