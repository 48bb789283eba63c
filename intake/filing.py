"""What an applicant does with an application: start, fill in, print, lodge, answer, withdraw, discard.

The draft stands in the public schema and is locked for every change; lodging writes it over into the
agency's schema in one transaction. Every refusal is a `Refusal` with its reason, and then nothing has
changed.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.core.files.base import File
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from intake import (
    circumstances,
    completeness,
    corrections,
    dossier,
    flows,
    papers,
)
from intake.circumstances import CHOOSES_AGENCY, Circumstances
from intake.completeness import Findings
from intake.contact import contact_of
from intake.corrections import ANSWERS, OpenCorrection
from intake.dossier import Frozen
from intake.flows import Section
from intake.forms import Stored
from intake.models import Application, Paper
from intake.photos import Portrait
from notifications import outbox
from register import clock, eligibility, materials, people, policy, reference, standing, uploads
from register.models import DocketEntry, Kind, Person, Photo, Registration
from review import casework
from review.casework import Filing
from review.models import Case
from review.states import State
from review.workflow import Actor
from tenants import crossing, directory
from tenants.errors import Refusal
from tenants.models import Agency

log = logging.getLogger(__name__)

Rows: TypeAlias = list[dict[str, Any]]
Change: TypeAlias = Callable[[Application], None]

ONE_DRAFT: Final = "one_draft_per_person"
# Sections that a new application takes over from one that has ended.
CARRIED_OVER: Final = tuple(s for s in Section if s not in (Section.CHANNEL, Section.DECLARATION))


class AnotherDraft(Refusal):
    """The person has a draft that would be in the way: it must be discarded first."""

    def __init__(self, draft: Application) -> None:
        message = gettext("您有一份未上报的%(kind)s申请（%(reference)s）。") % {
            "kind": draft.get_kind_display(),
            "reference": draft.reference,
        }
        super().__init__(message, code="another_draft")
        self.draft = draft


class Incomplete(Refusal):
    """The application is not complete; `findings` name what is missing and where."""

    def __init__(self, findings: Findings) -> None:
        super().__init__(_("申请尚未填写完整，请按提示补充后再上报。"), code="incomplete")
        self.findings = findings


@dataclass(frozen=True, slots=True)
class Lodged:
    """The outcome of lodging; `again` tells that it had been lodged before this click."""

    application: Application
    again: bool


# --- Looking ---------------------------------------------------------------------------------------


def draft_of(person: Person) -> Application | None:
    """The person's one draft."""
    return applications_of(person).filter(status=Application.Status.DRAFT).first()


def applications_of(person: Person) -> QuerySet[Application]:
    """The person's applications, newest first, with what every page shows of them."""
    found = Application.objects.filter(people.rows_of(person)).order_by("-created_at")
    return found.select_related("person", "agency", "photo").defer("photo__data", "person__document_cipher")


def entry_of(application: Application) -> DocketEntry | None:
    """The docket line of a lodged application."""
    return DocketEntry.objects.select_related("agency").filter(case_id=application.pk).first()


# --- The draft -------------------------------------------------------------------------------------


def start(*, person: Person, kind: Kind, copy_of: Application | None = None) -> Application:
    """Begin an application of this kind, or go on with the draft there is.

    Takes over what the register knows, or the content of an application that has ended (复制为新草稿).
    Raises `Refusal` when the person may not apply, `AnotherDraft` when a draft of another kind exists, and
    for a copy when any draft does: nothing is copied into it.
    """
    answer = eligibility.may_apply(person, kind)
    if not answer.allowed:
        raise Refusal(answer.reason, code=answer.code)
    now = clock.now()
    registered = standing.registration_of(person) if kind != Kind.INITIAL else None
    agency = registered.agency if registered and kind not in CHOOSES_AGENCY else None
    # What was an agency's that was merged into another one is the other one's now.
    agency = agency or (copy_of.agency if copy_of else None)
    draft = Application(
        reference=reference.next_reference(kind),
        person=person,
        kind=kind,
        late=answer.late,
        agency=agency.living if agency else None,
        photo_id=(copy_of.photo_id if copy_of else None) or person.photo_id,
        sections=_first_sections(person, kind, registered, copy_of),
        step=flows.first_of(kind).slug,
        created_at=now,
        saved_at=now,
    )
    try:
        with _single_statement():
            draft.save(force_insert=True)
        return draft
    except IntegrityError as error:
        # There is a draft, perhaps since this very moment: two clicks at once.
        other = draft_of(person)
        if ONE_DRAFT not in str(error) or other is None:
            raise
        return _going_on(other, kind, copy_of)


def _single_statement() -> AbstractContextManager[object]:
    """For a statement that may fail: alone it needs no transaction, inside one it needs a savepoint."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def _going_on(draft: Application, kind: Kind, copy_of: Application | None) -> Application:
    if draft.kind != kind or copy_of is not None:
        raise AnotherDraft(draft)
    return draft


def _first_sections(
    person: Person, kind: Kind, registered: Registration | None, copy_of: Application | None
) -> dict[str, Any]:
    """What the form begins with: the ended application's content, or what register and account know.

    Who has been registered updates what was lodged last: the work experience, and in a renewal the employer.
    """
    if copy_of is not None:
        return {s: copy_of.sections[s] for s in CARRIED_OVER if s in copy_of.sections}
    sections: dict[str, Any] = {}
    known = {name: person.personal[name] for name in dossier.PERSONAL_FIELDS if person.personal.get(name)}
    known |= contact_of(person.user)
    if known:
        sections[Section.PERSONAL] = known
    if registered is not None:
        before = _lodged_last(person)
        if before.get(Section.EXPERIENCE):
            sections[Section.EXPERIENCE] = before[Section.EXPERIENCE]
        if kind == Kind.RENEWAL:
            sections[Section.EMPLOYER] = _employer_as_registered(
                registered, before.get(Section.EMPLOYER) or {}
            )
    return sections


def _lodged_last(person: Person) -> dict[str, Any]:
    """The content of the application this person lodged last."""
    lodged = applications_of(person).filter(status=Application.Status.LODGED).order_by("-lodged_at").first()
    return lodged.sections if lodged else {}


def _employer_as_registered(registered: Registration, before: dict[str, Any]) -> dict[str, Any]:
    """Name and code as registered; the rest as it was lodged last, if that was the same employer."""
    same = bool(registered.employer_code) and before.get("code") == registered.employer_code
    return {**(before if same else {}), "name": registered.employer_name, "code": registered.employer_code}


def choose_agency(*, application: Application, agency: Agency, step: str = "") -> Application:
    """Choose the agency that will do the first review; `step` is where the applicant goes on.

    Raises `Refusal` when it takes no applications.
    """
    if agency.kind == Agency.Kind.AUTHORITY:
        raise Refusal(_("请选择注册初审机构。"), code="agency")
    if not agency.intake_open:
        raise Refusal(directory.why_closed(agency), code="suspended")
    if application.status != Application.Status.DRAFT:
        raise _no_draft(application)

    def choose(current: Application) -> None:
        if current.status != Application.Status.DRAFT:
            raise _no_draft(current)
        current.agency = agency

    return _changed(application, choose, "agency", step=step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """What one page of the form brings in: checked sections, new rows of lists, a portrait."""

    sections: Mapping[Section, Stored] = field(default_factory=dict)
    rows: Mapping[Section, Stored] = field(default_factory=dict)
    portrait: Portrait | None = None

    @property
    def parts(self) -> frozenset[str]:
        """The parts of the application that this changes, as a correction names them."""
        return (
            frozenset(self.sections)
            | frozenset(self.rows)
            | ({corrections.PHOTO} if self.portrait else set())
        )


def save(
    *, application: Application, entries: Entries, step: str = "", along: Callable[[], None] | None = None
) -> Application:
    """Keep what a page brings in, all of it or nothing; `step` is where the applicant goes on.

    A draft takes everything; a lodged application only what an open correction names. What is not said of a
    section stays as it was. `along` happens in the same transaction. Answers the application as it stands
    then. Raises `Refusal`.
    """
    entries = _permitted(application, entries)

    def write(current: Application) -> None:
        for name, data in entries.sections.items():
            current.sections[name] = {**(current.sections.get(name) or {}), **data}
        for name, row in entries.rows.items():
            rows = [*current.sections.get(name, []), {**row, "id": secrets.token_hex(4)}]
            current.sections[name] = _in_order(rows)

    if entries.portrait is None and along is None:
        return _changed(application, write, "sections", step=step)
    with transaction.atomic():
        photo = _kept_photo(application, entries.portrait) if entries.portrait else None

        def write_all(current: Application) -> None:
            write(current)
            current.photo = photo or current.photo

        kept = _changed(application, write_all, "sections", *(["photo"] if photo else []), step=step)
        if along is not None:
            along()
    return kept


def save_step(*, application: Application, section: Section, data: Stored, step: str = "") -> Application:
    """Keep one section as typed and checked; see `save`."""
    return save(application=application, entries=Entries(sections={section: data}), step=step)


def stand_on(*, application: Application, step: str) -> None:
    """Remember the step to which the applicant returns after signing in again."""
    if application.status == Application.Status.DRAFT and application.step != step:
        Application.objects.filter(pk=application.pk).update(step=step)
        application.step = step


def change_row(*, application: Application, section: Section, row_id: str, row: Stored) -> Application:
    """Write a row anew. Raises `Refusal` when it has been deleted meanwhile."""

    def change(rows: Rows) -> Rows:
        at = _place_of(row_id, rows)
        return [*rows[:at], {**row, "id": row_id}, *rows[at + 1 :]]

    return _change_rows(application, section, change)


def delete_row(*, application: Application, section: Section, row_id: str) -> Application:
    """Take a row out of its list. Raises `Refusal` when that has been done already."""

    def change(rows: Rows) -> Rows:
        at = _place_of(row_id, rows)
        return [*rows[:at], *rows[at + 1 :]]

    return _change_rows(application, section, change)


def _place_of(row_id: str, rows: Rows) -> int:
    for at, row in enumerate(rows):
        if row["id"] == row_id:
            return at
    raise row_gone()


def row_gone() -> Refusal:
    """Why a row can be neither changed nor deleted: another window was faster."""
    return Refusal(_("这一行已经在别处删除，没有作任何修改。"), code="row_gone")


def _change_rows(application: Application, section: Section, change: Callable[[Rows], Rows]) -> Application:
    _permitted(application, Entries(rows={section: {}}))

    def write(current: Application) -> None:
        current.sections[section] = _in_order(change(current.sections.get(section, [])))

    return _changed(application, write, "sections")


def _in_order(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: (row["from"], row["to"] or "9999"))


def _kept_photo(application: Application, portrait: Portrait) -> Photo:
    """The stored photo; the same picture twice is one row, for photos are never changed."""
    known = Photo.objects.defer("data").filter(person_id=application.person_id, sha256=portrait.sha256)
    return known.first() or Photo.objects.create(
        person_id=application.person_id, sha256=portrait.sha256, data=portrait.data
    )


def attach_paper(
    *, application: Application, code: str, upload: bytes | File[Any], name: str, about: Circumstances
) -> Paper:
    """Take an uploaded paper into the application; of a lodged one only what the open correction names.

    Raises `ValidationError` when the file is no usable paper, `Refusal` when none is taken.
    """
    only = _papers_open(application)
    if code not in {item.code for item in papers.part_of(application, about, only=only).items if item.open}:
        raise Refusal(_("这种材料现在不能上传。"), code="not_open")
    clean = uploads.sanitised(upload)
    digest = _signed_content(application, about) if code == materials.FORM else ""
    kept: list[Paper] = []

    def add(current: Application) -> None:
        kept.append(papers.keep(current, code=code, clean=clean, name=name, form_digest=digest))

    with transaction.atomic():
        _changed(application, add, "sections")
    return kept[-1]


def _signed_content(application: Application, about: Circumstances) -> str:
    """The content on the signed form: that of the last print, for people sign what they printed."""
    return application.printed_digest or dossier.freeze(application, about).digest


def take_out_paper(*, application: Application, paper: Paper) -> None:
    """Take a paper out of the application; it can be put back until then lodged without it."""
    _refuse_closed(application, paper)
    _changed(application, lambda current: papers.take_out(current, paper), "sections")


def put_back_paper(*, application: Application, paper: Paper) -> None:
    """Put a paper back that was taken out."""
    _refuse_closed(application, paper)
    _changed(application, lambda current: papers.put_back(current, paper), "sections")


def _papers_open(application: Application) -> frozenset[str] | None:
    """The codes of the papers that may be changed; None for all of them. Looks into the agency's schema."""
    lodged = application.status == Application.Status.LODGED
    open_one = corrections.of(application) if lodged else None
    if lodged and open_one is None:
        raise _no_draft(application)
    if not papers.takes_uploads(open_one.agency if open_one else application.agency):
        raise Refusal(_("您选择的注册机构收取纸质材料，不需要上传。"), code="on_paper")
    return open_one.papers_open if open_one else None


def _refuse_closed(application: Application, paper: Paper) -> None:
    only = _papers_open(application)
    if only is not None and paper.code not in only:
        raise _no_draft(application)


def discard(*, application: Application) -> None:
    """Give a draft up. What was typed is gone with it."""
    with transaction.atomic():
        draft = _locked_draft(application)
        draft.status = Application.Status.DISCARDED
        draft.sections, draft.photo = {}, None
        _save(draft, "status", "sections", "photo")


def retire(*, before: datetime) -> int:
    """Delete drafts that nobody has touched since `before`, with a notice each; answers how many.

    Each in its own transaction: one that is saved or lodged meanwhile stays, and so does one that somebody
    has under lock, until the next sweep; one that fails is logged and does not stop the others.
    """
    idle = Application.objects.filter(status=Application.Status.DRAFT, saved_at__lt=before)
    return sum(_retired(idle, draft_id) for draft_id in list(idle.values_list("pk", flat=True)))


def _retired(idle: QuerySet[Application], draft_id: UUID) -> bool:
    try:
        with transaction.atomic():
            free = idle.select_for_update(of=("self",), skip_locked=True)
            draft = free.select_related("person").filter(pk=draft_id).first()
            if draft is None:
                return False
            outbox.post(
                user_id=draft.person.user_id,
                kind="draft_retired",
                cause=f"draft:{draft.pk}",
                at=clock.now(),
                data={
                    "kind": outbox.in_both(Kind(draft.kind).label),
                    "reference": draft.reference,
                    "days": policy.current().draft_retention_days,
                },
            )
            Paper.objects.filter(application=draft).delete()
            draft.delete()
    except Exception:
        log.exception("draft %s could not be retired", draft_id)
        return False
    return True


def idle_since() -> datetime:
    """Drafts untouched since then are deleted today."""
    return clock.now() - timedelta(days=policy.current().draft_retention_days)


# --- Before lodging --------------------------------------------------------------------------------


def remember_print(*, application: Application, digest: str) -> None:
    """Remember which version was printed, to warn when something is changed afterwards."""
    Application.objects.filter(pk=application.pk).update(printed_digest=digest)


def lodge(*, application: Application, declaration: Stored | None = None) -> Lodged:
    """Lodge a complete application with its agency: 上报.

    In one transaction inside the agency's schema: case, first dossier version, movement, docket line,
    notice, and the draft marked as lodged, with the declaration just given. A second click finds it lodged.
    Raises `Incomplete`, or `Refusal` when the person may no longer apply, has an open application, or the
    agency takes none; the declaration is kept then too.
    """
    try:
        return _lodged(application, declaration)
    except Refusal as no:
        if declaration:
            with suppress(Refusal):
                save_step(application=application, section=Section.DECLARATION, data=declaration)
        if isinstance(no, Incomplete):
            _keep_lateness(application)
        raise


def _keep_lateness(application: Application) -> None:
    """A draft begun in time whose window has closed since: its pages ask for what a late one needs."""
    late = eligibility.may_apply(application.person, application.kind).late
    if application.status == Application.Status.DRAFT and late != application.late:
        Application.objects.filter(pk=application.pk).update(late=late)
        application.late = late


def _lodged(application: Application, declaration: Stored | None) -> Lodged:
    agency = application.agency
    if application.status == Application.Status.DRAFT and agency is None:
        raise Incomplete(completeness.check(application, circumstances.of(application)))
    if agency is None:
        raise _no_draft(application)
    with crossing.inside(agency), crossing.atomic():
        people.alone_with(application.person.merged_into_id or application.person_id)
        draft = _locked_for_lodging(application)
        if draft.status == Application.Status.LODGED:
            return Lodged(draft, again=True)
        if draft.agency_id != agency.pk:
            raise Refusal(_("注册机构已更改，请重新预览后上报。"), code="agency_changed")
        if declaration:
            draft.sections[Section.DECLARATION] = declaration
        about, findings = _examined(draft)
        if not findings.complete:
            raise Incomplete(findings)
        frozen = dossier.freeze(draft, about)
        if papers.missing(draft, about, digest=frozen.digest):
            raise Incomplete(findings)
        case = casework.lodge_case(
            application_id=draft.pk,
            reference=draft.reference,
            kind=draft.kind,
            late=draft.late,
            person=draft.person,
            agency=agency,
            filing=_filing(draft, frozen),
            policy=about.policy,
        )
        draft.status = Application.Status.LODGED
        draft.lodged_at = case.lodged_at
        draft.step = ""
        draft.save(update_fields=["status", "lodged_at", "late", "step", "sections"])
    return Lodged(draft, again=False)


def _locked_for_lodging(application: Application) -> Application:
    draft = _relocked(application)
    if draft.status == Application.Status.DISCARDED:
        raise _no_draft(draft)
    if draft.status == Application.Status.DRAFT and draft.person.merged_into_id:
        raise Refusal(_("您的人员记录已并入另一条记录，请用保留的账号登录后重新填写申请。"), code="merged")
    return draft


def _examined(draft: Application) -> tuple[Circumstances, Findings]:
    """Today's circumstances and findings; a window that has closed since makes the application late."""
    answer = eligibility.may_apply(draft.person, draft.kind)
    if not answer.allowed:
        raise Refusal(answer.reason, code=answer.code)
    draft.late = answer.late
    about = circumstances.of(draft)
    return about, completeness.check(draft, about)


def _filing(application: Application, frozen: Frozen) -> Filing:
    hashes = papers.hashes(frozen.content["papers"])
    return Filing(content=frozen.content, photo=frozen.photo, digest=frozen.digest, papers=hashes)


# --- After lodging ---------------------------------------------------------------------------------


def answer(*, application: Application, number: int, answers: Iterable[str]) -> Application:
    """Keep what the applicant says to each item of the open correction."""
    with transaction.atomic():
        locked = _locked(application)
        locked.sections[ANSWERS] = {"number": number, "texts": [" ".join(text.split()) for text in answers]}
        _save(locked, "sections")
    return locked


def resubmit(*, application: Application) -> None:
    """Answer the correction with a new version of the dossier: 重新上报.

    Every item must be answered: changed where it can be changed, otherwise in words. What the correction
    does not open is not asked again, whatever has happened to it since: it could not be mended. The policy
    is the one frozen with the case. Raises `Refusal`.
    """
    entry = _entry(application)
    with crossing.inside(entry.agency), crossing.atomic():
        locked = _relocked(application)
        case = Case.objects.get(pk=locked.pk)
        open_one = corrections.on_case(locked, case, entry.agency)
        if open_one is None:
            raise Refusal(_("这份申请目前不需要补正。"), code="no_correction")
        about = corrections.circumstances_of(locked, open_one)
        findings = _to_be_mended(completeness.check(locked, about), open_one)
        if not findings.complete:
            raise Incomplete(findings)
        _refuse_unanswered(locked, about, open_one)
        frozen = dossier.freeze(locked, about, answers=open_one.answers)
        _refuse_without_papers(locked, about, open_one, frozen)
        casework.resubmit(case=case, by=_actor(locked), filing=_filing(locked, frozen))


def _to_be_mended(findings: Findings, open_one: OpenCorrection) -> Findings:
    misses = tuple(miss for miss in findings.misses if open_one.opens(miss.section, miss.field))
    return replace(findings, misses=misses)


def _refuse_without_papers(
    locked: Application, about: Circumstances, open_one: OpenCorrection, frozen: Frozen
) -> None:
    """Where all is handed in as files, what the correction opens must be there, on the form as it is."""
    waiting = papers.missing(locked, about, digest=frozen.digest, only=open_one.papers_open)
    if waiting:
        labels = "、".join(str(papers.label_of(item.code)) for item in waiting)
        raise Refusal(gettext("请先上传：%(papers)s。") % {"papers": labels}, code="papers")


def _refuse_unanswered(locked: Application, about: Circumstances, open_one: OpenCorrection) -> None:
    content = dossier.content_of(locked, about)
    waiting = [item for item in open_one.items if not item.is_answered(content, open_one.lodged)]
    if waiting:
        labels = "、".join(str(item.label) for item in waiting)
        raise Refusal(
            gettext("以下补正事项还没有处理：%(items)s。请修改相应内容，或者填写答复。") % {"items": labels},
            code="unanswered",
        )


def withdraw(*, application: Application) -> None:
    """Take a lodged application back; possible until it is referred to the authority."""
    entry = _entry(application)
    with crossing.inside(entry.agency):
        casework.withdraw(case=Case.objects.get(pk=application.pk), by=_actor(application))


def _actor(application: Application) -> Actor:
    person = application.person
    return Actor.applicant(user_id=person.user_id, person_id=person.pk, name=person.name)


def _entry(application: Application) -> DocketEntry:
    entry = entry_of(application)
    if entry is None:
        raise Refusal(_("这份申请还没有上报。"), code="not_lodged")
    return entry


# --- Locks -----------------------------------------------------------------------------------------


def _changed(application: Application, change: Change, *fields: str, step: str = "") -> Application:
    """Make a change to a draft, or to a lodged application in correction; answers it as it stands then.

    What nobody has touched since it was read is written at once. Otherwise the change is made to what stands
    there now, under its lock: of two windows neither loses anything.
    """
    mine = copy(application)
    mine.sections = deepcopy(application.sections)
    if mine.status == Application.Status.DRAFT:
        with suppress(Refusal):
            change(mine)
            if _written_over(application, mine, fields, step):
                return mine
    with transaction.atomic():
        locked = _locked(application)
        if locked.status != application.status:
            # Lodged meanwhile: what a correction opens was not asked of a draft.
            raise _no_draft(locked)
        change(locked)
        _save(locked, *fields, step=step)
    return locked


def _written_over(read: Application, mine: Application, fields: Iterable[str], step: str) -> bool:
    """Write a draft as changed if it still is the one read: one statement, so that nobody comes between."""
    mine.saved_at, mine.step = clock.now(), step or read.step
    values = {name: getattr(mine, name) for name in (*fields, "saved_at", *(["step"] if step else []))}
    unchanged = Application.objects.filter(
        pk=read.pk, status=Application.Status.DRAFT, saved_at=read.saved_at
    )
    return unchanged.update(**values) == 1


def _relocked(application: Application) -> Application:
    found = _whole(applications_of(application.person)).defer("person__document_cipher")
    locked = found.select_for_update(of=("self",)).filter(pk=application.pk).first()
    if locked is None:
        raise Refusal(_("这份草稿长期没有修改，已被删除。"), code="retired")
    return locked


def _permitted(application: Application, entries: Entries) -> Entries:
    """What of it may be changed now: all of it in a draft, what the open correction names afterwards.

    Looks into the agency's schema, so it comes before the transaction.
    """
    if application.status != Application.Status.LODGED:
        return entries
    open_one = corrections.of(application)
    if open_one is None or not entries.parts <= open_one.sections:
        raise _no_draft(application)
    sections = {name: open_one.permitted(name, data) for name, data in entries.sections.items()}
    return replace(entries, sections=sections)


def _locked(application: Application) -> Application:
    """The application, locked, while it is a draft or in correction."""
    locked = _relocked(application)
    if locked.status == Application.Status.DRAFT:
        return locked
    turn = DocketEntry.objects.filter(case_id=locked.pk, state=State.CORRECTION)
    if locked.status == Application.Status.LODGED and turn.exists():
        return locked
    raise _no_draft(locked)


def _locked_draft(application: Application) -> Application:
    locked = _relocked(application)
    if locked.status != Application.Status.DRAFT:
        raise _no_draft(locked)
    return locked


def _no_draft(application: Application) -> Refusal:
    if application.status == Application.Status.LODGED:
        message = _("这份申请已经上报，不能再修改；需要修改的，请等待补正通知或者撤回申请。")
        return Refusal(message, code="lodged")
    return given_up()


def given_up() -> Refusal:
    """Why nothing can be done with a discarded application any more."""
    return Refusal(_("这份申请已经放弃，不能再填写。可以从个人主页重新开始。"), code="discarded")


def _save(application: Application, *fields: str, step: str = "") -> None:
    application.saved_at = clock.now()
    if step:
        application.step = step
    application.save(update_fields=[*fields, "saved_at", "step"])


def _whole(applications: QuerySet[Application]) -> QuerySet[Application]:
    """With everything that the pages of one application ask for, in one look."""
    return circumstances.with_certificate(applications).defer(None)


def application_of(person: Person, application_id: UUID, *, to_print: bool = False) -> Application | None:
    """The person's own application with this id; None for any other.

    `to_print` brings along what only the form itself shows: the photo, and the number under its seal.
    """
    left_out = [] if to_print else ["person__document_cipher", "photo__data"]
    return _whole(applications_of(person)).defer(*left_out).filter(pk=application_id).first()
