"""The sheet of a certificate, drawn from the register as it stands: no emblem, no imitation of a seal."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import override

from register import codes as codelists
from register import people, printing
from register.certificates import codes
from register.models import Certificate, Registration
from tenants.models import AUTHORITY_CODE, Agency

TEMPLATE: Final = "print/certificate.html"
TITLE: Final = "注册安全工程师执业证"
MADE_FOR_A_DEMONSTRATION: Final = "演示证书"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What a certificate says beside the registration: which one it is, and how it is verified."""

    number: int
    occasion: Certificate.Occasion
    code: str
    on: dt.date


def address_of(code: str) -> str:
    """The page on which everybody sees how the registration stands today."""
    return f"{_public_site()}{reverse('verify', args=[code], urlconf=settings.ROOT_URLCONF)}"


def short_address() -> str:
    """Where the code can be typed, as it is printed."""
    path = reverse("verify", urlconf=settings.ROOT_URLCONF)
    return f"{_public_site().partition('://')[2]}{path}".rstrip("/")


def html_of(registration: Registration, edition: Edition) -> str:
    """The certificate as HTML. Only the mask of the document number stands in it."""
    person, address = people.living(registration.person), address_of(edition.code)
    with override("zh-hans"):
        photo = person.photo
        context = {
            "title": TITLE,
            "person": person,
            "registration": registration,
            "edition": edition,
            "occasion": edition.occasion.label,
            "sex": person.get_sex_display(),
            "category": codelists.label("category", registration.category),
            "agency": registration.agency.name_zh if registration.agency else "",
            "issuer": Agency.objects.get(code=AUTHORITY_CODE).name_zh,
            "photo": printing.picture_uri(bytes(photo.data)) if photo else "",
            "first_on": _day(registration.first_registered_on),
            "valid_from": _day(registration.valid_from),
            "valid_to": _day(registration.valid_to),
            "issued_on": _day(edition.on),
            "code": codes.grouped(edition.code),
            "address": address,
            "short_address": short_address(),
            "qr": printing.qr_svg(address),
            "mark_word": MADE_FOR_A_DEMONSTRATION if settings.DEMO else "",
        }
        return render_to_string(TEMPLATE, context)


def facts(registration: Registration) -> tuple[object, ...]:
    """What the sheet says of person and registration: two that are equal draw the same sheet."""
    person = people.living(registration.person)
    return (
        *(person.name, person.sex, person.document_mask, person.photo_id),
        *(registration.number, registration.category, registration.employer_name, registration.agency_id),
        *(registration.first_registered_on, registration.valid_from, registration.valid_to),
    )


def draw(registration: Registration, edition: Edition) -> bytes:
    """The unsigned PDF."""
    return printing.render_pdf(html_of(registration, edition))


def _public_site() -> str:
    port = f":{settings.SITE_PORT}" if settings.SITE_PORT else ""
    return f"{settings.SITE_SCHEME}://{settings.APPLICANT_HOSTS[0]}{port}"


def _day(day: dt.date) -> str:
    return date_format(day, "Y年n月j日")
