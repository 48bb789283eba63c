"""The law of movement: one table of acts, and `move`, the only door that changes a case's state.

In one transaction `move` always does five things: **allow** (role, ownership, conflict of interest,
guards) → **change** (lock the case, let an already due statutory event happen first, update the state
only where it still is the expected one) → **record** (a hash-chained movement) → **follow** (the docket
line) → **announce** (outbox rows). Buttons come from the same table, so page and door cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from register import clock as calendar
from register import people
from register.models import Certificate, DocketEntry, Registration, Restriction
from review import announcements, docket, letters, log
from review.models import Case, Movement, Opinion
from review.states import AT_AGENCY, EVERY, FIRST, OPEN, UNISSUED, WORKING, Clock, State
from tenants import crossing, roles
from tenants.errors import Refusal
from tenants.models import Agency, AgencyUserObjectPermission, User

REVIEWER: Final = roles.REVIEWER.code
SUPERVISOR: Final = roles.SUPERVISOR.code
MANAGER: Final = roles.MANAGER.code
FINAL_REVIEWER: Final = roles.FINAL_REVIEWER.code
SIGNING_OFFICER: Final = roles.SIGNING_OFFICER.code
REGISTRAR: Final = roles.REGISTRAR.code
ADMINISTRATOR: Final = roles.ADMINISTRATOR.code
APPLICANT: Final = "applicant"
CLOCK: Final = "clock"

UNTIL_REFERRED = AT_AGENCY | {State.CORRECTION}
UNDECIDED_OR_UNISSUED = UNTIL_REFERRED | {State.REPORTED} | UNISSUED


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: a staff member on one agency, the applicant, or the clock."""

    user_id: int | None
    name: str
    roles: frozenset[str]
    person_id: UUID | None = None
    document_digest: str = ""
    # The own entries in the register, under whatever document number.
    records: frozenset[UUID] = frozenset()
    employer_code: str = ""
    # Absent colleagues whose cases this officer handles today.
    covers: frozenset[int] = frozenset()

    @classmethod
    def staff(
        cls,
        user: User,
        *,
        agency: Agency,
        held: frozenset[str],
        covers: frozenset[int] = frozenset(),
        records: frozenset[UUID] | None = None,
    ) -> Actor:
        """A staff member with the roles held on `agency`, deputy of the absent colleagues `covers`.

        The employer counts as a conflict of interest except in the central-enterprise channel, where
        reviewer and applicant belong to the same group by design. `records` are the own entries in the
        register where they are known already.
        """
        if records is None:
            records = own_records([user])[user.pk]
        return cls(
            user_id=user.pk,
            name=user.display_name,
            roles=held,
            document_digest=user.document_digest,
            records=records,
            employer_code="" if agency.kind == Agency.Kind.ENTERPRISE else user.employer_code,
            covers=covers,
        )

    @classmethod
    def applicant(cls, *, user_id: int, person_id: UUID, name: str) -> Actor:
        return cls(user_id=user_id, name=name, roles=frozenset({APPLICANT}), person_id=person_id)

    @property
    def account(self) -> int:
        """The account that signs for an act; the clock has none. Raises `Refusal` for the clock."""
        if self.user_id is None:
            raise Refusal(_("您没有办理此事项的权限。"), code="role")
        return self.user_id

    def handles(self, holder: int | None) -> bool:
        """Whether a case in this colleague's hands is in one's own, or in those one stands in for."""
        return holder is not None and (holder == self.user_id or holder in self.covers)

    def role_for(self, who: frozenset[str]) -> str:
        """The role in which this act is done, as the movement records it."""
        return min(self.roles & who)


def own_records(users: Collection[User]) -> dict[int, frozenset[UUID]]:
    """For each of these accounts the own entries in the register, by the document kept with the account.

    One query for all of them, none where no account keeps a document.
    """
    digests = {user.document_digest for user in users if user.document_digest}
    records = people.records_by_digest(digests) if digests else {}
    return {user.pk: records.get(user.document_digest, frozenset()) for user in users}


THE_CLOCK = Actor(user_id=None, name="", roles=frozenset({CLOCK}))

Guard = Callable[[Case, Actor, datetime], None]
ClockEffect = Callable[[Case, date], None]


# --- Clocks (working days; the day of the event is not counted) ------------------------------------


def _start(case: Case, which: Clock, days: int, since: date) -> None:
    due = calendar.add_working_days(since, max(days, 0))
    case.clock, case.clock_from, case.clock_days = which, since, max(days, 0)
    case.due_on, case.due_provisional = due.day, due.provisional
    case.extended = False


def starts(which: Clock) -> ClockEffect:
    """Begin a clock today, with the number of days frozen at lodging."""

    def effect(case: Case, today: date) -> None:
        _start(case, which, days_of(case, which), today)

    effect.__name__ = f"starts_{which.name.lower()}"
    return effect


def first_review_from_receipt(case: Case, today: date) -> None:
    """Deemed acceptance counts the first review from receipt, or from resubmission (Order 11 art. 10)."""
    _start(case, Clock.FIRST_REVIEW, days_of(case, Clock.FIRST_REVIEW), case.clock_from or today)


def pauses(case: Case, today: date) -> None:
    """A correction is out: the working clock keeps its remaining days, the applicant's begins."""
    if case.clock in {Clock.FIRST_REVIEW, Clock.REMAND} and case.due_on:
        case.paused_clock, case.paused_extended = case.clock, case.extended
        case.paused_days = _days_left(case, case.due_on, today)
    starts(Clock.CORRECTION)(case, today)


def _days_left(case: Case, due_on: date, today: date) -> int:
    """Working days not used yet, also where the deadline was counted before its year was announced."""
    left = calendar.working_days_left(due_on, on=today)
    if case.clock_from is not None and case.clock_days is not None:
        left = max(left, case.clock_days - calendar.working_days_between(case.clock_from, today))
    return max(left, 0)


def resumes(case: Case, today: date) -> None:
    """A correction is answered: acceptance begins anew, a paused review goes on with its days left."""
    if case.paused_clock and case.paused_days is not None:
        _start(case, Clock(case.paused_clock), case.paused_days, today)
        case.extended = case.paused_extended
        case.paused_clock, case.paused_days, case.paused_extended = "", None, False
    else:
        starts(Clock.ACCEPTANCE)(case, today)


def extends(case: Case, today: date) -> None:
    """Ten working days more for the clock that runs, once (Administrative Licensing Law art. 42)."""
    counted, more = recounted(case, today), int(case.policy["extension_days"])
    since, days = case.due_on or today, more
    if counted is not None and case.clock_from and case.clock_days and counted.day >= since:
        since, days = case.clock_from, case.clock_days + more
    _start(case, Clock(case.clock), days, since)
    case.extended = True


def recounts(case: Case, today: date) -> None:
    """The calendar of a year is known now, or has changed: the same days lead to another date."""
    due = recounted(case, today)
    if due is not None:
        case.due_on, case.due_provisional = due.day, due.provisional


def recounted(case: Case, today: date) -> calendar.DueDate | None:
    """The running deadline by the calendar as it is known now; None where none can be counted.

    An applicant's deadline never moves earlier; an agency's may, but never into the past.
    """
    if case.due_on is None or case.clock_from is None or case.clock_days is None:
        return None
    due = calendar.add_working_days(case.clock_from, case.clock_days)
    earliest = case.due_on if case.clock == Clock.CORRECTION else min(case.due_on, today)
    return calendar.DueDate(max(due.day, earliest), due.provisional)


def ends(case: Case, today: date) -> None:
    case.clock, case.clock_from, case.clock_days = "", None, None
    case.due_on, case.due_provisional = None, False
    case.paused_clock, case.paused_days, case.paused_extended = "", None, False


def runs_on(case: Case, today: date) -> None:
    """This act leaves the clock as it is."""


# What changes the running deadline although the case stays in its state.
MOVES_THE_DEADLINE: Final = (extends, recounts)


DAYS_KEY = {
    Clock.ACCEPTANCE: "correction_notice_days",
    Clock.CORRECTION: "correction_deadline_days",
    Clock.FIRST_REVIEW: "first_review_days",
    Clock.REMAND: "remand_days",
    Clock.FINAL_REVIEW: "final_review_days",
    Clock.ISSUE: "issue_days",
}


def days_of(case: Case, which: Clock) -> int:
    return int(case.policy[DAYS_KEY[which]])


def is_past(case: Case, at: datetime) -> bool:
    """Whether the running deadline is over: it ends at 24:00 Asia/Shanghai of its last day."""
    last = last_day(case, at)
    return last is not None and calendar.is_past(last, on=calendar.day_of(at))


def last_day(case: Case, at: datetime) -> date | None:
    """The day with which the running deadline ends.

    A provisional one gives the days that the real calendar gives, also before it is counted anew.
    """
    due = recounted(case, calendar.day_of(at)) if case.due_provisional else None
    return case.due_on if case.due_on is None or due is None else max(case.due_on, due.day)


def binds(case: Case) -> bool:
    """Whether the acceptance clock binds, or is a target only (`review_clock_applies` of the agency)."""
    return bool(case.policy.get("review_clock_applies", True))


def statutory_event(case: Case, at: datetime) -> str | None:
    """The act of law that is already due on this case, whoever comes first to it."""
    if not is_past(case, at):
        return None
    if case.state == State.SUBMITTED and case.clock == Clock.ACCEPTANCE and binds(case):
        return "deem_accept"
    if case.state == State.CORRECTION and case.clock == Clock.CORRECTION:
        return "lapse"
    return None


# --- Guards ----------------------------------------------------------------------------------------


def acceptance_open(case: Case, actor: Actor, at: datetime) -> None:
    if binds(case) and is_past(case, at):
        raise Refusal(_("受理期限已过，本案依法视为受理。"), code="acceptance_past")


def correction_open(case: Case, actor: Actor, at: datetime) -> None:
    if is_past(case, at):
        raise Refusal(_("补正期限已过，申请已终止。"), code="correction_past")


def first_correction(case: Case, actor: Actor, at: datetime) -> None:
    if case.corrections:
        raise Refusal(_("已告知过一次补正，再次补正须由审核人员说明理由后作出。"), code="second_correction")


def opinion_pending(case: Case, actor: Actor, at: datetime) -> None:
    if pending_opinion(case) is None:
        raise Refusal(_("本案没有待复核的意见。"), code="nothing_pending")


def no_opinion_pending(case: Case, actor: Actor, at: datetime) -> None:
    if pending_opinion(case) is not None:
        raise Refusal(_("本案的意见正在等待复核。"), code="opinion_pending")


def not_the_author(case: Case, actor: Actor, at: datetime) -> None:
    opinion = pending_opinion(case)
    if opinion is not None and opinion.author_id == actor.user_id:
        raise Refusal(_("意见须由出具人以外的人员复核。"), code="own_opinion")


def not_extended(case: Case, actor: Actor, at: datetime) -> None:
    if not int(case.policy["extension_days"]):
        raise Refusal(_("现行政策不允许延长期限。"), code="no_extension")
    if case.extended:
        raise Refusal(_("每个期限只能延长一次。"), code="extended")
    if case.due_on is None or is_past(case, at):
        raise Refusal(_("期限已过，不能再延长。"), code="due_past")


def no_false_material(case: Case, actor: Actor, at: datetime) -> None:
    if case.false_material:
        raise Refusal(_("本案正在核查材料真实性，暂不能撤回。"), code="false_material")


def no_proposal_yet(case: Case, actor: Actor, at: datetime) -> None:
    if case.false_material:
        raise Refusal(_("本案已提出限制申请建议。"), code="false_material")


def proposal_stands(case: Case, actor: Actor, at: datetime) -> None:
    if not case.false_material:
        raise Refusal(_("本案没有提出限制申请建议。"), code="no_proposal")


def free_or_mine(case: Case, actor: Actor, at: datetime) -> None:
    holder = holder_of(case)
    if holder is not None and not actor.handles(holder) and not holder_is_gone(case):
        raise Refusal(_("本案已由其他人员领取。"), code="taken")


def not_mine_yet(case: Case, actor: Actor, at: datetime) -> None:
    if actor.handles(holder_of(case)):
        raise Refusal(_("本案已在您手中，可以直接办理。"), code="mine")


def held_by_me(case: Case, actor: Actor, at: datetime) -> None:
    if not actor.handles(holder_of(case)):
        raise Refusal(_("请先领取本案。"), code="not_mine")


def left_behind(case: Case, actor: Actor, at: datetime) -> None:
    if holder_of(case) is None or not (holder_is_gone(case) or holder_reviews_no_more(case)):
        raise Refusal(_("办理人仍能办理本案，或者本案尚未领取，请由审核人员分派。"), code="not_left_behind")


def one_signature(case: Case, actor: Actor, at: datetime) -> None:
    if case.policy["final_sign_off"]:
        raise Refusal(_("决定须由签批人签批后生效。"), code="needs_signature")


def two_signatures(case: Case, actor: Actor, at: datetime) -> None:
    if not case.policy["final_sign_off"]:
        raise Refusal(_("本案的决定不需要签批。"), code="needs_no_signature")


def one_reviewer(case: Case, actor: Actor, at: datetime) -> None:
    if case.policy["countersign"]:
        raise Refusal(_("意见须经复核后生效。"), code="needs_countersign")


def two_reviewers(case: Case, actor: Actor, at: datetime) -> None:
    if not case.policy["countersign"]:
        raise Refusal(_("本机构的意见不需要复核。"), code="needs_no_countersign")


def no_other_open(case: Case, actor: Actor, at: datetime) -> None:
    living = case.person.merged_into_id or case.person_id
    whose = Q(person_id=living) | Q(person__merged_into_id=living)
    if DocketEntry.objects.filter(whose, open=True).exclude(case_id=case.pk).exists():
        raise Refusal(_("申请人另有一份申请正在办理，不能恢复本案。"), code="open_elsewhere")


def agency_is_merged(case: Case, actor: Actor, at: datetime) -> None:
    merged = Agency.objects.filter(schema_name=crossing.here().schema, merged_into__isnull=False)
    if not merged.exists():
        raise Refusal(_("只有机构合并时，系统管理员才能转交案卷。"), code="not_merged")


def registration_in_force(case: Case, actor: Actor, at: datetime) -> None:
    granted = Registration.objects.filter(case_id=case.pk, ended_how="")
    if not granted.exists():
        raise Refusal(_("该注册已不再有效。"), code="registration_ended")


def registration_ended_or_barred(case: Case, actor: Actor, at: datetime) -> None:
    living = case.person.merged_into_id or case.person_id
    whose = Q(person_id=living) | Q(person__merged_into_id=living)
    since = Q(case_id=case.pk) | Q(ended_on__gte=calendar.day_of(case.lodged_at))
    if Registration.objects.filter(whose & since).exclude(ended_how="").exists():
        return
    running = Restriction.objects.filter(whose, lifted_on__isnull=True, until__gte=calendar.day_of(at))
    if not running.exists():
        raise Refusal(_("注册登记员只能随注销、撤销、吊销或者限制申请期终止案卷。"), code="not_ended")


def certificate_signed(case: Case, actor: Actor, at: datetime) -> None:
    stored = Certificate.objects.filter(registration__case_id=case.pk, void_at__isnull=True)
    if not stored.exists():
        raise Refusal(_("执业证尚未签发。"), code="no_certificate")


def pending_opinion(case: Case) -> Opinion | None:
    """The opinion that waits for a second person, if any."""
    level = Opinion.Level.FINAL if case.state == State.REPORTED else Opinion.Level.FIRST
    pending = (o for o in case.opinions.all() if o.level == level and o.standing == Opinion.Standing.PENDING)
    return next(pending, None)


def holder_of(case: Case) -> int | None:
    """Who has the case in hand: the authority's officer once reported, else the agency's assignee."""
    return case.officer_id if case.state == State.REPORTED else case.assignee_id


def holder_is_gone(case: Case) -> bool:
    """Whether the account in whose hands the case lies is closed: then anyone may take the case up."""
    try:
        return account_is_closed(case.officer if case.state == State.REPORTED else case.assignee)
    except ObjectDoesNotExist:
        return True


def holder_reviews_no_more(case: Case) -> bool:
    """Whether the role of a reviewer was taken from the holder at the agency one stands in."""
    held = AgencyUserObjectPermission.objects.filter(
        user=case.assignee_id,
        content_object__schema_name=crossing.here().schema,
        permission__codename=REVIEWER,
    )
    return not held.exists()


def account_is_closed(holder: User | None) -> bool:
    return holder is None or not holder.is_active


# --- The table -------------------------------------------------------------------------------------

# The target of a row: a fixed state, the state it came from, or the state the case remembers.
SAME: Final = "same"
REMEMBERED: Final = "remembered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the law: this act, from these states, to one of these targets, by these people."""

    act: str
    sources: frozenset[State]
    targets: tuple[str, ...]
    who: frozenset[str]
    guards: tuple[Guard, ...] = ()
    clock: ClockEffect = field(default=runs_on)

    def reaches(self, case: Case, target: str | None) -> State:
        """The state to which this row leads; `target` chooses where the row leaves a choice."""
        chosen = target if target and len(self.targets) > 1 else self.targets[0]
        if chosen not in self.targets:
            raise ValueError(f"{self.act} cannot lead to {chosen}")
        if chosen == SAME:
            return State(case.state)
        if chosen == REMEMBERED:
            return State(case.resume_state or State.SUBMITTED)
        return State(chosen)


def _row(
    act: str,
    sources: frozenset[State] | set[State] | State,
    targets: str | tuple[str, ...],
    *who: str,
    guards: tuple[Guard, ...] = (),
    clock: ClockEffect = runs_on,
) -> Row:
    return Row(
        act=act,
        sources=frozenset({sources} if isinstance(sources, State) else sources),
        targets=(targets,) if isinstance(targets, str) else targets,
        who=frozenset(who),
        guards=guards,
        clock=clock,
    )


S = State
TRANSITIONS: tuple[Row, ...] = (
    _row("take_up", AT_AGENCY, SAME, REVIEWER, guards=(not_mine_yet, free_or_mine)),
    _row("take_up", S.REPORTED, SAME, FINAL_REVIEWER, guards=(not_mine_yet, free_or_mine)),
    _row("release", AT_AGENCY, SAME, REVIEWER, guards=(held_by_me,)),
    _row("release", S.REPORTED, SAME, FINAL_REVIEWER, guards=(held_by_me,)),
    # While the applicant corrects, the case keeps its holder, who may leave meanwhile.
    _row("assign", UNTIL_REFERRED, SAME, SUPERVISOR),
    _row("assign", UNTIL_REFERRED, SAME, MANAGER, guards=(left_behind,)),
    _row("assign", S.REPORTED, SAME, SIGNING_OFFICER),
    _row(
        "accept",
        S.SUBMITTED,
        S.ACCEPTED,
        REVIEWER,
        guards=(held_by_me, acceptance_open),
        clock=starts(Clock.FIRST_REVIEW),
    ),
    _row("deem_accept", S.SUBMITTED, S.DEEMED_ACCEPTED, CLOCK, clock=first_review_from_receipt),
    _row(
        "not_accept", S.SUBMITTED, S.NOT_ACCEPTED, REVIEWER, guards=(held_by_me, acceptance_open), clock=ends
    ),
    _row(
        "send_back",
        S.SUBMITTED,
        S.CORRECTION,
        REVIEWER,
        guards=(held_by_me, acceptance_open, first_correction),
        clock=pauses,
    ),
    _row("send_back", S.SUBMITTED, S.CORRECTION, SUPERVISOR, guards=(acceptance_open,), clock=pauses),
    _row("send_back", WORKING, S.CORRECTION, SUPERVISOR, guards=(no_opinion_pending,), clock=pauses),
    _row("resubmit", S.CORRECTION, REMEMBERED, APPLICANT, guards=(correction_open,), clock=resumes),
    _row("lapse", S.CORRECTION, S.LAPSED, CLOCK, clock=ends),
    _row("withdraw", UNTIL_REFERRED, S.WITHDRAWN, APPLICANT, guards=(no_false_material,), clock=ends),
    _row(
        "give_opinion",
        WORKING,
        (S.FIRST_PASSED, S.FIRST_FAILED),
        REVIEWER,
        guards=(held_by_me, no_opinion_pending, one_reviewer),
    ),
    _row("give_opinion", WORKING, SAME, REVIEWER, guards=(held_by_me, no_opinion_pending, two_reviewers)),
    _row(
        "countersign",
        WORKING,
        (S.FIRST_PASSED, S.FIRST_FAILED),
        SUPERVISOR,
        guards=(opinion_pending, not_the_author),
    ),
    _row("decline", WORKING, SAME, SUPERVISOR, guards=(opinion_pending,)),
    _row("decline", S.REPORTED, SAME, SIGNING_OFFICER, guards=(opinion_pending,)),
    _row("reopen", FIRST, REMEMBERED, SUPERVISOR),
    _row("refer", FIRST, S.REPORTED, REVIEWER, guards=(held_by_me,), clock=starts(Clock.FINAL_REVIEW)),
    _row(
        "remand",
        S.REPORTED,
        S.SENT_BACK,
        FINAL_REVIEWER,
        guards=(held_by_me, no_opinion_pending),
        clock=starts(Clock.REMAND),
    ),
    _row(
        "approve",
        S.REPORTED,
        S.FINAL_PASSED,
        FINAL_REVIEWER,
        guards=(held_by_me, no_opinion_pending, one_signature),
        clock=starts(Clock.ISSUE),
    ),
    _row(
        "approve", S.REPORTED, SAME, FINAL_REVIEWER, guards=(held_by_me, no_opinion_pending, two_signatures)
    ),
    _row(
        "approve",
        S.REPORTED,
        S.FINAL_PASSED,
        SIGNING_OFFICER,
        guards=(opinion_pending, not_the_author),
        clock=starts(Clock.ISSUE),
    ),
    _row(
        "refuse",
        S.REPORTED,
        S.FINAL_FAILED,
        FINAL_REVIEWER,
        guards=(held_by_me, no_opinion_pending, one_signature),
        clock=ends,
    ),
    _row("refuse", S.REPORTED, SAME, FINAL_REVIEWER, guards=(held_by_me, no_opinion_pending, two_signatures)),
    _row(
        "refuse",
        S.REPORTED,
        S.FINAL_FAILED,
        SIGNING_OFFICER,
        guards=(opinion_pending, not_the_author),
        clock=ends,
    ),
    _row("extend", WORKING, SAME, SUPERVISOR, guards=(not_extended,), clock=extends),
    _row("extend", S.REPORTED, SAME, SIGNING_OFFICER, guards=(not_extended,), clock=extends),
    _row(
        "extend_correction",
        S.CORRECTION,
        SAME,
        REVIEWER,
        guards=(free_or_mine, not_extended),
        clock=extends,
    ),
    # False material: the agency proposes a restriction, the registrar enters it; until then no withdrawal.
    _row("propose_restriction", UNTIL_REFERRED, SAME, SUPERVISOR, guards=(no_proposal_yet,)),
    _row("drop_restriction", UNTIL_REFERRED, SAME, SUPERVISOR, guards=(proposal_stands,)),
    # A registrar who does not follow the proposal takes it back wherever the case has come meanwhile.
    _row("drop_restriction", EVERY - {S.HANDED_OVER}, SAME, REGISTRAR, guards=(proposal_stands,)),
    _row(
        "hand_over",
        {S.SUBMITTED, S.ACCEPTED, S.DEEMED_ACCEPTED},
        S.HANDED_OVER,
        SUPERVISOR,
        guards=(no_opinion_pending,),
        clock=ends,
    ),
    # An agency that goes into another one: its cases follow, by order of the authority's administrator.
    _row(
        "hand_over",
        {S.SUBMITTED, S.ACCEPTED, S.DEEMED_ACCEPTED},
        S.HANDED_OVER,
        ADMINISTRATOR,
        guards=(agency_is_merged, no_opinion_pending),
        clock=ends,
    ),
    _row("announce", S.FINAL_PASSED, S.ANNOUNCED, REGISTRAR, guards=(registration_in_force,)),
    _row(
        "issue",
        S.ANNOUNCED,
        S.ISSUED,
        REGISTRAR,
        guards=(registration_in_force, certificate_signed),
        clock=ends,
    ),
    _row("recompute", OPEN | UNISSUED, SAME, CLOCK, clock=recounts),
    _row("terminate", UNTIL_REFERRED, S.TERMINATED, SUPERVISOR, clock=ends),
    _row("terminate", S.REPORTED, S.TERMINATED, SIGNING_OFFICER, clock=ends),
    # Only as a consequence of what the register says of the person (`review.registrar`).
    _row(
        "terminate",
        UNDECIDED_OR_UNISSUED,
        S.TERMINATED,
        REGISTRAR,
        guards=(registration_ended_or_barred,),
        clock=ends,
    ),
    _row(
        "reinstate",
        S.FINAL_FAILED,
        S.REPORTED,
        SIGNING_OFFICER,
        guards=(no_other_open,),
        clock=starts(Clock.FINAL_REVIEW),
    ),
    _row(
        "reinstate",
        {S.NOT_ACCEPTED, S.LAPSED},
        S.SUBMITTED,
        SIGNING_OFFICER,
        guards=(no_other_open,),
        clock=starts(Clock.ACCEPTANCE),
    ),
)
ACTS = frozenset(row.act for row in TRANSITIONS)
READS_OPINIONS = frozenset(
    row.act for row in TRANSITIONS if {opinion_pending, no_opinion_pending, not_the_author} & {*row.guards}
)
# What the law itself does when a deadline is over, whoever comes first to the case.
STATUTORY = frozenset({"deem_accept", "lapse"})


# --- The door --------------------------------------------------------------------------------------


def allow(case: Case, act: str, by: Actor, at: datetime) -> Row:
    """The row under which `by` may do `act` on this case now; raises `Refusal` with the reason if none.

    When several rows fit a person, the first whose guards hold is taken; otherwise the last refusal tells
    why not.
    """
    _keep_out_of_own_affairs(case, by)
    fitting = [r for r in TRANSITIONS if r.act == act and case.state in r.sources]
    if not fitting:
        raise Refusal(_elsewhere(case), code="state")
    permitted = [r for r in fitting if r.who & by.roles]
    if not permitted or (APPLICANT in by.roles and case.person_id != by.person_id):
        raise Refusal(_("您没有办理此事项的权限。"), code="role")
    refusal: Refusal | None = None
    for row in permitted:
        try:
            for guard in row.guards:
                guard(case, by, at)
        except Refusal as no:
            refusal = no
        else:
            return row
    raise refusal or AssertionError


def is_own(case: Case, by: Actor) -> bool:
    """Whether this is the actor's own application, also under a document number corrected since."""
    same = bool(by.document_digest) and by.document_digest == case.document_digest
    return same or case.person_id in by.records


def in_conflict(case: Case, by: Actor) -> bool:
    """Whether this is the actor's own application, or one of the actor's employer (conflict of interest)."""
    colleague = bool(by.employer_code) and by.employer_code == case.employer_code
    return is_own(case, by) or colleague


def _keep_out_of_own_affairs(case: Case, by: Actor) -> None:
    if in_conflict(case, by):
        raise Refusal(_("您与本案有利害关系，须回避，请由其他人员办理。"), code="conflict")


def _elsewhere(case: Case) -> str:
    last = case.movements.order_by("-number").first()
    if last is None or not last.actor_name:
        return _("本案目前的状态是“{state}”，不能办理此事项。").format(state=case.status.label)
    return _("本案已由{name}于{time}办理（{act}），目前的状态是“{state}”。").format(
        **_said(last), state=case.status.label
    )


# Refusals behind which may stand what somebody else has just done to the case.
SOMEBODY_WAS_FASTER: Final = frozenset(
    {"role", "taken", "not_mine", "second_correction", "opinion_pending", "nothing_pending", "extended"}
    | {"false_material", "no_proposal", "has_it", "changed", "mine", "registered"}
)


def _with_last_act(no: Refusal, case: Case) -> Refusal:
    """The refusal, and by whom and when the case was last handled where that may be the reason for it."""
    last = case.movements.order_by("-number").first() if no.code in SOMEBODY_WAS_FASTER else None
    if last is None or not last.actor_name or last.act == "lodge":
        return no
    said = _("{refusal}最近一次办理：{name}，{time}，{act}。").format(refusal=no, **_said(last))
    return Refusal(said, code=no.code)


def check(case: Case, act: str, by: Actor) -> None:
    """Raise the `Refusal` with which `move` would answer now, by whom and when included; change nothing."""
    try:
        allow(case, act, by, calendar.now())
    except Refusal as no:
        raise _with_last_act(no, case) from no


def _said(movement: Movement) -> dict[str, Any]:
    """Who did what and when, for a sentence to somebody who comes later."""
    local = timezone.localtime(movement.at)
    same_day = local.date() == calendar.today()
    return {
        "name": movement.actor_name,
        "time": local.strftime("%H:%M" if same_day else "%Y-%m-%d %H:%M"),
        "act": movement.word,
    }


def acts_open_to(
    case: Case, by: Actor, *, at: datetime | None = None, but: Collection[str] = ()
) -> frozenset[str]:
    """The acts for which the page shows `by` a button: exactly those that `move` would allow now.

    Those in `but` are not asked for. Where the law itself has an act due, the answer is for the case as it
    will be after it.
    """
    at = at or calendar.now()
    case = _as_the_law_has_it(case, at)
    allowed = set()
    for act in {r.act for r in TRANSITIONS if case.state in r.sources and r.who & by.roles} - {*but}:
        try:
            allow(case, act, by, at)
        except Refusal:
            continue
        allowed.add(act)
    return frozenset(allowed)


def _as_the_law_has_it(case: Case, at: datetime) -> Case:
    """The case, or a copy of it in the state into which a due statutory event will bring it."""
    while due := statutory_event(case, at):
        row = allow(case, due, THE_CLOCK, at)
        to = row.reaches(case, None)
        case = copy(case)
        row.clock(case, calendar.day_of(at))
        case.state = to
    return case


Write = Callable[[Case, datetime], None]
Choice = Callable[[Case], str]


def move(
    *,
    case: Case,
    act: str,
    by: Actor,
    target: Choice | None = None,
    detail: dict[str, Any] | None = None,
    write: Write | None = None,
    locked: bool = False,
) -> Movement:
    """Do one act on one case, in one transaction, and return its movement.

    `target(case)` chooses where the row leaves a choice; `detail` is kept in the movement; `write(case, at)`
    changes what else belongs to the act (an opinion, a dossier version) and may add to `detail`. Both see
    the locked case. `case` itself is brought up to date. `locked`: it comes from `locked_for_acts` in this
    very transaction, which fails as a whole if the act does, and is not read again.

    Raises `Refusal` when the act is not allowed, or when somebody was faster; then nothing has changed but a
    statutory event that was due anyway, and that one happens again where a surrounding transaction fails.
    """
    while True:
        with transaction.atomic(savepoint=not locked):
            held = case if locked else _locked(case.pk, act)
            at = calendar.now()
            due = statutory_event(held, at)
            if due:
                number = give_receipt_number if due == "deem_accept" else None
                over = {"due": str(last_day(held, at))}
                movement = _step(held, due, THE_CLOCK, at, None, over, number)
                if due != act:
                    continue
            elif act in STATUTORY:
                raise Refusal(_elsewhere(held), code="state")
            else:
                movement = _step(held, act, by, at, target, {} if detail is None else detail, write)
        _refresh(case, held)
        return movement


def locked_for_acts(case_id: UUID) -> Case:
    """The case under lock for several acts of the authority in one transaction (`move` with `locked`).

    Raises `Case.DoesNotExist` where it is no longer in the agency one stands in.
    """
    cases = Case.objects.select_for_update(of=("self",)).select_related("person", "dispatch")
    return cases.prefetch_related("opinions").get(pk=case_id)


def _locked(case_id: UUID, act: str) -> Case:
    """The case under lock, with its person, and with the opinions where the act's guards read them."""
    bare = Case.objects.select_for_update(of=("self",)).filter(pk=case_id)
    cases = bare.select_related("person")
    found = (cases.prefetch_related("opinions") if act in READS_OPINIONS else cases).first()
    # The person of a case handed over is no longer this agency's to see: then the case is read without.
    return found or bare.get()


def _step(
    case: Case,
    act: str,
    by: Actor,
    at: datetime,
    target: Choice | None,
    detail: dict[str, Any],
    write: Write | None,
) -> Movement:
    source = State(case.state)
    try:
        row = allow(case, act, by, at)
        to = row.reaches(case, target(case) if target else None)
        if write is not None:
            write(case, at)
    except Refusal as no:
        raise _with_last_act(no, case) from no
    if to != source or row.clock in MOVES_THE_DEADLINE:
        # A proposal that waits for its second signature keeps the state, so it keeps the clock as well.
        row.clock(case, calendar.day_of(at))
        detail = {**detail, **deadline(case)}
    if to != source:
        case.resume_state = source if source in WORKING else ""
        case.state, case.state_since = to, at
    case.awaits_signature = _awaits_signature(case, act, source)
    movement = log.record(
        case, act=act, by=by, role=by.role_for(row.who), source=source, at=at, detail=detail
    )
    columns = {f.attname: getattr(case, f.attname) for f in Case._meta.concrete_fields if not f.primary_key}
    if not Case.objects.filter(pk=case.pk, state=source).update(**columns):
        raise Refusal(_elsewhere(Case.objects.get(pk=case.pk)), code="state")
    docket.follow(case, at)
    announcements.announce(movement, case)
    letters.order(movement, case)
    return movement


def _awaits_signature(case: Case, act: str, source: State) -> bool:
    """Whether a proposed decision waits for its signature after this act."""
    if case.state != State.REPORTED or source != State.REPORTED or act == "decline":
        return False
    return case.awaits_signature or act in {"approve", "refuse"}


def deadline(case: Case) -> dict[str, Any]:
    """What a movement keeps of the deadline it set, for letters name the day that was told then."""
    if case.due_on is None:
        return {}
    return {"due_on": case.due_on.isoformat(), "due_provisional": case.due_provisional}


def receipt_number(case: Case) -> str:
    """The number of the receipt of acceptance: one per application, so it follows that one's number."""
    return f"SL{case.reference[2:]}"


def give_receipt_number(case: Case, at: datetime) -> None:
    case.acceptance_number = receipt_number(case)


def _refresh(case: Case, locked: Case) -> None:
    for column in Case._meta.concrete_fields:
        setattr(case, column.attname, getattr(locked, column.attname))
