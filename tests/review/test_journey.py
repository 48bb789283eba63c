"""The way of one application over the pages of both desks."""

from __future__ import annotations

import pytest

from register.models import Registration
from review import checklist
from review.models import Case
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tests import casefiles
from tests.cast import Cast
from tests.review.desks import at_desk, line_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def submitted(cast: Cast) -> Case:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        return casefiles.lodge(cast.zhang, cast.beijing)


def all_in_order(**more: str) -> dict[str, str]:
    return {f"verdict-{item.key}": "ok" for item in checklist.ITEMS} | {"version": "1"} | more


def test_from_the_queue_to_the_register(cast: Cast, submitted: Case) -> None:
    li = at_desk(cast, "li")
    assert submitted.reference in li.page("/")
    assert "已领取" in li.act(submitted, "holding")
    assert "确定受理这份申请吗" in li.page(f"/cases/{submitted.pk}/acceptance/")
    assert "已受理" in li.act(submitted, "acceptance")
    assert "出具初审意见" in li.act(submitted, "checks", **all_in_order(then="give_opinion"))
    assert "案卷待报送" in li.act(submitted, "opinion", verdict="pass", text="")
    assert "已报送终审" in li.act(submitted, "referral")

    zhao = at_desk(cast, "zhao")
    assert submitted.reference in zhao.page("/")
    assert "北京" in zhao.page(f"/cases/{submitted.pk}/")
    assert "已领取" in zhao.act(submitted, "holding")
    assert "有效期自今日起 3 年" in zhao.page(f"/cases/{submitted.pk}/approval/")
    assert "已准予注册" in zhao.act(submitted, "approval", text="")

    assert line_now(submitted.pk).state == State.FINAL_PASSED
    with crossing.standing(Desk.AUTHORITY):
        registration = Registration.objects.get(case_id=submitted.pk)
    assert registration.number in zhao.page(f"/cases/{submitted.pk}/")
    assert registration.number in li.page(f"/cases/{submitted.pk}/")
