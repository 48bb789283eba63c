"""The roll of people: searched by name, by the numbers of their certificates, and by document.

Names run in the order of their characters; a part of a name is found by its letters, without reading all
rows. A document number is looked up by its digest and stands in no address.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.contrib.postgres.lookups import DataContains
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Collate, Upper

from register import documents, names, people
from register.letters import Letters
from register.models import DocketEntry, DocumentType, Person, Qualification, Registration

PAGE_SIZE: Final = 30
# The order of the index `person_by_name`.
KEY: Final = Collate(Upper("name"), "C")


@dataclass(frozen=True, slots=True)
class Page:
    """Some people in the order of their names, and beside whom others stand."""

    people: tuple[Person, ...]
    before: UUID | None
    after: UUID | None


def named(text: str, *, after: UUID | None = None, before: UUID | None = None, size: int = PAGE_SIZE) -> Page:
    """People in whose name these letters stand in a row; a page of them, after or before one of them.

    Width and case do not count. Records that were merged into another one are found as well.
    """
    wanted = names.normalise(text)
    found = Person.objects.alias(key=KEY)
    if wanted:
        found = found.filter(DataContains(Letters("name"), Letters(Value(wanted))), name__icontains=wanted)
    beside = after or before
    place = Person.objects.filter(pk=beside).first() if beside else None
    ordered = found.order_by("key", "id")
    if place and before:
        rows = list(_beside(ordered, place, forward=False).reverse()[: size + 1])
        shown, behind, ahead = rows[:size][::-1], len(rows) > size, True
    else:
        rows = list((_beside(ordered, place, forward=True) if place else ordered)[: size + 1])
        shown, behind, ahead = rows[:size], place is not None, len(rows) > size
    if not shown:
        return Page((), None, None)
    return Page(tuple(shown), shown[0].pk if behind else None, shown[-1].pk if ahead else None)


def _beside(rows: QuerySet[Person], place: Person, *, forward: bool) -> QuerySet[Person]:
    """The rows after or before this one, in the order of names."""
    how = "gt" if forward else "lt"
    key = Collate(Upper(Value(place.name)), "C")
    return rows.filter(Q(**{f"key__{how}": key}) | Q(Q(key=key), **{f"id__{how}": place.pk}))


def by_number(text: str) -> list[Person]:
    """The people to whom a number leads: of a registration or qualification certificate, of an application
    or of a document, present or former; records merged into another one lead to that one.
    """
    number = "".join(unicodedata.normalize("NFKC", text).split()).upper().replace("-", "")
    keys = {
        *Registration.objects.filter(number=number).values_list("person", flat=True),
        *Qualification.objects.filter(certificate_number=number).values_list("person", flat=True),
        *DocketEntry.objects.filter(reference=number).values_list("person", flat=True),
        *people.keys_by_digest(digests_of(text)).values(),
    }
    found = Person.objects.filter(pk__in=keys).select_related("merged_into")
    living = {person.pk: person for person in map(people.living, found)}
    return sorted(living.values(), key=lambda person: (person.name, person.pk))


def digests_of(text: str) -> Sequence[str]:
    """The digests that a number has as each type of document as which it is well-formed."""
    return [documents.digest(kind, text) for kind in DocumentType.values if _may_be(kind, text)]


def _may_be(kind: str, text: str) -> bool:
    try:
        documents.check(kind, text)
    except ValidationError:
        return False
    return True


def is_name(text: str) -> bool:
    """Whether this may stand in an address: no figure in it, so it is no number of anything."""
    return not any(unicodedata.category(char).startswith("N") and char.isdecimal() for char in text)
