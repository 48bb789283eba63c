"""People of the national register: searched, and each with the whole history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from register import certificates, clock, codes, endings, people, policy, registrars, roll, standing
from register.models import (
    DocketEntry,
    FormerNumber,
    Person,
    PersonChange,
    Qualification,
    Registration,
    Restriction,
    TrainingHours,
)
from register.standing import IN_FORCE, Period, Standing, Status
from review import registrar
from review.documents import endings as decisions
from review.documents.letters import letter_pdf
from review.forms.registrants import LookForm, SearchForm
from review.states import State, Tag
from review.views import proofs
from review.views.desk import AUTHORITY_READERS, need, posted, private
from tenants.guards import StaffRequest, staff_required
from tenants.models import AUTHORITY_CODE, AccessRecord, Agency
from tenants.roles import FINAL_REVIEWER, REGISTRAR, SIGNING_OFFICER

# Lists of a person's page that may grow long: the latest of them stand there.
MOST_ACCESSES: Final = 50
DEEMED, PROPOSED = "deemed", "proposed"
TONES: Final = {
    Status.UNREGISTERED: Tag("grey", "outline", "dot", ""),
    Status.VALID: Tag("green", "filled", "check", ""),
    Status.RENEWAL_DUE: Tag("amber", "outline", "clock", ""),
    Status.CHANGE_PENDING: Tag("amber", "filled", "clock", ""),
    Status.DEEMED_RENEWED: Tag("amber", "filled", "flag", ""),
    Status.EXPIRED: Tag("grey", "filled", "clock", ""),
    Status.CANCELLED: Tag("grey", "filled", "cross", ""),
    Status.REVOKED: Tag("red", "outline", "cross", ""),
    Status.WITHDRAWN: Tag("red", "outline", "cross", ""),
}


def tag_of(status: Status) -> dict[str, Any]:
    """A state of the register as a tag."""
    look = TONES[status]
    return {"word": status.label, "tone": look.tone, "shape": look.shape, "icon": look.icon}


# --- The list ----------------------------------------------------------------------------------------


@staff_required(*AUTHORITY_READERS)
@require_safe
def registrants(request: StaffRequest) -> HttpResponse:
    """People by name, or the two lists that wait for somebody: deemed renewals, proposed restrictions."""
    if not roll.is_name(request.GET.get("q", "")):
        return redirect("registrants")
    which = request.GET.get("standing", "")
    context: dict[str, Any] = {
        "which": which if which in (DEEMED, PROPOSED) else "",
        "tabs": _tabs(which),
        "deemed": registrar.deemed() if which == DEEMED else [],
        "proposals": registrar.proposals().select_related("agency", "person") if which == PROPOSED else [],
        "today": clock.today(),
    }
    if not context["which"]:
        context |= _found(request)
    return private(render(request, "review/authority/registrants.html", context))


def _tabs(which: str) -> list[dict[str, Any]]:
    here = reverse("registrants")
    return [
        {"label": _("查询人员"), "url": here, "current": which not in (DEEMED, PROPOSED), "count": None},
        {
            "label": _("视为延续"),
            "url": f"{here}?standing={DEEMED}",
            "current": which == DEEMED,
            "count": registrar.deemed_lines().count(),
        },
        {
            "label": _("限制申请建议"),
            "url": f"{here}?standing={PROPOSED}",
            "current": which == PROPOSED,
            "count": registrar.proposals().count(),
        },
    ]


def _found(request: StaffRequest) -> dict[str, Any]:
    """A page of people by name."""
    asked = " ".join(request.GET.get("q", "").split())[:60]
    if not asked:
        return {"form": SearchForm(), "asked": ""}
    page = roll.named(asked, after=_key(request, "after"), before=_key(request, "before"))
    there = reverse("registrants")
    return {
        "form": SearchForm(initial={"q": asked}),
        "asked": asked,
        "rows": rows_of(page.people),
        "previous_url": f"{there}?{urlencode({'q': asked, 'before': page.before})}" if page.before else "",
        "next_url": f"{there}?{urlencode({'q': asked, 'after': page.after})}" if page.after else "",
    }


def _key(request: StaffRequest, name: str) -> UUID | None:
    try:
        return UUID(request.GET.get(name, ""))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Row:
    """One person of a list: the entry, and the registration that counts today."""

    person: Person
    registration: Registration | None
    tag: dict[str, Any] | None


def rows_of(found: Sequence[Person]) -> list[Row]:
    """People as a list shows them; two queries, however many there are."""
    today, months = clock.today(), policy.current().renewal_open_months
    keys = {people_key(person) for person in found}
    held: dict[UUID, list[Registration]] = {key: [] for key in keys}
    theirs = people.rows_of(*keys)
    granted = Registration.objects.filter(theirs)
    for one in granted.select_related("person", "agency").order_by("granted_on", "created_at"):
        held[people_key(one.person)].append(one)
    lines = DocketEntry.objects.filter(theirs, open=True)
    opened = {people_key(line.person): line for line in lines.select_related("person")}
    return [
        _row(person, held[people_key(person)], opened.get(people_key(person)), today, months)
        for person in found
    ]


def people_key(person: Person) -> UUID:
    """The record that stands for this person."""
    return person.merged_into_id or person.pk


def _row(
    person: Person, rows: Sequence[Registration], line: DocketEntry | None, today: date, months: int
) -> Row:
    found = Standing(
        periods=tuple(Period.of(row) for row in rows),
        open=standing.line_of(line) if line else None,
    )
    tag = None if person.merged_into_id else tag_of(found.status(today, months))
    return Row(person, standing.counting(rows, today), tag)


@staff_required(*AUTHORITY_READERS)
@sensitive_post_parameters()
@require_POST
def search(request: StaffRequest) -> HttpResponse:
    """To the person whom a number names, or to the list of a name. A number never stands in an address."""
    form = SearchForm(posted(request))
    found: list[Person] = []
    if form.is_valid():
        asked = form.cleaned_data["q"]
        if roll.is_name(asked):
            return redirect(f"{reverse('registrants')}?{urlencode({'q': asked})}")
        found = roll.by_number(asked)
        if len(found) == 1:
            return redirect("registrant", found[0].pk)
    context = {
        "which": "",
        "tabs": _tabs(""),
        # What was typed may be somebody's document number: it is not shown again.
        "form": form if form.errors else SearchForm(),
        "asked": form.cleaned_data.get("q", "") and _("所填编号"),
        "rows": rows_of(found),
    }
    return private(render(request, "review/authority/registrants.html", context, status=422))


# --- The person --------------------------------------------------------------------------------------


def the_person(person_id: UUID) -> Person:
    """The person of a page, with the record that stands for it."""
    people_ = Person.objects.select_related("user", "merged_into")
    return get_object_or_404(people_, pk=person_id)


@staff_required(*AUTHORITY_READERS)
@require_safe
def registrant(request: StaffRequest, person_id: UUID) -> HttpResponse:
    """Everything that the register knows of a person; a merged record leads to the one that stands for it."""
    person = the_person(person_id)
    if person.merged_into_id:
        return redirect("registrant", person.merged_into_id)
    return _page(request, person)


@staff_required(REGISTRAR, FINAL_REVIEWER, SIGNING_OFFICER)
@require_POST
def number(request: StaffRequest, person_id: UUID) -> HttpResponse:
    """Show the full document number, once, on this very page; who looked and why is recorded."""
    person = the_person(person_id)
    need(not person.merged_into_id)
    form = LookForm(posted(request))
    if registrars.is_self(person, request.user):
        form.add_error(None, _("这是您本人的登记，须回避，请由其他登记人员办理。"))
    if not form.is_valid():
        return _page(request, person, look=form)
    full = people.full_number(person, by=request.user, reason=form.cleaned_data["reason"])
    return _page(request, person, full=full)


def _page(
    request: StaffRequest, person: Person, *, look: LookForm | None = None, full: str = ""
) -> HttpResponse:
    mine = people.rows_of(person)
    today, rules = clock.today(), policy.current()
    rows = standing.registrations_of(person)
    found = standing.standing_of(person, today, registrations=rows)
    status = found.status(today, rules.renewal_open_months)
    lines = list(DocketEntry.objects.filter(mine).select_related("agency").order_by("-lodged_on", "-pk"))
    is_registrar = REGISTRAR.code in request.roles and not registrars.is_self(person, request.user)
    context = {
        "person": person,
        "tag": tag_of(status),
        "said": _said(status, found, rows, today),
        "may_practise": status.may_practise,
        "barred_until": found.restricted_until,
        "full_number": full,
        "look_form": look or LookForm(),
        "may_look": bool({REGISTRAR.code, FINAL_REVIEWER.code, SIGNING_OFFICER.code} & request.roles),
        "is_registrar": is_registrar,
        "in_force": status in IN_FORCE,
        "former": list(FormerNumber.objects.filter(mine).order_by("-until")),
        "merged": list(Person.objects.filter(merged_into=person).order_by("name")),
        "qualifications": [
            (row, codes.label("category", row.category) if row.category else "")
            for row in Qualification.objects.filter(mine).order_by("issued_on")
        ],
        "timeline": _timeline(rows, today),
        "certificates": list(certificates.of_person(person).select_related("registration")),
        "may_reissue": is_registrar,
        "lines": [(line, State(line.state)) for line in lines],
        "left": registrar.left_over(person, rows) if is_registrar else [],
        "restrictions": [
            (row, _runs(row, today))
            for row in Restriction.objects.filter(mine)
            .select_related("entered_by", "lifted_by")
            .order_by("-since", "-pk")
        ],
        "training": list(
            TrainingHours.objects.filter(mine).select_related("agency", "imported_by").order_by("-begun_on")
        ),
        "changes": list(
            PersonChange.objects.filter(mine).select_related("by").defer("proof").order_by("-at")
        ),
        "accesses": list(
            AccessRecord.objects.filter(person_id__in=[person.pk, *_merged_keys(person)])
            .select_related("user", "agency")
            .order_by("-at")[:MOST_ACCESSES]
        ),
        "endings": [
            (how.value, label)
            for how, label in (
                (endings.How.CANCELLED, _("注销注册")),
                (endings.How.REVOKED, _("撤销注册")),
                (endings.How.WITHDRAWN, _("吊销执业证")),
            )
        ],
    }
    return private(render(request, "review/authority/registrant.html", context))


def _merged_keys(person: Person) -> list[UUID]:
    return list(Person.objects.filter(merged_into=person).values_list("pk", flat=True))


def _runs(row: Restriction, today: date) -> bool:
    return row.lifted_on is None and row.since <= today <= row.until


def _said(status: Status, found: Standing, rows: Sequence[Registration], today: date) -> str:
    """The state of today in a sentence, with the day until which it holds."""
    held = standing.counting(rows, today)
    if held is None:
        return _("尚未注册。")
    until = found.last.valid_to if found.last else held.valid_to
    days = {
        "until": date_format(until),
        "ended": date_format(held.ended_on or held.valid_to),
        "to": date_format(held.valid_to),
    }
    words = {
        Status.UNREGISTERED: _("尚未注册。"),
        Status.VALID: _("注册有效，有效期至 {until}。"),
        Status.RENEWAL_DUE: _("注册有效，有效期至 {until}，已可申请延续注册。"),
        Status.CHANGE_PENDING: _("注册有效，有效期至 {until}；变更申请办理期间不得执业。"),
        Status.DEEMED_RENEWED: _("有效期已于 {to} 届满；延续申请按期提出、尚未作出决定，视为准予延续。"),
        Status.EXPIRED: _("有效期已于 {to} 届满，注册已失效。"),
        Status.CANCELLED: _("注册已于 {ended} 注销。"),
        Status.REVOKED: _("注册已于 {ended} 撤销。"),
        Status.WITHDRAWN: _("执业证已于 {ended} 吊销。"),
    }
    return words[status].format(**days)


def _timeline(rows: Sequence[Registration], today: date) -> list[dict[str, Any]]:
    """The registrations, the latest first, each with the days on which it really counted."""
    spans = standing.counted([Period.of(row) for row in rows])
    shown = []
    for row, span in zip(rows, spans, strict=True):
        counts = span is not None and span[0] <= today <= span[1]
        shown.append(
            {
                "row": row,
                "span": span,
                "shortened": span is not None and span[1] != row.valid_to,
                "counts": counts,
                "category": codes.label("category", row.category) if row.category else "",
                "ground": endings.Ground(row.end_ground).label if row.end_ground else "",
            }
        )
    return shown[::-1]


@staff_required(*AUTHORITY_READERS)
@require_safe
def photo(request: StaffRequest, person_id: UUID) -> HttpResponse:
    """The portrait as last granted."""
    person = get_object_or_404(Person.objects.select_related("photo"), pk=person_id, photo__isnull=False)
    return private(HttpResponse(bytes(person.photo.data if person.photo else b""), content_type="image/jpeg"))


@staff_required(*AUTHORITY_READERS)
@require_safe
def proof(request: StaffRequest, person_id: UUID, change_id: UUID) -> HttpResponse:
    """The file on which a correction of this person rests."""
    change = get_object_or_404(
        PersonChange.objects.filter(people.rows_of(the_person(person_id))), pk=change_id, proof__isnull=False
    )
    return proofs.answer(f"proof-{change.proof_sha256[:12]}", bytes(change.proof or b""), change.proof_type)


@staff_required(*AUTHORITY_READERS)
@require_safe
def decision(request: StaffRequest, person_id: UUID, registration_id: UUID) -> HttpResponse:
    """The decision by which a registration of this person ended, as a PDF."""
    person = the_person(person_id)
    ended = decisions.decided().filter(people.rows_of(person))
    row = get_object_or_404(ended, pk=registration_id)
    return decision_pdf(row, person)


def decision_pdf(row: Registration, person: Person) -> HttpResponse:
    """The decision as an answer; nothing in the file's name tells whose it is."""
    letter = decisions.letter_of(row, person, Agency.objects.get(code=AUTHORITY_CODE))
    response = HttpResponse(letter_pdf(letter), content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="decision.pdf"'
    return private(response)
