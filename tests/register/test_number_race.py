"""Certificate numbers drawn at the same time: none twice, none left out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import uuid4

import pytest
from django.db import connection

from register import issuing
from register.models import Kind, Person
from register.policy import SEED
from tenants import crossing
from tenants.crossing import Desk
from tenants.models import Agency
from tests import factories


@pytest.mark.django_db(transaction=True)
def test_four_officers_grant_at_once() -> None:
    beijing = Agency.objects.get(code="beijing")
    shares = [[factories.person(f"某测{officer}{n}") for n in range(5)] for officer in range(4)]

    def officer(share: list[Person]) -> list[str]:
        try:
            return [grant(person) for person in share]
        finally:
            connection.close()

    def grant(person: Person) -> str:
        with crossing.standing(Desk.AUTHORITY), crossing.atomic():
            return issuing.grant(
                case_id=uuid4(),
                person=person,
                kind=Kind.INITIAL,
                category="A5",
                agency=beijing,
                employer_name="示例",
                employer_code="",
                policy=SEED,
                on=date(2026, 11, 23),
            ).number

    with ThreadPoolExecutor(4) as pool:
        drawn = [number for numbers in pool.map(officer, shares) for number in numbers]
    assert sorted(drawn) == [f"26{beijing.number:03d}{n:06d}" for n in range(1, 21)]
