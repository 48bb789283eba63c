"""柜台重置: one-time codes for applicants without e-mail, issued at the counter. Each is shown once."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from register import clock, policy
from review import counter as desk_counter
from review.forms.people import CounterForm
from review.views.desk import posted, private, told
from tenants import attempts, counter, credentials
from tenants.counter import Standing
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import CounterCode
from tenants.roles import REVIEWER, SUPERVISOR

TONES: Final = {
    Standing.WAITING: "amber",
    Standing.APPROVED: "blue",
    Standing.LIVE: "green",
    Standing.SPENT: "red",
}


@staff_required(REVIEWER, SUPERVISOR)
@never_cache
@sensitive_post_parameters("number")
@require_http_methods(["GET", "POST"])
def counter_codes(request: StaffRequest) -> HttpResponse:
    """Issue a code to whoever stands at the counter; below, what was issued today."""
    form = CounterForm(posted(request))
    if form.is_valid():
        given = form.cleaned_data
        # Names and numbers are not for guessing at the counter either: misses count for the officer.
        counted = attempts.named("counter-desk", str(request.user.pk))
        try:
            attempts.check(request, counted)
            code, letters = desk_counter.issue(
                agency=request.agency,
                name=given["name"],
                document_type=given["document_type"],
                number=given["number"],
                reason=given["reason"],
                by=request.user,
            )
        except Refusal as no:
            if no.code == "unknown":
                attempts.failed(request, counted)
            form.add_error("number" if no.code == "unknown" else None, str(no.message))
        else:
            if letters:
                return _slip(request, code, letters)
            messages.success(request, _("申请已登记。另一位经办或者审核人员批准后，由您显示重置码。"))
            return redirect("counter-codes")
    context = {
        "form": form,
        "lines": _lines(request),
        "two_persons": policy.current().counter_reset_two_person,
        "minutes": credentials.COUNTER_MINUTES,
    }
    return private(render(request, "review/agency/counter.html", context))


def _lines(request: StaffRequest) -> list[dict[str, object]]:
    """Today's codes, and what the reader may do with each."""
    at, me = clock.now(), request.user.pk
    lines = []
    for code in desk_counter.of_today(request.agency):
        standing = counter.standing_of(code, at)
        mine = code.issued_by_id == me
        lines.append(
            {
                "code": code,
                "standing": standing,
                "tone": TONES.get(standing, ""),
                "may_approve": standing is Standing.WAITING and not mine,
                "may_reveal": standing is Standing.APPROVED and mine,
                "may_cancel": standing in counter.OPEN,
            }
        )
    return lines


@staff_required(REVIEWER, SUPERVISOR)
@require_POST
def counter_approval(request: StaffRequest, code_id: UUID) -> HttpResponse:
    """The second officer agrees."""
    code = _code(request, code_id)
    told(
        request,
        _("已批准，由签发人显示重置码。"),
        lambda: desk_counter.approve(code=code, by=request.user),
    )
    return redirect("counter-codes")


@staff_required(REVIEWER, SUPERVISOR)
@never_cache
@require_POST
def counter_slip(request: StaffRequest, code_id: UUID) -> HttpResponse:
    """The approved code, shown once to the officer who asked for it."""
    code = _code(request, code_id)
    try:
        letters = counter.reveal(code=code, by=request.user, at=clock.now())
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect("counter-codes")
    return _slip(request, _code(request, code_id), letters)


@staff_required(REVIEWER, SUPERVISOR)
@require_POST
def counter_cancellation(request: StaffRequest, code_id: UUID) -> HttpResponse:
    """Make a code void before it is used."""
    code = _code(request, code_id)
    told(request, _("重置码已作废。"), lambda: counter.cancel(code=code, at=clock.now()))
    return redirect("counter-codes")


def _code(request: StaffRequest, code_id: UUID) -> CounterCode:
    return get_object_or_404(CounterCode.objects.filter(agency=request.agency), pk=code_id)


def _slip(request: StaffRequest, code: CounterCode, letters: str) -> HttpResponse:
    context = {
        "code": code,
        "letters": credentials.counter_code_shown(letters),
        "minutes": credentials.COUNTER_MINUTES,
        "address": _where_to_use_it(),
    }
    return private(render(request, "review/agency/counter_slip.html", context))


def _where_to_use_it() -> str:
    path = reverse("counter_code", urlconf=settings.URLCONF_OF_DESK["applicant"])
    port = f":{settings.SITE_PORT}" if settings.SITE_PORT else ""
    return f"{settings.SITE_SCHEME}://{settings.APPLICANT_HOSTS[0]}{port}{path}"
