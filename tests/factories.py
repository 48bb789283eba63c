"""Rows of the national books for tests. Everything is plainly synthetic; numbers carry valid check digits.

They write wherever the test stands, so call them before crossing to a desk.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count
from typing import Any, Final
from uuid import uuid4

from register import clock, documents, people
from register import reference as references
from register.models import (
    DocketCount,
    DocketEntry,
    DocumentType,
    Kind,
    Person,
    Photo,
    Qualification,
    Registration,
    Restriction,
)
from tenants.crypto import sha256_hex
from tenants.models import Agency

_serial = count(1)


# Nobody of the cast and nobody made by `person` was born on this day.
A_STRANGERS_DAY: Final = date(1969, 12, 31)


def id_number(born: date = A_STRANGERS_DAY, *, male: bool = True, serial: int | None = None) -> str:
    """A resident number of no place on earth (110000), with its check digit."""
    order = (serial if serial is not None else next(_serial)) % 500 * 2 + (1 if male else 0)
    return documents.with_check_digit(f"110000{born:%Y%m%d}{order:03d}")


def reference(kind: Kind | str = Kind.INITIAL) -> str:
    """An application number; tests of one run never get the same one."""
    return references.compose(kind, clock.today().year, next(_serial))


def person(
    name: str = "某测试", number: str = "", *, type: str = DocumentType.RESIDENT_ID, **fields: Any
) -> Person:
    """Somebody in the register, with an account and no password."""
    # However many a run makes, all of them are of age and none is too old.
    born = fields.pop("born", date(1970, 1, 1) + timedelta(days=next(_serial) % 9_000))
    made = people.enrol(name=name, document_type=type, number=number or id_number(born))
    if fields:
        Person.objects.filter(pk=made.pk).update(**fields)
        made.refresh_from_db()
    return made


def qualification(person: Person, **fields: Any) -> Qualification:
    """An exam result, by default of last year's exam and well inside the initial window."""
    year = clock.today().year
    values: dict[str, Any] = {
        "certificate_number": f"CS{next(_serial):08d}",
        "exam_year": year - 1,
        "issued_on": date(year, 1, 5),
        "issuer": "示例考试中心",
        **fields,
    }
    return Qualification.objects.create(person=person, **values)


def registration(person: Person, agency: Agency | None = None, **fields: Any) -> Registration:
    """A granted period: by default begun a year ago and valid for three."""
    begins = fields.pop("valid_from", clock.add_years(clock.today(), -1))
    values: dict[str, Any] = {
        "number": f"{next(_serial):011d}",
        "kind": Kind.INITIAL,
        "category": "A5",
        "employer_name": "北京示例化工有限公司",
        "employer_code": "91110000MA00000152",
        "first_registered_on": begins,
        "valid_to": clock.validity_end(begins, 3),
        "granted_on": begins,
        **fields,
    }
    return Registration.objects.create(person=person, agency=agency, valid_from=begins, **values)


def docket_line(person: Person, agency: Agency, **fields: Any) -> DocketEntry:
    """A docket line without a case behind it: enough for whatever reads the docket only."""
    kind = fields.pop("kind", Kind.INITIAL)
    values: dict[str, Any] = {
        "case_id": uuid4(),
        "reference": reference(kind),
        "applicant_name": person.name,
        "employer_name": "北京示例化工有限公司",
        "state": "submitted",
        "open": True,
        "lodged_on": clock.today(),
        "chain_length": 1,
        "chain_head": "",
        "updated_at": clock.now(),
        **fields,
    }
    line = DocketEntry.objects.create(person=person, agency=agency, kind=kind, **values)
    DocketCount.objects.create(agency=agency, state=line.state, change=1)
    return line


def restriction(person: Person, *, until: date, since: date | None = None) -> Restriction:
    """A period in which the person may not apply."""
    begins = since or clock.today()
    return Restriction.objects.create(person=person, reason="提供虚假材料", since=begins, until=until)


def photo(person: Person, data: bytes = b"\xff\xd8 synthetic \xff\xd9") -> Photo:
    """Bytes in place of a portrait, for whatever does not look at it."""
    return Photo.objects.create(person=person, sha256=sha256_hex(data), data=data)
