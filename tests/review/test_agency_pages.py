"""The pages of agencies at the authority's desk, and what applicants and the agency's staff see of it."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from intake import filing
from register import clock
from register.models import Kind, Registration
from review import agency_jobs, casework, mergers
from review.states import State
from review.views.authority import agencies as pages
from tenants import agencies, crossing, health
from tenants.crossing import Desk
from tenants.errors import Refusal
from tenants.models import Agency, AgencyJob, SettingChange, User
from tests import casefiles, factories
from tests.cast import Cast
from tests.review.desks import DeskClient, at_desk, words

pytestmark = pytest.mark.django_db

STRANGE = "示例“O'Hara”<b>㐂</b>部"


def form(**more: str) -> dict[str, str]:
    return {
        "key": str(uuid4()),
        "code": "newplace",
        "kind": "ministry",
        "name_zh": STRANGE,
        "name_en": "",
        "phone": "010-12345678",
        "email": "",
        "address": "",
        "hours": "",
        "materials_mode": "paper",
        "review_clock_applies": "on",
        "manager_name": "吴一",
        "manager_username": "wu.newplace",
        "manager_email": "",
        **more,
    }


def administrator(cast: Cast) -> DeskClient:
    return at_desk(cast, "feng")


def order(client: DeskClient, given: dict[str, str]) -> Any:
    return client.post("/agency-openings/new/", {**given, "confirm": "1"})


# --- Opening ------------------------------------------------------------------------------------------


def test_from_the_form_over_the_preview_to_the_link(cast: Cast) -> None:
    feng, given = administrator(cast), form()
    preview = feng.post("/agency-openings/new/", given)
    said = words(preview)
    assert STRANGE in said
    for part in ("http://newplace.localhost", "agency_newplace", "预计 004", "wu.newplace", "机构编号"):
        assert part in said
    assert "<b>㐂</b>" not in preview.content.decode()
    assert not AgencyJob.objects.exists()
    answer = order(feng, given)
    page = answer["Location"]
    assert "建立数据架构" in feng.page(page)
    assert "data-waiting" in feng.get(page).content.decode()
    # The same page sent twice is one order.
    assert order(feng, given)["Location"] == page
    agency_jobs.carry_out(AgencyJob.objects.get().pk)
    assert "链接只显示一次" in feng.page(page)
    assert "机构还没有接收申请" in feng.page(page)
    assert "开始接收申请" in feng.page("/agencies/newplace/")
    assert "开始接收申请？" in feng.page("/agencies/newplace/resumption/")
    assert "还没有人设置账号" in words(feng.post("/agencies/newplace/resumption/", follow=True))
    shown = words(feng.post(f"{page}invitation/"))
    link = re.search(r"http://newplace\.localhost(/invitations/\S+/)", shown)
    assert link is not None
    assert "已经显示过" in words(feng.post(f"{page}invitation/", follow=True))
    assert "已经显示过" in feng.page(page)
    # It opens the page of the first password at the agency's own host, and nowhere else.
    assert Client(HTTP_HOST="newplace.localhost").get(link[1]).status_code == 200
    assert "设置密码" not in words(Client(HTTP_HOST="beijing.localhost").get(link[1]))
    listed = feng.page("/agencies/?q=newplace")
    assert STRANGE in listed
    assert STRANGE in words(Client(HTTP_HOST="localhost").get("/agencies/?q=newplace"))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("code", "beijing", "已经被使用"),
        ("code", "pg_toast", "小写字母或数字"),
        ("code", "Beijing", "小写字母或数字"),
        ("code", 'x"; DROP SCHEMA beijing; --', "小写字母或数字"),
        ("code", "postgres", "保留名称"),
        ("code", "strayed", "已有名为"),
        ("name_zh", "北京市应急管理局", "同名"),
        ("kind", "authority", "请选择机构类别"),
        ("manager_username", "li.beijing", "已被使用"),
        ("phone", "nobody", "请填写电话号码"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    cast: Cast, field: str, value: str, said: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA strayed")
    answer = order(administrator(cast), form(**{field: value}))
    assert answer.status_code == 200
    assert said in words(answer)
    assert "010-12345678" in answer.content.decode() or field == "phone"
    assert not AgencyJob.objects.exists()


def test_two_administrators_at_once_open_one(cast: Cast) -> None:
    feng = administrator(cast)
    assert order(feng, form()).status_code == 302
    second = order(feng, form(name_zh="另一示例部", manager_username="wu.other"))
    assert (second.status_code, "已有人正在用代码" in words(second)) == (200, True)
    assert AgencyJob.objects.count() == 1


@pytest.mark.parametrize("who", ["zhao", "qian", "zhou", "wei"])
def test_nobody_but_an_administrator_finds_a_page_that_changes_something(cast: Cast, who: str) -> None:
    job = AgencyJob.objects.create(
        kind="opening", wish=form(), asked_by=cast.user("feng"), asked_at=clock.now(), step="schema", total=6
    )
    client = at_desk(cast, who)
    nouns = ("particulars", "suspension", "resumption", "merger", "managers/new")
    for path in [f"/agencies/beijing/{noun}/" for noun in nouns] + ["/agency-openings/new/"]:
        assert client.get(path).status_code == 404
        assert client.post(path, form()).status_code == 404
    posts = (
        "/agencies/beijing/mending/",
        "/agency-checks/",
        f"/agency-jobs/{job.pk}/again/",
        f"/agency-jobs/{job.pk}/invitation/",
        f"/agency-jobs/{job.pk}/hand/",
    )
    assert {client.post(path).status_code for path in posts} == {404}
    assert client.get("/agencies/").status_code == 200
    assert client.get("/agencies/beijing/").status_code == 200
    assert client.get(f"/agency-jobs/{job.pk}/").status_code == (200 if who == "wei" else 404)
    assert at_desk(cast, "chen").get("/agencies/beijing/").status_code == 404


# --- The list and the page of one ---------------------------------------------------------------------


def test_the_list_finds_and_counts(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        casefiles.lodge(cast.zhang, cast.beijing)
    health.check(at=clock.now())
    feng = administrator(cast)
    for query, found in (("北京", 1), ("bj", 1), ("beijing", 1), ("zgsh", 1), ("无此机构", 0)):
        page = feng.get("/agencies/", {"q": query}).context["lines"]
        assert (query, len(page)) == (query, found)
    lines = feng.get("/agencies/").context["lines"]
    assert {line.agency.code: (line.open, line.reported, line.overdue) for line in lines} == {
        "beijing": (1, 0, 0),
        "mohurd": (0, 0, 0),
        "sinopec": (0, 0, 0),
    }
    assert {line.health["well"] for line in lines} == {True}
    assert [line.agency.code for line in feng.get("/agencies/?kind=ministry").context["lines"]] == ["mohurd"]
    assert feng.get("/agencies/?standing=suspended").context["lines"] == []
    for odd in ("/agencies/authority/", "/agencies/nowhere/"):
        assert feng.get(odd).status_code == 404


def test_pages_ask_the_same_number_of_questions_however_many_agencies(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    rows = [
        Agency(code=f"a{n}", schema_name=f"a{n}", number=100 + n, kind="ministry", name_zh=f"示例{n}部")
        for n in range(40)
    ]
    Agency.objects.bulk_create(rows)
    feng = administrator(cast)
    with django_assert_max_num_queries(14):
        assert len(feng.get("/agencies/").context["lines"]) == 43
    with django_assert_max_num_queries(20):
        feng.page("/agencies/beijing/")


# --- Names, contact, intake -----------------------------------------------------------------------------


def changed(cast: Cast, client: DeskClient, **values: str) -> Any:
    page = client.get("/agencies/beijing/particulars/")
    given = {name: page.context["form"][name].value() for name in page.context["form"].fields}
    given["seen"] = page.context["form"]["seen"].value()
    given["review_clock_applies"] = "on"
    return client.post("/agencies/beijing/particulars/", {**given, **values})


def test_names_and_contact_are_changed_with_an_author_the_code_never(cast: Cast) -> None:
    feng = administrator(cast)
    answer = changed(cast, feng, name_zh="北京示例局㐂", phone="010-99999999", code="other", number="7")
    assert answer.status_code == 302
    now = Agency.objects.get(pk=cast.beijing.pk)
    assert (now.name_zh, now.phone, now.code, now.number) == (
        "北京示例局㐂",
        "010-99999999",
        "beijing",
        cast.beijing.number,
    )
    made = SettingChange.objects.filter(agency=now).values_list("field", "after", "user")
    assert set(made) == {
        ("name_zh", "北京示例局㐂", cast.user("feng").pk),
        ("phone", "010-99999999", cast.user("feng").pk),
    }
    page = feng.page("/agencies/beijing/")
    assert "北京示例局㐂" in page
    assert "冯管理" in page


def test_who_comes_second_is_told_and_loses_nothing(cast: Cast) -> None:
    feng = administrator(cast)
    page = feng.get("/agencies/beijing/particulars/")
    seen = page.context["form"]["seen"].value()
    given = {name: page.context["form"][name].value() for name in page.context["form"].fields}
    Agency.objects.filter(pk=cast.beijing.pk).update(phone="010-11111111")
    late = feng.post("/agencies/beijing/particulars/", {**given, "seen": seen, "phone": "010-22222222"})
    assert (late.status_code, "有人更改了" in words(late)) == (200, True)
    assert "010-22222222" in late.content.decode()
    assert Agency.objects.get(pk=cast.beijing.pk).phone == "010-11111111"


def test_another_agencys_name_is_refused(cast: Cast) -> None:
    answer = changed(cast, administrator(cast), name_zh=cast.mohurd.name_zh)
    assert (answer.status_code, "同名" in words(answer)) == (200, True)


def test_intake_is_suspended_with_a_reason_that_applicants_read_and_resumed(cast: Cast) -> None:
    feng = administrator(cast)
    assert "请写明暂停的原因" in words(feng.post("/agencies/beijing/suspension/", {"reason": " "}))
    reason = "因系统搬迁，12月5日恢复。"
    with cast.at_applicants_desk(cast.zhang):
        draft = filing.start(person=cast.zhang, kind=Kind.INITIAL)
    assert feng.post("/agencies/beijing/suspension/", {"reason": reason}).status_code == 302
    row = Agency.objects.get(pk=cast.beijing.pk)
    assert (row.intake_open, row.intake_note) == (False, reason)
    with cast.at_applicants_desk(cast.zhang), pytest.raises(Refusal) as no:
        filing.choose_agency(application=draft, agency=row)
    assert reason in str(no.value.message)
    assert "请另选注册机构" in str(no.value.message)
    assert reason in words(Client(HTTP_HOST="localhost").get("/agencies/"))
    assert "已经暂停" in words(feng.post("/agencies/beijing/suspension/", {"reason": reason}))
    feng.post("/agencies/beijing/resumption/")
    assert Agency.objects.get(pk=cast.beijing.pk).intake_open
    assert list(
        SettingChange.objects.filter(agency=row, field="intake_open").values_list("before", "after")
    ) == [("no", "yes"), ("yes", "no")]


# --- Mergers --------------------------------------------------------------------------------------------


def merge(cast: Cast) -> AgencyJob:
    with crossing.standing(Desk.AUTHORITY):
        return mergers.announce(
            agency=cast.beijing, target=cast.mohurd, by=cast.user("feng"), reason="机构改革。"
        )


def test_the_merger_is_asked_for_with_its_effect_and_confirmed(cast: Cast) -> None:
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        casefiles.lodge(cast.zhang, cast.beijing)
    feng, given = administrator(cast), {"target": "mohurd", "reason": "机构改革“㐂”。"}
    said = words(feng.post("/agencies/beijing/merger/", given))
    assert "1 件逐件转交" in said
    assert "合并不能撤回" in said
    assert not AgencyJob.objects.exists()
    answer = feng.post("/agencies/beijing/merger/", {**given, "confirm": "1"})
    job = AgencyJob.objects.get()
    assert answer["Location"] == f"/agency-jobs/{job.pk}/"
    mergers.carry_on(job.pk)
    assert "合并完成" in feng.page(f"/agency-jobs/{job.pk}/")
    assert "已并入" in feng.page("/agencies/beijing/")
    assert "已并入" in feng.page("/agencies/?standing=merged")
    again = feng.post("/agencies/beijing/merger/", {**given, "confirm": "1"}, follow=True)
    assert "已经并入" in words(again)


def test_the_desk_of_a_merged_agency_says_where_to_go(cast: Cast) -> None:
    li, xu = at_desk(cast, "li"), at_desk(cast, "xu")
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = casefiles.lodge(cast.zhang, cast.beijing)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(case, cast.actor("li"), State.FIRST_PASSED)
    job = merge(cast)
    mergers.carry_on(job.pk)
    # What is left is finished there.
    assert "已并入" in li.page("/cases/")
    assert li.get(f"/cases/{case.pk}/").status_code == 200
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.refer(cases=[case], by=cast.actor("li"))
    Agency.objects.filter(pk=cast.beijing.pk).update(merged_at=clock.now())
    gone = li.get("/cases/")
    assert (gone.status_code, cast.mohurd.name_zh in words(gone)) == (410, True)
    assert li.post(f"/cases/{case.pk}/holding/").status_code == 410
    assert xu.get("/cases/").status_code == 200
    assert xu.post(f"/cases/{case.pk}/holding/").status_code == 404
    assert "已并入" in words(Client(HTTP_HOST="beijing.localhost").get("/signin/"))


def test_nothing_is_decided_about_a_closed_agency(cast: Cast) -> None:
    feng = administrator(cast)
    mergers.carry_on(merge(cast).pk)
    chen = cast.user("chen")
    for noun in ("particulars", "managers/new", f"managers/{chen.pk}/invitation", "mending"):
        path = f"/agencies/beijing/{noun}/"
        answer = feng.post(path, {"name": "郑一", "username": "zheng.beijing", "email": ""}, follow=True)
        assert answer.redirect_chain == [("/agencies/beijing/", 302)]
        assert "案卷已全部办结，不能再更改" in words(answer)
    for noun in ("particulars", "managers/new"):
        assert feng.get(f"/agencies/beijing/{noun}/").status_code == 302
    assert not User.objects.filter(username="zheng.beijing").exists()
    page = feng.page("/agencies/beijing/")
    assert [word for word in ("邀请管理员", "检查并修复", "更改名称和联系方式") if word in page] == []


def test_another_administrator_goes_on_with_a_merger(cast: Cast) -> None:
    job = merge(cast)
    AgencyJob.objects.filter(pk=job.pk).update(asked_by=cast.user("wei"), fault="有 1 件案卷没有转交：须回避")
    feng, path = administrator(cast), f"/agency-jobs/{job.pk}/"
    assert "有 1 件案卷没有转交" in feng.page("/agencies/")
    assert "由我继续经办" in feng.page(path)
    assert "由您继续经办" in words(feng.post(f"{path}hand/", follow=True))
    assert "由我继续经办" not in feng.page(path)
    assert AgencyJob.objects.get().asked_by == cast.user("feng")
    assert "合并经办人" in feng.page("/agencies/beijing/")


def test_registrations_lead_to_the_living_agency(cast: Cast) -> None:
    held = factories.registration(cast.zhang, cast.beijing)
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        assert not Registration.objects.filter(pk=held.pk).exists()
    merge(cast)
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        assert Registration.objects.filter(pk=held.pk).exists()
    with crossing.standing(Desk.AGENCY, cast.sinopec):
        assert not Registration.objects.filter(pk=held.pk).exists()
    with cast.at_applicants_desk(cast.zhang):
        draft = filing.start(person=cast.zhang, kind=Kind.CHANGE)
        assert draft.agency == cast.mohurd


def test_applicants_are_led_to_the_living_agency(cast: Cast) -> None:
    merge(cast)
    visitor = Client(HTTP_HOST="localhost")
    assert f"已并入{cast.mohurd.name_zh}" in words(visitor.get("/agencies/"))
    with cast.at_applicants_desk(cast.sun), pytest.raises(Refusal) as no:
        draft = filing.start(person=cast.sun, kind=Kind.INITIAL)
        here = Agency.objects.get(pk=cast.beijing.pk)
        filing.choose_agency(application=draft, agency=here)
    assert f"请改选{cast.mohurd.name_zh}" in str(no.value.message)


# --- Its managers ---------------------------------------------------------------------------------------


def test_a_manager_is_invited_and_invited_again(cast: Cast) -> None:
    feng = administrator(cast)
    given = {"name": "郑一", "username": "zheng.beijing", "email": ""}
    first = words(feng.post("/agencies/beijing/managers/new/", given))
    user = User.objects.get(username="zheng.beijing")
    assert f"http://beijing.localhost/invitations/{user.pk}/" in first
    assert "已被使用" in words(feng.post("/agencies/beijing/managers/new/", given))
    again = words(feng.post(f"/agencies/beijing/managers/{user.pk}/invitation/"))
    assert f"http://beijing.localhost/invitations/{user.pk}/" in again
    other = f"/agencies/mohurd/managers/{user.pk}/invitation/"
    assert feng.post(other)["Location"] == "/agencies/mohurd/"


def test_standing_and_words_of_every_kind_of_change(cast: Cast) -> None:
    assert pages.standing_of(cast.beijing) == "open"
    for name, value, said in (
        ("intake_open", "no", "暂停"),
        ("review_clock_applies", "yes", "按法定时限"),
        ("schema", "mended", "已修复"),
        ("merged_at", "2026-11-23T08:00:00+00:00", "2026-11-23"),
        ("phone", "", ""),
    ):
        assert pages.said_of(name, value) == said
    assert agencies.next_number() == max(Agency.objects.values_list("number", flat=True)) + 1
