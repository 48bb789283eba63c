"""Issuing and reissuing certificates: draw, sign, store. One registration has never more than one in use.

Drawing takes the better part of a second, so it happens before the transaction. Whoever draws the same first
edition at the same time gets the one that was stored first: a killed worker and a second run make no two.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from notifications import outbox
from register import clock, people, registrars
from register.certificates import codes, sheet, signing
from register.certificates.sheet import Edition
from register.models import Certificate, Person, Registration
from register.standing import counting, registrations_of, status_of
from tenants.crypto import sha256_hex
from tenants.errors import Refusal
from tenants.models import User

OVER: Final = _("该注册已经失效，不能制发执业证。")


def of_person(person: Person) -> QuerySet[Certificate]:
    """All editions of a person's certificates, the latest first, without their files."""
    return Certificate.objects.filter(people.rows_of(person)).defer("data").order_by("-issued_at", "-edition")


def file_name(certificate: Certificate) -> str:
    """What a download is called: nothing in it tells whose it is."""
    return f"registration-certificate-{certificate.edition}.pdf"


def in_use(registration: Registration | UUID) -> Certificate | None:
    """The edition that counts, without its file; None before the first is issued."""
    found = Certificate.objects.filter(registration=registration, void_at__isnull=True)
    return found.defer("data").first()


def in_use_of(registrations: Iterable[Registration]) -> dict[UUID, Certificate]:
    """The editions that count of several registrations, by registration, without their files; one query."""
    keys = [row.pk for row in registrations]
    found = Certificate.objects.filter(registration__in=keys, void_at__isnull=True).defer("data").order_by()
    return {one.registration_id: one for one in found}


def issue(*, registration: Registration, by: User) -> Certificate:
    """The first certificate of a granted registration; the one in use where there is one already.

    Renewals and changes are registrations of their own and bring a certificate of their own. One whose period
    is over in the meantime gets it all the same: whoever asks by its code reads how it stands. Stand at the
    authority's desk, outside of any transaction.

    Raises `Refusal` when the registration is over (`registration_ended`) or nothing can be signed (`no_key`).
    """
    stored = in_use(registration)
    if stored is not None:
        return stored
    _keep_to_living(registration)
    return _make(registration, 1, by=by, occasion=Certificate.Occasion.GRANT, reason="")


def reissue(*, certificate: Certificate, by: User, reason: str) -> Certificate:
    """A new edition in place of this one, which is void from then on; its holder is told.

    For a certificate that was lost or whose data were corrected. Raises `Refusal` for anybody but a
    registrar, on own affairs, without a reason, for an edition that is void already, for a registration that
    is over or was followed by another one, and when somebody else was first (`reissued_already`).
    """
    if not reason.strip():
        raise Refusal(_("请说明补发的理由。"), "no_reason")
    check_open_to_reissue(certificate, by=by)
    return _make(
        certificate.registration,
        certificate.edition + 1,
        by=by,
        occasion=Certificate.Occasion.REISSUE,
        reason=reason.strip(),
    )


def check_open_to_reissue(certificate: Certificate, *, by: User) -> None:
    """Raise the `Refusal` with which `reissue` would answer now."""
    registration = certificate.registration
    registrars.require(by, registration.person)
    if certificate.void_at is not None:
        raise Refusal(_("这一版执业证已经作废，请对现行版本办理补发。"), "void")
    if registration.ended_how or not status_of(registration.person).in_force:
        raise Refusal(OVER, "registration_ended")
    today = clock.today()
    counts = counting(registrations_of(registration.person), today)
    if registration.valid_from <= today and (counts is None or counts.pk != registration.pk):
        raise Refusal(_("该注册已由后来的注册取代，请对后来的执业证办理补发。"), "superseded")


def _make(
    registration: Registration, number: int, *, by: User, occasion: Certificate.Occasion, reason: str
) -> Certificate:
    signing.check_key()
    edition = Edition(number=number, occasion=occasion, code=codes.draw(), on=clock.today())
    while True:
        drawn = sheet.facts(registration)
        pdf = signing.sign(sheet.draw(registration, edition))
        with transaction.atomic():
            registration = _held(registration)
            stored = _edition_stored(registration, edition, by)
            if stored is not None:
                return stored
            # What was corrected while it was drawn is drawn once more.
            if sheet.facts(registration) == drawn:
                return _store(registration, edition, pdf, by=by, reason=reason)


def _held(registration: Registration) -> Registration:
    """The registration as it stands, locked: ending it, and storing an edition of it, waits."""
    held = Registration.objects.select_for_update(of=("self",)).get(pk=registration.pk)
    held.person = Person.objects.select_related("merged_into").get(pk=held.person_id)
    return held


def _edition_stored(held: Registration, edition: Edition, by: User) -> Certificate | None:
    """Whoever was first with a first edition serves all; a reissue is told of to whoever asked for it only.

    Raises `Refusal` for an edition that must not be made any more.
    """
    stored = Certificate.objects.filter(registration=held, edition=edition.number).defer("data").first()
    if edition.occasion is Certificate.Occasion.REISSUE:
        if stored is not None:
            raise Refusal(_("这一版执业证已由他人补发，请查看现行版本。"), "reissued_already")
        before = Certificate.objects.filter(registration=held, edition=edition.number - 1).defer("data").get()
        before.registration = held
        check_open_to_reissue(before, by=by)
    elif stored is None:
        _keep_to_living(held)
    return stored


def _keep_to_living(registration: Registration) -> None:
    # A period that is over is no hindrance: what was granted gets its certificate, its code tells the rest.
    if registration.ended_how:
        raise Refusal(OVER, "registration_ended")


def _store(held: Registration, edition: Edition, pdf: bytes, *, by: User, reason: str) -> Certificate:
    at = clock.now()
    Certificate.objects.filter(registration=held, void_at__isnull=True).update(void_at=at)
    made = Certificate.objects.create(
        registration=held,
        person_id=held.person_id,
        edition=edition.number,
        occasion=edition.occasion,
        code=edition.code,
        reason=reason,
        issued_on=edition.on,
        issued_at=at,
        issued_by=by,
        sha256=sha256_hex(pdf),
        data=pdf,
    )
    if edition.occasion is Certificate.Occasion.REISSUE:
        _tell(made)
    return made


def _tell(made: Certificate) -> None:
    outbox.post(
        user_id=people.living(made.registration.person).user_id,
        kind="reissued",
        cause=str(made.pk),
        data={"number": made.registration.number, "edition": made.edition, "reason": made.reason},
        at=made.issued_at,
    )
