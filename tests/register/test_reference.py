from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from register import clock, reference
from register.models import Kind
from tenants import crossing
from tenants.crossing import Desk


@pytest.mark.django_db
def test_the_applicants_desk_draws_numbers_that_never_repeat() -> None:
    with crossing.standing(Desk.APPLICANT):
        drawn = [reference.next_reference(kind) for kind in Kind for _ in range(5)]
    assert len(set(drawn)) == 20
    assert [number[:7] for number in drawn[::5]] == [f"ZC{clock.today().year}{n}" for n in range(1, 5)]
    assert [reference.check(number) for number in drawn] == drawn


def test_the_shape_of_a_number() -> None:
    assert reference.compose(Kind.RENEWAL, 2026, 17) == "ZC202630000174"


@pytest.mark.parametrize("typed", ["zc2026 3000 0174", "ＺＣ202630000174", "ZC-202630000174"])
def test_a_number_as_people_type_it(typed: str) -> None:
    assert reference.check(typed) == "ZC202630000174"


@pytest.mark.parametrize("typed", ["", "ZC202630000175", "ZC202630001074", "ZC20263000017", "XX202630000174"])
def test_a_slip_of_the_finger_is_noticed(typed: str) -> None:
    with pytest.raises(ValidationError):
        reference.check(typed)
