"""Drafts that a window closes over, or a bar meets, between their beginning and 上报."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from intake import circumstances, completeness, filing
from intake.filing import Incomplete
from intake.flows import Section
from intake.models import Application
from register import clock, memory
from register.clock import SHANGHAI
from register.models import DocketEntry, Kind, Policy
from review.models import Case
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import factories
from tests.cast import Cast
from tests.intake.desk import EMPLOYER, add_row, filled

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shifted_clock")]


def at(day: date, hour: int = 9) -> None:
    """It is now this day in Shanghai."""
    clock.travel_to(datetime.combine(day, time(hour), SHANGHAI))


def again(draft: Application) -> Application:
    found = filing.application_of(draft.person, draft.pk)
    assert found is not None
    return found


def misses(draft: Application) -> list[tuple[str, str]]:
    found = completeness.check(draft, circumstances.of(draft))
    return [(miss.section.value, miss.field) for miss in found.misses]


def course(day: date) -> dict[str, str]:
    """All hours of a period on one day."""
    return {
        "from": day.isoformat(),
        "to": day.isoformat(),
        "provider": "示例培训中心",
        "course": "安全生产管理",
        "hours": "48",
        "certificate": "P1",
    }


def lodged_with(draft: Application) -> str:
    """The code of the refusal; empty when it was lodged."""
    try:
        filing.lodge(application=draft)
    except Refusal as no:
        return no.code
    return ""


def test_an_initial_registration_lodged_on_the_last_evening_is_in_time(cast: Cast) -> None:
    last = clock.add_years(cast.qualifications["zhang"].issued_on, 3)
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
        at(last, 23)
        assert lodged_with(draft) == ""
        assert again(draft).late is False


def test_a_draft_that_has_become_late_asks_for_the_hours_and_then_goes(cast: Cast) -> None:
    last = clock.add_years(cast.qualifications["zhang"].issued_on, 3)
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
        at(last + timedelta(days=1), 0)
        with pytest.raises(Incomplete):
            filing.lodge(application=draft)
        assert again(draft).late is True
        assert ("education", "rows") in misses(again(draft))
        add_row(application=again(draft), section=Section.EDUCATION, row=course(last))
        assert lodged_with(again(draft)) == ""
    assert DocketEntry.objects.get().kind == Kind.INITIAL


def test_late_is_refused_where_the_policy_has_closed_it_meanwhile(cast: Cast) -> None:
    last = clock.add_years(cast.qualifications["zhang"].issued_on, 3)
    Policy.objects.create(key="late_initial_allowed", value=False, valid_from=last)
    memory.forget_all()
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
        at(last + timedelta(days=1))
        assert lodged_with(draft) == "window_over"
        assert again(draft).status == Application.Status.DRAFT


def renewal_of(cast: Cast, expiry: date) -> Application:
    begins = clock.add_years(expiry + timedelta(days=1), -3)
    factories.registration(cast.zhang, cast.beijing, valid_from=begins, valid_to=expiry)
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing, Kind.RENEWAL)
        filing.save_step(application=draft, section=Section.PERFORMANCE, data={"text": "履职情况良好。"})
        add_row(application=again(draft), section=Section.EDUCATION, row=course(begins))
    return again(draft)


@pytest.mark.parametrize(
    ("policy", "days", "code"),
    [
        ({}, 0, ""),
        ({}, 1, "expired"),
        ({"renewal_close_days_before": 30}, -30, ""),
        ({"renewal_close_days_before": 30}, -29, "too_late"),
    ],
)
def test_a_renewal_is_lodged_until_the_window_closes(
    cast: Cast, policy: dict[str, Any], days: int, code: str
) -> None:
    expiry = clock.today() + timedelta(days=40)
    for key, value in policy.items():
        Policy.objects.create(key=key, value=value, valid_from=date(2000, 1, 1))
    memory.forget_all()
    draft = renewal_of(cast, expiry)
    with cast.at_applicants_desk(cast.zhang):
        at(expiry + timedelta(days=days), 23)
        assert lodged_with(again(draft)) == code


@pytest.mark.parametrize(
    ("same_employer", "held", "now", "code"),
    [
        (False, {}, {}, ""),
        (False, {}, {"code": "91310000MA1ABCDE8U"}, ""),
        (True, {}, {}, ""),
        (True, {}, {"code": "91310000MA1ABCDE8U"}, "incomplete"),
        (True, {}, {"name": "北京示例化工股份有限公司"}, ""),  # the code tells
        (True, {"employer_code": ""}, {}, ""),
        (True, {"employer_code": ""}, {"name": "上海示例物流有限公司"}, "incomplete"),  # the name tells
    ],
)
def test_a_new_employer_keeps_a_renewal_from_being_lodged_where_the_policy_says_so(
    cast: Cast, same_employer: bool, held: dict[str, str], now: dict[str, str], code: str
) -> None:
    Policy.objects.create(key="renewal_same_employer", value=same_employer, valid_from=date(2000, 1, 1))
    memory.forget_all()
    draft = renewal_of(cast, clock.today() + timedelta(days=40))
    cast.zhang.registrations.update(**held)
    with cast.at_applicants_desk(cast.zhang):
        filing.save_step(application=draft, section=Section.EMPLOYER, data={**EMPLOYER, **now})
        assert lodged_with(again(draft)) == code


def test_a_restriction_entered_meanwhile_refuses(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
    factories.restriction(cast.zhang, until=clock.today())
    with cast.at_applicants_desk(cast.zhang):
        assert lodged_with(draft) == "restricted"
        at(clock.today() + timedelta(days=1))
        assert lodged_with(draft) == ""


def test_the_policy_is_frozen_on_the_day_of_lodging(cast: Cast) -> None:
    tomorrow = clock.today() + timedelta(days=1)
    Policy.objects.create(key="validity_years", value=5, valid_from=tomorrow)
    Policy.objects.create(key="validity_years", value=9, valid_from=tomorrow + timedelta(days=1))
    memory.forget_all()
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
        at(tomorrow)
        filing.lodge(application=draft)
        at(tomorrow + timedelta(days=1))
    with crossing.standing(Desk.AGENCY, cast.beijing):
        assert Case.objects.get(pk=draft.pk).policy["validity_years"] == 5
