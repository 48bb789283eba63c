"""Head, navigator and side panel of every step of an application."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from intake import flows
from intake.circumstances import CHOOSES_AGENCY, Circumstances
from intake.completeness import Findings, Miss
from intake.flows import Section, Step
from intake.models import Application
from register.materials import hours_count
from register.models import Kind


def step_url(application: Application, step: Step) -> str:
    return reverse("step", args=[application.pk, step.slug])


def miss_url(application: Application, miss: Miss) -> str:
    """The place where a miss is mended; `check` shows what is wrong beside the fields."""
    if miss.row:
        url = reverse("row", args=[application.pk, miss.section, miss.row])
    else:
        url = step_url(application, miss.step)
    return f"{url}?check=1#{miss.anchor}"


def no_such_page(request: HttpRequest, application: Application) -> HttpResponse:
    """A page that this kind of application does not have: say so, and lead to where its author stands."""
    kind = application.get_kind_display()
    messages.info(request, _("%(kind)s没有您打开的这一页，已转到应当填写的步骤。") % {"kind": kind})
    if application.status != Application.Status.DRAFT:
        return redirect("application", application.pk)
    return redirect(step_url(application, stood_on(application)))


def stood_on(draft: Application) -> Step:
    """The step on which a draft was left; the first one where nobody has begun."""
    asked = hours_count(draft.kind, late=draft.late)
    return flows.step_named(draft.kind, draft.step, hours_count=asked) or flows.first_of(draft.kind)


def frame(
    application: Application, about: Circumstances, current: Step | None, findings: Findings
) -> dict[str, Any]:
    """What the pages of an application show around their own content."""
    steps = flows.numbered(findings.steps)
    place = steps.index(current) if current in steps else -1
    begun = bool(application.sections) or application.agency_id is not None
    return {
        "application": application,
        "chosen": about.agency,
        "agency_choosable": about.kind in CHOOSES_AGENCY,
        "steps": navigator(application, findings, current),
        "asides": _asides(application, current, findings),
        "step": current,
        "previous": step_url(application, steps[place - 1]) if place > 0 else "",
        "saved_at": application.saved_at if begun else None,
        "reference": application.reference,
        "check_url": reverse("check", args=[application.pk]),
        "left": sum(1 for miss in findings.misses if miss.section != Section.DECLARATION),
    }


def navigator(
    application: Application, findings: Findings, current: Step | None = None
) -> list[dict[str, Any]]:
    """The numbered steps: done, now, next, and what blocks (figures 7, 14, 19 and 25 of the manual)."""
    steps = flows.numbered(findings.steps)
    left_at = next((index for index, step in enumerate(steps) if step.slug == application.step), 0)
    place = steps.index(current) if current in steps else left_at
    open_at = steps.index(findings.first_open) if findings.first_open in steps else 0
    reached = max(place, left_at, open_at)
    return [
        {
            "label": step.label,
            "status": _status(application, step, current, findings),
            "url": step_url(application, step) if index <= reached or not findings.of_step(step) else "",
            "note": _note(application, step, findings),
        }
        for index, step in enumerate(steps)
    ]


def fresh_navigator(kind: Kind, *, late: bool) -> list[dict[str, Any]]:
    """The numbered steps of a kind that has not been begun."""
    asked = hours_count(kind, late=late)
    steps = flows.numbered(flows.steps_of(kind, hours_count=asked))
    return [{"label": step.label, "status": "next", "url": ""} for step in steps]


def _status(application: Application, step: Step, current: Step | None, findings: Findings) -> str:
    if step == current:
        return "now"
    if findings.of_step(step):
        return "blocked" if _touched(application, step) else "next"
    return "next" if step is flows.PREVIEW else "done"


def _note(application: Application, step: Step, findings: Findings) -> str:
    """How much is missing on a step that has been begun: this is what keeps one from lodging."""
    count = len(findings.of_step(step))
    if step is flows.PREVIEW or not count or not _touched(application, step):
        return ""
    return _("还差 %(count)s 项") % {"count": count}


def _touched(application: Application, step: Step) -> bool:
    """Whether something of this step has been filled in, or the applicant has gone on beyond it."""
    steps = flows.numbered(flows.FLOWS[Kind(application.kind)])
    slugs = [one.slug for one in steps]
    if application.step in slugs and step.slug in slugs:
        return slugs.index(step.slug) < slugs.index(application.step) or _filled(application, step)
    return _filled(application, step)


def _filled(application: Application, step: Step) -> bool:
    if Section.CHANNEL in step.sections:
        return application.agency_id is not None
    return any(application.sections.get(section) for section in step.sections)


def _asides(application: Application, current: Step | None, findings: Findings) -> list[dict[str, Any]]:
    """The pages beside the numbered steps, and how much is missing on them."""
    beside = [step for step in findings.steps if step.aside]
    if findings.of_step(flows.SIDE_CHANNEL):
        beside.append(flows.SIDE_CHANNEL)
    return [
        {
            "label": step.label,
            "url": step_url(application, step),
            "current": step == current,
            "misses": [
                {"message": miss.message, "href": miss_url(application, miss)}
                for miss in findings.of_step(step)
            ],
        }
        for step in beside
    ]
