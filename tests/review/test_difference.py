"""A resubmission: what is shown as changed, and which marks of the version before go on counting."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from review import casework, checklist, difference, marks
from review.difference import Pair
from review.models import Case, Correction, Opinion, Tick
from review.states import State
from review.workflow import Actor
from tenants import crossing
from tenants.crossing import Desk
from tenants.errors import Refusal
from tests import casefiles
from tests.cast import Cast
from tests.review.desks import at_desk, words

ROW = {"from": "2020-07", "to": "", "employer": "甲公司", "post": "安全员", "work": "1"}
OTHER = {"from": "2015-01", "to": "2020-06", "employer": "乙公司", "post": "技术员", "work": "2"}
KEYS = ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002")
LINE = {
    "id": KEYS[0],
    "code": "M02",
    "name": "证书.jpg",
    "content_type": "image/jpeg",
    "pages": 1,
    "sha256": "a",
}


# --- Rows and papers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "was", "how"),
    [
        ([ROW], [ROW], ["same"]),
        ([ROW], [], ["added"]),
        ([], [ROW], ["removed"]),
        ([{**ROW, "post": "安全总监"}], [ROW], ["changed"]),
        ([OTHER], [ROW], ["added", "removed"]),
        ([ROW, {**OTHER, "to": "2020-05"}], [OTHER, ROW], ["same", "changed"]),
        ([ROW, ROW], [ROW], ["same", "added"]),
        ([{**ROW, "post": "甲"}, {**ROW, "post": "乙"}], [ROW], ["changed", "added"]),
        ([], [], []),
    ],
)
def test_rows_are_paired_with_what_they_were(
    now: list[dict[str, str]], was: list[dict[str, str]], how: list[str]
) -> None:
    assert [pair.how for pair in difference.paired(now, was)] == how


def test_a_changed_row_stands_beside_the_row_it_was() -> None:
    changed = {**OTHER, "to": "2020-05"}
    assert difference.paired([changed, ROW], [ROW, OTHER]) == [Pair(changed, OTHER), Pair(ROW, ROW)]


@pytest.mark.parametrize(
    ("now", "added", "replaced", "removed"),
    [
        (["1:M02"], [], [], []),
        (["1:M02", "2:M03"], ["2"], [], []),
        (["2:M02"], [], ["2"], ["1"]),
        ([], [], [], ["1"]),
    ],
)
def test_papers_are_new_replaced_or_gone(
    now: list[str], added: list[str], replaced: list[str], removed: list[str]
) -> None:
    lines = [dict(zip(("id", "code"), one.split(":"), strict=True)) for one in now]
    found = difference.papers(lines, [{**LINE, "id": "1"}])
    told = (sorted(found.added), sorted(found.replaced), [line["id"] for line in found.removed])
    assert told == (added, replaced, removed)


# --- Marks that go on counting ---------------------------------------------------------------------------

BASE: dict[str, Any] = {"personal": {"name": "张"}, "employer": {"name": "甲"}, "photo": {"sha256": "p"}}


@pytest.mark.parametrize(
    ("changes", "asked", "ticks", "counts"),
    [
        ([{}], [], [("employer", 1, True)], (True, 1)),
        ([{}, {}], [[]], [("employer", 1, True)], (True, 1)),
        ([{}, {}], [[]], [("employer", 1, False)], (False, 1)),
        ([{}, {"employer": {"name": "乙"}}], [[]], [("employer", 1, True)], None),
        ([{}, {}], [["employer.name"]], [("employer", 1, True)], None),
        ([{}, {}], [["personal"]], [("employer", 1, True)], (True, 1)),
        ([{}, {}], [[]], [("employer", 1, True), ("employer", 2, False)], (False, 2)),
        ([{}, {}, {}], [[], []], [("employer", 1, True)], (True, 1)),
        ([{}, {"employer": {"name": "乙"}}, {}], [[], []], [("employer", 1, True)], None),
        ([{}, {}, {}], [["employer"], []], [("employer", 2, True)], (True, 2)),
        ([{}, {}, {}], [["employer"], []], [("employer", 1, True)], None),
    ],
)
def test_a_mark_counts_where_neither_content_nor_question_changed(
    changes: list[dict[str, Any]],
    asked: list[list[str]],
    ticks: list[tuple[str, int, bool]],
    counts: tuple[bool, int] | None,
) -> None:
    contents = {version: {**BASE, **change} for version, change in enumerate(changes, 1)}
    told = [
        Correction(items=[{"item": item} for item in items], answered_by_version=version)
        for version, items in enumerate(asked, 2)
    ]
    made = [Tick(item=item, version=version, in_order=fine) for item, version, fine in ticks]
    mark = marks.counting(len(changes), contents, made, told)["employer"]
    assert (mark and (mark.in_order, mark.version)) == counts


# --- The page and the opinion ------------------------------------------------------------------------------


@pytest.fixture
def answered(cast: Cast) -> Case:
    """A case whose employer was at fault: told, mended and lodged again, the reviewer's again."""
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        case = casefiles.lodge(cast.zhang, cast.beijing, papers=[LINE], experience=[ROW, OTHER])
    li = cast.actor("li")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        held = Case.objects.get(pk=case.pk)
        casework.take_up(case=held, by=li)
        casefiles.tick_all(held, li, fault="employer")
        items = [
            {"item": "employer.name", "code": "R08", "text": "单位名称与执照不一致"},
            {"item": "experience", "code": "R09", "text": "时间有误"},
        ]
        casework.send_back(case=held, by=li, items=items)
    again(cast, case)
    return case


def again(cast: Cast, case: Case) -> None:
    applicant = Actor.applicant(user_id=cast.zhang.user_id, person_id=cast.zhang.pk, name=cast.zhang.name)
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        first = case.dossiers.get(version=1).content
        changes = {
            "employer": {**first["employer"], "name": "北京示范化工有限公司"},
            "experience": [
                {**ROW, "post": "安全总监"},
                {"from": "2012-01", "to": "2014-12", "employer": "丙"},
            ],
            "papers": [{**LINE, "id": KEYS[1], "sha256": "b"}],
            "answers": [{"item": "experience", "text": "已按社保记录更正"}],
        }
        filing = casefiles.filing(cast.zhang, cast.beijing, **changes)
        casework.resubmit(case=Case.objects.get(pk=case.pk), by=applicant, filing=filing)


@pytest.mark.django_db
def test_the_page_shows_what_changed_and_carries_the_rest_over(cast: Cast, answered: Case) -> None:
    page = at_desk(cast, "li").page(f"/cases/{answered.pk}/")
    assert "只看变化 与上一版相比： 聘用单位信息 工作经历 签字盖章的申请表及材料" in page
    assert page.count("沿用第 1 版的核对结果") == 4
    assert page.count("没有变化，展开查看") == 4
    assert "北京示范化工有限公司 原：北京示例化工有限公司" in page
    assert "安全总监 原：安全员" in page
    assert "新增 2012年1月" in page
    assert "已删除 2015年1月" in page
    assert "补正后更换" in page
    assert "本版已撤下" in page
    assert "补正要求：聘用单位信息 · 单位名称：单位名称与执照不一致" in page
    assert "申请人答复：已按社保记录更正" in page
    assert "还有 3 项没有核对" in page


@pytest.mark.django_db
def test_the_page_of_a_first_version_compares_nothing(cast: Cast, answered: Case) -> None:
    page = at_desk(cast, "li").page(f"/cases/{answered.pk}/?version=1")
    assert "只看变化" not in page
    assert "沿用" not in page


@pytest.mark.django_db
def test_the_opinion_asks_only_for_what_changed(cast: Cast, answered: Case) -> None:
    li = cast.actor("li")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=answered.pk)
        casework.accept(case=case, by=li)
        with pytest.raises(Refusal, match="聘用单位信息、工作经历、签字盖章的申请表及材料"):
            casework.give_opinion(case=case, by=li, verdict=Opinion.Verdict.PASS)
        for item in ("employer", "experience", "papers"):
            casefiles.tick(case, li, item, in_order=True)
        casework.give_opinion(case=case, by=li, verdict=Opinion.Verdict.PASS)
        case.refresh_from_db()
        assert case.state == State.FIRST_PASSED


@pytest.mark.django_db
def test_marks_made_on_an_earlier_version_are_refused_and_nothing_typed_is_lost(
    cast: Cast, answered: Case
) -> None:
    """The page was opened before the applicant answered: nobody has read the new version yet."""
    client = at_desk(cast, "li")
    stale = {"verdict-employer": "fault", "remark-employer": "名称仍不一致", "verdict-papers": "ok"}
    for version in ("1", "", "3", "x"):
        answer = client.post(f"/cases/{answered.pk}/checks/", {**stale, "version": version})
        page = words(answer)
        assert answer.status_code == 409
        assert "申请材料已更新为第 2 版" in page
        assert "聘用单位信息：名称仍不一致" in page
        assert "申请材料（第 2 版）" in page
    with crossing.standing(Desk.AGENCY, cast.beijing):
        assert Tick.objects.filter(version=2).count() == 0
    answer = client.post(f"/cases/{answered.pk}/checks/", {**stale, "version": "2"}, follow=True)
    assert "核对结果已保存" in words(answer)
    with crossing.standing(Desk.AGENCY, cast.beijing):
        found = marks.now(Case.objects.get(pk=answered.pk))
    assert found["employer"] == marks.Mark(in_order=False, remark="名称仍不一致", version=2)
    assert found["papers"] == marks.Mark(in_order=True, remark="", version=2)


@pytest.mark.django_db
def test_keeping_all_marks_keeps_to_the_budget(cast: Cast, answered: Case) -> None:
    client = at_desk(cast, "li")
    sent = {f"verdict-{item.key}": "ok" for item in checklist.ITEMS} | {"version": "2"}
    client.post(f"/cases/{answered.pk}/checks/", sent)
    with CaptureQueriesContext(connection) as asked:
        client.post(f"/cases/{answered.pk}/checks/", sent)
    assert len(asked) <= 14, "\n".join(query["sql"][:150] for query in asked)


@pytest.mark.django_db
def test_a_mark_carried_over_can_be_changed(cast: Cast, answered: Case) -> None:
    li = cast.actor("li")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=answered.pk)
        casefiles.tick(case, li, "personal", in_order=False, remark="学历有误")
        mark = marks.now(case)["personal"]
    assert mark == marks.Mark(in_order=False, remark="学历有误", version=2)
