"""What the pages of both staff desks share: who acts, which case, how an act is asked for and told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise

from register import clock
from register.models import DocketEntry
from review import docket, workflow
from review.models import Case
from review.states import Clock
from review.workflow import Actor
from tenants import crossing, staff
from tenants.errors import Refusal
from tenants.guards import StaffRequest
from tenants.models import Agency
from tenants.rolebook import HOLDS_CASES
from tenants.roles import (
    AUDITOR,
    AUTHORITY_AUDITOR,
    FINAL_REVIEWER,
    REGISTRAR,
    REVIEWER,
    SIGNING_OFFICER,
    SUPERVISOR,
)

Text = str | Promise
P = ParamSpec("P")
CaseView = Callable[Concatenate[StaffRequest, Case, P], HttpResponse]
IdView = Callable[Concatenate[StaffRequest, UUID, P], HttpResponse]

# Who may open a case file: managers and administrators keep the house, they read no dossiers.
AGENCY_READERS: Final = (REVIEWER, SUPERVISOR, AUDITOR)
AUTHORITY_READERS: Final = (FINAL_REVIEWER, SIGNING_OFFICER, REGISTRAR, AUTHORITY_AUDITOR)
READERS: Final = frozenset(role.code for role in (*AGENCY_READERS, *AUTHORITY_READERS))
# Where the first-review clocks are no statutory limits, they are targets of the agency.
MERE_TARGETS: Final = frozenset({Clock.ACCEPTANCE, Clock.FIRST_REVIEW, Clock.REMAND})


def actor(request: StaffRequest) -> Actor:
    """Who acts in this request, with the roles that the guard found, and for whom as deputy; built once."""
    known: Actor | None = getattr(request, "actor", None)
    if known is None:
        covers = _covers(request) if request.roles & HOLDS_CASES else frozenset()
        known = Actor.staff(request.user, agency=request.agency, held=request.roles, covers=covers)
        request.actor = known  # type: ignore[attr-defined]
    return known


def _covers(request: StaffRequest) -> frozenset[int]:
    return staff.deputyships(request.user, request.agency, clock.today())


# --- Which case ------------------------------------------------------------------------------------


def of_this_agency(view: CaseView[P]) -> IdView[P]:
    """Give the view its case out of the agency one stands in; anybody else's id is not found."""

    @wraps(view)
    def found(request: StaffRequest, case_id: UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        cases = Case.objects.select_related("assignee", "officer", "dispatch")
        return view(request, get_object_or_404(cases, pk=case_id), *args, **kwargs)

    return found  # type: ignore[return-value]  # Django gives the id by its name


def in_its_agency(view: CaseView[P]) -> IdView[P]:
    """Open the docket line's case inside its agency for the whole view, rendering included."""

    @wraps(view)
    def found(request: StaffRequest, case_id: UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        entry = get_object_or_404(DocketEntry.objects.select_related("agency"), pk=case_id)
        with docket.opened(entry, "person", "assignee", "officer", "dispatch") as case:
            request.case_agency = entry.agency  # type: ignore[attr-defined]
            return view(request, case, *args, **kwargs)

    return found  # type: ignore[return-value]  # Django gives the id by its name


def agency_of_case(request: StaffRequest) -> Agency:
    """The agency whose case the request has opened by `in_its_agency`; asked for once."""
    known: Agency | None = getattr(request, "case_agency", None)
    return known or agency_here()


def agency_here() -> Agency:
    """The agency in whose schema the request stands."""
    return Agency.objects.get(schema_name=crossing.here().schema)


def posted(request: HttpRequest) -> QueryDict | None:
    """What was posted, for a form; None when the page is only looked at."""
    return request.POST if request.method == "POST" else None


def read_by(request: HttpRequest) -> str:
    """The key of the opinion that stood on the page from which this was posted; empty where none did."""
    return request.POST.get("read", "")


def is_target(case: Case) -> bool:
    """Whether the running clock is a target of the agency only, no statutory limit."""
    return case.clock in MERE_TARGETS and not workflow.binds(case)


# --- Saying and asking -------------------------------------------------------------------------------


def told(request: StaffRequest, done: Text, act: Callable[[], object]) -> bool:
    """Do an act and say so; when the rules say no, say why. Whether it was done."""
    try:
        act()
    except Refusal as no:
        messages.error(request, str(no.message))
        return False
    messages.success(request, str(done))
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A page that asks once before an act, with the form it needs, if any.

    `do` gets the validated form (or None) and does the act; `done` is what is said afterwards.
    """

    act: str
    title: Text
    do: Callable[[Any], object]
    done: Text
    label: Text
    lines: Sequence[Text] = ()
    warning: Text = ""
    tone: str = "primary"
    form: Form | None = None
    template: str = "review/act.html"
    # Somebody asks for another row or a preview: the page is shown again, nothing is done.
    only_show: bool = False
    # The key of the pending opinion that the page shows; it comes back with the answer.
    read: str = ""
    # What else the template shows.
    more: Mapping[str, Any] = field(default_factory=dict)


def ask(request: StaffRequest, case: Case, question: Question) -> HttpResponse:
    """Show the question; when it is answered, do the act, say one sentence, go back to the case.

    What was typed stays on the page when the rules say no; where the act is no longer open at all, the page
    says so and offers no button (`shut`).
    """
    by, form, shut = actor(request), question.form, False
    answered = request.method == "POST" and not question.only_show
    try:
        if not answered:
            workflow.allow(case, question.act, by, clock.now())
        elif form is not None and not form.is_valid():
            workflow.check(case, question.act, by)
        else:
            question.do(form)
            messages.success(request, str(question.done))
            return redirect("case", case.pk)
    except Refusal as no:
        if not answered or form is None:
            messages.error(request, str(no.message))
            return redirect("case", case.pk)
        shut = not _still_open(case, question.act, by)
        if shut:
            form.errors.clear()
        form.add_error(None, str(no.message))
    context = {"case": case, "question": question, "form": form, "shut": shut, **question.more}
    return private(render(request, question.template, context))


def _still_open(case: Case, act: str, by: Actor) -> bool:
    return act in workflow.acts_open_to(Case.objects.get(pk=case.pk), by)


def private(response: HttpResponse) -> HttpResponse:
    """An answer with somebody's personal data: no cache keeps it, no frame shows it."""
    response["Cache-Control"] = "private, no-store"
    return response


def need(condition: object) -> None:
    """Answer 404 unless this holds."""
    if not condition:
        raise Http404
