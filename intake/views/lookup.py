"""注册查询: whoever is shown a certificate may check it."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from intake.entry import LookupForm
from intake.views.found import posted
from register import lookup
from register.standing import Status
from tenants import attempts
from tenants.errors import Refusal
from tenants.guards import public

# Tone, shape and icon of a registration's state; what may be practised under is green.
LOOKS: Final = {
    Status.VALID: ("green", "filled", "check"),
    Status.CHANGE_PENDING: ("amber", "filled", "clock"),
    Status.EXPIRED: ("grey", "filled", "clock"),
    Status.CANCELLED: ("red", "outline", "cross"),
    Status.REVOKED: ("red", "outline", "cross"),
    Status.WITHDRAWN: ("red", "outline", "cross"),
}
NOT_FOUND: Final = _("没有查到与所填姓名和执业证编号一致的注册信息，请对照证书核对。")


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def registration(request: HttpRequest) -> HttpResponse:
    """How a registration stands today. A wrong name and a wrong number get the same answer."""
    form = LookupForm(posted(request))
    card = None
    if form.is_valid():
        name, number = form.cleaned_data["name"], form.cleaned_data["number"]
        try:
            card = _found(request, name=name, number=number)
        except Refusal as no:
            form.add_error(None, str(no.message))
    # Nothing that was typed stays on the page beside the answer.
    context = {"card": card, "tag": tag_of(card.status), "form": LookupForm()} if card else {"form": form}
    return render(request, "intake/lookup.html", context)


def tag_of(status: Status) -> dict[str, str]:
    """A state of the register as a tag."""
    tone, shape, icon = LOOKS.get(status, LOOKS[Status.VALID] if status.in_force else LOOKS[Status.EXPIRED])
    return {"word": str(status.label), "tone": tone, "shape": shape, "icon": icon}


def _found(request: HttpRequest, *, name: str, number: str) -> lookup.Card:
    counted = attempts.named("registration", number)
    attempts.check(request, counted)
    card = lookup.find(name=name, number=number)
    if card is None:
        attempts.failed(request, counted)
        raise Refusal(NOT_FOUND, code="no_match")
    return card
