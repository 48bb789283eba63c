"""The personal page with its notice board, and the page of one lodged application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from intake import affairs, casefile, circumstances, filing, letters, progress, signin
from intake.affairs import Affairs
from intake.models import Application
from intake.views.found import Text, own_application, private
from intake.views.menu import all_closed, functions_of, menu_of
from intake.views.now import days_left, now_of
from notifications import board, post_office
from register import certificates, clock, codes, eligibility, people
from register.models import Certificate, Kind, Person, Photo, Registration
from tenants.guards import ApplicantRequest, applicant_required

# --- The personal page -----------------------------------------------------------------------------


@applicant_required
@require_safe
def home(request: ApplicantRequest) -> HttpResponse:
    """个人信息页面 with the function menu (功能目录) and the notice board (公告信息)."""
    stands = affairs.affairs_of(signin.person_of(request))
    shown = board.on_page(request.user, _day())
    functions = functions_of(stands.answers, stands.draft)
    recent = stands.recent
    context = {
        "person": stands.person,
        "functions": functions,
        "menu": menu_of(functions, "home", unread=shown["unread"]),
        "draft": stands.draft,
        "reached": affairs.reached(stands.draft) if stands.draft else None,
        "progress": progress.progress_of(recent) if recent else None,
        "stands": stands,
        "all_closed": all_closed(functions),
        "draft_closed": _draft_closed(stands),
        "held": held_of(stands),
        "qualification": None if stands.registrations else circumstances.qualification_of(stands.person),
        "now": now_of(stands),
        **shown,
    }
    return private(render(request, "intake/home.html", context))


def _draft_closed(stands: Affairs) -> Text:
    """Why the draft cannot be lodged now; empty when it can."""
    if stands.draft is None:
        return ""
    answer = stands.answers[Kind(stands.draft.kind)]
    return "" if answer.allowed else answer.reason


@dataclass(frozen=True, slots=True)
class Held:
    """A registration in words, for the personal page."""

    registration: Registration
    category: str
    left: str
    to_come: Registration | None
    # To be downloaded: of the registration that counts, and of the one that follows it.
    certificates: Sequence[Certificate] = ()


def held_of(stands: Affairs) -> Held | None:
    """The registration that counts today; None for somebody who never had one."""
    row = stands.registration
    if row is None:
        return None
    left = days_left(row.valid_to, stands.today) if stands.status.in_force and not stands.to_come else ""
    stored = certificates.in_use_of(filter(None, [row, stands.to_come]))
    shown = tuple(stored[one.pk] for one in (row, stands.to_come) if one and one.pk in stored)
    return Held(row, codes.label("category", row.category), left, stands.to_come, shown)


def _day() -> str:
    """Days left change at midnight: the board's first line is then another one."""
    return f"{clock.today():%Y%m%d}"


def _etag(request: ApplicantRequest) -> str:
    return f'"{board.etag_of(request.user.pk, _day())}"'


@applicant_required
@require_safe
@cache_control(private=True, no_cache=True)
@condition(etag_func=_etag)
def notice_board(request: ApplicantRequest) -> HttpResponseBase:
    """The board's first line and notices as its page polls them, or 304 when nothing is new."""
    context = {
        "now": now_of(affairs.affairs_of(signin.person_of(request))),
        **board.on_page(request.user, _day()),
    }
    return render(request, "components/notice_list.html", context)


@applicant_required
@require_safe
def photo(request: ApplicantRequest, photo_id: UUID) -> HttpResponse:
    """A portrait of the person at the screen; anybody else's is not found."""
    found = Photo.objects.filter(people.rows_of(signin.person_of(request)), pk=photo_id).first()
    if found is None:
        raise Http404
    return private(HttpResponse(bytes(found.data), content_type="image/jpeg"))


# --- One application -------------------------------------------------------------------------------


@applicant_required
@require_safe
def application(request: ApplicantRequest, application_id: UUID) -> HttpResponse:
    """One lodged application with everything: where it stands, its forms, decisions and result.

    A draft leads to the step on which its author stopped.
    """
    application = own_application(request, application_id)
    entry = filing.entry_of(application)
    if entry is None:
        return redirect("step", application.pk, affairs.reached(application).step.slug)
    told = post_office.by_cause(post_office.told_to_me(entry.case_id))
    shown = progress.progress_of(entry, told)
    context = {
        "application": application,
        "progress": shown,
        "versions": casefile.versions_of(entry),
        "letters": letters.letters_of(application, entry),
        **_granted(application),
        **_copying(signin.person_of(request), shown),
    }
    return private(render(request, "intake/application.html", context))


def _granted(application: Application) -> dict[str, Any]:
    """The registration that this application brought."""
    row = Registration.objects.filter(case_id=application.pk).first()
    return {
        "granted": row,
        "granted_category": codes.label("category", row.category) if row else "",
        "certificate": certificates.in_use(row) if row else None,
    }


def _copying(person: Person, shown: progress.Progress) -> dict[str, Any]:
    """Whether 复制为新草稿 is offered, and if the person may not apply now, why not."""
    if not shown.copyable:
        return {"copyable": False}
    answer = eligibility.may_apply(person, shown.entry.kind)
    return {"copyable": answer.allowed, "copy_reason": "" if answer.allowed else answer.reason}
