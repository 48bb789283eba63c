"""The page of the policy values: who reads, who enters, what is shown before, and that running cases stay."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from register import clock, memory, policy, policy_book
from register.models import Policy as Row
from register.models import Registration
from review import casework
from review.forms.policies import PolicyForm
from review.models import Case
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import User
from tests import casefiles, factories
from tests.cast import Cast
from tests.review.desks import DeskClient, at_desk, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("a_november_day")]

SOURCE = "示例文件〔2026〕1号第十八条"
NEW_YEAR = "2027-01-01"


@pytest.fixture
def a_november_day(shifted_clock: None) -> None:
    on("2026-11-23")


def on(day: str) -> None:
    clock.travel_to(datetime.fromisoformat(f"{day}T10:00").replace(tzinfo=clock.SHANGHAI))
    memory.forget_all()


def given(value: Any, valid_from: str = NEW_YEAR, source: str = SOURCE) -> dict[str, str]:
    return {"value": str(value), "valid_from": valid_from, "source": source}


def preview(client: DeskClient, key: str, value: Any, **more: str) -> str:
    return words(client.post(f"/policies/{key}/new/", given(value, **more)))


def enter(client: DeskClient, key: str, value: Any, stored: Any = None, **more: str) -> str:
    """Confirm what a preview was shown for."""
    data = given(value, **more)
    seen = f"{value if stored is None else stored} {data['valid_from']}"
    return words(client.post(f"/policies/{key}/new/", {**data, "confirmed": seen}, follow=True))


# --- Who ---------------------------------------------------------------------------------------------------


def test_everybody_at_the_authority_reads_and_only_the_administrator_changes(cast: Cast) -> None:
    row = Row.objects.create(key="validity_years", value=5, valid_from=date(2027, 1, 1), source=SOURCE)
    for who in ("zhao", "qian", "zhou", "wei"):
        desk = at_desk(cast, who)
        assert desk.get("/policies/").status_code == 200, who
        for path in (
            "/policies/validity_years/new/",
            f"/policies/validity_years/values/{row.pk}/withdrawal/",
        ):
            found = (desk.get(path).status_code, desk.post(path, given(4)).status_code)
            assert found == (404, 404), (who, path)
    page = desk.page("/policies/")
    assert "注册有效期 3 年 初始值" in page
    assert "2027年1月1日起：5 年" in page
    assert "录入新值" not in page
    assert SOURCE in desk.page("/policies/validity_years/")
    assert Row.objects.count() == 1


def test_no_agency_has_this_page(cast: Cast) -> None:
    assert at_desk(cast, "chen").get("/policies/").status_code == 404


def test_every_key_stands_on_the_page_in_plain_words(cast: Cast) -> None:
    assert set(policy_book.BY_KEY) == set(policy.KEYS)
    feng = at_desk(cast, "feng")
    page = feng.page("/policies/")
    assert [one.key for one in policy_book.BY_KEY.values() if str(one.label) not in page] == []
    assert [key for key in policy.KEYS if key in page] == []
    assert feng.get("/policies/no_such_key/").status_code == 404
    # One page of each kind of field; the fields themselves are looked at below.
    for one in {key.field: key for key in policy_book.BY_KEY.values()}.values():
        assert "预览影响" in feng.page(f"/policies/{one.key}/new/"), one.key


@pytest.mark.parametrize("key", policy.KEYS)
def test_every_key_has_a_form_that_shows_its_value_and_takes_it_back(key: str) -> None:
    one, now = policy_book.BY_KEY[key], getattr(policy.SEED, key)
    first = PolicyForm(key=one, now=now)
    value = first["value"].value()
    html = str(first["value"])
    assert value in {None, ""} or str(value) in html
    again = PolicyForm(given("" if value is None else value), key=one, now=now)
    assert (again.is_valid(), again.errors, again.cleaned_data["value"]) == (True, {}, now)


# --- Before it is written ------------------------------------------------------------------------------


def test_the_preview_tells_whom_it_concerns_and_writes_nothing(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        casefiles.lodge(cast.zhang, cast.beijing)
    said = preview(at_desk(cast, "feng"), "validity_years", 5)
    assert "2027年1月1日起由“3 年”改为“5 年”" in said
    assert "现有 1 件在办案卷不受影响" in said
    assert "有效期 5 年，至 2031-12-31（原值：3 年，至 2029-12-31）" in said
    assert Row.objects.count() == 0


def test_the_preview_of_a_window_counts_the_registered(cast: Cast) -> None:
    # Expires in May: open from the New Year by twelve months, not by three. In February: by both.
    factories.registration(cast.zhang, cast.beijing, valid_to=date(2027, 5, 31))
    factories.registration(cast.sun, cast.beijing, valid_to=date(2027, 2, 28))
    factories.registration(cast.gu, cast.beijing, valid_to=date(2029, 2, 28))
    gone = factories.person()
    factories.registration(gone, cast.beijing, valid_to=date(2026, 12, 1))
    said = preview(at_desk(cast, "feng"), "renewal_open_months", 12)
    assert "2027年1月1日有 3 名已注册人员的延续申请期与现在不同" in said
    assert "其中 1 人自当日起即可申请延续（按原值尚不能），0 人自当日起不能申请" in said
    assert "有效期至 2028-01-01 的注册，延续注册的申请期为 2027-01-01 至 2028-01-01" in said


def test_what_is_confirmed_is_what_was_previewed(cast: Cast) -> None:
    feng = at_desk(cast, "feng")
    answer = feng.post(
        "/policies/validity_years/new/", {**given(6), "confirmed": f"5 {NEW_YEAR}"}, follow=True
    )
    assert "改为“6 年”" in words(answer)
    assert Row.objects.count() == 0


@pytest.mark.parametrize(
    ("key", "value", "more", "said"),
    [
        ("validity_years", 5, {"valid_from": "2026-11-23"}, "新值最早从明天起生效"),
        ("validity_years", 5, {"valid_from": "2020-01-01"}, "新值最早从明天起生效"),
        ("validity_years", 5, {"valid_from": "某日"}, "日期无效"),
        ("validity_years", 5, {"source": " "}, "请写明依据"),
        ("validity_years", "", {}, "请填写新值"),
        ("validity_years", 21, {}, "不能大于 20"),
        ("validity_years", 3, {}, "与此前生效的值相同"),
        ("final_review_days", 0, {}, "不能小于 1"),
        ("max_age", 59, {}, "不能小于 60"),
        ("renewal_close_days_before", 120, {}, "延续注册在开放以前就截止了"),
        ("deemed_renewal_days_before", 120, {}, "视为延续须在期满前 120 日上报"),
        ("renewal_open_months", 1, {}, "视为延续须在期满前 30 日上报"),
        ("certificate_number_pattern", "{year:02d}{serial:06d}", {}, "不在允许范围内"),
        ("categories", "eight", {}, "请选择列出的值"),
    ],
)
def test_what_may_not_be_entered(db: None, key: str, value: Any, more: dict[str, str], said: str) -> None:
    one = policy_book.BY_KEY[key]
    form = PolicyForm(given(value, **more), key=one, now=policy_book.standing(one, clock.today()).value)
    if not form.is_valid():
        assert [said in str(errors) for errors in form.errors.values()] == [True]
        return
    new = {"key": one, "value": form.cleaned_data["value"], "valid_from": form.cleaned_data["valid_from"]}
    for attempt in (
        lambda: policy_book.check(**new),
        lambda: policy_book.enter(**new, source=SOURCE, by=User(name="冯管理"), at=clock.now()),
    ):
        with pytest.raises(Refusal) as no:
            attempt()
        assert said in str(no.value.message)
    assert Row.objects.count() == 0


def test_what_may_not_be_entered_is_said_on_the_page(cast: Cast) -> None:
    feng = at_desk(cast, "feng")
    for value, said in ((21, "不能大于 20"), (3, "与此前生效的值相同")):
        assert said in preview(feng, "validity_years", value)
        assert said in enter(feng, "validity_years", value)
    assert Row.objects.count() == 0


def test_contradictions_are_seen_on_every_day_to_come(cast: Cast) -> None:
    feng = at_desk(cast, "feng")
    assert "已录入" in enter(feng, "renewal_open_months", 12)
    assert "已录入" in enter(feng, "renewal_close_days_before", 120, valid_from="2027-03-01")
    # By March the close would come before the opening again.
    said = enter(feng, "renewal_open_months", 2, valid_from="2027-06-01")
    assert "2027年6月1日起：延续注册在开放以前就截止了" in said
    # And what others rest on is not taken back.
    row = Row.objects.get(key="renewal_open_months")
    page = words(feng.post(f"/policies/renewal_open_months/values/{row.pk}/withdrawal/", follow=True))
    assert "2027年3月1日起：延续注册在开放以前就截止了" in page
    row.refresh_from_db()
    assert row.withdrawn_at is None


# --- Written, and taken back -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "stored"),
    [
        ("validity_years", 5, 5),
        ("final_sign_off", "yes", True),
        ("ce_professional_share", 50, 0.5),
        ("categories", "seven", "seven"),
        ("max_age", 70, 70),
        (
            "certificate_number_pattern",
            "{agency:03d}{year:02d}{serial:06d}",
            "{agency:03d}{year:02d}{serial:06d}",
        ),
    ],
)
def test_a_value_counts_from_its_day(db: None, key: str, value: Any, stored: Any) -> None:
    one = policy_book.BY_KEY[key]
    form = PolicyForm(given(value), key=one, now=getattr(policy.SEED, key))
    assert (form.is_valid(), form.cleaned_data["value"]) == (True, stored)
    by = User.objects.create_staff(username="feng", name="冯管理")
    new = {"key": one, "value": stored, "valid_from": date(2027, 1, 1), "source": SOURCE, "by": by}
    policy_book.enter(**new, at=clock.now())
    memory.forget_all()
    before, after = policy.current(date(2026, 12, 31)), policy.current(date(2027, 1, 1))
    assert (getattr(before, key), getattr(after, key)) == (getattr(policy.SEED, key), stored)
    with pytest.raises(Refusal) as no:
        policy_book.enter(**new, at=clock.now())
    assert "这一天已经录入了新值" in str(no.value.message)


def test_a_value_is_entered_with_its_author(cast: Cast) -> None:
    said = enter(at_desk(cast, "feng"), "final_sign_off", "yes", True)
    assert [word in said for word in ("已录入", "冯管理", SOURCE)] == [True] * 3
    row = Row.objects.get()
    assert (row.key, row.value, row.entered_by, row.source) == (
        "final_sign_off",
        True,
        cast.user("feng"),
        SOURCE,
    )


def test_a_value_to_come_is_taken_back_and_stays_in_the_history(cast: Cast) -> None:
    feng = at_desk(cast, "feng")
    enter(feng, "validity_years", 5)
    row = Row.objects.get()
    path = f"/policies/validity_years/values/{row.pk}/withdrawal/"
    assert "确定撤回自2027年1月1日起的新值吗" in feng.page(path)
    page = words(feng.post(path, follow=True))
    assert "已撤回，该值不再生效" in page
    assert "已撤回 冯管理" in page
    memory.forget_all()
    assert policy.current(date(2027, 1, 1)).validity_years == 3
    assert "该值已经撤回" in words(feng.post(path, follow=True))
    # Another one may be entered for the same day.
    assert "已录入" in enter(feng, "validity_years", 6)
    # Under another key it is not found.
    assert feng.get(f"/policies/issue_days/values/{row.pk}/withdrawal/").status_code == 404


def test_a_value_in_force_is_not_taken_back(cast: Cast) -> None:
    feng = at_desk(cast, "feng")
    enter(feng, "validity_years", 5)
    row = Row.objects.get()
    on(NEW_YEAR)
    path = f"/policies/validity_years/values/{row.pk}/withdrawal/"
    assert "该值已经生效，不能撤回" in words(feng.post(path, follow=True))
    with pytest.raises(Refusal):
        policy_book.withdraw(row=row, by=cast.user("feng"), at=clock.now())
    assert "注册有效期 5 年 2027年1月1日" in feng.page("/policies/")


# --- Running cases ---------------------------------------------------------------------------------------


def referred(cast: Cast, case: Case) -> None:
    """With the authority, under the policy frozen when it was lodged."""
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        two = case.policy["final_sign_off"]
        casefiles.put(case, State.REPORTED, assignee=cast.user("li"), two=two)


def test_a_policy_change_leaves_running_cases_alone(cast: Cast) -> None:
    """Lodged under the old value, decided after the day of the new one: the frozen value holds."""
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        old = casefiles.lodge(cast.zhang, cast.beijing)
    referred(cast, old)
    for key, value in (("validity_years", 5), ("final_sign_off", True)):
        Row.objects.create(key=key, value=value, valid_from=date(2027, 1, 1), source=SOURCE)
    on(NEW_YEAR)
    with cast.at_applicants_desk(cast.sun), crossing.inside(cast.beijing):
        new = casefiles.lodge(cast.sun, cast.beijing)
    referred(cast, new)
    for case in (old, new):
        with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
            found = Case.objects.prefetch_related("opinions").get(pk=case.pk)
            casework.take_up(case=found, by=cast.actor("zhao"))
            casework.approve(case=found, by=cast.actor("zhao"))
    # The old one needs one signature and runs three years, the new one waits for the second.
    assert list(Registration.objects.values_list("case_id", "valid_to")) == [(old.pk, date(2029, 12, 31))]
    with crossing.standing(Desk.AUTHORITY), crossing.inside(cast.beijing):
        found = Case.objects.prefetch_related("opinions").get(pk=new.pk)
        assert found.state == State.REPORTED
        casework.approve(case=found, by=cast.actor("qian"))
    assert Registration.objects.get(case_id=new.pk).valid_to == date(2031, 12, 31)
