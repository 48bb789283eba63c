"""The people of a desk: who is there in which role, invited, changed, on leave, let go. For both staff desks.

Managers (at the authority administrators) act, auditors read. Whoever is not of this desk is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.core import signing
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from register import clock
from review import staff_sheet, staffing
from review.forms.people import HandOverForm, InviteForm, LeaveForm, ParticularsForm, RolesForm, StaffFileForm
from review.staff_sheet import Invited, StaffRow
from review.views.desk import actor, posted, private, told
from tenants import credentials, second_factor, staff
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.models import Absence, Agency, User
from tenants.rolebook import BY_CODE, HOLDS_CASES, KEEPS_HOUSE
from tenants.roles import (
    ADMINISTRATOR,
    AUDITOR,
    AUTHORITY_AUDITOR,
    FINAL_REVIEWER,
    MANAGER,
    REVIEWER,
    Role,
    offered_by,
)
from tenants.staff import Particulars

KEEPERS: Final = (MANAGER, ADMINISTRATOR)
READERS: Final = (*KEEPERS, AUDITOR, AUTHORITY_AUDITOR)
IMPORT_SALT: Final = "review.people.import"
IMPORT_SECONDS: Final = 3600
ERRORS_SHOWN: Final = 200


# --- The list ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Somebody of the desk as the list shows them."""

    user: User
    roles: tuple[Role, ...]
    cases: int
    away: Absence | None
    deputy_for: tuple[str, ...]
    guest: bool

    @property
    def role_words(self) -> str:
        return "、".join(str(role.label) for role in self.roles)

    @property
    def standing(self) -> str:
        """`active`, `invited` or `inactive`."""
        if not self.user.is_active:
            return "inactive"
        return "active" if staff.has_accepted(self.user) else "invited"


@staff_required(*READERS)
@require_safe
def people(request: StaffRequest) -> HttpResponse:
    """Everybody of this desk: roles, cases in hand, leave, last sign-in; those let go on another tab."""
    everybody = _lines(request.agency)
    gone = request.GET.get("tab") == "inactive"
    shown = [line for line in everybody if (line.standing == "inactive") == gone]
    left = sum(line.standing == "inactive" for line in everybody)
    url = reverse("people")
    context = {
        "lines": shown,
        "gone": gone,
        "tabs": [
            {"label": _("在用"), "url": url, "current": not gone, "count": len(everybody) - left},
            {"label": _("已停用"), "url": f"{url}?tab=inactive", "current": gone, "count": left},
        ],
        "offered": offered_by(request.agency),
    }
    return private(render(request, "review/people/people.html", context))


def _lines(agency: Agency) -> list[Line]:
    """Four queries, however many people there are."""
    held, cases = staff.held_on(agency), staffing.in_hand(agency)
    away, deputies = _away_today(agency)
    return [
        Line(
            user=user,
            roles=_in_order(held.get(user.pk, ()), agency),
            cases=cases.get(user.pk, 0),
            away=away.get(user.pk),
            deputy_for=tuple(deputies.get(user.pk, ())),
            guest=not staff.is_kept_by(user, agency),
        )
        for user in staff.members(agency)
    ]


def _away_today(agency: Agency) -> tuple[dict[int, Absence], dict[int, list[str]]]:
    away: dict[int, Absence] = {}
    deputies: dict[int, list[str]] = {}
    for absence in staff.away(clock.today(), agency):
        away[absence.user_id] = absence
        deputies.setdefault(absence.deputy_id, []).append(absence.user.display_name)
    return away, deputies


def _in_order(codes: Iterable[str], agency: Agency) -> tuple[Role, ...]:
    held = frozenset(codes)
    return tuple(role for role in offered_by(agency) if role.code in held)


# --- Inviting ----------------------------------------------------------------------------------------


@staff_required(*KEEPERS)
@never_cache
@require_http_methods(["GET", "POST"])
def person_new(request: StaffRequest) -> HttpResponse:
    """Invite a new colleague; where there is no address the link is shown once, to be handed over."""
    form = InviteForm(posted(request), agency=request.agency)
    if form.is_valid():
        given = form.cleaned_data
        try:
            user = staffing.invite(
                agency=request.agency,
                name=given["name"],
                username=given["username"],
                email=given["email"],
                phone=given["phone"],
                roles=given["roles"],
                by=request.user,
            )
        except Refusal as no:
            form.add_error("username" if no.code == "username" else None, str(no.message))
        else:
            return _invited(request, user)
    return private(render(request, "review/people/new.html", {"form": form}))


@staff_required(*KEEPERS)
@require_POST
def person_invitation(request: StaffRequest, user_id: int) -> HttpResponse:
    """Invite somebody again who has not set a password yet; earlier links are void."""
    try:
        user = staffing.invite_again(user=_person(request, user_id), agency=request.agency, by=request.user)
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect("person", user_id)
    return _invited(request, user)


def _invited(request: StaffRequest, user: User) -> HttpResponse:
    context = {"person": user, "link": _link(request, user), "days": credentials.INVITATION_DAYS}
    return private(render(request, "review/people/invited.html", context))


def _link(request: StaffRequest, user: User) -> str:
    """The invitation's link, to be handed over; whoever has an address gets it there and nowhere else."""
    if user.email:
        return ""
    path = reverse("invitation", args=[user.pk, credentials.invitation_proof(user)])
    return request.build_absolute_uri(path)


# --- One person --------------------------------------------------------------------------------------


@staff_required(*READERS)
@require_safe
def person(request: StaffRequest, user_id: int) -> HttpResponse:
    """One of the people: contact, roles, leave, cases in hand, and the record of what was changed."""
    user = _person(request, user_id)
    held = staff.held_on(request.agency)
    form = RolesForm(agency=request.agency, initial={"roles": sorted(held.get(user.pk, ()))})
    return _shown(request, user, held, form)


def _shown(
    request: StaffRequest, user: User, held: dict[int, frozenset[str]], form: RolesForm
) -> HttpResponse:
    agency = request.agency
    mine = held.get(user.pk, frozenset())
    line = Line(
        user=user,
        roles=_in_order(mine, agency),
        cases=staffing.in_hand(agency).get(user.pk, 0),
        away=None,
        deputy_for=(),
        guest=not staff.is_kept_by(user, agency),
    )
    context = {
        "person": user,
        "line": line,
        "form": form,
        "keeps": bool(request.roles & KEEPS_HOUSE),
        "myself": user.pk == request.user.pk,
        "handles": bool(mine & HOLDS_CASES),
        "absences": list(staff.absences_of(user, agency)),
        "today": clock.today(),
        "factor": second_factor.standing_of(user),
        "grants": [
            {
                "role": BY_CODE[grant.role],
                "grant": grant,
                "by": grant.granted_by.display_name if grant.granted_by else _("系统开通"),
            }
            for grant in staff.grants_of(user, agency)
            if grant.role in BY_CODE
        ],
        "changes": [
            {"word": staff.words_of(change), "change": change} for change in staff.changes_of(user, agency)
        ],
    }
    return private(render(request, "review/people/person.html", context))


def _person(request: StaffRequest, user_id: int) -> User:
    return get_object_or_404(staff.members(request.agency), pk=user_id)


@staff_required(*KEEPERS)
@require_POST
def person_roles(request: StaffRequest, user_id: int) -> HttpResponse:
    """Give and take roles; what was ticked stays on the page when the rules say no."""
    user = _person(request, user_id)
    form = RolesForm(request.POST, agency=request.agency)
    if form.is_valid():
        try:
            staff.set_roles(
                user=user, agency=request.agency, wanted=form.cleaned_data["roles"], by=request.user
            )
        except Refusal as no:
            form.add_error(None, str(no.message))
        else:
            messages.success(request, _("角色已更改，立即生效。"))
            return redirect("person", user.pk)
    return _shown(request, user, staff.held_on(request.agency), form)


@staff_required(*KEEPERS)
@require_http_methods(["GET", "POST"])
def person_particulars(request: StaffRequest, user_id: int) -> HttpResponse:
    """Change name, contact, employer and document of one of the people."""
    user = _person(request, user_id)
    initial = {
        "name": user.name,
        "email": user.email,
        "phone": user.phone,
        "employer_code": user.employer_code,
    }
    form = ParticularsForm(posted(request), initial=initial, has_document=bool(user.document_digest))
    if form.is_valid():
        given = form.cleaned_data
        particulars = Particulars(
            name=given["name"],
            email=given["email"],
            phone=given["phone"],
            employer_code=given["employer_code"],
            document_digest=given["document_digest"],
        )
        try:
            staffing.change(user=user, agency=request.agency, particulars=particulars, by=request.user)
        except Refusal as no:
            form.add_error(None, str(no.message))
        else:
            messages.success(request, _("已保存。"))
            return redirect("person", user.pk)
    context = {"person": user, "form": form}
    return private(render(request, "review/people/particulars.html", context))


# --- Ways in: password, second factor ------------------------------------------------------------------


@staff_required(*KEEPERS)
@require_http_methods(["GET", "POST"])
def person_password(request: StaffRequest, user_id: int) -> HttpResponse:
    """Make a forgotten password void and send an invitation to set another one; asked once before."""
    user = _person(request, user_id)
    if request.method == "POST":
        try:
            return _invited(
                request, staffing.void_password(user=user, agency=request.agency, by=request.user)
            )
        except Refusal as no:
            messages.error(request, str(no.message))
            return redirect("person", user.pk)
    question = {
        "title": _("让{name}重新设置密码？").format(name=user.display_name),
        "lines": [_("现在的密码立即失效，该账号的所有登录都会退出。系统发送一个设置新密码的链接。")],
        "label": _("作废密码并发送链接"),
    }
    return _question(request, user, question)


@staff_required(*KEEPERS)
@require_http_methods(["GET", "POST"])
def person_second_factor(request: StaffRequest, user_id: int) -> HttpResponse:
    """Take the second factor away from somebody who has lost it; asked once before."""
    user = _person(request, user_id)
    if request.method == "POST":

        def reset() -> None:
            staffing.reset_second_factor(user=user, agency=request.agency, by=request.user)

        told(request, _("第二因素已重置，本人下次登录时重新设置。"), reset)
        return redirect("person", user.pk)
    question = {
        "title": _("重置{name}的第二因素？").format(name=user.display_name),
        "lines": [
            _("只在本人丢失手机和恢复码时重置。请先当面或者通过已知的电话确认是本人。"),
            _("该账号的所有登录都会退出，本人下次登录时用密码进入并重新设置。重置记入变更记录。"),
        ],
        "label": _("重置第二因素"),
    }
    return _question(request, user, question)


def _question(
    request: StaffRequest, user: User, question: dict[str, Any], form: Form | None = None
) -> HttpResponse:
    context = {"person": user, "question": question, "form": form}
    return private(render(request, "review/people/question.html", context))


# --- Letting go, coming back -----------------------------------------------------------------------------


@staff_required(*KEEPERS)
@require_http_methods(["GET", "POST"])
def person_deactivation(request: StaffRequest, user_id: int) -> HttpResponse:
    """Let somebody go, and give the open cases to others: all is shown before, and told for each after."""
    user = _person(request, user_id)
    if not user.is_active:
        messages.warning(request, _("该账号已经停用。"))
        return redirect("person", user.pk)
    return _hand_over(request, user, deactivate=True)


@staff_required(*KEEPERS)
@require_http_methods(["GET", "POST"])
def person_cases(request: StaffRequest, user_id: int) -> HttpResponse:
    """Give the open cases of somebody who may not handle them any more to others."""
    user = _person(request, user_id)
    if request.agency.is_authority or _handles(user, request.agency):
        raise Http404
    return _hand_over(request, user, deactivate=False)


def _handles(user: User, agency: Agency) -> bool:
    return user.is_active and bool(staff.held_on(agency).get(user.pk, frozenset()) & HOLDS_CASES)


def _hand_over(request: StaffRequest, user: User, *, deactivate: bool) -> HttpResponse:
    agency = request.agency
    others = staffing.colleagues(agency, staff.held_on(agency), but=user)
    held = staffing.held_by(user, agency, others)
    can_assign = bool(held) and not agency.is_authority
    form = HandOverForm(
        posted(request),
        colleagues=others if can_assign else [],
        loads=staffing.in_hand(agency),
        must=can_assign and not deactivate,
    )
    if request.method == "POST" and form.is_valid():
        chosen = [other for other in others if other.pk in form.cleaned_data["to"]]
        try:
            if deactivate:
                staff.deactivate(user=user, agency=agency, by=request.user, at=clock.now())
        except Refusal as no:
            form.add_error(None, str(no.message))
        else:
            return _handed_over(request, user, chosen, deactivated=deactivate)
    context = {
        "person": user,
        "form": form,
        "held": held,
        "can_assign": can_assign and others,
        "deactivate": deactivate,
        "deputies": _deputies_lost(user, agency),
    }
    return private(render(request, "review/people/deactivation.html", context))


def _handed_over(
    request: StaffRequest, user: User, chosen: Sequence[User], *, deactivated: bool
) -> HttpResponse:
    agency = request.agency
    outcomes = []
    if chosen:
        cases = list(staffing.cases_of(user))
        outcomes = staffing.reassign(cases=cases, to=chosen, agency=agency, by=actor(request))
    context = {
        "person": user,
        "outcomes": outcomes,
        "deactivated": deactivated,
        "left": staffing.in_hand(agency).get(user.pk, 0),
    }
    return private(render(request, "review/people/deactivated.html", context))


def _deputies_lost(user: User, agency: Agency) -> list[Absence]:
    """The leaves for which this person was to stand in: their deputy is lost."""
    coming = staff.absences(agency, on=clock.today())
    return [absence for absence in coming if absence.deputy_id == user.pk]


@staff_required(*KEEPERS)
@require_POST
def person_reactivation(request: StaffRequest, user_id: int) -> HttpResponse:
    """Let somebody come back: invited anew; roles are given on the page."""
    try:
        user = staffing.reactivate(user=_person(request, user_id), agency=request.agency, by=request.user)
    except Refusal as no:
        messages.error(request, str(no.message))
        return redirect("person", user_id)
    messages.warning(request, _("账号已重新启用，目前没有角色，请在人员页面授予。"))
    return _invited(request, user)


# --- Leave and deputies ----------------------------------------------------------------------------------


@staff_required(REVIEWER, FINAL_REVIEWER)
@require_http_methods(["GET", "POST"])
def leave(request: StaffRequest) -> HttpResponse:
    """One's own leave: who stands in when, and for whom one stands in oneself."""
    today = clock.today()
    deputy_for = [a for a in staff.absences(request.agency, on=today) if a.deputy_id == request.user.pk]
    return _leave_page(request, request.user, "leave", deputy_for=deputy_for)


@staff_required(*KEEPERS)
@require_http_methods(["GET", "POST"])
def person_leave(request: StaffRequest, user_id: int) -> HttpResponse:
    """Enter somebody's leave and who stands in."""
    return _leave_page(request, _person(request, user_id), "person")


def _leave_page(
    request: StaffRequest, user: User, route: str, *, deputy_for: Sequence[Absence] = ()
) -> HttpResponse:
    agency = request.agency
    others = staffing.colleagues(agency, staff.held_on(agency), but=user)
    form = LeaveForm(posted(request), colleagues=others)
    if form.is_valid():
        given = form.cleaned_data
        deputy = next(other for other in others if other.pk == given["deputy"])
        try:
            staff.enter_leave(
                user=user,
                deputy=deputy,
                agency=agency,
                since=given["since"],
                until=given["until"],
                by=request.user,
                at=clock.now(),
                today=clock.today(),
            )
        except Refusal as no:
            form.add_error(None, str(no.message))
        else:
            messages.success(request, _("请假和代理已登记。"))
            return redirect("leave") if route == "leave" else redirect("person", user.pk)
    context = {
        "person": user,
        "own": route == "leave",
        "form": form,
        "others": others,
        "absences": list(staff.absences_of(user, agency)),
        "deputy_for": deputy_for,
        "today": clock.today(),
    }
    return private(render(request, "review/people/leave.html", context))


@staff_required(*KEEPERS, REVIEWER, FINAL_REVIEWER)
@require_POST
def leave_end(request: StaffRequest, absence_id: int) -> HttpResponse:
    """End a leave before its day, or call it off; by the absent one or a manager."""
    everything = Absence.objects.filter(agency=request.agency).select_related("user")
    if not request.roles & KEEPS_HOUSE:
        everything = everything.filter(user=request.user)
    absence = get_object_or_404(everything, pk=absence_id)
    told(
        request,
        _("请假已结束，代理同时终止。"),
        lambda: staff.end_leave(absence=absence, agency=request.agency, by=request.user, at=clock.now()),
    )
    return redirect("leave") if absence.user_id == request.user.pk else redirect("person", absence.user_id)


# --- Many at once ------------------------------------------------------------------------------------------


@staff_required(*KEEPERS)
@require_http_methods(["GET", "POST"])
def people_import(request: StaffRequest) -> HttpResponse:
    """A list of colleagues: upload, look at every line, invite those that stand, read what became of each."""
    if "rows" in request.POST:
        return _invite_rows(request)
    form = StaffFileForm(posted(request), request.FILES if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form, "columns": staff_sheet.COLUMNS}
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            reading = staff_sheet.read_staff(file.read(), file.name, request.agency)
        except Refusal as no:
            form.add_error("file", str(no.message))
        else:
            context |= {
                "reading": reading,
                "name": file.name,
                "errors": reading.errors[:ERRORS_SHOWN],
                "more_errors": max(len(reading.errors) - ERRORS_SHOWN, 0),
                "packed": _packed(request, reading.rows),
            }
    return private(render(request, "review/people/import.html", context))


def _packed(request: StaffRequest, rows: Iterable[StaffRow]) -> str:
    """The checked lines on their way through the page, signed for this manager at this desk."""
    lines = [[row.line, row.name, row.username, row.email, row.phone, list(row.roles)] for row in rows]
    told = {"by": request.user.pk, "desk": request.agency.code, "lines": lines}
    return signing.dumps(told, salt=IMPORT_SALT, compress=True)


def _invite_rows(request: StaffRequest) -> HttpResponse:
    try:
        told = signing.loads(request.POST["rows"], salt=IMPORT_SALT, max_age=IMPORT_SECONDS)
    except signing.BadSignature:
        told = {}
    if (told.get("by"), told.get("desk")) != (request.user.pk, request.agency.code):
        messages.error(request, _("上传的名单已过期，请重新上传。"))
        return redirect("people-import")
    rows = [
        StaffRow(line=line, name=name, username=username, email=email, phone=phone, roles=tuple(roles))
        for line, name, username, email, phone, roles in told["lines"]
    ]
    outcomes = staff_sheet.invite_all(rows, agency=request.agency, by=request.user)
    invited = [_with_link(request, outcome) for outcome in outcomes]
    context = {"outcomes": invited, "done": sum(bool(each["person"]) for each in invited)}
    return private(render(request, "review/people/imported.html", context))


def _with_link(request: StaffRequest, outcome: Invited) -> dict[str, object]:
    link = "" if outcome.user is None else _link(request, outcome.user)
    return {"row": outcome.row, "person": outcome.user, "said": outcome.said, "link": link}


@staff_required(*KEEPERS)
@require_safe
def people_import_template(request: StaffRequest, form: str) -> HttpResponse:
    """The empty sheet with its columns."""
    if form not in staff_sheet.TEMPLATES:
        raise Http404
    response = HttpResponse(
        staff_sheet.template(request.agency, form), content_type=staff_sheet.TEMPLATES[form]
    )
    response["Content-Disposition"] = f'attachment; filename="staff.{form}"'
    return response
