"""Appeals about the exam record: the registrar looks at the proofs, enters the record or says why not."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from register import appeals as domain
from register import clock
from register.models import Appeal, AppealProof
from review.forms.registrants import DismissalForm, UpholdingForm
from review.views import proofs
from review.views.desk import posted, private
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.roles import AUTHORITY_AUDITOR, REGISTRAR

# Whoever keeps the register answers; the auditor reads.
READERS = (REGISTRAR, AUTHORITY_AUDITOR)
PAGE_SIZE = 50
ANSWERED = "answered"


@staff_required(*READERS)
@require_safe
def appeals(request: StaffRequest) -> HttpResponse:
    """Appeals that wait for an answer, the oldest first; or those answered, the latest first."""
    answered = request.GET.get("tab") == ANSWERED
    waiting = Appeal.objects.filter(outcome="")
    rows = _answered(request) if answered else _waiting(request)
    shown, more = rows[:PAGE_SIZE], rows[PAGE_SIZE:]
    tab = f"tab={ANSWERED}&" if answered else ""
    context = {
        "answered": answered,
        "tabs": [
            {"label": _("待答复"), "url": "?", "current": not answered, "count": waiting.count()},
            {"label": _("已答复"), "url": f"?tab={ANSWERED}", "current": answered, "count": None},
        ],
        "rows": [(row, _age(row)) for row in shown],
        "next_url": f"?{tab}after={shown[-1].pk}" if more else "",
    }
    return private(render(request, "review/authority/appeals.html", context))


def _waiting(request: StaffRequest) -> list[Appeal]:
    """A page of the appeals that wait, and one more if there is one; an answered one still marks a place."""
    rows = Appeal.objects.filter(outcome="").order_by("lodged_at", "pk")
    if place := _place(request):
        rows = rows.filter(Q(lodged_at__gt=place.lodged_at) | Q(lodged_at=place.lodged_at, pk__gt=place.pk))
    return list(rows[: PAGE_SIZE + 1])


def _answered(request: StaffRequest) -> list[Appeal]:
    rows = Appeal.objects.exclude(outcome="").select_related("answered_by").order_by("-answered_at", "-pk")
    if (place := _place(request)) and place.answered_at:
        same = Q(answered_at=place.answered_at, pk__lt=place.pk)
        rows = rows.filter(Q(answered_at__lt=place.answered_at) | same)
    return list(rows[: PAGE_SIZE + 1])


def _place(request: StaffRequest) -> Appeal | None:
    """The appeal after which a page begins."""
    try:
        return Appeal.objects.filter(pk=UUID(request.GET.get("after", ""))).first()
    except ValueError:
        return None


def _age(appeal: Appeal) -> int:
    """For how many working days it has waited."""
    return clock.working_days_between(clock.day_of(appeal.lodged_at), clock.today())


@staff_required(*READERS)
@require_safe
def appeal(request: StaffRequest, appeal_id: UUID) -> HttpResponse:
    """One appeal: what is claimed, the proofs, the records that nearly say so, and the two answers."""
    return _page(request, _found(appeal_id))


def _found(appeal_id: UUID) -> Appeal:
    return get_object_or_404(Appeal.objects.select_related("answered_by"), pk=appeal_id)


def _page(
    request: StaffRequest,
    found: Appeal,
    *,
    upholding: UpholdingForm | None = None,
    dismissal: DismissalForm | None = None,
) -> HttpResponse:
    own = domain.is_own(found, request.user)
    answers = REGISTRAR.code in request.roles and not found.outcome and not own
    context: dict[str, Any] = {
        "appeal": found,
        "age": _age(found),
        "proofs": AppealProof.objects.filter(appeal=found).defer("data").order_by("name", "pk"),
        "candidates": domain.candidates(found),
        "answers": answers,
        "own": own and not found.outcome,
        "upholding": upholding or UpholdingForm(appeal=found),
        "dismissal": dismissal or DismissalForm(),
        "failed": upholding or dismissal,
    }
    status = 422 if upholding or dismissal else 200
    return private(render(request, "review/authority/appeal.html", context, status=status))


@staff_required(*READERS)
@require_safe
def proof(request: StaffRequest, appeal_id: UUID, proof_id: UUID) -> HttpResponse:
    """A file handed in with the appeal."""
    file = get_object_or_404(AppealProof, pk=proof_id, appeal_id=appeal_id)
    return proofs.answer(f"appeal-{file.sha256[:12]}", bytes(file.data), file.content_type)


@staff_required(REGISTRAR)
@require_http_methods(["POST"])
def upholding(request: StaffRequest, appeal_id: UUID) -> HttpResponse:
    """Enter the record as the proof has it; the appeal is answered by that."""
    found = _found(appeal_id)
    form = UpholdingForm(posted(request), appeal=found)
    if form.is_valid():
        try:
            entered = domain.uphold_appeal(
                appeal_id=found.pk,
                record=form.record(),
                answer=form.cleaned_data["answer"],
                by=request.user,
            )
        except Refusal as no:
            form.add_error(None, str(no.message))
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _said(entered))
            return redirect("appeals")
    return _page(request, _found(appeal_id), upholding=form)


def _said(entered: domain.Entered) -> str:
    return {
        domain.Entered.NEW: _("考试记录已补录，申诉已答复；申诉人现在可以办理初始注册。"),
        domain.Entered.MENDED: _("名册中已有这条记录，已按证明材料更新，申诉已答复。"),
        domain.Entered.UNCHANGED: _("名册中已有这条记录，内容一致，没有改动；申诉已答复。"),
    }[entered]


@staff_required(REGISTRAR)
@require_http_methods(["POST"])
def dismissal(request: StaffRequest, appeal_id: UUID) -> HttpResponse:
    """Do not follow the appeal, and say why."""
    found = _found(appeal_id)
    form = DismissalForm(posted(request))
    if form.is_valid():
        try:
            domain.answer_appeal(
                appeal_id=found.pk,
                outcome=Appeal.Outcome.DISMISSED,
                answer=form.cleaned_data["answer"],
                by=request.user,
            )
        except Refusal as no:
            form.add_error(None, str(no.message))
        else:
            messages.success(request, _("申诉已答复，申诉人凭申诉编号可以看到。"))
            return redirect("appeals")
    return _page(request, _found(appeal_id), dismissal=form)
