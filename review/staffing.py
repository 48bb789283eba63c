"""A desk's people as its manager handles them: invited by letter, their open cases given to others.

The accounts themselves are kept by `tenants.staff`; here is what also needs the post room or case files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from notifications import outbox
from register import clock
from register.models import DocketEntry
from review import casework
from review.colleagues import as_reviewer
from review.models import Case
from review.states import State
from review.workflow import UNTIL_REFERRED, Actor, in_conflict, own_records
from tenants import crossing, second_factor, staff
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import Agency, User
from tenants.rolebook import HOLDS_CASES

# --- Invitations -------------------------------------------------------------------------------------


def invite(
    *, agency: Agency, name: str, username: str, email: str, roles: Iterable[str], by: User, phone: str = ""
) -> User:
    """Open an account for a new colleague and write to the address, if there is one. Raises `Refusal`."""
    with transaction.atomic():
        user = staff.invite(
            agency=agency, name=name, username=username, email=email, roles=roles, by=by, phone=phone
        )
        _write_to(user, agency)
    return user


def invite_again(*, user: User, agency: Agency, by: User) -> User:
    """Send another invitation; the links of earlier ones are void. Raises `Refusal`."""
    with transaction.atomic():
        account = staff.renew_invitation(user=user, agency=agency, by=by)
        _write_to(account, agency)
    return account


def void_password(*, user: User, agency: Agency, by: User) -> User:
    """Make a password void and invite its owner to set another one. Raises `Refusal`."""
    with transaction.atomic():
        staff.void_password(user=user, agency=agency, by=by)
        return invite_again(user=user, agency=agency, by=by)


def change(*, user: User, agency: Agency, particulars: staff.Particulars, by: User) -> None:
    """Change somebody's particulars; the address that was replaced is told so once. Raises `Refusal`."""
    with transaction.atomic():
        replaced = staff.change(user=user, agency=agency, particulars=particulars, by=by)
        if replaced:
            now = clock.now()
            outbox.post(
                user_id=user.pk,
                kind="address_replaced",
                cause=str(uuid4()),
                data={"at": now, "address": replaced},
                at=now,
            )


def reset_second_factor(*, user: User, agency: Agency, by: User) -> None:
    """Take the second factor away from somebody who has lost it. Raises `Refusal`."""
    with transaction.atomic():
        second_factor.reset(staff.to_be_freed(user=user, agency=agency, by=by), by)


def reset_managers_second_factor(*, user: User, agency: Agency, by: User) -> None:
    """The authority's administrator lets an agency's only manager back in, who is told. Raises `Refusal`.

    Asked at the authority's desk, done at the agency's own: the authority keeps no ways into its accounts.
    """
    account = staff.manager_to_be_freed(user=user, agency=agency, by=by)
    now = clock.now()
    with crossing.standing(Desk.AGENCY, agency), transaction.atomic():
        second_factor.reset(account, by)
        outbox.post(
            user_id=account.pk,
            kind="staff_factor_reset",
            cause=str(uuid4()),
            data={"at": now, "by": by.display_name},
            at=now,
        )


def reactivate(*, user: User, agency: Agency, by: User) -> User:
    """Let somebody come back: invited anew, without roles until they are given. Raises `Refusal`."""
    with transaction.atomic():
        staff.reactivate(user=user, agency=agency, by=by)
        return invite_again(user=user, agency=agency, by=by)


def _write_to(user: User, agency: Agency) -> None:
    reachable = User.objects.filter(pk=user.pk).exclude(email="")
    outbox.post_letter(
        users=reachable, kind="staff_invitation", cause=str(uuid4()), data={"desk": agency.code}
    )


# --- Cases in hand -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """One open case in somebody's hands; `kept_from`: colleagues who have to stand aside."""

    line: Case | DocketEntry
    kept_from: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        return State(self.line.state)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case that was to be given to somebody else."""

    reference: str
    done: bool
    said: str


def in_hand(agency: Agency) -> dict[int, int]:
    """How many open cases everybody has in hand at this desk: one query."""
    if agency.is_authority:
        lines = DocketEntry.objects.filter(state=State.REPORTED, officer__isnull=False)
        return dict(lines.order_by().values_list("officer").annotate(Count("pk")))
    cases = Case.objects.filter(state__in=UNTIL_REFERRED, assignee__isnull=False)
    return dict(cases.order_by().values_list("assignee").annotate(Count("pk")))


def cases_of(user: User) -> QuerySet[Case]:
    """The open cases in somebody's hands at the agency one stands in, most urgent first."""
    return Case.objects.filter(state__in=UNTIL_REFERRED, assignee=user).order_by("due_on", "lodged_at", "pk")


def held_by(user: User, agency: Agency, others: Iterable[User]) -> list[Held]:
    """Somebody's open cases, and who of the others must stand aside from each (conflict of interest)."""
    if agency.is_authority:
        lines = DocketEntry.objects.filter(state=State.REPORTED, officer=user).order_by("due_on", "pk")
        return [Held(line) for line in lines]
    asked = list(others)
    own = own_records(asked)
    actors = {other.display_name: as_reviewer(other, agency, own[other.pk]) for other in asked}
    return [
        Held(case, tuple(name for name, actor in actors.items() if in_conflict(case, actor)))
        for case in cases_of(user)
    ]


def colleagues(agency: Agency, held: Mapping[int, frozenset[str]], *, but: User) -> list[User]:
    """Who else handles cases at this desk, active and able to sign in."""
    able = (user for user in staff.members(agency) if held.get(user.pk, frozenset()) & HOLDS_CASES)
    return [user for user in able if user.is_active and staff.has_accepted(user) and user.pk != but.pk]


def reassign(*, cases: Sequence[Case], to: Sequence[User], agency: Agency, by: Actor) -> list[Outcome]:
    """Give cases to colleagues: each to the one with the least in hand who need not stand aside.

    Every case is an act of its own, in its own transaction; the answer says for each what became of it.
    """
    loads, own = in_hand(agency), own_records(to)
    outcomes = []
    for case in cases:
        ranked = sorted(to, key=lambda user: (loads.get(user.pk, 0), user.name, user.pk))
        fit = [u for u in ranked if not in_conflict(case, as_reviewer(u, agency, own[u.pk]))]
        outcome, taken_by = _given_to_first(case, fit, agency, by)
        if taken_by is not None:
            loads[taken_by.pk] = loads.get(taken_by.pk, 0) + 1
        outcomes.append(outcome)
    return outcomes


def _given_to_first(
    case: Case, fit: Sequence[User], agency: Agency, by: Actor
) -> tuple[Outcome, User | None]:
    if not fit:
        return Outcome(case.reference, False, _("所选人员都须回避，请另选他人。")), None
    try:
        casework.assign(case=case, to=fit[0], agency=agency, by=by)
    except Refusal as no:
        return Outcome(case.reference, False, str(no.message)), None
    return Outcome(case.reference, True, _("已改派给{name}。").format(name=fit[0].display_name)), fit[0]
