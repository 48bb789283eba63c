"""The guides tell the law's numbers of the day, and only what holds under the policy in force."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.test import Client

from intake import flows
from register import memory
from register.models import Kind, Policy
from register.policy import SEED
from tests.intake.desk import HOST, words

pytestmark = pytest.mark.django_db


def told(kind: Kind, **changes: Any) -> str:
    guide = flows.guide_of(kind, replace(SEED, **changes))
    return " ".join((guide.condition, guide.when, *guide.terms))


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        (Kind.INITIAL, {}, "取得资格证书之日起 3 年内"),
        (Kind.INITIAL, {"initial_window_years": 5}, "取得资格证书之日起 5 年内"),
        (Kind.INITIAL, {}, "按逾期初始注册办理，须提交不少于 48 学时的继续教育证明。"),
        (Kind.INITIAL, {"ce_hours_required": 24}, "不少于 24 学时"),
        (Kind.INITIAL, {"late_initial_allowed": False}, "超过期限的，不再办理初始注册。"),
        (Kind.INITIAL, {"validity_years": 5}, "注册有效期为 5 年。"),
        (Kind.INITIAL, {"max_age": 70}, "申请时年龄不超过 70 周岁。"),
        (Kind.CHANGE, {}, "变更办理期间不得执业，注册有效期不变。"),
        (Kind.CHANGE, {"change_cooldown_months": 12}, "两次变更注册须间隔 12 个月。"),
        (Kind.RENEWAL, {}, "有效期最后 3 个月内"),
        (Kind.RENEWAL, {"renewal_open_months": 12}, "有效期最后 12 个月内"),
        (Kind.RENEWAL, {"renewal_close_days_before": 30}, "须在有效期届满 30 日前提出申请。"),
        (Kind.RENEWAL, {}, "有效期届满 30 日前提出申请、届满时审批机关还没有作出决定的，视为准予延续。"),
        (Kind.RENEWAL, {"renewal_same_employer": True}, "须由原聘用单位聘用"),
        (Kind.RENEWAL, {}, "继续教育不少于 48 学时。"),
        (Kind.RENEWAL, {"validity_years": 5}, "注册有效期为 5 年。"),
        (Kind.REREGISTRATION, {}, "被撤销的，3 年内不得再次申请。"),
        (Kind.REREGISTRATION, {"reapply_ban_cheating": 5}, "被撤销的，5 年内不得再次申请。"),
        (Kind.REREGISTRATION, {}, "注册被吊销的，5 年内不得再次申请。"),
        (Kind.REREGISTRATION, {"reregistration_hours": True}, "须提交不少于 48 学时的继续教育证明。"),
    ],
)
def test_a_guide_follows_the_policy(kind: Kind, changes: dict[str, Any], said: str) -> None:
    assert said in told(kind, **changes)


@pytest.mark.parametrize(
    ("kind", "changes", "unsaid"),
    [
        (Kind.INITIAL, {"late_initial_allowed": False}, "逾期初始注册"),
        (Kind.INITIAL, {}, "周岁"),
        (Kind.CHANGE, {}, "间隔"),
        (Kind.RENEWAL, {}, "须在有效期届满"),
        (Kind.RENEWAL, {"deemed_renewal": False}, "视为"),
        (Kind.RENEWAL, {}, "原聘用单位"),
        (Kind.RENEWAL, {"ce_hours_required": 0}, "学时"),
        (Kind.REREGISTRATION, {}, "学时"),
        (Kind.REREGISTRATION, {"reapply_ban_cheating": 0}, "撤销的"),
    ],
)
def test_a_guide_tells_nothing_that_does_not_hold(kind: Kind, changes: dict[str, Any], unsaid: str) -> None:
    assert unsaid not in told(kind, **changes)


def test_hours_are_a_step_of_a_re_registration_where_the_policy_asks_for_them() -> None:
    step = "填写继续教育信息"
    asked = flows.guide_of(Kind.REREGISTRATION, replace(SEED, reregistration_hours=True))
    assert step in [str(each) for each in asked.steps]
    assert step not in [str(each) for each in flows.guide_of(Kind.REREGISTRATION, SEED).steps]


def test_the_public_guides_show_a_change_of_the_policy_on_its_day() -> None:
    client = Client(HTTP_HOST=HOST)
    assert "取得资格证书之日起 3 年内" in words(client.get("/guides/initial/").content)
    Policy.objects.create(key="initial_window_years", value=5, valid_from=date(2000, 1, 1))
    Policy.objects.create(key="first_review_days", value=15, valid_from=date(2000, 1, 1))
    Policy.objects.create(key="validity_years", value=9, valid_from=date(2999, 1, 1))
    memory.forget_all()
    page = words(client.get("/guides/initial/").content)
    assert "取得资格证书之日起 5 年内" in page
    assert "受理 5 个、初审 15 个、终审 20 个、制发证书 10 个工作日。" in page
    assert "注册有效期为 3 年。" in page
