"""Head, navigator and side panel of every step of an application."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from intake import flows
from intake.circumstances import CHOOSES_AGENCY, Circumstances
from intake.completeness import Findings
from intake.flows import Step
from intake.models import Application


def step_url(application: Application, step: Step) -> str:
    return reverse("step", args=[application.pk, step.slug])


def frame(
    application: Application, about: Circumstances, current: Step, findings: Findings
) -> dict[str, Any]:
    """What the pages of an application show around their own content."""
    steps = flows.numbered(findings.steps)
    place = steps.index(current) if current in steps else -1
    reached = max(place, steps.index(findings.first_open) if findings.first_open in steps else 0)
    begun = bool(application.sections) or application.agency_id is not None
    return {
        "application": application,
        "chosen": about.agency,
        "agency_choosable": about.kind in CHOOSES_AGENCY,
        "steps": [
            {
                "label": one.label,
                "status": _status(one, current, findings),
                "url": step_url(application, one) if index <= reached or not findings.of_step(one) else "",
            }
            for index, one in enumerate(steps)
        ],
        "step": current,
        "previous": step_url(application, steps[place - 1]) if place > 0 else "",
        "saved_at": application.saved_at if begun else None,
        "reference": application.reference,
    }


def _status(one: Step, current: Step, findings: Findings) -> str:
    if one == current:
        return "now"
    return "done" if not findings.of_step(one) and one is not flows.PREVIEW else "next"
