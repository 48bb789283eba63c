"""Corrections on proof: a name, a document number, and two records of one person made one.

What was lodged, granted and decided before keeps what it said; only the person's entry changes, and each
change stands on record with its proof and who made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications import outbox
from register import clock, documents, names, people, registrars, standing
from register.models import DocketEntry, DocumentType, FormerNumber, Person, PersonChange, Registration, Sex
from register.standing import Period
from register.uploads import Sanitised
from tenants.crypto import decrypt, encrypt
from tenants.errors import Refusal
from tenants.models import User

Text = str | Promise
# A registration, and the first and last day on which it really counts.
Counting = tuple[Registration, tuple[date, date]]
REASON_LENGTH: Final = 500


@dataclass(frozen=True, slots=True)
class Proof:
    """The file on which a correction rests, already written anew, and what it was called."""

    name: str
    file: Sanitised


def correct_name(*, person_id: UUID, name: str, reason: str, proof: Proof | None, by: User) -> PersonChange:
    """Write a person's name as the proof has it; the account is called so too.

    Raises ValidationError for what cannot be a name; Refusal for anybody but a registrar, without reason or
    proof, for a merged record, and where the name stands so already.
    """
    name = names.check(name)
    with transaction.atomic():
        person = _locked(person_id, by)
        if person.name == name:
            raise Refusal(_("登记的姓名就是这个，没有改动。"), code="same")
        change = _record(person, PersonChange.What.NAME, person.name, name, reason, proof, by)
        person.name = name
        person.save(update_fields=["name"])
        User.objects.filter(pk=person.user_id).update(name=name)
        _tell(change, person)
    return change


class Because(models.TextChoices):
    """Why a document number is corrected: that decides whether the one it replaces was ever the person's."""

    EXCHANGED = "exchanged", _("换证（旧号码仍可查到本人）")
    MISTAKEN = "mistaken", _("登记错误（不保留被更正的号码）")


def correct_document(
    *,
    person_id: UUID,
    document_type: str,
    number: str,
    because: str,
    reason: str,
    proof: Proof | None,
    by: User,
) -> PersonChange:
    """Give a person the document that the proof shows.

    A number that was exchanged goes on finding the person; one that was entered by mistake does not, and is
    free for whoever really carries it: only the record of the change keeps its mask. Sex and birth date
    follow where the number tells them. Raises ValidationError for a number that is not well-formed; Refusal
    as `correct_name` does, and for a number that is somebody else's.
    """
    mistaken = Because(because) is Because.MISTAKEN
    number = documents.check(document_type, number)
    digest = documents.digest(document_type, number)
    with transaction.atomic():
        person = _locked(person_id, by)
        former = person.document_digest
        if person.document_type == document_type and decrypt(person.document_cipher) == number:
            raise Refusal(_("登记的证件号码就是这个，没有改动。"), code="same")
        if people.key_by_digest(digest) not in (None, person.pk) or _carried_by_another(person, digest):
            raise Refusal(
                _("这个证件号码已登记在另一条人员记录上。如为同一人，请办理“合并重复人员”。"), code="taken"
            )
        before, after = (
            _named(person.document_type, person.document_mask),
            documents.mask(document_type, number),
        )
        what = PersonChange.What.ENTRY if mistaken else PersonChange.What.DOCUMENT
        change = _record(person, what, before, _named(document_type, after), reason, proof, by)
        # The number carried from now on is no former one, even if it was.
        FormerNumber.objects.filter(document_digest=digest).delete()
        if not mistaken and digest != former:
            FormerNumber.objects.get_or_create(
                document_digest=former,
                defaults={
                    "person": person,
                    "document_mask": person.document_mask,
                    "until": clock.today(),
                },
            )
        told = documents.facts_of(document_type, number)
        person.document_type, person.document_mask = DocumentType(document_type), after
        person.document_digest, person.document_cipher = digest, encrypt(number)
        person.sex = person.sex if told.sex == Sex.UNKNOWN else told.sex
        person.birth_date = told.birth_date or person.birth_date
        try:
            with transaction.atomic():
                person.save(
                    update_fields=[
                        "document_type",
                        "document_mask",
                        "document_digest",
                        "document_cipher",
                        "sex",
                        "birth_date",
                    ]
                )
        except IntegrityError as error:
            raise Refusal(_("这个证件号码刚刚登记在另一条人员记录上，请重新查询。"), code="taken") from error
        if not mistaken:
            # A colleague who is the same person stays out of these affairs under the new number, too.
            User.objects.filter(kind=User.Kind.STAFF, document_digest=former).update(document_digest=digest)
        _tell(change, person)
    return change


def _carried_by_another(person: Person, digest: str) -> bool:
    """A merged record's own number stays with that record, which leads to the living one."""
    return Person.objects.filter(document_digest=digest).exclude(pk=person.pk).exists()


def _named(document_type: str, mask: str) -> str:
    return f"{DocumentType(document_type).label} {mask}"


# --- Merging ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Merger:
    """What merging two records would do: which stays, which leads to it, and what stands against it."""

    kept: Person
    given_up: Person
    obstacles: tuple[Text, ...]
    periods: tuple[Counting, ...]


def look_at_merger(kept: Person, given_up: Person) -> Merger:
    """The merger as it would be now, for whoever looks before deciding. Writes nothing."""
    periods = tuple(_counting(_together(kept, given_up)))
    return Merger(kept, given_up, tuple(_obstacles(kept, given_up)), periods)


def merge(*, kept_id: UUID, given_up_id: UUID, reason: str, proof: Proof | None, by: User) -> PersonChange:
    """Let one of two records of the same person lead to the other from now on; it cannot be undone.

    Nothing is rewritten: qualifications, registrations and applications stay where they were entered, and
    every look-up follows. The account of the record given up is closed. Raises Refusal for anybody but a
    registrar, without reason or proof, and for whatever `look_at_merger` finds against it.
    """
    with transaction.atomic():
        # Before any row: whoever lodges an application comes in this order, too.
        people.alone_with(kept_id, given_up_id)
        # Always in the same order, so that two mergers of the same people wait for each other.
        locked = {
            person.pk: person
            for person in Person.objects.select_for_update(of=("self",))
            .filter(pk__in=[kept_id, given_up_id])
            .order_by("pk")
        }
        if len(locked) != 2:
            raise Refusal(_("请选择两条不同的人员记录。"), code="same")
        kept, given_up = locked[kept_id], locked[given_up_id]
        registrars.require(by, kept, given_up)
        for obstacle in _obstacles(kept, given_up):
            raise Refusal(obstacle, code="obstacle")
        change = _record(
            kept,
            PersonChange.What.MERGER,
            _described(given_up),
            _described(kept),
            reason,
            proof,
            by,
        )
        # Records merged into the one given up lead to the living one at once: nobody follows two steps.
        Person.objects.filter(Q(pk=given_up.pk) | Q(merged_into=given_up)).update(merged_into=kept)
        User.objects.filter(pk=given_up.user_id).update(is_active=False)
        _tell(change, kept)
    return change


def _obstacles(kept: Person, given_up: Person) -> Sequence[Text]:
    if kept.pk == given_up.pk:
        return [_("这是同一条人员记录。")]
    if kept.merged_into_id or given_up.merged_into_id:
        return [_("其中一条记录已经并入另一条，请从现用的记录办理。")]
    found: list[Text] = []
    opened = [_open_lines(person) for person in (kept, given_up)]
    if all(opened):
        found.append(_("两条记录各有一份申请正在办理，须先办结其中一份。"))
    elif opened[1]:
        found.append(_("被并入的记录有一份申请正在办理，请改为保留这条记录，或者待其办结。"))
    return [*found, *_overlaps(kept, given_up)]


def _open_lines(person: Person) -> bool:
    return DocketEntry.objects.filter(people.rows_of(person), open=True).exists()


def _overlaps(kept: Person, given_up: Person) -> Sequence[Text]:
    """Periods of the two that counted at the same time: nobody is registered twice."""
    # Whichever is kept, the same is said of both.
    pair = sorted((kept, given_up), key=lambda person: person.pk)
    ours, theirs = (_counting(standing.registrations_of(person)) for person in pair)
    found: list[Text] = [
        _(
            "两条记录的注册期重叠：执业证 {one}（{one_from} 至 {one_to}）与执业证 {two}"
            "（{two_from} 至 {two_to}）。须先依法注销或者撤销其中一项注册。"
        ).format(
            one=row.number,
            one_from=begins.isoformat(),
            one_to=ends.isoformat(),
            two=other.number,
            two_from=others.isoformat(),
            two_to=other_ends.isoformat(),
        )
        for row, (begins, ends) in ours
        for other, (others, other_ends) in theirs
        if begins <= other_ends and others <= ends
    ]
    if not found and set(_counting(_together(kept, given_up))) != {*ours, *theirs}:
        return [_("两条记录的注册授予次序与有效期次序不一致，合并后有效期会改变，请先核实历史注册。")]
    return found


def _together(kept: Person, given_up: Person) -> list[Registration]:
    """The registrations of both in the order in which they were granted, as they would stand merged."""
    rows = [*standing.registrations_of(kept), *standing.registrations_of(given_up)]
    return sorted(rows, key=lambda row: (row.granted_on, row.created_at))


def _counting(rows: Sequence[Registration]) -> list[Counting]:
    """Which of these registrations count, and from when to when."""
    spans = standing.counted([Period.of(row) for row in rows])
    return [(row, span) for row, span in zip(rows, spans, strict=True) if span]


def _described(person: Person) -> str:
    return f"{person.name} {person.document_mask}"


# --- What they share -------------------------------------------------------------------------------


def _locked(person_id: UUID, by: User) -> Person:
    person = Person.objects.select_for_update(of=("self",)).get(pk=person_id)
    registrars.require(by, person)
    if person.merged_into_id:
        raise Refusal(_("这条记录已经并入另一条，请从现用的记录办理。"), code="merged")
    return person


def _record(
    person: Person, what: str, before: str, after: str, reason: str, proof: Proof | None, by: User
) -> PersonChange:
    reason = reason.strip()
    if not reason:
        raise Refusal(_("请说明事由。"), code="no_reason")
    if proof is None:
        raise Refusal(_("请上传证明材料。"), code="no_proof")
    return PersonChange.objects.create(
        person=person,
        what=what,
        before=before[:160],
        after=after[:160],
        reason=reason[:REASON_LENGTH],
        by=by,
        at=clock.now(),
        proof_name=proof.name[:150],
        proof_type=proof.file.content_type,
        proof_sha256=proof.file.sha256,
        proof=proof.file.data,
    )


def _tell(change: PersonChange, person: Person) -> None:
    """The person hears of every change of the entry, on the board and where it is urgent by SMS."""
    outbox.post(
        user_id=person.user_id,
        kind="entry_corrected",
        cause=str(change.pk),
        data={
            "what": outbox.in_both(PersonChange.What(change.what).label),
            "before": change.before,
            "after": change.after,
        },
        at=change.at,
    )
