"""The timeline: what has happened in the applicant's words, whose turn it is, what comes and by when."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.utils.translation import override

from intake import progress
from intake.progress import Progress
from register import clock, codes
from register.models import DocketEntry
from review import casework, workflow
from review.models import Case
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tests import casefiles, factories
from tests.cast import Cast
from tests.intake.lodged import ITEMS, brought_to, sent_back

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _on_a_monday(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Monday of an announced year, so that every expected day can be written down."""
    moment = datetime(2026, 3, 2, 9, 0, tzinfo=clock.SHANGHAI)
    monkeypatch.setattr(clock, "now", lambda: moment)


def lodged(cast: Cast) -> Case:
    """Zhang's initial registration, lodged in Beijing now."""
    with cast.at_applicants_desk(cast.zhang), crossing.inside(cast.beijing):
        return casefiles.lodge(cast.zhang, cast.beijing)


@pytest.fixture
def held(cast: Cast) -> Case:
    return lodged(cast)


def shown(cast: Cast, application: Case) -> Progress:
    entry = DocketEntry.objects.select_related("agency").get(case_id=application.pk)
    with cast.at_applicants_desk(cast.zhang):
        return progress.progress_of(entry)


def ahead(found: Progress) -> list[tuple[str, str]]:
    return [(str(event.title), str(event.text)) for event in found.events if event.status == "next"]


def happened(found: Progress) -> list[str]:
    return [str(event.title) for event in found.events if event.status != "next"]


# --- What comes next ---------------------------------------------------------------------------------


def test_each_stage_ahead_has_its_latest_day(cast: Cast, held: Case) -> None:
    # 5, 20, 20 and 10 working days one after another; Qingming (6 April) and May Day (1 to 5 May) are off,
    # 9 May is worked (notice of the State Council on the holidays of 2026).
    assert ahead(shown(cast, held)) == [
        ("受理决定", "最迟2026年3月9日"),
        ("初审并报送", "最迟2026年4月7日（受理之日起 20 个工作日内）"),
        ("终审决定", "最迟2026年5月8日（收到材料之日起 20 个工作日内）"),
        ("公告和制发执业证", "最迟2026年5月21日（作出决定之日起 10 个工作日内）"),
    ]


def test_during_a_correction_the_rules_are_told_and_the_own_day(cast: Cast, held: Case) -> None:
    sent_back(cast, held)
    assert ahead(shown(cast, held)) == [
        ("您重新上报", "最迟2026年3月16日"),
        ("受理决定", "收到材料之日起 5 个工作日内"),
        ("初审并报送", "受理之日起 20 个工作日内"),
        ("终审决定", "收到材料之日起 20 个工作日内"),
        ("公告和制发执业证", "作出决定之日起 10 个工作日内"),
    ]


def test_a_review_that_was_interrupted_goes_on_with_its_days(cast: Cast, held: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=held.pk)
        casework.take_up(case=case, by=cast.actor("li"))
        casework.accept(case=case, by=cast.actor("li"))
        casework.send_back(case=case, by=cast.actor("wang"), items=ITEMS, reason="合同已过期")
    assert ahead(shown(cast, held))[1] == ("继续初审并报送", "重新上报后继续计算，还剩 20 个工作日")


def test_where_the_clock_is_a_target_only_it_says_so(cast: Cast) -> None:
    cast.beijing.review_clock_applies = False
    cast.beijing.save(update_fields=["review_clock_applies"])
    found = shown(cast, lodged(cast))
    assert ahead(found)[0] == ("受理决定", "最迟2026年3月9日，为该机构的内部目标")
    assert found.target


def test_days_of_a_year_not_announced_are_provisional(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 12, 28, 9, 0, tzinfo=clock.SHANGHAI)
    monkeypatch.setattr(clock, "now", lambda: moment)
    assert ahead(shown(cast, lodged(cast)))[0] == ("受理决定", "最迟2027年1月5日（暂定）")


@pytest.mark.parametrize(
    ("state", "titles"),
    [
        (State.FIRST_FAILED, ["报送终审", "终审决定"]),
        (State.SENT_BACK, ["补充审查并再次报送", "终审决定", "公告和制发执业证"]),
        (State.REPORTED, ["终审决定", "公告和制发执业证"]),
        (State.FINAL_PASSED, ["公告和制发执业证"]),
        (State.ANNOUNCED, ["制发执业证"]),
        (State.ISSUED, []),
        (State.WITHDRAWN, []),
    ],
)
def test_what_is_ahead_follows_from_the_state(
    cast: Cast, held: Case, state: State, titles: list[str]
) -> None:
    brought_to(state, held, cast.beijing)
    assert [title for title, _text in ahead(shown(cast, held))] == titles


def test_what_is_overdue_is_said_and_nothing_is_promised_for_the_past(
    cast: Cast, held: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought_to(State.REPORTED, held, cast.beijing)
    moment = datetime(2026, 3, 16, 9, 0, tzinfo=clock.SHANGHAI)
    monkeypatch.setattr(clock, "now", lambda: moment)
    found = shown(cast, held)
    assert ahead(found) == [
        ("终审决定", "应于2026年3月11日前办结，已超过期限"),
        ("公告和制发执业证", "最迟2026年3月30日（作出决定之日起 10 个工作日内）"),
    ]
    assert (found.due_left, found.turn) == (
        -3,
        "现在由终审机构办理，已超过期限。办理结果会及时通知您。",
    )


# --- Whose turn it is --------------------------------------------------------------------------------

TURNS = [
    (State.SUBMITTED, "现在由北京市应急管理局办理，您暂时不需要做什么。"),
    (State.CORRECTION, "现在需要您处理：请在2026年3月11日前修改并重新上报，逾期申请将终止。"),
    (State.SENT_BACK, "现在由北京市应急管理局办理，您暂时不需要做什么。"),
    (State.REPORTED, "现在由终审机构办理，您暂时不需要做什么。"),
    (State.FINAL_PASSED, "现在由终审机构办理，您暂时不需要做什么。"),
    (State.ISSUED, ""),
    (State.FINAL_FAILED, ""),
]


@pytest.mark.parametrize(("state", "turn"), TURNS)
def test_one_sentence_says_whose_turn_it_is(cast: Cast, held: Case, state: State, turn: str) -> None:
    brought_to(state, held, cast.beijing)
    assert shown(cast, held).turn == turn


# --- What has happened -------------------------------------------------------------------------------

TOLD: list[tuple[State, str, str, str]] = [
    (State.SUBMITTED, "已上报，待受理", "本人", ""),
    (State.ACCEPTED, "已受理，初审中", "北京市应急管理局", "受理凭证编号 SL2026110000017"),
    (
        State.DEEMED_ACCEPTED,
        "视为受理，初审中",
        "系统按期限办理",
        "受理期限2026年11月30日届满，注册机构没有告知补正，依法视为受理。",
    ),
    (
        State.CORRECTION,
        "退回补正",
        "北京市应急管理局",
        "1. 单位地址与营业执照不一致\n2. 申请表未签字",
    ),
    (State.LAPSED, "逾期未补正，已终止", "系统按期限办理", "补正期限2026年12月7日届满"),
    (State.WITHDRAWN, "已撤回", "本人", ""),
    (State.REPORTED, "已报送，终审中", "北京市应急管理局", "报送批次 BEIJING-20261207-001"),
    (State.SENT_BACK, "终审退回初审", "终审机构", "请核对合同"),
    (
        State.FINAL_PASSED,
        "终审通过（准予注册）",
        "终审机构",
        "执业证编号 26001000001，注册类别：危险物品安全，有效期2026年12月20日至2029年12月19日",
    ),
    (State.ANNOUNCED, "已公告，制证中", "终审机构", "第2026-12批注册公告"),
    (State.TERMINATED, "已终止", "终审机构", "申请人死亡"),
]


@pytest.mark.parametrize(("state", "title", "who", "text"), TOLD)
def test_each_act_tells_its_result_and_reasons(
    cast: Cast, held: Case, state: State, title: str, who: str, text: str
) -> None:
    brought_to(state, held, cast.beijing)
    last = [event for event in shown(cast, held).events if event.status != "next"][-1]
    if state == State.FINAL_PASSED:
        text = text.replace("危险物品安全", str(codes.label("category", "A5")))
    assert (str(last.title), str(last.who), last.text) == (title, who, text)


@pytest.mark.parametrize("state", [State.NOT_ACCEPTED, State.FIRST_FAILED, State.FINAL_FAILED])
def test_a_refusal_gives_the_reason_in_words_and_the_officers_own(
    cast: Cast, held: Case, state: State
) -> None:
    brought_to(state, held, cast.beijing)
    last = [event for event in shown(cast, held).events if event.status != "next"][-1]
    words = codes.label("reason", "N05")
    assert str(last.text).startswith(f"{words}；")


def test_officers_names_and_inner_steps_stay_inside(cast: Cast, held: Case) -> None:
    sent_back(cast, held)
    found = shown(cast, held)
    assert happened(found) == ["已上报，待受理", "退回补正"]
    assert "补正期限至2026年3月16日" in str(found.events[1].text)
    assert "李初审" not in str([(event.who, event.text) for event in found.events])


def test_a_hand_over_names_both_agencies(cast: Cast, held: Case) -> None:
    brought_to(State.HANDED_OVER, held, cast.beijing)
    events = shown(cast, held).events
    assert [(str(e.title), str(e.who)) for e in events] == [
        ("已上报，待受理", "本人"),
        ("已转交住建部", "北京市应急管理局"),
    ]
    with override("en"):
        assert "MOHURD" in str(shown(cast, held).events[-1].title)


def test_an_extension_is_told_though_the_state_stays(cast: Cast, held: Case) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        case = Case.objects.get(pk=held.pk)
        casework.take_up(case=case, by=cast.actor("li"))
        casework.accept(case=case, by=cast.actor("li"))
        workflow.move(case=case, act="extend", by=cast.actor("wang"), detail={"text": "需要核实"})
    found = shown(cast, held)
    assert happened(found) == ["已上报，待受理", "已受理，初审中", "审查期限延长"]
    assert found.events[2].text == "延长至2026年4月14日\n需要核实"


def test_the_personal_page_shows_the_end_of_a_long_story(cast: Cast, held: Case) -> None:
    for state in (State.ACCEPTED, State.FIRST_PASSED, State.REPORTED, State.SENT_BACK):
        brought_to(state, held, cast.beijing)
    found = shown(cast, held)
    assert (found.earlier, [str(event.title) for event in found.latest[:3]]) == (
        2,
        ["初审通过，待报送", "已报送，终审中", "终审退回初审"],
    )


@pytest.mark.parametrize("state", list(State))
def test_a_line_without_a_case_behind_it_is_shown_all_the_same(cast: Cast, state: State) -> None:
    entry = factories.docket_line(cast.zhang, cast.beijing, state=state, open=False)
    with cast.at_applicants_desk(cast.zhang):
        found = progress.progress_of(entry)
    assert (found.events, bool(found.means)) == ((), True)
