"""The agency's settings: who changes them, what is recorded, two at once, and who sees the change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from register import clock, policy
from review import casework
from tenants import crossing, settings_of
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import Agency, SettingChange
from tenants.settings_of import EDITABLE, Overtaken, change_settings
from tests.cast import Cast
from tests.review.desks import DeskClient, at_desk, words

pytestmark = pytest.mark.django_db

MOST_QUERIES = 14


def now(agency: Agency) -> Agency:
    with crossing.standing(Desk.CLERK):
        return Agency.objects.get(pk=agency.pk)


def recorded() -> list[tuple[str, str, str, str]]:
    with crossing.standing(Desk.CLERK):
        rows = SettingChange.objects.order_by("id").select_related("user")
        return [(row.field, row.before, row.after, row.user.name) for row in rows]


def given(client: DeskClient, **changes: Any) -> dict[str, Any]:
    """The form as a browser would send it: what stands on the page, and what was typed over it."""
    form = client.get("/settings/").context["form"]
    sent = {name: form[name].value() for name in EDITABLE}
    sent["seen"] = form["seen"].value()
    sent.update(changes)
    return {
        name: "on" if value is True else value for name, value in sent.items() if value not in (False, None)
    }


def test_a_manager_changes_and_each_change_is_recorded(cast: Cast) -> None:
    chen = at_desk(cast, "chen")
    answer = chen.post(
        "/settings/",
        given(
            chen,
            phone="０10-12345678， 12350 转2",
            hours="工作日 9:00–17:00",
            countersign=True,
            retention_years=30,
        ),
        follow=True,
    )
    assert "已保存：咨询电话、办公时间、初审意见须由另一人复核、案卷保存年限。" in words(answer)
    row = now(cast.beijing)
    assert (row.phone, row.countersign, row.retention_years) == ("010-12345678、12350 转2", True, 30)
    assert recorded() == [
        ("phone", "", "010-12345678、12350 转2", "陈管理"),
        ("hours", "", "工作日 9:00–17:00", "陈管理"),
        ("countersign", "no", "yes", "陈管理"),
        ("retention_years", "10", "30", "陈管理"),
    ]
    page = words(answer)
    assert "陈管理 初审意见须由另一人复核 不须复核 须复核" in page
    assert "陈管理 案卷保存年限 10 年 30 年" in page


def test_what_stands_already_is_no_change(cast: Cast) -> None:
    chen = at_desk(cast, "chen")
    assert "没有改动。" in words(chen.post("/settings/", given(chen), follow=True))
    assert recorded() == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"phone": "12"}, "请填写电话号码，例如 010-12345678、12350。"),
        ({"phone": "010-12345678、请打总机"}, "请填写电话号码，例如 010-12345678、12350。"),
        ({"email": "nobody"}, "请填写有效的电子邮箱"),
        ({"retention_years": "9"}, "请填写 10 至 100 之间的年数。"),
        ({"retention_years": "x"}, "请填写整数。"),
        ({"retention_years": ""}, "请填写年数。"),
        ({"materials_mode": "pigeon"}, "请选择材料方式。"),
        ({"letter_head": "甲" * 101}, "101"),
        ({"seen": "{}"}, "页面内容不完整，请重新打开本页。"),
        ({"seen": "nonsense"}, "页面内容不完整，请重新打开本页。"),
    ],
)
def test_a_fault_is_told_and_nothing_is_lost(cast: Cast, typed: dict[str, str], said: str) -> None:
    chen = at_desk(cast, "chen")
    answer = chen.post("/settings/", given(chen, **{"address": "示例路 9 号", **typed}))
    page = answer.content.decode()
    assert (answer.status_code, said in page, "示例路 9 号" in page, recorded()) == (200, True, True, [])


def test_an_auditor_reads_and_the_others_do_not_find_it(cast: Cast) -> None:
    xu = at_desk(cast, "xu")
    page = xu.get("/settings/").content.decode()
    assert ('name="phone"' in page, "更改记录" in page) == (False, True)
    assert xu.post("/settings/", {"phone": "010-12345678"}).status_code == 404
    for who in ("li", "wang"):
        assert at_desk(cast, who).get("/settings/").status_code == 404
    assert recorded() == []


def test_the_record_names_only_the_own_agencys_settings(cast: Cast) -> None:
    for agency, who in ((cast.beijing, "chen"), (cast.mohurd, "lin")):
        with crossing.standing(Desk.OWNER):
            SettingChange.objects.create(
                agency=agency,
                user=cast.user(who),
                field="phone",
                after=f"010-{agency.number:08d}",
                at=clock.now(),
            )
    with crossing.standing(Desk.OWNER):
        SettingChange.objects.create(
            agency=cast.beijing, user=cast.user("chen"), field="staff_password", before="li", at=clock.now()
        )
    found = at_desk(cast, "xu").get("/settings/").context["changes"]
    assert [change.after for change in found] == [f"010-{cast.beijing.number:08d}"]


def test_the_record_is_read_page_by_page(cast: Cast) -> None:
    with crossing.standing(Desk.OWNER):
        SettingChange.objects.bulk_create(
            SettingChange(
                agency=cast.beijing, user=cast.user("chen"), field="hours", after=f"第{n}次", at=clock.now()
            )
            for n in range(45)
        )
    xu, path, seen = at_desk(cast, "xu"), "/settings/", []
    while path:
        context = xu.get(path).context
        seen.append([change.after for change in context["changes"]])
        path = context["older_url"]
    assert [len(page) for page in seen] == [20, 20, 5]
    assert [text for page in seen for text in page] == [f"第{n}次" for n in reversed(range(45))]
    assert len(xu.get("/settings/?before=nonsense").context["changes"]) == 20


# --- Two at once ---------------------------------------------------------------------------------------


def test_who_comes_second_to_the_same_setting_is_told_and_keeps_what_was_typed(cast: Cast) -> None:
    chen = at_desk(cast, "chen")
    first = given(chen, phone="010-11111111", address="先行路 1 号")
    second = given(chen, phone="010-22222222", hours="随时")
    chen.post("/settings/", first)
    answer = chen.post("/settings/", second)
    page = words(answer)
    assert "您打开本页以后，有人更改了同一项设置。" in page
    assert "陈管理刚才已改为“010-11111111”。仍要改为您填写的内容，请再次保存。" in page
    form = answer.context["form"]
    shown = {name: form[name].value() for name in ("phone", "hours", "address")}
    assert shown == {"phone": "010-22222222", "hours": "随时", "address": "先行路 1 号"}
    assert (now(cast.beijing).phone, now(cast.beijing).hours) == ("010-11111111", "")
    # Saved once more, it counts; what the other did elsewhere stays.
    again = {name: form[name].value() for name in (*EDITABLE, "seen")}
    again = {name: value for name, value in again.items() if value not in (False, None)}
    assert chen.post("/settings/", again).status_code == 302
    row = now(cast.beijing)
    assert (row.phone, row.hours, row.address) == ("010-22222222", "随时", "先行路 1 号")


def test_two_changes_of_different_settings_both_stand(cast: Cast) -> None:
    chen = at_desk(cast, "chen")
    first, second = given(chen, phone="010-11111111"), given(chen, hours="随时")
    assert [chen.post("/settings/", sent).status_code for sent in (first, second)] == [302, 302]
    assert (now(cast.beijing).phone, now(cast.beijing).hours) == ("010-11111111", "随时")


def test_the_same_change_by_two_is_one(cast: Cast) -> None:
    chen = at_desk(cast, "chen")
    sent = given(chen, phone="010-11111111")
    assert [chen.post("/settings/", sent).status_code for _twice in range(2)] == [302, 302]
    assert len(recorded()) == 1


# --- The domain ----------------------------------------------------------------------------------------


def test_only_a_manager_of_this_agency_changes_it(cast: Cast) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        seen = settings_of.current(cast.beijing)
        for who in ("li", "wang", "xu"):
            with pytest.raises(Refusal, match="您没有办理此事项的权限"):
                change_settings(
                    agency=cast.beijing, by=cast.user(who), at=clock.now(), seen=seen, phone="010-11111111"
                )
    assert recorded() == []


def test_the_walls_keep_every_agency_to_its_own_row(cast: Cast) -> None:
    with (
        crossing.standing(Desk.AGENCY, cast.beijing),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
    ):
        Agency.objects.filter(pk=cast.mohurd.pk).update(phone="010-99999999")
    assert now(cast.mohurd).phone == ""


@pytest.mark.parametrize("name", ["code", "number", "name_zh", "intake_open", "review_clock_applies"])
def test_what_is_the_authoritys_is_not_changed_here(cast: Cast, name: str) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing), pytest.raises(ValueError, match=name):
        change_settings(agency=cast.beijing, by=cast.user("chen"), at=clock.now(), seen={}, **{name: "x"})
    chen = at_desk(cast, "chen")
    before = now(cast.beijing)
    chen.post("/settings/", given(chen, **{name: "999"}))
    assert getattr(now(cast.beijing), name) == getattr(before, name)


def test_overtaken_tells_what_stands_now_and_who_did_it(cast: Cast) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        seen = settings_of.current(cast.beijing)
        same: dict[str, Any] = {"agency": cast.beijing, "by": cast.user("chen"), "at": clock.now()}
        change_settings(**same, seen=seen, phone="010-11111111")
        with pytest.raises(Overtaken) as told:
            change_settings(**same, seen=seen, phone="010-22222222", hours="随时")
    assert (told.value.now["phone"], told.value.now["hours"]) == ("010-11111111", "")
    assert {name: change.user.name for name, change in told.value.by.items()} == {"phone": "陈管理"}
    assert len(recorded()) == 1


def test_countersigning_binds_what_is_lodged_afterwards(cast: Cast) -> None:
    rules, agency = policy.current(), cast.beijing
    before = casework.frozen(rules, agency)["countersign"]
    agency.countersign = True
    assert (before, casework.frozen(rules, agency)["countersign"]) == (False, True)


# --- Who sees it ---------------------------------------------------------------------------------------


def test_applicants_see_it_at_once(cast: Cast) -> None:
    anybody = Client(HTTP_HOST="localhost")
    assert "010-12345678" not in anybody.get("/agencies/").content.decode()
    chen = at_desk(cast, "chen")
    chen.post("/settings/", given(chen, phone="010-12345678", hours="工作日上午"))
    page = anybody.get("/agencies/").content.decode()
    assert ("010-12345678" in page, "工作日上午" in page) == (True, True)
    # The desk's own foot names it as well.
    assert "010-12345678" in at_desk(cast, "li").get("/cases/").content.decode()


@pytest.mark.parametrize("rows", [0, 20])
def test_it_keeps_to_its_budget(cast: Cast, rows: int) -> None:
    with crossing.standing(Desk.OWNER):
        SettingChange.objects.bulk_create(
            SettingChange(agency=cast.beijing, user=cast.user("chen"), field="hours", at=clock.now())
            for _n in range(rows)
        )
    chen = at_desk(cast, "chen")
    with CaptureQueriesContext(connection) as asked:
        sent = given(chen, phone="010-12345678")
    assert len(asked) <= MOST_QUERIES, [query["sql"] for query in asked]
    with CaptureQueriesContext(connection) as asked:
        assert chen.post("/settings/", sent).status_code == 302
    assert len(asked) <= MOST_QUERIES, [query["sql"] for query in asked]
    assert json.loads(sent["seen"])["phone"] == ""
