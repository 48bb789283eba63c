"""The channel page: three questions, a search, the list; what is posted by hand is refused."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup, Tag
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from intake.flows import Section
from intake.models import Application
from register.models import Kind
from tenants.models import Agency
from tests import factories
from tests.cast import Cast
from tests.intake.desk import EMPLOYER, entered, filled, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(cast: Cast) -> Client:
    """Zhang's browser."""
    return entered(cast.zhang)


@pytest.fixture
def page(client: Client) -> str:
    """The channel page of a new initial registration."""
    return client.post("/applications/new/initial/")["Location"]


def soup(client: Client, path: str) -> BeautifulSoup:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return BeautifulSoup(answer.content, "lxml")


def agencies(shown: BeautifulSoup) -> list[str]:
    """The agencies of the list, as their codes."""
    return [str(each["value"]) for each in shown.select("#agencies input[type=radio]")]


def ticked(shown: BeautifulSoup) -> list[str]:
    return [str(each["value"]) for each in shown.select("input[type=radio][checked]")]


def question(shown: BeautifulSoup) -> str:
    """What is asked, without the number of the question."""
    legend = shown.select_one("#choices > legend")
    assert legend is not None
    return str(legend.find_all(string=True, recursive=False)[-1]).strip()


def text_of(tag: Tag | None) -> str:
    assert tag is not None
    return tag.get_text(" ", strip=True)


def open_another(code: str, kind: Agency.Kind, name: str) -> None:
    """One more agency in the list; nobody looks into its schema."""
    number = 900 + Agency.objects.count()
    Agency.objects.create(code=code, schema_name=code, kind=kind, name_zh=name, number=number)


# --- The questions -----------------------------------------------------------------------------------


def test_three_questions_and_the_province_lead_to_an_agency(client: Client, page: str) -> None:
    open_another("mem", Agency.Kind.MINISTRY, "应急管理部（直属单位）")
    start = soup(client, page)
    assert "不知道选哪个机构？回答三个问题" in text_of(start.select_one(".helper-start"))
    link = start.select_one(".helper-start a")
    assert link is not None
    path = f"{page}{link['href']}"
    for asked, answer in (
        ("单位从事的业务由下列部委主管吗？", "ministry=no"),
        ("聘用单位属于下列中央企业吗？", "group=no"),
        ("聘用单位是应急管理部的直属单位吗？", "direct=no"),
        ("聘用单位在哪个省（自治区、直辖市）？", "province=11"),
    ):
        assert question(soup(client, path)) == asked
        path += f"&{answer}"
    led = soup(client, path)
    advice = text_of(led.select_one(".advice"))
    assert "建议选择：北京市应急管理局（省级）" in advice
    assert "由单位所在地的北京市应急管理局初审。" in advice
    assert ticked(led) == ["beijing"]
    assert len(led.select(".answers dd")) == 4


@pytest.mark.parametrize(
    ("answers", "agency", "advice"),
    [
        ("ministry=mohurd", "mohurd", "建议选择：住房和城乡建设部（部委）"),
        ("ministry=no&group=sinopec", "sinopec", "建议选择：中国石油化工集团有限公司（中央企业）"),
    ],
)
def test_the_first_yes_leads_there(client: Client, page: str, answers: str, agency: str, advice: str) -> None:
    led = soup(client, f"{page}?helper=1&{answers}")
    assert advice in text_of(led.select_one(".advice"))
    assert (ticked(led), agencies(led)) == ([agency], [agency])


def test_the_advice_is_taken_with_one_click_and_another_agency_stays_open(
    cast: Cast, client: Client, page: str
) -> None:
    led = soup(client, f"{page}?helper=1&ministry=mohurd")
    form = led.select_one(".advice form")
    assert form is not None
    hidden = form.select_one("input[name=agency]")
    assert hidden is not None
    answer = client.post(f"{page}?helper=1&ministry=mohurd", {"agency": hidden["value"]})
    assert answer["Location"].endswith("/steps/personal/")
    assert Application.objects.get().agency == cast.mohurd
    client.post(f"{page}?helper=1&ministry=mohurd", {"agency": "beijing"})
    assert Application.objects.get().agency == cast.beijing


def test_an_answer_can_be_changed(client: Client, page: str) -> None:
    led = soup(client, f"{page}?helper=1&ministry=no&group=sinopec")
    links = [str(link["href"]) for link in led.select(".answers a")]
    assert len(links) == 2
    again = soup(client, f"{page}{links[0]}")
    assert question(again) == "单位从事的业务由下列部委主管吗？"
    assert ticked(again) == ["no"]
    kept = {
        str(each["name"]): each["value"] for each in again.select("form:has(fieldset) input[type=hidden]")
    }
    assert kept == {"helper": "1", "group": "sinopec", "asked": "ministry"}


def test_a_question_skipped_is_asked_again_with_a_word(client: Client, page: str) -> None:
    assert "请选择一项。" not in words(client.get(f"{page}?helper=1").content)
    assert "请选择一项。" in words(client.get(f"{page}?helper=1&asked=ministry").content)


def test_the_groups_are_searched_inside_the_question(client: Client, page: str) -> None:
    open_another("sgcc", Agency.Kind.ENTERPRISE, "国家电网有限公司")
    path = f"{page}?helper=1&ministry=no"
    both = soup(client, path)
    assert [str(each["value"]) for each in both.select("#found input")] == ["sinopec", "sgcc"]
    found = soup(client, f"{path}&ask=group&q=gjdw")
    assert [str(each["value"]) for each in found.select("#found input")] == ["sgcc"]
    assert "没有找到这样的机构" in words(client.get(f"{path}&ask=group&q=火星").content)


@pytest.mark.parametrize(
    "answers",
    [
        "ministry=authority",
        "ministry=no&group=beijing",
        "ask=nothing",
        "ask=ministry&ministry=no",
        "direct=maybe&province=99",
        "ministry=" + "x" * 10_000,
        "ministry=%3Cscript%3Ealert(1)%3C/script%3E&asked=%27%22",
        "ministry=no&ministry=mohurd&helper=2",
    ],
)
def test_answers_typed_by_hand_do_no_harm(client: Client, page: str, answers: str) -> None:
    answer = client.get(f"{page}?helper=1&{answers}")
    assert answer.status_code == 200
    assert b"<script>alert" not in answer.content
    hidden = BeautifulSoup(answer.content, "lxml").select("main form[method=get] input[type=hidden]")
    told = {str(each["value"]) for each in hidden}
    assert told <= {"1", "2", "no", "ministry", "group", "province", "mohurd"}


# --- What is known already ---------------------------------------------------------------------------


@pytest.mark.parametrize(("category", "suggested"), [("B5", ["mohurd"]), ("B7", []), ("", [])])
def test_the_certificates_category_suggests_the_ministry(
    cast: Cast, client: Client, category: str, suggested: list[str]
) -> None:
    cast.zhang.qualifications.update(category=category)
    shown = soup(client, client.post("/applications/new/initial/")["Location"])
    assert ticked(shown) == suggested
    assert bool(shown.select(".advice")) is bool(suggested)


def test_the_employer_filled_in_answers_group_and_province(cast: Cast, client: Client, page: str) -> None:
    draft = Application.objects.get()
    draft.sections[Section.EMPLOYER] = {**EMPLOYER, "province": "11", "group": "中国石化"}
    draft.save(update_fields=["sections"])
    assert ticked(soup(client, f"{page}?helper=1&ministry=no")) == ["sinopec"]
    draft.sections[Section.EMPLOYER] = {**EMPLOYER, "province": "11", "group": ""}
    draft.save(update_fields=["sections"])
    led = soup(client, f"{page}?helper=1&ministry=no&group=no&direct=no")
    assert ticked(led) == ["beijing"]
    assert "北京市 修改" in text_of(led.select_one(".answers"))


def test_an_agency_chosen_before_stays_ticked(cast: Cast, client: Client, page: str) -> None:
    cast.zhang.qualifications.update(category="B5")
    client.post(page, {"agency": "beijing"})
    shown = soup(client, page)
    assert ticked(shown) == ["beijing"]
    assert not shown.select(".advice")


# --- The hint ----------------------------------------------------------------------------------------

HINT = "建筑施工和道路运输类别一般由住房和城乡建设、交通运输主管部门初审，请确认注册机构。"


@pytest.mark.parametrize(
    ("category", "agency", "warned"),
    [
        ("B5", "beijing", True),
        ("B6", "beijing", True),
        ("B7", "beijing", False),
        ("B5", "mohurd", False),
        ("B5", "sinopec", False),
    ],
)
def test_a_special_category_at_a_province_is_warned_of_and_goes_on(
    cast: Cast, client: Client, category: str, agency: str, warned: bool
) -> None:
    cast.zhang.qualifications.update(category=category)
    page = client.post("/applications/new/initial/")["Location"]
    answer = client.post(page, {"agency": agency}, follow=True)
    assert answer.redirect_chain[-1][0].endswith("/steps/personal/")
    assert (HINT in words(answer.content)) is warned


def test_the_hint_stands_on_the_preview_too(cast: Cast, client: Client) -> None:
    with cast.at_applicants_desk(cast.zhang):
        draft = filled(cast.zhang, cast.beijing)
    draft.sections[Section.REGISTRATION]["category"] = "A3"
    draft.save(update_fields=["sections"])
    assert HINT in words(client.get(f"/applications/{draft.pk}/steps/preview/").content)


# --- Search ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("北京", ["beijing"]),
        ("beijing", ["beijing"]),
        ("BJ", ["beijing"]),
        ("bei jing", ["beijing"]),
        ("zgsh", ["sinopec"]),
        ("zhongguoshihua", ["sinopec"]),
        ("中石化", ["sinopec"]),
        ("住建部", ["mohurd"]),
        ("housing", ["mohurd"]),
        ("火星", []),
        ("%", []),
        ("_", []),
        ("\\", []),
        ("'\"", []),
        ("authority", []),
        ("终审", []),
        ("x" * 10_000, []),
    ],
)
def test_agencies_of_all_channels_are_searched(
    client: Client, page: str, query: str, found: list[str]
) -> None:
    answer = client.get(page, {"q": query})
    assert answer.status_code == 200
    assert agencies(BeautifulSoup(answer.content, "lxml")) == found
    public = client.get("/agencies/", {"q": query})
    assert public.status_code == 200
    names = {agency.code: agency.name_zh for agency in Agency.objects.all()}
    rows = BeautifulSoup(public.content, "lxml").select("tbody th")
    assert [text_of(row) for row in rows] == [names[code] for code in found]


@pytest.mark.parametrize("path", ["{page}?q=%00", "{page}?helper=1&ministry=%00", "/agencies/?q=%00"])
def test_unreadable_letters_are_turned_away(client: Client, page: str, path: str) -> None:
    assert client.get(path.format(page=page)).status_code == 400


def test_contacts_are_shown_and_empty_ones_said_to_be_missing(cast: Cast, client: Client, page: str) -> None:
    Agency.objects.filter(code="beijing").update(
        phone="010-00000001", address="示例路1号", hours="工作日 9:00–17:00"
    )
    Agency.objects.filter(code="sinopec").update(phone="", address="", hours="")
    assert "电话 010-00000001 · 办公时间 工作日 9:00–17:00 地址 示例路1号" in words(
        client.get(page, {"q": "bj"}).content
    )
    assert "电话 未提供 · 办公时间 未提供 地址 未提供" in words(client.get(page, {"q": "zgsh"}).content)


# --- Suspended agencies, and agencies posted by hand -------------------------------------------------


def test_a_suspended_agency_says_so_and_cannot_be_chosen(cast: Cast, client: Client, page: str) -> None:
    Agency.objects.filter(code="mohurd").update(intake_open=False, phone="010-00000002")
    led = soup(client, f"{page}?helper=1&ministry=mohurd")
    assert "应选择住房和城乡建设部，但该机构暂停接收申请" in text_of(led.select_one(".advice"))
    assert "电话：010-00000002" in text_of(led.select_one(".advice"))
    assert ticked(led) == []
    assert led.select_one("#agency-mohurd[disabled]") is not None
    assert not led.select(".advice form")
    refused = client.post(page, {"agency": "mohurd"})
    assert "住房和城乡建设部暂停接收申请，请另选注册机构。" in words(refused.content)
    assert Application.objects.get().agency is None


@pytest.mark.parametrize(
    ("posted", "said"),
    [
        ({}, "请选择注册机构。"),
        ({"agency": ""}, "请选择注册机构。"),
        ({"agency": "authority"}, "没有这个注册机构，请从列表中选择。"),
        ({"agency": "public"}, "没有这个注册机构，请从列表中选择。"),
        ({"agency": "beijing\0"}, "没有这个注册机构，请从列表中选择。"),
        ({"agency": "BEIJING"}, "没有这个注册机构，请从列表中选择。"),
        ({"agency": "x" * 10_000}, "没有这个注册机构，请从列表中选择。"),
    ],
)
def test_only_an_agency_of_the_list_can_be_chosen(
    client: Client, page: str, posted: dict[str, str], said: str
) -> None:
    answer = client.post(page, posted)
    assert answer.status_code == 200
    assert said in words(answer.content)
    assert Application.objects.get().agency is None


# --- Change and renewal ------------------------------------------------------------------------------


def test_a_change_may_go_to_another_agency_and_comes_back_to_its_step(cast: Cast, client: Client) -> None:
    factories.registration(cast.zhang, cast.beijing)
    path = client.post(f"/applications/new/{Kind.CHANGE}/")["Location"]
    draft = Application.objects.get()
    assert draft.agency == cast.beijing
    client.get(path.replace("personal", "registration"))
    page = f"/applications/{draft.pk}/steps/channel/"
    shown = soup(client, page)
    assert ticked(shown) == ["beijing"]
    assert not shown.select(".advice")
    assert client.post(page, {"agency": "mohurd"})["Location"].endswith("/steps/registration/")
    assert Application.objects.get().agency == cast.mohurd


@pytest.mark.parametrize("query", ["", "?q=bj", "?helper=1", "?helper=1&ministry=mohurd", "?channel=3"])
def test_the_page_asks_seldom(client: Client, page: str, query: str) -> None:
    client.get(f"{page}{query}")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.get(f"{page}{query}")
    of_agencies = [each["sql"] for each in asked if "tenants_agency" in each["sql"]]
    assert len(asked) <= 10
    assert sum('ORDER BY "tenants_agency"."number"' in sql for sql in of_agencies) == 1
