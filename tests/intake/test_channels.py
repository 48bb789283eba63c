"""The three questions that lead to channel and agency: their order, and where each answer leads."""

from __future__ import annotations

import pytest

from intake import channels
from intake.channels import NO, YES, Advice, Answers, Question, consult
from register import codes
from tenants.models import Agency
from tenants.provisioning import read_agencies

ALL = channels.listed(
    Agency(code=row.code, kind=row.kind, name_zh=row.name_zh, name_en=row.name_en, number=number)
    for number, row in enumerate(read_agencies(), 1)
)
BUREAU = Agency(code="ksshanxi", kind=Agency.Kind.PROVINCIAL, name_zh="国家矿山安全监察局山西局", number=900)
WITH_BUREAU = {**ALL, BUREAU.code: BUREAU}
NONE_OF_THREE = Answers(ministry=NO, group=NO, direct=NO)


def without(*codes: str) -> channels.Listed:
    return {code: agency for code, agency in ALL.items() if code not in codes}


def led_to(answers: Answers, agencies: channels.Listed = ALL) -> str:
    """The next question, or the code of the advised agency."""
    outcome = consult(answers, agencies)
    if isinstance(outcome, Question):
        return f"{outcome}?"
    return outcome.agency.code if outcome.agency else "none"


@pytest.mark.parametrize(
    ("answers", "leads_to"),
    [
        (Answers(), "ministry?"),
        # 1. a ministry of the list
        (Answers(ministry="mohurd"), "mohurd"),
        (Answers(ministry="mot"), "mot"),
        (Answers(ministry="nra"), "nra"),
        (Answers(ministry="mem"), "ministry?"),  # is asked third
        (Answers(ministry="sinopec"), "ministry?"),  # no ministry
        (Answers(ministry="authority"), "ministry?"),
        # 2. a central enterprise of the list
        (Answers(ministry=NO), "group?"),
        (Answers(ministry=NO, group="sinopec"), "sinopec"),
        (Answers(ministry=NO, group="cscec"), "cscec"),
        (Answers(ministry=NO, group="beijing"), "group?"),
        # the first question comes before the second
        (Answers(ministry="mohurd", group="cscec"), "mohurd"),
        (Answers(group="cscec"), "ministry?"),
        # 3. directly under 应急管理部
        (Answers(ministry=NO, group=NO), "direct?"),
        (Answers(ministry=NO, group=NO, direct=YES), "mem"),
        (Answers(ministry=NO, group=NO, direct="mem"), "mem"),
        (Answers(ministry=NO, group=NO, direct="maybe"), "direct?"),
        (Answers(ministry=NO, group="sinopec", direct=YES), "sinopec"),
        # otherwise the province
        (NONE_OF_THREE, "province?"),
        (Answers(ministry=NO, group=NO, direct=NO, province="11"), "beijing"),
        (Answers(ministry=NO, group=NO, direct=NO, province="66"), "bingtuan"),
        (Answers(ministry=NO, group=NO, direct=NO, province="61"), "shaanxi"),
        (Answers(ministry=NO, group=NO, direct=NO, province="14"), "shanxi"),
        (Answers(ministry=NO, group=NO, direct=NO, province="99"), "province?"),
        (Answers(ministry=NO, group=NO, direct=NO, province="14", coal=YES), "shanxi"),  # no bureau open
    ],
)
def test_the_way_of_the_questions(answers: Answers, leads_to: str) -> None:
    assert led_to(answers) == leads_to


@pytest.mark.parametrize(
    ("coal", "province", "leads_to"),
    [
        ("", "14", "coal?"),
        (YES, "14", "ksshanxi"),
        (NO, "14", "shanxi"),
        ("", "11", "beijing"),  # that province has none: nobody is asked
        (YES, "11", "beijing"),
    ],
)
def test_coal_goes_to_the_mine_safety_bureau_where_it_is_open(
    coal: str, province: str, leads_to: str
) -> None:
    answers = Answers(ministry=NO, group=NO, direct=NO, province=province, coal=coal)
    assert led_to(answers, WITH_BUREAU) == leads_to


@pytest.mark.parametrize(
    ("agencies", "answers", "leads_to"),
    [
        (without("mohurd"), Answers(ministry="mohurd"), "ministry?"),
        (without("mem"), Answers(ministry=NO, group=NO), "province?"),
        (without("beijing"), Answers(ministry=NO, group=NO, direct=NO, province="11"), "none"),
        ({"beijing": ALL["beijing"]}, Answers(), "province?"),
        ({}, Answers(province="11"), "none"),
    ],
)
def test_an_agency_that_is_not_in_the_list_is_not_asked_about(
    agencies: channels.Listed, answers: Answers, leads_to: str
) -> None:
    assert led_to(answers, agencies) == leads_to


@pytest.mark.parametrize(
    ("answers", "channel", "why"),
    [
        (Answers(ministry="mohurd"), "2", "单位从事的业务由住房和城乡建设部主管，由该部门初审。"),
        (
            Answers(ministry=NO, group="sinopec"),
            "3",
            "聘用单位属于中国石油化工集团有限公司，由该集团初审并统一报送。",
        ),
        (
            Answers(ministry=NO, group=NO, direct=YES),
            "2",
            "聘用单位是应急管理部的直属单位，由应急管理部初审。",
        ),
        (
            Answers(ministry=NO, group=NO, direct=NO, province="31"),
            "1",
            "不由其他部委主管，也不属于中央企业和应急管理部直属单位的，由单位所在地的上海市应急管理局初审。",
        ),
    ],
)
def test_the_advice_names_the_channel_and_says_why(answers: Answers, channel: str, why: str) -> None:
    advice = consult(answers, ALL)
    assert isinstance(advice, Advice)
    assert (advice.channel, advice.why) == (channel, why)


def test_the_ministries_of_the_special_categories_stand_first_and_the_third_question_is_left_out() -> None:
    listed = [agency.code for agency in channels.ministries(ALL)]
    assert listed[:2] == ["mohurd", "mot"]
    assert len(listed) == 17
    assert "mem" not in listed


@pytest.mark.parametrize(
    ("category", "employer", "known"),
    [
        ("", {}, Answers()),
        ("A3", {}, Answers(ministry="mohurd", coal=NO)),
        ("B5", {}, Answers(ministry="mohurd", coal=NO)),
        ("B6", {}, Answers(ministry="mot", coal=NO)),
        ("A1", {}, Answers(coal=YES)),
        ("B1", {}, Answers(coal=YES)),
        ("A5", {"province": "11"}, Answers(province="11", coal=NO)),
        ("", {"group": "中国石油化工集团有限公司"}, Answers(group="sinopec")),
        ("", {"group": "中海油"}, Answers(group="cnooc")),
        ("", {"group": "集团"}, Answers()),  # could mean any
        ("", {"group": "北京市国资委"}, Answers()),
        ("", {"group": ""}, Answers()),
    ],
)
def test_what_the_application_tells_is_not_asked_again(
    category: str, employer: dict[str, str], known: Answers
) -> None:
    assert channels.known(category=category, employer=employer, agencies=ALL) == known


def test_a_ministry_that_is_not_in_the_list_is_not_known() -> None:
    assert channels.known(category="B6", employer={}, agencies=without("mot")) == Answers(coal=NO)


@pytest.mark.parametrize(
    ("category", "channel", "warned"),
    [
        ("A3", "1", True),
        ("B5", "1", True),
        ("B6", "1", True),
        ("A3", "2", False),
        ("B5", "3", False),
        ("A5", "1", False),
        ("B7", "1", False),
        ("", "1", False),
        ("A3", "", False),
    ],
)
def test_a_hint_where_a_special_category_meets_a_province(category: str, channel: str, warned: bool) -> None:
    assert bool(channels.hint(category=category, channel=channel)) is warned


@pytest.mark.django_db
def test_every_province_of_the_code_list_has_its_agency() -> None:
    assert [code for code, _ in codes.choices("province")] == list(channels.AGENCY_OF_PROVINCE)
    assert set(channels.AGENCY_OF_PROVINCE.values()) <= set(ALL)
    assert {ALL[code].kind for code in channels.AGENCY_OF_PROVINCE.values()} == {Agency.Kind.PROVINCIAL}


@pytest.mark.django_db
def test_a_province_leads_to_the_agency_of_its_name() -> None:
    for code, label in codes.choices("province"):
        assert ALL[channels.AGENCY_OF_PROVINCE[code]].name_zh.startswith(label[:2])
