"""Public pages: guides, announcements, what is kept about people."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from intake import flows
from register import announcing, codes, policy
from register.models import Kind
from tenants.guards import public


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


# --- Announcements ---------------------------------------------------------------------------------


@public
@require_safe
def announcements(request: HttpRequest) -> HttpResponse:
    """All published batches, newest first."""
    return render(request, "intake/announcements.html", {"batches": announcing.published()})


@public
@require_safe
def announcement(request: HttpRequest, number: str) -> HttpResponse:
    """One batch: who was registered, under which number, for what, where; no document number."""
    batch = announcing.published().filter(number=number).first()
    if batch is None:
        raise Http404
    page = announcing.page_of(batch, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    rules = policy.current()
    context = {
        "batch": batch,
        "lines": [
            {
                "name": announcing.shown_name(line.name, rules),
                "number": line.number,
                "kind": line.get_kind_display(),
                "category": codes.label("category", line.category),
                "employer": line.employer_name,
                "agency": line.agency.name if line.agency else "",
            }
            for line in page.lines
        ],
        "previous_url": f"?before={page.before}" if page.before else "",
        "next_url": f"?after={page.after}" if page.after else "",
    }
    return render(request, "intake/announcement.html", context)


@public
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """个人信息保护说明."""
    return render(request, "intake/privacy.html", {"rules": policy.current()})
