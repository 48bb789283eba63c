"""The acts on a case, named as the people who do them name them.

Each is one sentence over `workflow.move`; each raises `Refusal` with the reason when it is not allowed,
and then nothing has changed. Stand inside the case's agency first (`crossing.inside`, `docket.opened`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from register import clock as calendar
from register import issuing
from register.models import Certificate, Kind, Person, Photo, Registration, Restriction
from register.policy import Policy
from review import announcements, checklist, dispatching, docket, letters, log, marks
from review.models import (
    Case,
    Correction,
    Dispatch,
    Dossier,
    Movement,
    Opinion,
    RulingKind,
    TerminationGround,
    Tick,
)
from review.states import UNISSUED, WORKING, Clock, State
from review.workflow import (
    APPLICANT,
    FINAL_REVIEWER,
    REVIEWER,
    UNTIL_REFERRED,
    Actor,
    Write,
    account_is_closed,
    deadline,
    give_receipt_number,
    holder_of,
    in_conflict,
    move,
    pending_opinion,
    starts,
)
from tenants import crossing
from tenants.errors import Refusal
from tenants.models import Agency, User
from tenants.roles import roles_of

ONE_OPEN_LINE: Final = "one_open_docket_line_per_person"
# Where the first-review opinion leads.
FIRST: Final[dict[str, State]] = {
    Opinion.Verdict.PASS: State.FIRST_PASSED,
    Opinion.Verdict.FAIL: State.FIRST_FAILED,
}

VERDICT_OF: Final = {state: str(verdict) for verdict, state in FIRST.items()}

# --- Lodging and answering: the applicant ----------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """What the applicant lodges: the frozen content of the form, the photo, and their digest.

    `content` is plain JSON; `digest` is SHA-256 over its sections and the photo; `papers` maps the code of
    each uploaded paper to the SHA-256 of its files.
    """

    content: dict[str, Any]
    photo: bytes | None
    digest: str
    papers: dict[str, list[str]]


def lodge_case(
    *,
    application_id: UUID,
    reference: str,
    kind: str,
    late: bool,
    person: Person,
    agency: Agency,
    filing: Filing,
    policy: Policy,
) -> Case:
    """Open the case file of a newly lodged application in the schema of the agency one stands in.

    Writes case, first dossier version, movement, docket line and notice; call it inside one durable
    transaction together with the draft's own change. The acceptance clock starts (Order 11 art. 10).

    Raises `Refusal` when the person has an open application at any agency (Order 11 art. 12 (3)).
    """
    at = calendar.now()
    employer = filing.content["employer"]
    case = Case(
        id=application_id,
        reference=reference,
        kind=kind,
        late=late,
        state=State.SUBMITTED,
        state_since=at,
        person=person,
        applicant_name=person.name,
        document_mask=person.document_mask,
        document_digest=person.document_digest,
        category=filing.content["registration"]["category"],
        employer_name=employer["name"],
        employer_code=employer["code"],
        policy=frozen(policy, agency),
        lodged_at=at,
    )
    starts(Clock.ACCEPTANCE)(case, calendar.day_of(at))
    by = Actor.applicant(user_id=person.user_id, person_id=person.pk, name=person.name)
    detail = {"digest": filing.digest, "papers": filing.papers, "version": 1, **deadline(case)}
    movement = log.compose(case, act="lodge", by=by, role=APPLICANT, source=None, at=at, detail=detail)
    case.save(force_insert=True)
    _add_version(case, filing, at)
    movement.save(force_insert=True)
    try:
        entry = docket.enter(case, agency=agency, at=at)
    except IntegrityError as error:
        if ONE_OPEN_LINE not in str(error):
            raise
        raise Refusal(_("您已有一份申请正在办理，办结后才能再次上报。"), code="open_elsewhere") from error
    entry.person = person
    announcements.announce(movement, case, entry)
    letters.order(movement, case)
    return case


def frozen(policy: Policy, agency: Agency) -> dict[str, Any]:
    """The law's numbers as they hold for this case from now on: the policy of the day, the agency's ways."""
    return {
        **policy.as_dict(),
        "review_clock_applies": policy.review_clock_applies and agency.review_clock_applies,
        "countersign": policy.countersign or agency.countersign,
    }


def resubmit(*, case: Case, by: Actor, filing: Filing) -> Movement:
    """Answer the correction with a new dossier version; the earlier versions stay."""

    def write(locked: Case, at: datetime) -> None:
        locked.version += 1
        _add_version(locked, filing, at)
        answered = locked.correction_requests.filter(answered_at__isnull=True)
        answered.update(answered_at=at, answered_by_version=locked.version)
        locked.category = filing.content["registration"]["category"]
        locked.employer_name = filing.content["employer"]["name"]
        locked.employer_code = filing.content["employer"]["code"]

    detail = {
        "digest": filing.digest,
        "papers": filing.papers,
        "version": case.version + 1,
        "answers": filing.content.get("answers", []),
    }
    return move(case=case, act="resubmit", by=by, detail=detail, write=write)


def withdraw(*, case: Case, by: Actor) -> Movement:
    """The applicant takes the application back; possible until it is referred to the authority."""
    return move(case=case, act="withdraw", by=by)


def _add_version(case: Case, filing: Filing, at: datetime) -> None:
    Dossier.objects.create(
        case=case,
        version=case.version,
        content=filing.content,
        photo=filing.photo,
        digest=filing.digest,
        lodged_at=at,
    )


# --- First review: the agency ----------------------------------------------------------------------


def take_up(*, case: Case, by: Actor, locked: bool = False) -> Movement:
    """Take a free case in hand; agency and authority have one holder each. `locked` as in `workflow.move`.

    Raises `Refusal` (`mine`) for a case already in one's own hands, or in those one stands in for.
    """

    def write(locked: Case, at: datetime) -> None:
        _hold(locked, by.user_id)

    return move(case=case, act="take_up", by=by, write=write, locked=locked)


def release(*, case: Case, by: Actor) -> Movement:
    """Lay the case down again, so that anyone may take it up."""

    def write(locked: Case, at: datetime) -> None:
        _hold(locked, None)

    return move(case=case, act="release", by=by, write=write)


def assign(*, case: Case, to: User, agency: Agency, by: Actor) -> Movement:
    """Give the case to a colleague who reviews at `agency` (the authority's row for a reported case).

    Raises `Refusal` when the colleague holds no such role there, is in conflict of interest, or has the case
    already.
    """

    def write(locked: Case, at: datetime) -> None:
        # Account and roles as they are now: they may have been taken away since the page was shown.
        colleague = User.objects.filter(pk=to.pk).first() or to
        held = roles_of(colleague, agency)
        if in_conflict(locked, Actor.staff(colleague, agency=agency, held=held)):
            raise Refusal(_("该人员与本案有利害关系，须回避。"), code="assignee")
        if (FINAL_REVIEWER if locked.state == State.REPORTED else REVIEWER) not in held:
            raise Refusal(_("该人员不能办理本案。"), code="assignee")
        if holder_of(locked) == to.pk:
            raise Refusal(_("本案已在该人员手中。"), code="has_it")
        _hold(locked, to.pk)

    detail = {"assignee": to.pk, "name": to.display_name}
    return move(case=case, act="assign", by=by, detail=detail, write=write)


def _hold(case: Case, user_id: int | None) -> None:
    if case.state == State.REPORTED:
        case.officer_id = user_id
    else:
        case.assignee_id = user_id


def accept(*, case: Case, by: Actor) -> Movement:
    """Accept the application; a numbered receipt goes to the applicant (Order 11 art. 10)."""
    detail: dict[str, Any] = {}

    def write(locked: Case, at: datetime) -> None:
        give_receipt_number(locked, at)
        detail["number"] = locked.acceptance_number

    return move(case=case, act="accept", by=by, detail=detail, write=write)


def not_accept(*, case: Case, by: Actor, codes: Sequence[str], text: str) -> Movement:
    """Refuse acceptance, with reasons and remedies (Administrative Licensing Law art. 32)."""
    detail = _reasons(codes, text, with_code=True, with_text=True)
    return move(case=case, act="not_accept", by=by, detail=detail)


def send_back(*, case: Case, by: Actor, items: Sequence[dict[str, str]], reason: str = "") -> Movement:
    """Tell all faults at once (一次性告知) and give the case back for correction.

    `items` are `{"item": section or field, "code": reason code, "text": what to mend}`. A second correction,
    or one out of a running review, needs a supervisor and a `reason`.
    """
    if not items or not all(item.get("text") for item in items):
        raise Refusal(_("请至少列出一项需要补正的内容，并逐项说明如何修改。"), code="no_items")

    def write(locked: Case, at: datetime) -> None:
        if (locked.corrections or locked.state != State.SUBMITTED) and not reason:
            raise Refusal(_("再次要求补正须说明理由。"), code="no_reason")
        locked.corrections += 1
        Correction.objects.create(
            case=locked,
            number=locked.corrections,
            items=list(items),
            reason=reason,
            told_by_id=by.account,
            told_by_name=by.name,
            told_at=at,
        )

    return move(
        case=case, act="send_back", by=by, detail={"items": list(items), "reason": reason}, write=write
    )


def may_check(case: Case, by: Actor) -> bool:
    """Whether this person marks the sections now: the reviewer who holds the case, before the opinion."""
    return (
        REVIEWER in by.roles
        and by.handles(case.assignee_id)
        and not in_conflict(case, by)
        and case.state in {State.SUBMITTED, *WORKING}
        and pending_opinion(case) is None
    )


# What is found of a section: whether it is in order, and else what is wrong.
Found = tuple[bool, str]


def tick_all(*, case: Case, by: Actor, version: int, marks: Mapping[str, Found]) -> None:
    """Mark sections of the dossier version that was read as in order, or at fault with a remark.

    All of them or none. Raises `Refusal` (`version`) when meanwhile the applicant has lodged another version.
    """
    if not marks.keys() <= checklist.LABELS.keys():
        raise Refusal(_("没有这个检查项。"), code="item")
    with transaction.atomic():
        locked = Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
        if not may_check(locked, by):
            raise Refusal(_("本案不在您手中，或者已不在核对阶段，核对结果没有保存。"), code="not_checking")
        if version != locked.version:
            said = _("申请材料已更新为第 {n} 版，您核对的不是这一版，核对结果没有保存。请按新版本核对。")
            raise Refusal(said.format(n=locked.version), code="version")
        at = calendar.now()
        Tick.objects.bulk_create(
            [
                Tick(
                    case=locked,
                    item=item,
                    version=version,
                    in_order=in_order,
                    remark="" if in_order else remark[:200],
                    by_id=by.account,
                    at=at,
                )
                for item, (in_order, remark) in marks.items()
            ],
            update_conflicts=True,
            unique_fields=["case", "item", "version"],
            update_fields=["in_order", "remark", "by_id", "at"],
        )


def give_opinion(
    *, case: Case, by: Actor, verdict: str, codes: Sequence[str] = (), text: str = ""
) -> Movement:
    """Give the first-review opinion. Where the agency countersigns, it waits for a second person.

    Raises `Refusal` while an item of the dossier is not ticked, when a pass contradicts a fault, or a fail
    names no reason.
    """
    failed = verdict == Opinion.Verdict.FAIL
    detail = {**_reasons(codes, text, with_code=failed, with_text=failed), "verdict": verdict}

    def write(locked: Case, at: datetime) -> None:
        _require_ticks(locked, failed=failed)
        pending = bool(locked.policy["countersign"])
        _add_opinion(locked, Opinion.Level.FIRST, by, detail, at, pending=pending)

    return move(
        case=case, act="give_opinion", by=by, target=lambda _case: FIRST[verdict], detail=detail, write=write
    )


def countersign(*, case: Case, by: Actor, read: str | None = None) -> Movement:
    """Agree, as a second person, with the pending first-review opinion, which takes effect by it.

    `read` is the key of the opinion that was read; raises `Refusal` (`changed`) where another one is pending.
    """
    detail: dict[str, Any] = {}

    def target(locked: Case) -> str:
        _require_read(locked, read)
        opinion = _pending(locked)
        detail.update(codes=opinion.codes, text=opinion.text, verdict=opinion.verdict)
        return FIRST[opinion.verdict]

    return move(case=case, act="countersign", by=by, target=target, detail=detail, write=_signs(by))


def decline(*, case: Case, by: Actor, text: str, read: str | None = None) -> Movement:
    """Disagree, as a second person: the pending opinion or proposal is void, and may be given anew.

    `read` is the key of the one that was read; raises `Refusal` (`changed`) where another one is pending.
    """

    detail = _reasons((), text, with_text=True)

    def write(locked: Case, at: datetime) -> None:
        _require_read(locked, read)
        opinion = _pending(locked)
        Opinion.objects.filter(pk=opinion.pk).update(standing=Opinion.Standing.VOID)
        detail["author"] = opinion.author_id

    return move(case=case, act="decline", by=by, detail=detail, write=write)


def reopen(*, case: Case, by: Actor, text: str) -> Movement:
    """Take a given opinion back before it is referred; the review goes on where it stood."""

    def write(locked: Case, at: datetime) -> None:
        locked.opinions.filter(level=Opinion.Level.FIRST).update(standing=Opinion.Standing.VOID)

    return move(case=case, act="reopen", by=by, detail=_reasons((), text, with_text=True), write=write)


def extend(*, case: Case, by: Actor, text: str) -> Movement:
    """Give the running review more time, once, and say why (Administrative Licensing Law art. 42).

    At the agency a supervisor does it for the first review, at the authority the signing officer for the
    final one.
    """
    return move(case=case, act="extend", by=by, detail=_reasons((), text, with_text=True))


def extend_correction(*, case: Case, by: Actor, text: str) -> Movement:
    """Give the applicant more time to answer a correction, once, before the deadline (policy value)."""
    return move(case=case, act="extend_correction", by=by, detail=_reasons((), text, with_text=True))


def terminate(*, case: Case, by: Actor, ground: str, text: str) -> Movement:
    """End an application that can no longer be decided, for one of the grounds the law knows.

    The applicant's own request counts only once the case is with the authority: before that the applicant
    withdraws it. A case that was granted ends only together with its registration. Raises `Refusal` for
    another ground, or while that registration is in force.
    """
    if ground not in TerminationGround.values:
        raise Refusal(_("请选择终止的事由。"), code="ground")
    detail = {**_reasons((), text, with_text=True), "ground": ground}

    def write(locked: Case, at: datetime) -> None:
        if ground == TerminationGround.REQUEST and locked.state in UNTIL_REFERRED:
            raise Refusal(_("报送终审之前，由申请人自行撤回申请。"), code="ground")
        if ends_with_registration(locked):
            # The register would go on saying what nobody stands for any more.
            raise Refusal(
                _("本案已准予注册，请先在“人员与注册”办理注销、撤销或者吊销，本案随之终止。"),
                code="registered",
            )
        holder = holder_of(locked)
        detail.update({"holder": holder} if holder else {})

    return move(case=case, act="terminate", by=by, detail=detail, write=write)


def ends_with_registration(case: Case) -> bool:
    """Whether this case was granted and its registration is in force: then it ends only with that."""
    if case.state not in UNISSUED:
        return False
    granted = Registration.objects.filter(case_id=case.pk, ended_how="", valid_to__gte=calendar.today())
    return granted.exists()


def propose_restriction(*, case: Case, by: Actor, text: str) -> Movement:
    """Find that the applicant gave false material, and propose to the registrar a ban on new applications.

    The finding only keeps the applicant from withdrawing; the ban is the registrar's to enter (Order 11
    art. 30).
    """

    def write(locked: Case, at: datetime) -> None:
        locked.false_material = True

    return move(
        case=case, act="propose_restriction", by=by, detail=_reasons((), text, with_text=True), write=write
    )


def drop_restriction(*, case: Case, by: Actor, text: str) -> Movement:
    """Take the finding of false material back: the applicant may withdraw again.

    Raises `Refusal` (`entered`) when the registrar has followed it.
    """

    def write(locked: Case, at: datetime) -> None:
        if Restriction.objects.filter(case_id=locked.pk, lifted_on__isnull=True).exists():
            raise Refusal(_("这项建议已经办理，限制申请期已登记。"), code="entered")
        locked.false_material = False

    return move(
        case=case, act="drop_restriction", by=by, detail=_reasons((), text, with_text=True), write=write
    )


@dataclass(frozen=True, slots=True)
class Referred:
    """The outcome of a dispatch: its number, and for each case that stayed behind the reason."""

    dispatch: Dispatch | None
    sent: tuple[Case, ...]
    refused: tuple[tuple[Case, Refusal], ...]


def refer(*, cases: Iterable[Case], by: Actor) -> Referred:
    """Send reviewed cases to the authority in one dispatch, even of one. Negative opinions go up too."""
    if REVIEWER not in by.roles:
        raise Refusal(_("您没有办理此事项的权限。"), code="role")
    sent: list[Case] = []
    refused: list[tuple[Case, Refusal]] = []
    with crossing.atomic():
        dispatch = _open_dispatch(by)
        for case in cases:
            try:
                _refer_one(case, dispatch, by)
            except Refusal as no:
                refused.append((case, no))
            else:
                sent.append(case)
        if sent:
            dispatching.keep_list(dispatch, sent)
        else:
            transaction.set_rollback(True)
    return Referred(dispatch if sent else None, tuple(sent), tuple(refused))


def _open_dispatch(by: Actor) -> Dispatch:
    """A new dispatch with the day's next number; whoever refers at this moment as well waits for it."""
    prefix = f"{crossing.here().schema.upper()}-{calendar.today():%Y%m%d}-"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [prefix])
    return Dispatch.objects.create(
        number=f"{prefix}{Dispatch.objects.filter(number__startswith=prefix).count() + 1:03d}",
        sent_by_id=by.account,
        sent_by_name=by.name,
        sent_at=calendar.now(),
    )


def _refer_one(case: Case, dispatch: Dispatch, by: Actor) -> None:
    def write(locked: Case, at: datetime) -> None:
        locked.dispatch = dispatch
        locked.reported_on = calendar.day_of(at)
        locked.first_verdict = VERDICT_OF[State(locked.state)]

    move(case=case, act="refer", by=by, detail={"dispatch": dispatch.number}, write=write)


# --- Final review: the authority -------------------------------------------------------------------


def remand(*, case: Case, by: Actor, codes: Sequence[str] = (), text: str) -> Movement:
    """Send the case back to its agency with reasons; the opinions so far are void.

    It returns to the reviewer who had it; where that account is closed, it is free.
    """

    def write(locked: Case, at: datetime) -> None:
        locked.opinions.update(standing=Opinion.Standing.VOID)
        locked.dispatch = None
        locked.remands += 1
        if account_is_closed(locked.assignee):
            locked.assignee_id = None

    return move(case=case, act="remand", by=by, detail=_reasons(codes, text, with_text=True), write=write)


def approve(
    *, case: Case, by: Actor, text: str = "", read: str | None = None, locked: bool = False
) -> Movement:
    """Grant the application: the register is written in the same transaction.

    Where two persons must sign, the final reviewer's grant is a proposal until a signing officer, who is not
    its author, approves as well. `read` is the key of the proposal that was read, empty where none was
    pending; raises `Refusal` (`changed`) where that is no longer so. `locked` as in `workflow.move`.
    """
    detail = {**_reasons((), text), "verdict": Opinion.Verdict.PASS}

    def write(locked: Case, at: datetime) -> None:
        _require_read(locked, read)
        if not _decide(locked, by, detail, at):
            return
        registration = _enter_in_register(locked, at)
        locked.registration_id = registration.pk
        detail.update(
            number=registration.number,
            category=registration.category,
            valid_from=registration.valid_from.isoformat(),
            valid_to=registration.valid_to.isoformat(),
        )

    return move(case=case, act="approve", by=by, detail=detail, write=write, locked=locked)


def refuse(*, case: Case, by: Actor, codes: Sequence[str], text: str, read: str | None = None) -> Movement:
    """Refuse the application with reasons and remedies (Administrative Licensing Law art. 38).

    Signed like a grant, with `read` as there.
    """
    reasons = _reasons(codes, text, with_code=True, with_text=True)
    detail = {**reasons, "verdict": Opinion.Verdict.FAIL}

    def write(locked: Case, at: datetime) -> None:
        _require_read(locked, read)
        _decide(locked, by, detail, at)

    return move(case=case, act="refuse", by=by, detail=detail, write=write)


def reinstate(
    *, case: Case, by: Actor, basis: str, number: str, decided_on: date, decided_by: str, text: str
) -> Movement:
    """Take an ended application up again after a reconsideration decision or a judgment.

    What was refused goes back to the final review, what was not accepted or lapsed to the agency, as if just
    received; the clock begins anew by the policy frozen at lodging. The voided decision stays readable. The
    case returns to who had it; where that account is closed, it is free (Administrative Reconsideration Law
    arts 64, 65, Administrative Litigation Law arts 70, 71).

    Raises `Refusal` when the ruling is not named, or the applicant has another open application.
    """
    detail = {
        **_ruling(case, basis=basis, number=number, decided_on=decided_on, decided_by=decided_by),
        **_reasons((), text, with_text=True),
    }

    def write(locked: Case, at: datetime) -> None:
        if decided_on < calendar.day_of(locked.state_since):
            said = _("文书作出日期早于本案原决定的日期，请核对。")
            raise Refusal(said, code="decided_before")
        level = (Opinion.Level.FINAL,) if locked.state == State.FINAL_FAILED else Opinion.Level.values
        locked.opinions.filter(level__in=level).update(standing=Opinion.Standing.VOID)
        locked.decided_on, locked.final_verdict = None, ""
        able = User.objects.filter(pk__in=[locked.officer_id, locked.assignee_id], is_active=True)
        open_accounts = set(able.values_list("pk", flat=True))
        locked.officer_id = locked.officer_id if locked.officer_id in open_accounts else None
        locked.assignee_id = locked.assignee_id if locked.assignee_id in open_accounts else None

    try:
        return move(case=case, act="reinstate", by=by, detail=detail, write=write)
    except IntegrityError as error:
        if ONE_OPEN_LINE not in str(error):
            raise
        # Lodged at this very moment.
        raise Refusal(_("申请人另有一份申请正在办理，不能恢复本案。"), code="open_elsewhere") from error


def _ruling(case: Case, *, basis: str, number: str, decided_on: date, decided_by: str) -> dict[str, str]:
    """The decision or judgment by which a case is taken up again, as its movement keeps it."""
    if basis not in RulingKind.values:
        raise Refusal(_("请选择恢复审查的依据。"), code="basis")
    if not number.strip() or not decided_by.strip():
        raise Refusal(_("请填写文书的文号和作出机关。"), code="no_number")
    if decided_on > calendar.today():
        raise Refusal(_("文书作出日期不能晚于今天。"), code="decided_later")
    return {
        "basis": basis,
        "judgment": number.strip(),
        "decided_on": decided_on.isoformat(),
        "decided_by": decided_by.strip(),
    }


def needs_signature(case: Case) -> bool:
    """Whether a decision now is only a proposal, until a signing officer agrees with it."""
    return bool(case.policy["final_sign_off"]) and pending_opinion(case) is None


def _decide(case: Case, by: Actor, detail: dict[str, Any], at: datetime) -> bool:
    """Write the decision, propose it, or sign the proposal; whether it takes effect by this."""
    if pending_opinion(case) is None:
        proposal = needs_signature(case)
        _add_opinion(case, Opinion.Level.FINAL, by, detail, at, pending=proposal)
        if proposal:
            return False
    elif _pending(case).verdict != detail["verdict"]:
        raise Refusal(_("签批人只能同意或者退回经办人的建议，不能另作决定。"), code="other_verdict")
    else:
        _signs(by)(case, at)
    case.decided_on, case.final_verdict = calendar.day_of(at), str(detail["verdict"])
    return True


def _enter_in_register(case: Case, at: datetime) -> Registration:
    dossier = case.dossiers.get(version=case.version)
    content = dossier.content
    schema = crossing.here().schema
    agency = announcements.agencies().get(schema) or Agency.objects.get(schema_name=schema)
    photos = Photo.objects.filter(person_id=case.person_id, sha256=content["photo"]["sha256"])
    photo = photos.defer("data").first()
    return issuing.grant(
        case_id=case.pk,
        person=case.person,
        kind=Kind(case.kind),
        category=case.category,
        agency=agency,
        employer_name=case.employer_name,
        employer_code=case.employer_code,
        policy=Policy.from_dict(case.policy),
        on=calendar.day_of(at),
        personal=content["personal"],
        photo=photo,
    )


def issue(*, case: Case, by: Actor) -> Movement:
    """Close the case of an announced registration: its signed certificate is stored, the holder is told.

    Raises `Refusal` before `register.certificates.issue` has stored it (`no_certificate`, by the guard
    `workflow.certificate_signed`), and where it is made anew at this very moment.
    """
    detail: dict[str, Any] = {}

    def write(locked: Case, at: datetime) -> None:
        stored = Certificate.objects.defer("data").select_related("registration")
        certificate = stored.filter(registration__case_id=locked.pk, void_at__isnull=True).first()
        if certificate is None:
            raise Refusal(_("执业证尚未签发。"), code="no_certificate")
        content = locked.dossiers.get(version=locked.version).content
        detail.update(
            number=certificate.registration.number,
            edition=certificate.edition,
            sha256=certificate.sha256,
            delivery=content["declaration"]["delivery"],
        )

    return move(case=case, act="issue", by=by, detail=detail, write=write)


# --- After the decision: the registrar -------------------------------------------------------------


def announce(*, case: Case, by: Actor, batch: str, published_on: date) -> Movement:
    """The grant stands in a published announcement batch, by number and day (Order 11 art. 27)."""
    detail = {"batch": batch, "published_on": published_on.isoformat()}
    return move(case=case, act="announce", by=by, detail=detail)


# --- Shared ----------------------------------------------------------------------------------------


def _reasons(
    codes: Sequence[str], text: str, *, with_code: bool = False, with_text: bool = False
) -> dict[str, Any]:
    if with_code and not (codes and text.strip()):
        raise Refusal(_("请选择理由并作文字说明，申请人将同时看到两者。"), code="no_reason")
    if with_text and not text.strip():
        raise Refusal(_("请说明理由。"), code="no_reason")
    return {"codes": list(codes), "text": text.strip()}


def _require_ticks(case: Case, *, failed: bool) -> None:
    counting = marks.now(case)
    missing = [str(checklist.LABELS[key]) for key, mark in counting.items() if mark is None]
    if missing:
        raise Refusal(_("还有未检查的项目：{items}。").format(items="、".join(missing)), code="ticks_missing")
    faults = [str(checklist.LABELS[key]) for key, mark in counting.items() if mark and not mark.in_order]
    if faults and not failed:
        raise Refusal(
            _("以下项目标为有误，不能出具通过意见：{items}。").format(items="、".join(faults)), code="faults"
        )


def _add_opinion(
    case: Case, level: str, by: Actor, detail: dict[str, Any], at: datetime, *, pending: bool
) -> None:
    Opinion.objects.create(
        case=case,
        level=level,
        verdict=detail["verdict"],
        codes=detail["codes"],
        text=detail["text"],
        standing=Opinion.Standing.PENDING if pending else Opinion.Standing.GIVEN,
        author_id=by.account,
        author_name=by.name,
        given_at=at,
    )


def _pending(case: Case) -> Opinion:
    opinion = pending_opinion(case)
    if opinion is None:
        raise Refusal(_("本案没有待复核的意见。"), code="nothing_pending")
    return opinion


def _require_read(case: Case, read: str | None) -> None:
    """Nobody signs, or turns down, an opinion that is not the one before their eyes."""
    pending = pending_opinion(case)
    if read is None or read == (str(pending.pk) if pending else ""):
        return
    if case.state == State.REPORTED:
        raise Refusal(_("建议已变更，请重新核对。"), code="changed")
    raise Refusal(_("初审意见已变更，请重新核对。"), code="changed")


def _signs(by: Actor) -> Write:
    """The second signature under the pending opinion, by which it takes effect."""

    def write(case: Case, at: datetime) -> None:
        Opinion.objects.filter(pk=_pending(case).pk).update(
            standing=Opinion.Standing.GIVEN,
            countersigned_by_id=by.account,
            countersigned_by_name=by.name,
            countersigned_at=at,
        )

    return write
