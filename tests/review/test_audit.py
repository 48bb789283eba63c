"""The auditors' pages: what they read, of whom, what verification finds, what they take along."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from register import clock, people
from register.models import DocketEntry, Policy
from register.policy import KEYS
from register.policy_book import BY_KEY
from review import audit, audit_files, casework, prepared
from review.audit import BOOKS, Asked
from review.models import Case, Movement
from review.states import State
from review.tasks import prepare
from tenants import crossing, roles
from tenants.crossing import Desk
from tenants.models import AccessRecord, Agency, PreparedFile, SettingChange
from tests import casefiles
from tests.cast import APPLICANTS, Cast
from tests.review.desks import DeskClient, at_desk, words
from tests.review.test_queue import lodge_one

pytestmark = pytest.mark.django_db

PAGES = ("", "accesses/", "roles/", "settings/", "verification/")


@pytest.fixture(autouse=True)
def unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "ring", lambda kind, key, code: None)


@pytest.fixture
def two(cast: Cast) -> tuple[Case, Case]:
    """Zhang's case at Beijing; what could leak: Gu's at the ministry. Both numbers were looked at."""
    with crossing.standing(Desk.APPLICANT):
        zhang, gu = lodge_one(cast, cast.zhang), lodge_one(cast, cast.gu, "mohurd")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(zhang, cast.actor("li"), State.REPORTED)
        people.full_number(cast.zhang, by=cast.user("li"), reason="核对证件", case_id=zhang.pk)
        change(cast.beijing, cast, "chen", "phone", "010-00000000")
    with crossing.standing(Desk.AGENCY, cast.mohurd):
        casework.take_up(case=gu, by=cast.actor("he"))
        people.full_number(cast.gu, by=cast.user("he"), reason="部里核对", case_id=gu.pk)
        change(cast.mohurd, cast, "lin", "hours", "全天")
    return zhang, gu


def change(agency: Agency, cast: Cast, by: str, field: str, after: str) -> None:
    SettingChange.objects.create(
        agency=agency, user=cast.user(by), field=field, before="", after=after, at=clock.now()
    )


def give(cast: Cast, name: str, role: str, at: str) -> None:
    agency = cast.agencies[at]
    desk = (Desk.AUTHORITY, None) if agency.is_authority else (Desk.AGENCY, agency)
    with crossing.standing(*desk):
        by = cast.user("feng" if agency.is_authority else "chen")
        roles.grant(user=cast.user(name), agency=agency, role=role, by=by)


# --- Who reads what --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["li", "wang", "chen", "zhao", "qian", "zhou", "feng"])
def test_only_auditors_have_these_pages(cast: Cast, name: str) -> None:
    desk = at_desk(cast, name)
    assert [desk.get(f"/audit/{page}").status_code for page in PAGES] == [404] * len(PAGES)
    posts = ("verification/case/", "verification/agency/", "movements/export/")
    assert [desk.post(f"/audit/{page}").status_code for page in posts] == [404] * len(posts)


@pytest.mark.parametrize("page", PAGES[:4])
@pytest.mark.parametrize("query", ["", "?agency=mohurd"])
def test_an_agencys_auditor_reads_of_the_own_agency_only(
    cast: Cast, two: tuple[Case, Case], page: str, query: str
) -> None:
    text = at_desk(cast, "xu").page(f"/audit/{page}{query}")
    theirs = (two[1].reference, "何初审", "部里核对", "林复核", "全天", cast.gu.name)
    assert [said for said in theirs if said in text] == []
    own = {"": two[0].reference, "accesses/": "核对证件", "roles/": "", "settings/": "010-00000000"}
    assert own[page] in text


def test_an_agencys_auditor_finds_no_other_agencys_case(cast: Cast, two: tuple[Case, Case]) -> None:
    xu = at_desk(cast, "xu")
    assert "没有符合条件的记录" in xu.page(f"/audit/?reference={two[1].reference}")
    said = words(xu.post("/audit/verification/case/", {"reference": two[1].reference}))
    assert "没有找到这个申请编号的案卷" in said
    assert xu.post("/audit/verification/agency/", {"agency": "mohurd"}).status_code == 422
    assert xu.get("/audit/policies/").status_code == 404
    assert xu.get("/audit/policies/export/").status_code == 404


def test_the_authoritys_auditor_chooses_the_agency_or_the_case(cast: Cast, two: tuple[Case, Case]) -> None:
    wei = at_desk(cast, "wei")
    assert "请选择注册机构或者填写申请编号" in wei.page("/audit/")
    beijing, ministry = (wei.page(f"/audit/?agency={code}") for code in ("beijing", "mohurd"))
    assert [(each.reference in beijing, each.reference in ministry) for each in two] == [
        (True, False),
        (False, True),
    ]
    found = wei.page(f"/audit/?reference={two[1].reference.lower()}")
    assert ("何初审（经办）" in found, two[0].reference in found) == (True, False)
    assert "没有找到这个申请编号的案卷" in wei.page("/audit/?reference=ZC000000000000")


def test_movements_by_officer_act_and_period(cast: Cast, two: tuple[Case, Case]) -> None:
    def acts(**asked: str) -> list[str]:
        with crossing.standing(Desk.AUTHORITY):
            found = audit.page(BOOKS["movements"], Asked(agency="beijing", **asked))
        return [line.cells[2].text for line in found.lines]

    every = acts()
    assert every == ["报送终审", "出具初审意见", "受理", "领取", "上报"]
    assert acts(officer="李初") == every[:-1]
    assert acts(act="accept") == ["受理"]
    today = clock.today().isoformat()
    assert (acts(since=today, until=today), acts(until="2020-01-01")) == (every, [])


def test_pages_follow_one_another_without_gap_or_repeat(cast: Cast, two: tuple[Case, Case]) -> None:
    with crossing.standing(Desk.AUTHORITY):
        for key, asked in (
            ("movements", Asked(agency="beijing")),
            ("accesses", Asked()),
            ("settings", Asked()),
        ):
            book = BOOKS[key]
            whole = [line.key for line in audit.page(book, asked).lines]
            found: list[str] = []
            place = ""
            for _turn in range(10):
                page = audit.page(book, asked, before=place, size=2)
                found += [line.key for line in page.lines]
                place = page.older
                if not place:
                    break
            assert (found, len(whole) >= 2) == (whole, True)
        for wrong in ("x", "2026-01-01T00:00:00~1", "~", "2026-01-01T00:00:00+08:00~x"):
            assert len(audit.page(BOOKS["settings"], Asked(), before=wrong).lines) == 2


def test_looks_at_numbers_show_masks_of_all_agencies(cast: Cast, two: tuple[Case, Case]) -> None:
    wei = at_desk(cast, "wei")
    text = wei.page("/audit/accesses/")
    said = ("李初审", "核对证件", cast.zhang.document_mask, "何初审", "部里核对", cast.gu.document_mask)
    assert [each for each in said if each not in text] == []
    assert [each.number in text for each in APPLICANTS.values()] == [False] * 3
    only = wei.page("/audit/accesses/?officer=何初审")
    assert ("部里核对" in only, "核对证件" in only) == (True, False)
    assert "核对证件" in wei.page(f"/audit/accesses/?reference={two[0].reference}")


def test_roles_settings_and_policies_at_the_authority(cast: Cast, two: tuple[Case, Case]) -> None:
    give(cast, "li", "supervisor", "beijing")
    with crossing.standing(Desk.AUTHORITY):
        Policy.objects.create(
            key="validity_years",
            value=5,
            valid_from=clock.today(),
            source="示例文件",
            entered_by=cast.user("feng"),
        )
    wei = at_desk(cast, "wei")
    grants = wei.page("/audit/roles/?officer=陈管理")
    assert [said in grants for said in ("李初审", "审核", "仍有效")] == [True] * 3
    changes = wei.page("/audit/settings/")
    assert [said in changes for said in ("010-00000000", "联系电话", "全天")] == [True] * 3
    policies = wei.page("/audit/policies/")
    assert [said in policies for said in ("注册有效期 5 年", "示例文件", "冯管理")] == [True] * 3
    wei.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    english = wei.page("/audit/policies/")
    with override("en"):
        label, value = str(BY_KEY["validity_years"].label), BY_KEY["validity_years"].in_words(5)
    assert (f"{label} {value}" in english, "注册有效期" in english) == (True, False)
    assert [key for key in KEYS if key in policies + english] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_ask_little(cast: Cast, two: tuple[Case, Case], page: str) -> None:
    wei = at_desk(cast, "wei")
    with CaptureQueriesContext(connection) as asked:
        assert wei.get(f"/audit/{page}?agency=beijing").status_code == 200
    assert len(asked) <= 14, [query["sql"][:90] for query in asked]


# --- Verification ----------------------------------------------------------------------------------------


def tamper(cast: Cast, case: Case, number: int = 3) -> None:
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        Movement.objects.filter(case_id=case.pk, number=number).update(actor_name="另一人")


def test_one_case_is_verified_at_once(cast: Cast, two: tuple[Case, Case]) -> None:
    for name in ("wei", "xu"):
        desk = at_desk(cast, name)
        said = words(desk.post("/audit/verification/case/", {"reference": f" {two[0].reference.lower()} "}))
        assert f"{two[0].reference}：5 条流转记录完整" in said
    tamper(cast, two[0])
    said = words(at_desk(cast, "wei").post("/audit/verification/case/", {"reference": two[0].reference}))
    assert f"{two[0].reference}：第 3 条记录起不符，记录写入以后内容被改动" in said


def test_a_state_written_past_the_door_is_found(cast: Cast, two: tuple[Case, Case]) -> None:
    with crossing.standing(Desk.OWNER), crossing.inside(cast.beijing):
        Case.objects.filter(pk=two[0].pk).update(state=State.FINAL_PASSED)
    said = words(at_desk(cast, "xu").post("/audit/verification/case/", {"reference": two[0].reference}))
    assert "案卷的状态或期限与流转记录不符" in said


def ordered(desk: DeskClient, cast: Cast, at: str, of: str) -> PreparedFile:
    said = desk.post("/audit/verification/agency/", {"agency": of}, follow=True)
    assert "正在校验" in said.content.decode()
    agency = cast.agencies[at]
    with crossing.standing(*((Desk.AUTHORITY, None) if agency.is_authority else (Desk.AGENCY, agency))):
        return PreparedFile.objects.get()


@pytest.mark.parametrize(("name", "at"), [("wei", "authority"), ("xu", "beijing")])
def test_an_agency_is_verified_by_a_task_that_names_the_broken_row(
    cast: Cast, two: tuple[Case, Case], name: str, at: str
) -> None:
    desk = at_desk(cast, name)
    order = ordered(desk, cast, at, "beijing")
    assert "等待校验" in desk.page("/audit/verification/")
    tamper(cast, two[0])
    assert prepare(str(order.pk), at)
    page = desk.page("/audit/verification/")
    assert f"1 件中有 1 件不符 {two[0].reference}：第 3 条记录起不符，记录写入以后内容被改动" in page
    rows = list(csv.reader(io.StringIO(desk.get(f"/files/{order.pk}/").content.decode("utf-8-sig"))))
    assert rows == [["申请编号", "流转记录序号", "问题"], [two[0].reference, "3", "记录写入以后内容被改动"]]


def test_whole_chains_are_said_to_be_whole(cast: Cast, two: tuple[Case, Case]) -> None:
    wei = at_desk(cast, "wei")
    order = ordered(wei, cast, "authority", "mohurd")
    assert prepare(str(order.pk), "authority")
    assert "完整 1 件案卷，2 条流转记录" in wei.page("/audit/verification/")


def test_who_is_no_auditor_any_more_gets_no_result(cast: Cast, two: tuple[Case, Case]) -> None:
    wei = at_desk(cast, "wei")
    order = ordered(wei, cast, "authority", "beijing")
    assert prepare(str(order.pk), "authority")
    with crossing.standing(Desk.AUTHORITY):
        roles.revoke(
            user=cast.user("wei"), agency=cast.authority, role="authority_auditor", by=cast.user("feng")
        )
    give(cast, "wei", "registrar", "authority")
    wei = at_desk(cast, "wei")
    assert wei.get(f"/files/{order.pk}/")["Location"] == "/files/"


def test_a_case_handed_over_during_the_walk_is_judged_by_no_other_line(
    cast: Cast, two: tuple[Case, Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tombstone has no line here any more, and the new agency's says something else."""
    wei = at_desk(cast, "wei")
    order = ordered(wei, cast, "authority", "beijing")
    with crossing.standing(Desk.OWNER):
        DocketEntry.objects.filter(pk=two[0].pk).update(agency=cast.mohurd, chain_length=99)
    seen: list[Any] = []
    really = audit_files._broken

    def broken(case: Case, movements: Any, line: Any) -> Any:
        seen.append(line)
        return really(case, movements, line)

    monkeypatch.setattr(audit_files, "_broken", broken)
    assert prepare(str(order.pk), "authority")
    # Once in the walk, once under lock.
    assert seen == [None, None]


# --- Files -----------------------------------------------------------------------------------------------


def test_a_book_is_counted_only_so_far(
    cast: Cast, two: tuple[Case, Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_files, "MOST", 3)
    xu = at_desk(cast, "xu")
    page = xu.page("/audit/movements/export/")
    assert "超过 3 条，不能一次导出，请先缩小查询范围" in page
    said = xu.post("/audit/movements/export/", {"format": "csv"}).content.decode()
    assert "一次最多导出 3 条，符合条件的超过此数" in said
    assert "共 1 条" in xu.page("/audit/movements/export/?act=accept")


def test_a_book_comes_as_a_file(cast: Cast, two: tuple[Case, Case]) -> None:
    xu = at_desk(cast, "xu")
    assert "共 5 条" in xu.page("/audit/movements/export/?agency=mohurd")
    xu.post("/audit/movements/export/?agency=mohurd&officer=李", {"format": "csv"})
    with crossing.standing(Desk.AGENCY, cast.beijing):
        order = PreparedFile.objects.get()
    assert (order.total, order.wish["asked"]) == (4, {"agency": "beijing", "officer": "李"})
    assert prepare(str(order.pk), "beijing")
    text = xu.get(f"/files/{order.pk}/").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert (len(rows), rows[0][:4]) == (5, ["时间", "案卷", "事项", "办理人"])
    assert two[1].reference not in text
    assert at_desk(cast, "wei").get(f"/files/{order.pk}/").status_code == 404


def test_an_order_forged_for_another_agency_reads_the_own_one(cast: Cast, two: tuple[Case, Case]) -> None:
    xu = at_desk(cast, "xu")
    xu.post("/audit/accesses/export/", {"format": "csv"})
    with crossing.standing(Desk.AGENCY, cast.beijing):
        order = PreparedFile.objects.get()
        PreparedFile.objects.filter(pk=order.pk).update(wish={**order.wish, "asked": {"agency": "mohurd"}})
    assert prepare(str(order.pk), "beijing")
    text = xu.get(f"/files/{order.pk}/").content.decode("utf-8-sig")
    assert ("核对证件" in text, "部里核对" in text) == (True, False)


def test_nothing_asked_for_gives_no_file(cast: Cast) -> None:
    said = at_desk(cast, "wei").post("/audit/policies/export/?officer=无此人", {"format": "xlsx"})
    assert "没有可以导出的内容" in said.content.decode()
    assert AccessRecord.objects.count() == 0
