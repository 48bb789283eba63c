"""The frozen content of an application (申请材料): one JSON document from draft, roster and register.

Print, screen, case and receipt are made from it, and it carries no full document number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from intake import papers
from intake.circumstances import Circumstances
from intake.flows import Section
from intake.forms import Stored
from intake.hours import tally_of
from intake.models import Application
from register.models import Kind, Qualification, Registration
from register.models import Photo as StoredPhoto
from tenants import crypto

Answers = Sequence[dict[str, str]]

SCHEMA_VERSION: Final = 1
# Each paper carries its own hash beside the form's digest; the policy is a fact of the day of lodging; what
# is answered to a correction in words stands in the movement, for the form that was signed stays as it was.
NOT_IN_DIGEST: Final = frozenset({"papers", "policy_version", "answers"})

PERSONAL_FIELDS: Final = (
    "education",
    "degree",
    "school",
    "major",
    "graduation_date",
    "study_mode",
    "title",
    "title_name",
    "post",
    "mobile",
    "email",
    "phone",
    "address",
    "postcode",
)
EMPLOYER_FIELDS: Final = (
    "name",
    "code",
    "attribute",
    "ownership",
    "industry",
    "group",
    "legal_representative",
    "province",
    "city",
    "district",
    "address",
    "postcode",
    "headcount",
    "contact",
    "phone",
    "email",
    "post",
    "contract_from",
    "contract_to",
)
EXPERIENCE_FIELDS: Final = ("from", "to", "employer", "post", "work", "witness", "witness_phone")
EDUCATION_FIELDS: Final = (
    "from",
    "to",
    "provider",
    "course",
    "course_class",
    "hours",
    "certificate",
    # Entered by an agency, not by the applicant.
    "imported",
)


@dataclass(frozen=True, slots=True)
class Frozen:
    """Content, photo and the form digest over both."""

    content: dict[str, Any]
    photo: bytes | None
    digest: str


def freeze(application: Application, about: Circumstances, *, answers: Answers = ()) -> Frozen:
    """The content as it would be lodged now. The same input always has the same digest."""
    content = content_of(application, about, answers=answers)
    photo = photo_of(application)
    return Frozen(content=content, photo=photo, digest=digest_of(content))


def digest_of(content: dict[str, Any]) -> str:
    """SHA-256 over the canonical JSON of sections and photo: the digest shown on screen, print and case."""
    counted = {key: value for key, value in content.items() if key not in NOT_IN_DIGEST}
    return crypto.sha256_hex(crypto.canonical_json(counted))


def photo_of(application: Application) -> bytes | None:
    """The bytes of the application's photo."""
    photo = application.photo
    if photo is None:
        return None
    if "data" not in photo.get_deferred_fields():
        return bytes(photo.data)
    return bytes(StoredPhoto.objects.values_list("data", flat=True).get(pk=photo.pk))


def content_of(application: Application, about: Circumstances, *, answers: Answers = ()) -> dict[str, Any]:
    """The whole content by the names that print and case pages know.

    `answers` are what the applicant says to the items of a correction.
    """
    sections: dict[str, Any] = application.sections
    agency = about.agency
    return {
        "schema_version": SCHEMA_VERSION,
        "reference": application.reference,
        "kind": str(about.kind),
        "late": application.late,
        "channel": about.channel,
        "agency": {
            "code": agency.code if agency else "",
            "name_zh": agency.name_zh if agency else "",
            "name_en": agency.name_en if agency else "",
            "number": agency.number if agency else 0,
        },
        "personal": _personal(sections.get(Section.PERSONAL) or {}, about),
        "qualification": _qualification(about.qualification),
        "registration": _registration(sections.get(Section.REGISTRATION) or {}, about),
        "employer": _employer(sections.get(Section.EMPLOYER) or {}),
        "experience": _rows(sections.get(Section.EXPERIENCE, []), EXPERIENCE_FIELDS),
        "education": _education(sections.get(Section.EDUCATION, []), about),
        "performance": (sections.get(Section.PERFORMANCE) or {}).get("text", ""),
        "declaration": _declaration(sections.get(Section.DECLARATION) or {}),
        "answers": list(answers),
        "papers": papers.lines_of(application),
        "photo": {"sha256": application.photo.sha256 if application.photo else ""},
        "policy_version": about.policy.version,
    }


def _picked(stored: Stored, names: tuple[str, ...]) -> dict[str, str]:
    return {name: str(stored.get(name) or "") for name in names}


def _rows(rows: list[Stored], names: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows in order of time, without the keys by which the page finds them."""
    ordered = sorted(rows, key=lambda row: (row["from"], row["to"] or "9999"))
    return [_picked(row, names) for row in ordered]


def _education(rows: list[Stored], about: Circumstances) -> list[dict[str, str]]:
    """The courses that count: filled in, or entered by an agency."""
    if not about.hours_count:
        return []
    return [_picked(course.row, EDUCATION_FIELDS) for course in tally_of(rows, about).counted]


def _personal(stored: Stored, about: Circumstances) -> dict[str, str]:
    person = about.person
    birth_date = person.birth_date.isoformat() if person.birth_date else stored.get("birth_date", "")
    return {
        "person": str(person.pk),
        "name": person.name,
        "sex": stored.get("sex") or person.sex,
        "birth_date": birth_date,
        "id_type": person.document_type,
        "id_mask": person.document_mask,
        "id_digest": person.document_digest,
        **_picked(stored, PERSONAL_FIELDS),
    }


def _qualification(held: Qualification | None) -> dict[str, Any]:
    if held is None:
        return {}
    return {
        "level": held.level,
        "certificate_number": held.certificate_number,
        "management_number": held.management_number,
        "exam_year": held.exam_year,
        "issued_on": held.issued_on.isoformat(),
        "issuer": held.issuer,
        "category": held.category,
    }


def _registration(stored: Stored, about: Circumstances) -> dict[str, Any]:
    held = about.registration
    # A renewal goes on with the registered category, and so does a change that leaves it alone.
    goes_on = held.category if held and about.kind in (Kind.CHANGE, Kind.RENEWAL) else ""
    category = goes_on if about.kind == Kind.RENEWAL else stored.get("category") or goes_on
    content: dict[str, Any] = {"category": category}
    if held is not None:
        content |= {
            "number": held.number,
            "first_registered_on": held.first_registered_on.isoformat(),
            "valid_from": held.valid_from.isoformat(),
            "valid_to": held.valid_to.isoformat(),
        }
    if about.kind == Kind.CHANGE:
        content |= {"change_items": sorted(stored.get("change_items", [])), "former": _former(held)}
    return content


def _former(held: Registration | None) -> dict[str, str]:
    if held is None:
        return {}
    return {
        "category": held.category,
        "employer_name": held.employer_name,
        "employer_code": held.employer_code,
    }


def _employer(stored: Stored) -> dict[str, Any]:
    return {
        **_picked(stored, EMPLOYER_FIELDS),
        "contract_open_ended": bool(stored.get("contract_open_ended")),
    }


def _declaration(stored: Stored) -> dict[str, Any]:
    return {"agreed": bool(stored.get("agreed")), "delivery": stored.get("delivery", "")}
