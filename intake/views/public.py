"""Public pages: guides and what is kept about people."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from intake import flows
from register import policy
from register.models import Kind
from tenants.guards import public


@public
@never_cache
@public
@require_safe
def guide(request: HttpRequest, kind: str) -> HttpResponse:
    """办事指南 of one kind: conditions, papers, time limits, whom to call."""
    if kind not in Kind:
        raise Http404
    rules = policy.current()
    context = {
        "guide": flows.guide_of(Kind(kind), rules),
        "rules": rules,
        "tabs": [
            {"label": one.label, "url": reverse("guide", args=[one]), "current": one == kind} for one in Kind
        ],
    }
    return render(request, "intake/guide.html", context)


@public
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """个人信息保护说明."""
    return render(request, "intake/privacy.html", {"rules": policy.current()})
