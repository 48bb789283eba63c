"""The registrar's acts that touch a case as well: ending a registration, entering a restriction.

The case file stands in its agency's schema: cross first, then one transaction for register and case. Whoever
has further cases at other agencies is followed there, each case in a transaction of its own; what was not
reached stands as `left_over` and can be done again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db.models import DateField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import override

from notifications import outbox
from register import clock, endings, issuing, people, registrars, restrictions, standing
from register.models import DocketEntry, Kind, Person, Registration, Restriction
from review import casework
from review.models import Case, Movement, TerminationGround
from review.states import OPEN, UNISSUED
from review.workflow import UNDECIDED_OR_UNISSUED, Actor
from tenants import crossing
from tenants.errors import Refusal
from tenants.models import Agency, User

How = Registration.End
# What the person is told, by how the registration ended.
TOLD: Final[dict[str, str]] = {
    How.CANCELLED: "cancelled",
    How.REVOKED: "registration_revoked",
    How.WITHDRAWN: "registration_withdrawn",
}
# Expired renewals that wait for their decision are few; nobody reads a list longer than this.
MOST_DEEMED: Final = 500
# An application for a new registration does not hang on the one that ended.
HANGS_ON_THE_REGISTRATION: Final = (Kind.CHANGE, Kind.RENEWAL)


@dataclass(frozen=True, slots=True)
class Ended:
    """What was done: the periods that ended, the cases that ended with them, and those still to be ended."""

    registrations: tuple[Registration, ...]
    terminated: tuple[str, ...]
    left: tuple[str, ...]


def end_registration(*, person_id: UUID, how: str, ground: str, text: str, by: Actor) -> Ended:
    """Cancel, revoke or withdraw a person's registration from today on, and end the cases that hang on it.

    Order 11 arts 16, 31 and 32. The certificate stays as it is: whoever verifies it reads the state of today.
    Raises Refusal for anybody but a registrar, on own affairs, for a ground the law does not know for this
    act, without words, and where the registration is over already.
    """
    manner = _checked(how, ground, text)
    person = Person.objects.select_related("merged_into").get(pk=person_id)
    person = people.living(person)
    officer = User.objects.get(pk=by.account)
    registrars.require(officer, person)
    lines = ending_with(person, ground)
    first = _first_agency(lines)
    here = [line for line in lines if line.agency_id == (first.pk if first else None)]
    reason = _words(manner, ground, text)
    with _standing_in(first), crossing.atomic():
        cases = _locked([line.case_id for line in here])
        rows = _end_in_register(person, manner, ground, reason, officer)
        for case in cases:
            _terminate(case, ground, reason, by)
        _tell(person, rows[0], manner, reason)
    left = _follow([line for line in lines if line not in here], ground, reason, by)
    return Ended(tuple(rows), tuple(case.reference for case in cases), tuple(left))


def lines_of(person: Person) -> list[DocketEntry]:
    """The docket lines of a person that are neither decided against nor issued, the open one first."""
    lines = DocketEntry.objects.filter(people.rows_of(person), state__in=UNDECIDED_OR_UNISSUED)
    return list(lines.select_related("agency").order_by("-open", "lodged_on", "case_id"))


def ending_with(person: Person, ground: str = "") -> list[DocketEntry]:
    """The cases that end with the registration if it ends now on this ground, the open one first."""
    today, rows = clock.today(), standing.registrations_of(person)
    running = [row for row in rows if not row.ended_how and row.valid_to >= today]
    # What is over may go on by a renewal that is not decided yet.
    return _hanging_on(person, running or rows[-1:], ground)


def left_over(person: Person, granted: Sequence[Registration] | None = None) -> list[DocketEntry]:
    """Cases of a registration that has ended, which did not end with it yet.

    `granted` are the person's registrations where they were read already.
    """
    found = standing.registrations_of(person) if granted is None else granted
    rows = [row for row in found if row.ended_how]
    return _hanging_on(person, rows, rows[-1].end_ground) if rows else []


def _hanging_on(person: Person, rows: Sequence[Registration], ground: str) -> list[DocketEntry]:
    """The cases that end with these registrations: grants without certificate, and what goes on with them.

    An application for a new registration goes on; after a death nothing does.
    """
    granted = Q(case_id__in=[row.case_id for row in rows], state__in=UNISSUED)
    hanging = Q(state__in=OPEN, kind__in=HANGS_ON_THE_REGISTRATION)
    if ground == endings.Ground.DEATH:
        hanging = Q(state__in=UNDECIDED_OR_UNISSUED)
    if ended := [row.ended_on for row in rows if row.ended_on]:
        # What was lodged afterwards hangs on a later registration.
        hanging &= Q(lodged_on__lte=max(ended))
    lines = DocketEntry.objects.filter(people.rows_of(person)).filter(granted | hanging)
    return list(lines.select_related("agency").order_by("-open", "lodged_on", "case_id"))


def finish(*, person_id: UUID, by: Actor) -> Sequence[str]:
    """End what is left over of a registration that has ended; the references of what still is."""
    person = people.living(Person.objects.select_related("merged_into").get(pk=person_id))
    registrars.require(User.objects.get(pk=by.account), person)
    rows = [row for row in standing.registrations_of(person) if row.ended_how]
    if not rows:
        raise Refusal(_("该人员没有已经终止的注册。"), code="not_ended")
    return _follow(left_over(person), rows[-1].end_ground, rows[-1].end_reason, by)


def _checked(how: str, ground: str, text: str) -> How:
    if how not in How.values:
        raise Refusal(_("请选择注销、撤销或者吊销。"), code="how")
    if ground not in endings.GROUNDS[How(how)]:
        raise Refusal(_("请选择法定事由。"), code="ground")
    if not text.strip():
        raise Refusal(_("请写明事实和依据。"), code="no_reason")
    return How(how)


def _words(how: How, ground: str, text: str) -> str:
    """The reason as the register keeps it: the ground in the words of the law, then the facts."""
    with override("zh-hans"):
        return f"{endings.Ground(ground).label}。{text.strip()}"[:500]


def _first_agency(lines: Sequence[DocketEntry]) -> Agency | None:
    return lines[0].agency if lines else None


def _standing_in(agency: Agency | None) -> AbstractContextManager[Any]:
    return crossing.inside(agency) if agency else nullcontext()


def _locked(keys: Sequence[UUID]) -> list[Case]:
    """The cases under lock, before anything of the register is: a decision locks in this order as well."""
    if not keys:
        return []
    return list(Case.objects.select_for_update(of=("self",)).filter(pk__in=keys).order_by("pk"))


def _end_in_register(person: Person, how: How, ground: str, reason: str, officer: User) -> list[Registration]:
    held = standing.registration_of(person)
    if held is None:
        raise Refusal(_("该人员没有注册，不能办理。"), code="unregistered")
    return issuing.end(registration=held, how=how, on=clock.today(), reason=reason, ground=ground, by=officer)


def _terminate(case: Case, ground: str, reason: str, by: Actor) -> Movement:
    died = ground == endings.Ground.DEATH
    which = TerminationGround.DEATH if died else TerminationGround.REGISTRATION_ENDED
    return casework.terminate(case=case, by=by, ground=which, text=reason)


def _follow(lines: Sequence[DocketEntry], ground: str, reason: str, by: Actor) -> list[str]:
    """End each of these cases in its agency; the references of those that could not be ended now."""
    left = []
    for line in lines:
        try:
            with crossing.inside(line.agency), crossing.atomic():
                _terminate(Case.objects.get(pk=line.case_id), ground, reason, by)
        except (Refusal, Case.DoesNotExist):
            left.append(line.reference)
    return left


def _tell(person: Person, row: Registration, how: How, reason: str) -> None:
    today = clock.today()
    barred = endings.barred_until(how, today)
    data: dict[str, Any] = {"on": outbox.day(today), "reason": reason.rstrip("。；")}
    if how is not How.CANCELLED:
        data |= {"number": row.number, "until": outbox.day(barred) if barred else "—"}
    outbox.post(user_id=person.user_id, kind=TOLD[how], cause=f"ended:{row.pk}", data=data)


# --- Restrictions ----------------------------------------------------------------------------------


def proposals() -> QuerySet[DocketEntry]:
    """Docket lines of cases whose agency proposes a restriction that is not entered yet, oldest first."""
    entered = Restriction.objects.filter(case_id=OuterRef("case_id"))
    lines = DocketEntry.objects.filter(~Exists(entered), false_material=True)
    return lines.select_related("agency").order_by("lodged_on", "case_id")


def restrict(
    *,
    person_id: UUID,
    ground: str,
    reason: str,
    by: Actor,
    until: date | None = None,
    line: DocketEntry | None = None,
    end_case: bool = False,
) -> Restriction:
    """Enter a restriction, by the agency's proposal on the case of `line` where there is one.

    With `end_case` the open application ends in the same transaction (Order 11 art. 30: not accepted or not
    registered). Raises Refusal as `restrictions.enter` does, when the proposal was not followed meanwhile,
    and when the case cannot be ended now.
    """
    person = people.living(Person.objects.select_related("merged_into").get(pk=person_id))
    officer = User.objects.get(pk=by.account)
    about = line or (next(iter(lines_of(person)), None) if end_case else None)
    with _standing_in(about.agency if about else None), crossing.atomic():
        cases = _locked([about.case_id]) if about else []
        if line and not any(case.false_material for case in cases):
            raise Refusal(_("这项建议已经撤回或者未予采纳，请刷新后查看。"), code="no_proposal")
        row = restrictions.enter(
            person=person,
            ground=ground,
            reason=reason,
            by=officer,
            until=until,
            case_id=line.case_id if line else None,
        )
        for case in cases if end_case else []:
            casework.terminate(case=case, by=by, ground=TerminationGround.RESTRICTION, text=reason)
    return row


def turn_down(*, case: Case, by: Actor, text: str) -> Movement:
    """Follow no proposal: the agency's finding is taken back, the applicant may withdraw again.

    Stand inside the case's agency. The movement keeps the registrar's reason.
    """
    if not text.strip():
        raise Refusal(_("请说明理由。"), code="no_reason")
    return casework.drop_restriction(case=case, by=by, text=text)


def why_proposed(case: Case) -> Movement | None:
    """The movement by which the agency proposed the restriction. Stand inside the case's agency."""
    return case.movements.filter(act="propose_restriction").order_by("-number").first()


def deemed_lines() -> QuerySet[DocketEntry, Any]:
    """Open renewals past the expiry that count as granted until they are decided, the oldest expiry first.

    Order 11 art. 13: lodged in time. It follows from the dates; no job has to run: whose correction stayed
    unanswered has lapsed, also where no sweep has come yet. `held` is the key of the registration that goes
    on by it.
    """
    lines = DocketEntry.objects.filter(open=True, kind=Kind.RENEWAL)
    return in_time(standing.unlapsed(lines, clock.today()))


def in_time(renewals: QuerySet[DocketEntry, Any]) -> QuerySet[DocketEntry, Any]:
    """Of these renewals those that were lodged in time for a registration whose days are over and that was
    not ended; see `deemed_lines`.
    """
    today, living = clock.today(), OuterRef(OuterRef("living"))
    records = Person.objects.filter(Q(pk=living) | Q(merged_into=living))
    held = Registration.objects.filter(person__in=records.values("pk")).order_by("-granted_on", "-created_at")
    days = standing.deemed_days("lodged_on")
    return (
        renewals.annotate(living=Coalesce("person__merged_into_id", "person_id"))
        .annotate(
            held=held.values("pk")[:1],
            valid_to=held.values("valid_to")[:1],
            ended_on=held.values("ended_on")[:1],
            until=ExpressionWrapper(F("valid_to") - days, output_field=DateField()),
        )
        .filter(
            Q(ended_on__isnull=True) | Q(ended_on__gt=today), valid_to__lt=today, lodged_on__lte=F("until")
        )
        .order_by("valid_to", "case_id")
    )


def deemed() -> list[tuple[DocketEntry, Registration]]:
    """These renewals, each with the registration that goes on by it."""
    lines = list(deemed_lines().select_related("agency", "person")[:MOST_DEEMED])
    rows = Registration.objects.select_related("agency").in_bulk([line.held for line in lines])
    return [(line, rows[line.held]) for line in lines]
