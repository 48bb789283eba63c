"""The acts on a case, named as the people who do them name them.

Each is one sentence over `workflow.move`; each raises `Refusal` with the reason when it is not allowed,
and then nothing has changed. Stand inside the case's agency first (`crossing.inside`, `docket.opened`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from register import clock as calendar
from register import issuing
from register.models import Kind, Person, Photo, Registration
from register.policy import Policy
from review import announcements, checklist, docket, log
from review.models import Case, Correction, Dispatch, Dossier, Movement, Opinion, Tick
from review.states import Clock, State
from review.workflow import APPLICANT, SIGNING_OFFICER, Actor, move, pending_opinion, starts
from tenants import crossing
from tenants.errors import Refusal
from tenants.models import Agency, User

# --- Lodging and answering: the applicant ----------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """What the applicant lodges: the frozen content of the form, the photo, and their digest.

    `content` is plain JSON; `digest` is SHA-256 over its sections and the photo; `papers` maps the code of
    each uploaded paper to its SHA-256.
    """

    content: dict[str, Any]
    photo: bytes | None
    digest: str
    papers: dict[str, str]


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
    case.save(force_insert=True)
    _add_version(case, filing, at)
    by = Actor.applicant(user_id=person.user_id, person_id=person.pk, name=person.name)
    detail = {"digest": filing.digest, "papers": filing.papers, "version": 1}
    movement = log.record(case, act="lodge", by=by, role=APPLICANT, source=None, at=at, detail=detail)
    Case.objects.filter(pk=case.pk).update(chain_length=case.chain_length, chain_head=case.chain_head)
    try:
        with transaction.atomic():
            docket.enter(case, agency=agency, at=at)
    except IntegrityError as error:
        raise Refusal(_("您已有一份申请正在办理，办结后才能再次上报。"), code="open_elsewhere") from error
    announcements.announce(movement, case)
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

    detail = {"digest": filing.digest, "papers": filing.papers, "version": case.version + 1}
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


def take_up(*, case: Case, by: Actor) -> Movement:
    """Take a free case in hand; agency and authority have one holder each."""

    def write(locked: Case, at: datetime) -> None:
        _hold(locked, by.user_id)

    return move(case=case, act="take_up", by=by, write=write)


def release(*, case: Case, by: Actor) -> Movement:
    """Lay the case down again, so that anyone may take it up."""

    def write(locked: Case, at: datetime) -> None:
        _hold(locked, None)

    return move(case=case, act="release", by=by, write=write)


def assign(*, case: Case, to: User, by: Actor) -> Movement:
    """Give the case to a colleague. Raises `Refusal` when the colleague is inactive or in conflict."""
    if not to.is_active or (to.document_digest and to.document_digest == case.document_digest):
        raise Refusal(_("不能分派给该人员：账号已停用或与本案有利害关系。"), code="assignee")

    def write(locked: Case, at: datetime) -> None:
        _hold(locked, to.pk)

    return move(
        case=case, act="assign", by=by, detail={"assignee": to.pk, "name": to.display_name}, write=write
    )


def _hold(case: Case, user_id: int | None) -> None:
    if case.state == State.REPORTED:
        case.officer_id = user_id
    else:
        case.assignee_id = user_id


def accept(*, case: Case, by: Actor) -> Movement:
    """Accept the application; a numbered receipt goes to the applicant (Order 11 art. 10)."""
    detail: dict[str, Any] = {}

    def write(locked: Case, at: datetime) -> None:
        detail["number"] = locked.acceptance_number = acceptance_number(locked)

    return move(case=case, act="accept", by=by, detail=detail, write=write)


def acceptance_number(case: Case) -> str:
    """The number of the receipt: one receipt per application, so it follows the application's number."""
    return f"SL{case.reference[2:]}"


def not_accept(*, case: Case, by: Actor, codes: Sequence[str], text: str) -> Movement:
    """Refuse acceptance, with reasons and remedies (Administrative Licensing Law art. 32)."""
    return move(case=case, act="not_accept", by=by, detail=_reasons(codes, text))


def send_back(*, case: Case, by: Actor, items: Sequence[dict[str, str]], reason: str = "") -> Movement:
    """Tell all faults at once (一次性告知) and give the case back for correction.

    `items` are `{"item": section or field, "code": reason code, "text": what to mend}`. A second correction,
    or one out of a running review, needs a supervisor and a `reason`.
    """
    if not items or not all(item.get("text") for item in items):
        raise Refusal(_("请至少列出一项需要补正的内容，并逐项说明如何修改。"), code="no_items")
    if (case.corrections or case.state != State.SUBMITTED) and not reason:
        raise Refusal(_("再次要求补正须说明理由。"), code="no_reason")

    def write(locked: Case, at: datetime) -> None:
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


def tick(*, case: Case, by: Actor, item: str, in_order: bool, remark: str = "") -> None:
    """Mark one section of the present dossier version as in order, or at fault with a remark."""
    if item not in checklist.LABELS:
        raise Refusal(_("没有这个检查项。"), code="item")
    if case.assignee_id != by.user_id:
        raise Refusal(_("请先领取本案。"), code="not_mine")
    Tick.objects.update_or_create(
        case=case,
        item=item,
        version=case.version,
        defaults={
            "in_order": in_order,
            "remark": "" if in_order else remark[:200],
            "by_id": by.account,
            "at": calendar.now(),
        },
    )


def give_opinion(
    *, case: Case, by: Actor, verdict: str, codes: Sequence[str] = (), text: str = ""
) -> Movement:
    """Give the first-review opinion. Where the agency countersigns, it waits for a second person.

    Raises `Refusal` while an item of the dossier is not ticked, when a pass contradicts a fault, or a fail
    names no reason.
    """
    failed = verdict == Opinion.Verdict.FAIL
    detail = {**_reasons(codes, text, required=failed), "verdict": verdict}

    def write(locked: Case, at: datetime) -> None:
        _require_ticks(locked, failed=failed)
        _add_opinion(locked, Opinion.Level.FIRST, by, verdict, detail, at, pending=bool(target == "same"))

    passed_to = State.FIRST_FAILED if failed else State.FIRST_PASSED
    target = "same" if case.policy["countersign"] else passed_to
    return move(case=case, act="give_opinion", by=by, target=target, detail=detail, write=write)


def countersign(*, case: Case, by: Actor) -> Movement:
    """Agree, as a second person, with the pending first-review opinion, which takes effect by it."""
    opinion = pending_opinion(case)
    failed = opinion is not None and opinion.verdict == Opinion.Verdict.FAIL
    detail = {"codes": opinion.codes, "text": opinion.text, "verdict": opinion.verdict} if opinion else {}

    def write(locked: Case, at: datetime) -> None:
        _sign(locked, by, at)

    target = State.FIRST_FAILED if failed else State.FIRST_PASSED
    return move(case=case, act="countersign", by=by, target=target, detail=detail, write=write)


def decline(*, case: Case, by: Actor, text: str) -> Movement:
    """Disagree, as a second person: the pending opinion or proposal is void, and may be given anew."""

    def write(locked: Case, at: datetime) -> None:
        pending = pending_opinion(locked)
        if pending is not None:
            Opinion.objects.filter(pk=pending.pk).update(standing=Opinion.Standing.VOID)

    return move(case=case, act="decline", by=by, detail=_reasons((), text), write=write)


def reopen(*, case: Case, by: Actor, text: str) -> Movement:
    """Take a given opinion back before it is referred; the review goes on where it stood."""

    def write(locked: Case, at: datetime) -> None:
        locked.opinions.filter(level=Opinion.Level.FIRST).update(standing=Opinion.Standing.VOID)

    return move(case=case, act="reopen", by=by, detail=_reasons((), text), write=write)


DISPATCH_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Referred:
    """The outcome of a dispatch: its number, and for each case that stayed behind the reason."""

    dispatch: Dispatch | None
    sent: tuple[Case, ...]
    refused: tuple[tuple[Case, Refusal], ...]


def refer(*, cases: Iterable[Case], by: Actor) -> Referred:
    """Send reviewed cases to the authority in one dispatch, even of one. Negative opinions go up too."""
    chosen = list(cases)
    for _attempt in range(DISPATCH_ATTEMPTS):
        with crossing.atomic():
            dispatch = _open_dispatch(by)
            if dispatch is None:
                continue
            sent: list[Case] = []
            refused: list[tuple[Case, Refusal]] = []
            for case in chosen:
                try:
                    _refer_one(case, dispatch, by)
                except Refusal as no:
                    refused.append((case, no))
                else:
                    sent.append(case)
            if not sent:
                transaction.set_rollback(True)
        return Referred(dispatch if sent else None, tuple(sent), tuple(refused))
    raise Refusal(_("此刻有多人同时报送，请稍后重试。"), code="busy")


def _open_dispatch(by: Actor) -> Dispatch | None:
    """A new dispatch; None when another one of this moment has just taken its number."""
    try:
        with transaction.atomic():
            return Dispatch.objects.create(
                number=_dispatch_number(calendar.today()),
                sent_by_id=by.account,
                sent_by_name=by.name,
                sent_at=calendar.now(),
            )
    except IntegrityError:
        return None


def _refer_one(case: Case, dispatch: Dispatch, by: Actor) -> None:
    def write(locked: Case, at: datetime) -> None:
        locked.dispatch = dispatch

    move(case=case, act="refer", by=by, detail={"dispatch": dispatch.number}, write=write)


def _dispatch_number(today: date) -> str:
    """The agency's code, the day and the day's running number."""
    prefix = f"{crossing.here().schema.upper()}-{today:%Y%m%d}-"
    return f"{prefix}{Dispatch.objects.filter(number__startswith=prefix).count() + 1:03d}"


# --- Final review: the authority -------------------------------------------------------------------


def remand(*, case: Case, by: Actor, codes: Sequence[str] = (), text: str) -> Movement:
    """Send the case back to its agency with reasons; the opinions so far are void."""

    def write(locked: Case, at: datetime) -> None:
        locked.opinions.update(standing=Opinion.Standing.VOID)
        locked.dispatch = None

    return move(case=case, act="remand", by=by, detail=_reasons(codes, text), write=write)


def approve(*, case: Case, by: Actor, text: str = "") -> Movement:
    """Grant the application: the register is written in the same transaction.

    Where two persons must sign, the final reviewer's grant is a proposal until a signing officer, who is not
    its author, approves as well.
    """
    detail: dict[str, Any] = {"text": text, "verdict": Opinion.Verdict.PASS}
    proposal = _is_proposal(case, by)

    def write(locked: Case, at: datetime) -> None:
        _decide(locked, by, Opinion.Verdict.PASS, detail, at, proposal=proposal)
        if not proposal:
            registration = _enter_in_register(locked)
            locked.registration_id = registration.pk
            detail.update(
                number=registration.number,
                category=registration.category,
                valid_from=registration.valid_from.isoformat(),
                valid_to=registration.valid_to.isoformat(),
            )

    target = "same" if proposal else State.FINAL_PASSED
    return move(case=case, act="approve", by=by, target=target, detail=detail, write=write)


def refuse(*, case: Case, by: Actor, codes: Sequence[str], text: str) -> Movement:
    """Refuse the application with reasons and remedies (Administrative Licensing Law art. 38)."""
    detail = {**_reasons(codes, text, required=True), "verdict": Opinion.Verdict.FAIL}
    proposal = _is_proposal(case, by)

    def write(locked: Case, at: datetime) -> None:
        _decide(locked, by, Opinion.Verdict.FAIL, detail, at, proposal=proposal)

    target = "same" if proposal else State.FINAL_FAILED
    return move(case=case, act="refuse", by=by, target=target, detail=detail, write=write)


def _is_proposal(case: Case, by: Actor) -> bool:
    """Whether this decision still needs a second signature."""
    signs = SIGNING_OFFICER in by.roles and pending_opinion(case) is not None
    return bool(case.policy["final_sign_off"]) and not signs


def _decide(
    case: Case, by: Actor, verdict: str, detail: dict[str, Any], at: datetime, *, proposal: bool
) -> None:
    pending = pending_opinion(case)
    if pending is None:
        _add_opinion(case, Opinion.Level.FINAL, by, verdict, detail, at, pending=proposal)
        return
    if pending.verdict != verdict:
        raise Refusal(_("签发人只能同意或者退回经办人的建议，不能另作决定。"), code="other_verdict")
    _sign(case, by, at)


def _enter_in_register(case: Case) -> Registration:
    dossier = case.dossiers.get(version=case.version)
    content = dossier.content
    agency = Agency.objects.get(schema_name=crossing.here().schema)
    photo = Photo.objects.filter(person_id=case.person_id, sha256=content["photo"]["sha256"]).first()
    return issuing.grant(
        case_id=case.pk,
        person=case.person,
        kind=Kind(case.kind),
        category=case.category,
        agency=agency,
        employer_name=case.employer_name,
        employer_code=case.employer_code,
        policy=Policy.from_dict(case.policy),
        on=calendar.today(),
        personal=content["personal"],
        photo=photo,
    )


# --- Shared ----------------------------------------------------------------------------------------


def _reasons(codes: Sequence[str], text: str, *, required: bool = False) -> dict[str, Any]:
    if (required and not codes) or ((codes or required) and not text.strip()):
        raise Refusal(_("请选择理由并作文字说明，申请人将同时看到两者。"), code="no_reason")
    return {"codes": list(codes), "text": text.strip()}


def _require_ticks(case: Case, *, failed: bool) -> None:
    content = case.dossiers.only("content").get(version=case.version).content
    marks = {t.item: t.in_order for t in case.ticks.filter(version=case.version)}
    missing = [str(i.label) for i in checklist.items_of(content) if i.key not in marks]
    if missing:
        raise Refusal(_("还有未检查的项目：{items}。").format(items="、".join(missing)), code="ticks_missing")
    faults = [str(checklist.LABELS[key]) for key, in_order in marks.items() if not in_order]
    if faults and not failed:
        raise Refusal(
            _("以下项目标为有误，不能出具通过意见：{items}。").format(items="、".join(faults)), code="faults"
        )


def _add_opinion(
    case: Case,
    level: str,
    by: Actor,
    verdict: str,
    detail: dict[str, Any],
    at: datetime,
    *,
    pending: bool,
) -> None:
    Opinion.objects.create(
        case=case,
        level=level,
        verdict=verdict,
        codes=detail.get("codes", []),
        text=detail["text"],
        standing=Opinion.Standing.PENDING if pending else Opinion.Standing.GIVEN,
        author_id=by.account,
        author_name=by.name,
        given_at=at,
    )


def _sign(case: Case, by: Actor, at: datetime) -> None:
    pending = pending_opinion(case)
    if pending is None:
        return
    Opinion.objects.filter(pk=pending.pk).update(
        standing=Opinion.Standing.GIVEN,
        countersigned_by_id=by.user_id,
        countersigned_by_name=by.name,
        countersigned_at=at,
    )
