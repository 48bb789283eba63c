"""执业证验证: whoever has the code of a certificate, printed or in its QR code, sees how it stands today."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from intake.entry import VerifyForm
from intake.views.found import posted, private
from intake.views.lookup import tag_of
from register.certificates import codes, verification
from register.certificates.verification import Verified
from tenants import attempts
from tenants.errors import Refusal
from tenants.guards import public

NOT_FOUND: Final = _("没有查到这个验证码对应的执业证，请对照执业证逐组核对。")
# All codes are counted under one name: it is the network that guesses, not the code that is guessed at.
COUNTED: Final = "certificate"


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Where a code is typed in; it leads to the address that also stands in the QR code."""
    form = VerifyForm(posted(request))
    if form.is_valid():
        return redirect("verify", form.cleaned_data["code"])
    return _answer(request, {"form": form})


@public
@never_cache
@sensitive_variables()
@require_safe
def certificate(request: HttpRequest, code: str) -> HttpResponse:
    """The state of today. All unknown codes get one answer; a network that guesses must wait."""
    try:
        checked = codes.check(code)
    except ValidationError as slip:
        return _nothing(request, slip.message)
    counted = attempts.named(COUNTED, "")
    try:
        attempts.check(request, counted)
        found = _found(request, checked, counted)
    except Refusal as no:
        return _nothing(request, str(no.message))
    context = {
        "found": found,
        "card": found.card,
        "tag": tag_of(found.card.status),
        "code": codes.grouped(checked),
        "form": VerifyForm(),
    }
    return _answer(request, context)


def _found(request: HttpRequest, code: str, counted: str) -> Verified:
    found = verification.verify(code)
    if found is None:
        attempts.failed(request, counted)
        raise Refusal(NOT_FOUND, code="no_match")
    return found


def _nothing(request: HttpRequest, why: Any) -> HttpResponse:
    form = VerifyForm({})
    form.errors.clear()
    form.add_error(None, str(why))
    return _answer(request, {"form": form}, status=404)


def _answer(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    answer = private(render(request, "intake/verify.html", context, status=status))
    # Whoever holds a certificate may show it; no search engine keeps what stood on the page.
    answer["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return answer
