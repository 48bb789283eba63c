from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from pytest_django import DjangoAssertNumQueries

from register import memory, policy
from register.models import Policy as Row

SEED = {
    "validity_years": 3,
    "initial_window_years": 3,
    "renewal_open_months": 3,
    "renewal_close_days_before": 0,
    "deemed_renewal": True,
    "deemed_renewal_days_before": 30,
    "categories": "five",
    "late_initial_allowed": True,
    "ce_hours_required": 48,
    "ce_professional_share": 0.0,
    "reregistration_hours": False,
    "min_age": 18,
    "max_age": None,
    "materials_mode": "paper",
    "correction_notice_days": 5,
    "correction_deadline_days": 10,
    "first_review_days": 20,
    "final_review_days": 20,
    "issue_days": 10,
    "extension_days": 10,
    "remand_days": 10,
    "countersign": False,
    "final_sign_off": False,
    "counter_reset_two_person": False,
    "renewal_same_employer": False,
    "draft_retention_days": 180,
    "certificate_number_pattern": "{year:02d}{agency:03d}{serial:06d}",
    "change_cooldown_months": 0,
    "reapply_ban_false_material": 1,
    "reapply_ban_cheating": 3,
    "reapply_ban_penalty": 5,
    "review_clock_applies": True,
    "photo_background": "white",
    "public_name_mask": False,
    "reconsideration_days": 60,
    "lawsuit_months": 6,
}


def put(key: str, value: Any, valid_from: date) -> None:
    Row.objects.create(key=key, value=value, valid_from=valid_from, source="试验")
    memory.forget_all()


@pytest.mark.django_db
def test_the_seed_values_hold_until_something_else_is_decided() -> None:
    values = policy.current().as_dict()
    values.pop("version")
    assert values == SEED


@pytest.mark.django_db
def test_a_dated_value_holds_from_its_day() -> None:
    put("validity_years", 5, date(2027, 1, 1))
    before, after = policy.current(date(2026, 12, 31)), policy.current(date(2027, 1, 1))
    assert (before.validity_years, after.validity_years) == (3, 5)
    assert before.version == policy.current(date(2026, 1, 1)).version != after.version


@pytest.mark.django_db
def test_the_later_of_two_values_holds() -> None:
    put("renewal_open_months", 12, date(2026, 1, 1))
    put("renewal_open_months", 6, date(2026, 6, 1))
    assert policy.current(date(2026, 5, 31)).renewal_open_months == 12
    assert policy.current(date(2026, 6, 1)).renewal_open_months == 6


@pytest.mark.django_db
def test_what_an_application_froze_is_what_it_gets_back() -> None:
    put("max_age", 70, date(2026, 1, 1))
    frozen = policy.current(date(2026, 2, 1))
    assert policy.Policy.from_dict(json.loads(json.dumps(frozen.as_dict()))) == frozen


def test_a_dossier_older_than_a_key_takes_its_seed() -> None:
    old = policy.Policy.from_dict({"version": "old", "validity_years": 5, "abolished": 1})
    assert (old.version, old.validity_years, old.issue_days) == ("old", 5, 10)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("no_such_key", 1),
        ("version", "x"),
        ("validity_years", 0),
        ("validity_years", "3"),
        ("validity_years", True),
        ("countersign", 1),
        ("max_age", 40),
        ("categories", "eight"),
        ("ce_professional_share", 1.5),
        ("issue_days", -1),
        ("certificate_number_pattern", "{year:02d}{serial:06d}"),
        ("certificate_number_pattern", "{year:02d}{agency:03d}{serial:07d}"),
        ("certificate_number_pattern", "{year.__class__}"),
    ],
)
def test_values_out_of_range_are_refused(key: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        policy.check_value(key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("validity_years", 5),
        ("max_age", None),
        ("max_age", 70),
        ("categories", "seven"),
        ("countersign", True),
        ("certificate_number_pattern", "{agency:03d}{year:02d}{serial:06d}"),
    ],
)
def test_values_in_range_are_taken(key: str, value: Any) -> None:
    policy.check_value(key, value)


@pytest.mark.django_db
def test_one_query_serves_a_request(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        for _ in range(3):
            policy.current()
