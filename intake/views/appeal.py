"""考试信息申诉: for whoever is not found in the roster; no account is needed, and none can be."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from intake.entry import AppealForm, AppealStatusForm
from intake.views.found import posted, private
from register import appeals, documents
from register.models import Appeal
from tenants import attempts
from tenants.errors import Refusal
from tenants.guards import public

RECEIPT_KEY: Final = "appeal"
NOT_TOLD: Final = frozenset({"captcha", *AppealForm.PROOFS})
LOOKS: Final = {
    "": ("blue", "clock"),
    Appeal.Outcome.UPHELD: ("green", "check"),
    Appeal.Outcome.DISMISSED: ("grey", "cross"),
}
NOT_FOUND: Final = _("没有找到与所填申诉编号和证件号码一致的申诉，请对照回执核对。")


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def appeal(request: HttpRequest) -> HttpResponse:
    """Hand an appeal in, with proof."""
    form = AppealForm(posted(request), request.FILES or None)
    if form.is_valid():
        told = {name: value for name, value in form.cleaned_data.items() if name not in NOT_TOLD}
        try:
            request.session[RECEIPT_KEY] = _lodged(request, told)
        except Refusal as no:
            form.add_error(None, str(no.message))
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect("appeal_receipt")
    return render(request, "intake/appeal.html", {"form": form})


def _lodged(request: HttpRequest, told: dict[str, Any]) -> str:
    """Hand the appeal in and get its number. Appeals for one document are counted, whatever comes of them."""
    digest = documents.digest(told["document_type"], told["number"])
    counted = attempts.named("appeal_lodged", digest)
    attempts.check(request, counted)
    attempts.failed(request, counted)
    # The one that fills the count is refused too: its answer would say so anyway.
    attempts.check(request, counted)
    return appeals.lodge_appeal(**told)


@public
@never_cache
@require_safe
def appeal_receipt(request: HttpRequest) -> HttpResponse:
    """The number of the appeal just handed in, to be kept."""
    reference = request.session.get(RECEIPT_KEY)
    if not reference:
        return redirect("appeal_status")
    return private(render(request, "intake/appeal_receipt.html", {"reference": reference}))


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def appeal_status(request: HttpRequest) -> HttpResponse:
    """How an appeal stands. A wrong number and a wrong document get the same answer."""
    form = AppealStatusForm(posted(request))
    found = None
    if form.is_valid():
        asked = {name: value for name, value in form.cleaned_data.items() if name != "captcha"}
        try:
            found = _found(request, **asked)
        except Refusal as no:
            form.add_error(None, str(no.message))
    context = {"found": found, "tag": _tag(found), "form": AppealStatusForm()} if found else {"form": form}
    return private(render(request, "intake/appeal_status.html", context))


def _tag(found: appeals.Progress) -> dict[str, str]:
    tone, icon = LOOKS[found.outcome]
    return {"word": found.word, "tone": tone, "shape": "filled", "icon": icon}


def _found(request: HttpRequest, *, reference: str, document_type: str, number: str) -> appeals.Progress:
    counted = attempts.named("appeal", reference)
    attempts.check(request, counted)
    found = appeals.standing_of(reference=reference, document_type=document_type, number=number)
    if found is None:
        attempts.failed(request, counted)
        raise Refusal(NOT_FOUND, code="no_match")
    return found
