"""Whatever is granted, changed, renewed, ended and merged: nobody is registered twice on any day."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from register import clock, corrections, issuing, standing
from register.corrections import Proof
from register.models import Kind, Person, Registration
from register.policy import SEED
from register.standing import Period
from register.uploads import Sanitised
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import factories
from tests.cast import Cast

pytestmark = pytest.mark.django_db

PROOF = Proof("proof.jpg", Sanitised("image/jpeg", b"\xff\xd8", (b"\xff\xd8",), "0" * 64))
ACTS = st.sampled_from([*Kind.values, "end", "merge"])
STEP = st.tuples(ACTS, st.integers(min_value=0, max_value=900), st.booleans())


def spans_of(person: Person) -> list[tuple[date, date]]:
    return sorted(standing.spans([Period.of(row) for row in standing.registrations_of(person)]))


def act(cast: Cast, what: str, who: Person, other: Person, day: date) -> Registration | None:
    """One act as the desk does it; what the rules refuse changes nothing."""
    values: dict[str, Any] = {
        "category": "A5",
        "employer_name": "北京示例化工有限公司",
        "employer_code": "91110000MA00000152",
        "policy": SEED,
    }
    try:
        with crossing.standing(Desk.AUTHORITY), crossing.atomic():
            if what == "merge":
                corrections.merge(
                    kept_id=who.pk,
                    given_up_id=other.pk,
                    reason="同一人",
                    proof=PROOF,
                    by=cast.user("zhou"),
                )
            elif what == "end":
                rows = standing.registrations_of(who)
                held = standing.counting(rows, day)
                if held is not None:
                    issuing.end(registration=held, how=Registration.End.CANCELLED, on=day, reason="申请")
            else:
                return issuing.grant(
                    case_id=uuid4(), person=who, kind=Kind(what), agency=cast.beijing, on=day, **values
                )
    except Refusal:
        pass
    return None


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(steps=st.lists(STEP, min_size=4, max_size=12))
def test_periods_never_overlap_and_a_change_never_moves_an_expiry(
    cast: Cast, steps: list[tuple[str, int, bool]]
) -> None:
    ours, theirs = factories.person("钱甲"), factories.person("钱乙")
    for person in (ours, theirs):
        factories.qualification(person, issued_on=clock.today() - timedelta(days=4000))
    day = clock.today() - timedelta(days=3600)
    for what, later, swap in steps:
        day += timedelta(days=later)
        who, other = (theirs, ours) if swap else (ours, theirs)
        who.refresh_from_db()
        who = who.merged_into or who
        before = standing.registrations_of(who)
        row = act(cast, what, who, other, day)
        if row is not None and what == Kind.CHANGE:
            assert row.valid_to == before[-1].valid_to
        for person in (ours, theirs):
            person.refresh_from_db()
            found = spans_of(person)
            assert all(one[1] < next_[0] for one, next_ in pairwise(found)), (what, found)
